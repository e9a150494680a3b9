//! JSON to values.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::contract::{Case, Field, Type};

use super::{INFINITY, Json, NAN, NEGATIVE_INFINITY, is_option, is_string};
use crate::text::{TextError, TextReason};
use crate::value::memory::Memory;
use crate::value::{Segment, Value};

type Read<T> = Result<T, TextError>;

/// The value that a JSON text is.
pub(in crate::text) fn read(ty: &Type, json: &Json) -> Read<Value> {
    Reader { memory: Memory::new() }.value(ty, json).map_err(|error| error.rooted_at("$"))
}

/// Parameters: an object by name, or an array by position.
pub(in crate::text) fn read_params(params: &[Field], json: &Json) -> Read<Vec<Value>> {
    Reader { memory: Memory::new() }.params(params, json).map_err(|error| error.rooted_at("$"))
}

/// Where there is no value, only `null` is one.
pub(in crate::text) fn read_nothing(json: &Json) -> Read<()> {
    match json {
        Json::Null => Ok(()),
        other => {
            let expected = "null (the function has no result)".to_owned();
            Err(TextError::new(TextReason::Mismatch { expected, found: other.described() }).rooted_at("$"))
        }
    }
}

struct Reader {
    memory: Memory,
}

impl Reader {
    fn value(&mut self, ty: &Type, json: &Json) -> Read<Value> {
        let wrong = |how: &str| TextError::mismatch(ty, how, json.described());
        Ok(match (ty.shape(), json) {
            (Type::Bool, Json::Bool(value)) => Value::Bool(*value),
            (Type::U8, json) => Value::U8(integer(json).ok_or_else(|| wrong("a number"))?),
            (Type::U16, json) => Value::U16(integer(json).ok_or_else(|| wrong("a number"))?),
            (Type::U32, json) => Value::U32(integer(json).ok_or_else(|| wrong("a number"))?),
            (Type::S8, json) => Value::S8(integer(json).ok_or_else(|| wrong("a number"))?),
            (Type::S16, json) => Value::S16(integer(json).ok_or_else(|| wrong("a number"))?),
            (Type::S32, json) => Value::S32(integer(json).ok_or_else(|| wrong("a number"))?),
            (Type::U64, json) => {
                Value::U64(long_integer(json).ok_or_else(|| wrong("a number, or a string of digits"))?)
            }
            (Type::S64, json) => {
                Value::S64(long_integer(json).ok_or_else(|| wrong("a number, or a string of digits"))?)
            }
            (Type::F32, json) => Value::F32(short_float(json).ok_or_else(|| wrong(FLOAT))?),
            (Type::F64, json) => Value::F64(float(json).ok_or_else(|| wrong(FLOAT))?),
            (Type::Char, json) => Value::Char(char(json).ok_or_else(|| wrong("a string of one character"))?),
            (Type::String, Json::String(text)) => Value::String(self.text(text)?),
            (Type::List(element), json) => self.list(ty, element, json)?,
            (Type::FixedList(element, count), json) => self.fixed_list(ty, element, *count, json)?,
            (Type::Map(key, item), json) => Value::Map(self.map(ty, key, item, json)?),
            (Type::Record(fields), json) => Value::Record(self.record(ty, fields, json)?),
            (Type::Tuple(types), json) => Value::Tuple(self.tuple(ty, types, json)?),
            (Type::Variant(cases), json) => self.variant(ty, cases, json)?,
            (Type::Enum(cases), Json::String(name)) => {
                Value::Enum(position(cases.iter().map(String::as_str), name).ok_or_else(|| no_case(ty, name, cases))?)
            }
            (Type::Enum(_), _) => return Err(wrong("a string")),
            (Type::Option(_), Json::Null) => Value::none(),
            (Type::Option(inner), json) if is_option(inner) => {
                let some = field_of_one(json).filter(|(name, _)| *name == "some");
                let (_, json) = some.ok_or_else(|| wrong("null or {\"some\": …}"))?;
                Value::Option(Some(self.boxed("some", inner, json)?))
            }
            (Type::Option(inner), json) => {
                self.charge::<Value>(1)?;
                Value::some(self.value(inner, json)?)
            }
            (Type::Result { ok, err }, json) => self.result(ty, ok.as_deref(), err.as_deref(), json)?,
            (Type::Flags(names), json) => Value::Flags(self.flags(ty, names, json)?),
            (Type::Bool, _) => return Err(wrong("true or false")),
            (Type::String | Type::Named(_), _) => return Err(wrong("a string")),
        })
    }

