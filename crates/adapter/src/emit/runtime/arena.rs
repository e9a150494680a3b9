//! Memory: a bump arena that is emptied after each call.

use wasm_encoder::BlockType;
use wasm_encoder::ValType::I32;

use super::{Fault, Helper, fault};
use crate::emit::generator::Generator;
use crate::emit::module::{Body, Global, mem};
use crate::limits::{DECODED_MAX, MEMORY_PAGES_MAX, MEMORY_TAIL};

/// Memory grows by what it has, up to this many pages at once.
const GROW_STEP: i32 = 64;

/// Copies of at most this many bytes are two 8-byte moves.
const SHORT_COPY: i32 = 16;

pub(super) fn grow(b: &mut Body) {
    let top = 0;
    let (need, step) = (b.i32(), b.i32());
    b.ins()
        .local_get(top)
        .global_get(Global::Room as u32)
        .i64_extend_i32_u()
        .i64_le_u()
        .if_(BlockType::Empty)
        .i32_const(1)
        .return_()
        .end();
    let most = i64::from(MEMORY_PAGES_MAX) * 65_536 - i64::from(MEMORY_TAIL);
    b.ins().local_get(top).i64_const(most).i64_gt_u().if_(BlockType::Empty).i32_const(0).return_().end();
    // Pages missing for `top` and the tail.
    b.ins()
        .local_get(top)
        .i64_const(i64::from(MEMORY_TAIL) + 65_535)
        .i64_add()
        .i64_const(16)
        .i64_shr_u()
        .i32_wrap_i64()
        .memory_size(0)
        .i32_sub()
        .local_set(need);
    b.ins().memory_size(0).i32_const(GROW_STEP).memory_size(0).i32_const(GROW_STEP).i32_lt_u().select();
    b.ins().local_tee(step).local_get(need).local_get(step).local_get(need).i32_gt_u().select();
    // Ask for the comfortable amount, then for what is needed.
    b.ins()
        .memory_grow(0)
        .i32_const(-1)
        .i32_eq()
        .if_(BlockType::Empty)
        .local_get(need)
        .memory_grow(0)
        .i32_const(-1)
        .i32_eq()
        .if_(BlockType::Empty)
        .i32_const(0)
        .return_()
        .end()
        .end();
    b.ins()
        .memory_size(0)
        .i32_const(16)
        .i32_shl()
        .i32_const(MEMORY_TAIL.cast_signed())
        .i32_sub()
        .global_set(Global::Room as u32)
        .i32_const(1);
}

/// Empties the arena when the call that filled it has ended. Whatever runs first in a call does this: `realloc`, or
/// the called function when no parameter needed memory. (A post-return function would be one more entry per call.)
pub(in crate::emit) fn begin_call(b: &mut Body) {
    b.ins()
        .global_get(Global::Ended as u32)
        .if_(BlockType::Empty)
        .global_get(Global::Base as u32)
        .global_set(Global::Heap as u32)
        .i32_const(0)
        .global_set(Global::Ended as u32)
        .end();
}

/// Marks the end of a call: its results are read before anything else runs here.
pub(in crate::emit) fn end_call(b: &mut Body) {
    b.ins().i32_const(1).global_set(Global::Ended as u32);
}

pub(super) fn reserve(g: &mut Generator<'_>, b: &mut Body) {
    let grow = g.helper(Helper::Grow);
    b.ins().local_get(0).call(grow).i32_eqz().if_(BlockType::Empty).unreachable().end();
}

/// Pushes the arena's top, rounded up to the alignment in a local.
fn aligned_heap(b: &mut Body, align: u32) {
    b.ins()
        .global_get(Global::Heap as u32)
        .local_get(align)
        .i32_add()
        .i32_const(1)
        .i32_sub()
        .i32_const(0)
        .local_get(align)
        .i32_sub()
        .i32_and();
}

pub(super) fn alloc(g: &mut Generator<'_>, b: &mut Body) {
    let (size, align, at) = (0, 1, 2);
    let grow = g.helper(Helper::Grow);
    let (start, top) = (b.i32(), b.i64());
    aligned_heap(b, align);
    b.ins().local_tee(start).i64_extend_i32_u().local_get(size).i64_add().local_tee(top);
    b.ins().global_get(Global::Limit as u32).i64_extend_i32_u().i64_gt_u().if_(BlockType::Empty);
    fault(g, b, Fault::TooLarge, at, &[]);
    b.ins().end();
    b.ins().local_get(top).global_get(Global::Room as u32).i64_extend_i32_u().i64_gt_u().if_(BlockType::Empty);
    b.ins().local_get(top).call(grow).i32_eqz().if_(BlockType::Empty);
    fault(g, b, Fault::NoMemory, at, &[]);
    b.ins().end().end();
    b.ins().local_get(top).i32_wrap_i64().global_set(Global::Heap as u32).local_get(start);
}

