//! What is shared while an adapter is written: the module, the shapes, and the functions still to be written.

use std::collections::BTreeMap;

use wasm_encoder::ValType;

use super::error::EmitError;
use super::module::ModuleBuilder;
use super::runtime::{self, Helper};
use super::shape::{Shape, ShapeId, Shapes};
use super::{decode, encode};
use crate::limits::{FLAT_MOVES_MAX, MEMORY_TAIL};

/// A function that is written when something calls it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Routine {
    Helper(Helper),
    Encode(ShapeId),
    Decode(ShapeId),
}

/// What an adapter knows about the platform's `rpc-error`.
#[derive(Clone, Copy, Debug)]
pub(super) struct ErrorLayout {
    pub(super) size: u32,
    /// Offset of a case's text.
    pub(super) payload: u32,
    /// Index of the case for malformed bytes.
    pub(super) deser: u32,
    /// Index of the case for unknown methods.
    pub(super) method_not_handled: u32,
}

/// Static places every adapter has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places {
    /// The `result<payload, rpc-error>` of `send` or `receive`.
    pub(super) reply: u32,
    /// Its payload: the bytes, or the `rpc-error`.
    pub(super) error: u32,
    /// The text of an error made here.
    pub(super) message: u32,
    /// Values that are passed flat, in memory.
    pub(super) flat: u32,
    /// A table of `Fault` texts.
    pub(super) faults: u32,
}

pub(super) struct Generator<'a> {
    pub(super) module: ModuleBuilder,
    pub(super) shapes: Shapes<'a>,
    pub(super) places: Places,
    pub(super) error: ErrorLayout,
    routines: BTreeMap<Routine, u32>,
    pending: Vec<Routine>,
    moves: u32,
}

impl<'a> Generator<'a> {
    pub(super) fn new(module: ModuleBuilder, shapes: Shapes<'a>, places: Places, error: ErrorLayout) -> Self {
        Self { module, shapes, places, error, routines: BTreeMap::new(), pending: Vec::new(), moves: 0 }
    }

    /// The index of a routine, which is written later if this is the first call.
    pub(super) fn routine(&mut self, routine: Routine) -> u32 {
        if let Some(index) = self.routines.get(&routine) {
            return *index;
        }
        let index = match routine {
            Routine::Helper(helper) => {
                let (params, results) = helper.signature();
                self.module.declare(helper.name(), params, results)
            }
            Routine::Encode(id) => self.declare_codec("encode", id),
            Routine::Decode(id) => self.declare_codec("decode", id),
        };
        self.routines.insert(routine, index);
        self.pending.push(routine);
        index
    }

    pub(super) fn helper(&mut self, helper: Helper) -> u32 {
        self.routine(Routine::Helper(helper))
    }

    /// Encoders are `(value, out) -> out`, decoders `(at, value) -> at`, with 0 for a fault.
    fn declare_codec(&mut self, verb: &str, id: ShapeId) -> u32 {
        let name = format!("{verb}-{}", self.shapes.name(id));
        self.module.declare(&name, &[ValType::I32, ValType::I32], &[ValType::I32])
    }

    /// Writes all routines that were called, and those that they call.
    pub(super) fn finish_routines(&mut self) -> Result<(), EmitError> {
        while let Some(routine) = self.pending.pop() {
            let body = match routine {
                Routine::Helper(helper) => runtime::body(self, helper),
                Routine::Encode(id) => encode::routine(self, id)?,
                Routine::Decode(id) => decode::routine(self, id)?,
            };
            let index = self.routine(routine);
            self.module.define(index, body);
        }
        Ok(())
    }

    /// Counts a step of the flat calling convention: nested variants multiply them.
    pub(super) fn count_move(&mut self) -> Result<(), EmitError> {
        self.moves += 1;
        if self.moves > FLAT_MOVES_MAX { Err(EmitError::TooComplex { most: FLAT_MOVES_MAX }) } else { Ok(()) }
    }

    pub(super) fn shape(&self, id: ShapeId) -> Result<Shape, EmitError> {
        self.shapes.get(id).cloned()
    }

    /// What encoders keep free ahead of them: any head, and the reach of a wide store.
    pub(super) fn slack(&self) -> u32 {
        self.shapes.largest_head().saturating_add(MEMORY_TAIL)
    }
}
