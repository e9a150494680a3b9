//! Texts: names, paths, commands, patterns.

use std::fmt;
use std::path::PathBuf;

use schemars::{Schema, json_schema};
use toml::de::DeValue;

use super::super::actor::ComponentRef;
use super::super::client::MayCall;
use super::super::link::LinkKey;
use super::super::ready::ReadyCall;
use super::super::route::DomainName;
use super::super::route_path::RoutePath;
use super::{Leaf, Refused, parsed, refused, secret, secret_schema, text};
use crate::contract::{ContractName, is_wit_name};
use crate::destination::{Destination, Origin};
use crate::folder::Folder;
use crate::ids::{ActorName, AppName, ClientName, LabelKey, LabelValue, ProviderName, StoreName};
use crate::secret::Setting;

/// Names and texts: the schema is a pattern.
macro_rules! text_leaf {
    ($type:ty, $what:literal, $example:literal, $pattern:expr) => {
        impl Leaf for $type {
            const WHAT: &'static str = $what;
            const EXAMPLE: &'static str = $example;

            fn read(value: &DeValue<'_>) -> Result<Self, Refused> {
                parsed(value)
            }

            fn schema() -> Schema {
                json_schema!({ "type": "string", "pattern": $pattern })
            }
        }
    };
}

/// Kebab-case as [`crate::ids`] has it.
pub(super) const NAME_PATTERN: &str = "^[a-z][a-z0-9]*(-[a-z][a-z0-9]*)*$";
const CONTRACT_PATTERN: &str = "^[A-Za-z0-9-]+:[A-Za-z0-9-]+/[A-Za-z0-9-]+(@[0-9A-Za-z.+-]+)?$";
const MAY_CALL_PATTERN: &str =
    "^[a-z][a-z0-9]*(-[a-z][a-z0-9]*)*/[A-Za-z0-9-]+:[A-Za-z0-9-]+/[A-Za-z0-9-]+(@[0-9A-Za-z.+-]+)?$";
const READY_CALL_PATTERN: &str = "^[A-Za-z0-9-]+:[A-Za-z0-9-]+/[A-Za-z0-9-]+(@[0-9A-Za-z.+-]+)?#[A-Za-z][A-Za-z0-9-]*$";
const LINK_KEY_PATTERN: &str = "^([A-Za-z0-9-]+|[A-Za-z0-9-]+:[A-Za-z0-9-]+(/[A-Za-z0-9-]+)?(@[0-9A-Za-z.+-]+)?)$";

