//! Types reduced to what moves bytes: names are gone, layout is settled, equal structures are one shape.

use std::collections::HashMap;

use model::wire::WireVersion;
use wasm_encoder::ValType;
use wit_parser::abi::{FlatTypes, WasmType};
use wit_parser::{Int, Resolve, SizeAlign, Type, TypeDefKind};

use super::error::EmitError;
use super::failure::kind_of;
use super::module::{to_u32, to_usize};
use crate::limits::DECODED_MAX;

/// Longest LEB128 of a length, a count or a case index, in bytes.
const LEB32_MAX: u32 = 5;

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) struct ShapeId(u32);

/// A member of a record at its place in memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Field {
    pub(super) offset: u32,
    pub(super) shape: ShapeId,
}

/// How the bytes of a value are interpreted.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum Kind {
    Bool,
    U8,
    S8,
    U16,
    S16,
    U32,
    S32,
    U64,
    S64,
    F32,
    F64,
    Char,
    Text,
    /// Also maps: a list of pairs.
    List(ShapeId),
    Fixed(ShapeId, u32),
    /// Also tuples and parameter lists.
    Record(Vec<Field>),
    /// Also enums, options and results. `tag` is the discriminant's size in memory, in bytes.
    Variant {
        tag: u32,
        payload: u32,
        cases: Vec<Option<ShapeId>>,
    },
    Flags {
        count: u32,
    },
}

/// A kind with its layout in memory and its bounds on the wire.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub(super) kind: Kind,
    pub(super) size: u32,
    pub(super) align: u32,
    /// Fewest bytes a value takes on the wire.
    pub(super) min_wire: u32,
    /// Most bytes of the part of a value that is written without asking for room.
    pub(super) head: u32,
    /// The head is all there is: no string or list inside.
    pub(super) closed: bool,
    /// Core types when passed flat; `None` when that takes more than the ABI allows.
    pub(super) flat: Option<Vec<ValType>>,
}

impl Shape {
    /// Scalars are handled in place, the rest by a function of their own.
    pub(super) fn is_scalar(&self) -> bool {
        use Kind::{Fixed, List, Record, Text, Variant};
        match &self.kind {
            Text | List(_) | Fixed(..) | Record(_) => false,
            Variant { cases, .. } => cases.iter().all(Option::is_none),
            _ => true,
        }
    }
}

/// All shapes of one adapter.
pub(super) struct Shapes<'a> {
    resolve: &'a Resolve,
    wire: WireVersion,
    sizes: SizeAlign,
    shapes: Vec<Shape>,
    known: HashMap<(Kind, u32, u32), ShapeId>,
    by_type: HashMap<Type, ShapeId>,
}

impl<'a> Shapes<'a> {
    pub(super) fn new(resolve: &'a Resolve, wire: WireVersion) -> Result<Self, EmitError> {
        let mut sizes = SizeAlign::default();
        sizes.fill(resolve).map_err(|e| EmitError::Layout { source: e.into() })?;
        Ok(Self { resolve, wire, sizes, shapes: Vec::new(), known: HashMap::new(), by_type: HashMap::new() })
    }

    pub(super) fn get(&self, id: ShapeId) -> Result<&Shape, EmitError> {
        self.shapes.get(to_usize(id.0)).ok_or(EmitError::Inconsistent { what: "shape" })
    }

    /// The shape as an element of a list. Here versions of the wire differ: from version 2 on a number has the width there
    /// that it has in memory.
    pub(super) fn element(&self, id: ShapeId) -> Result<Shape, EmitError> {
        let shape = self.get(id)?.clone();
        let size = shape.size;
        let is_fixed = self.wire >= WireVersion::V2 && is_number(&shape.kind);
        Ok(if is_fixed { Shape { min_wire: size, head: size, ..shape } } else { shape })
    }

    /// True for elements that are written as they lie in memory.
    pub(super) fn writes_whole(&self, element: &Kind) -> bool {
        match self.wire {
            WireVersion::V1 => is_byte(element),
            WireVersion::V2 => is_byte(element) || is_number(element),
        }
    }

    /// True for elements of more than a byte that are read as they lie in a message, but for the alignment.
    pub(super) fn reads_whole(&self, element: &Kind) -> bool {
        match self.wire {
            WireVersion::V1 => matches!(element, Kind::F32 | Kind::F64),
            WireVersion::V2 => is_number(element),
        }
    }

    /// For function names in backtraces.
    pub(super) fn name(&self, id: ShapeId) -> String {
        let word = match self.get(id).map(|shape| &shape.kind) {
            Ok(Kind::Record(_)) => "record",
            Ok(Kind::Variant { .. }) => "variant",
            Ok(Kind::List(_)) => "list",
            Ok(Kind::Fixed(..)) => "fixed-list",
            _ => "value",
        };
        format!("{word}-{}", id.0)
    }

