//! Filter definitions as JSON, for `GET /api/v1/filters` and `ocelli filters --json`.

use ocelli_messages::{Named as _, v1};
use serde_json::{Map, Value, json};

/// Renders a list of filters, with the accelerators and the version of the worker that sent it.
#[must_use]
pub fn list(list: &v1::ListFiltersResponse) -> Value {
    json!({
        "accelerators": names(list.accelerators()),
        "version": list.version,
        "filters": list.filters.iter().map(definition).collect::<Vec<_>>(),
    })
}

fn names(accelerators: impl Iterator<Item = v1::Accelerator>) -> Vec<&'static str> {
    accelerators.map(v1::Accelerator::name).collect()
}

/// Renders the definition of one filter.
#[must_use]
pub fn definition(filter: &v1::FilterDefinition) -> Value {
    let formats: Vec<_> = filter.formats().map(v1::PixelFormat::name).collect();
    json!({
        "id": filter.id,
        "name": filter.name,
        "description": filter.description,
        "formats": formats,
        "accelerators": names(filter.accelerators()),
        "tolerance": filter.tolerance,
        "family": filter.family,
        "notes": filter.notes,
        "parameters": filter.parameters.iter().map(parameter).collect::<Vec<_>>(),
    })
}

fn parameter(parameter: &v1::FilterParameter) -> Value {
    use v1::ParameterType as T;
    let kind = parameter.r#type();
    let name = kind.name();
    let mut fields = Map::new();
    let mut set = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    set("id", parameter.id.as_str().into());
    set("name", parameter.name.as_str().into());
    set("description", parameter.description.as_str().into());
    set("type", name.into());
    set("default", default(kind, &parameter.default_value));
    match kind {
        T::Select => {
            set("options", parameter.options.as_slice().into());
        }
        T::Numbers => {
            set("min_items", parameter.min_items.into());
            set("max_items", parameter.max_items.into());
            set("items_step", parameter.items_step.into());
        }
        T::Text => {
            set("max_chars", parameter.max_items.into());
        }
        _ => {}
    }
    if matches!(kind, T::Integer | T::Number | T::Numbers) {
        let range = [parameter.minimum, parameter.maximum, parameter.step];
        for (name, value) in ["minimum", "maximum", "step"].into_iter().zip(range) {
            if let Some(value) = value {
                set(name, number(kind, value));
            }
        }
    }
    Value::Object(fields)
}

/// The default in the JSON type that matches the parameter's type, or as text if none does.
fn default(kind: v1::ParameterType, text: &str) -> Value {
    let typed = match kind {
        v1::ParameterType::Integer => text.parse::<i64>().ok().map(Value::from),
        v1::ParameterType::Number => text.parse::<f64>().ok().map(Value::from),
        v1::ParameterType::Boolean => text.parse::<bool>().ok().map(Value::from),
        v1::ParameterType::Numbers => {
            let numbers = text.split_whitespace().map(|word| word.parse::<f64>().ok());
            numbers.collect::<Option<Vec<_>>>().map(Value::from)
        }
        v1::ParameterType::Select
        | v1::ParameterType::Color
        | v1::ParameterType::Text
        | v1::ParameterType::Unspecified => None,
    };
    typed.unwrap_or_else(|| text.into())
}

/// A number, which is written without a fraction if the parameter is an integer: `3`, not `3.0`.
fn number(kind: v1::ParameterType, value: f64) -> Value {
    #[allow(clippy::cast_possible_truncation, reason = "a whole number within the range of i64")]
    if kind == v1::ParameterType::Integer && value.fract() == 0.0 && value.abs() < 9e15 {
        return Value::from(value as i64);
    }
    Value::from(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_of_parameter_has_its_own_fields() {
        let select = v1::FilterParameter {
            id: "weights".into(),
            name: "Weights".into(),
            description: "w".into(),
            r#type: v1::ParameterType::Select.into(),
            default_value: "bt601".into(),
            options: vec!["bt601".into(), "bt709".into()],
            ..Default::default()
        };
        let range =
            |kind: v1::ParameterType, default: &str, minimum, maximum, step| v1::FilterParameter {
                id: "n".into(),
                name: "N".into(),
                description: "n".into(),
                r#type: kind.into(),
                default_value: default.into(),
                minimum: Some(minimum),
                maximum: Some(maximum),
                step: Some(step),
                ..Default::default()
            };
        let boolean = v1::FilterParameter {
            r#type: v1::ParameterType::Boolean.into(),
            default_value: "true".into(),
            ..Default::default()
        };
        let numbers = v1::FilterParameter {
            r#type: v1::ParameterType::Numbers.into(),
            default_value: "1 0.5".into(),
            minimum: Some(-1.0),
            maximum: Some(1.0),
            min_items: 2,
            max_items: 8,
            items_step: 2,
            ..Default::default()
        };
        let color = v1::FilterParameter {
            r#type: v1::ParameterType::Color.into(),
            default_value: "#ff0000".into(),
            ..Default::default()
        };
        let text = v1::FilterParameter {
            r#type: v1::ParameterType::Text.into(),
            max_items: 99,
            ..Default::default()
        };
        let filter = v1::FilterDefinition {
            id: "grayscale".into(),
            name: "Grayscale".into(),
            description: "d".into(),
            parameters: vec![
                select,
                range(v1::ParameterType::Integer, "3", 1.0, 31.0, 2.0),
                range(v1::ParameterType::Number, "1.5", 0.0, 10.0, 0.1),
                boolean,
                numbers,
                color,
                text,
            ],
            formats: vec![v1::PixelFormat::Gray8.into(), v1::PixelFormat::Rgb8.into()],
            accelerators: vec![v1::Accelerator::Cpu.into()],
            tolerance: 1,
            family: "colour".into(),
            notes: "n".into(),
        };
        let response = v1::ListFiltersResponse {
            filters: vec![filter],
            accelerators: vec![v1::Accelerator::Cpu.into()],
            version: "0.1.0".into(),
        };
        let expected = json!({
            "accelerators": ["cpu"],
            "version": "0.1.0",
            "filters": [{
                "id": "grayscale", "name": "Grayscale", "description": "d",
                "formats": ["gray8", "rgb8"], "accelerators": ["cpu"], "tolerance": 1,
                "family": "colour", "notes": "n",
                "parameters": [
                    { "id": "weights", "name": "Weights", "description": "w", "type": "select",
                      "default": "bt601", "options": ["bt601", "bt709"] },
                    { "id": "n", "name": "N", "description": "n", "type": "integer",
                      "default": 3, "minimum": 1, "maximum": 31, "step": 2 },
                    { "id": "n", "name": "N", "description": "n", "type": "number",
                      "default": 1.5, "minimum": 0.0, "maximum": 10.0, "step": 0.1 },
                    { "id": "", "name": "", "description": "", "type": "boolean",
                      "default": true },
                    { "id": "", "name": "", "description": "", "type": "numbers",
                      "default": [1.0, 0.5], "minimum": -1.0, "maximum": 1.0,
                      "min_items": 2, "max_items": 8, "items_step": 2 },
                    { "id": "", "name": "", "description": "", "type": "color",
                      "default": "#ff0000" },
                    { "id": "", "name": "", "description": "", "type": "text", "default": "",
                      "max_chars": 99 },
                ],
            }],
        });
        assert_eq!(list(&response), expected);
    }
}
