//! Reading a tree of TOML with positions: every key is asked for once, and what nobody asked for is unknown.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{Fault, suggestion};
use super::leaf::{At, Leaf, Refused};
use super::place::{self, Spans};

/// What reading leaves behind beside the values.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) faults: Vec<Fault>,
    pub(super) spans: Spans,
}

impl Notes {
    pub(super) fn fault(&mut self, key: &str, span: Range<usize>, message: String, help: Option<String>) {
        self.faults.push(Fault { span, key: key.to_owned(), message, help });
    }

    /// A fault of a value that was read.
    pub(super) fn fault_at<T>(&mut self, at: &At<T>, message: String, help: String) {
        self.fault(&at.key, at.span.clone(), message, Some(help));
    }
}

/// A value, with the path of its key.
#[derive(Debug)]
pub(super) struct Node<'a> {
    key: String,
    span: Range<usize>,
    value: &'a DeValue<'a>,
}

impl<'a> Node<'a> {
    fn new(key: String, value: &'a Spanned<DeValue<'a>>, notes: &mut Notes) -> Self {
        notes.spans.insert(&key, value.span());
        Self { key, span: value.span(), value: value.get_ref() }
    }

    /// Reads a single value.
    pub(super) fn leaf<T: Leaf>(self, notes: &mut Notes) -> Option<At<T>> {
        let (message, help) = match T::read(self.value) {
            Ok(value) => return Some(At { value, key: self.key, span: self.span }),
            Err(Refused::Type) => (self.mismatch(T::WHAT), Some(format!("for example {}", T::EXAMPLE))),
            Err(Refused::Value(message, help)) => (message, help),
        };
        notes.fault(&self.key, self.span, message, help);
        None
    }

    /// Reads an array whose elements are single values.
    pub(super) fn list<T: Leaf>(self, notes: &mut Notes) -> Option<Vec<At<T>>> {
        let example = format!("[{}]", T::EXAMPLE);
        let elements = self.elements("an array", &example, notes)?;
        Some(elements.into_iter().filter_map(|element| element.leaf(notes)).collect())
    }

    /// Reads an array.
    pub(super) fn elements(self, what: &str, example: &str, notes: &mut Notes) -> Option<Vec<Node<'a>>> {
        let Some(array) = self.value.as_array() else {
            let message = self.mismatch(what);
            notes.fault(&self.key, self.span, message, Some(format!("for example {example}")));
            return None;
        };
        let node = |(index, value)| Node::new(place::element(&self.key, index), value, notes);
        Some(array.iter().enumerate().map(node).collect())
    }

    /// Opens a table.
    pub(super) fn table(self, example: &str, notes: &mut Notes) -> Option<Table<'a>> {
        let Some(table) = self.value.as_table() else {
            let message = self.mismatch("a table");
            notes.fault(&self.key, self.span, message, Some(format!("for example {example}")));
            return None;
        };
        Some(Table { key: self.key, span: self.span, table, asked: Vec::new(), known: Vec::new() })
    }

    /// True for `[]`.
    pub(super) fn is_empty_array(&self) -> bool {
        self.value.as_array().is_some_and(|array| array.is_empty())
    }

    /// Refuses the value.
    pub(super) fn fault(self, notes: &mut Notes, message: &str, help: &str) {
        notes.fault(&self.key, self.span, message.to_owned(), Some(help.to_owned()));
    }

    fn mismatch(&self, what: &str) -> String {
        format!("found {}, expected {what}", found(self.value))
    }
}

fn found(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a decimal number",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}

/// A table that is being read.
#[derive(Debug)]
pub(super) struct Table<'a> {
    key: String,
    span: Range<usize>,
    table: &'a DeTable<'a>,
    asked: Vec<&'static str>,
    known: Vec<&'static str>,
}

impl<'a> Table<'a> {
    /// The whole text.
    pub(super) fn root(table: &'a DeTable<'a>) -> Self {
        Self { key: String::new(), span: 0..0, table, asked: Vec::new(), known: Vec::new() }
    }

    /// The value at `key`, if there is one.
    pub(super) fn take(&mut self, key: &'static str, notes: &mut Notes) -> Option<Node<'a>> {
        self.asked.push(key);
        self.known.push(key);
        let value = self.table.get(key)?;
        Some(Node::new(place::child(&self.key, key), value, notes))
    }

    /// The value at `key`, which must be there.
    pub(super) fn need(&mut self, key: &'static str, example: &str, notes: &mut Notes) -> Option<Node<'a>> {
        let node = self.take(key, notes);
        if node.is_none() {
            let message = format!("key `{key}` is missing");
            notes.fault(&self.key, self.span.clone(), message, Some(format!("add `{key} = {example}`")));
        }
        node
    }

    /// The single value at `key`, if there is one.
    pub(super) fn leaf<T: Leaf>(&mut self, key: &'static str, notes: &mut Notes) -> Option<At<T>> {
        self.take(key, notes)?.leaf(notes)
    }

    /// The single value at `key`, which must be there.
    pub(super) fn need_leaf<T: Leaf>(&mut self, key: &'static str, notes: &mut Notes) -> Option<At<T>> {
        self.need(key, T::EXAMPLE, notes)?.leaf(notes)
    }

    /// Refuses keys whose feature is not built yet.
    pub(super) fn later(&mut self, keys: &[&'static str], notes: &mut Notes) {
        for key in keys {
            self.asked.push(key);
            if let Some((name, _)) = self.table.get_key_value(*key) {
                let help = "leave it out: this version of lath cannot do it".to_owned();
                let message = format!("`{key}` is not supported yet");
                notes.fault(&place::child(&self.key, key), name.span(), message, Some(help));
            }
        }
    }

    /// Refuses every key that was not asked for.
    pub(super) fn close(self, notes: &mut Notes) {
        let unknown = self.table.keys().filter(|name| !self.asked.iter().any(|asked| *asked == name.get_ref()));
        for name in unknown {
            let message = format!("unknown key `{}`", name.get_ref());
            let help = suggestion(name.get_ref(), "keys", &self.known);
            notes.fault(&place::child(&self.key, name.get_ref()), name.span(), message, Some(help));
        }
    }

    /// Reads a table whose keys are the user's own, each with `read`. An entry under a bad key is not read.
    pub(super) fn entries<K: Leaf + Ord, V>(
        self,
        notes: &mut Notes,
        mut read: impl FnMut(Node<'a>, &mut Notes) -> Option<V>,
    ) -> BTreeMap<At<K>, V> {
        let mut entries = BTreeMap::new();
        for (name, value) in self.table {
            let key = place::child(&self.key, name.get_ref());
            let Some(read_key) = read_key::<K>(name, key.clone(), notes) else { continue };
            if let Some(read_value) = read(Node::new(key, value, notes), notes) {
                entries.insert(read_key, read_value);
            }
        }
        entries
    }
}

fn read_key<K: Leaf>(name: &Spanned<std::borrow::Cow<'_, str>>, key: String, notes: &mut Notes) -> Option<At<K>> {
    let value = DeValue::String(name.get_ref().as_ref().into());
    Node { key, span: name.span(), value: &value }.leaf(notes)
}
