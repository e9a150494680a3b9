//! Decoders: from hostile bytes into the canonical ABI's memory layout.
//!
//! Every read is checked against the end of the message, every value against its type. Strings and lists of bytes
//! stay where they are in the message; other lists take room in the arena, up to `DECODED_MAX`.

use wasm_encoder::BlockType;

use super::error::EmitError;
use super::generator::{Generator, Routine};
use super::module::{Body, Global, mem, to_u32};
use super::runtime::{Fault, Helper, fault};
use super::shape::{Field, Kind, Shape, ShapeId};
use super::switch::switch;

/// A place in the message, and where the value goes.
#[derive(Clone, Copy)]
struct Move {
    /// Local: next byte of the message.
    at: u32,
    /// Local: address of the surrounding value.
    to: u32,
    offset: u32,
}

/// The function `(at, value) -> at` of a shape; 0 is a fault.
pub(super) fn routine(g: &mut Generator<'_>, id: ShapeId) -> Result<Body, EmitError> {
    let mut b = Body::new(2);
    let value = Move { at: 0, to: 1, offset: 0 };
    let shape = g.shape(id)?;
    match &shape.kind {
        Kind::Record(fields) => record(g, &mut b, fields, value)?,
        Kind::Variant { tag, payload, cases } => variant(g, &mut b, (*tag, *payload), cases, value)?,
        Kind::List(element) => list(g, &mut b, *element, value)?,
        Kind::Fixed(element, count) => fixed(g, &mut b, *element, *count, value)?,
        _ => place(g, &mut b, id, value)?,
    }
    b.ins().local_get(value.at);
    Ok(b)
}

/// Decodes in place what is small, and calls the shape's routine for the rest.
fn place(g: &mut Generator<'_>, b: &mut Body, id: ShapeId, v: Move) -> Result<(), EmitError> {
    let shape = g.shape(id)?;
    match &shape.kind {
        Kind::Bool => boolean(g, b, v),
        Kind::U8 | Kind::S8 => byte(g, b, v),
        Kind::F32 => float32(g, b, v),
        Kind::F64 => float64(g, b, v),
        Kind::U16 | Kind::U32 => unsigned(g, b, &shape, v),
        Kind::S16 | Kind::S32 => signed(g, b, &shape, v),
        Kind::U64 => wide(g, b, Helper::ReadU64, v),
        Kind::S64 => wide(g, b, Helper::ReadS64, v),
        Kind::Char => scalar(g, b, v),
        Kind::Text => by_helper(g, b, Helper::ReadText, v),
        Kind::Flags { count } => flags(g, b, *count, &shape, v),
        Kind::Variant { tag, cases, .. } if shape.is_scalar() => {
            case(g, b, *tag, cases.len(), v);
        }
        Kind::List(_) | Kind::Fixed(..) | Kind::Record(_) | Kind::Variant { .. } => {
            let routine = g.routine(Routine::Decode(id));
            b.ins().local_get(v.at);
            address(b, v);
            b.ins().call(routine);
            checked(b, v.at);
        }
    }
    Ok(())
}

fn address(b: &mut Body, v: Move) {
    b.ins().local_get(v.to);
    if v.offset != 0 {
        b.ins().i32_const(v.offset.cast_signed()).i32_add();
    }
}

/// Takes the next address from the stack, or leaves the function with the fault.
fn checked(b: &mut Body, at: u32) {
    b.ins().local_tee(at).i32_eqz().if_(BlockType::Empty).i32_const(0).return_().end();
}

fn advance(b: &mut Body, v: Move, by: u32) {
    b.ins().local_get(v.at).i32_const(by.cast_signed()).i32_add().local_set(v.at);
}

fn fault_if(g: &mut Generator<'_>, b: &mut Body, what: Fault, at: u32) {
    b.ins().if_(BlockType::Empty);
    fault(g, b, what, at, &[]);
    b.ins().end();
}

/// Faults unless this many bytes are left.
fn need(g: &mut Generator<'_>, b: &mut Body, v: Move, count: u32) {
    b.ins().global_get(Global::End as u32).local_get(v.at).i32_sub();
    b.ins().i32_const(count.cast_signed()).i32_lt_u();
    fault_if(g, b, Fault::Truncated, v.at);
}

/// The next byte, in a short-lived local, not yet consumed.
fn peek(g: &mut Generator<'_>, b: &mut Body, v: Move) -> u32 {
    need(g, b, v, 1);
    let byte = b.tmp32();
    b.ins().local_get(v.at).i32_load8_u(mem(0)).local_set(byte);
    byte
}

fn byte(g: &mut Generator<'_>, b: &mut Body, v: Move) {
    let byte = peek(g, b, v);
    b.ins().local_get(v.to).local_get(byte).i32_store8(mem(v.offset));
    advance(b, v, 1);
}

fn boolean(g: &mut Generator<'_>, b: &mut Body, v: Move) {
    let byte = peek(g, b, v);
    b.ins().local_get(byte).i32_const(1).i32_gt_u();
    fault_if(g, b, Fault::Bool, v.at);
    b.ins().local_get(v.to).local_get(byte).i32_store8(mem(v.offset));
    advance(b, v, 1);
}

