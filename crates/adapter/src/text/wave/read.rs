//! WAVE to values.

use model::contract::{Case, Field, Type};
use wasm_wave::ast::{Node, NodeType};
use wasm_wave::parser::{ParserError, ParserErrorKind};
use wasm_wave::untyped::UntypedValue;

use super::may_stand_bare;
use crate::text::{TextError, TextReason};
use crate::value::memory::Memory;
use crate::value::{Segment, Value, excerpt};

type Read<T> = Result<T, TextError>;

/// The value that a WAVE text is.
pub(in crate::text) fn read(ty: &Type, text: &str) -> Read<Value> {
    let untyped = UntypedValue::parse(text).map_err(|error| TextError::new(TextReason::Wave(error)))?;
    Reader { text, memory: Memory::new() }.value(ty, untyped.node())
}

struct Reader<'t> {
    text: &'t str,
    memory: Memory,
}

impl<'t> Reader<'t> {
    fn value(&mut self, ty: &Type, node: &Node) -> Read<Value> {
        let text = self.text;
        let wrong = |error| self.wrong(ty, node, error);
        Ok(match ty.shape() {
            Type::Bool => Value::Bool(node.as_bool().map_err(wrong)?),
            Type::U8 => Value::U8(node.as_number(text).map_err(wrong)?),
            Type::U16 => Value::U16(node.as_number(text).map_err(wrong)?),
            Type::U32 => Value::U32(node.as_number(text).map_err(wrong)?),
            Type::U64 => Value::U64(node.as_number(text).map_err(wrong)?),
            Type::S8 => Value::S8(node.as_number(text).map_err(wrong)?),
            Type::S16 => Value::S16(node.as_number(text).map_err(wrong)?),
            Type::S32 => Value::S32(node.as_number(text).map_err(wrong)?),
            Type::S64 => Value::S64(node.as_number(text).map_err(wrong)?),
            Type::F32 => Value::F32(self.in_range(ty, node, f32::is_infinite)?),
            Type::F64 => Value::F64(self.in_range(ty, node, f64::is_infinite)?),
            Type::Char => Value::Char(node.as_char(text).map_err(wrong)?),
            Type::String => Value::String(self.string(ty, node)?),
            Type::List(element) => self.list(ty, element, node)?,
            Type::FixedList(element, count) => self.fixed_list(ty, element, *count, node)?,
            Type::Map(key, item) => Value::Map(self.map(ty, key, item, node)?),
            Type::Record(fields) => Value::Record(self.record(ty, fields, node)?),
            Type::Tuple(types) => Value::Tuple(self.tuple(ty, types, node)?),
            Type::Variant(cases) => self.variant(ty, cases, node)?,
            Type::Enum(cases) => Value::Enum(self.case(ty, cases, node)?),
            Type::Option(inner) => self.option(ty, inner, node)?,
            Type::Result { ok, err } => self.result(ty, ok.as_deref(), err.as_deref(), node)?,
            Type::Flags(names) => Value::Flags(self.flags(ty, names, node)?),
            Type::Named(_) => return Err(self.mismatch(ty, node)),
        })
    }

    /// A number that did not become infinite by being too large for its type.
    fn in_range<T: std::str::FromStr + Copy>(&self, ty: &Type, node: &Node, infinite: fn(T) -> bool) -> Read<T> {
        let value: T = node.as_number(self.text).map_err(|error| self.wrong(ty, node, error))?;
        if infinite(value) && !self.source(node).ends_with("inf") {
            return Err(self.mismatch(ty, node));
        }
        Ok(value)
    }

    fn string(&mut self, ty: &Type, node: &Node) -> Read<String> {
        let text = node.as_str(self.text).map_err(|error| self.wrong(ty, node, error))?;
        self.charge::<u8>(text.len())?;
        Ok(text.into_owned())
    }

    fn list(&mut self, ty: &Type, element: &Type, node: &Node) -> Read<Value> {
        let items = node.as_list().map_err(|error| self.wrong(ty, node, error))?;
        if matches!(element.shape(), Type::U8) {
            self.charge::<u8>(items.len())?;
            let byte = |(index, item): (usize, &Node)| {
                let byte = item.as_number(self.text).map_err(|error| self.wrong(element, item, error));
                byte.map_err(|error| error.within(Segment::Index(index)))
            };
            return items.enumerate().map(byte).collect::<Read<_>>().map(Value::Bytes);
        }
        self.elements(items.map(|item| (element, item))).map(Value::List)
    }

