//! Messages by their contract, as lines have them.

use std::sync::Arc;

use adapter::codec::Codec;
use adapter::text::{Notation, params_to, result_to};
use model::blueprint::AdapterPlan;
use model::contract::{Contract, Function};
use model::failure::{Failure, RpcError};
use model::wire::WireVersion;

use super::line::{Message, Outcome};
use super::mask::Masks;

/// A contract, as an adapter speaks it.
pub(super) struct Spoken(pub(super) Arc<Contract>, WireVersion);

impl Spoken {
    pub(super) fn of(contract: &Arc<Contract>, adapter: &AdapterPlan) -> Option<Self> {
        Some(Self(Arc::clone(contract), adapter.version()?))
    }

    /// A message of these parameters.
    pub(super) fn message(&self, masks: &Masks, import: Option<&str>, function: &str, payload: &[u8]) -> Message {
        let params = self.0.functions.get(function).and_then(|signature| {
            let mut values = Codec(self.1).decode_params(signature, payload).ok()?;
            masks.params(&self.0, function, signature, &mut values);
            params_to(Notation::Json, signature, &values).ok()
        });
        let contract = self.0.name.to_string();
        Message { import: import.map(str::to_owned), contract, function: function.to_owned(), params }
    }

    pub(super) fn outcome(&self, masks: &Masks, function: &str, answer: Result<&[u8], &Failure>) -> Outcome {
        let failed =
            |failure: &Failure| Outcome::failed(failure, |text| masks.failure(&self.0, function, text).to_owned());
        let result = match (answer, self.0.functions.get(function)) {
            (Ok(payload), Some(signature)) => self.result(masks, function, signature, payload),
            (Ok(_), None) => Err("there is no such function".to_owned()),
            (Err(failure), _) => return failed(failure),
        };
        // What the caller makes of such bytes as well.
        result.map_or_else(|text| failed(&Failure::unknown(RpcError::Deser(text))), Outcome::Result)
    }

    fn result(&self, masks: &Masks, name: &str, function: &Function, payload: &[u8]) -> Result<String, String> {
        let mut value = Codec(self.1).decode_result(function, payload).map_err(|error| error.to_string())?;
        masks.result(&self.0, name, function, value.as_mut());
        result_to(Notation::Json, function, value.as_ref()).map_err(|error| error.to_string())
    }
}
