//! Records, variants, enums and flags of a contract as Rust types: stated once, as Rust states them.
//!
//! Names are those of WIT in Rust's way of writing: field `price_cents` is `price-cents`, case `UnknownCountry` is
//! `unknown-country`. Whether a type is that of the contract is seen when the service is built.

#[doc(hidden)]
pub use {adapter::value::Value, model::contract::Type};

/// A name as WIT writes it, of one as Rust does.
pub fn wit_name(rust: &str) -> String {
    let mut name = String::new();
    for c in rust.chars() {
        match c {
            '_' => name.push('-'),
            c if c.is_ascii_uppercase() => {
                if !name.is_empty() {
                    name.push('-');
                }
                name.push(c.to_ascii_lowercase());
            }
            c => name.push(c),
        }
    }
    name
}

/// The position of one of `names`.
pub fn position(names: &[&str], name: &str) -> u32 {
    let position = names.iter().position(|known| *known == name);
    position.and_then(|position| u32::try_from(position).ok()).unwrap_or_default()
}

/// A record of a contract.
///
/// ```
/// provider::record! {
///     /// Something to be sold.
///     #[derive(Debug, PartialEq)]
///     pub struct Item { pub name: String, pub price_cents: u64 }
/// }
/// ```
#[macro_export]
macro_rules! record {
    ($(#[$meta:meta])* $vis:vis struct $name:ident {
        $($(#[$field_meta:meta])* $field_vis:vis $field:ident: $ty:ty),* $(,)?
    }) => {
        $(#[$meta])*
        $vis struct $name { $($(#[$field_meta])* $field_vis $field: $ty),* }

        impl $crate::service::Wire for $name {
            fn fits(ty: &$crate::service::types::Type) -> bool {
                let $crate::service::types::Type::Record(fields) = ty.shape() else { return false };
                let mut fields = fields.iter();
                $(if !fields.next().is_some_and(|field| {
                    field.name == $crate::service::types::wit_name(stringify!($field))
                        && <$ty as $crate::service::Wire>::fits(&field.ty)
                }) {
                    return false;
                })*
                fields.next().is_none()
            }

            fn lift(value: $crate::service::types::Value) -> Option<Self> {
                let $crate::service::types::Value::Record(values) = value else { return None };
                let mut values = values.into_iter();
                Some(Self { $($field: <$ty as $crate::service::Wire>::lift(values.next()?)?),* })
            }

            fn lower(self) -> $crate::service::types::Value {
                $crate::service::types::Value::Record(vec![$($crate::service::Wire::lower(self.$field)),*])
            }
        }
    };
}

/// A variant of a contract: each case with one type, or none.
///
/// ```
/// provider::variant! {
///     #[derive(Debug, PartialEq)]
///     pub enum Rate { Exempt, Reduced(u32), Standard(u32) }
/// }
/// ```
#[macro_export]
macro_rules! variant {
    ($(#[$meta:meta])* $vis:vis enum $name:ident {
        $($(#[$case_meta:meta])* $case:ident $(($ty:ty))?),* $(,)?
    }) => {
        $(#[$meta])*
        $vis enum $name { $($(#[$case_meta])* $case $(($ty))?),* }

        impl $crate::service::Wire for $name {
            fn fits(ty: &$crate::service::types::Type) -> bool {
                let $crate::service::types::Type::Variant(cases) = ty.shape() else { return false };
                let mut cases = cases.iter();
                $(if !cases.next().is_some_and(|case| {
                    case.name == $crate::service::types::wit_name(stringify!($case))
                        && $crate::variant!(@fits case.ty.as_ref() $(, $ty)?)
                }) {
                    return false;
                })*
                cases.next().is_none()
            }

            fn lift(value: $crate::service::types::Value) -> Option<Self> {
                let $crate::service::types::Value::Variant { case, payload } = value else { return None };
                let mut cases = 0..=case;
                $(if cases.next() == Some(case) {
                    return $crate::variant!(@lift payload, $name::$case $(, $ty)?);
                })*
                None
            }

            fn lower(self) -> $crate::service::types::Value {
                let (name, payload) = match self {
                    $($name::$case $(($crate::variant!(@bind payload, $ty)))? => {
                        (stringify!($case), $crate::variant!(@lower $(payload, $ty)?))
                    })*
                };
                $crate::service::types::Value::variant($crate::service::types::position(&[$(stringify!($case)),*], name), payload)
            }
        }
    };
    (@fits $given:expr) => { $given.is_none() };
    (@fits $given:expr, $ty:ty) => { $given.is_some_and(<$ty as $crate::service::Wire>::fits) };
    (@lift $payload:expr, $case:path) => { $payload.is_none().then_some($case) };
    (@lift $payload:expr, $case:path, $ty:ty) => {
        $payload.and_then(|payload| <$ty as $crate::service::Wire>::lift(*payload)).map($case)
    };
    (@bind $payload:ident, $ty:ty) => { $payload };
    (@lower) => { None };
    (@lower $payload:ident, $ty:ty) => { Some(<$ty as $crate::service::Wire>::lower($payload)) };
}

/// An enum of a contract: cases without types.
///
/// ```
/// provider::enumeration! {
///     #[derive(Debug, PartialEq)]
///     pub enum Flaw { NoName, NoQuantity, TooExpensive }
/// }
/// ```
#[macro_export]
macro_rules! enumeration {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($(#[$case_meta:meta])* $case:ident),* $(,)? }) => {
        $(#[$meta])*
        $vis enum $name { $($(#[$case_meta])* $case),* }

        impl $crate::service::Wire for $name {
            fn fits(ty: &$crate::service::types::Type) -> bool {
                let $crate::service::types::Type::Enum(cases) = ty.shape() else { return false };
                let own = [$(stringify!($case)),*];
                cases.iter().map(String::as_str).eq(own.map($crate::service::types::wit_name).iter().map(String::as_str))
            }

            fn lift(value: $crate::service::types::Value) -> Option<Self> {
                let $crate::service::types::Value::Enum(case) = value else { return None };
                let mut cases = 0..=case;
                $(if cases.next() == Some(case) {
                    return Some($name::$case);
                })*
                None
            }

            fn lower(self) -> $crate::service::types::Value {
                let name = match self {
                    $($name::$case => stringify!($case)),*
                };
                $crate::service::types::Value::Enum($crate::service::types::position(&[$(stringify!($case)),*], name))
            }
        }
    };
}

/// Flags of a contract, each as a truth value.
///
/// ```
/// provider::flags! {
///     #[derive(Debug, PartialEq)]
///     pub struct Access { pub read, pub write }
/// }
/// ```
#[macro_export]
macro_rules! flags {
    ($(#[$meta:meta])* $vis:vis struct $name:ident { $($(#[$flag_meta:meta])* $flag_vis:vis $flag:ident),* $(,)? }) => {
        $(#[$meta])*
        $vis struct $name { $($(#[$flag_meta])* $flag_vis $flag: bool),* }

        impl $crate::service::Wire for $name {
            fn fits(ty: &$crate::service::types::Type) -> bool {
                let $crate::service::types::Type::Flags(flags) = ty.shape() else { return false };
                let own = [$(stringify!($flag)),*];
                flags.iter().map(String::as_str).eq(own.map($crate::service::types::wit_name).iter().map(String::as_str))
            }

            fn lift(value: $crate::service::types::Value) -> Option<Self> {
                let $crate::service::types::Value::Flags(set) = value else { return None };
                let mut set = set.into_iter();
                Some(Self { $($flag: set.next()?),* })
            }

            fn lower(self) -> $crate::service::types::Value {
                $crate::service::types::Value::Flags(vec![$(self.$flag),*])
            }
        }
    };
}
