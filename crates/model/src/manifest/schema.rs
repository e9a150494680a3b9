//! The JSON schema of the manifest, from the types that the reader fills.

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use super::file::ManifestFile;

/// The JSON schema (2020-12) of `lath.toml`, for editors: keys in alphabetical order, ending in a newline. Keys that
/// are known and not built yet match nothing.
pub fn schema() -> String {
    let schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<ManifestFile>();
    let mut text = format!("{:#}", settled(schema.to_value()));
    text.push('\n');
    text
}

/// The same value with its keys in order and without `null`, which TOML does not have.
fn settled(value: Value) -> Value {
    match value {
        Value::Object(map) => without_null(map),
        Value::Array(values) => Value::Array(values.into_iter().map(settled).collect()),
        other => other,
    }
}

fn without_null(map: Map<String, Value>) -> Value {
    let mut entries: Vec<(String, Value)> = Vec::new();
    for (key, value) in map {
        match (key.as_str(), value) {
            ("type", Value::Array(types)) => entries.push((key, without_null_type(types))),
            ("anyOf", Value::Array(choices)) => entries.extend(without_null_choice(choices)),
            ("enum", Value::Array(values)) => {
                entries.push((key, values.into_iter().filter(|value| !value.is_null()).collect()));
            }
            (_, value) => entries.push((key, settled(value))),
        }
    }
    entries.sort_by(|(one, _), (other, _)| one.cmp(other));
    Value::Object(entries.into_iter().collect())
}

fn without_null_type(types: Vec<Value>) -> Value {
    let types: Vec<Value> = types.into_iter().filter(|name| name != "null").collect();
    match types.as_slice() {
        [only] => only.clone(),
        _ => Value::Array(types),
    }
}

/// `anyOf` arises from optional keys alone: one choice remains, in the place of the whole.
fn without_null_choice(choices: Vec<Value>) -> Vec<(String, Value)> {
    let null = |choice: &Value| choice.get("type").is_some_and(|name| name == "null");
    let remaining = choices.into_iter().filter(|choice| !null(choice));
    remaining
        .filter_map(|choice| match settled(choice) {
            Value::Object(map) => Some(map),
            _ => None,
        })
        .flatten()
        .collect()
}
