//! Bytes to values.

use model::contract::{Case, Field, Type};
use model::wire::WireVersion;

use super::encode::{is_byte, number_width};
use super::reader::Reader;
use super::{DecodeError, DecodeReason, field_segment};
use crate::limits::TYPE_DEPTH_MAX;
use crate::value::{Segment, Value};

type Decoded<T> = Result<T, DecodeError>;

pub(super) struct Decoder<'b> {
    reader: Reader<'b>,
    wire: WireVersion,
    depth: usize,
}

impl<'b> Decoder<'b> {
    pub(super) fn new(bytes: &'b [u8], wire: WireVersion) -> Decoder<'b> {
        Decoder { reader: Reader::new(bytes), wire, depth: 0 }
    }

    /// Refuses bytes after the value.
    pub(super) fn finish(&self) -> Decoded<()> {
        match self.reader.left() {
            0 => Ok(()),
            count => Err(self.reader.fault(DecodeReason::Trailing { count })),
        }
    }

    pub(super) fn value(&mut self, ty: &Type) -> Decoded<Value> {
        if self.depth == TYPE_DEPTH_MAX {
            return Err(self.reader.fault(DecodeReason::TooDeep));
        }
        self.depth += 1;
        let decoded = self.shaped(ty.shape());
        self.depth -= 1;
        decoded
    }

    pub(super) fn field(&mut self, name: &str, ty: &Type) -> Decoded<Value> {
        self.value(ty).map_err(|error| error.within(field_segment(name)))
    }

    fn shaped(&mut self, ty: &Type) -> Decoded<Value> {
        Ok(match ty {
            Type::Bool => Value::Bool(self.reader.zero_or_one("bool")?),
            Type::U8 => Value::U8(self.reader.byte()?),
            Type::S8 => Value::S8(self.reader.byte()?.cast_signed()),
            Type::U16 => Value::U16(self.unsigned(16)?),
            Type::U32 => Value::U32(self.unsigned(32)?),
            Type::U64 => Value::U64(self.reader.unsigned(64)?),
            Type::S16 => Value::S16(self.signed(16)?),
            Type::S32 => Value::S32(self.signed(32)?),
            Type::S64 => Value::S64(self.reader.signed(64)?),
            Type::F32 => Value::F32(self.reader.f32()?),
            Type::F64 => Value::F64(self.reader.f64()?),
            Type::Char => Value::Char(self.reader.char()?),
            Type::String => Value::String(self.string()?),
            Type::List(element) => self.list(element)?,
            Type::FixedList(element, count) => self.elements(element, usize::try_from(*count).unwrap_or(usize::MAX))?,
            Type::Map(key, item) => self.map(key, item)?,
            Type::Record(fields) => Value::Record(self.record(fields)?),
            Type::Tuple(types) => Value::Tuple(self.tuple(types)?),
            Type::Variant(cases) => self.variant(cases)?,
            Type::Enum(cases) => Value::Enum(self.case(cases.len())?),
            Type::Option(inner) => self.option(inner)?,
            Type::Result { ok, err } => self.result(ok.as_deref(), err.as_deref())?,
            Type::Flags(names) => Value::Flags(self.flags(names.len())?),
            Type::Named(_) => self.value(ty)?,
        })
    }

    fn unsigned<T: TryFrom<u64>>(&mut self, bits: u32) -> Decoded<T> {
        let value = self.reader.unsigned(bits)?;
        T::try_from(value).map_err(|_| self.reader.fault(DecodeReason::IntegerTooLarge { bits }))
    }

    fn signed<T: TryFrom<i64>>(&mut self, bits: u32) -> Decoded<T> {
        let value = self.reader.signed(bits)?;
        T::try_from(value).map_err(|_| self.reader.fault(DecodeReason::IntegerTooLarge { bits }))
    }

    fn string(&mut self) -> Decoded<String> {
        let length = self.length()?;
        let start = self.reader.offset();
        let bytes = self.reader.take(length)?;
        let text = std::str::from_utf8(bytes)
            .map_err(|error| DecodeError::new(start.saturating_add(error.valid_up_to()), DecodeReason::BadUtf8))?;
        Ok(text.to_owned())
    }

    /// A length in bytes, paid for.
    fn length(&mut self) -> Decoded<usize> {
        let length = self.reader.count()?;
        self.announced(length, length)?;
        self.reader.charge(length)?;
        Ok(length)
    }

    fn list(&mut self, element: &Type) -> Decoded<Value> {
        let count = self.reader.count()?;
        self.elements(element, count)
    }

    fn elements(&mut self, element: &Type, count: usize) -> Decoded<Value> {
        if is_byte(element) {
            self.announced(count, count)?;
            self.reader.charge(count)?;
            return Ok(Value::Bytes(self.reader.take(count)?.to_owned()));
        }
        if let Some(width) = number_width(self.wire, element) {
            self.announced(count, count.saturating_mul(width))?;
            let mut items = self.room_for::<Value>(count)?;
            for _ in 0..count {
                items.push(self.number(element)?);
            }
            return Ok(Value::List(items));
        }
        self.expect_room(&[element], count)?;
        let mut items = self.room_for::<Value>(count)?;
        for index in 0..count {
            items.push(self.value(element).map_err(|error| error.within(Segment::Index(index)))?);
        }
        Ok(Value::List(items))
    }

    /// A number as it lies in memory.
    fn number(&mut self, ty: &Type) -> Decoded<Value> {
        Ok(match ty.shape() {
            Type::U16 => Value::U16(u16::from_le_bytes(self.reader.array()?)),
            Type::S16 => Value::S16(i16::from_le_bytes(self.reader.array()?)),
            Type::U32 => Value::U32(u32::from_le_bytes(self.reader.array()?)),
            Type::S32 => Value::S32(i32::from_le_bytes(self.reader.array()?)),
            Type::U64 => Value::U64(u64::from_le_bytes(self.reader.array()?)),
            Type::S64 => Value::S64(i64::from_le_bytes(self.reader.array()?)),
            _ => self.value(ty)?,
        })
    }

    fn map(&mut self, key: &Type, item: &Type) -> Decoded<Value> {
        let count = self.reader.count()?;
        self.expect_room(&[key, item], count)?;
        let mut entries = self.room_for::<(Value, Value)>(count)?;
        for index in 0..count {
            let entry = self.field("key", key).and_then(|key| Ok((key, self.field("value", item)?)));
            entries.push(entry.map_err(|error| error.within(Segment::Index(index)))?);
        }
        Ok(Value::Map(entries))
    }

    fn record(&mut self, fields: &[Field]) -> Decoded<Vec<Value>> {
        let mut values = self.room_for::<Value>(fields.len())?;
        for field in fields {
            values.push(self.field(&field.name, &field.ty)?);
        }
        Ok(values)
    }

    fn tuple(&mut self, types: &[Type]) -> Decoded<Vec<Value>> {
        let mut values = self.room_for::<Value>(types.len())?;
        for (index, ty) in types.iter().enumerate() {
            values.push(self.value(ty).map_err(|error| error.within(Segment::Index(index)))?);
        }
        Ok(values)
    }

    fn case(&mut self, count: usize) -> Decoded<u32> {
        let start = self.reader.offset();
        let case: u32 = self.unsigned(32)?;
        if usize::try_from(case).is_ok_and(|case| case < count) {
            return Ok(case);
        }
        Err(DecodeError::new(start, DecodeReason::CaseTooLarge { case, count }))
    }

    fn variant(&mut self, cases: &[Case]) -> Decoded<Value> {
        let case = self.case(cases.len())?;
        let found = usize::try_from(case).ok().and_then(|at| cases.get(at));
        let payload = match found.and_then(|found| Some((found, found.ty.as_ref()?))) {
            Some((found, ty)) => Some(self.boxed(&found.name, ty)?),
            None => None,
        };
        Ok(Value::Variant { case, payload })
    }

    fn option(&mut self, inner: &Type) -> Decoded<Value> {
        let present = self.reader.zero_or_one("option")?;
        Ok(Value::Option(if present { Some(self.boxed("some", inner)?) } else { None }))
    }

    fn result(&mut self, ok: Option<&Type>, err: Option<&Type>) -> Decoded<Value> {
        let is_err = self.reader.zero_or_one("result")?;
        let (name, ty) = if is_err { ("err", err) } else { ("ok", ok) };
        let payload = ty.map(|ty| self.boxed(name, ty)).transpose()?;
        Ok(Value::Result(if is_err { Err(payload) } else { Ok(payload) }))
    }

    fn flags(&mut self, count: usize) -> Decoded<Vec<bool>> {
        let start = self.reader.offset();
        let bytes = self.reader.take(count.div_ceil(8))?;
        let used = count % 8;
        if used != 0 && bytes.last().is_some_and(|last| last >> used != 0) {
            return Err(DecodeError::new(start, DecodeReason::UnknownFlag));
        }
        self.reader.charge(count)?;
        let bits = bytes.iter().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1 == 1));
        Ok(bits.take(count).collect())
    }

    fn boxed(&mut self, name: &str, ty: &Type) -> Decoded<Box<Value>> {
        self.reader.charge(size_of::<Value>())?;
        self.field(name, ty).map(Box::new)
    }

    /// An empty vector with room for all its elements, paid for.
    fn room_for<T>(&mut self, count: usize) -> Decoded<Vec<T>> {
        self.reader.charge(count.saturating_mul(size_of::<T>()))?;
        Ok(Vec::with_capacity(count))
    }

    /// Refuses a count of elements whose shortest encodings are more than the bytes left.
    fn expect_room(&self, parts: &[&Type], count: usize) -> Decoded<()> {
        if count == 0 {
            return Ok(());
        }
        let share = self.reader.left() / count;
        let fits = parts.iter().try_fold(share, |left, ty| after_shortest(self.wire, ty, left)).is_some();
        if fits { Ok(()) } else { self.announced(count, usize::MAX) }
    }

    /// Refuses a count that needs more bytes than are left.
    fn announced(&self, count: usize, bytes: usize) -> Decoded<()> {
        let left = self.reader.left();
        if bytes <= left {
            return Ok(());
        }
        Err(self.reader.fault(DecodeReason::CountTooLarge { count, left }))
    }
}

/// What is left of `room` bytes after the shortest encoding of a type, or none if that does not fit. It looks at no
/// more of the type than `room` pays for, so a short message cannot make it walk a large type.
fn after_shortest(wire: WireVersion, ty: &Type, room: usize) -> Option<usize> {
    match ty.shape() {
        Type::F32 => room.checked_sub(4),
        Type::F64 => room.checked_sub(8),
        Type::Flags(names) => room.checked_sub(names.len().div_ceil(8)),
        Type::FixedList(element, count) => {
            let count = usize::try_from(*count).ok()?;
            let Some(share) = room.checked_div(count) else { return Some(room) };
            let each = match number_width(wire, element) {
                Some(width) => width,
                None => share - after_shortest(wire, element, share)?,
            };
            room.checked_sub(each.checked_mul(count)?)
        }
        Type::Tuple(types) => types.iter().try_fold(room, |room, ty| after_shortest(wire, ty, room)),
        Type::Record(fields) => fields.iter().try_fold(room, |room, field| after_shortest(wire, &field.ty, room)),
        _ => room.checked_sub(1),
    }
}
