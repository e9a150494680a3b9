//! Encoders: from the canonical ABI's memory layout straight into the outgoing message.
//!
//! The message grows at the top of the arena. Whoever writes a string or a list asks for room for it and for the
//! largest head of any shape besides, so everything of bounded size is written without asking.

use wasm_encoder::BlockType;
use wasm_encoder::ValType;

use super::error::EmitError;
use super::generator::{Generator, Routine};
use super::module::{Body, mem};
use super::runtime::{Helper, make_room};
use super::shape::{Field, Kind, Shape, ShapeId};
use super::switch::switch;

/// Canonical NaNs.
const NAN_32: i32 = 0x7fc0_0000;
const NAN_64: i64 = 0x7ff8_0000_0000_0000;

/// A value in memory, and where its bytes go.
#[derive(Clone, Copy)]
struct Move {
    /// Local: address of the surrounding value.
    from: u32,
    offset: u32,
    /// Local: next byte of the message.
    out: u32,
}

/// The function `(value, out) -> out` of a shape.
pub(super) fn routine(g: &mut Generator<'_>, id: ShapeId) -> Result<Body, EmitError> {
    let mut b = Body::new(2);
    let value = Move { from: 0, offset: 0, out: 1 };
    let shape = g.shape(id)?;
    match &shape.kind {
        Kind::Record(fields) => record(g, &mut b, fields, value)?,
        Kind::Variant { tag, payload, cases } => variant(g, &mut b, (*tag, *payload), cases, value)?,
        Kind::List(element) => list(g, &mut b, *element, value)?,
        Kind::Fixed(element, count) => fixed(g, &mut b, *element, *count, value)?,
        _ => place(g, &mut b, id, value)?,
    }
    b.ins().local_get(value.out);
    Ok(b)
}

/// Encodes in place what is small, and calls the shape's routine for the rest.
fn place(g: &mut Generator<'_>, b: &mut Body, id: ShapeId, v: Move) -> Result<(), EmitError> {
    let shape = g.shape(id)?;
    match &shape.kind {
        Kind::Bool | Kind::U8 | Kind::S8 => bytes(b, v, 1),
        Kind::F32 => float32(b, v),
        Kind::F64 => float64(b, v),
        Kind::U16 | Kind::U32 => unsigned(g, b, &shape, v),
        Kind::S16 | Kind::S32 => signed(g, b, &shape, v),
        Kind::U64 | Kind::S64 => wide(g, b, &shape, v),
        Kind::Char => scalar(g, b, v),
        Kind::Text => text(g, b, v),
        Kind::Flags { count } => flags(b, *count, v),
        Kind::Variant { tag, cases, .. } if shape.is_scalar() => case(g, b, *tag, cases.len(), v),
        Kind::List(_) | Kind::Fixed(..) | Kind::Record(_) | Kind::Variant { .. } => {
            let routine = g.routine(Routine::Encode(id));
            address(b, v);
            b.ins().local_get(v.out).call(routine).local_set(v.out);
        }
    }
    Ok(())
}

fn address(b: &mut Body, v: Move) {
    b.ins().local_get(v.from);
    if v.offset != 0 {
        b.ins().i32_const(v.offset.cast_signed()).i32_add();
    }
}

fn advance(b: &mut Body, v: Move, by: u32) {
    b.ins().local_get(v.out).i32_const(by.cast_signed()).i32_add().local_set(v.out);
}

/// One to four bytes that are the same on both sides.
fn bytes(b: &mut Body, v: Move, count: u32) {
    for index in 0..count {
        b.ins().local_get(v.out).local_get(v.from).i32_load8_u(mem(v.offset + index)).i32_store8(mem(index));
    }
    advance(b, v, count);
}

fn flags(b: &mut Body, count: u32, v: Move) {
    bytes(b, v, count.div_ceil(8));
}

fn float32(b: &mut Body, v: Move) {
    let bits = b.tmp32();
    b.ins().local_get(v.out).i32_const(NAN_32).local_get(v.from).i32_load(mem(v.offset)).local_tee(bits);
    b.ins().local_get(bits).i32_const(i32::MAX).i32_and().i32_const(0x7f80_0000).i32_gt_u();
    b.ins().select().i32_store(mem(0));
    advance(b, v, 4);
}

fn float64(b: &mut Body, v: Move) {
    let bits = b.tmp64();
    b.ins().local_get(v.out).i64_const(NAN_64).local_get(v.from).i64_load(mem(v.offset)).local_tee(bits);
    b.ins().local_get(bits).i64_const(i64::MAX).i64_and().i64_const(0x7ff0_0000_0000_0000).i64_gt_u();
    b.ins().select().i64_store(mem(0));
    advance(b, v, 8);
}

/// Stores one byte if the condition on the stack holds, else calls the writer.
fn one_byte_or(b: &mut Body, v: Move, value: u32, mask: bool, writer: u32) {
    b.ins().if_(BlockType::Result(ValType::I32)).local_get(v.out).local_get(value);
    if mask {
        b.ins().i32_const(0x7f).i32_and();
    }
    b.ins().i32_store8(mem(0)).local_get(v.out).i32_const(1).i32_add();
    b.ins().else_().local_get(v.out).local_get(value).call(writer).end().local_set(v.out);
}

fn unsigned(g: &mut Generator<'_>, b: &mut Body, shape: &Shape, v: Move) {
    let value = b.tmp32();
    b.ins().local_get(v.from);
    match shape.size {
        2 => b.ins().i32_load16_u(mem(v.offset)),
        _ => b.ins().i32_load(mem(v.offset)),
    };
    b.ins().local_tee(value).i32_const(0x80).i32_lt_u();
    let writer = g.helper(Helper::WriteU32);
    one_byte_or(b, v, value, false, writer);
}

