//! Value types.

use std::fmt;
use std::sync::Arc;

use super::ContractName;

/// A type that an interface names: a record, variant, enum, flags or an alias.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedType {
    /// The interface that names it.
    pub owner: ContractName,
    /// Its name there.
    pub name: String,
    /// What it is. A [`Type::Named`] here is an alias of another named type.
    pub shape: Type,
}

/// A value type of the component model. Records, variants, enums and flags occur only as the shape of a
/// [`NamedType`]. Types are not recursive: WIT forbids it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of WIT")]
pub enum Type {
    Bool,
    U8,
    U16,
    U32,
    U64,
    S8,
    S16,
    S32,
    S64,
    F32,
    F64,
    Char,
    String,
    List(Box<Type>),
    FixedList(Box<Type>, u32),
    Map(Box<Type>, Box<Type>),
    Tuple(Vec<Type>),
    Option(Box<Type>),
    Result { ok: Option<Box<Type>>, err: Option<Box<Type>> },
    Record(Vec<Field>),
    Variant(Vec<Case>),
    Enum(Vec<String>),
    Flags(Vec<String>),
    Named(Arc<NamedType>),
}

/// A field of a record, or a parameter of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: Type,
}

/// A case of a variant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Its name.
    pub name: String,
    /// Its payload.
    pub ty: Option<Type>,
}

impl Type {
    /// The type behind all names.
    pub fn shape(&self) -> &Type {
        match self {
            Type::Named(named) => named.shape.shape(),
            other => other,
        }
    }
}

/// True where two types have the same structure, the names of types apart. Names of fields, cases and flags count,
/// as they do in the component model (Explainer, "Type checking").
pub fn structurally_equal(left: &Type, right: &Type) -> bool {
    let both = |a: &Option<Box<Type>>, b: &Option<Box<Type>>| match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => structurally_equal(a, b),
        _ => false,
    };
    match (left.shape(), right.shape()) {
        (Type::List(a), Type::List(b)) | (Type::Option(a), Type::Option(b)) => structurally_equal(a, b),
        (Type::FixedList(a, n), Type::FixedList(b, m)) => n == m && structurally_equal(a, b),
        (Type::Map(k, v), Type::Map(l, w)) => structurally_equal(k, l) && structurally_equal(v, w),
        (Type::Tuple(a), Type::Tuple(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| structurally_equal(a, b))
        }
        (Type::Result { ok: a, err: b }, Type::Result { ok: c, err: d }) => both(a, c) && both(b, d),
        (Type::Record(a), Type::Record(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.name == b.name && structurally_equal(&a.ty, &b.ty))
        }
        (Type::Variant(a), Type::Variant(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| cases_equal(a, b)),
        (a, b) => a == b,
    }
}

fn cases_equal(left: &Case, right: &Case) -> bool {
    left.name == right.name
        && match (&left.ty, &right.ty) {
            (None, None) => true,
            (Some(a), Some(b)) => structurally_equal(a, b),
            _ => false,
        }
}

impl fmt::Display for Type {
    /// As in WIT; the shape of a named type is its name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Bool => f.write_str("bool"),
            Type::U8 => f.write_str("u8"),
            Type::U16 => f.write_str("u16"),
            Type::U32 => f.write_str("u32"),
            Type::U64 => f.write_str("u64"),
            Type::S8 => f.write_str("s8"),
            Type::S16 => f.write_str("s16"),
            Type::S32 => f.write_str("s32"),
            Type::S64 => f.write_str("s64"),
            Type::F32 => f.write_str("f32"),
            Type::F64 => f.write_str("f64"),
            Type::Char => f.write_str("char"),
            Type::String => f.write_str("string"),
            Type::List(element) => write!(f, "list<{element}>"),
            Type::FixedList(element, count) => write!(f, "list<{element}, {count}>"),
            Type::Map(key, value) => write!(f, "map<{key}, {value}>"),
            Type::Option(inner) => write!(f, "option<{inner}>"),
            Type::Tuple(items) => write!(f, "tuple<{}>", joined(items.iter())),
            Type::Result { ok, err } => match (ok, err) {
                (None, None) => f.write_str("result"),
                (Some(ok), None) => write!(f, "result<{ok}>"),
                (None, Some(err)) => write!(f, "result<_, {err}>"),
                (Some(ok), Some(err)) => write!(f, "result<{ok}, {err}>"),
            },
            Type::Record(fields) => {
                write!(f, "record {{ {} }}", joined(fields.iter().map(|field| format!("{}: {}", field.name, field.ty))))
            }
            Type::Variant(cases) => write!(f, "variant {{ {} }}", joined(cases.iter().map(shown_case))),
            Type::Enum(cases) => write!(f, "enum {{ {} }}", joined(cases.iter())),
            Type::Flags(flags) => write!(f, "flags {{ {} }}", joined(flags.iter())),
            Type::Named(named) => f.write_str(&named.name),
        }
    }
}

fn shown_case(case: &Case) -> String {
    match &case.ty {
        Some(ty) => format!("{}({ty})", case.name),
        None => case.name.clone(),
    }
}

fn joined(items: impl Iterator<Item = impl fmt::Display>) -> String {
    items.map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}
