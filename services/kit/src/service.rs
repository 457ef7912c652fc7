//! What a service is to the process that runs it.
//!
//! A service is one crate with a type that implements [`Service`], and one line in the registry of
//! the program, [`ServiceEntry::of`]. From the registry come the names on the command line, the
//! sections of the settings, the checks of `ocelli config check`, the flags of `ocelli up` and the
//! help texts of the metrics.

use futures::{FutureExt as _, future::LocalBoxFuture};
use ocelli_actors::{metrics::MetricRow, supervisor::ChildSpec};
use ocelli_messages::{ErrorKind, Failure};

use crate::{
    config::{Section, SectionEntry, Settings},
    host::Host,
};

/// A service.
pub trait Service: 'static {
    /// What it is called: on the command line, as a NATS service, as a queue group and in metrics.
    /// Lower case, with hyphens.
    const NAME: &'static str;
    /// Its section of the settings: its name, with underscores.
    const SECTION: &'static str;
    /// One line for the command line's help.
    const ABOUT: &'static str;
    /// Its metrics, besides those that every service has.
    const METRICS: &'static [MetricRow] = &[];
    /// Flags of `ocelli up` and `ocelli run` that set its fields.
    const FLAGS: &'static [Flag] = &[];

    /// Its settings.
    type Config: Section;

    /// Makes its actors. Called once, on the main thread, before any actor runs.
    ///
    /// # Errors
    /// What keeps it from starting, with the setting that would have to change.
    fn build(config: Self::Config, host: &Host) -> impl Future<Output = Result<Built, Failure>>;
}

/// A flag that sets a field of a service's section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flag {
    /// Its name, e.g. `http` for `--http`.
    pub name: &'static str,
    /// The field that it sets, e.g. `http_addr`.
    pub field: &'static str,
    /// What it takes.
    pub value: FlagValue,
    /// One line for the command line's help.
    pub help: &'static str,
}

/// What a flag takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlagValue {
    /// A socket address, e.g. `127.0.0.1:8000`.
    Address,
    /// A folder.
    Folder,
}

/// A service that is ready to be started.
#[derive(Debug)]
pub struct Built {
    /// Its actors.
    pub child: ChildSpec,
    /// Where it listens, by what listens there, e.g. `http`; shown in the ready line.
    pub addresses: Vec<(&'static str, String)>,
}

impl Built {
    /// A service that listens on no address of its own.
    #[must_use]
    pub const fn new(child: ChildSpec) -> Self {
        Self { child, addresses: Vec::new() }
    }

    /// Adds an address to the ready line.
    #[must_use]
    pub fn listening(mut self, name: &'static str, address: impl ToString) -> Self {
        self.addresses.push((name, address.to_string()));
        self
    }
}

type Build = for<'a> fn(&'a Settings, &'a Host) -> LocalBoxFuture<'a, Result<Built, Failure>>;

/// A line of the registry: a service without its type.
#[derive(Clone, Copy, Debug)]
pub struct ServiceEntry {
    /// What the service is called.
    pub name: &'static str,
    /// One line for the command line's help.
    pub about: &'static str,
    /// Its section of the settings.
    pub section: SectionEntry,
    /// Its metrics.
    pub metrics: &'static [MetricRow],
    /// Its flags.
    pub flags: &'static [Flag],
    build: Build,
}

impl ServiceEntry {
    /// The entry of that service.
    #[must_use]
    pub const fn of<S: Service>() -> Self {
        Self {
            name: S::NAME,
            about: S::ABOUT,
            section: SectionEntry::of::<S::Config>(S::SECTION),
            metrics: S::METRICS,
            flags: S::FLAGS,
            build: build::<S>,
        }
    }

    /// Makes the service's actors with its section of the settings.
    ///
    /// # Errors
    /// What keeps it from starting.
    pub async fn build(&self, settings: &Settings, host: &Host) -> Result<Built, Failure> {
        (self.build)(settings, host).await
    }
}

fn build<'a, S: Service>(
    settings: &'a Settings,
    host: &'a Host,
) -> LocalBoxFuture<'a, Result<Built, Failure>> {
    async move {
        let config = settings.section(S::SECTION).map_err(|problem| {
            Failure::new(ErrorKind::Internal, problem.message).at(problem.field)
        })?;
        S::build(config, host).await
    }
    .boxed_local()
}
