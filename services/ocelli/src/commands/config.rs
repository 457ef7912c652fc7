//! `ocelli config`: checks or shows the settings.

use std::process::ExitCode;

use ocelli_kit::{config::show, service::ServiceEntry};

use crate::{
    cli::{Config, ConfigAction},
    settings::{settings, sources},
};

/// Checks the settings, or prints them.
pub(crate) fn config(services: &[ServiceEntry], config: &Config) -> anyhow::Result<ExitCode> {
    match &config.action {
        ConfigAction::Check(file) => {
            settings(services, &sources(file))?;
            say!("the configuration is valid");
        }
        ConfigAction::Show(file) => {
            say!("{}", show(&settings(services, &sources(file))?).trim_end())
        }
    }
    Ok(ExitCode::SUCCESS)
}
