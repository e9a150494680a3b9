//! Masks: which values a recording must not hold, and what stands in their place.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use adapter::value::Value;
use model::contract::{Contract, Function, Type};

use crate::limits::{MASK_BYTES_MAX, MASK_STEPS_MAX};

/// The text in the place of one that is masked.
const MASKED: &str = "masked";

/// What of a function is its result, where no parameter is called that.
const RESULT: &str = "result";

/// A rule: `contract#function`, `contract#function.parameter` or a part of that, such as
/// `acme:shop/cart#pay.card.number`; `result` stands for the result. A step into a list, an option or a map needs no word: it
/// means all that is in there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mask {
    /// The contract, with its version or without.
    contract: String,
    function: String,
    /// The parameter, or `result`, then fields and cases; empty for all that a call carries.
    path: Vec<String>,
}

/// A text that is no rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no rule: write `namespace:package/interface#function.parameter.field`, at most {MASK_BYTES_MAX} bytes"
)]
pub struct MaskError {
    /// The text.
    pub text: String,
}

impl FromStr for Mask {
    type Err = MaskError;

    fn from_str(text: &str) -> Result<Self, MaskError> {
        let wrong = || MaskError { text: text.chars().take(MASK_BYTES_MAX).collect() };
        let (contract, of) = text.split_once('#').filter(|_| text.len() <= MASK_BYTES_MAX).ok_or_else(wrong)?;
        let mut words = of.split('.').map(str::to_owned);
        let function = words.next().unwrap_or_default();
        let path: Vec<String> = words.collect();
        let is_whole = !contract.is_empty() && !function.is_empty() && path.iter().all(|word| !word.is_empty());
        if !is_whole || path.len() > MASK_STEPS_MAX {
            return Err(wrong());
        }
        Ok(Self { contract: contract.to_owned(), function, path })
    }
}

impl fmt::Display for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.contract, self.function)?;
        self.path.iter().try_for_each(|word| write!(f, ".{word}"))
    }
}

/// The rules of a recording.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Masks(pub Vec<Mask>);

impl Masks {
    /// The rules that mean nothing in any of these contracts: a slip of the pen would let a value out.
    pub(super) fn unknown(&self, contracts: &[&Arc<Contract>]) -> Vec<String> {
        let is_known = |mask: &&Mask| {
            contracts.iter().any(|contract| {
                let function = contract.functions.get(&mask.function).filter(|_| mask.is_of(contract));
                function.is_some_and(|function| mask.leads_somewhere(function))
            })
        };
        self.0.iter().filter(|mask| !is_known(mask)).map(ToString::to_string).collect()
    }

    /// Masks the parameters of a call.
    pub(crate) fn params(&self, contract: &Contract, name: &str, function: &Function, values: &mut [Value]) {
        for mask in self.of(contract, name) {
            for (param, value) in function.params.iter().zip(values.iter_mut()) {
                match mask.path.split_first() {
                    None => cover(&param.ty, value, &[]),
                    Some((first, rest)) if *first == param.name => cover(&param.ty, value, rest),
                    Some(_) => {}
                }
            }
        }
    }

    /// Masks the result of a call.
    pub(crate) fn result(&self, contract: &Contract, name: &str, function: &Function, value: Option<&mut Value>) {
        let (Some(ty), Some(value)) = (&function.result, value) else { return };
        for mask in self.of(contract, name) {
            match mask.path.split_first() {
                None => cover(ty, value, &[]),
                Some((first, rest)) if first == RESULT => cover(ty, value, rest),
                Some(_) => {}
            }
        }
    }

    /// The text of a failure of the function: where anything of it is masked, its text may quote that.
    pub(super) fn failure<'a>(&self, contract: &Contract, name: &str, text: &'a str) -> &'a str {
        if self.of(contract, name).next().is_some() { MASKED } else { text }
    }

    fn of(&self, contract: &Contract, function: &str) -> impl Iterator<Item = &Mask> {
        self.0.iter().filter(move |mask| mask.function == function && mask.is_of(contract))
    }
}

impl Mask {
    fn is_of(&self, contract: &Contract) -> bool {
        self.contract == contract.name.unversioned() || self.contract == contract.name.to_string()
    }

    fn leads_somewhere(&self, function: &Function) -> bool {
        let Some((first, rest)) = self.path.split_first() else { return true };
        let param = function.params.iter().filter(|param| param.name == *first).map(|param| &param.ty);
        let result = function.result.iter().filter(|_| first == RESULT);
        param.chain(result).any(|ty| leads(ty, rest))
    }
}

