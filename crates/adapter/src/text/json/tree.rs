//! JSON as a tree that keeps what a map would lose: the order of fields, and fields given twice.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

use crate::text::{TextError, TextReason};
use crate::value::excerpt;
use crate::value::memory::Memory;

pub(in crate::text) enum Json {
    Null,
    Bool(bool),
    Number(Number),
    String(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// What this is, for messages.
    pub(super) fn described(&self) -> String {
        match self {
            Json::Null => "null".to_owned(),
            Json::Bool(value) => value.to_string(),
            Json::Number(number) => number.to_string(),
            Json::String(text) => format!("the string {:?}", excerpt(text)),
            Json::Array(items) => format!("an array of {}", items.len()),
            Json::Object(entries) => format!("an object of {}", entries.len()),
        }
    }
}

/// Parses a text. Its depth is bounded by serde_json, its memory here.
pub(in crate::text) fn parse(text: &str) -> Result<Json, TextError> {
    let mut memory = Memory::new();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let json = Node(&mut memory).deserialize(&mut deserializer);
    json.and_then(|json| deserializer.end().map(|()| json))
        .map_err(|error| TextError::new(TextReason::Json(error)).rooted_at("$"))
}

struct Node<'m>(&'m mut Memory);

impl Node<'_> {
    fn charge<E: Error>(&mut self, count: usize) -> Result<(), E> {
        self.0.take_items::<(String, Json)>(count).ok_or_else(|| E::custom(TextReason::ValueTooLarge))
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Json, E> {
        Number::from_f64(value).map(Json::Number).ok_or_else(|| E::custom("a number out of range"))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Json, E> {
        Ok(Json::String(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Json, E> {
        Ok(Json::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<Json, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(Node(self.0))? {
            self.charge(1)?;
            items.push(item);
        }
        Ok(Json::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Json, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            self.charge(1)?;
            entries.push((key, map.next_value_seed(Node(self.0))?));
        }
        Ok(Json::Object(entries))
    }
}
