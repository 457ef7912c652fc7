//! The command line.

use std::{net::SocketAddr, path::PathBuf};

use clap::{
    Arg, ArgMatches, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
    error::ErrorKind,
    value_parser,
};
use ocelli_kit::service::{Flag, FlagValue, ServiceEntry};
use ocelli_messages::{Named as _, v1};

/// The values of flags, each with the field of the settings that it sets.
pub(crate) type Flags = Vec<(String, toml::Value)>;

/// The commands that start services, and so take the flags of services.
const STARTING: [&str; 2] = ["up", "run"];

/// Parses the command line. The error is what has to be printed instead: a mistake, or the help.
pub(crate) fn parse(services: &[ServiceEntry]) -> Result<(Command, Flags), clap::Error> {
    let matches = command(services).try_get_matches()?;
    let flags = flags(services, &matches);
    let parsed = Cli::from_arg_matches(&matches)?.command;
    if let Command::Run(run) = &parsed
        && let Some((kind, message)) = contradiction(services, &run.services, &matches)
    {
        return Err(command(services).error(kind, message));
    }
    Ok((parsed, flags))
}

/// What is wrong with the services to run and the flags that are given for them.
fn contradiction(
    services: &[ServiceEntry],
    named: &[String],
    matches: &ArgMatches,
) -> Option<(ErrorKind, String)> {
    let twice = named
        .iter()
        .enumerate()
        .find(|(index, name)| named.iter().take(*index).any(|n| n == *name));
    if let Some((_, name)) = twice {
        return Some((ErrorKind::ArgumentConflict, format!("{name} is named twice")));
    }
    let (_, start) = matches.subcommand()?;
    let idle = services.iter().filter(|entry| !named.iter().any(|name| name == entry.name));
    let flags = idle.flat_map(|entry| entry.flags.iter().map(move |flag| (entry.name, flag.name)));
    let given = |(_, flag): &(&str, &str)| {
        start.value_source(flag) == Some(clap::parser::ValueSource::CommandLine)
    };
    let (service, flag) = flags.into_iter().find(given)?;
    let message = format!("--{flag} is for {service}, which is not among the services to run");
    Some((ErrorKind::ArgumentConflict, message))
}

/// The command line with the names and flags of the given services.
pub(crate) fn command(services: &[ServiceEntry]) -> clap::Command {
    let names = services.iter().map(|entry| PossibleValue::new(entry.name).help(entry.about));
    let names = PossibleValuesParser::new(names);
    let command = Cli::command().mut_subcommand("run", |run| {
        run.mut_arg("services", |services| services.value_parser(names))
    });
    STARTING.into_iter().fold(command, |command, name| {
        command.mut_subcommand(name, |start| {
            entries(services).fold(start, |start, (_, flag)| start.arg(argument(flag)))
        })
    })
}

/// Every flag of every service, with the field that it sets, such as `ingest.http_addr`.
fn entries(services: &[ServiceEntry]) -> impl Iterator<Item = (String, &'static Flag)> {
    services.iter().flat_map(|entry| {
        let field = |flag: &Flag| format!("{}.{}", entry.section.name(), flag.field);
        entry.flags.iter().map(move |flag| (field(flag), flag))
    })
}

fn argument(flag: &'static Flag) -> Arg {
    let argument = Arg::new(flag.name).long(flag.name).help(flag.help);
    match flag.value {
        FlagValue::Address => argument.value_name("ADDR").value_parser(value_parser!(SocketAddr)),
        FlagValue::Folder => argument.value_name("DIR").value_parser(value_parser!(PathBuf)),
    }
}

/// The values of the services' flags.
fn flags(services: &[ServiceEntry], matches: &ArgMatches) -> Flags {
    let Some((name, start)) = matches.subcommand() else { return Vec::new() };
    if !STARTING.contains(&name) {
        return Vec::new();
    }
    entries(services)
        .filter_map(|(field, flag)| {
            let value = match flag.value {
                FlagValue::Address => start.get_one::<SocketAddr>(flag.name)?.to_string(),
                FlagValue::Folder => {
                    start.get_one::<PathBuf>(flag.name)?.to_string_lossy().into_owned()
                }
            };
            Some((field, value.into()))
        })
        .collect()
}

/// Images in, filtered images out, on any number of CPU and GPU workers.
#[derive(Debug, Parser)]
#[command(version, about, term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start everything on this machine: a broker, the workers and the HTTP gateway
    Up(Up),
    /// Start some services on an existing broker
    Run(Run),
    /// Send images through filters, over NATS
    Process(Process),
    /// List the filters and their parameters
    Filters(Filters),
    /// Start everything, send photographs through filters, show the times, and stop everything
    Demo(Demo),
    /// Check this machine and report what is missing
    Doctor(Doctor),
    /// Check or show the configuration
    Config(Config),
    /// Print completions for a shell
    Completions {
        /// The shell to print completions for
        shell: clap_complete::Shell,
    },
}