    fn params(&mut self, params: &[Field], json: &Json) -> Read<Vec<Value>> {
        match json {
            Json::Object(entries) => self.fields("the function", "parameter", params, entries),
            Json::Array(items) if items.len() == params.len() => {
                let part = |(index, (param, item)): (usize, (&Field, &Json))| {
                    self.value(&param.ty, item).map_err(|error| error.within(Segment::Index(index)))
                };
                params.iter().zip(items).enumerate().map(part).collect()
            }
            other => {
                let expected = format!("an object of the parameters by name, or an array of {}", params.len());
                Err(TextError::new(TextReason::Mismatch { expected, found: other.described() }))
            }
        }
    }

    fn list(&mut self, ty: &Type, element: &Type, json: &Json) -> Read<Value> {
        match (element.shape(), json) {
            (Type::U8, json) => self.bytes(ty, json).map(Value::Bytes),
            (_, Json::Array(items)) => self.elements(items.iter().map(|item| (element, item))).map(Value::List),
            (_, other) => Err(TextError::mismatch(ty, "an array", other.described())),
        }
    }

    fn fixed_list(&mut self, ty: &Type, element: &Type, count: u32, json: &Json) -> Read<Value> {
        let list = self.list(ty, element, json)?;
        let found = match &list {
            Value::Bytes(bytes) => bytes.len(),
            Value::List(items) => items.len(),
            _ => 0,
        };
        if u32::try_from(found) == Ok(count) {
            return Ok(list);
        }
        Err(TextError::mismatch(ty, "", format!("a list of {found}")))
    }

    /// Base64, or an array of numbers.
    fn bytes(&mut self, ty: &Type, json: &Json) -> Read<Vec<u8>> {
        let wrong = || TextError::mismatch(ty, "a string in base64, or an array of numbers", json.described());
        match json {
            Json::String(text) => {
                self.charge::<u8>(text.len())?;
                STANDARD.decode(text).map_err(|_| wrong())
            }
            Json::Array(items) => {
                self.charge::<u8>(items.len())?;
                let byte = |(index, item): (usize, &Json)| {
                    let wrong = || TextError::mismatch(&Type::U8, "a number", item.described());
                    integer(item).ok_or_else(wrong).map_err(|error| error.within(Segment::Index(index)))
                };
                items.iter().enumerate().map(byte).collect()
            }
            _ => Err(wrong()),
        }
    }