pub(super) fn area(g: &mut Generator<'_>, b: &mut Body) {
    let (size, align) = (0, 1);
    let realloc = g.helper(Helper::Realloc);
    b.ins().i32_const(0).i32_const(0).local_get(align).local_get(size).call(realloc);
}

pub(super) fn realloc(g: &mut Generator<'_>, b: &mut Body) {
    let (old, old_size, align, size) = (0, 1, 2, 3);
    let reserve = g.helper(Helper::Reserve);
    let (start, top) = (b.i32(), b.i64());
    begin_call(b);
    // The last allocation changes its size in place.
    b.ins()
        .local_get(old)
        .local_get(old_size)
        .i32_add()
        .global_get(Global::Heap as u32)
        .i32_eq()
        .if_(BlockType::Result(I32))
        .local_get(old)
        .else_();
    aligned_heap(b, align);
    b.ins().end().local_tee(start).i64_extend_i32_u();
    b.ins().local_get(size).i64_extend_i32_u().i64_add().local_tee(top);
    b.ins().global_get(Global::Room as u32).i64_extend_i32_u().i64_gt_u().if_(BlockType::Empty);
    b.ins().local_get(top).call(reserve).end();
    b.ins()
        .local_get(start)
        .local_get(old)
        .i32_ne()
        .if_(BlockType::Empty)
        .local_get(start)
        .local_get(old)
        .local_get(old_size)
        .local_get(size)
        .local_get(old_size)
        .local_get(size)
        .i32_lt_u()
        .select()
        .memory_copy(0, 0)
        .end();
    b.ins().local_get(top).i32_wrap_i64().global_set(Global::Heap as u32).local_get(start);
}

pub(super) fn begin(b: &mut Body) {
    let (message, length) = (0, 1);
    b.ins()
        .local_get(message)
        .global_set(Global::Start as u32)
        .local_get(message)
        .local_get(length)
        .i32_add()
        .global_set(Global::End as u32)
        .global_get(Global::Heap as u32)
        .i32_const(DECODED_MAX.cast_signed())
        .i32_add()
        .global_set(Global::Limit as u32);
}

pub(super) fn copy(b: &mut Body) {
    let (to, from, length) = (0, 1, 2);
    // Both ends have room for whole words: what is written too far is overwritten next.
    b.ins()
        .local_get(length)
        .i32_const(SHORT_COPY)
        .i32_le_u()
        .if_(BlockType::Empty)
        .local_get(to)
        .local_get(from)
        .i64_load(mem(0))
        .i64_store(mem(0))
        .local_get(to)
        .local_get(from)
        .i64_load(mem(8))
        .i64_store(mem(8))
        .else_()
        .local_get(to)
        .local_get(from)
        .local_get(length)
        .memory_copy(0, 0)
        .end()
        .local_get(to)
        .local_get(length)
        .i32_add();
}

pub(super) fn write_bytes(g: &mut Generator<'_>, b: &mut Body) {
    let (out, from, length) = (0, 1, 2);
    let (write, copy) = (g.helper(Helper::WriteU32), g.helper(Helper::Copy));
    b.ins().local_get(out).local_get(length).call(write).local_set(out);
    make_room(g, b, out, |b| {
        b.ins().local_get(length).i64_extend_i32_u();
    });
    b.ins().local_get(out).local_get(from).local_get(length).call(copy);
}

/// Makes room at the address in local `out` for the `i64` that `more` pushes, and the usual slack.
pub(in crate::emit) fn make_room(g: &mut Generator<'_>, b: &mut Body, out: u32, more: impl FnOnce(&mut Body)) {
    let reserve = g.helper(Helper::Reserve);
    let slack = i64::from(g.slack());
    let top = b.tmp64();
    b.ins().local_get(out).i64_extend_i32_u().i64_const(slack).i64_add();
    more(b);
    b.ins()
        .i64_add()
        .local_tee(top)
        .global_get(Global::Room as u32)
        .i64_extend_i32_u()
        .i64_gt_u()
        .if_(BlockType::Empty)
        .local_get(top)
        .call(reserve)
        .end();
}
