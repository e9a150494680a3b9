//! The value encoding over dynamic values. Version 1 of the wire is the component model's value definitions
//! (`Binary.md`, "Value Definitions"), parameters one after the other, nothing for no result.
//!
//! | type | bytes |
//! | --- | --- |
//! | `bool`, `u8`, `s8` | one byte; `bool` 0 or 1 |
//! | `u16` `u32` `u64`, `s16` `s32` `s64` | LEB128, unsigned or signed, in its shortest form |
//! | `f32`, `f64` | 4 or 8 bytes, little-endian; NaN is written as the canonical one, and read whatever its bits |
//! | `char` | its UTF-8 bytes |
//! | `string` | its length in bytes as LEB128, then UTF-8 |
//! | `list`, `map` | the count as LEB128, then the elements; a map is a list of pairs |
//! | fixed-length list, `record`, `tuple` | the parts, nothing between |
//! | `variant`, `enum` | the case as LEB128, then the payload |
//! | `option`, `result` | one byte, 0 or 1 (`none`/`some`, `ok`/`err`), then the payload |
//! | `flags` | ⌈n/8⌉ bytes, flag i is bit i; bits beyond the last flag are 0 |
//!
//! Version 2 is the same, but for the elements of `list<T>` and `list<T, N>` where `T` is a number of more than a byte
//! (`u16` to `u64`, `s16` to `s64`, `f32`, `f64`, by whatever name): they have 2, 4 or 8 bytes each, little-endian, as in
//! memory, and a NaN among them keeps its bits.
//!
//! There is one encoding for each value: what decodes, encodes to the same bytes again, but for NaN and equal keys of a map.

mod decode;
mod encode;
mod error;
mod reader;

pub use crate::value::{Misfit as EncodeError, MisfitReason as EncodeReason};
pub use error::{DecodeError, DecodeReason};

use model::contract::{Function, Type};
use model::wire::WireVersion;

use crate::value::misfit::{result, same_length};
use crate::value::{Segment, Value};
use decode::Decoder;
use encode::Encoder;

/// The value encoding of one version of the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Codec(pub WireVersion);

impl Codec {
    /// Appends the encoding of a value. After an error, `out` is as it was before.
    pub fn encode(self, ty: &Type, value: &Value, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.appending(out, |encoder| encoder.value(ty, value))
    }

    /// The encoding of a call's parameters.
    pub fn encode_params(self, function: &Function, params: &[Value]) -> Result<Vec<u8>, EncodeError> {
        let mut out = Vec::new();
        same_length(&"params", function.params.len(), params.len()).map_err(|error| error.rooted_at("params"))?;
        self.appending(&mut out, |encoder| {
            function
                .params
                .iter()
                .zip(params)
                .try_for_each(|(param, value)| encoder.field(&param.name, &param.ty, value))
        })
        .map_err(|error| error.rooted_at("params"))?;
        Ok(out)
    }

    /// The encoding of a call's result; no bytes where the function has none.
    pub fn encode_result(self, function: &Function, value: Option<&Value>) -> Result<Vec<u8>, EncodeError> {
        let mut out = Vec::new();
        if let Some((ty, value)) = result(function.result.as_ref(), value)? {
            self.encode(ty, value, &mut out).map_err(|error| error.rooted_at("result"))?;
        }
        Ok(out)
    }

    /// The value that the bytes are, all of them.
    pub fn decode(self, ty: &Type, bytes: &[u8]) -> Result<Value, DecodeError> {
        let mut decoder = Decoder::new(bytes, self.0);
        let value = decoder.value(ty)?;
        decoder.finish()?;
        Ok(value)
    }

    /// The parameters of a call.
    pub fn decode_params(self, function: &Function, bytes: &[u8]) -> Result<Vec<Value>, DecodeError> {
        let mut decoder = Decoder::new(bytes, self.0);
        let mut read = || {
            let params = function.params.iter().map(|param| decoder.field(&param.name, &param.ty));
            let params = params.collect::<Result<Vec<Value>, DecodeError>>()?;
            decoder.finish()?;
            Ok(params)
        };
        read().map_err(|error: DecodeError| error.rooted_at("params"))
    }

    /// The result of a call; none where the function has none.
    pub fn decode_result(self, function: &Function, bytes: &[u8]) -> Result<Option<Value>, DecodeError> {
        let value = match &function.result {
            Some(ty) => self.decode(ty, bytes).map(Some),
            None => Decoder::new(bytes, self.0).finish().map(|()| None),
        };
        value.map_err(|error| error.rooted_at("result"))
    }

    fn appending(
        self,
        out: &mut Vec<u8>,
        write: impl FnOnce(&mut Encoder<'_>) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        let start = out.len();
        let written = write(&mut Encoder::new(out, self.0));
        if written.is_err() {
            out.truncate(start);
        }
        written
    }
}

/// [`Codec::encode`] in version 1.
pub fn encode(ty: &Type, value: &Value, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    V1.encode(ty, value, out)
}

/// [`Codec::encode_params`] in version 1.
pub fn encode_params(function: &Function, params: &[Value]) -> Result<Vec<u8>, EncodeError> {
    V1.encode_params(function, params)
}

/// [`Codec::encode_result`] in version 1.
pub fn encode_result(function: &Function, value: Option<&Value>) -> Result<Vec<u8>, EncodeError> {
    V1.encode_result(function, value)
}

/// [`Codec::decode`] in version 1.
pub fn decode(ty: &Type, bytes: &[u8]) -> Result<Value, DecodeError> {
    V1.decode(ty, bytes)
}

/// [`Codec::decode_params`] in version 1.
pub fn decode_params(function: &Function, bytes: &[u8]) -> Result<Vec<Value>, DecodeError> {
    V1.decode_params(function, bytes)
}

/// [`Codec::decode_result`] in version 1.
pub fn decode_result(function: &Function, bytes: &[u8]) -> Result<Option<Value>, DecodeError> {
    V1.decode_result(function, bytes)
}

const V1: Codec = Codec(WireVersion::V1);

fn field_segment(name: &str) -> Segment {
    Segment::Name(name.to_owned())
}
