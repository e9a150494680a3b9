//! `wasi:keyvalue@0.2.0-draft`, where it differs from its successor.

wit_bindgen::generate!({ world: "draft", generate_all });

#[path = "../../keyvalue-app/src/stores.rs"]
mod stores;

use exports::test::keyvalue_draft::probe::Guest;
use stores::{open, told};
use wasi::keyvalue::{atomics, batch};

struct Draft;
export!(Draft);

impl Guest for Draft {
    fn pages(store: String, keys: u32) -> Result<Vec<Vec<String>>, String> {
        let bucket = open(&store)?;
        let pairs: Vec<_> = (0..keys).map(|number| (format!("k{number:05}"), vec![1])).collect();
        for batch in pairs.chunks(200) {
            batch::set_many(&bucket, batch).map_err(told)?;
        }
        let (mut pages, mut cursor) = (Vec::new(), None);
        loop {
            let page = bucket.list_keys(cursor).map_err(told)?;
            pages.push(page.keys);
            match page.cursor {
                Some(next) => cursor = Some(next),
                None => return Ok(pages),
            }
        }
    }

    fn increment(store: String, key: String, delta: u64) -> Result<u64, String> {
        atomics::increment(&open(&store)?, &key, delta).map_err(told)
    }

    fn get_second(store: String, key: String) -> Result<Option<Vec<u8>>, String> {
        let pairs = batch::get_many(&open(&store)?, &["absent".to_owned(), key.clone()]).map_err(told)?;
        assert_eq!(pairs[0], ("absent".to_owned(), None));
        assert_eq!(pairs[1].0, key);
        Ok(pairs[1].1.clone())
    }

    fn first_again(store: String) -> Result<u32, String> {
        let bucket = open(&store)?;
        let first = bucket.list_keys(None).map_err(told)?.cursor;
        let mut cursor = first;
        while cursor.is_some() {
            cursor = bucket.list_keys(cursor).map_err(told)?.cursor;
        }
        let page = bucket.list_keys(first).map_err(told)?;
        Ok(page.keys.len() as u32)
    }

    fn lost(store: String) -> Result<u32, String> {
        let page = open(&store)?.list_keys(Some(77)).map_err(told)?;
        Ok(page.keys.len() as u32)
    }
}
