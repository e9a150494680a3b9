//! W3C Trace Context.

use std::fmt;
use std::str::FromStr;

/// The `traceparent` of W3C Trace Context, level 1: which trace a call belongs to, and which step made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceParent {
    /// The trace; not 0.
    pub trace: u128,
    /// The step; not 0.
    pub parent: u64,
    /// Flags: bit 0 says that the trace is recorded.
    pub flags: u8,
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