fn float32(g: &mut Generator<'_>, b: &mut Body, v: Move) {
    need(g, b, v, 4);
    b.ins().local_get(v.to).local_get(v.at).i32_load(mem(0)).i32_store(mem(v.offset));
    advance(b, v, 4);
}

fn float64(g: &mut Generator<'_>, b: &mut Body, v: Move) {
    need(g, b, v, 8);
    b.ins().local_get(v.to).local_get(v.at).i64_load(mem(0)).i64_store(mem(v.offset));
    advance(b, v, 8);
}

/// Opens an `if` that holds when the next byte is a whole integer.
fn if_one_byte(g: &mut Generator<'_>, b: &mut Body, v: Move) -> u32 {
    let value = peek(g, b, v);
    b.ins().local_get(value).i32_const(0x80).i32_lt_u().if_(BlockType::Empty);
    value
}

fn unsigned(g: &mut Generator<'_>, b: &mut Body, shape: &Shape, v: Move) {
    let value = if_one_byte(g, b, v);
    advance(b, v, 1);
    let start = longer(g, b, Helper::ReadU32, v, value);
    if shape.size == 2 {
        b.ins().local_get(value).i32_const(0xffff).i32_gt_u();
        fault_if(g, b, Fault::OutOfRange, start);
    }
    b.ins().end();
    store_integer(b, shape, v, value);
}

fn signed(g: &mut Generator<'_>, b: &mut Body, shape: &Shape, v: Move) {
    let value = if_one_byte(g, b, v);
    b.ins().local_get(value).i32_const(25).i32_shl().i32_const(25).i32_shr_s().local_set(value);
    advance(b, v, 1);
    let start = longer(g, b, Helper::ReadS32, v, value);
    if shape.size == 2 {
        b.ins().local_get(value).i32_extend16_s().local_get(value).i32_ne();
        fault_if(g, b, Fault::OutOfRange, start);
    }
    b.ins().end();
    store_integer(b, shape, v, value);
}

fn store_integer(b: &mut Body, shape: &Shape, v: Move, value: u32) {
    b.ins().local_get(v.to).local_get(value);
    match shape.size {
        2 => b.ins().i32_store16(mem(v.offset)),
        _ => b.ins().i32_store(mem(v.offset)),
    };
}

/// `else`: an integer of several bytes, by the helper. Gives a local with the address where it began.
fn longer(g: &mut Generator<'_>, b: &mut Body, helper: Helper, v: Move, value: u32) -> u32 {
    let read = g.helper(helper);
    let start = b.start32();
    b.ins().else_().local_get(v.at).local_tee(start).call(read).local_set(value);
    checked(b, v.at);
    start
}

fn wide(g: &mut Generator<'_>, b: &mut Body, helper: Helper, v: Move) {
    let read = g.helper(helper);
    let value = b.tmp64();
    b.ins().local_get(v.at).call(read).local_set(value);
    checked(b, v.at);
    b.ins().local_get(v.to).local_get(value).i64_store(mem(v.offset));
}

fn scalar(g: &mut Generator<'_>, b: &mut Body, v: Move) {
    let read = g.helper(Helper::ReadScalar);
    let value = b.tmp32();
    b.ins().local_get(v.at).global_get(Global::End as u32).i32_const(Fault::Char as i32);
    b.ins().call(read).local_set(value);
    checked(b, v.at);
    b.ins().local_get(v.to).local_get(value).i32_store(mem(v.offset));
}

/// A string, or a list of bytes.
fn by_helper(g: &mut Generator<'_>, b: &mut Body, helper: Helper, v: Move) {
    let read = g.helper(helper);
    b.ins().local_get(v.at);
    address(b, v);
    b.ins().call(read);
    checked(b, v.at);
}

fn flags(g: &mut Generator<'_>, b: &mut Body, count: u32, shape: &Shape, v: Move) {
    let bytes = count.div_ceil(8);
    need(g, b, v, bytes);
    let value = b.tmp32();
    for index in 0..bytes {
        b.ins().local_get(v.at).i32_load8_u(mem(index));
        if index > 0 {
            b.ins().i32_const((8 * index).cast_signed()).i32_shl().local_get(value).i32_or();
        }
        b.ins().local_set(value);
    }
    if !count.is_multiple_of(8) {
        b.ins().local_get(value).i32_const(count.cast_signed()).i32_shr_u();
        fault_if(g, b, Fault::FlagBits, v.at);
    }
    b.ins().local_get(v.to).local_get(value);
    match shape.size {
        1 => b.ins().i32_store8(mem(v.offset)),
        2 => b.ins().i32_store16(mem(v.offset)),
        _ => b.ins().i32_store(mem(v.offset)),
    };
    advance(b, v, bytes);
}

