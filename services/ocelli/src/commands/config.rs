//! `ocelli config`.

use std::process::ExitCode;

use ocelli_kit::config::show;

use crate::{
    cli::{Config, ConfigAction},
    settings::{settings, sources},
};

/// Checks the settings, or prints them.
pub(crate) fn config(config: &Config) -> anyhow::Result<ExitCode> {
    match &config.action {
        ConfigAction::Check(file) => {
            settings(&sources(file))?;
            say!("the configuration is right");
        }
        ConfigAction::Show(file) => say!("{}", show(&settings(&sources(file))?).trim_end()),
    }
    Ok(ExitCode::SUCCESS)
}
