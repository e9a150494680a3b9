//! The flat calling convention: core values on one side, memory layout on the other. Variants share their slots among
//! cases, so a slot may be wider than what one case keeps in it.

use wasm_encoder::ValType::{self, F32, F64, I32, I64};

use super::encode::load_tag;
use super::error::EmitError;
use super::generator::Generator;
use super::module::{Body, mem};
use super::shape::{Kind, Shape, ShapeId};
use super::switch::switch;

/// A core value in a local.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    pub(super) local: u32,
    pub(super) ty: ValType,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    ToMemory,
    FromMemory,
}

/// A value at a constant offset from an address in a local.
#[derive(Clone, Copy)]
pub(super) struct At {
    pub(super) base: u32,
    pub(super) offset: u32,
}

impl At {
    fn plus(self, more: u32) -> Self {
        Self { offset: self.offset + more, ..self }
    }
}

/// Moves a value between its slots and memory.
pub(super) fn transfer(
    g: &mut Generator<'_>,
    b: &mut Body,
    id: ShapeId,
    slots: &[Slot],
    at: At,
    way: Direction,
) -> Result<(), EmitError> {
    g.count_move()?;
    let shape = g.shape(id)?;
    match &shape.kind {
        Kind::Record(fields) => {
            let mut rest = slots;
            for field in fields {
                rest = part(g, b, field.shape, rest, at.plus(field.offset), way)?;
            }
            Ok(())
        }
        Kind::Fixed(element, count) => {
            let size = g.shape(*element)?.size;
            let mut rest = slots;
            for index in 0..*count {
                rest = part(g, b, *element, rest, at.plus(index * size), way)?;
            }
            Ok(())
        }
        Kind::Text | Kind::List(_) => {
            let (address, rest) = first(slots)?;
            let (length, _) = first(rest)?;
            leaf(b, I32, 4, address, at, way);
            leaf(b, I32, 4, length, at.plus(4), way);
            Ok(())
        }
        Kind::Variant { tag, payload, cases } => {
            let (index, rest) = first(slots)?;
            leaf(b, I32, *tag, index, at, way);
            cases_of(g, b, cases, index, rest, (at, *payload, *tag), way)
        }
        _ => {
            let (slot, _) = first(slots)?;
            leaf(b, core_type(&shape), shape.size, slot, at, way);
            Ok(())
        }
    }
}

/// One member: takes as many slots as it needs and gives the rest.
fn part<'s>(
    g: &mut Generator<'_>,
    b: &mut Body,
    id: ShapeId,
    slots: &'s [Slot],
    at: At,
    way: Direction,
) -> Result<&'s [Slot], EmitError> {
    let flat = g.shape(id)?.flat.ok_or(EmitError::Inconsistent { what: "flat type" })?;
    let (own, rest) = slots.split_at_checked(flat.len()).ok_or(EmitError::Inconsistent { what: "flat slot" })?;
    transfer(g, b, id, own, at, way)?;
    Ok(rest)
}

fn first(slots: &[Slot]) -> Result<(Slot, &[Slot]), EmitError> {
    slots.split_first().map(|(slot, rest)| (*slot, rest)).ok_or(EmitError::Inconsistent { what: "flat slot" })
}

fn cases_of(
    g: &mut Generator<'_>,
    b: &mut Body,
    cases: &[Option<ShapeId>],
    index: Slot,
    slots: &[Slot],
    (at, payload, tag): (At, u32, u32),
    way: Direction,
) -> Result<(), EmitError> {
    if cases.iter().all(Option::is_none) {
        return Ok(());
    }
    // The slot may be shared and wide; branching wants a plain index.
    let case = b.i32();
    match way {
        Direction::ToMemory => from_slot(b, index, I32),
        Direction::FromMemory => load_tag(b, at.base, at.offset, tag),
    }
    b.ins().local_set(case);
    switch(b, case, cases, |b, shape| transfer(g, b, shape, slots, at.plus(payload), way))
}

/// The core type of a scalar.
fn core_type(shape: &Shape) -> ValType {
    match shape.kind {
        Kind::F32 => F32,
        Kind::F64 => F64,
        Kind::U64 | Kind::S64 => I64,
        _ => I32,
    }
}

/// Moves one core value of `size` bytes.
fn leaf(b: &mut Body, ty: ValType, size: u32, slot: Slot, at: At, way: Direction) {
    b.ins().local_get(at.base);
    match way {
        Direction::ToMemory => {
            from_slot(b, slot, ty);
            store(b, ty, size, at.offset);
        }
        Direction::FromMemory => {
            load(b, ty, size, at.offset);
            to_slot(b, ty, slot);
        }
    }
}

fn store(b: &mut Body, ty: ValType, size: u32, offset: u32) {
    let at = mem(offset);
    match (ty, size) {
        (F32, _) => b.ins().f32_store(at),
        (F64, _) => b.ins().f64_store(at),
        (I64, _) => b.ins().i64_store(at),
        (_, 1) => b.ins().i32_store8(at),
        (_, 2) => b.ins().i32_store16(at),
        _ => b.ins().i32_store(at),
    };
}

/// Narrow integers are zero-extended: the canonical ABI ignores the upper bits, whatever the sign.
fn load(b: &mut Body, ty: ValType, size: u32, offset: u32) {
    let at = mem(offset);
    match (ty, size) {
        (F32, _) => b.ins().f32_load(at),
        (F64, _) => b.ins().f64_load(at),
        (I64, _) => b.ins().i64_load(at),
        (_, 1) => b.ins().i32_load8_u(at),
        (_, 2) => b.ins().i32_load16_u(at),
        _ => b.ins().i32_load(at),
    };
}

/// Pushes the slot's value as the type its present case has.
fn from_slot(b: &mut Body, slot: Slot, ty: ValType) {
    b.ins().local_get(slot.local);
    match (slot.ty, ty) {
        (I64, I32) => b.ins().i32_wrap_i64(),
        (I64, F32) => b.ins().i32_wrap_i64().f32_reinterpret_i32(),
        (I32, F32) => b.ins().f32_reinterpret_i32(),
        (I64, F64) => b.ins().f64_reinterpret_i64(),
        _ => return,
    };
}

/// Sets the slot from a value of its present case's type.
fn to_slot(b: &mut Body, ty: ValType, slot: Slot) {
    match (ty, slot.ty) {
        (I32, I64) => b.ins().i64_extend_i32_u().local_set(slot.local),
        (F32, I64) => b.ins().i32_reinterpret_f32().i64_extend_i32_u().local_set(slot.local),
        (F32, I32) => b.ins().i32_reinterpret_f32().local_set(slot.local),
        (F64, I64) => b.ins().i64_reinterpret_f64().local_set(slot.local),
        _ => b.ins().local_set(slot.local),
    };
}

/// The slots of a function's parameters, which are its first locals.
pub(super) fn parameters(types: &[ValType]) -> Vec<Slot> {
    (0..).zip(types).map(|(local, ty)| Slot { local, ty: *ty }).collect()
}

/// Fresh slots for a value that is about to be passed flat.
pub(super) fn fresh(b: &mut Body, types: &[ValType]) -> Vec<Slot> {
    types.iter().map(|ty| Slot { local: b.local(*ty), ty: *ty }).collect()
}

/// Room in memory for anything passed flat: sixteen core values and the padding between them.
pub(super) fn area_size(shapes: &[&Shape]) -> u32 {
    let sizes = shapes.iter().filter(|shape| shape.flat.is_some()).map(|shape| shape.size);
    sizes.max().unwrap_or(0)
}
