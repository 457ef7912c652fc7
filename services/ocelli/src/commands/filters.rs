//! `ocelli filters`.

use std::process::ExitCode;

use ocelli_messages::{Named as _, v1};
use serde_json::{Value, json};

use crate::{
    cli::Filters,
    client::{self, Client},
};

/// Prints what the filters are and what they take.
pub(crate) fn filters(filters: &Filters) -> anyhow::Result<ExitCode> {
    let list =
        client::block_on(async { Ok(Client::connect(&filters.target).await?.filters().await?) })?;
    if filters.json {
        let filters: Vec<_> = list.filters.iter().map(as_json).collect();
        say!("{:#}", json!({ "version": list.version, "filters": filters }));
        return Ok(ExitCode::SUCCESS);
    }
    for filter in &list.filters {
        let on: Vec<_> = filter.accelerators().map(v1::Accelerator::name).collect();
        say!("{}  ({})\n    {}", filter.id, on.join(", "), filter.description);
        for parameter in &filter.parameters {
            say!("    {:<12} {}", parameter.id, describe(parameter));
        }
        say!("");
    }
    Ok(ExitCode::SUCCESS)
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

fn as_json(filter: &v1::FilterDefinition) -> Value {
    let parameters: Vec<_> = (filter.parameters.iter())
        .map(|parameter| {
            json!({
                "id": parameter.id,
                "description": parameter.description,
                "type": parameter.r#type().name(),
                "default": parameter.default_value,
                "options": parameter.options,
                "minimum": parameter.minimum,
                "maximum": parameter.maximum,
                "step": parameter.step,
            })
        })
        .collect();
    json!({
        "id": filter.id,
        "name": filter.name,
        "description": filter.description,
        "formats": filter.formats().map(v1::PixelFormat::name).collect::<Vec<_>>(),
        "accelerators": filter.accelerators().map(v1::Accelerator::name).collect::<Vec<_>>(),
        "tolerance": filter.tolerance,
        "parameters": parameters,
    })
}
