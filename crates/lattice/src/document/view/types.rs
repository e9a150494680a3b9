//! The table of types of a view.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use model::contract::{Case, ContractName, Field, NamedType, Type};
use serde::{Deserialize, Serialize};

use super::super::wire::Text;
use crate::limits::{TYPE_DEPTH_MAX, TYPE_PARTS_MAX};

/// One type; what it is made of are places in the table, all before its own.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum TypeWire {
    Bool,
    U8,
    U16,
    U32,
    U64,
    S8,
    S16,
    S32,
    S64,
    F32,
    F64,
    Char,
    String,
    List(u32),
    FixedList(u32, u32),
    Map(u32, u32),
    Tuple(Vec<u32>),
    Option(u32),
    Result { ok: Option<u32>, err: Option<u32> },
    Record(Vec<(String, u32)>),
    Variant(Vec<(String, Option<u32>)>),
    Enum(Vec<String>),
    Flags(Vec<String>),
    Named { owner: Text<ContractName>, name: String, shape: u32 },
}

/// Makes the table.
#[derive(Default)]
pub(super) struct Builder {
    table: Vec<TypeWire>,
    places: BTreeMap<TypeWire, u32>,
    /// Where named types stand, by where they are in memory: each is gone through once, however often it is named. The
    /// view that they are part of is borrowed for as long as this lives.
    named: HashMap<usize, u32>,
}

impl Builder {
    pub(super) fn into_table(self) -> Vec<TypeWire> {
        self.table
    }

    /// The place of `ty`, which is put there if need be.
    pub(super) fn place(&mut self, ty: &Type) -> u32 {
        let wire = match ty {
            Type::Named(named) => return self.place_named(named),
            Type::Bool => TypeWire::Bool,
            Type::U8 => TypeWire::U8,
            Type::U16 => TypeWire::U16,
            Type::U32 => TypeWire::U32,
            Type::U64 => TypeWire::U64,
            Type::S8 => TypeWire::S8,
            Type::S16 => TypeWire::S16,
            Type::S32 => TypeWire::S32,
            Type::S64 => TypeWire::S64,
            Type::F32 => TypeWire::F32,
            Type::F64 => TypeWire::F64,
            Type::Char => TypeWire::Char,
            Type::String => TypeWire::String,
            Type::Enum(cases) => TypeWire::Enum(cases.clone()),
            Type::Flags(flags) => TypeWire::Flags(flags.clone()),
            compound => self.compound(compound),
        };
        self.put(wire)
    }

    fn compound(&mut self, ty: &Type) -> TypeWire {
        let mut optional = |ty: &Option<Box<Type>>| ty.as_ref().map(|ty| self.place(ty));
        match ty {
            Type::Result { ok, err } => TypeWire::Result { ok: optional(ok), err: optional(err) },
            Type::List(element) => TypeWire::List(self.place(element)),
            Type::FixedList(element, count) => TypeWire::FixedList(self.place(element), *count),
            Type::Map(key, value) => TypeWire::Map(self.place(key), self.place(value)),
            Type::Option(inner) => TypeWire::Option(self.place(inner)),
            Type::Record(fields) => {
                TypeWire::Record(fields.iter().map(|field| (field.name.clone(), self.place(&field.ty))).collect())
            }
            Type::Variant(cases) => {
                let case = |case: &Case| (case.name.clone(), case.ty.as_ref().map(|ty| self.place(ty)));
                TypeWire::Variant(cases.iter().map(case).collect())
            }
            Type::Tuple(items) => TypeWire::Tuple(items.iter().map(|item| self.place(item)).collect()),
            // The caller has dealt with all others.
            _ => TypeWire::Tuple(Vec::new()),
        }
    }

    fn place_named(&mut self, named: &Arc<NamedType>) -> u32 {
        let at = Arc::as_ptr(named) as usize;
        if let Some(place) = self.named.get(&at) {
            return *place;
        }
        let shape = self.place(&named.shape);
        let place = self.put(TypeWire::Named { owner: Text(named.owner.clone()), name: named.name.clone(), shape });
        self.named.insert(at, place);
        place
    }

    fn put(&mut self, wire: TypeWire) -> u32 {
        if let Some(place) = self.places.get(&wire) {
            return *place;
        }
        let place = u32::try_from(self.table.len()).unwrap_or(u32::MAX);
        self.places.insert(wire.clone(), place);
        self.table.push(wire);
        place
    }
}

