//! Text: UTF-8 is checked whole, sixteen bytes of ASCII at a time.

use wasm_encoder::BlockType;
use wasm_encoder::ValType::I32;

use super::{Fault, Helper, fault};
use crate::emit::generator::Generator;
use crate::emit::module::{Body, Global, mem};

/// The bits that no ASCII byte has.
const NOT_ASCII: i64 = 0x8080_8080_8080_8080_u64.cast_signed();

/// `ReadScalar`: Unicode table 3-7, written as ranges of the lead byte and of the value.
pub(super) fn read_scalar(g: &mut Generator<'_>, b: &mut Body) {
    let (at, end) = (0, 1);
    let (lead, value) = (b.i32(), b.i32());
    b.ins().local_get(at).local_get(end).i32_ge_u().if_(BlockType::Empty);
    fault(g, b, Fault::Truncated, at, &[I32]);
    b.ins().end();
    b.ins().local_get(at).i32_load8_u(mem(0)).local_tee(lead).i32_const(0x80).i32_lt_u();
    b.ins().if_(BlockType::Empty).local_get(at).i32_const(1).i32_add().local_get(lead).return_().end();
    b.ins().block(BlockType::Empty);
    for row in &ROWS {
        sequence(b, row, lead, value);
    }
    b.ins().end();
    bad_scalar(g, b);
}

/// A multi-byte form: lead bytes below `lead_end` that no earlier row took, and the values it may encode.
struct Row {
    lead_end: i32,
    lead_bits: i32,
    length: i32,
    least: i32,
    most: i32,
}

const ROWS: [Row; 3] = [
    Row { lead_end: 0xe0, lead_bits: 0x1f, length: 2, least: 0x80, most: 0x7ff },
    Row { lead_end: 0xf0, lead_bits: 0x0f, length: 3, least: 0x800, most: 0xffff },
    Row { lead_end: 0xf8, lead_bits: 0x07, length: 4, least: 0x1_0000, most: 0x10_ffff },
];

/// Returns the character when the lead byte is of this row and all is well; leaves the block when it is not well.
fn sequence(b: &mut Body, row: &Row, lead: u32, value: u32) {
    let (at, end) = (0, 1);
    b.ins().local_get(lead).i32_const(row.lead_end).i32_lt_u().if_(BlockType::Empty);
    b.ins().local_get(end).local_get(at).i32_sub().i32_const(row.length).i32_lt_u().br_if(1);
    // 0x80..0xc0 are continuation bytes, never a lead.
    b.ins().local_get(lead).i32_const(0xc0).i32_lt_u().br_if(1);
    b.ins().local_get(lead).i32_const(row.lead_bits).i32_and().local_set(value);
    let byte = b.tmp32();
    for index in 1..row.length {
        b.ins().local_get(at).i32_load8_u(mem(index.cast_unsigned())).local_tee(byte);
        b.ins().i32_const(0xc0).i32_and().i32_const(0x80).i32_ne().br_if(1);
        b.ins().local_get(value).i32_const(6).i32_shl();
        b.ins().local_get(byte).i32_const(0x3f).i32_and().i32_or().local_set(value);
    }
    b.ins().local_get(value).i32_const(row.least).i32_lt_u().br_if(1);
    b.ins().local_get(value).i32_const(row.most).i32_gt_u().br_if(1);
    // Surrogates.
    b.ins().local_get(value).i32_const(-2048).i32_and().i32_const(0xd800).i32_eq().br_if(1);
    b.ins().local_get(at).i32_const(row.length).i32_add().local_get(value).return_().end();
}

/// A character on its own and one inside a string are different faults: parameter 2 says which.
fn bad_scalar(g: &mut Generator<'_>, b: &mut Body) {
    let (at, what) = (0, 2);
    let fail = g.helper(Helper::Fail);
    b.ins().local_get(what).local_get(at).call(fail).i32_const(0);
}

/// `CheckUtf8`.
pub(super) fn check(g: &mut Generator<'_>, b: &mut Body) {
    let (at, length) = (0, 1);
    let (end, rest, stop) = (b.i32(), b.i32(), b.i32());
    b.ins().local_get(at).local_get(length).i32_add().local_set(end);
    b.ins().loop_(BlockType::Empty);
    b.ins().local_get(end).local_get(at).i32_sub().local_tee(rest);
    b.ins().i32_const(16).i32_ge_u().if_(BlockType::Empty);
    words(b, at, at, 8);
    b.ins().i64_eqz().if_(BlockType::Empty);
    b.ins().local_get(at).i32_const(16).i32_add().local_set(at).br(2).end();
    b.ins().else_();
    ascii_rest(b, at, end, rest);
    b.ins().if_(BlockType::Empty).local_get(end).return_().end().end();
    // Something else than ASCII is near: go by character for a while.
    b.ins().local_get(at).i32_const(16).i32_add().local_tee(stop).local_get(end).local_get(stop).local_get(end);
    b.ins().i32_lt_u().select().local_set(stop);
    by_character(g, b, at, end, stop);
    b.ins().local_get(at).local_get(end).i32_lt_u().br_if(0).end();
    b.ins().local_get(end);
}