fn signed(g: &mut Generator<'_>, b: &mut Body, shape: &Shape, v: Move) {
    let value = b.tmp32();
    b.ins().local_get(v.from);
    match shape.size {
        2 => b.ins().i32_load16_s(mem(v.offset)),
        _ => b.ins().i32_load(mem(v.offset)),
    };
    b.ins().local_tee(value).i32_const(64).i32_add().i32_const(128).i32_lt_u();
    let writer = g.helper(Helper::WriteS32);
    one_byte_or(b, v, value, true, writer);
}

fn wide(g: &mut Generator<'_>, b: &mut Body, shape: &Shape, v: Move) {
    let helper = if shape.kind == Kind::U64 { Helper::WriteU64 } else { Helper::WriteS64 };
    let writer = g.helper(helper);
    b.ins().local_get(v.out).local_get(v.from).i64_load(mem(v.offset)).call(writer).local_set(v.out);
}

fn scalar(g: &mut Generator<'_>, b: &mut Body, v: Move) {
    let writer = g.helper(Helper::WriteScalar);
    b.ins().local_get(v.out).local_get(v.from).i32_load(mem(v.offset)).call(writer).local_set(v.out);
}

fn text(g: &mut Generator<'_>, b: &mut Body, v: Move) {
    let writer = g.helper(Helper::WriteBytes);
    b.ins().local_get(v.out).local_get(v.from).i32_load(mem(v.offset));
    b.ins().local_get(v.from).i32_load(mem(v.offset + 4)).call(writer).local_set(v.out);
}

/// Pushes the case index of a variant.
pub(super) fn load_tag(b: &mut Body, from: u32, offset: u32, tag: u32) {
    b.ins().local_get(from);
    match tag {
        1 => b.ins().i32_load8_u(mem(offset)),
        2 => b.ins().i32_load16_u(mem(offset)),
        _ => b.ins().i32_load(mem(offset)),
    };
}

fn case(g: &mut Generator<'_>, b: &mut Body, tag: u32, cases: usize, v: Move) {
    if cases <= 128 {
        return bytes(b, v, 1);
    }
    let writer = g.helper(Helper::WriteU32);
    b.ins().local_get(v.out);
    load_tag(b, v.from, v.offset, tag);
    b.ins().call(writer).local_set(v.out);
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
    case(g, b, tag, cases.len(), v);
    let index = b.i32();
    load_tag(b, v.from, v.offset, tag);
    b.ins().local_set(index);
    switch(b, index, cases, |b, shape| place(g, b, shape, Move { offset: v.offset + payload, ..v }))
}

fn list(g: &mut Generator<'_>, b: &mut Body, element: ShapeId, v: Move) -> Result<(), EmitError> {
    let shape = g.shapes.element(element)?;
    let whole = g.shapes.writes_whole(&shape.kind);
    if whole && shape.size == 1 {
        text(g, b, v);
        return Ok(());
    }
    let (from, end, count) = (b.i32(), b.i32(), b.i32());
    b.ins().local_get(v.from).i32_load(mem(v.offset)).local_set(from);
    b.ins().local_get(v.from).i32_load(mem(v.offset + 4)).local_set(count);
    let writer = g.helper(Helper::WriteU32);
    b.ins().local_get(v.out).local_get(count).call(writer).local_set(v.out);
    if shape.closed {
        make_room(g, b, v.out, |b| {
            let head = i64::from(shape.head);
            b.ins().local_get(count).i64_extend_i32_u().i64_const(head).i64_mul();
        });
    }
    b.ins().local_get(count).i32_const(shape.size.cast_signed()).i32_mul();
    if whole {
        let copy = g.helper(Helper::Copy);
        b.ins().local_set(count).local_get(v.out).local_get(from).local_get(count).call(copy).local_set(v.out);
        return Ok(());
    }
    b.ins().local_get(from).i32_add().local_set(end);
    elements(g, b, element, (from, end), v)
}

fn fixed(g: &mut Generator<'_>, b: &mut Body, element: ShapeId, count: u32, v: Move) -> Result<(), EmitError> {
    let shape = g.shapes.element(element)?;
    if shape.closed {
        make_room(g, b, v.out, |b| {
            b.ins().i64_const(i64::from(count) * i64::from(shape.head));
        });
    }
    if g.shapes.writes_whole(&shape.kind) {
        let copy = g.helper(Helper::Copy);
        b.ins().local_get(v.out);
        address(b, v);
        b.ins().i32_const(count.wrapping_mul(shape.size).cast_signed()).call(copy).local_set(v.out);
        return Ok(());
    }
    let (from, end) = (b.i32(), b.i32());
    address(b, v);
    b.ins().local_tee(from).i32_const(count.wrapping_mul(shape.size).cast_signed()).i32_add().local_set(end);
    elements(g, b, element, (from, end), v)
}

/// The elements from one address to another, all alike, one by one.
fn elements(
    g: &mut Generator<'_>,
    b: &mut Body,
    element: ShapeId,
    (from, end): (u32, u32),
    v: Move,
) -> Result<(), EmitError> {
    let shape = g.shape(element)?;
    b.ins().block(BlockType::Empty).loop_(BlockType::Empty);
    if !shape.closed {
        // Before each element and after the last one.
        make_room(g, b, v.out, |b| {
            b.ins().i64_const(0);
        });
    }
    b.ins().local_get(from).local_get(end).i32_ge_u().br_if(1);
    place(g, b, element, Move { from, offset: 0, out: v.out })?;
    b.ins().local_get(from).i32_const(shape.size.cast_signed()).i32_add().local_set(from).br(0).end().end();
    Ok(())
}