    fn fixed_list(&mut self, ty: &Type, element: &Type, count: u32, node: &Node) -> Read<Value> {
        let found = node.as_list().map_err(|error| self.wrong(ty, node, error))?.len();
        if u32::try_from(found) != Ok(count) {
            return Err(TextError::mismatch(ty, "", format!("a list of {found}")));
        }
        self.list(ty, element, node)
    }

    fn elements<'a>(&mut self, items: impl ExactSizeIterator<Item = (&'a Type, &'a Node)>) -> Read<Vec<Value>> {
        self.charge::<Value>(items.len())?;
        let element = |(index, (ty, item))| self.value(ty, item).map_err(|error| error.within(Segment::Index(index)));
        items.enumerate().map(element).collect()
    }

    fn map(&mut self, ty: &Type, key: &Type, item: &Type, node: &Node) -> Read<Vec<(Value, Value)>> {
        let entries = node.as_map().map_err(|error| self.wrong(ty, node, error))?;
        self.charge::<(Value, Value)>(entries.len())?;
        let entry = |(index, (entry_key, entry_item))| {
            let entry = self.key(key, entry_key).and_then(|key| Ok((key, self.value(item, entry_item)?)));
            entry.map_err(|error| error.within(Segment::Index(index)))
        };
        entries.enumerate().map(entry).collect()
    }

    /// In the place of a key, `true` and `false` are labels.
    fn key(&mut self, ty: &Type, node: &Node) -> Read<Value> {
        match (ty.shape(), node.ty(), self.source(node)) {
            (Type::Bool, NodeType::Label, "true") => Ok(Value::Bool(true)),
            (Type::Bool, NodeType::Label, "false") => Ok(Value::Bool(false)),
            (_, NodeType::Label, _) => Err(self.mismatch(ty, node)),
            _ => self.value(ty, node),
        }
    }

    /// Only fields of an option type may be left out.
    fn record(&mut self, ty: &Type, fields: &[Field], node: &Node) -> Read<Vec<Value>> {
        let entries: Vec<(&str, &Node)> =
            node.as_record(self.text).map_err(|error| self.wrong(ty, node, error))?.collect();
        self.charge::<Value>(fields.len())?;
        let names = || fields.iter().map(|field| field.name.as_str());
        if let Some((name, _)) = entries.iter().find(|(name, _)| !names().any(|known| known == *name)) {
            return Err(TextError::unknown(format!("`{ty}`"), "field", name, names()));
        }
        let value = |field: &Field| {
            let entry = entries.iter().find(|(name, _)| *name == field.name);
            match (entry, field.ty.shape()) {
                (Some((_, item)), _) => self.named(&field.name, &field.ty, item),
                (None, Type::Option(_)) => Ok(Value::none()),
                (None, _) => {
                    let (name, ty) = (field.name.clone(), field.ty.to_string());
                    Err(TextError::new(TextReason::Missing { what: "field", name, ty }))
                }
            }
        };
        fields.iter().map(value).collect()
    }

    fn tuple(&mut self, ty: &Type, types: &[Type], node: &Node) -> Read<Vec<Value>> {
        let items = node.as_tuple().map_err(|error| self.wrong(ty, node, error))?;
        if items.len() != types.len() {
            return Err(TextError::mismatch(ty, "", format!("a tuple of {}", items.len())));
        }
        self.elements(types.iter().zip(items))
    }

    fn variant(&mut self, ty: &Type, cases: &[Case], node: &Node) -> Read<Value> {
        let (name, payload) = node.as_variant(self.text).map_err(|error| self.wrong(ty, node, error))?;
        let Some((index, case)) = (0..).zip(cases).find(|(_, case)| case.name == name) else {
            let names = cases.iter().map(|case| case.name.as_str());
            return Err(TextError::unknown(format!("`{ty}`"), "case", name, names));
        };
        let payload = self.payload(ty, name, case.ty.as_ref(), payload)?;
        Ok(Value::Variant { case: index, payload })
    }

    fn case(&mut self, ty: &Type, cases: &[String], node: &Node) -> Read<u32> {
        let name = node.as_enum(self.text).map_err(|error| self.wrong(ty, node, error))?;
        let found = (0..).zip(cases).find(|(_, case)| *case == name).map(|(index, _)| index);
        found.ok_or_else(|| TextError::unknown(format!("`{ty}`"), "case", name, cases.iter().map(String::as_str)))
    }

    fn option(&mut self, ty: &Type, inner: &Type, node: &Node) -> Read<Value> {
        let value = match node.ty() {
            NodeType::OptionSome | NodeType::OptionNone => {
                node.as_option().map_err(|error| self.wrong(ty, node, error))?
            }
            _ if may_stand_bare(inner) => Some(node),
            _ => return Err(self.mismatch(ty, node)),
        };
        Ok(Value::Option(value.map(|node| self.boxed("some", inner, node)).transpose()?))
    }

    fn result(&mut self, ty: &Type, ok: Option<&Type>, err: Option<&Type>, node: &Node) -> Read<Value> {
        let side = match (node.ty(), ok) {
            (NodeType::ResultOk | NodeType::ResultErr, _) => {
                node.as_result().map_err(|error| self.wrong(ty, node, error))?
            }
            (_, Some(ok)) if may_stand_bare(ok) => Ok(Some(node)),
            _ => return Err(self.mismatch(ty, node)),
        };
        Ok(Value::Result(match side {
            Ok(node) => Ok(self.payload(ty, "ok", ok, node)?),
            Err(node) => Err(self.payload(ty, "err", err, node)?),
        }))
    }

    fn flags(&mut self, ty: &Type, names: &[String], node: &Node) -> Read<Vec<bool>> {
        let given: Vec<&str> = node.as_flags(self.text).map_err(|error| self.wrong(ty, node, error))?.collect();
        if let Some(name) = given.iter().find(|name| !names.iter().any(|known| known == *name)) {
            return Err(TextError::unknown(format!("`{ty}`"), "flag", name, names.iter().map(String::as_str)));
        }
        self.charge::<bool>(names.len())?;
        Ok(names.iter().map(|name| given.contains(&name.as_str())).collect())
    }

    fn payload(
        &mut self,
        owner: &Type,
        name: &str,
        ty: Option<&Type>,
        node: Option<&Node>,
    ) -> Read<Option<Box<Value>>> {
        match (ty, node) {
            (None, None) => Ok(None),
            (Some(ty), Some(node)) => self.boxed(name, ty, node).map(Some),
            (Some(ty), None) => {
                let how = format!("{name}(…), with a payload of type `{ty}`");
                Err(TextError::mismatch(owner, &how, format!("`{name}` alone")))
            }
            (None, Some(node)) => {
                let how = format!("{name} alone, without a payload");
                Err(TextError::mismatch(owner, &how, self.quoted(node)))
            }
        }
    }

    fn boxed(&mut self, name: &str, ty: &Type, node: &Node) -> Read<Box<Value>> {
        self.charge::<Value>(1)?;
        self.named(name, ty, node).map(Box::new)
    }

    fn named(&mut self, name: &str, ty: &Type, node: &Node) -> Read<Value> {
        self.value(ty, node).map_err(|error| error.within(Segment::Name(name.to_owned())))
    }

    fn charge<T>(&mut self, count: usize) -> Read<()> {
        self.memory.take_items::<T>(count).ok_or_else(TextError::too_large)
    }

    fn mismatch(&self, ty: &Type, node: &Node) -> TextError {
        TextError::mismatch(ty, "", self.quoted(node))
    }

    /// The parser's own finding where it says more than that the type differs.
    fn wrong(&self, ty: &Type, node: &Node, error: ParserError) -> TextError {
        match error.kind() {
            ParserErrorKind::InvalidType | ParserErrorKind::InvalidValue => self.mismatch(ty, node),
            _ => TextError::new(TextReason::Wave(error)),
        }
    }

    fn quoted(&self, node: &Node) -> String {
        format!("`{}`", excerpt(self.source(node)))
    }

    fn source(&self, node: &Node) -> &'t str {
        self.text.get(node.span()).unwrap_or_default()
    }
}
