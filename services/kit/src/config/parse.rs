//! Parses the text of an environment variable into the values that it can stand for.

use serde_json::Value as Json;
use toml::Value;

/// The values that the text can stand for in a field with the given default, the most likely first,
/// or the reason why it is not a valid value.
pub(super) fn candidates(text: &str, default: &Json) -> Result<Vec<Value>, String> {
    match default {
        Json::String(_) => Ok(vec![Value::String(text.to_owned())]),
        Json::Bool(_) => match text.trim() {
            "true" => Ok(vec![Value::Boolean(true)]),
            "false" => Ok(vec![Value::Boolean(false)]),
            _ => Err(format!("{text:?} must be true or false")),
        },
        Json::Number(number) if number.is_f64() => match float(text) {
            Some(value) => Ok(vec![value]),
            None => Err(format!("{text:?} must be a number")),
        },
        Json::Number(_) => match integer(text) {
            Some(value) => Ok(vec![value]),
            None => Err(format!("{text:?} must be a whole number")),
        },
        Json::Array(_) => Ok(lists(text)),
        // The type of an optional field is not known, so every reading is tried.
        Json::Null => Ok([Some(Value::String(text.to_owned())), scalar(text)]
            .into_iter()
            .flatten()
            .chain(lists(text))
            .collect()),
        Json::Object(_) => Err("it is a table and can only be set in a file".to_owned()),
    }
}

/// Splits `a, b` into a list of texts, and a list of the types that its parts look like.
fn lists(text: &str) -> Vec<Value> {
    let parts = || text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let as_text = |part: &str| Value::String(part.to_owned());
    let texts = parts().map(as_text).collect();
    let mixed = parts().map(|part| scalar(part).unwrap_or_else(|| as_text(part))).collect();
    [texts, mixed].map(Value::Array).to_vec()
}

fn scalar(text: &str) -> Option<Value> {
    let boolean = text.trim().parse().ok().map(Value::Boolean);
    boolean.or_else(|| integer(text)).or_else(|| float(text))
}

fn integer(text: &str) -> Option<Value> {
    text.trim().replace('_', "").parse().ok().map(Value::Integer)
}

fn float(text: &str) -> Option<Value> {
    text.trim().parse().ok().map(Value::Float)
}
