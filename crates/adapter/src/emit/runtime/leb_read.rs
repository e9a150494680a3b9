//! LEB128 in: shortest form only, and in range.

use wasm_encoder::ValType::{I32, I64};
use wasm_encoder::{BlockType, ValType};

use super::{Fault, fault};
use crate::emit::generator::Generator;
use crate::emit::module::{Body, Global, mem};

/// The top bit of each byte: set in all but the last byte of an integer.
const CONTINUES: i64 = 0x8080_8080_8080_8080_u64.cast_signed();

/// Seven bits of each of five bytes, lowest first: where they are, and how far they move down.
pub(super) const GROUPS: [(i64, i64); 5] =
    [(0x7f, 0), (0x7f00, 1), (0x7f_0000, 2), (0x7f00_0000, 3), (0x7f_0000_0000, 4)];

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Signed,
    Unsigned,
}

fn fault_if(g: &mut Generator<'_>, b: &mut Body, what: Fault, at: u32, rest: ValType) {
    b.ins().if_(BlockType::Empty);
    fault(g, b, what, at, &[rest]);
    b.ins().end();
}

/// Pushes the bytes left after the address in local `at`.
fn left(b: &mut Body, at: u32) {
    b.ins().global_get(Global::End as u32).local_get(at).i32_sub();
}

/// At most five bytes, taken out of one 8-byte load: the arena always has readable bytes after a message.
pub(super) fn short(g: &mut Generator<'_>, b: &mut Body, sign: Sign) {
    let at = 0;
    let (length, bytes, value) = (b.i32(), b.i64(), b.i64());
    b.ins().local_get(at).global_get(Global::End as u32).i32_ge_u();
    fault_if(g, b, Fault::Truncated, at, I32);
    b.ins()
        .local_get(at)
        .i64_load(mem(0))
        .local_tee(bytes)
        .i64_const(-1)
        .i64_xor()
        .i64_const(CONTINUES)
        .i64_and()
        .i64_ctz()
        .i64_const(3)
        .i64_shr_u()
        .i32_wrap_i64()
        .i32_const(1)
        .i32_add()
        .local_tee(length);
    b.ins().i32_const(5).i32_gt_u();
    left(b, at);
    b.ins().i32_const(5).i32_ge_u().i32_and();
    fault_if(g, b, Fault::OutOfRange, at, I32);
    b.ins().local_get(length);
    left(b, at);
    b.ins().i32_gt_u();
    fault_if(g, b, Fault::Truncated, at, I32);
    gather(b, bytes, value);
    match sign {
        Sign::Unsigned => check_unsigned(g, b, length, value),
        Sign::Signed => check_signed(g, b, length, value),
    }
    b.ins().local_get(at).local_get(length).i32_add().local_get(value).i32_wrap_i64();
}

/// `value` = the seven-bit groups of `bytes`, close together. Bytes past the integer are still in it.
fn gather(b: &mut Body, bytes: u32, value: u32) {
    for (index, (mask, shift)) in GROUPS.iter().enumerate() {
        b.ins().local_get(bytes).i64_const(*mask).i64_and().i64_const(*shift).i64_shr_u();
        if index > 0 {
            b.ins().i64_or();
        }
    }
    b.ins().local_set(value);
}

/// Pushes `64 - 7 * (length - less)` as `i64`.
fn unused_bits(b: &mut Body, length: u32, less: i64) {
    b.ins().i64_const(64 + 7 * less).local_get(length).i64_extend_i32_u().i64_const(7).i64_mul().i64_sub();
}

fn check_unsigned(g: &mut Generator<'_>, b: &mut Body, length: u32, value: u32) {
    let at = 0;
    b.ins().local_get(value);
    unused_bits(b, length, 0);
    b.ins().i64_shl();
    unused_bits(b, length, 0);
    b.ins().i64_shr_u().local_set(value);
    // Nothing in the last group: one byte less would have done.
    b.ins().local_get(length).i32_const(1).i32_gt_u();
    b.ins().local_get(value);
    b.ins().local_get(length).i32_const(1).i32_sub().i32_const(7).i32_mul().i64_extend_i32_u();
    b.ins().i64_shr_u().i64_eqz().i32_and();
    fault_if(g, b, Fault::NotMinimal, at, I32);
    b.ins().local_get(value).i64_const(32).i64_shr_u().i64_const(0).i64_ne();
    fault_if(g, b, Fault::OutOfRange, at, I32);
}

