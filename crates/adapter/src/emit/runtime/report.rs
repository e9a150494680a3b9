//! Faults and errors in words.

use wasm_encoder::BlockType;

use super::{FAULT_TEXTS, Helper};
use crate::emit::generator::Generator;
use crate::emit::module::{Body, Global, mem, to_u32};

/// Most digits of an address.
const DIGITS_MAX: u32 = 10;

/// Room for the longest fault message about a function of this name length.
pub(in crate::emit) fn message_size(name: u32) -> u32 {
    let longest = FAULT_TEXTS.iter().map(|text| to_u32(text.len())).max().unwrap_or(0);
    name + to_u32(": ".len()) + longest + to_u32(AT.len()) + DIGITS_MAX
}

const AT: &str = " at byte ";

/// `Describe`: `increment: invalid UTF-8 at byte 12`, as `rpc-error::deser` in the error place.
pub(super) fn describe(g: &mut Generator<'_>, b: &mut Body) {
    let (name, length) = (0, 1);
    let out = b.i32();
    let message = g.places.message.cast_signed();
    b.ins().i32_const(message).local_get(name).local_get(length).memory_copy(0, 0);
    b.ins().i32_const(message).local_get(length).i32_add().local_set(out);
    append_constant(g, b, out, ": ");
    let entry = b.i32();
    let faults = g.places.faults.cast_signed();
    b.ins().i32_const(faults).global_get(Global::Fault as u32).i32_const(3).i32_shl().i32_add().local_set(entry);
    b.ins().local_get(out).local_get(entry).i32_load(mem(0)).local_get(entry).i32_load(mem(4)).memory_copy(0, 0);
    b.ins().local_get(out).local_get(entry).i32_load(mem(4)).i32_add().local_set(out);
    append_constant(g, b, out, AT);
    append_offset(b, out);
    let error = g.places.error.cast_signed();
    let (payload, deser) = (g.error.payload, g.error.deser.cast_signed());
    b.ins().i32_const(error).i32_const(deser).i32_store8(mem(0));
    b.ins().i32_const(error).i32_const(message).i32_store(mem(payload));
    b.ins().i32_const(error).local_get(out).i32_const(message).i32_sub().i32_store(mem(payload + 4));
}

fn append_constant(g: &mut Generator<'_>, b: &mut Body, out: u32, text: &str) {
    let text = g.module.text(text);
    let length = text.len.cast_signed();
    b.ins().local_get(out).i32_const(text.at.cast_signed()).i32_const(length).memory_copy(0, 0);
    b.ins().local_get(out).i32_const(length).i32_add().local_set(out);
}

/// Writes `FaultAt - Start` in decimal at the address in `out`.
fn append_offset(b: &mut Body, out: u32) {
    let (rest, power) = (b.i32(), b.i32());
    b.ins().global_get(Global::FaultAt as u32).global_get(Global::Start as u32).i32_sub().local_set(rest);
    // The highest power of ten that is not above the number.
    b.ins().i32_const(1).local_set(power).loop_(BlockType::Empty);
    b.ins().local_get(rest).local_get(power).i32_div_u().i32_const(10).i32_ge_u().if_(BlockType::Empty);
    b.ins().local_get(power).i32_const(10).i32_mul().local_set(power).br(1).end().end();
    b.ins().loop_(BlockType::Empty);
    b.ins().local_get(out).local_get(rest).local_get(power).i32_div_u().i32_const(48).i32_add().i32_store8(mem(0));
    b.ins().local_get(out).i32_const(1).i32_add().local_set(out);
    b.ins().local_get(rest).local_get(power).i32_rem_u().local_set(rest);
    b.ins().local_get(power).i32_const(10).i32_div_u().local_tee(power).br_if(0).end();
}

/// Bytes of a row in the table of case names: address, length, whether a text follows.
pub(in crate::emit) const NAME_ROW: u32 = 12;

/// `Say`: `case-name: text`, or `case-name` when the case has no text, or when there is no memory for more.
pub(super) fn say(g: &mut Generator<'_>, b: &mut Body) {
    let (error, to, names) = (0, 1, 2);
    let grow = g.helper(Helper::Grow);
    let (row, length, total, start, out) = (b.i32(), b.i32(), b.i32(), b.i32(), b.i32());
    let top = b.i64();
    b.ins().local_get(error).i32_load8_u(mem(0)).i32_const(NAME_ROW.cast_signed()).i32_mul();
    b.ins().local_get(names).i32_add().local_tee(row);
    b.ins().i32_load(mem(0)).local_set(start);
    b.ins().local_get(row).i32_load(mem(4)).local_tee(total).local_set(length);
    // The bare name is the answer unless there is more to say.
    let store = |b: &mut Body| {
        b.ins().local_get(to).local_get(start).i32_store(mem(0));
        b.ins().local_get(to).local_get(total).i32_store(mem(4));
    };
    store(b);
    b.ins().local_get(row).i32_load(mem(8)).i32_eqz().if_(BlockType::Empty).return_().end();
    let payload = g.error.payload;
    let colon = g.module.text(": ");
    b.ins().local_get(total).local_get(error).i32_load(mem(payload + 4)).i32_add();
    b.ins().i32_const(colon.len.cast_signed()).i32_add().local_set(total);
    b.ins().global_get(Global::Heap as u32).i64_extend_i32_u().local_get(total).i64_extend_i32_u().i64_add();
    b.ins().local_tee(top).call(grow).i32_eqz().if_(BlockType::Empty).return_().end();
    b.ins().global_get(Global::Heap as u32).local_tee(out).local_get(start).local_get(length).memory_copy(0, 0);
    b.ins().local_get(out).local_set(start);
    b.ins().local_get(out).local_get(length).i32_add().local_set(out);
    append_constant(g, b, out, ": ");
    b.ins().local_get(out).local_get(error).i32_load(mem(payload)).local_get(error).i32_load(mem(payload + 4));
    b.ins().memory_copy(0, 0);
    b.ins().local_get(top).i32_wrap_i64().global_set(Global::Heap as u32);
    store(b);
}
