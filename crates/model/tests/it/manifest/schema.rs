//! The JSON schema says what the reader does.

use std::path::Path;

use super::whole::BUILT;
use super::{bad, with};
use model::manifest::schema;
use serde_json::{Map, Value};

fn parsed() -> Value {
    serde_json::from_str(&schema()).unwrap()
}

#[test]
fn it_is_checked_in() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/manifest.schema.json");
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, schema()).unwrap();
    }
    let checked_in = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(checked_in == schema(), "docs/manifest.schema.json is stale: run the test with UPDATE_SCHEMA=1");
}

/// Each table: where it is in the schema, and a manifest with `{}` for one more of its keys.
const TABLES: [(&str, &str); 13] = [
    ("", "{}\nmanifest = 1\napplication = { name = \"shop\" }"),
    ("application", "manifest = 1\n[application]\nname = \"shop\"\n{}"),
    ("actor", "+{}"),
    ("build", "+[actors.cart.build]\nrun = \"make\"\n{}"),
    ("place", "+[actors.cart.place]\n{}"),
    ("limits", "+[actors.cart.limits]\n{}"),
    ("ready", "+[actors.cart.ready]\ncall = \"acme:shop/health#ready\"\n{}"),
    ("grants", "+[actors.cart.grants]\n{}"),
    ("link", "+[actors.cart.links.x]\nto = \"cart\"\n{}"),
    ("provider", "+[providers.x]\nuse = \"keyvalue/memory\"\n{}"),
    ("route", "+[[routes]]\npath = \"/\"\nto = \"cart\"\n{}"),
    ("adapter", "+[adapters.\"a:b/c\"]\nsender = \"s.wasm\"\nreceiver = \"r.wasm\"\n{}"),
    ("client", "+[clients.x]\nmay = []\n{}"),
];

fn manifest_with(text: &str, line: &str) -> String {
    let text = text.replace("{}", line);
    text.strip_prefix('+').map_or_else(|| text.clone(), with)
}

/// The schema of a table.
fn of<'a>(schema: &'a Value, table: &str) -> &'a Value {
    match table {
        "" => schema,
        "application" => &schema["properties"][table],
        _ => &schema["$defs"][table],
    }
}

fn properties<'a>(schema: &'a Value, table: &str) -> &'a Map<String, Value> {
    let table = of(schema, table);
    assert_eq!(table["additionalProperties"], false);
    table["properties"].as_object().unwrap()
}

#[test]
fn it_has_the_keys_of_the_reader() {
    let schema = parsed();
    assert_eq!(schema["$defs"].as_object().unwrap().len() + 2, TABLES.len());
    for (table, text) in TABLES {
        let told = bad(&manifest_with(text, "zzzzzzzz = 1"));
        assert_eq!(told.lines().count(), 1, "{told}");
        let known = told.rsplit_once(" here ").unwrap().1;
        let mut known: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
        known.sort_unstable();
        let built = properties(&schema, table).iter().filter(|(_, value)| value.get("not").is_none());
        assert_eq!(known, built.map(|(key, _)| key.as_str()).collect::<Vec<_>>(), "{table}");
    }
}

#[test]
fn keys_that_match_nothing_are_refused_as_not_supported_yet() {
    let schema = parsed();
    let mut refused = 0;
    for (table, text) in TABLES {
        for (key, _) in properties(&schema, table).iter().filter(|(_, value)| value.get("not").is_some()) {
            let told = bad(&manifest_with(text, &format!("{key} = 1")));
            assert!(
                told.lines().count() == 1 && told.contains(&format!("{key}: `{key}` is not supported yet")),
                "{told}"
            );
            refused += 1;
        }
    }
    assert_eq!(refused, 1);
}

