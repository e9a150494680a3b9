//! Every function of `wasi:keyvalue`, one by one.

wit_bindgen::generate!({
    world: "test:keyvalue/app",
    path: ["../wit/lath-rpc", "../wit/lath-httpserver", "wit"],
    generate_all,
});

mod stores;

use exports::lath::httpserver::handler::{self, HttpRequest, HttpResponse, RpcError};
use exports::test::keyvalue::probe::Guest;
use stores::{open, told};
use wasi::keyvalue::atomics::{self, Cas, CasError};
use wasi::keyvalue::batch;

struct App;
export!(App);

impl Guest for App {
    fn get(store: String, key: String) -> Result<Option<Vec<u8>>, String> {
        open(&store)?.get(&key).map_err(told)
    }

    fn set(store: String, key: String, value: Vec<u8>) -> Result<(), String> {
        open(&store)?.set(&key, &value).map_err(told)
    }

    fn delete(store: String, key: String) -> Result<(), String> {
        open(&store)?.delete(&key).map_err(told)
    }

    fn exists(store: String, key: String) -> Result<bool, String> {
        open(&store)?.exists(&key).map_err(told)
    }

    fn pages(store: String) -> Result<Vec<Vec<String>>, String> {
        let bucket = open(&store)?;
        let (mut pages, mut cursor) = (Vec::new(), None);
        loop {
            let page = bucket.list_keys(cursor.as_deref()).map_err(told)?;
            pages.push(page.keys);
            match page.cursor {
                Some(next) => cursor = Some(next),
                None => return Ok(pages),
            }
        }
    }

    fn page(store: String, cursor: Option<String>) -> Result<Vec<String>, String> {
        open(&store)?.list_keys(cursor.as_deref()).map(|page| page.keys).map_err(told)
    }

    fn increment(store: String, key: String, delta: i64) -> Result<i64, String> {
        atomics::increment(&open(&store)?, &key, delta).map_err(told)
    }

    fn swap(
        store: String,
        key: String,
        meanwhile: Option<Vec<u8>>,
        value: Vec<u8>,
    ) -> Result<(Option<Vec<u8>>, u32), String> {
        let bucket = open(&store)?;
        let mut cas = Cas::new(&bucket, &key).map_err(told)?;
        let seen = cas.current().map_err(told)?;
        if let Some(meanwhile) = meanwhile {
            bucket.set(&key, &meanwhile).map_err(told)?;
        }
        let mut failed = 0;
        loop {
            match atomics::swap(cas, &value) {
                Ok(()) => return Ok((seen, failed)),
                Err(CasError::CasFailed(again)) => (cas, failed) = (again, failed + 1),
                Err(CasError::StoreError(error)) => return Err(told(error)),
            }
        }
    }

    fn get_many(store: String, keys: Vec<String>) -> Result<Vec<Option<Vec<u8>>>, String> {
        let found = batch::get_many(&open(&store)?, &keys).map_err(told)?;
        for (pair, key) in found.iter().zip(&keys) {
            if let Some((found, _)) = pair {
                assert_eq!(found, key);
            }
        }
        Ok(found.into_iter().map(|pair| pair.map(|(_, value)| value)).collect())
    }

    fn set_many(store: String, values: Vec<(String, Vec<u8>)>) -> Result<(), String> {
        batch::set_many(&open(&store)?, &values).map_err(told)
    }

    fn delete_many(store: String, keys: Vec<String>) -> Result<(), String> {
        batch::delete_many(&open(&store)?, &keys).map_err(told)
    }

    fn open_many(store: String, times: u32) -> Result<(), String> {
        (0..times).map(|_| open(&store)).collect::<Result<Vec<_>, _>>().map(drop)
    }

    fn begin_many(store: String, times: u32) -> Result<(), String> {
        let bucket = open(&store)?;
        (0..times).map(|_| Cas::new(&bucket, "k").map_err(told)).collect::<Result<Vec<_>, _>>().map(drop)
    }

    fn set_large(store: String, key: String, bytes: u32) -> Result<(), String> {
        open(&store)?.set(&key, &vec![b'x'; bytes as usize]).map_err(told)
    }

    fn get_large(store: String, keys: Vec<String>) -> Result<u64, String> {
        let found = batch::get_many(&open(&store)?, &keys).map_err(told)?;
        Ok(found.into_iter().flatten().map(|(_, value)| value.len() as u64).sum())
    }
}

impl handler::Guest for App {
    fn handle_request(req: HttpRequest) -> Result<HttpResponse, RpcError> {
        let path = req.path.strip_prefix('/').unwrap_or(&req.path);
        let (store, key) = path.split_once('/').unwrap_or(("", path));
        let counted = open(store).and_then(|bucket| atomics::increment(&bucket, key, 1).map_err(told));
        let body = match counted {
            Ok(sum) => sum.to_string(),
            Err(error) => error,
        };
        Ok(HttpResponse { status_code: 200, header: Vec::new(), body: body.into_bytes() })
    }
}
