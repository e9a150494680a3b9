//! JSON, by the table of `docs/JSON.md`.

mod read;
mod tree;
mod write;

pub(super) use read::{read, read_nothing, read_params};
pub(super) use tree::{Json, parse};
pub(super) use write::{write, write_key};

use model::contract::Type;

/// Integers beyond this many are written as strings: from there on a double cannot hold each of them.
const EXACT_MAX: u64 = 1 << 53;

const NAN: &str = "NaN";
const INFINITY: &str = "Infinity";
const NEGATIVE_INFINITY: &str = "-Infinity";

/// True where an option's value may itself be `null`, so that `some` must be spelled out.
fn is_option(inner: &Type) -> bool {
    matches!(inner.shape(), Type::Option(_))
}

/// True where a map may be written as an object.
fn is_string(key: &Type) -> bool {
    matches!(key.shape(), Type::String)
}
