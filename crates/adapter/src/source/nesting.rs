//! How deep types nest. What reads them recurses, so a source with a deeper chain is refused before.

use std::collections::HashMap;

use wit_parser::{Handle, Resolve, Type, TypeDefKind, TypeId};

use crate::limits::NESTING_MAX;

/// True where no chain of types is longer than [`NESTING_MAX`]. Types come after those that they name, so one pass
/// without recursion is enough.
pub(super) fn is_bounded(resolve: &Resolve) -> bool {
    let mut depths: HashMap<TypeId, usize> = HashMap::new();
    for (id, def) in resolve.types.iter() {
        let mut deepest = 0;
        each_named(&def.kind, &mut |inner| deepest = deepest.max(depths.get(&inner).copied().unwrap_or(0)));
        if deepest >= NESTING_MAX {
            return false;
        }
        depths.insert(id, deepest + 1);
    }
    true
}

fn each_named(kind: &TypeDefKind, note: &mut impl FnMut(TypeId)) {
    let mut ty = |ty: &Type| {
        if let Type::Id(id) = ty {
            note(*id);
        }
    };
    match kind {
        TypeDefKind::Record(record) => record.fields.iter().for_each(|field| ty(&field.ty)),
        TypeDefKind::Variant(variant) => variant.cases.iter().filter_map(|case| case.ty.as_ref()).for_each(ty),
        TypeDefKind::Tuple(tuple) => tuple.types.iter().for_each(ty),
        TypeDefKind::Result(result) => result.ok.iter().chain(&result.err).for_each(ty),
        TypeDefKind::Map(key, value) => [key, value].into_iter().for_each(ty),
        TypeDefKind::Option(inner)
        | TypeDefKind::List(inner)
        | TypeDefKind::FixedLengthList(inner, _)
        | TypeDefKind::Type(inner) => ty(inner),
        TypeDefKind::Future(inner) | TypeDefKind::Stream(inner) => inner.iter().for_each(ty),
        TypeDefKind::Handle(Handle::Own(id) | Handle::Borrow(id)) => note(*id),
        TypeDefKind::Enum(_) | TypeDefKind::Flags(_) | TypeDefKind::Resource | TypeDefKind::Unknown => {}
    }
}
