//! Values that are not just any text: numbers, measures, words of a short list.

use schemars::{Schema, json_schema};
use toml::de::DeValue;

use super::super::duration::{self, WrittenDuration};
use super::super::error::listed;
use super::super::link::{OnFailure, Reach};
use super::super::route::Method;
use super::super::{ConfigValue, EXTERNAL, VERSIONS, size};
use super::{Leaf, Refused, parsed, refused, secret, secret_schema, text, word};
use crate::ids::ByteSize;

/// The version of the manifest, one of [`VERSIONS`].
#[derive(Clone, Copy, Debug)]
pub(in crate::manifest) struct FileVersion;

impl Leaf for FileVersion {
    const WHAT: &'static str = "a version";
    const EXAMPLE: &'static str = "1";

    fn read(value: &DeValue<'_>) -> Result<Self, Refused> {
        let version = u32::read(value)?;
        if VERSIONS.contains(&version) {
            return Ok(Self);
        }
        let help =
            format!("this lath reads {}: take a newer one, or write a manifest of that version", listed(&VERSIONS));
        Err(refused(format!("version {version} of the manifest is not known"), &help))
    }

    fn schema() -> Schema {
        json_schema!({ "type": "integer", "enum": VERSIONS })
    }
}

impl Leaf for WrittenDuration {
    const WHAT: &'static str = "a duration";
    const EXAMPLE: &'static str = r#""800ms""#;

    fn read(value: &DeValue<'_>) -> Result<Self, Refused> {
        text(value, |text| {
            let hint = "write a whole number and `ms`, `s`, `m` or `h`, such as `800ms`";
            duration::parse(text).ok_or_else(|| refused(format!("`{text}` is not a duration"), hint))
        })
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9]+(ms|s|m|h)$" })
    }
}

impl Leaf for ByteSize {
    const WHAT: &'static str = "a size in bytes";
    const EXAMPLE: &'static str = r#""64MiB""#;

    fn read(value: &DeValue<'_>) -> Result<Self, Refused> {
        text(value, |text| {
            let hint = "write a whole number and `KiB`, `MiB` or `GiB`, such as `64MiB`";
            size::parse(text).ok_or_else(|| refused(format!("`{text}` is not a size in bytes"), hint))
        })
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9]+(KiB|MiB|GiB)$" })
    }
}

impl Leaf for u32 {
    const WHAT: &'static str = "a whole number";
    const EXAMPLE: &'static str = "100";

    fn read(value: &DeValue<'_>) -> Result<Self, Refused> {
        let number = value.as_integer().ok_or(Refused::Type)?;
        u32::from_str_radix(number.as_str(), number.radix())
            .map_err(|_| refused(format!("{number} is out of range"), "write a whole number from 0 to 4294967295"))
    }

    fn schema() -> Schema {
        json_schema!({ "type": "integer", "minimum": 0, "maximum": u32::MAX })
    }
}

impl Leaf for bool {
    const WHAT: &'static str = "a boolean";
    const EXAMPLE: &'static str = "true";

    fn read(value: &DeValue<'_>) -> Result<Self, Refused> {
        value.as_bool().ok_or(Refused::Type)
    }

    fn schema() -> Schema {
        json_schema!({ "type": "boolean" })
    }
}

impl Leaf for Reach {
    const WHAT: &'static str = "a reach";
    const EXAMPLE: &'static str = r#""host""#;

    fn read(value: &DeValue<'_>) -> Result<Self, Refused> {
        word(value, &Reach::ALL.map(|reach| (reach.as_str(), reach)))
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "enum": Reach::ALL.map(Reach::as_str) })
    }
}

impl Leaf for OnFailure {
    const WHAT: &'static str = "a string";
    const EXAMPLE: &'static str = r#""trap""#;

    fn read(value: &DeValue<'_>) -> Result<Self, Refused> {
        word(value, &[("trap", OnFailure::Trap)])
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "enum": ["trap"] })
    }
}

impl Leaf for Method {
    const WHAT: &'static str = "a method";
    const EXAMPLE: &'static str = r#""GET""#;

    fn read(value: &DeValue<'_>) -> Result<Self, Refused> {
        text(value, |text| match text.to_ascii_uppercase().parse() {
            Ok(method) if text == Method::as_str(method) => Ok(method),
            Ok(method) => Err(refused(format!("`{text}` is not in capitals"), &format!("write `{method}`"))),
            Err(_) => parsed(value),
        })
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "enum": Method::ALL.map(Method::as_str) })
    }
}

/// The kind of a provider.
#[derive(Clone, Copy, Debug)]
pub(in crate::manifest) struct ProviderKind(pub(in crate::manifest) &'static str);

const PROVIDER_KINDS: [&str; 5] = ["keyvalue/embedded", "keyvalue/memory", "keyvalue/nats", "keyvalue/redis", EXTERNAL];

impl Leaf for ProviderKind {
    const WHAT: &'static str = "a kind of provider";
    const EXAMPLE: &'static str = r#""keyvalue/embedded""#;

    fn read(value: &DeValue<'_>) -> Result<Self, Refused> {
        word(value, &PROVIDER_KINDS.map(|kind| (kind, ProviderKind(kind))))
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "enum": PROVIDER_KINDS })
    }
}

impl Leaf for ConfigValue {
    const WHAT: &'static str = "a string, a whole number, a boolean or a secret";
    const EXAMPLE: &'static str = r#""group" or { secret = "redis-url" }"#;

    fn read(value: &DeValue<'_>) -> Result<Self, Refused> {
        match value {
            DeValue::String(text) => Ok(ConfigValue::Text(text.to_string())),
            DeValue::Boolean(truth) => Ok(ConfigValue::Boolean(*truth)),
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .map(ConfigValue::Integer)
                .map_err(|_| refused(format!("{number} does not fit into 64 bits"), "write it as a string")),
            _ => secret(value).map(ConfigValue::Secret),
        }
    }

    fn schema() -> Schema {
        json_schema!({ "oneOf": [{ "type": ["string", "integer", "boolean"] }, secret_schema()] })
    }
}
