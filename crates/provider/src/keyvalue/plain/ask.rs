//! The asking end: operations as calls, and what is answered.

use std::fmt::Display;
use std::sync::Arc;

use adapter::codec::{decode_result, encode_params};
use adapter::value::Value;
use bytes::Bytes;
use engine::keyvalue::{Answer, Operation, Page, StoreError};
use model::contract::{Contract, Function};

use super::{Bounds, Fault, Held, Keys, bounded};
use crate::contracts;
use crate::limits::{BATCH_BYTES_MAX, CURSOR_LEN_MAX, PAGE_KEYS_TAKEN_MAX, VALUE_BYTES_MAX};
use crate::service::Wire;

/// A call of a function of `lath:keyvalue/store`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The function.
    pub method: &'static str,
    /// Its parameters, in wire version 1.
    pub payload: Vec<u8>,
    /// The values that are asked for.
    values: usize,
}

impl Question {
    /// The calls that do `operation` in a store, one after the other; the answer of the last is that of the operation.
    ///
    /// # Errors
    ///
    /// [`StoreError::Other`] where keys, values or batches are beyond what any store takes.
    pub fn of(store: &str, operation: Operation) -> Result<Vec<Self>, StoreError> {
        bounded(&operation)?;
        let store = || Wire::lower(store.to_owned());
        let key = Wire::lower;
        let bytes = |value: Bytes| Wire::lower(Vec::from(value));
        let asked = match operation {
            Operation::Read(keys) => match <[String; 1]>::try_from(keys) {
                Ok([only]) => vec![("get", vec![store(), key(only)], 1)],
                Err(keys) => {
                    let count = keys.len();
                    vec![("get-many", vec![store(), keys.lower()], count)]
                }
            },
            Operation::Exists(only) => vec![("exists", vec![store(), key(only)], 0)],
            Operation::List { cursor } => vec![("list-keys", vec![store(), cursor.lower()], 0)],
            Operation::Write(changes) => {
                let alike = changes.chunk_by(|(_, one), (_, next)| one.is_some() == next.is_some());
                alike.map(|changes| writing(store(), changes)).collect()
            }
            Operation::Add { key: only, delta, bounds } => {
                let within = Bounds { least: *bounds.start(), most: *bounds.end() };
                vec![("increment", vec![store(), key(only), delta.lower(), Some(within).lower()], 0)]
            }
            Operation::Swap { key: only, expected, value } => {
                let expected = expected.map(Vec::from).lower();
                vec![("swap", vec![store(), key(only), expected, bytes(value)], 0)]
            }
        };
        asked.into_iter().map(|(method, params, values)| Self::new(method, &params, values)).collect()
    }

    fn new(method: &'static str, params: &[Value], values: usize) -> Result<Self, StoreError> {
        let contract = contract()?;
        let payload = encode_params(function(&contract, method)?, params);
        let payload = payload.map_err(|error| StoreError::Other(error.to_string()))?;
        Ok(Self { method, payload, values })
    }

    /// What the store answered.
    ///
    /// # Errors
    ///
    /// What the store says; [`StoreError::Other`] where its answer is none of the contract, or beyond what a store may
    /// give.
    pub fn answer(&self, payload: &[u8]) -> Result<Answer, StoreError> {
        let contract = contract()?;
        let malformed = |reason: &dyn Display| {
            StoreError::Other(format!("the store's answer to `{}` cannot be read: {reason}", self.method))
        };
        let value = decode_result(function(&contract, self.method)?, payload).map_err(|error| malformed(&error))?;
        let value = value.ok_or_else(|| malformed(&"it is empty"))?;
        let answer = match self.method {
            "get" => lift::<Held>(value).map(|given| given.map(|value| Answer::Values(vec![value.map(Bytes::from)]))),
            "get-many" => lift::<Vec<Held>>(value).map(|given| {
                given.map(|values| Answer::Values(values.into_iter().map(|value| value.map(Bytes::from)).collect()))
            }),
            "exists" => lift(value).map(|given| given.map(Answer::Exists)),
            "list-keys" => {
                lift(value).map(|given| given.map(|Keys { keys, cursor }| Answer::Page(Page { keys, cursor })))
            }
            "increment" => lift(value).map(|given| given.map(Answer::Number)),
            "swap" => lift(value).map(|given| given.map(Answer::Swapped)),
            _ => lift::<()>(value).map(|given| given.map(|()| Answer::Done)),
        };
        let answer = answer.ok_or_else(|| malformed(&"it has another type"))??;
        if self.fits(&answer) { Ok(answer) } else { Err(malformed(&"it holds more than was asked for, or less")) }
    }

    fn fits(&self, answer: &Answer) -> bool {
        match answer {
            Answer::Values(values) => {
                let sizes = || values.iter().flatten().map(Bytes::len);
                values.len() == self.values
                    && sizes().all(|size| size <= VALUE_BYTES_MAX)
                    && sizes().fold(0, usize::saturating_add) <= BATCH_BYTES_MAX
            }
            Answer::Page(page) => {
                let cursor = page.cursor.as_ref().map_or(0, String::len);
                page.keys.len() <= PAGE_KEYS_TAKEN_MAX && cursor <= CURSOR_LEN_MAX
            }
            Answer::Exists(_) | Answer::Done | Answer::Number(_) | Answer::Swapped(_) => true,
        }
    }
}

/// Changes that are all of one sort: values set, or keys deleted.
fn writing(store: Value, changes: &[(String, Option<Bytes>)]) -> (&'static str, Vec<Value>, usize) {
    match changes {
        [(key, Some(value))] => ("set", vec![store, key.clone().lower(), value.to_vec().lower()], 0),
        [(key, None)] => ("delete", vec![store, key.clone().lower()], 0),
        changes => {
            let pairs: Vec<_> =
                changes.iter().filter_map(|(key, value)| Some((key.clone(), value.as_ref()?.to_vec()))).collect();
            if pairs.is_empty() {
                let keys: Vec<_> = changes.iter().map(|(key, _)| key.clone()).collect();
                ("delete-many", vec![store, keys.lower()], 0)
            } else {
                ("set-many", vec![store, pairs.lower()], 0)
            }
        }
    }
}

fn lift<T: Wire>(value: Value) -> Option<Result<T, StoreError>> {
    <Result<T, Fault>>::lift(value).map(|given| given.map_err(StoreError::from))
}

fn contract() -> Result<Arc<Contract>, StoreError> {
    contracts::store().map_err(|error| StoreError::Other(error.to_string()))
}

fn function<'a>(contract: &'a Contract, method: &str) -> Result<&'a Function, StoreError> {
    let missing = || StoreError::Other(format!("`{}` has no function `{method}`", contract.name));
    contract.functions.get(method).ok_or_else(missing)
}
