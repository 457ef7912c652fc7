//! The interface between a service and the process that runs it.
//!
//! A service is a crate with a type that implements [`Service`], and one line,
//! [`ServiceEntry::of`], in the program's registry. The names on the command line, the sections of
//! the settings, the checks of `ocelli config check`, the flags of `ocelli up` and the help texts
//! of metrics are all derived from the registry.

use futures::{FutureExt as _, future::LocalBoxFuture};
use ocelli_actors::{metrics::MetricRow, supervisor::ChildSpec};
use ocelli_messages::{ErrorKind, Failure};

use crate::{
    config::{Section, SectionEntry, Settings},
    host::Host,
};

/// A service that a process can run.
pub trait Service: 'static {
    /// The name of the service on the command line, in NATS, as a queue group and in metrics. It is
    /// lower case, with hyphens.
    const NAME: &'static str;
    /// The name of its section of the settings, which is `NAME` with underscores.
    const SECTION: &'static str;
    /// One line of help on the command line.
    const ABOUT: &'static str;
    /// The metrics of the service, besides those that every service has.
    const METRICS: &'static [MetricRow] = &[];
    /// The flags of `ocelli up` and `ocelli run` that set fields of its section.
    const FLAGS: &'static [Flag] = &[];

    /// The section of the settings that configures the service.
    type Config: Section;

    /// Creates the actors of the service. It is called once, on the main thread, before any actor
    /// runs.
    ///
    /// # Errors
    /// The reason why the service cannot start, with the setting that has to change.
    fn build(config: Self::Config, host: &Host) -> impl Future<Output = Result<Built, Failure>>;
}

/// A command-line flag that sets a field of a service's section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flag {
    /// The name of the flag, e.g. `http` for `--http`.
    pub name: &'static str,
    /// The field that the flag sets, e.g. `http_addr`.
    pub field: &'static str,
    /// The type of the flag's value.
    pub value: FlagValue,
    /// One line of help on the command line.
    pub help: &'static str,
}

/// The type of a flag's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlagValue {
    /// The flag takes a socket address, e.g. `127.0.0.1:8000`.
    Address,
    /// The flag takes the path of a folder.
    Folder,
}

/// A service that is ready to be started.
#[derive(Debug)]
pub struct Built {
    /// The actors of the service, below one supervisor.
    pub child: ChildSpec,
    /// The addresses that the service listens on, each with a name, e.g. `http`. The ready line
    /// shows them.
    pub addresses: Vec<(&'static str, String)>,
}

impl Built {
    /// A service without addresses of its own.
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

/// An entry of the registry: a service without its type, so that services can be listed.
#[derive(Clone, Copy, Debug)]
pub struct ServiceEntry {
    /// The name of the service.
    pub name: &'static str,
    /// One line of help on the command line.
    pub about: &'static str,
    /// The section of the settings that configures the service.
    pub section: SectionEntry,
    /// The metrics of the service.
    pub metrics: &'static [MetricRow],
    /// The command-line flags of the service.
    pub flags: &'static [Flag],
    build: Build,
}

impl ServiceEntry {
    /// The entry for the service `S`.
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

    /// Creates the actors of the service from its section of the settings.
    ///
    /// # Errors
    /// The reason why the service cannot start.
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
