//! Says hello, and echoes what is posted. It knows of no middleware.

wit_bindgen::generate!({ world: "example:middleware/service", path: "../wit", generate_all });

use exports::wasi::http::handler::Guest;
use wasi::http::types::{ErrorCode, Fields, Method, Request, Response};

struct Hello;
export!(Hello);

impl Guest for Hello {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        if let Method::Post = request.get_method() {
            let (received, is_received) = wit_future::new(|| Ok(()));
            drop(received);
            let (body, trailers) = Request::consume_body(request, is_received);
            return Ok(Response::new(Fields::new(), Some(body), trailers).0);
        }
        let (mut to, body) = wit_stream::new();
        let (trailers, has_trailers) = wit_future::new(|| Ok(None));
        drop(trailers);
        wit_bindgen::spawn_local(async move {
            to.write_all(b"Hello!\n".to_vec()).await;
        });
        Ok(Response::new(Fields::new(), Some(body), has_trailers).0)
    }
}
