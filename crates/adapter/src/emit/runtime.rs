//! The helper functions inside an adapter. Each is written into the module only when something calls it.
//!
//! Readers take an address and give the next address, with 0 for a fault; what was wrong, and where, is then in the
//! globals. Writers take an address with enough room ahead and give the next one.

mod arena;
mod leb_read;
mod leb_write;
mod report;
mod utf8;

pub(super) use arena::{begin_call, end_call, make_room};
pub(super) use report::{NAME_ROW, message_size};

use wasm_encoder::ValType::{self, I32, I64};

use super::generator::Generator;
use super::module::{Body, Global};

/// What can be wrong with a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(i32)]
pub(super) enum Fault {
    Truncated,
    Bool,
    Char,
    Utf8,
    Case,
    NotMinimal,
    OutOfRange,
    FlagBits,
    Count,
    Trailing,
    TooLarge,
    NoMemory,
}

/// The text of each fault, in order.
pub(super) const FAULT_TEXTS: [&str; 12] = [
    "unexpected end",
    "invalid bool",
    "invalid char",
    "invalid UTF-8",
    "invalid case",
    "integer not in its shortest form",
    "integer out of range",
    "invalid flag bits",
    "length beyond the end",
    "trailing bytes",
    "value too large in memory",
    "out of memory",
];

/// A helper function.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Helper {
    /// `(fault, at) -> 0`: notes a fault.
    Fail,
    /// `(top: i64) -> bool`: makes the arena reach `top`, growing memory when needed.
    Grow,
    /// `(top: i64)`: the same for trusted values, where failure is a trap.
    Reserve,
    /// `(size: i64, align, at) -> address`: room for decoded values; `at` is blamed.
    Alloc,
    /// `(size, align) -> address`: room for trusted values.
    Area,
    /// The canonical ABI's `realloc`.
    Realloc,
    /// `(message, length)`: the start of decoding.
    Begin,
    /// `(at) -> (at, value)`: an unsigned LEB128 of at most 32 bits.
    ReadU32,
    /// The same for 64 bits.
    ReadU64,
    /// `(at) -> (at, value)`: a signed LEB128 of at most 32 bits.
    ReadS32,
    /// The same for 64 bits.
    ReadS64,
    /// `(at, end, fault) -> (at, scalar value)`: one encoded character.
    ReadScalar,
    /// `(at, length) -> at`: checks that bytes are UTF-8.
    CheckUtf8,
    /// `(at, to) -> at`: points a list of bytes at the message.
    ReadBytes,
    /// The same for a string.
    ReadText,
    /// `(out, value) -> out`: unsigned LEB128.
    WriteU32,
    /// The same for 64 bits.
    WriteU64,
    /// `(out, value) -> out`: signed LEB128.
    WriteS32,
    /// The same for 64 bits.
    WriteS64,
    /// `(out, scalar value) -> out`: one UTF-8 encoded character.
    WriteScalar,
    /// `(out, from, length) -> out`: length and bytes; leaves the usual room ahead.
    WriteBytes,
    /// `(to, from, length) -> end`: a short copy inline, a long one by the engine.
    Copy,
    /// `(name, length)`: makes a `deser` error of the fault, in the error place.
    Describe,
    /// `(error, to, names)`: an `rpc-error` as a string `case: message`.
    Say,
}

