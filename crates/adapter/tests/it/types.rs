//! Types, written briefly.

use model::contract::{Case, Field, Type};

pub(crate) fn list(element: Type) -> Type {
    Type::List(Box::new(element))
}

pub(crate) fn map(key: Type, item: Type) -> Type {
    Type::Map(Box::new(key), Box::new(item))
}

pub(crate) fn option(inner: Type) -> Type {
    Type::Option(Box::new(inner))
}

pub(crate) fn result(ok: Option<Type>, err: Option<Type>) -> Type {
    Type::Result { ok: ok.map(Box::new), err: err.map(Box::new) }
}

pub(crate) fn fields(fields: &[(&str, Type)]) -> Vec<Field> {
    fields.iter().map(|(name, ty)| Field { name: (*name).to_owned(), ty: ty.clone() }).collect()
}

pub(crate) fn cases(cases: &[(&str, Option<Type>)]) -> Vec<Case> {
    cases.iter().map(|(name, ty)| Case { name: (*name).to_owned(), ty: ty.clone() }).collect()
}

pub(crate) fn flags(count: usize) -> Type {
    Type::Flags((0..count).map(|index| format!("f{index}")).collect())
}

pub(crate) fn enumeration(count: usize) -> Type {
    Type::Enum((0..count).map(|index| format!("c{index}")).collect())
}
