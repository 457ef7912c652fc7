//! `ocelli doctor`: checks this machine and reports what is missing.

use std::{
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Command, ExitCode},
};

use ocelli_kernels::probe;
use ocelli_kit::service::ServiceEntry;

use crate::{
    cli::Doctor,
    exit,
    settings::{ManagedBroker, section, settings, sources},
};

/// The result of a check.
enum Finding {
    Good(String),
    /// Not a problem, but worth knowing.
    Note(String),
    Bad(String),
}

/// Prints the results of all checks. The exit code is 69 if something necessary is missing.
pub(crate) fn doctor(services: &[ServiceEntry], doctor: &Doctor) -> anyhow::Result<ExitCode> {
    let settings = settings(services, &sources(&doctor.file))?;
    let managed: ManagedBroker = section(&settings, "managed_broker")?;
    let machine = probe();
    let gpu = match &machine.cuda {
        Ok(devices) if !devices.is_empty() => {
            let names: Vec<_> = devices.iter().map(|device| device.name.as_str()).collect();
            Finding::Good(names.join(", "))
        }
        Ok(_) => Finding::Note("no CUDA device; the CPU does the work".to_owned()),
        Err(reason) => Finding::Note(format!("{reason}; the CPU does the work")),
    };
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut findings = vec![
        ("configuration".to_owned(), Finding::Good("valid".to_owned())),
        ("processor".to_owned(), Finding::Good(format!("{cores} cores, {}", machine.cpu))),
        ("gpu".to_owned(), gpu),
        ("broker".to_owned(), broker()),
        ("broker port".to_owned(), port(SocketAddr::from(([127, 0, 0, 1], managed.port)))),
    ];
    let addresses = settings.addresses().iter();
    findings.extend(addresses.map(|&(name, addr)| (format!("{name} port"), port(addr))));
    findings.push(("data folder".to_owned(), folder(&managed.data)));
    let mut missing = false;
    for (name, finding) in findings {
        let (mark, text) = match finding {
            Finding::Good(text) => ("ok  ", text),
            Finding::Note(text) => ("note", text),
            Finding::Bad(text) => {
                missing = true;
                ("BAD ", text)
            }
        };
        say!("{mark}  {name:<14} {text}");
    }
    Ok(if missing { exit::UNAVAILABLE.into() } else { ExitCode::SUCCESS })
}

fn broker() -> Finding {
    let here = std::env::current_dir().unwrap_or_default();
    match ocelli_nats_server::find_binary(&here) {
        Ok(path) => match Command::new(&path).arg("--version").output() {
            Ok(output) => {
                let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
                Finding::Good(format!("{version} ({})", path.display()))
            }
            Err(error) => Finding::Bad(format!("{}: {error}", path.display())),
        },
        Err(missing) => Finding::Bad(missing.to_string()),
    }
}

fn port(addr: SocketAddr) -> Finding {
    match TcpListener::bind(addr) {
        Ok(_) => Finding::Good(format!("{addr} is free")),
        Err(error) => Finding::Note(format!("{addr}: {error} (is ocelli running already?)")),
    }
}

fn folder(path: &Path) -> Finding {
    let existing = path.ancestors().find(|dir| dir.is_dir());
    let place = existing.filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match tempfile::tempfile_in(place) {
        Ok(_) => Finding::Good(format!("{} is writable", path.display())),
        Err(error) => Finding::Bad(format!("{}: {error}", path.display())),
    }
}
