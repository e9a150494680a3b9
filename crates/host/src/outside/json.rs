//! JSON at the edge, the contract's payloads inside.

use adapter::codec::Codec;
use adapter::text::{self, Notation};
use model::contract::Function;
use model::failure::{Failure, RpcError};
use model::wire::WireVersion;

/// The function that JSON is for, with its name in the contract: errors say how it is written.
#[derive(Clone, Copy, Debug)]
pub struct Named<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its parameters and its result.
    pub function: &'a Function,
    /// The version of the wire of its payloads.
    pub wire: WireVersion,
}

impl Named<'_> {
    /// Parameters as a client writes them, as a payload.
    ///
    /// # Errors
    ///
    /// `deser`, not started, with what the function takes.
    pub fn params_from_json(self, json: &[u8]) -> Result<Vec<u8>, Failure> {
        let refused = |reason: String| Failure::not_started(RpcError::Deser(self.expected("parameters", &reason)));
        let text = std::str::from_utf8(json).map_err(|error| refused(error.to_string()))?;
        let params = text::params_from_json(self.function, text).map_err(|error| refused(error.to_string()))?;
        Codec(self.wire).encode_params(self.function, &params).map_err(|error| refused(error.to_string()))
    }

    /// A result as a client reads it.
    ///
    /// # Errors
    ///
    /// `deser` where the payload is no result of the function, `ser` where JSON cannot hold it.
    pub fn result_to_json(self, payload: &[u8]) -> Result<String, Failure> {
        let failed = |reason: String| Failure::unknown(RpcError::Deser(self.expected("the result", &reason)));
        let value = Codec(self.wire).decode_result(self.function, payload);
        let value = value.map_err(|error| failed(error.to_string()))?;
        text::result_to(Notation::Json, self.function, value.as_ref())
            .map_err(|error| Failure::unknown(RpcError::Ser(self.expected("the result", &error.to_string()))))
    }

    /// Parameters as a process outside reads them: an object by name.
    ///
    /// # Errors
    ///
    /// `deser` or `ser`, not started, where the payload is not the function's.
    pub fn params_to_json(self, payload: &[u8]) -> Result<String, Failure> {
        let params = Codec(self.wire)
            .decode_params(self.function, payload)
            .map_err(|error| Failure::not_started(RpcError::Deser(self.expected("parameters", &error.to_string()))))?;
        text::params_to(Notation::Json, self.function, &params)
            .map_err(|error| Failure::not_started(RpcError::Ser(self.expected("parameters", &error.to_string()))))
    }

    /// A result as a process outside writes it, as a payload.
    ///
    /// # Errors
    ///
    /// `deser`, with what the contract expects; the process may have acted.
    pub fn result_from_json(self, json: &[u8]) -> Result<Vec<u8>, Failure> {
        let failed = |reason: String| Failure::unknown(RpcError::Deser(self.expected("the result", &reason)));
        let text = std::str::from_utf8(json).map_err(|error| failed(error.to_string()))?;
        let value = text::result_from_json(self.function, text).map_err(|error| failed(error.to_string()))?;
        Codec(self.wire).encode_result(self.function, value.as_ref()).map_err(|error| failed(error.to_string()))
    }

    fn expected(self, what: &str, reason: &str) -> String {
        let Self { name, function, .. } = self;
        format!(
            "{what} of `{name}`: {reason}; the contract has `{name}: {function}`, written in JSON as docs/JSON.md says"
        )
    }
}