/// The table as it was read.
pub(super) struct Table {
    rows: Vec<Row>,
    /// How much more may be made of it.
    left: Cell<usize>,
}

struct Row {
    ty: Type,
    depth: usize,
    /// Of how many types it is made, itself among them, each counted as often as it stands there.
    parts: usize,
}

/// How deep a type goes and of how many it is made, while it is put together.
#[derive(Default)]
struct Extent {
    depth: usize,
    parts: usize,
}

impl Table {
    /// Reads the table. An error says at which place, and why.
    pub(super) fn read(wires: Vec<TypeWire>) -> Result<Self, (usize, String)> {
        let mut table = Self { rows: Vec::new(), left: Cell::new(TYPE_PARTS_MAX) };
        for (place, wire) in wires.into_iter().enumerate() {
            let row = table.row(wire).map_err(|reason| (place, reason))?;
            table.rows.push(row);
        }
        Ok(table)
    }

    /// The type at `place`.
    pub(super) fn at(&self, place: u32) -> Result<Type, String> {
        self.part(place, &mut Extent::default())
    }

    fn part(&self, place: u32, extent: &mut Extent) -> Result<Type, String> {
        let row = usize::try_from(place).ok().and_then(|place| self.rows.get(place));
        let row = row.ok_or_else(|| format!("type {place} does not stand before it"))?;
        extent.depth = extent.depth.max(row.depth);
        extent.parts = extent.parts.saturating_add(row.parts);
        let left = self.left.get().checked_sub(row.parts);
        self.left.set(left.ok_or_else(|| format!("the types are made of more than {TYPE_PARTS_MAX} others"))?);
        Ok(row.ty.clone())
    }

    fn row(&self, wire: TypeWire) -> Result<Row, String> {
        let mut extent = Extent::default();
        let ty = self.read_type(wire, &mut extent)?;
        let (depth, parts) = (extent.depth + 1, extent.parts.saturating_add(1));
        if depth > TYPE_DEPTH_MAX {
            return Err(format!("types are nested more than {TYPE_DEPTH_MAX} deep"));
        }
        Ok(Row { ty, depth, parts })
    }

    fn read_type(&self, wire: TypeWire, extent: &mut Extent) -> Result<Type, String> {
        let mut part = |place| self.part(place, extent);
        Ok(match wire {
            TypeWire::Bool => Type::Bool,
            TypeWire::U8 => Type::U8,
            TypeWire::U16 => Type::U16,
            TypeWire::U32 => Type::U32,
            TypeWire::U64 => Type::U64,
            TypeWire::S8 => Type::S8,
            TypeWire::S16 => Type::S16,
            TypeWire::S32 => Type::S32,
            TypeWire::S64 => Type::S64,
            TypeWire::F32 => Type::F32,
            TypeWire::F64 => Type::F64,
            TypeWire::Char => Type::Char,
            TypeWire::String => Type::String,
            TypeWire::Enum(cases) => Type::Enum(cases),
            TypeWire::Flags(flags) => Type::Flags(flags),
            TypeWire::List(element) => Type::List(Box::new(part(element)?)),
            TypeWire::FixedList(element, count) => Type::FixedList(Box::new(part(element)?), count),
            TypeWire::Map(key, value) => Type::Map(Box::new(part(key)?), Box::new(part(value)?)),
            TypeWire::Option(inner) => Type::Option(Box::new(part(inner)?)),
            TypeWire::Tuple(items) => Type::Tuple(items.into_iter().map(part).collect::<Result<_, _>>()?),
            TypeWire::Result { ok, err } => {
                let mut optional = |place: Option<u32>| place.map(|place| part(place).map(Box::new)).transpose();
                Type::Result { ok: optional(ok)?, err: optional(err)? }
            }
            TypeWire::Record(fields) => {
                let field = |(name, place)| Ok::<_, String>(Field { name, ty: part(place)? });
                Type::Record(fields.into_iter().map(field).collect::<Result<_, _>>()?)
            }
            TypeWire::Variant(cases) => {
                let case = |(name, place): (_, Option<u32>)| {
                    Ok::<_, String>(Case { name, ty: place.map(&mut part).transpose()? })
                };
                Type::Variant(cases.into_iter().map(case).collect::<Result<_, _>>()?)
            }
            TypeWire::Named { owner, name, shape } => {
                Type::Named(Arc::new(NamedType { owner: owner.0, name, shape: part(shape)? }))
            }
        })
    }
}
