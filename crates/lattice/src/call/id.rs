//! Which call, of which life of which host.

use std::fmt;
use std::str::FromStr;

use crate::subject::Token;

/// One life of a host: each start has a greater one than all before. Whoever starts a host sees to that, against what
/// the lattice remembers of it; calls of a life that is not the latest are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Incarnation(pub u64);

/// The lowest bits of an incarnation, which are drawn: so two processes that are started as one host at the same moment, or
/// with a clock that went back, do not take themselves for each other.
const DRAWN_BITS: u32 = 12;

impl Incarnation {
    /// A life that begins at `clock`, in milliseconds since 1970, and is later than `before`; some bits are `drawn` at random.
    pub fn begun(clock: u64, before: Option<Self>, drawn: u64) -> Self {
        let (unit, least) = (1 << DRAWN_BITS, before.map_or(0, |before| before.next().0));
        let begun = clock.saturating_mul(unit).max(least) / unit * unit + drawn % unit;
        Self(if begun < least { begun.saturating_add(unit) } else { begun })
    }

    /// The life that follows.
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// Which call of a host; written as one token, such as `18f3a-2c`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CallId {
    /// The life of the host that called.
    pub incarnation: Incarnation,
    /// Its calls are numbered from 1.
    pub sequence: u64,
}

impl CallId {
    /// The token that stands in the subject of the answer.
    pub fn token(&self) -> Token {
        Token::of(self.to_string())
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{:x}", self.incarnation.0, self.sequence)
    }
}

impl FromStr for CallId {
    type Err = ();

    /// Reads what [`Self::token`] writes, and no other way of writing the same numbers.
    fn from_str(text: &str) -> Result<Self, ()> {
        let (incarnation, sequence) = text.split_once('-').ok_or(())?;
        Ok(Self { incarnation: Incarnation(hexadecimal(incarnation)?), sequence: hexadecimal(sequence)? })
    }
}

fn hexadecimal(text: &str) -> Result<u64, ()> {
    let digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    let canonical = text == "0" || !text.starts_with('0') && !text.is_empty() && text.bytes().all(digit);
    canonical.then(|| u64::from_str_radix(text, 16).ok()).flatten().ok_or(())
}
