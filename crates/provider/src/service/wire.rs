//! Rust types as values of a contract. For records, variants, enums and flags see the macros [`record!`](crate::record),
//! [`variant!`](crate::variant), [`enumeration!`](crate::enumeration) and [`flags!`](crate::flags).

use adapter::value::Value;
use model::contract::{Field, Type};
use model::failure::RpcError;

/// A Rust type that stands for a type of a contract.
pub trait Wire: Sized + Send {
    /// True where this stands for `ty`.
    fn fits(ty: &Type) -> bool;
    /// From a value; none where it is of another type.
    fn lift(value: Value) -> Option<Self>;
    /// Into a value.
    fn lower(self) -> Value;

    /// The one that is there where a result has no value: none but of `()`.
    fn nothing() -> Option<Self> {
        None
    }

    /// A list of these from a value: only bytes are kept otherwise than element by element.
    fn lift_list(value: Value) -> Option<Vec<Self>> {
        if let Value::List(items) = value { items.into_iter().map(Self::lift).collect() } else { None }
    }

    /// A list of these into a value.
    fn lower_list(list: Vec<Self>) -> Value {
        Value::List(list.into_iter().map(Self::lower).collect())
    }
}

/// The parameters of a function, as a tuple.
pub trait Params: Sized {
    /// True where these stand for `params`.
    fn fits(params: &[Field]) -> bool;
    /// From values; none where they are of other types.
    fn lift(values: Vec<Value>) -> Option<Self>;
}

/// A Rust type, the type it stands for, and the variant of `Value` that holds it as it is.
macro_rules! plain {
    ($($rust:ty => $case:ident),* $(,)?) => {$(
        impl Wire for $rust {
            fn fits(ty: &Type) -> bool {
                matches!(ty.shape(), Type::$case)
            }

            fn lift(value: Value) -> Option<Self> {
                if let Value::$case(value) = value { Some(value) } else { None }
            }

            fn lower(self) -> Value {
                Value::$case(self)
            }
        }
    )*};
}

plain! {
    bool => Bool, u16 => U16, u32 => U32, u64 => U64, i8 => S8, i16 => S16, i32 => S32, i64 => S64,
    f32 => F32, f64 => F64, char => Char, String => String,
}

impl Wire for u8 {
    fn fits(ty: &Type) -> bool {
        matches!(ty.shape(), Type::U8)
    }

    fn lift(value: Value) -> Option<Self> {
        if let Value::U8(value) = value { Some(value) } else { None }
    }

    fn lower(self) -> Value {
        Value::U8(self)
    }

    fn lift_list(value: Value) -> Option<Vec<Self>> {
        if let Value::Bytes(bytes) = value { Some(bytes) } else { None }
    }

    fn lower_list(list: Vec<Self>) -> Value {
        Value::Bytes(list)
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn fits(ty: &Type) -> bool {
        matches!(ty.shape(), Type::List(element) if T::fits(element))
    }

    fn lift(value: Value) -> Option<Self> {
        T::lift_list(value)
    }

    fn lower(self) -> Value {
        T::lower_list(self)
    }
}

impl<T: Wire> Wire for Option<T> {
    fn fits(ty: &Type) -> bool {
        matches!(ty.shape(), Type::Option(inner) if T::fits(inner))
    }

    fn lift(value: Value) -> Option<Self> {
        match value {
            Value::Option(Some(value)) => T::lift(*value).map(Some),
            Value::Option(None) => Some(None),
            _ => None,
        }
    }

    fn lower(self) -> Value {
        Value::Option(self.map(|value| Box::new(value.lower())))
    }
}

impl<T: Wire, E: Wire> Wire for Result<T, E> {
    fn fits(ty: &Type) -> bool {
        let Type::Result { ok, err: Some(err) } = ty.shape() else { return false };
        ok.as_ref().map_or(T::nothing().is_some(), |ok| T::fits(ok)) && E::fits(err)
    }

    fn lift(value: Value) -> Option<Self> {
        match value {
            Value::Result(Ok(None)) => T::nothing().map(Ok),
            Value::Result(Ok(Some(value))) => T::lift(*value).map(Ok),
            Value::Result(Err(Some(value))) => E::lift(*value).map(Err),
            _ => None,
        }
    }

    fn lower(self) -> Value {
        match self {
            Ok(value) => Value::ok(T::nothing().is_none().then(|| value.lower())),
            Err(error) => Value::err(Some(error.lower())),
        }
    }
}

impl Wire for RpcError {
    fn fits(ty: &Type) -> bool {
        let Type::Variant(cases) = ty.shape() else { return false };
        cases.len() == RpcError::CASES.len()
            && cases.iter().zip(RpcError::CASES).all(|(case, make)| {
                let example = make(String::new());
                let (name, message) = example.parts();
                case.name == name && case.ty.as_ref().is_some_and(String::fits) == message.is_some()
            })
    }

    fn lift(value: Value) -> Option<Self> {
        let Value::Variant { case, payload } = value else { return None };
        let text = match payload {
            Some(payload) => String::lift(*payload)?,
            None => String::new(),
        };
        RpcError::CASES.get(usize::try_from(case).ok()?).map(|make| make(text))
    }

    fn lower(self) -> Value {
        let (name, message) = self.parts();
        let position = RpcError::CASES.iter().position(|make| make(String::new()).parts().0 == name);
        let case = position.and_then(|position| u32::try_from(position).ok()).unwrap_or_default();
        Value::variant(case, message.map(|text| Value::String(text.to_owned())))
    }
}

macro_rules! params {
    ($($name:ident),*) => {
        impl<$($name: Wire),*> Wire for ($($name,)*) {
            fn fits(ty: &Type) -> bool {
                let Type::Tuple(types) = ty.shape() else { return false };
                let mut types = types.iter();
                $(if !types.next().is_some_and($name::fits) { return false; })*
                types.next().is_none()
            }

            fn lift(value: Value) -> Option<Self> {
                let Value::Tuple(values) = value else { return None };
                let mut values = values.into_iter();
                Some(($($name::lift(values.next()?)?,)*))
            }

            #[allow(non_snake_case, reason = "the values are named after their types")]
            fn lower(self) -> Value {
                let ($($name,)*) = self;
                Value::Tuple(vec![$($name.lower()),*])
            }
        }

        impl<$($name: Wire),*> Params for ($($name,)*) {
            fn fits(params: &[Field]) -> bool {
                let mut params = params.iter();
                $(if !params.next().is_some_and(|param| $name::fits(&param.ty)) { return false; })*
                params.next().is_none()
            }

            fn lift(values: Vec<Value>) -> Option<Self> {
                let mut values = values.into_iter();
                Some(($($name::lift(values.next()?)?,)*))
            }
        }
    };
}

/// A result without a value; elsewhere there is no type like it.
impl Wire for () {
    fn fits(_: &Type) -> bool {
        false
    }

    fn lift(_: Value) -> Option<Self> {
        None
    }

    fn lower(self) -> Value {
        Value::Tuple(Vec::new())
    }

    fn nothing() -> Option<Self> {
        Some(())
    }
}

impl Params for () {
    fn fits(params: &[Field]) -> bool {
        params.is_empty()
    }

    fn lift(_: Vec<Value>) -> Option<Self> {
        Some(())
    }
}

params!(A);
params!(A, B);
params!(A, B, C);
params!(A, B, C, D);