fn check_signed(g: &mut Generator<'_>, b: &mut Body, length: u32, value: u32) {
    let at = 0;
    b.ins().local_get(value);
    unused_bits(b, length, 0);
    b.ins().i64_shl();
    unused_bits(b, length, 0);
    b.ins().i64_shr_s().local_set(value);
    b.ins().local_get(length).i32_const(1).i32_gt_u();
    same_with_fewer(b, value, |b| unused_bits(b, length, 1));
    b.ins().i32_and();
    fault_if(g, b, Fault::NotMinimal, at, I32);
    b.ins().local_get(value).i64_extend32_s().local_get(value).i64_ne();
    fault_if(g, b, Fault::OutOfRange, at, I32);
}

/// Pushes whether the value survives losing the upper bits whose number `unused` pushes.
fn same_with_fewer(b: &mut Body, value: u32, unused: impl Fn(&mut Body)) {
    b.ins().local_get(value);
    unused(b);
    b.ins().i64_shl();
    unused(b);
    b.ins().i64_shr_s().local_get(value).i64_eq();
}

/// At most ten bytes, one at a time.
pub(super) fn long(g: &mut Generator<'_>, b: &mut Body, sign: Sign) {
    let at = 0;
    let (next, byte, shift, value) = (b.i32(), b.i64(), b.i64(), b.i64());
    b.ins().local_get(at).local_set(next).loop_(BlockType::Empty);
    b.ins().local_get(next).global_get(Global::End as u32).i32_ge_u();
    fault_if(g, b, Fault::Truncated, at, I64);
    b.ins().local_get(next).i64_load8_u(mem(0)).local_set(byte);
    b.ins().local_get(next).i32_const(1).i32_add().local_set(next);
    last_byte_range(b, sign, shift, byte);
    fault_if(g, b, Fault::OutOfRange, at, I64);
    b.ins()
        .local_get(byte)
        .i64_const(0x7f)
        .i64_and()
        .local_get(shift)
        .i64_shl()
        .local_get(value)
        .i64_or()
        .local_set(value);
    b.ins().local_get(shift).i64_const(7).i64_add().local_set(shift);
    b.ins().local_get(byte).i64_const(0x80).i64_ge_u().br_if(0).end();
    match sign {
        Sign::Unsigned => {
            b.ins().local_get(byte).i64_eqz();
        }
        Sign::Signed => {
            extend(b, shift, value);
            same_with_fewer(b, value, |b| {
                b.ins().i64_const(64 + 7).local_get(shift).i64_sub();
            });
        }
    }
    b.ins().local_get(shift).i64_const(7).i64_gt_u().i32_and();
    fault_if(g, b, Fault::NotMinimal, at, I64);
    b.ins().local_get(next).local_get(value);
}

/// Pushes whether this is the tenth byte and holds more than the one bit that is left.
fn last_byte_range(b: &mut Body, sign: Sign, shift: u32, byte: u32) {
    b.ins().local_get(shift).i64_const(63).i64_eq();
    match sign {
        Sign::Unsigned => {
            b.ins().local_get(byte).i64_const(1).i64_gt_u();
        }
        Sign::Signed => {
            b.ins().local_get(byte).i64_const(0).i64_ne();
            b.ins().local_get(byte).i64_const(0x7f).i64_ne().i32_and();
        }
    }
    b.ins().i32_and();
}

/// Copies the sign bit upwards, unless all 64 bits were given.
fn extend(b: &mut Body, shift: u32, value: u32) {
    b.ins().local_get(shift).i64_const(64).i64_lt_u().if_(BlockType::Empty).local_get(value);
    for step in 0..2 {
        b.ins().i64_const(64).local_get(shift).i64_sub();
        if step == 0 {
            b.ins().i64_shl();
        } else {
            b.ins().i64_shr_s();
        }
    }
    b.ins().local_set(value).end();
}
