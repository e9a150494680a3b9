//! Why bytes are not a value.

use crate::limits::{DECODED_MAX, TYPE_DEPTH_MAX};
use crate::value::{Segment, ValuePath};

/// Bytes that are not a value of their type: what is wrong, at which byte, in which part of the value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {} at byte {}; both ends of a call must use one contract and one wire version", .fault.path, .fault.reason, .fault.offset)]
pub struct DecodeError {
    fault: Box<Fault>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Fault {
    path: ValuePath,
    offset: usize,
    reason: DecodeReason,
}

/// What is wrong with bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeReason {
    /// The value goes on where the bytes end.
    #[error("the bytes end, {missing} more needed")]
    Truncated {
        /// At least this many bytes are missing.
        missing: usize,
    },
    /// The value ends before the bytes do.
    #[error("{count} bytes too many")]
    Trailing {
        /// The number of bytes that are left.
        count: usize,
    },
    /// A LEB128 integer that does not fit.
    #[error("an integer of more than {bits} bits")]
    IntegerTooLarge {
        /// The bits there is room for.
        bits: u32,
    },
    /// A LEB128 integer with redundant bytes.
    #[error("an integer that is not in its shortest form")]
    IntegerNotShortest,
    /// A byte other than 0 and 1.
    #[error("byte {byte:#04x} where a {what} is 0 or 1")]
    NotZeroOrOne {
        /// The byte.
        byte: u8,
        /// `bool`, `option` or `result`.
        what: &'static str,
    },
    /// Bytes that are not a Unicode scalar value in UTF-8.
    #[error("bytes that are no character in UTF-8")]
    BadChar,
    /// A string that is not UTF-8.
    #[error("a string that is not UTF-8")]
    BadUtf8,
    /// A case that the type lacks.
    #[error("case {case} of {count}")]
    CaseTooLarge {
        /// The case.
        case: u32,
        /// The number of cases.
        count: usize,
    },
    /// A bit beyond the last flag is set.
    #[error("a set bit beyond the last flag")]
    UnknownFlag,
    /// A count that the bytes left cannot hold.
    #[error("{count} elements announced, {left} bytes left")]
    CountTooLarge {
        /// The elements announced.
        count: usize,
        /// The bytes left.
        left: usize,
    },
    /// The value would take too much memory.
    #[error("the value takes more than {DECODED_MAX} bytes of memory: pass less at once;")]
    TooLarge,
    /// The type nests too deep.
    #[error("the type nests deeper than {TYPE_DEPTH_MAX} levels")]
    TooDeep,
}

impl DecodeError {
    pub(super) fn new(offset: usize, reason: DecodeReason) -> DecodeError {
        DecodeError { fault: Box::new(Fault { path: ValuePath::root(), offset, reason }) }
    }

    pub(super) fn within(mut self, segment: Segment) -> DecodeError {
        self.fault.path.push_outer(segment);
        self
    }

    pub(super) fn rooted_at(mut self, root: &'static str) -> DecodeError {
        self.fault.path.set_root(root);
        self
    }

    /// Where in the value.
    pub fn path(&self) -> &ValuePath {
        &self.fault.path
    }

    /// The byte at which the faulty part starts.
    pub fn offset(&self) -> usize {
        self.fault.offset
    }

    /// What is wrong there.
    pub fn reason(&self) -> &DecodeReason {
        &self.fault.reason
    }
}
