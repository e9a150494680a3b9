//! Room for failure: whether a function's own result can say that a call failed (DESIGN, "Failure is part of the
//! contract"). A fact of the contract alone, so the planner, the checker and the generator of senders all agree.

use super::{Case, Function, NamedType, Type};

/// The cases of a variant that can hold a failure's text, the first that is there wins.
pub const FAILURE_CASES: [&str; 8] =
    ["rpc", "transport", "unavailable", "internal", "internal-error", "upstream", "io", "other"];

/// Where a function's result has room for a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Room {
    /// The error is `rpc-error` of `lath:rpc/types`.
    RpcError,
    /// The error is a string.
    Text,
    /// The error is a variant with this case, which holds a string or an optional one.
    Case(String),
    /// Nowhere: a failed call traps.
    None,
}

/// Where the result of `function` has room for a failure.
pub fn failure_room(function: &Function) -> Room {
    match function.result.as_ref().map(Type::shape) {
        Some(Type::Result { err: Some(error), .. }) => room_in(error),
        _ => Room::None,
    }
}

fn room_in(error: &Type) -> Room {
    if is_rpc_error(error) {
        return Room::RpcError;
    }
    match error.shape() {
        Type::String => Room::Text,
        Type::Variant(cases) => FAILURE_CASES
            .iter()
            .find(|name| cases.iter().any(|case| case.name == **name && holds_text(case)))
            .map_or(Room::None, |name| Room::Case((*name).to_owned())),
        _ => Room::None,
    }
}

/// Follows aliases: any name on the way may be the platform's.
fn is_rpc_error(ty: &Type) -> bool {
    match ty {
        Type::Named(named) => is_platform_name(named) || is_rpc_error(&named.shape),
        _ => false,
    }
}

fn is_platform_name(named: &NamedType) -> bool {
    named.name == "rpc-error" && named.owner.to_string() == "lath:rpc/types@1.0.0"
}

fn holds_text(case: &Case) -> bool {
    match case.ty.as_ref().map(Type::shape) {
        Some(Type::String) => true,
        Some(Type::Option(inner)) => matches!(inner.shape(), Type::String),
        _ => false,
    }
}