    fn elements<'a>(&mut self, items: impl ExactSizeIterator<Item = (&'a Type, &'a Json)>) -> Read<Vec<Value>> {
        self.charge::<Value>(items.len())?;
        let element = |(index, (ty, json))| self.value(ty, json).map_err(|error| error.within(Segment::Index(index)));
        items.enumerate().map(element).collect()
    }

    fn map(&mut self, ty: &Type, key: &Type, item: &Type, json: &Json) -> Read<Vec<(Value, Value)>> {
        match json {
            Json::Array(entries) => {
                self.charge::<(Value, Value)>(entries.len())?;
                let pair =
                    |(index, entry)| self.pair(key, item, entry).map_err(|error| error.within(Segment::Index(index)));
                entries.iter().enumerate().map(pair).collect()
            }
            Json::Object(entries) if is_string(key) => self.object(item, entries),
            other if is_string(key) => {
                Err(TextError::mismatch(ty, "an object, or an array of [key, value]", other.described()))
            }
            other => Err(TextError::mismatch(ty, "an array of [key, value]", other.described())),
        }
    }

    fn pair(&mut self, key: &Type, item: &Type, json: &Json) -> Read<(Value, Value)> {
        let Json::Array(pair) = json else {
            return Err(not_a_pair(json));
        };
        let [entry_key, entry_item] = pair.as_slice() else {
            return Err(not_a_pair(json));
        };
        Ok((
            self.value(key, entry_key).map_err(|error| error.within(Segment::Index(0)))?,
            self.value(item, entry_item).map_err(|error| error.within(Segment::Index(1)))?,
        ))
    }

    fn object(&mut self, item: &Type, entries: &[(String, Json)]) -> Read<Vec<(Value, Value)>> {
        no_duplicates("key", entries)?;
        self.charge::<(Value, Value)>(entries.len())?;
        let entry = |(key, json): &(String, Json)| {
            let value = self.value(item, json).map_err(|error| error.within(Segment::Key(key.clone())))?;
            Ok((Value::String(self.text(key)?), value))
        };
        entries.iter().map(entry).collect()
    }

    fn record(&mut self, ty: &Type, fields: &[Field], json: &Json) -> Read<Vec<Value>> {
        match json {
            Json::Object(entries) => self.fields(&format!("`{ty}`"), "field", fields, entries),
            other => Err(TextError::mismatch(ty, "an object", other.described())),
        }
    }

    /// Fields or parameters by name. Only those of an option type may be left out.
    fn fields(
        &mut self,
        owner: &str,
        what: &'static str,
        fields: &[Field],
        entries: &[(String, Json)],
    ) -> Read<Vec<Value>> {
        self.charge::<Value>(fields.len())?;
        no_duplicates(what, entries)?;
        let names = || fields.iter().map(|field| field.name.as_str());
        if let Some((name, _)) = entries.iter().find(|(name, _)| !names().any(|known| known == name)) {
            return Err(TextError::unknown(owner, what, name, names()));
        }
        let value = |field: &Field| {
            let entry = entries.iter().find(|(name, _)| *name == field.name);
            match (entry, field.ty.shape()) {
                (Some((name, json)), _) => {
                    self.value(&field.ty, json).map_err(|error| error.within(Segment::Name(name.clone())))
                }
                (None, Type::Option(_)) => Ok(Value::none()),
                (None, _) => {
                    let (name, ty) = (field.name.clone(), field.ty.to_string());
                    Err(TextError::new(TextReason::Missing { what, name, ty }))
                }
            }
        };
        fields.iter().map(value).collect()
    }

    fn tuple(&mut self, ty: &Type, types: &[Type], json: &Json) -> Read<Vec<Value>> {
        match json {
            Json::Array(items) if items.len() == types.len() => self.elements(types.iter().zip(items)),
            other => Err(TextError::mismatch(ty, &format!("an array of {}", types.len()), other.described())),
        }
    }

    fn variant(&mut self, ty: &Type, cases: &[Case], json: &Json) -> Read<Value> {
        let (name, payload) = match json {
            Json::String(name) => (name.as_str(), None),
            other => {
                let wrong = || TextError::mismatch(ty, "\"case\" or {\"case\": …}", other.described());
                field_of_one(other).map(|(name, json)| (name, Some(json))).ok_or_else(wrong)?
            }
        };
        let Some((index, case)) = (0..).zip(cases).find(|(_, case)| case.name == name) else {
            return Err(TextError::unknown(
                format!("`{ty}`"),
                "case",
                name,
                cases.iter().map(|case| case.name.as_str()),
            ));
        };
        let payload = match (&case.ty, payload) {
            (None, None) => None,
            (Some(ty), Some(json)) => Some(self.boxed(name, ty, json)?),
            (None, Some(_)) => {
                return Err(TextError::mismatch(ty, &format!("\"{name}\", a case without payload"), json.described()));
            }
            (Some(payload), None) => {
                let how = format!("{{\"{name}\": …}}, a case with a payload of type `{payload}`");
                return Err(TextError::mismatch(ty, &how, json.described()));
            }
        };
        Ok(Value::Variant { case: index, payload })
    }

    fn result(&mut self, ty: &Type, ok: Option<&Type>, err: Option<&Type>, json: &Json) -> Read<Value> {
        let (name, payload, json) = match field_of_one(json) {
            Some((name @ "ok", payload)) => (name, ok, payload),
            Some((name @ "err", payload)) => (name, err, payload),
            _ => return Err(TextError::mismatch(ty, "{\"ok\": …} or {\"err\": …}", json.described())),
        };
        let payload = match (payload, json) {
            (Some(ty), json) => Some(self.boxed(name, ty, json)?),
            (None, Json::Null) => None,
            (None, other) => {
                let wrong = TextError::mismatch(ty, "null: this case has no payload", other.described());
                return Err(wrong.within(Segment::Name(name.to_owned())));
            }
        };
        Ok(Value::Result(if name == "ok" { Ok(payload) } else { Err(payload) }))
    }

    fn flags(&mut self, ty: &Type, names: &[String], json: &Json) -> Read<Vec<bool>> {
        let Json::Array(items) = json else {
            return Err(TextError::mismatch(ty, "an array of names", json.described()));
        };
        self.charge::<bool>(names.len())?;
        let mut set = vec![false; names.len()];
        for (index, item) in items.iter().enumerate() {
            raise(ty, names, &mut set, item).map_err(|error| error.within(Segment::Index(index)))?;
        }
        Ok(set)
    }

    fn boxed(&mut self, name: &str, ty: &Type, json: &Json) -> Read<Box<Value>> {
        self.charge::<Value>(1)?;
        let value = self.value(ty, json).map_err(|error| error.within(Segment::Name(name.to_owned())))?;
        Ok(Box::new(value))
    }

    fn text(&mut self, text: &str) -> Read<String> {
        self.charge::<u8>(text.len())?;
        Ok(text.to_owned())
    }

    fn charge<T>(&mut self, count: usize) -> Read<()> {
        self.memory.take_items::<T>(count).ok_or_else(TextError::too_large)
    }
}

