//! Short links in a key-value store: `url/ID` is where one leads, `hits/ID` counts how often it led there.

use wasip2::random::random::get_random_bytes;

use crate::wasi::keyvalue::atomics::{self, Cas, CasError};
use crate::wasi::keyvalue::store::{self, Bucket, Error};

/// No letters and digits that look alike: ids are read aloud and typed. 32 of them, so that a byte picks evenly.
const LETTERS: &[u8; 32] = b"23456789abcdefghijkmnpqrstuvwxyz";
/// Ids that are tried for one link, each a letter longer than the one before.
const TRIES: usize = 8;
/// Longer than any id.
const ID_BYTES_MAX: usize = 64;

/// The links of the store that this component is linked to.
pub struct Links(Bucket);

impl Links {
    pub fn open() -> Result<Self, Error> {
        store::open("default").map(Self)
    }

    /// Keeps a link under a new id of that length, and gives the id. A longer one where ids collide; none where all do.
    pub fn add(&self, url: &str, length: usize) -> Result<Option<String>, Error> {
        for longer in 0..TRIES {
            let id = random_id(length + longer);
            if self.claim(&id, url)? {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    /// Takes an id that nobody has: of two who want it at the same moment, one gets it.
    fn claim(&self, id: &str, url: &str) -> Result<bool, Error> {
        let swap = Cas::new(&self.0, &format!("url/{id}"))?;
        if swap.current()?.is_some() {
            return Ok(false);
        }
        match atomics::swap(swap, url.as_bytes()) {
            Ok(()) => Ok(true),
            Err(CasError::CasFailed(_)) => Ok(false),
            Err(CasError::StoreError(error)) => Err(error),
        }
    }

    /// Where a link leads, if there is one of this id.
    pub fn find(&self, id: &str) -> Result<Option<String>, Error> {
        // What no id looks like may be longer than any key.
        if id.len() > ID_BYTES_MAX || !id.bytes().all(|byte| LETTERS.contains(&byte)) {
            return Ok(None);
        }
        let url = self.0.get(&format!("url/{id}"))?;
        Ok(url.map(|url| String::from_utf8_lossy(&url).into_owned()))
    }

    /// Adds to the hits of a link, and gives their sum; to add 0 is to read it.
    pub fn count(&self, id: &str, more: i64) -> Result<i64, Error> {
        atomics::increment(&self.0, &format!("hits/{id}"), more)
    }
}

fn random_id(length: usize) -> String {
    let letter = |byte: u8| char::from(LETTERS[usize::from(byte) % LETTERS.len()]);
    get_random_bytes(length as u64).into_iter().map(letter).collect()
}