/// A case index; gives a short-lived local that holds it.
fn case(g: &mut Generator<'_>, b: &mut Body, tag: u32, cases: usize, v: Move) -> u32 {
    let value = if cases <= 128 {
        let value = peek(g, b, v);
        case_in_range(g, b, cases, value, v.at);
        advance(b, v, 1);
        value
    } else {
        let value = if_one_byte(g, b, v);
        advance(b, v, 1);
        let start = longer(g, b, Helper::ReadU32, v, value);
        case_in_range(g, b, cases, value, start);
        b.ins().end();
        value
    };
    b.ins().local_get(v.to).local_get(value);
    match tag {
        1 => b.ins().i32_store8(mem(v.offset)),
        2 => b.ins().i32_store16(mem(v.offset)),
        _ => b.ins().i32_store(mem(v.offset)),
    };
    value
}

fn case_in_range(g: &mut Generator<'_>, b: &mut Body, cases: usize, value: u32, at: u32) {
    b.ins().local_get(value).i32_const(to_u32(cases).cast_signed()).i32_ge_u();
    fault_if(g, b, Fault::Case, at);
}

fn record(g: &mut Generator<'_>, b: &mut Body, fields: &[Field], v: Move) -> Result<(), EmitError> {
    for field in fields {
        place(g, b, field.shape, Move { offset: v.offset + field.offset, ..v })?;
    }
    Ok(())
}

fn variant(
    g: &mut Generator<'_>,
    b: &mut Body,
    (tag, payload): (u32, u32),
    cases: &[Option<ShapeId>],
    v: Move,
) -> Result<(), EmitError> {
    let value = case(g, b, tag, cases.len(), v);
    let index = b.i32();
    b.ins().local_get(value).local_set(index);
    switch(b, index, cases, |b, shape| place(g, b, shape, Move { offset: v.offset + payload, ..v }))
}

fn list(g: &mut Generator<'_>, b: &mut Body, element: ShapeId, v: Move) -> Result<(), EmitError> {
    let shape = g.shapes.element(element)?;
    if matches!(shape.kind, Kind::U8 | Kind::S8) {
        by_helper(g, b, Helper::ReadBytes, v);
        return Ok(());
    }
    let (count, items, end) = (b.i32(), b.i32(), b.i32());
    let start = b.start32();
    let read = g.helper(Helper::ReadU32);
    b.ins().local_get(v.at).local_tee(start).call(read).local_set(count);
    checked(b, v.at);
    bound_count(g, b, &shape, count, v);
    let alloc = g.helper(Helper::Alloc);
    b.ins().local_get(count).i64_extend_i32_u().i64_const(shape.size.into()).i64_mul();
    b.ins().i32_const(shape.align.cast_signed()).local_get(start).call(alloc);
    checked(b, items);
    b.ins().local_get(v.to).local_get(items).i32_store(mem(v.offset));
    b.ins().local_get(v.to).local_get(count).i32_store(mem(v.offset + 4));
    b.ins().local_get(count).i32_const(shape.size.cast_signed()).i32_mul().local_tee(count);
    b.ins().local_get(items).i32_add().local_set(end);
    if g.shapes.reads_whole(&shape.kind) {
        // On the wire as in memory, but for the alignment.
        b.ins().local_get(items).local_get(v.at).local_get(count).memory_copy(0, 0);
        b.ins().local_get(v.at).local_get(count).i32_add().local_set(v.at);
        return Ok(());
    }
    elements(g, b, element, (items, end), v)
}

/// Faults when the bytes left cannot hold that many elements.
fn bound_count(g: &mut Generator<'_>, b: &mut Body, element: &Shape, count: u32, v: Move) {
    b.ins().local_get(count).i64_extend_i32_u().i64_const(element.min_wire.max(1).into()).i64_mul();
    b.ins().global_get(Global::End as u32).local_get(v.at).i32_sub().i64_extend_i32_u().i64_gt_u();
    let start = b.start32();
    fault_if(g, b, Fault::Count, start);
}

fn fixed(g: &mut Generator<'_>, b: &mut Body, element: ShapeId, count: u32, v: Move) -> Result<(), EmitError> {
    let shape = g.shapes.element(element)?;
    need(g, b, v, shape.min_wire.saturating_mul(count));
    let (item, end) = (b.i32(), b.i32());
    let size = count.wrapping_mul(shape.size).cast_signed();
    address(b, v);
    b.ins().local_tee(item).i32_const(size).i32_add().local_set(end);
    if matches!(shape.kind, Kind::U8 | Kind::S8) || g.shapes.reads_whole(&shape.kind) {
        b.ins().local_get(item).local_get(v.at).i32_const(size).memory_copy(0, 0);
        b.ins().local_get(v.at).i32_const(size).i32_add().local_set(v.at);
        return Ok(());
    }
    elements(g, b, element, (item, end), v)
}

/// The elements from one address to another, all alike, one by one.
fn elements(
    g: &mut Generator<'_>,
    b: &mut Body,
    element: ShapeId,
    (item, end): (u32, u32),
    v: Move,
) -> Result<(), EmitError> {
    let size = g.shape(element)?.size;
    b.ins().block(BlockType::Empty).loop_(BlockType::Empty);
    b.ins().local_get(item).local_get(end).i32_ge_u().br_if(1);
    place(g, b, element, Move { to: item, offset: 0, ..v })?;
    b.ins().local_get(item).i32_const(size.cast_signed()).i32_add().local_set(item).br(0).end().end();
    Ok(())
}