    /// Room that, once asked for, covers the head of any shape.
    pub(super) fn largest_head(&self) -> u32 {
        self.shapes.iter().map(|shape| shape.head).max().unwrap_or(0)
    }

    /// The parameters of a function, as one record.
    pub(super) fn params(&mut self, types: &[Type]) -> Result<ShapeId, EmitError> {
        self.record(types)
    }

    pub(super) fn of(&mut self, ty: &Type) -> Result<ShapeId, EmitError> {
        if let Some(id) = self.by_type.get(ty) {
            return Ok(*id);
        }
        let id = match ty {
            Type::Id(id) => {
                let kind = kind_of(self.resolve, *id).ok_or(EmitError::Inconsistent { what: "type" })?;
                self.of_def(ty, kind)?
            }
            _ => self.add(ty, primitive(ty)?)?,
        };
        self.by_type.insert(*ty, id);
        Ok(id)
    }

    fn of_def(&mut self, ty: &Type, kind: &'a TypeDefKind) -> Result<ShapeId, EmitError> {
        let kind = match kind {
            TypeDefKind::Type(inner) => return self.of(inner),
            TypeDefKind::Record(record) => {
                let types: Vec<Type> = record.fields.iter().map(|f| f.ty).collect();
                return self.record(&types);
            }
            TypeDefKind::Tuple(tuple) => return self.record(&tuple.types),
            TypeDefKind::List(element) => Kind::List(self.of(element)?),
            TypeDefKind::Map(key, value) => Kind::List(self.record(&[*key, *value])?),
            TypeDefKind::FixedLengthList(element, count) => Kind::Fixed(self.of(element)?, *count),
            TypeDefKind::Flags(flags) => Kind::Flags { count: to_u32(flags.flags.len()) },
            TypeDefKind::Variant(v) => self.variant(v.tag(), v.cases.iter().map(|c| c.ty))?,
            TypeDefKind::Enum(e) => self.variant(e.tag(), e.cases.iter().map(|_| None))?,
            TypeDefKind::Option(some) => self.variant(Int::U8, [None, Some(*some)])?,
            TypeDefKind::Result(r) => self.variant(Int::U8, [r.ok, r.err])?,
            TypeDefKind::Resource
            | TypeDefKind::Handle(_)
            | TypeDefKind::Future(_)
            | TypeDefKind::Stream(_)
            | TypeDefKind::Unknown => return Err(EmitError::Inconsistent { what: "refused type" }),
        };
        self.add(ty, kind)
    }

    fn record(&mut self, types: &[Type]) -> Result<ShapeId, EmitError> {
        let mut fields = Vec::new();
        let offsets: Vec<u32> =
            self.sizes.field_offsets(types).into_iter().map(|(offset, _)| to_u32(offset.size_wasm32())).collect();
        for (ty, offset) in types.iter().zip(offsets) {
            fields.push(Field { offset, shape: self.of(ty)? });
        }
        let layout = self.sizes.record(types);
        let flat = self.flatten(types);
        self.intern(Kind::Record(fields), layout.size.size_wasm32(), layout.align.align_wasm32(), flat)
    }

    fn variant(&mut self, tag: Int, types: impl IntoIterator<Item = Option<Type>>) -> Result<Kind, EmitError> {
        let types: Vec<Option<Type>> = types.into_iter().collect();
        let payload = self.sizes.payload_offset(tag, types.iter().map(Option::as_ref));
        let cases = types.iter().map(|ty| ty.as_ref().map(|ty| self.of(ty)).transpose()).collect::<Result<_, _>>()?;
        Ok(Kind::Variant { tag: tag_size(tag), payload: to_u32(payload.size_wasm32()), cases })
    }

    fn add(&mut self, ty: &Type, kind: Kind) -> Result<ShapeId, EmitError> {
        let size = self.sizes.size(ty).size_wasm32();
        let align = self.sizes.align(ty).align_wasm32();
        let flat = self.flatten([ty]);
        self.intern(kind, size, align, flat)
    }

