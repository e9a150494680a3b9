//! An actor that speaks `lath:keyvalue/store` itself.

wit_bindgen::generate!({
    world: "test:plain/app",
    path: ["../wit/lath-rpc", "../wit/lath-httpserver", "wit"],
    generate_all,
});

use exports::lath::httpserver::handler::{Guest, HttpRequest, HttpResponse, RpcError};
use lath::keyvalue::store::{self, Bounds, Error};

struct App;
export!(App);

fn count(store: &str, key: &str) -> Result<String, Error> {
    let sum = store::increment(store, key, 1, Some(Bounds { least: 0, most: 9 }))?;
    let copy = format!("{key}-copy");
    store::set(store, &copy, sum.to_string().as_bytes())?;
    let values = store::get_many(store, &[key.to_owned(), copy])?;
    let texts: Vec<_> = values.into_iter().map(|value| String::from_utf8(value.unwrap_or_default()).unwrap()).collect();
    Ok(texts.join(" "))
}

impl Guest for App {
    fn handle_request(req: HttpRequest) -> Result<HttpResponse, RpcError> {
        let path = req.path.strip_prefix('/').unwrap_or(&req.path);
        let (store, key) = path.split_once('/').unwrap_or(("", path));
        let body = count(store, key).unwrap_or_else(|error| format!("{error:?}"));
        Ok(HttpResponse { status_code: 200, header: Vec::new(), body: body.into_bytes() })
    }
}