/// The file that settings are read from.
#[derive(Debug, Default, Args)]
pub(crate) struct ConfigFile {
    /// A TOML file with settings; `ocelli config show` prints all of them
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Up {
    #[command(flatten)]
    pub(crate) admin: Admin,
    /// Port of the broker on 127.0.0.1; 0 chooses a free one [default: 4222]
    #[arg(long, value_name = "PORT")]
    pub(crate) nats_port: Option<u16>,
    /// Folder for the broker's files [default: data]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Print three commands to try when everything is ready
    #[arg(long)]
    pub(crate) hints: bool,
    #[command(flatten)]
    pub(crate) file: ConfigFile,
}

/// The address of the admin port, which every process has.
#[derive(Debug, Default, Args)]
pub(crate) struct Admin {
    /// Address for health and metrics; port 0 chooses a free one [default: 127.0.0.1:8002]
    #[arg(long, value_name = "ADDR")]
    pub(crate) admin: Option<SocketAddr>,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The services to start
    #[arg(required = true)]
    pub(crate) services: Vec<String>,
    /// URL of the broker [default: nats://127.0.0.1:4222]
    #[arg(long, value_name = "URL")]
    pub(crate) nats: Option<String>,
    #[command(flatten)]
    pub(crate) admin: Admin,
    #[command(flatten)]
    pub(crate) file: ConfigFile,
}

/// The broker and tenant that a client uses, and its time limit.
#[derive(Debug, Args)]
pub(crate) struct Target {
    /// URL of the broker
    #[arg(long, value_name = "URL", default_value = "nats://127.0.0.1:4222", global = true)]
    pub(crate) nats: String,
    /// Tenant that the requests belong to
    #[arg(long, default_value = "default", global = true)]
    pub(crate) tenant: String,
    /// Time limit for an answer, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30, global = true,
          value_parser = value_parser!(u64).range(1..))]
    pub(crate) timeout: u64,
}

#[derive(Debug, Args)]
pub(crate) struct Process {
    /// Images (PNG, JPEG, WebP), or folders of them
    #[arg(required = true)]
    pub(crate) inputs: Vec<PathBuf>,
    /// A filter with its parameters, for example `blur:sigma=3,kernel_size=7`; repeat it for a
    /// chain
    #[arg(long = "filter", short = 'f', value_name = "ID[:KEY=VALUE,…]")]
    pub(crate) filters: Vec<String>,
    /// Where to write the result: a file for one image, a folder for several
    #[arg(long, short, value_name = "PATH")]
    pub(crate) output: PathBuf,
    /// Format of the results [default: the output file's extension, or the input's format]
    #[arg(long, value_name = "png|jpeg|webp")]
    pub(crate) format: Option<String>,
    /// JPEG quality, 1 to 100
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) quality: u32,
    /// The device to compute on
    #[arg(long, default_value = v1::Accelerator::Auto.name(), value_parser = accelerators())]
    pub(crate) accelerator: v1::Accelerator,
    /// How many images to process at a time
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) concurrency: u16,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// The names of the accelerators, as everywhere else.
fn accelerators() -> impl TypedValueParser<Value = v1::Accelerator> {
    PossibleValuesParser::new(v1::Accelerator::names())
        .map(|name| v1::Accelerator::named(&name).unwrap_or(v1::Accelerator::Auto))
}

#[derive(Debug, Args)]
pub(crate) struct Filters {
    #[command(subcommand)]
    pub(crate) action: Option<FiltersAction>,
    /// Print JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) target: Target,
}

#[derive(Debug, Subcommand)]
pub(crate) enum FiltersAction {
    /// Show all details of one filter
    Show {
        /// The id of the filter, for example `blur`
        id: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// A folder of photographs
    #[arg(long, value_name = "DIR", default_value = ".tools/photos")]
    pub(crate) photos: PathBuf,
    /// Folder for the pictures before and after
    #[arg(long, value_name = "DIR", default_value = "out")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    #[command(flatten)]
    pub(crate) file: ConfigFile,
}

#[derive(Debug, Args)]
pub(crate) struct Config {
    #[command(subcommand)]
    pub(crate) action: ConfigAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigAction {
    /// List all mistakes in the settings
    Check(ConfigFile),
    /// Print the effective settings, with secrets hidden
    Show(ConfigFile),
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_consistent() {
        super::command(crate::SERVICES).debug_assert();
    }
}