/// Required keys are those without which the reader complains.
#[test]
fn it_requires_what_the_reader_requires() {
    let schema = parsed();
    for (table, text) in [
        ("", ""),
        ("application", "manifest = 1\n[application]"),
        ("actor", "manifest = 1\napplication.name = \"a\"\n[actors.x]"),
        ("build", "+[actors.cart.build]"),
        ("limits", "+[actors.cart.limits]\nx = 1"),
        ("ready", "+[actors.cart.ready]"),
        ("grants", "+[actors.cart.grants]\nx = 1"),
        ("link", "+[actors.cart.links.x]"),
        ("provider", "+[providers.x]"),
        ("route", "+[[routes]]"),
        ("adapter", "+[adapters.\"a:b/c\"]"),
        ("place", "+[actors.cart.place]\nx = 1"),
        ("client", "+[clients.x]"),
    ] {
        let told = bad(&manifest_with(text, ""));
        let missing = told.lines().filter(|line| line.contains(" is missing"));
        let mut missing: Vec<&str> = missing.map(|line| line.split('`').nth(1).unwrap()).collect();
        missing.sort_unstable();
        let required = of(&schema, table)["required"].as_array().cloned().unwrap_or_default();
        let mut required: Vec<&str> = required.iter().map(|key| key.as_str().unwrap()).collect();
        required.sort_unstable();
        assert_eq!(missing, required, "{table}");
    }
}

#[test]
fn it_accepts_what_the_reader_accepts() {
    let instance: Value = toml::from_str(BUILT).unwrap();
    validate(&parsed(), &parsed(), &instance).unwrap();
    let wrong = BUILT.replace("reach = \"fused\"", "reach = \"fuse\"");
    let instance: Value = toml::from_str(&wrong).unwrap();
    assert_eq!(
        validate(&parsed(), &parsed(), &instance).unwrap_err(),
        "\"fuse\" is none of [\"fused\",\"host\",\"lattice\"]"
    );
}

/// The part of JSON Schema that the schema uses; patterns apart.
fn validate(root: &Value, schema: &Value, instance: &Value) -> Result<(), String> {
    for (keyword, value) in schema.as_object().unwrap() {
        match keyword.as_str() {
            "$ref" => {
                let name = value.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
                validate(root, &root["$defs"][name], instance)?;
            }
            "type" if !has_type(value, instance) => return Err(format!("{instance} is not {value}")),
            "enum" if !value.as_array().unwrap().contains(instance) => {
                return Err(format!("{instance} is none of {value}"));
            }
            "oneOf" => {
                let ones = value.as_array().unwrap().iter().filter(|one| has_type(&one["type"], instance));
                if ones.filter(|one| validate(root, one, instance).is_ok()).count() != 1 {
                    return Err(format!("{instance} matches none of {value}, or several"));
                }
            }
            "not" => return Err(format!("{instance} is refused")),
            "properties" => validate_members(root, schema, instance)?,
            "patternProperties" => {
                for member in instance.as_object().unwrap().values() {
                    validate(root, value.as_object().unwrap().values().next().unwrap(), member)?;
                }
            }
            "additionalProperties" if value.is_object() => {
                for member in instance.as_object().unwrap().values() {
                    validate(root, value, member)?;
                }
            }
            "items" => {
                for item in instance.as_array().unwrap() {
                    validate(root, value, item)?;
                }
            }
            "required" => {
                let missing =
                    value.as_array().unwrap().iter().find(|key| instance.get(key.as_str().unwrap()).is_none());
                missing.map_or(Ok(()), |key| Err(format!("{key} is missing")))?;
            }
            "$schema"
            | "$defs"
            | "title"
            | "description"
            | "type"
            | "enum"
            | "pattern"
            | "minLength"
            | "minItems"
            | "maxItems"
            | "maxProperties"
            | "uniqueItems"
            | "minimum"
            | "maximum"
            | "additionalProperties" => {}
            other => panic!("keyword {other} is new"),
        }
    }
    Ok(())
}

fn validate_members(root: &Value, schema: &Value, instance: &Value) -> Result<(), String> {
    for (key, member) in instance.as_object().unwrap() {
        let Some(schema) = schema["properties"].get(key) else { return Err(format!("{key} is unknown")) };
        validate(root, schema, member)?;
    }
    Ok(())
}

fn has_type(types: &Value, instance: &Value) -> bool {
    let is = |name: &str| match name {
        "string" => instance.is_string(),
        "integer" => instance.is_i64() || instance.is_u64(),
        "boolean" => instance.is_boolean(),
        "array" => instance.is_array(),
        "object" => instance.is_object(),
        other => panic!("type {other} is new"),
    };
    match types {
        Value::String(name) => is(name),
        names => names.as_array().unwrap().iter().any(|name| is(name.as_str().unwrap())),
    }
}