/// Pushes the non-ASCII bits of the eight bytes at one address and of those `offset` after another.
fn words(b: &mut Body, first: u32, second: u32, offset: u32) {
    b.ins()
        .local_get(first)
        .i64_load(mem(0))
        .local_get(second)
        .i64_load(mem(offset))
        .i64_or()
        .i64_const(NOT_ASCII)
        .i64_and();
}

/// Pushes whether the last bytes, fewer than sixteen, are all ASCII.
fn ascii_rest(b: &mut Body, at: u32, end: u32, rest: u32) {
    let last = b.tmp32();
    b.ins().local_get(end).i32_const(8).i32_sub().local_set(last);
    b.ins().local_get(rest).i32_const(8).i32_ge_u().if_(BlockType::Result(wasm_encoder::ValType::I64));
    words(b, at, last, 0);
    b.ins().else_();
    // Bytes after the string are masked away.
    b.ins().local_get(at).i64_load(mem(0)).i64_const(-1).local_get(rest).i32_const(3).i32_shl();
    b.ins().i64_extend_i32_u().i64_shl().i64_const(-1).i64_xor().i64_and();
    b.ins().i64_const(NOT_ASCII).i64_and().end().i64_eqz();
}

fn by_character(g: &mut Generator<'_>, b: &mut Body, at: u32, end: u32, stop: u32) {
    let scalar = g.helper(Helper::ReadScalar);
    b.ins().loop_(BlockType::Empty);
    b.ins().local_get(at).local_get(end).i32_const(Fault::Utf8 as i32).call(scalar).drop();
    b.ins().local_tee(at).i32_eqz().if_(BlockType::Empty).i32_const(0).return_().end();
    b.ins().local_get(at).local_get(stop).i32_lt_u().br_if(0).end();
}

/// `ReadBytes`: no copy, the message stays where it is until the call ends.
pub(super) fn read_bytes(g: &mut Generator<'_>, b: &mut Body) {
    let (next, length) = span(g, b);
    b.ins().local_get(next).local_get(length).i32_add();
}

/// `ReadText`: the same, checked.
pub(super) fn read_text(g: &mut Generator<'_>, b: &mut Body) {
    let (next, length) = span(g, b);
    let check = g.helper(Helper::CheckUtf8);
    b.ins().local_get(next).local_get(length).call(check);
}

/// Reads a length and stores address and length at `to`; the locals of both.
fn span(g: &mut Generator<'_>, b: &mut Body) -> (u32, u32) {
    let (at, to) = (0, 1);
    let read = g.helper(Helper::ReadU32);
    let (next, length) = (b.i32(), b.i32());
    b.ins().local_get(at).call(read).local_set(length).local_tee(next).i32_eqz();
    b.ins().if_(BlockType::Empty).i32_const(0).return_().end();
    b.ins().local_get(length).global_get(Global::End as u32).local_get(next).i32_sub().i32_gt_u();
    b.ins().if_(BlockType::Empty);
    fault(g, b, Fault::Count, at, &[]);
    b.ins().end();
    b.ins().local_get(to).local_get(next).i32_store(mem(0));
    b.ins().local_get(to).local_get(length).i32_store(mem(4));
    (next, length)
}

/// `WriteScalar`.
pub(super) fn write_scalar(b: &mut Body) {
    let (out, value) = (0, 1);
    b.ins().local_get(value).i32_const(0x80).i32_lt_u().if_(BlockType::Empty);
    b.ins().local_get(out).local_get(value).i32_store8(mem(0));
    b.ins().local_get(out).i32_const(1).i32_add().return_().end();
    for (below, length, lead) in [(0x800, 2, 0xc0), (0x1_0000, 3, 0xe0)] {
        b.ins().local_get(value).i32_const(below).i32_lt_u().if_(BlockType::Empty);
        scalar_bytes(b, out, value, length, lead);
        b.ins().return_().end();
    }
    scalar_bytes(b, out, value, 4, 0xf0);
}

fn scalar_bytes(b: &mut Body, out: u32, value: u32, length: u32, lead: i32) {
    for index in 0..length {
        let shift = (6 * (length - 1 - index)).cast_signed();
        b.ins().local_get(out).local_get(value).i32_const(shift).i32_shr_u();
        if index == 0 {
            b.ins().i32_const(lead).i32_or();
        } else {
            b.ins().i32_const(0x3f).i32_and().i32_const(0x80).i32_or();
        }
        b.ins().i32_store8(mem(index));
    }
    b.ins().local_get(out).i32_const(length.cast_signed()).i32_add();
}
