//! LEB128 out: at most five bytes by one 8-byte store, longer ones byte by byte.

use wasm_encoder::BlockType;

use super::Helper;
use super::leb_read::GROUPS;
use crate::emit::generator::Generator;
use crate::emit::module::{Body, mem};

/// The top bits of the first five bytes.
const CONTINUES: i64 = 0x80_8080_8080;

/// Writes the low bits of the `i64` in `value` as `length` bytes, and leaves the next address.
fn scatter(b: &mut Body, out: u32, value: u32, length: u32) {
    b.ins().local_get(out);
    for (index, (mask, shift)) in GROUPS.iter().enumerate() {
        b.ins().local_get(value).i64_const(*shift).i64_shl().i64_const(*mask).i64_and();
        if index > 0 {
            b.ins().i64_or();
        }
    }
    // All bytes but the last say that more follow.
    b.ins()
        .i64_const(1)
        .local_get(length)
        .i32_const(1)
        .i32_sub()
        .i32_const(3)
        .i32_shl()
        .i64_extend_i32_u()
        .i64_shl()
        .i64_const(1)
        .i64_sub()
        .i64_const(CONTINUES)
        .i64_and()
        .i64_or()
        .i64_store(mem(0));
    b.ins().local_get(out).local_get(length).i32_add();
}

/// Turns the number of bits on the stack into a number of seven-bit groups: `(bits + 6) / 7`, which for less than 40
/// equals a product and a shift.
fn groups(b: &mut Body, length: u32) {
    b.ins().i32_const(6).i32_add().i32_const(37).i32_mul().i32_const(8).i32_shr_u().local_set(length);
}

pub(super) fn unsigned_short(b: &mut Body) {
    let (out, value) = (0, 1);
    let (length, wide) = (b.i32(), b.i64());
    b.ins()
        .local_get(value)
        .i32_const(0x80)
        .i32_lt_u()
        .if_(BlockType::Empty)
        .local_get(out)
        .local_get(value)
        .i32_store8(mem(0))
        .local_get(out)
        .i32_const(1)
        .i32_add()
        .return_()
        .end();
    b.ins().i32_const(32).local_get(value).i32_clz().i32_sub();
    groups(b, length);
    b.ins().local_get(value).i64_extend_i32_u().local_set(wide);
    scatter(b, out, wide, length);
}

pub(super) fn signed_short(b: &mut Body) {
    let (out, value) = (0, 1);
    let (length, wide) = (b.i32(), b.i64());
    // One bit for the sign, and those that differ from it.
    b.ins().i32_const(33).local_get(value).local_get(value).i32_const(31).i32_shr_s().i32_xor().i32_clz().i32_sub();
    groups(b, length);
    b.ins().local_get(value).i64_extend_i32_s().local_set(wide);
    scatter(b, out, wide, length);
}

pub(super) fn unsigned_long(g: &mut Generator<'_>, b: &mut Body) {
    let (out, value) = (0, 1);
    let short = g.helper(Helper::WriteU32);
    b.ins()
        .local_get(value)
        .i64_const(32)
        .i64_shr_u()
        .i64_eqz()
        .if_(BlockType::Empty)
        .local_get(out)
        .local_get(value)
        .i32_wrap_i64()
        .call(short)
        .return_()
        .end();
    b.ins().loop_(BlockType::Empty);
    b.ins().local_get(value).i64_const(0x80).i64_ge_u().if_(BlockType::Empty);
    continued_byte(b, out, value);
    b.ins().local_get(value).i64_const(7).i64_shr_u().local_set(value).br(1).end().end();
    last_byte(b, out, value);
}

pub(super) fn signed_long(b: &mut Body) {
    let (out, value) = (0, 1);
    b.ins().loop_(BlockType::Empty);
    b.ins().local_get(value).i64_const(64).i64_add().i64_const(128).i64_ge_u().if_(BlockType::Empty);
    continued_byte(b, out, value);
    b.ins().local_get(value).i64_const(7).i64_shr_s().local_set(value).br(1).end().end();
    last_byte(b, out, value);
}

fn continued_byte(b: &mut Body, out: u32, value: u32) {
    b.ins().local_get(out).local_get(value).i64_const(0x80).i64_or().i64_store8(mem(0));
    b.ins().local_get(out).i32_const(1).i32_add().local_set(out);
}

fn last_byte(b: &mut Body, out: u32, value: u32) {
    b.ins().local_get(out).local_get(value).i64_const(0x7f).i64_and().i64_store8(mem(0));
    b.ins().local_get(out).i32_const(1).i32_add();
}
