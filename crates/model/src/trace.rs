//! W3C Trace Context, level 1: which trace a call belongs to, as it travels with the call.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::limits::{TRACE_STATE_BYTES_MAX, TRACE_STATE_MEMBERS_MAX};

/// The `traceparent`: which trace a call belongs to, and which step made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceParent {
    /// The trace; not 0.
    pub trace: u128,
    /// The step; not 0.
    pub parent: u64,
    /// Flags: bit 0 says that the trace is recorded.
    pub flags: u8,
}

/// The context of a call: its `traceparent`, and the `tracestate` that goes with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    /// Which trace, and which step.
    pub parent: TraceParent,
    /// What systems of tracing say to each other: members `key=value`, joined by commas.
    pub state: Option<TraceState>,
}

/// A `tracestate` that keeps to its grammar (section 3.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceState(Arc<str>);

/// The bit of the flags that says that the trace is recorded.
const SAMPLED: u8 = 1;

impl TraceParent {
    /// Whether the trace is recorded.
    pub fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// The next step of the same trace.
    pub fn step(self, parent: u64) -> Self {
        Self { parent, ..self }
    }

    /// The first step of a trace, recorded or not. No number of it is 0.
    pub fn root(trace: u128, parent: u64, is_sampled: bool) -> Self {
        Self { trace: trace.max(1), parent: parent.max(1), flags: u8::from(is_sampled) }
    }
}

impl Trace {
    /// What the headers of a request say: one `traceparent`, and any number of `tracestate`. None where the first is not
    /// as the specification has it; without its state where only that is wrong.
    pub fn read<'a>(parent: &str, states: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let parent = parent.parse().ok()?;
        let states: Vec<&str> = states.into_iter().collect();
        let state = (!states.is_empty()).then(|| states.join(",").parse().ok()).flatten();
        Some(Self { parent, state })
    }

    /// The same trace, one step further.
    pub fn step(&self, parent: u64) -> Self {
        Self { parent: self.parent.step(parent), state: self.state.clone() }
    }
}

impl From<TraceParent> for Trace {
    fn from(parent: TraceParent) -> Self {
        Self { parent, state: None }
    }
}

impl FromStr for TraceParent {
    type Err = ();

    /// Reads version 00, and of a later version what that has in common.
    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.split('-');
        let mut next = |digits| parts.next().and_then(|part| hexadecimal(part, digits)).ok_or(());
        let (version, trace, parent, flags) = (next(2)?, next(32)?, next(16)?, next(2)?);
        let narrow = (u64::try_from(parent), u8::try_from(flags));
        let (Ok(parent), Ok(flags)) = narrow else { return Err(()) };
        let whole = version != 0 || parts.next().is_none();
        if version == 0xff || !whole || trace == 0 || parent == 0 {
            return Err(());
        }
        Ok(Self { trace, parent, flags })
    }
}

/// Lower-case digits, exactly as many.
fn hexadecimal(text: &str, digits: usize) -> Option<u128> {
    let digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    (text.len() == digits && text.bytes().all(digit)).then(|| u128::from_str_radix(text, 16).ok()).flatten()
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace, self.parent, self.flags)
    }
}

impl TraceState {
    /// The members as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TraceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for TraceState {
    type Err = ();

    /// At most [`TRACE_STATE_MEMBERS_MAX`] members and [`TRACE_STATE_BYTES_MAX`] bytes, no key twice. Empty members are
    /// left out; nothing but those is no state.
    fn from_str(text: &str) -> Result<Self, ()> {
        if text.len() > TRACE_STATE_BYTES_MAX {
            return Err(());
        }
        let members: Vec<&str> = text
            .split(',')
            .map(|member| member.trim_matches([' ', '\t']))
            .filter(|member| !member.is_empty())
            .collect();
        let pairs =
            members.iter().map(|member| member.split_once('=').filter(|(key, value)| is_key(key) && is_value(value)));
        let keys: BTreeSet<&str> = pairs.map(|pair| pair.map(|(key, _)| key).ok_or(())).collect::<Result<_, _>>()?;
        let is_good = (1..=TRACE_STATE_MEMBERS_MAX).contains(&members.len()) && keys.len() == members.len();
        if is_good { Ok(Self(members.join(",").into())) } else { Err(()) }
    }
}

/// `key` of section 3.3.1.3: with or without the name of a tenant before an `@`.
fn is_key(key: &str) -> bool {
    let part = |part: &str, len_max: usize, begins: fn(u8) -> bool| {
        let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-*/".contains(&b);
        part.len() <= len_max && part.bytes().next().is_some_and(begins) && part.bytes().all(inner)
    };
    let letter = |b: u8| b.is_ascii_lowercase();
    let either = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    match key.split_once('@') {
        Some((tenant, system)) => part(tenant, 241, either) && part(system, 14, letter),
        None => part(key, 256, letter),
    }
}

/// `value` of section 3.3.1.4: printable, without `,` and `=`, and no space at its end.
fn is_value(value: &str) -> bool {
    let is_char = |b: u8| (b' '..=b'~').contains(&b) && b != b',' && b != b'=';
    (1..=256).contains(&value.len()) && value.bytes().all(is_char) && !value.ends_with(' ')
}
