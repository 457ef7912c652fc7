//! The command line.

use std::{net::SocketAddr, path::PathBuf};

use clap::{
    Arg, ArgMatches, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum,
    builder::{PossibleValue, PossibleValuesParser},
    value_parser,
};
use ocelli_kit::service::{Flag, FlagValue, ServiceEntry};

/// The flags that set fields of the settings, by field.
pub(crate) type Flags = Vec<(String, toml::Value)>;

/// The commands that start services and so take their flags.
const STARTING: [&str; 2] = ["up", "run"];

/// Reads the command line, or ends the process with its help or with what is wrong.
pub(crate) fn parse(services: &[ServiceEntry]) -> (Command, Flags) {
    let matches = command(services).get_matches();
    let flags = flags(services, &matches);
    match Cli::from_arg_matches(&matches) {
        Ok(cli) => (cli.command, flags),
        Err(error) => error.exit(),
    }
}

/// The command line with the names and flags of those services.
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

/// Every flag of every service, with the field that it sets: `ingest.http_addr`.
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

/// What the flags of services say.
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
    /// Start some services, on a broker that is there already
    Run(Run),
    /// Send images through filters, over NATS
    Process(Process),
    /// Show what the filters are and what they take
    Filters(Filters),
    /// Start everything, send photographs through filters, show what it took, stop everything
    Demo(Demo),
    /// Look at this machine: what is there, what is missing
    Doctor(Doctor),
    /// Check or show the configuration
    Config(Config),
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Where settings come from.
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
    /// Port of the broker on 127.0.0.1; 0 takes a free one [default: 4222]
    #[arg(long, value_name = "PORT")]
    pub(crate) nats_port: Option<u16>,
    /// Where the broker keeps its files [default: data]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Print three commands to try once it is ready
    #[arg(long)]
    pub(crate) hints: bool,
    #[command(flatten)]
    pub(crate) file: ConfigFile,
}

/// The address that every process has.
#[derive(Debug, Default, Args)]
pub(crate) struct Admin {
    /// Address for health and metrics; port 0 takes a free one [default: 127.0.0.1:8002]
    #[arg(long, value_name = "ADDR")]
    pub(crate) admin: Option<SocketAddr>,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The services to start
    #[arg(required = true)]
    pub(crate) services: Vec<String>,
    /// The broker [default: nats://127.0.0.1:4222]
    #[arg(long, value_name = "URL")]
    pub(crate) nats: Option<String>,
    #[command(flatten)]
    pub(crate) admin: Admin,
    #[command(flatten)]
    pub(crate) file: ConfigFile,
}

/// How a client finds the system.
#[derive(Debug, Args)]
pub(crate) struct Target {
    /// The broker
    #[arg(long, value_name = "URL", default_value = "nats://127.0.0.1:4222", global = true)]
    pub(crate) nats: String,
    /// The tenant
    #[arg(long, default_value = "default", global = true)]
    pub(crate) tenant: String,
    /// How long an answer may take, seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30, global = true)]
    pub(crate) timeout: u64,
}

#[derive(Debug, Args)]
pub(crate) struct Process {
    /// Images (PNG, JPEG, WebP), or folders of them
    #[arg(required = true)]
    pub(crate) inputs: Vec<PathBuf>,
    /// A filter, with its parameters: `grayscale`, `blur:sigma=3,kernel_size=7`; in order
    #[arg(long = "filter", short = 'f', value_name = "ID[:KEY=VALUE,…]")]
    pub(crate) filters: Vec<String>,
    /// The result: a file for one image, a folder for several
    #[arg(long, short, value_name = "PATH")]
    pub(crate) output: PathBuf,
    /// The results' format [default: the output file's extension, or the input's format]
    #[arg(long, value_name = "png|jpeg|webp")]
    pub(crate) format: Option<String>,
    /// JPEG quality, 1 to 100
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) quality: u32,
    /// Where to compute
    #[arg(long, value_enum, default_value_t = Accelerator::Auto)]
    pub(crate) accelerator: Accelerator,
    /// How many images are under way at a time
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) concurrency: u16,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// Where a pipeline runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Accelerator {
    Auto,
    Cpu,
    Cuda,
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
    /// Show one filter, with all that there is to say about it
    Show {
        /// What it is called, `blur` for example
        id: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// A folder of photographs
    #[arg(long, value_name = "DIR", default_value = ".tools/photos")]
    pub(crate) photos: PathBuf,
    /// Where pictures before and after go
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
    /// List everything that is wrong with the settings
    Check(ConfigFile),
    /// Print all settings as they hold, secrets hidden
    Show(ConfigFile),
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_command_line_is_consistent() {
        super::command(&[]).debug_assert();
    }
}
