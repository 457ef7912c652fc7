//! `ocelli filters`: lists the filters of a running system, as text or as JSON.

use std::process::ExitCode;

use ocelli_kit::filter_json;
use ocelli_messages::{ErrorKind, Failure, Named as _, v1};

use crate::{
    cli::{Filters, FiltersAction},
    client::{self, Client},
};

/// Prints the filters and their parameters.
pub(crate) fn filters(filters: &Filters) -> anyhow::Result<ExitCode> {
    let list =
        client::block_on(async { Ok(Client::connect(&filters.target).await?.filters().await?) })?;
    let only = match &filters.action {
        Some(FiltersAction::Show { id }) => Some(find(&list.filters, id)?),
        None => None,
    };
    if filters.json {
        let json = only.map_or_else(|| filter_json::list(&list), filter_json::definition);
        say!("{json:#}");
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(filter) = only {
        show(filter);
        return Ok(ExitCode::SUCCESS);
    }
    let mut families: Vec<&str> = list.filters.iter().map(|f| f.family.as_str()).collect();
    families.sort_unstable();
    families.dedup();
    for family in families {
        say!("{}\n", family.to_uppercase());
        for filter in list.filters.iter().filter(|filter| filter.family == family) {
            summary(filter);
            say!("");
        }
    }
    say!("Run `ocelli filters show ID` for the details of a filter.");
    Ok(ExitCode::SUCCESS)
}

/// Finds a filter by its id, or fails with the list of known ids.
fn find<'a>(
    filters: &'a [v1::FilterDefinition],
    id: &str,
) -> Result<&'a v1::FilterDefinition, Failure> {
    filters.iter().find(|filter| filter.id == id).ok_or_else(|| {
        let known = filters.iter().map(|filter| filter.id.as_str());
        Failure::new(ErrorKind::InvalidArgument, format!("there is no filter {id:?}")).allow(known)
    })
}

fn summary(filter: &v1::FilterDefinition) {
    let on: Vec<_> = filter.accelerators().map(v1::Accelerator::name).collect();
    let formats: Vec<_> = filter.formats().map(v1::PixelFormat::name).collect();
    say!("{}  ({}; {}; {})", filter.id, on.join(", "), formats.join(", "), tolerance(filter));
    say!("    {}", filter.description);
    let width = filter.parameters.iter().map(|parameter| parameter.id.len()).max().unwrap_or(0);
    for parameter in &filter.parameters {
        say!("    {:<width$}  {}", parameter.id, describe(parameter));
    }
}

fn show(filter: &v1::FilterDefinition) {
    say!("{}, {}", filter.name, filter.family);
    summary(filter);
    if !filter.notes.is_empty() {
        say!("\n    {}", filter.notes);
    }
}

/// How far the results of different processors may differ, in words.
fn tolerance(filter: &v1::FilterDefinition) -> String {
    match filter.tolerance {
        0 => "identical on all devices".to_owned(),
        levels => format!("within {levels} of 255 on all devices"),
    }
}

fn describe(parameter: &v1::FilterParameter) -> String {
    let number = |value: Option<f64>| value.unwrap_or_default().to_string();
    let range = match parameter.r#type() {
        v1::ParameterType::Select => parameter.options.join(" | "),
        v1::ParameterType::Boolean => "true | false".to_owned(),
        v1::ParameterType::Number | v1::ParameterType::Unspecified => {
            format!("{} to {}", number(parameter.minimum), number(parameter.maximum))
        }
        v1::ParameterType::Numbers => format!(
            "{} to {} numbers from {} to {}",
            parameter.min_items,
            parameter.max_items,
            number(parameter.minimum),
            number(parameter.maximum)
        ),
        v1::ParameterType::Color => "#rrggbb | #rrggbbaa".to_owned(),
        v1::ParameterType::Text => format!("at most {} characters", parameter.max_items),
        v1::ParameterType::Integer => format!(
            "{} to {} in steps of {}",
            number(parameter.minimum),
            number(parameter.maximum),
            number(parameter.step)
        ),
    };
    format!("{range}  [{}]  {}", parameter.default_value, parameter.description)
}
