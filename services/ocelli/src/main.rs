//! `ocelli`: all services, the managed broker and the command line in one binary.

mod broker;
mod cli;
mod client;
mod commands;
mod exit;
mod links;
mod npy;
mod run;
mod settings;
mod watch;

use std::process::ExitCode;

use clap::Parser as _;

use cli::{Cli, Command};

// Frames of half a megabyte and more come and go with every request. The system's allocator maps
// and unmaps such memory each time, and every page of it faults anew. mimalloc's large pages (`no_thp`
// turns them off) are no faster here, and stay as long as a byte of their 2 MiB is in use: after
// 600,000 requests 72 MB were resident, of 4 MB in use, and it still grew; without them 26 MB.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Before anything else: this is the small process between us and the broker.
    if let Some(failed) = broker::become_guard() {
        return exit::report(&anyhow::Error::new(failed));
    }
    let _installed_before = rustls::crypto::ring::default_provider().install_default();
    let cli = Cli::parse();
    let done = match cli.command {
        Command::Up(up) => run::up(up),
        Command::Run(services) => run::run(services),
        Command::Process(process) => commands::process(process),
        Command::Filters(filters) => commands::filters(&filters),
        Command::Demo(demo) => commands::demo(demo),
        Command::Doctor(doctor) => commands::doctor(&doctor),
        Command::Config(config) => commands::config(&config),
        Command::Completions { shell } => {
            commands::completions(shell);
            Ok(ExitCode::SUCCESS)
        }
    };
    done.unwrap_or_else(|error| exit::report(&error))
}

#[cfg(test)]
mod tests {
    #[test]
    #[cfg(target_os = "linux")]
    fn the_allocator_asks_for_no_large_pages() {
        let used = vec![1u8; 1 << 20];
        let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let flags = maps.lines().filter_map(|line| line.strip_prefix("VmFlags:"));
        let large = flags.filter(|flags| flags.split(' ').any(|flag| flag == "hg")).count();
        assert_eq!(large, 0, "areas in large pages, {} bytes in use", used.len());
    }
}
