//! The fields of the header of a call.

use std::fmt::Write as _;
use std::str::FromStr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use model::limits::DEADLINE_MAX;

use super::{CALL, Call, Trace, shown};
use crate::limits::HEADER_BYTES_MAX;

/// Enough for most.
const USUAL: usize = 320;

/// The header's value. No field has a space: each is a name, a word or a number.
pub(super) fn write(call: &Call, now: Instant) -> String {
    let mut text = String::with_capacity(USUAL);
    let mut field = |name: &str, value: &str| {
        for part in [name, "=", value, " "] {
            text.push_str(part);
        }
    };
    field("target", call.target.as_str());
    field("caller", &call.origin.text());
    field("contract", call.contract.as_str());
    field("method", call.method.as_str());
    field("wire", call.wire.as_str());
    if let Some(link) = &call.link {
        field("link", link.as_str());
    }
    let Call { chain, depth, generation, .. } = call;
    // What remains is rounded up: a deadline of less than a millisecond has not passed yet.
    let deadline = call.remaining(now).as_micros().div_ceil(1000);
    // Writing to a string cannot fail.
    let _ = write!(text, "deadline={deadline} chain={chain:x} depth={depth} generation={generation}");
    text
}

/// The fields as they were found.
#[derive(Default)]
struct Found<'a> {
    target: Option<&'a str>,
    caller: Option<&'a str>,
    link: Option<&'a str>,
    contract: Option<&'a str>,
    method: Option<&'a str>,
    wire: Option<&'a str>,
    deadline: Option<&'a str>,
    chain: Option<&'a str>,
    depth: Option<&'a str>,
    generation: Option<&'a str>,
}

impl<'a> Found<'a> {
    fn new(header: &'a str) -> Result<Self, String> {
        let mut found = Self::default();
        for field in header.split(' ') {
            let Some((name, value)) = field.split_once('=') else {
                return Err(format!("header `{CALL}` has `{}`, which is no `name=value`", shown(field)));
            };
            let slot = match name {
                "target" => &mut found.target,
                "caller" => &mut found.caller,
                "link" => &mut found.link,
                "contract" => &mut found.contract,
                "method" => &mut found.method,
                "wire" => &mut found.wire,
                "deadline" => &mut found.deadline,
                "chain" => &mut found.chain,
                "depth" => &mut found.depth,
                "generation" => &mut found.generation,
                _ => continue,
            };
            if slot.replace(value).is_some() {
                return Err(format!("header `{CALL}` has `{name}` twice"));
            }
        }
        Ok(found)
    }
}

/// Reads the header's value; an error says which field is wrong, and what it is.
pub(super) fn read(header: &str, trace: Option<Arc<Trace>>, payload: Bytes, now: Instant) -> Result<Call, String> {
    if header.len() > HEADER_BYTES_MAX {
        return Err(format!("header `{CALL}` has {} bytes; {HEADER_BYTES_MAX} is the most", header.len()));
    }
    let found = Found::new(header)?;
    let millis: u64 = parsed("deadline", found.deadline, "a number of milliseconds")?;
    Ok(Call {
        target: parsed("target", found.target, "`app/name`")?,
        origin: parsed("caller", found.caller, "`app/name` or one of the callers that begin with `@`")?,
        link: found.link.map(|link| parsed("link", Some(link), "an import")).transpose()?,
        contract: parsed("contract", found.contract, "a contract")?,
        method: parsed("method", found.method, "a function")?,
        wire: parsed("wire", found.wire, "a wire id")?,
        deadline: now + Duration::from_millis(millis).min(DEADLINE_MAX),
        chain: hexadecimal("chain", found.chain)?,
        depth: parsed("depth", found.depth, "a number of calls")?,
        generation: parsed("generation", found.generation, "a number")?,
        trace,
        payload,
    })
}

fn wanted<'a>(name: &str, value: Option<&'a str>) -> Result<&'a str, String> {
    value.ok_or_else(|| format!("header `{CALL}` has no `{name}`"))
}

fn parsed<T: FromStr>(name: &str, value: Option<&str>, expected: &str) -> Result<T, String> {
    let value = wanted(name, value)?;
    value.parse().map_err(|_| format!("`{name}` in header `{CALL}` is `{}`, not {expected}", shown(value)))
}

fn hexadecimal(name: &str, value: Option<&str>) -> Result<u128, String> {
    let value = wanted(name, value)?;
    u128::from_str_radix(value, 16)
        .map_err(|_| format!("`{name}` in header `{CALL}` is `{}`, not hexadecimal", shown(value)))
}
