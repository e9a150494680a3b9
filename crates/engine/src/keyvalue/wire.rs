//! The types of `wasi:keyvalue` as wasmtime lifts and lowers them.

use wasmtime::component::types::{ComponentFunc, ComponentInstance, ComponentItem, Type};
use wasmtime::component::{ComponentType, Lift, Lower, Resource};

use super::handles::Swap;

/// `error`.
#[derive(ComponentType, Lift, Lower, Debug)]
#[component(variant)]
pub(crate) enum WireError {
    #[component(name = "no-such-store")]
    NoSuchStore,
    #[component(name = "access-denied")]
    AccessDenied,
    #[component(name = "other")]
    Other(String),
}

/// `key-response` of `0.2.0-draft2`.
#[derive(ComponentType, Lower)]
#[component(record)]
pub(super) struct Keys {
    pub(super) keys: Vec<String>,
    pub(super) cursor: Option<String>,
}

/// `key-response` of `0.2.0-draft`.
#[derive(ComponentType, Lower)]
#[component(record)]
pub(super) struct NumberedKeys {
    pub(super) keys: Vec<String>,
    pub(super) cursor: Option<u64>,
}

/// `cas-error`.
#[derive(ComponentType, Lower)]
#[component(variant)]
pub(super) enum SwapError {
    #[component(name = "store-error")]
    Store(WireError),
    #[component(name = "cas-failed")]
    Failed(Resource<Swap>),
}

/// What differs from draft to draft, as a component has it.
#[derive(Clone, Copy, Default)]
pub(super) struct Draft {
    /// Cursors are numbers.
    pub(super) numbered: bool,
    /// `increment` has no sign.
    pub(super) unsigned: bool,
    /// `get-many` gives pairs of key and option, not options of pairs.
    pub(super) paired: bool,
}

impl Draft {
    pub(super) fn of(interface: &ComponentInstance, engine: &wasmtime::Engine) -> Self {
        let function = |name| match interface.get_export(engine, name).map(|export| export.ty) {
            Some(ComponentItem::ComponentFunc(function)) => Some(function),
            _ => None,
        };
        Self {
            numbered: function("[method]bucket.list-keys").is_some_and(|listing| has_numbers(&listing)),
            unsigned: function("increment").is_some_and(|adding| adding.params().any(|(_, ty)| ty == Type::U64)),
            paired: function("get-many").is_some_and(|reading| gives_pairs(&reading)),
        }
    }
}

fn has_numbers(listing: &ComponentFunc) -> bool {
    listing.params().any(|(_, ty)| matches!(ty, Type::Option(cursor) if cursor.ty() == Type::U64))
}

fn gives_pairs(reading: &ComponentFunc) -> bool {
    let ok = reading.results().find_map(|result| match result {
        Type::Result(result) => result.ok(),
        _ => None,
    });
    matches!(ok, Some(Type::List(list)) if matches!(list.ty(), Type::Tuple(_)))
}
