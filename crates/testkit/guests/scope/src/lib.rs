//! Middleware on keys and values: every key is under `scope/`. Its buckets are its own, and hold those of the store.

wit_bindgen::generate!({ world: "test:scope/scope", generate_all });

use exports::wasi::keyvalue::store::{BucketBorrow, Error, Guest, GuestBucket, KeyResponse};
use exports::wasi::keyvalue::{atomics, batch, store as offered};
use wasi::keyvalue::{atomics as next_atomics, batch as next_batch, store};

struct Scope;
export!(Scope);

struct Bucket(store::Bucket);

fn scoped(key: &str) -> String {
    format!("scope/{key}")
}

fn error(error: store::Error) -> Error {
    match error {
        store::Error::NoSuchStore => Error::NoSuchStore,
        store::Error::AccessDenied => Error::AccessDenied,
        store::Error::Other(text) => Error::Other(text),
    }
}

impl Guest for Scope {
    type Bucket = Bucket;

    fn open(identifier: String) -> Result<offered::Bucket, Error> {
        store::open(&identifier).map(|bucket| offered::Bucket::new(Bucket(bucket))).map_err(error)
    }
}

impl GuestBucket for Bucket {
    fn get(&self, key: String) -> Result<Option<Vec<u8>>, Error> {
        self.0.get(&scoped(&key)).map_err(error)
    }

    fn set(&self, key: String, value: Vec<u8>) -> Result<(), Error> {
        self.0.set(&scoped(&key), &value).map_err(error)
    }

    fn delete(&self, key: String) -> Result<(), Error> {
        self.0.delete(&scoped(&key)).map_err(error)
    }

    fn exists(&self, key: String) -> Result<bool, Error> {
        self.0.exists(&scoped(&key)).map_err(error)
    }

    fn list_keys(&self, cursor: Option<u64>) -> Result<KeyResponse, Error> {
        let page = self.0.list_keys(cursor).map_err(error)?;
        let keys = page.keys.iter().filter_map(|key| key.strip_prefix("scope/")).map(str::to_owned);
        Ok(KeyResponse { keys: keys.collect(), cursor: page.cursor })
    }
}

impl atomics::Guest for Scope {
    fn increment(bucket: BucketBorrow<'_>, key: String, delta: u64) -> Result<u64, Error> {
        next_atomics::increment(&bucket.get::<Bucket>().0, &scoped(&key), delta).map_err(error)
    }
}

impl batch::Guest for Scope {
    fn get_many(bucket: BucketBorrow<'_>, keys: Vec<String>) -> Result<Vec<(String, Option<Vec<u8>>)>, Error> {
        let below: Vec<_> = keys.iter().map(|key| scoped(key)).collect();
        let values = next_batch::get_many(&bucket.get::<Bucket>().0, &below).map_err(error)?;
        Ok(keys.into_iter().zip(values).map(|(key, (_, value))| (key, value)).collect())
    }

    fn set_many(bucket: BucketBorrow<'_>, key_values: Vec<(String, Vec<u8>)>) -> Result<(), Error> {
        let pairs: Vec<_> = key_values.into_iter().map(|(key, value)| (scoped(&key), value)).collect();
        next_batch::set_many(&bucket.get::<Bucket>().0, &pairs).map_err(error)
    }

    fn delete_many(bucket: BucketBorrow<'_>, keys: Vec<String>) -> Result<(), Error> {
        let below: Vec<_> = keys.iter().map(|key| scoped(key)).collect();
        next_batch::delete_many(&bucket.get::<Bucket>().0, &below).map_err(error)
    }
}
