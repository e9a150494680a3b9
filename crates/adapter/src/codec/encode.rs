//! Values to bytes.

use model::contract::{Case, Field, Type};
use model::wire::WireVersion;

use super::{EncodeError, EncodeReason, field_segment};
use crate::limits::TYPE_DEPTH_MAX;
use crate::value::misfit::{case_at, payload, same_length, variant_payload};
use crate::value::{Segment, Value};

const CANONICAL_NAN_32: u32 = 0x7fc0_0000;
const CANONICAL_NAN_64: u64 = 0x7ff8_0000_0000_0000;

type Encoded = Result<(), EncodeError>;

pub(super) struct Encoder<'o> {
    out: &'o mut Vec<u8>,
    wire: WireVersion,
    depth: usize,
}

impl<'o> Encoder<'o> {
    pub(super) fn new(out: &'o mut Vec<u8>, wire: WireVersion) -> Encoder<'o> {
        Encoder { out, wire, depth: 0 }
    }

    pub(super) fn value(&mut self, ty: &Type, value: &Value) -> Encoded {
        if self.depth == TYPE_DEPTH_MAX {
            return Err(EncodeError::new(EncodeReason::TooDeep));
        }
        self.depth += 1;
        let encoded = self.shaped(ty.shape(), value).unwrap_or_else(|| Err(EncodeError::kind(ty, value)));
        self.depth -= 1;
        encoded
    }

    pub(super) fn field(&mut self, name: &str, ty: &Type, value: &Value) -> Encoded {
        self.value(ty, value).map_err(|error| error.within(field_segment(name)))
    }

    /// None where the value is not of the type's kind.
    fn shaped(&mut self, ty: &Type, value: &Value) -> Option<Encoded> {
        Some(match (ty, value) {
            (Type::String, Value::String(text)) => self.bytes(text.as_bytes()),
            (Type::List(element), Value::Bytes(bytes)) if is_byte(element) => self.bytes(bytes),
            (Type::List(element), Value::List(items)) if !is_byte(element) => {
                self.length(items.len()).and_then(|()| self.elements(element, items))
            }
            (Type::FixedList(element, count), Value::Bytes(bytes)) if is_byte(element) => {
                fixed_length(ty, *count, bytes.len()).map(|()| self.out.extend_from_slice(bytes))
            }
            (Type::FixedList(element, count), Value::List(items)) if !is_byte(element) => {
                fixed_length(ty, *count, items.len()).and_then(|()| self.elements(element, items))
            }
            (Type::Map(key, item), Value::Map(entries)) => self.map(key, item, entries),
            (Type::Record(fields), Value::Record(values)) => self.record(ty, fields, values),
            (Type::Tuple(types), Value::Tuple(values)) => self.tuple(ty, types, values),
            (Type::Variant(cases), Value::Variant { case, payload }) => {
                self.variant(ty, cases, *case, payload.as_deref())
            }
            (Type::Enum(cases), Value::Enum(case)) => {
                case_at(ty, cases, *case).map(|_| self.unsigned(u64::from(*case)))
            }
            (Type::Option(inner), Value::Option(value)) => self.option(inner, value.as_deref()),
            (Type::Result { ok, err }, Value::Result(value)) => match value {
                Ok(value) => self.either(0, "ok", ok.as_deref(), value.as_deref()),
                Err(value) => self.either(1, "err", err.as_deref(), value.as_deref()),
            },
            (Type::Flags(names), Value::Flags(set)) => self.flags(ty, names.len(), set),
            _ => {
                self.scalar(ty, value)?;
                Ok(())
            }
        })
    }

    fn scalar(&mut self, ty: &Type, value: &Value) -> Option<()> {
        match (ty, value) {
            (Type::Bool, Value::Bool(value)) => self.out.push(u8::from(*value)),
            (Type::U8, Value::U8(value)) => self.out.push(*value),
            (Type::S8, Value::S8(value)) => self.out.extend_from_slice(&value.to_le_bytes()),
            (Type::U16, Value::U16(value)) => self.unsigned(u64::from(*value)),
            (Type::U32, Value::U32(value)) => self.unsigned(u64::from(*value)),
            (Type::U64, Value::U64(value)) => self.unsigned(*value),
            (Type::S16, Value::S16(value)) => self.signed(i64::from(*value)),
            (Type::S32, Value::S32(value)) => self.signed(i64::from(*value)),
            (Type::S64, Value::S64(value)) => self.signed(*value),
            (Type::F32, Value::F32(value)) => {
                let bits = if value.is_nan() { CANONICAL_NAN_32 } else { value.to_bits() };
                self.out.extend_from_slice(&bits.to_le_bytes());
            }
            (Type::F64, Value::F64(value)) => {
                let bits = if value.is_nan() { CANONICAL_NAN_64 } else { value.to_bits() };
                self.out.extend_from_slice(&bits.to_le_bytes());
            }
            (Type::Char, Value::Char(value)) => {
                self.out.extend_from_slice(value.encode_utf8(&mut [0; 4]).as_bytes());
            }
            _ => return None,
        }
        Some(())
    }

    fn bytes(&mut self, bytes: &[u8]) -> Encoded {
        self.length(bytes.len())?;
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    fn elements(&mut self, element: &Type, items: &[Value]) -> Encoded {
        let is_fixed = number_width(self.wire, element).is_some();
        for (index, item) in items.iter().enumerate() {
            let encoded = if is_fixed { self.number(element, item) } else { self.value(element, item) };
            encoded.map_err(|error| error.within(Segment::Index(index)))?;
        }
        Ok(())
    }

    /// A number as it lies in memory, a NaN with the bits that it has.
    fn number(&mut self, ty: &Type, value: &Value) -> Encoded {
        match (ty.shape(), value) {
            (Type::U16, Value::U16(value)) => self.out.extend_from_slice(&value.to_le_bytes()),
            (Type::S16, Value::S16(value)) => self.out.extend_from_slice(&value.to_le_bytes()),
            (Type::U32, Value::U32(value)) => self.out.extend_from_slice(&value.to_le_bytes()),
            (Type::S32, Value::S32(value)) => self.out.extend_from_slice(&value.to_le_bytes()),
            (Type::U64, Value::U64(value)) => self.out.extend_from_slice(&value.to_le_bytes()),
            (Type::S64, Value::S64(value)) => self.out.extend_from_slice(&value.to_le_bytes()),
            (Type::F32, Value::F32(value)) => self.out.extend_from_slice(&value.to_le_bytes()),
            (Type::F64, Value::F64(value)) => self.out.extend_from_slice(&value.to_le_bytes()),
            _ => return Err(EncodeError::kind(ty, value)),
        }
        Ok(())
    }

    fn map(&mut self, key: &Type, item: &Type, entries: &[(Value, Value)]) -> Encoded {
        self.length(entries.len())?;
        for (index, (entry_key, entry_item)) in entries.iter().enumerate() {
            self.field("key", key, entry_key)
                .and_then(|()| self.field("value", item, entry_item))
                .map_err(|error| error.within(Segment::Index(index)))?;
        }
        Ok(())
    }

    fn record(&mut self, ty: &Type, fields: &[Field], values: &[Value]) -> Encoded {
        same_length(ty, fields.len(), values.len())?;
        fields.iter().zip(values).try_for_each(|(field, value)| self.field(&field.name, &field.ty, value))
    }

    fn tuple(&mut self, ty: &Type, types: &[Type], values: &[Value]) -> Encoded {
        same_length(ty, types.len(), values.len())?;
        for (index, (ty, value)) in types.iter().zip(values).enumerate() {
            self.value(ty, value).map_err(|error| error.within(Segment::Index(index)))?;
        }
        Ok(())
    }

    fn variant(&mut self, ty: &Type, cases: &[Case], case: u32, value: Option<&Value>) -> Encoded {
        let found = case_at(ty, cases, case)?;
        self.unsigned(u64::from(case));
        match variant_payload(found, value)? {
            Some((ty, value)) => self.field(&found.name, ty, value),
            None => Ok(()),
        }
    }

    fn option(&mut self, inner: &Type, value: Option<&Value>) -> Encoded {
        self.out.push(u8::from(value.is_some()));
        value.map_or(Ok(()), |value| self.field("some", inner, value))
    }

    fn either(&mut self, side: u8, name: &str, ty: Option<&Type>, value: Option<&Value>) -> Encoded {
        self.out.push(side);
        match payload(ty, value).map_err(|error| error.within(field_segment(name)))? {
            Some((ty, value)) => self.field(name, ty, value),
            None => Ok(()),
        }
    }

    fn flags(&mut self, ty: &Type, wanted: usize, set: &[bool]) -> Encoded {
        same_length(ty, wanted, set.len())?;
        let byte = |eight: &[bool]| eight.iter().rev().fold(0, |byte, set| byte << 1 | u8::from(*set));
        self.out.extend(set.chunks(8).map(byte));
        Ok(())
    }

    fn length(&mut self, length: usize) -> Encoded {
        let Ok(count) = u32::try_from(length) else {
            return Err(EncodeError::new(EncodeReason::TooLong { length }));
        };
        self.unsigned(u64::from(count));
        Ok(())
    }

    /// Unsigned LEB128, shortest form.
    fn unsigned(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.out.push(low_seven(value) | 0x80);
            value >>= 7;
        }
        self.out.push(low_seven(value));
    }

    /// Signed LEB128, shortest form.
    fn signed(&mut self, mut value: i64) {
        while !(-0x40..0x40).contains(&value) {
            self.out.push(low_seven(value.cast_unsigned()) | 0x80);
            value >>= 7;
        }
        self.out.push(low_seven(value.cast_unsigned()));
    }
}

fn low_seven(value: u64) -> u8 {
    value.to_le_bytes()[0] & 0x7f
}

fn fixed_length(ty: &Type, count: u32, found: usize) -> Encoded {
    same_length(ty, usize::try_from(count).unwrap_or(usize::MAX), found)
}

/// The width, in bytes, of the elements of a list of numbers where all have the same.
pub(super) fn number_width(wire: WireVersion, element: &Type) -> Option<usize> {
    if wire == WireVersion::V1 {
        return None;
    }
    match element.shape() {
        Type::U16 | Type::S16 => Some(2),
        Type::U32 | Type::S32 | Type::F32 => Some(4),
        Type::U64 | Type::S64 | Type::F64 => Some(8),
        _ => None,
    }
}

/// True for the element of a list of bytes.
pub(crate) fn is_byte(element: &Type) -> bool {
    matches!(element.shape(), Type::U8)
}
