//! What components of every draft do with stores.

use crate::wasi::keyvalue::store::{self, Bucket, Error};

/// An error as a text.
pub fn told(error: Error) -> String {
    match error {
        Error::NoSuchStore => "no-such-store".to_owned(),
        Error::AccessDenied => "access-denied".to_owned(),
        Error::Other(text) => format!("other: {text}"),
    }
}

pub fn open(store: &str) -> Result<Bucket, String> {
    store::open(store).map_err(told)
}