text_leaf!(AppName, "a name", r#""shop""#, NAME_PATTERN);
text_leaf!(ActorName, "a name", r#""cart""#, NAME_PATTERN);
text_leaf!(ProviderName, "a name", r#""kv""#, NAME_PATTERN);
text_leaf!(ClientName, "a name", r#""nightly""#, NAME_PATTERN);
text_leaf!(LabelKey, "the key of a label", r#""zone""#, NAME_PATTERN);
text_leaf!(LabelValue, "the value of a label", r#""web""#, "^[A-Za-z0-9._-]+$");
text_leaf!(StoreName, "the name of a store", r#""sessions""#, "^[A-Za-z0-9._-]+$");
text_leaf!(MayCall, "the contract of an actor", r#""cart/acme:shop/cart""#, MAY_CALL_PATTERN);
text_leaf!(ReadyCall, "a function of a contract", r#""acme:shop/health#ready""#, READY_CALL_PATTERN);
text_leaf!(ContractName, "the name of a contract", r#""lath:keyvalue/counter""#, CONTRACT_PATTERN);
text_leaf!(LinkKey, "an import", r#""acme:tax/rates""#, LINK_KEY_PATTERN);
text_leaf!(RoutePath, "a path", r#""/cart/{id}""#, "^/");
text_leaf!(Origin, "an origin", r#""https://api.example.com""#, "^https?://[^/]+");
text_leaf!(Destination, "a destination", r#""tcp://db.example.com:5432""#, "^(tcp|udp)://.+:[0-9*-]+$");
text_leaf!(Folder, "a folder", r#""/srv/data::/data""#, "^/[^\\u0000]*$");
text_leaf!(DomainName, "a host", r#""shop.example.com""#, "^[a-z0-9.-]+$");

impl Leaf for String {
    const WHAT: &'static str = "a string";
    const EXAMPLE: &'static str = r#""UTC""#;

    fn read(value: &DeValue<'_>) -> Result<Self, Refused> {
        text(value, |text| Ok(text.to_owned()))
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string" })
    }
}

impl Leaf for Setting {
    const WHAT: &'static str = "a string or a secret";
    const EXAMPLE: &'static str = r#""EUR" or { secret = "acme-key" }"#;

    fn read(value: &DeValue<'_>) -> Result<Self, Refused> {
        match value.as_str() {
            Some(text) => Ok(Self::Text(text.to_owned())),
            None => secret(value).map(Self::Secret),
        }
    }

    fn schema() -> Schema {
        json_schema!({ "oneOf": [String::schema(), secret_schema()] })
    }
}

/// A text that says something.
macro_rules! line_leaf {
    ($(#[$doc:meta])* $type:ident, $what:literal, $example:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub(in crate::manifest) struct $type(pub(in crate::manifest) String);

        impl Leaf for $type {
            const WHAT: &'static str = $what;
            const EXAMPLE: &'static str = $example;

            fn read(value: &DeValue<'_>) -> Result<Self, Refused> {
                text(value, |text| match text.trim() {
                    "" => Err(refused(concat!($what, " is missing between the quotes").to_owned(), concat!("for example ", $example))),
                    _ => Ok(Self(text.to_owned())),
                })
            }

            fn schema() -> Schema {
                json_schema!({ "type": "string", "minLength": 1 })
            }
        }
    };
}

line_leaf! {
    /// A command line.
    CommandLine, "a command", r#""cargo build""#
}
line_leaf! {
    /// A pattern of file names.
    Pattern, "a pattern", r#""src/**""#
}
line_leaf! {
    /// The name of an actor or a provider, perhaps with its application's.
    Target, "the name of an actor or a provider", r#""cart""#
}

/// The name of a function of a contract.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::manifest) struct FunctionName(pub(in crate::manifest) String);

impl fmt::Display for FunctionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Leaf for FunctionName {
    const WHAT: &'static str = "the name of a function";
    const EXAMPLE: &'static str = r#""peek""#;

    fn read(value: &DeValue<'_>) -> Result<Self, Refused> {
        text(value, |text| match is_wit_name(text) {
            true => Ok(Self(text.to_owned())),
            false => {
                Err(refused(format!("`{text}` is not the name of a function"), "write it as in WIT, such as `peek`"))
            }
        })
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^[A-Za-z][A-Za-z0-9-]*$" })
    }
}

/// The name of an environment variable.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::manifest) struct Variable(pub(in crate::manifest) String);

impl Leaf for Variable {
    const WHAT: &'static str = "a variable";
    const EXAMPLE: &'static str = "TZ";

    fn read(value: &DeValue<'_>) -> Result<Self, Refused> {
        text(value, |text| {
            if text.is_empty() || text.contains(['=', '\0']) {
                return Err(refused(format!("{text:?} cannot name a variable"), "leave out `=` and the zero byte"));
            }
            Ok(Self(text.to_owned()))
        })
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^[^=\\u0000]+$" })
    }
}

impl Leaf for PathBuf {
    const WHAT: &'static str = "a path";
    const EXAMPLE: &'static str = r#""cart.wasm""#;

    fn read(value: &DeValue<'_>) -> Result<Self, Refused> {
        text(value, |text| match text {
            "" => Err(refused("the path is empty".to_owned(), "write one relative to the manifest's folder")),
            _ if text.contains('\0') => Err(refused("the path holds a zero byte".to_owned(), "leave it out")),
            _ => Ok(PathBuf::from(text)),
        })
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "minLength": 1 })
    }
}

impl Leaf for ComponentRef {
    const WHAT: &'static str = "a path";
    const EXAMPLE: &'static str = r#""cart.wasm""#;

    fn read(value: &DeValue<'_>) -> Result<Self, Refused> {
        match value.as_table() {
            Some(table) if table.contains_key("oci") => {
                Err(refused("a component from a registry is not supported yet".to_owned(), "write the path of a file"))
            }
            _ => PathBuf::read(value).map(ComponentRef::Path),
        }
    }

    fn schema() -> Schema {
        PathBuf::schema()
    }
}
