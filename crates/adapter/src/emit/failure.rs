//! Where a function has room for a failure of the call itself (design §4). Depends on the contract alone.

use wit_parser::{Function, InterfaceId, Resolve, Type, TypeDefKind, TypeId, TypeOwner, Variant};

/// The interface that defines `rpc-error`.
const RPC_TYPES: &str = "lath:rpc/types@1.0.0";
/// Its name.
const RPC_ERROR: &str = "rpc-error";

/// Cases of an error variant that may take the text of a failure, best first.
const CASES: [&str; 8] = ["rpc", "transport", "unavailable", "internal", "internal-error", "upstream", "io", "other"];

/// What a function can do with a failure of the call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Room {
    /// Its error is `rpc-error` itself.
    RpcError,
    /// Its error is a string.
    Text,
    /// Its error has a case for a text.
    Case {
        /// The case's index.
        index: u32,
        /// The text is an `option<string>`.
        optional: bool,
    },
    /// Nothing: the caller is trapped.
    None,
}

/// The room of a function, by its result type.
pub fn failure_room(resolve: &Resolve, function: &Function) -> Room {
    let Some(Type::Id(result)) = function.result.map(|ty| resolved(resolve, ty)) else {
        return Room::None;
    };
    let Some(TypeDefKind::Result(result)) = kind_of(resolve, result) else {
        return Room::None;
    };
    match result.err.map(|ty| resolved(resolve, ty)) {
        Some(Type::String) => Room::Text,
        Some(Type::Id(id)) if is_rpc_error(resolve, id) => Room::RpcError,
        Some(Type::Id(id)) => match kind_of(resolve, id) {
            Some(TypeDefKind::Variant(variant)) => case_of(resolve, variant),
            _ => Room::None,
        },
        _ => Room::None,
    }
}

fn case_of(resolve: &Resolve, variant: &Variant) -> Room {
    CASES
        .iter()
        .find_map(|name| {
            let (index, case) = (0..).zip(&variant.cases).find(|(_, case)| case.name == *name)?;
            let optional = text_like(resolve, case.ty?)?;
            Some(Room::Case { index, optional })
        })
        .unwrap_or(Room::None)
}

/// Whether a type is a string (`Some(false)`) or an `option<string>` (`Some(true)`).
fn text_like(resolve: &Resolve, ty: Type) -> Option<bool> {
    match resolved(resolve, ty) {
        Type::String => Some(false),
        Type::Id(id) => match kind_of(resolve, id) {
            Some(TypeDefKind::Option(inner)) => (resolved(resolve, *inner) == Type::String).then_some(true),
            _ => None,
        },
        _ => None,
    }
}

fn is_rpc_error(resolve: &Resolve, id: TypeId) -> bool {
    let Some(definition) = resolve.types.get(id) else {
        return false;
    };
    let owner = match definition.owner {
        TypeOwner::Interface(id) => name_of(resolve, id),
        _ => None,
    };
    definition.name.as_deref() == Some(RPC_ERROR) && owner.as_deref() == Some(RPC_TYPES)
}

/// The full name of an interface; none for those declared inline.
pub(super) fn name_of(resolve: &Resolve, id: InterfaceId) -> Option<String> {
    resolve.id_of(id)
}

/// The definition of a type.
pub(super) fn kind_of(resolve: &Resolve, id: TypeId) -> Option<&TypeDefKind> {
    resolve.types.get(id).map(|definition| &definition.kind)
}

/// A type without its aliases.
pub(super) fn resolved(resolve: &Resolve, ty: Type) -> Type {
    match ty {
        Type::Id(id) => match kind_of(resolve, id) {
            Some(TypeDefKind::Type(inner)) => resolved(resolve, *inner),
            _ => ty,
        },
        _ => ty,
    }
}
