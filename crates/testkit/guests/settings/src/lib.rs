//! Tells what it was given, without telling it: `…/config/KEY` and `…/env/NAME` give the length and a sum of the value, or
//! `nothing`; `…/count/KEY` counts.

wit_bindgen::generate!({
    world: "test:settings/settings",
    path: ["../wit/lath-rpc", "../wit/lath-keyvalue", "../wit/lath-httpserver", "wit"],
    generate_all,
});

use exports::lath::httpserver::handler::{Guest, HttpRequest, HttpResponse, RpcError};
use lath::keyvalue::counter;
use wasi::config::store;

struct Settings;
export!(Settings);

impl Guest for Settings {
    fn handle_request(req: HttpRequest) -> Result<HttpResponse, RpcError> {
        let mut words = req.path.rsplit('/');
        let name = words.next().unwrap_or_default();
        let told = match words.next() {
            Some("config") => sum(store::get(name).unwrap()),
            Some("env") => sum(std::env::var(name).ok()),
            Some("count") => counter::increment(name, 1)?.to_string(),
            _ => format!("{:?}", store::get_all().unwrap().into_iter().map(|(key, _)| key).collect::<Vec<_>>()),
        };
        Ok(HttpResponse { status_code: 200, header: Vec::new(), body: told.into_bytes() })
    }
}

/// The length of a value, and its FNV-1a sum.
fn sum(value: Option<String>) -> String {
    let Some(value) = value else { return "nothing".to_owned() };
    let step = |sum: u64, byte: u8| (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    format!("{} {:016x}", value.len(), value.bytes().fold(0xcbf2_9ce4_8422_2325, step))
}