const FLOAT: &str = "a number, \"NaN\", \"Infinity\" or \"-Infinity\"";

fn integer<T: TryFrom<i64> + TryFrom<u64>>(json: &Json) -> Option<T> {
    let Json::Number(number) = json else { return None };
    match (number.as_i64(), number.as_u64()) {
        (Some(value), _) => T::try_from(value).ok(),
        (None, Some(value)) => T::try_from(value).ok(),
        (None, None) => None,
    }
}

fn long_integer<T: TryFrom<i64> + TryFrom<u64> + std::str::FromStr>(json: &Json) -> Option<T> {
    match json {
        Json::String(text) if !text.starts_with('+') => text.parse().ok(),
        json => integer(json),
    }
}

fn float(json: &Json) -> Option<f64> {
    match json {
        Json::Number(number) => number.as_f64(),
        Json::String(text) => match text.as_str() {
            NAN => Some(f64::NAN),
            INFINITY => Some(f64::INFINITY),
            NEGATIVE_INFINITY => Some(f64::NEG_INFINITY),
            _ => None,
        },
        _ => None,
    }
}

/// None also for a finite number that a float cannot hold.
fn short_float(json: &Json) -> Option<f32> {
    let wide = float(json)?;
    #[expect(clippy::cast_possible_truncation, reason = "rounding to the nearest float is what reading means")]
    let value = wide as f32;
    (value.is_infinite() == wide.is_infinite()).then_some(value)
}

fn char(json: &Json) -> Option<char> {
    let Json::String(text) = json else { return None };
    let mut chars = text.chars();
    chars.next().filter(|_| chars.next().is_none())
}

/// The field of an object that has just one.
fn field_of_one(json: &Json) -> Option<(&str, &Json)> {
    match json {
        Json::Object(entries) => match entries.as_slice() {
            [(name, json)] => Some((name, json)),
            _ => None,
        },
        _ => None,
    }
}

fn raise(ty: &Type, names: &[String], set: &mut [bool], json: &Json) -> Read<()> {
    let Json::String(name) = json else {
        return Err(TextError::mismatch(ty, "the name of a flag", json.described()));
    };
    let flag = names.iter().zip(set).find(|(known, _)| *known == name);
    let Some((_, flag)) = flag else {
        return Err(TextError::unknown(format!("`{ty}`"), "flag", name, names.iter().map(String::as_str)));
    };
    if std::mem::replace(flag, true) {
        return Err(TextError::duplicate("flag", name));
    }
    Ok(())
}

fn position<'n>(names: impl Iterator<Item = &'n str>, wanted: &str) -> Option<u32> {
    (0..).zip(names).find(|(_, name)| *name == wanted).map(|(index, _)| index)
}

fn no_case(ty: &Type, name: &str, cases: &[String]) -> TextError {
    TextError::unknown(format!("`{ty}`"), "case", name, cases.iter().map(String::as_str))
}

fn no_duplicates(what: &'static str, entries: &[(String, Json)]) -> Read<()> {
    let mut seen = std::collections::BTreeSet::new();
    match entries.iter().find(|(name, _)| !seen.insert(name)) {
        Some((name, _)) => Err(TextError::duplicate(what, name)),
        None => Ok(()),
    }
}

fn not_a_pair(json: &Json) -> TextError {
    TextError::new(TextReason::Mismatch { expected: "[key, value]".to_owned(), found: json.described() })
}
