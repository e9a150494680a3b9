//! Secrets: references to them, which may be shown, and their values, which may not.
//!
//! A manifest, a blueprint, and whatever else is stored or told names a secret ([`SecretName`]). Its value
//! ([`SecretValue`]) is known where a part starts, and nowhere else: it has no text that a log or an error could show,
//! and its memory is cleared when it is dropped.

use std::fmt;

use zeroize::Zeroizing;

use crate::ids::SecretName;
use crate::limits::SECRET_BYTES_MAX;

/// A text that is given to an actor: written in the manifest, or a secret.
///
/// Of a manifest or a blueprint `S` is the secret's name; once it was resolved it is the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setting<S = SecretName> {
    /// The text itself.
    Text(String),
    /// A secret.
    Secret(S),
}

impl Setting<SecretValue> {
    /// The text, for the one that it is meant for.
    pub fn expose(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Secret(value) => value.expose(),
        }
    }
}

impl Setting {
    /// The secret that is meant, if it is one.
    pub fn secret(&self) -> Option<&SecretName> {
        match self {
            Self::Text(_) => None,
            Self::Secret(name) => Some(name),
        }
    }
}

impl<S> From<String> for Setting<S> {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl<S> From<&str> for Setting<S> {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// As the manifest writes it.
impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Secret(name) => write!(f, "{{ secret = \"{name}\" }}"),
        }
    }
}

/// A text that is not shown, of [`SECRET_BYTES_MAX`] bytes at most: the value of a secret, or of something that may be one.
/// Its memory is cleared when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretValue(Zeroizing<String>);

/// Why a text is not the value of a secret. It does not hold the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretValueError {
    /// There is none.
    #[error("it is empty")]
    Empty,
    /// It is too long.
    #[error("it is longer than {SECRET_BYTES_MAX} bytes")]
    TooLong,
    /// It is no text.
    #[error("it is not UTF-8; encode it as text, for instance with base64")]
    NotText,
    /// It holds a zero byte, which no environment can pass on.
    #[error("it holds a zero byte; encode it as text, for instance with base64")]
    Zero,
}

impl SecretValue {
    /// The value of these bytes, which are cleared where they are refused.
    ///
    /// # Errors
    ///
    /// They are no text, hold a zero byte, or are too many.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, SecretValueError> {
        match String::from_utf8(bytes) {
            Ok(text) => Self::new(text),
            Err(error) => {
                drop(Zeroizing::new(error.into_bytes()));
                Err(SecretValueError::NotText)
            }
        }
    }

    /// The value of this text, which is cleared where it is refused.
    ///
    /// # Errors
    ///
    /// It is too long, or holds a zero byte.
    pub fn new(text: String) -> Result<Self, SecretValueError> {
        let text = Zeroizing::new(text);
        if text.len() > SECRET_BYTES_MAX {
            Err(SecretValueError::TooLong)
        } else if text.contains('\0') {
            Err(SecretValueError::Zero)
        } else {
            Ok(Self(text))
        }
    }

    /// The value of what a person or an editor wrote: one line's end at its end is no part of it, and nothing at all is a
    /// mistake.
    ///
    /// # Errors
    ///
    /// As of [`Self::from_bytes`], or there is nothing.
    pub fn from_written(mut bytes: Vec<u8>) -> Result<Self, SecretValueError> {
        if bytes.pop_if(|last| *last == b'\n').is_some() {
            bytes.pop_if(|last| *last == b'\r');
        }
        if bytes.is_empty() {
            return Err(SecretValueError::Empty);
        }
        Self::from_bytes(bytes)
    }

    /// The value, for the one that it is meant for: whoever copies it answers for the copy.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// That there is one, and no more.
impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a secret")
    }
}
