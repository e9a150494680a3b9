//! Headers of a message.

use async_nats::{HeaderMap, HeaderName, HeaderValue};

/// True where a value would end its header too early.
fn breaks(value: &str) -> bool {
    value.bytes().any(|byte| matches!(byte, b'\r' | b'\n'))
}

/// Headers of a message: names and values. What came from NATS stays as it came, what goes there is written once.
#[derive(Clone, Debug, Default)]
pub struct Headers {
    own: Vec<(&'static str, String)>,
    received: Option<HeaderMap>,
}

impl Headers {
    /// The headers of a message that NATS delivered.
    pub(crate) fn received(headers: Option<HeaderMap>) -> Self {
        Self { own: Vec::new(), received: headers }
    }

    /// The value of `name`, which is written exactly so: NATS knows names apart by case. The first, where it stands
    /// several times.
    pub fn get(&self, name: &'static str) -> Option<&str> {
        let own = self.own.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str());
        own.or_else(|| self.received.as_ref()?.get(HeaderName::from_static(name)).map(HeaderValue::as_str))
    }

    /// Sets `name`. White space around the value is cut off, as NATS does; a value with a line break is refused when the
    /// message is published.
    pub fn insert(&mut self, name: &'static str, value: impl Into<String>) {
        let value = value.into();
        let trimmed = value.trim();
        let value = if trimmed.len() == value.len() { value } else { trimmed.to_owned() };
        self.own.retain(|(known, _)| *known != name);
        self.own.push((name, value));
    }

    /// Every name and value, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let received =
            self.received.iter().flat_map(HeaderMap::iter).flat_map(|(name, values)| {
                values.iter().map(move |value| (AsRef::<str>::as_ref(name), value.as_str()))
            });
        self.own.iter().map(|(name, value)| (*name, value.as_str())).chain(received)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.own.len() + self.received.as_ref().map_or(0, HeaderMap::len)
    }

    /// True where there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes that they take in a message of NATS: a first line, a line each, and an empty line.
    pub fn len_bytes(&self) -> usize {
        if self.is_empty() {
            0
        } else {
            12 + self.iter().map(|(name, value)| name.len() + value.len() + 4).sum::<usize>()
        }
    }

    /// The first name whose value has a line break.
    pub(crate) fn unwritable(&self) -> Option<&str> {
        self.own.iter().find(|(_, value)| breaks(value)).map(|(name, _)| *name)
    }

    /// As the client of NATS takes them; none where there are none. What [`Self::unwritable`] finds is left out.
    pub(crate) fn into_nats(self) -> Option<HeaderMap> {
        if self.is_empty() {
            return None;
        }
        let mut headers = self.received.unwrap_or_default();
        for (name, value) in self.own {
            // The client panics on line breaks.
            if !breaks(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        Some(headers)
    }
}
