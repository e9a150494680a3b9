//! The bytes of a payload, read from the front: integers, floats, characters, and the bounds on what they may ask for.

use super::{DecodeError, DecodeReason};
use crate::value::memory::Memory;

type Read<T> = Result<T, DecodeError>;

pub(super) struct Reader<'b> {
    rest: &'b [u8],
    length: usize,
    memory: Memory,
}

impl<'b> Reader<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Reader<'b> {
        Reader { rest: bytes, length: bytes.len(), memory: Memory::new() }
    }

    /// How many bytes were read.
    pub(super) fn offset(&self) -> usize {
        self.length - self.rest.len()
    }

    /// How many bytes are left.
    pub(super) fn left(&self) -> usize {
        self.rest.len()
    }

    /// Accounts for memory before it is taken.
    pub(super) fn charge(&mut self, bytes: usize) -> Read<()> {
        self.memory.take(bytes).ok_or_else(|| self.fault(DecodeReason::TooLarge))
    }

    pub(super) fn take(&mut self, count: usize) -> Read<&'b [u8]> {
        let Some((taken, rest)) = self.rest.split_at_checked(count) else {
            return Err(self.fault(DecodeReason::Truncated { missing: count - self.rest.len() }));
        };
        self.rest = rest;
        Ok(taken)
    }

    pub(super) fn byte(&mut self) -> Read<u8> {
        let Some((byte, rest)) = self.rest.split_first() else {
            return Err(self.fault(DecodeReason::Truncated { missing: 1 }));
        };
        self.rest = rest;
        Ok(*byte)
    }

    pub(super) fn zero_or_one(&mut self, what: &'static str) -> Read<bool> {
        let start = self.offset();
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            byte => Err(DecodeError::new(start, DecodeReason::NotZeroOrOne { byte, what })),
        }
    }

    /// Unsigned LEB128 of at most `bits` bits, shortest form only.
    pub(super) fn unsigned(&mut self, bits: u32) -> Read<u64> {
        let start = self.offset();
        let mut value = 0;
        for shift in (0..bits).step_by(7) {
            let byte = self.byte()?;
            let part = u64::from(byte & 0x7f);
            if part.checked_shr(bits - shift).is_some_and(|beyond| beyond != 0) {
                break;
            }
            value |= part << shift;
            match byte {
                0 if shift > 0 => return Err(DecodeError::new(start, DecodeReason::IntegerNotShortest)),
                0..0x80 => return Ok(value),
                _ => {}
            }
        }
        Err(DecodeError::new(start, DecodeReason::IntegerTooLarge { bits }))
    }

    /// Signed LEB128 of at most `bits` bits, shortest form only.
    pub(super) fn signed(&mut self, bits: u32) -> Read<i64> {
        let start = self.offset();
        let mut value = 0;
        let mut sign_so_far = None;
        for shift in (0..bits).step_by(7) {
            let byte = self.byte()?;
            let part = sign_extended(byte);
            if !fits(part, bits - shift) {
                break;
            }
            if byte >= 0x80 {
                value |= i64::from(byte & 0x7f) << shift;
                sign_so_far = Some(part >> 6);
                continue;
            }
            // A last byte that only repeats the sign adds nothing.
            if sign_so_far == Some(part) {
                return Err(DecodeError::new(start, DecodeReason::IntegerNotShortest));
            }
            return Ok(value | part << shift);
        }
        Err(DecodeError::new(start, DecodeReason::IntegerTooLarge { bits }))
    }

    /// A `u32` of the wire as an index or a length.
    pub(super) fn count(&mut self) -> Read<usize> {
        let start = self.offset();
        let count = self.unsigned(32)?;
        usize::try_from(count).map_err(|_| DecodeError::new(start, DecodeReason::IntegerTooLarge { bits: usize::BITS }))
    }

    pub(super) fn f32(&mut self) -> Read<f32> {
        Ok(f32::from_le_bytes(self.array()?))
    }

    pub(super) fn f64(&mut self) -> Read<f64> {
        Ok(f64::from_le_bytes(self.array()?))
    }

    /// One character; its first byte says how many bytes it has.
    pub(super) fn char(&mut self) -> Read<char> {
        let start = self.offset();
        let length = match self.rest.first() {
            None => return Err(self.fault(DecodeReason::Truncated { missing: 1 })),
            Some(0..0x80) => 1,
            Some(0xc2..0xe0) => 2,
            Some(0xe0..0xf0) => 3,
            Some(0xf0..0xf5) => 4,
            Some(_) => return Err(self.fault(DecodeReason::BadChar)),
        };
        let bytes = self.take(length)?;
        let text = std::str::from_utf8(bytes).unwrap_or_default();
        text.chars().next().ok_or_else(|| DecodeError::new(start, DecodeReason::BadChar))
    }

    pub(super) fn fault(&self, reason: DecodeReason) -> DecodeError {
        DecodeError::new(self.offset(), reason)
    }

    /// The next bytes, as many as the array has.
    pub(super) fn array<const N: usize>(&mut self) -> Read<[u8; N]> {
        let Some((taken, rest)) = self.rest.split_first_chunk() else {
            return Err(self.fault(DecodeReason::Truncated { missing: N - self.rest.len() }));
        };
        self.rest = rest;
        Ok(*taken)
    }
}

/// The low seven bits as a signed number.
fn sign_extended(byte: u8) -> i64 {
    i64::from(byte.cast_signed() << 1 >> 1)
}

/// True where a number needs no more than `bits` bits.
fn fits(value: i64, bits: u32) -> bool {
    let beyond = value >> (bits - 1).min(63);
    beyond == 0 || beyond == -1
}
