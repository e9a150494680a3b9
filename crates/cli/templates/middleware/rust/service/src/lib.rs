//! Says hello to whom the path names. It knows of no middleware.

wit_bindgen::generate!({ world: "service", path: "../wit", generate_all });

use exports::wasi::http::handler::Guest;
use wasi::http::types::{ErrorCode, Fields, Request, Response};

struct Service;
export!(Service);

impl Guest for Service {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let path = request.get_path_with_query().unwrap_or_default();
        Ok(text(200, format!("Hello, {}!\n", name(&path))))
    }
}

/// The last step of the path; without one it is the world.
fn name(path: &str) -> &str {
    let path = path.split('?').next().unwrap_or_default();
    match path.rsplit('/').next() {
        None | Some("") => "world",
        Some(name) => name,
    }
}

/// An answer whose body is there already; a longer one is written piece by piece.
fn text(status: u16, body: String) -> Response {
    let (mut to, stream) = wit_stream::new();
    let (trailers, has_trailers) = wit_future::new(|| Ok(None));
    drop(trailers);
    wit_bindgen::spawn_local(async move {
        to.write_all(body.into_bytes()).await;
    });
    let (answer, _) = Response::new(Fields::new(), Some(stream), has_trailers);
    answer.set_status_code(status).expect("it is a status");
    answer
}
