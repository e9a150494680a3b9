//! Dynamic values: what a payload holds once a contract's types have been applied to it.

/// A value of a [`crate::contract::Type`]. Names are not repeated here: a record's fields, a variant's case and the
/// flags are by position, and the type knows the names.
///
/// Two values are equal when the component model cannot tell them apart: every NaN equals every NaN, and `0.0`
/// differs from `-0.0`.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names are those of WIT")]
pub enum Value {
    Bool(bool),
    U8(u8),
    U16(u16),
    U32(u32),
    U64(u64),
    S8(i8),
    S16(i16),
    S32(i32),
    S64(i64),
    F32(f32),
    F64(f64),
    Char(char),
    String(String),
    /// Every list of `u8`, fixed-length or not.
    Bytes(Vec<u8>),
    /// Every other list, fixed-length or not.
    List(Vec<Value>),
    /// Entries in their order on the wire. A repeated key is kept: the component that receives it decides.
    Map(Vec<(Value, Value)>),
    /// Fields in the type's order.
    Record(Vec<Value>),
    Tuple(Vec<Value>),
    Variant {
        /// The case, by its position in the type.
        case: u32,
        payload: Option<Box<Value>>,
    },
    /// The case, by its position in the type.
    Enum(u32),
    Option(Option<Box<Value>>),
    Result(Result<Option<Box<Value>>, Option<Box<Value>>>),
    /// One entry for each flag, in the type's order.
    Flags(Vec<bool>),
}

impl Value {
    /// `option`'s `some`.
    pub fn some(value: Value) -> Value {
        Value::Option(Some(Box::new(value)))
    }

    /// `option`'s `none`.
    pub fn none() -> Value {
        Value::Option(None)
    }

    /// `result`'s `ok`, with or without a payload.
    pub fn ok(payload: Option<Value>) -> Value {
        Value::Result(Ok(payload.map(Box::new)))
    }

    /// `result`'s `err`, with or without a payload.
    pub fn err(payload: Option<Value>) -> Value {
        Value::Result(Err(payload.map(Box::new)))
    }

    /// A case of a variant, by position.
    pub fn variant(case: u32, payload: Option<Value>) -> Value {
        Value::Variant { case, payload: payload.map(Box::new) }
    }

    /// What kind of value this is, in WIT's words, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::Bool(_) => "bool",
            Value::U8(_) => "u8",
            Value::U16(_) => "u16",
            Value::U32(_) => "u32",
            Value::U64(_) => "u64",
            Value::S8(_) => "s8",
            Value::S16(_) => "s16",
            Value::S32(_) => "s32",
            Value::S64(_) => "s64",
            Value::F32(_) => "f32",
            Value::F64(_) => "f64",
            Value::Char(_) => "char",
            Value::String(_) => "string",
            Value::Bytes(_) => "list<u8>",
            Value::List(_) => "list",
            Value::Map(_) => "map",
            Value::Record(_) => "record",
            Value::Tuple(_) => "tuple",
            Value::Variant { .. } => "variant",
            Value::Enum(_) => "enum",
            Value::Option(_) => "option",
            Value::Result(_) => "result",
            Value::Flags(_) => "flags",
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::U8(a), Value::U8(b)) => a == b,
            (Value::U16(a), Value::U16(b)) => a == b,
            (Value::U32(a), Value::U32(b)) | (Value::Enum(a), Value::Enum(b)) => a == b,
            (Value::U64(a), Value::U64(b)) => a == b,
            (Value::S8(a), Value::S8(b)) => a == b,
            (Value::S16(a), Value::S16(b)) => a == b,
            (Value::S32(a), Value::S32(b)) => a == b,
            (Value::S64(a), Value::S64(b)) => a == b,
            (Value::F32(a), Value::F32(b)) => a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
            (Value::F64(a), Value::F64(b)) => a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
            (Value::Char(a), Value::Char(b)) => a == b,
            (Value::String(a), Value::String(b)) => a == b,
            (Value::Bytes(a), Value::Bytes(b)) => a == b,
            (Value::List(a), Value::List(b))
            | (Value::Record(a), Value::Record(b))
            | (Value::Tuple(a), Value::Tuple(b)) => a == b,
            (Value::Map(a), Value::Map(b)) => a == b,
            (Value::Variant { case: a, payload: p }, Value::Variant { case: b, payload: q }) => a == b && p == q,
            (Value::Option(a), Value::Option(b)) => a == b,
            (Value::Result(a), Value::Result(b)) => a == b,
            (Value::Flags(a), Value::Flags(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Value {}