impl Helper {
    pub(super) fn name(self) -> &'static str {
        match self {
            Helper::Fail => "fail",
            Helper::Grow => "grow",
            Helper::Reserve => "reserve",
            Helper::Alloc => "alloc",
            Helper::Area => "area",
            Helper::Realloc => "realloc",
            Helper::Begin => "begin",
            Helper::ReadU32 => "read-u32",
            Helper::ReadU64 => "read-u64",
            Helper::ReadS32 => "read-s32",
            Helper::ReadS64 => "read-s64",
            Helper::ReadScalar => "read-scalar",
            Helper::CheckUtf8 => "check-utf8",
            Helper::ReadBytes => "read-bytes",
            Helper::ReadText => "read-text",
            Helper::WriteU32 => "write-u32",
            Helper::WriteU64 => "write-u64",
            Helper::WriteS32 => "write-s32",
            Helper::WriteS64 => "write-s64",
            Helper::WriteScalar => "write-scalar",
            Helper::WriteBytes => "write-bytes",
            Helper::Copy => "copy",
            Helper::Describe => "describe",
            Helper::Say => "say",
        }
    }

    pub(super) fn signature(self) -> (&'static [ValType], &'static [ValType]) {
        match self {
            Helper::Grow => (&[I64], &[I32]),
            Helper::Reserve => (&[I64], &[]),
            Helper::Alloc => (&[I64, I32, I32], &[I32]),
            Helper::Realloc => (&[I32, I32, I32, I32], &[I32]),
            Helper::Begin | Helper::Describe => (&[I32, I32], &[]),
            Helper::ReadU32 | Helper::ReadS32 => (&[I32], &[I32, I32]),
            Helper::ReadU64 | Helper::ReadS64 => (&[I32], &[I32, I64]),
            Helper::ReadScalar => (&[I32, I32, I32], &[I32, I32]),
            Helper::WriteU64 | Helper::WriteS64 => (&[I32, I64], &[I32]),
            Helper::WriteBytes | Helper::Copy => (&[I32, I32, I32], &[I32]),
            Helper::Say => (&[I32, I32, I32], &[]),
            Helper::Fail
            | Helper::Area
            | Helper::CheckUtf8
            | Helper::ReadBytes
            | Helper::ReadText
            | Helper::WriteU32
            | Helper::WriteS32
            | Helper::WriteScalar => (&[I32, I32], &[I32]),
        }
    }
}

/// The body of a helper.
pub(super) fn body(g: &mut Generator<'_>, helper: Helper) -> Body {
    let (params, _) = helper.signature();
    let mut b = Body::new(super::module::to_u32(params.len()));
    match helper {
        Helper::Fail => fail(&mut b),
        Helper::Grow => arena::grow(&mut b),
        Helper::Reserve => arena::reserve(g, &mut b),
        Helper::Alloc => arena::alloc(g, &mut b),
        Helper::Area => arena::area(g, &mut b),
        Helper::Realloc => arena::realloc(g, &mut b),
        Helper::Begin => arena::begin(&mut b),
        Helper::ReadU32 => leb_read::short(g, &mut b, leb_read::Sign::Unsigned),
        Helper::ReadS32 => leb_read::short(g, &mut b, leb_read::Sign::Signed),
        Helper::ReadU64 => leb_read::long(g, &mut b, leb_read::Sign::Unsigned),
        Helper::ReadS64 => leb_read::long(g, &mut b, leb_read::Sign::Signed),
        Helper::ReadScalar => utf8::read_scalar(g, &mut b),
        Helper::CheckUtf8 => utf8::check(g, &mut b),
        Helper::ReadBytes => utf8::read_bytes(g, &mut b),
        Helper::ReadText => utf8::read_text(g, &mut b),
        Helper::WriteU32 => leb_write::unsigned_short(&mut b),
        Helper::WriteS32 => leb_write::signed_short(&mut b),
        Helper::WriteU64 => leb_write::unsigned_long(g, &mut b),
        Helper::WriteS64 => leb_write::signed_long(&mut b),
        Helper::WriteScalar => utf8::write_scalar(&mut b),
        Helper::WriteBytes => arena::write_bytes(g, &mut b),
        Helper::Copy => arena::copy(&mut b),
        Helper::Describe => report::describe(g, &mut b),
        Helper::Say => report::say(g, &mut b),
    }
    b
}

fn fail(b: &mut Body) {
    b.ins().local_get(0).global_set(Global::Fault as u32).local_get(1).global_set(Global::FaultAt as u32).i32_const(0);
}

/// Leaves the function with a fault at the address in local `at`. `rest` are the results after the address.
pub(super) fn fault(g: &mut Generator<'_>, b: &mut Body, fault: Fault, at: u32, rest: &[ValType]) {
    let fail = g.helper(Helper::Fail);
    b.ins().i32_const(fault as i32).local_get(at).call(fail);
    for ty in rest {
        match ty {
            I64 => b.ins().i64_const(0),
            _ => b.ins().i32_const(0),
        };
    }
    b.ins().return_();
}