/// Whether the steps are there in a type.
fn leads(ty: &Type, path: &[String]) -> bool {
    let Some((first, rest)) = path.split_first() else { return true };
    let case = |ty: Option<&Type>| ty.map_or(rest.is_empty(), |ty| leads(ty, rest));
    match ty.shape() {
        Type::List(inner) | Type::FixedList(inner, _) | Type::Option(inner) => leads(inner, path),
        Type::Map(_, value) => leads(value, path),
        Type::Record(fields) => fields.iter().any(|field| field.name == *first && leads(&field.ty, rest)),
        Type::Tuple(items) => position(first).and_then(|at| items.get(at)).is_some_and(|ty| leads(ty, rest)),
        Type::Variant(cases) => cases.iter().any(|of| of.name == *first && case(of.ty.as_ref())),
        Type::Result { ok, .. } if first == "ok" => case(ok.as_deref()),
        Type::Result { err, .. } if first == "err" => case(err.as_deref()),
        _ => false,
    }
}

fn position(word: &str) -> Option<usize> {
    word.parse().ok()
}

/// Masks what the steps lead to in a value.
fn cover(ty: &Type, value: &mut Value, path: &[String]) {
    let Some((first, rest)) = path.split_first() else {
        *value = blank(ty, value);
        return;
    };
    match (ty.shape(), value) {
        (Type::List(inner) | Type::FixedList(inner, _), Value::List(items)) => {
            items.iter_mut().for_each(|item| cover(inner, item, path));
        }
        (Type::Option(inner), Value::Option(Some(some))) => cover(inner, some, path),
        (Type::Map(_, of), Value::Map(entries)) => entries.iter_mut().for_each(|(_, value)| cover(of, value, path)),
        (Type::Record(fields), Value::Record(values)) => {
            let named = fields.iter().zip(values).filter(|(field, _)| field.name == *first);
            named.for_each(|(field, value)| cover(&field.ty, value, rest));
        }
        (Type::Tuple(types), Value::Tuple(values)) => {
            let at = position(first).and_then(|at| types.get(at).zip(values.get_mut(at)));
            at.into_iter().for_each(|(ty, value)| cover(ty, value, rest));
        }
        (Type::Variant(cases), Value::Variant { case, payload: Some(payload) }) => {
            let is = cases.get(*case as usize).filter(|case| case.name == *first).and_then(|case| case.ty.as_ref());
            is.into_iter().for_each(|ty| cover(ty, payload, rest));
        }
        (Type::Result { ok: Some(ty), .. }, Value::Result(Ok(Some(value)))) if first == "ok" => cover(ty, value, rest),
        (Type::Result { err: Some(ty), .. }, Value::Result(Err(Some(value)))) if first == "err" => {
            cover(ty, value, rest);
        }
        _ => {}
    }
}

/// What stands for a value. A result stays the `ok` or the `err` that it was: what follows from it is to be replayed.
fn blank(ty: &Type, value: &Value) -> Value {
    match (ty.shape(), value) {
        (Type::Result { err, .. }, Value::Result(Err(_))) => {
            Value::Result(Err(err.as_deref().map(|ty| Box::new(masked(ty)))))
        }
        _ => masked(ty),
    }
}

/// The value of a type that says nothing.
fn masked(ty: &Type) -> Value {
    let payload = |ty: Option<&Type>| ty.map(|ty| Box::new(masked(ty)));
    match ty.shape() {
        Type::Bool => Value::Bool(false),
        Type::U8 => Value::U8(0),
        Type::U16 => Value::U16(0),
        Type::U32 => Value::U32(0),
        Type::U64 => Value::U64(0),
        Type::S8 => Value::S8(0),
        Type::S16 => Value::S16(0),
        Type::S32 => Value::S32(0),
        Type::S64 => Value::S64(0),
        Type::F32 => Value::F32(0.0),
        Type::F64 => Value::F64(0.0),
        Type::Char => Value::Char('*'),
        Type::String => Value::String(MASKED.to_owned()),
        Type::List(inner) if matches!(inner.shape(), Type::U8) => Value::Bytes(Vec::new()),
        Type::List(_) => Value::List(Vec::new()),
        Type::FixedList(inner, count) if matches!(inner.shape(), Type::U8) => Value::Bytes(vec![0; *count as usize]),
        Type::FixedList(inner, count) => Value::List((0..*count).map(|_| masked(inner)).collect()),
        Type::Map(..) => Value::Map(Vec::new()),
        Type::Tuple(types) => Value::Tuple(types.iter().map(masked).collect()),
        Type::Option(_) => Value::none(),
        Type::Result { ok, .. } => Value::Result(Ok(payload(ok.as_deref()))),
        Type::Record(fields) => Value::Record(fields.iter().map(|field| masked(&field.ty)).collect()),
        Type::Variant(cases) => {
            Value::Variant { case: 0, payload: payload(cases.first().and_then(|case| case.ty.as_ref())) }
        }
        Type::Enum(_) => Value::Enum(0),
        Type::Flags(flags) => Value::Flags(vec![false; flags.len()]),
        Type::Named(named) => masked(&named.shape),
    }
}