    fn flatten<'t>(&self, types: impl IntoIterator<Item = &'t Type>) -> Option<Vec<ValType>> {
        let mut room = [WasmType::I32; Resolve::MAX_FLAT_PARAMS];
        let mut flat = FlatTypes::new(&mut room);
        let fits = types.into_iter().all(|ty| self.resolve.push_flat(ty, &mut flat));
        fits.then(|| core_types(&flat.to_vec()))
    }

    fn intern(
        &mut self,
        kind: Kind,
        size: usize,
        align: usize,
        flat: Option<Vec<ValType>>,
    ) -> Result<ShapeId, EmitError> {
        if size > to_usize(DECODED_MAX) {
            return Err(EmitError::TooLarge { size, most: DECODED_MAX });
        }
        let (size, align) = (to_u32(size), to_u32(align));
        let key = (kind, size, align);
        if let Some(id) = self.known.get(&key) {
            return Ok(*id);
        }
        let wire = self.wire_bounds(&key.0, size)?;
        let id = ShapeId(to_u32(self.shapes.len()));
        self.shapes.push(Shape {
            kind: key.0.clone(),
            size,
            align,
            min_wire: wire.min,
            head: wire.head,
            closed: wire.closed,
            flat,
        });
        self.known.insert(key, id);
        Ok(id)
    }

    fn wire_bounds(&self, kind: &Kind, size: u32) -> Result<Bounds, EmitError> {
        Ok(match kind {
            Kind::Bool | Kind::U8 | Kind::S8 => Bounds::closed(1, 1),
            Kind::U16 | Kind::S16 => Bounds::closed(1, 3),
            Kind::U32 | Kind::S32 => Bounds::closed(1, LEB32_MAX),
            Kind::U64 | Kind::S64 => Bounds::closed(1, 10),
            Kind::F32 | Kind::F64 => Bounds::closed(size, size),
            Kind::Char => Bounds::closed(1, 4),
            Kind::Flags { count } => Bounds::closed(count.div_ceil(8), count.div_ceil(8)),
            Kind::Text | Kind::List(_) => Bounds { min: 1, head: LEB32_MAX, closed: false },
            Kind::Fixed(element, count) => {
                let each = self.element(*element)?.min_wire;
                Bounds { min: each.saturating_mul(*count), head: 0, closed: false }
            }
            Kind::Record(fields) => self.record_bounds(fields)?,
            Kind::Variant { cases, .. } => self.variant_bounds(cases)?,
        })
    }

    fn record_bounds(&self, fields: &[Field]) -> Result<Bounds, EmitError> {
        let mut all = Bounds::closed(0, 0);
        for field in fields {
            let shape = self.get(field.shape)?;
            all.min = all.min.saturating_add(shape.min_wire);
            all.head = all.head.saturating_add(shape.head);
            all.closed &= shape.closed;
        }
        Ok(all)
    }

    fn variant_bounds(&self, cases: &[Option<ShapeId>]) -> Result<Bounds, EmitError> {
        let mut all = Bounds::closed(u32::MAX, 0);
        for case in cases {
            let bounds = match case {
                None => Bounds::closed(0, 0),
                Some(id) => {
                    let shape = self.get(*id)?;
                    Bounds { min: shape.min_wire, head: shape.head, closed: shape.closed }
                }
            };
            all.min = all.min.min(bounds.min);
            all.head = all.head.max(bounds.head);
            all.closed &= bounds.closed;
        }
        all.min = all.min.saturating_add(1);
        all.head = all.head.saturating_add(if cases.len() <= 128 { 1 } else { LEB32_MAX });
        Ok(all)
    }
}

/// One byte, in memory as in a message.
fn is_byte(kind: &Kind) -> bool {
    matches!(kind, Kind::U8 | Kind::S8 | Kind::Bool)
}

/// Numbers of more than a byte.
fn is_number(kind: &Kind) -> bool {
    use Kind::{F32, F64, S16, S32, S64, U16, U32, U64};
    matches!(kind, U16 | S16 | U32 | S32 | U64 | S64 | F32 | F64)
}

struct Bounds {
    min: u32,
    head: u32,
    closed: bool,
}

impl Bounds {
    fn closed(min: u32, head: u32) -> Self {
        Self { min, head, closed: true }
    }
}

fn primitive(ty: &Type) -> Result<Kind, EmitError> {
    Ok(match ty {
        Type::Bool => Kind::Bool,
        Type::U8 => Kind::U8,
        Type::S8 => Kind::S8,
        Type::U16 => Kind::U16,
        Type::S16 => Kind::S16,
        Type::U32 => Kind::U32,
        Type::S32 => Kind::S32,
        Type::U64 => Kind::U64,
        Type::S64 => Kind::S64,
        Type::F32 => Kind::F32,
        Type::F64 => Kind::F64,
        Type::Char => Kind::Char,
        Type::String => Kind::Text,
        Type::ErrorContext | Type::Id(_) => {
            return Err(EmitError::Inconsistent { what: "refused type" });
        }
    })
}

fn tag_size(tag: Int) -> u32 {
    match tag {
        Int::U8 => 1,
        Int::U16 => 2,
        Int::U32 | Int::U64 => 4,
    }
}

/// The types of a core signature: an adapter's memory is 32-bit.
pub(super) fn core_types(flat: &[WasmType]) -> Vec<ValType> {
    flat.iter()
        .map(|ty| match ty {
            WasmType::I32 | WasmType::Pointer | WasmType::Length => ValType::I32,
            WasmType::I64 | WasmType::PointerOrI64 => ValType::I64,
            WasmType::F32 => ValType::F32,
            WasmType::F64 => ValType::F64,
        })
        .collect()
}
