//! An actor for one request of HTTP that it takes as it comes.

use engine::http::Body;
use engine::{Actor, CallContext, Unanswered};
use http::{Request, Response};

/// The composite that serves, and in front of it one of a version that is tried, where the request is of its share.
pub(crate) struct Open {
    pub(super) tried: Option<Actor>,
    pub(super) serving: Actor,
}

impl Open {
    /// Serves the request, as [`Actor::handle`] does.
    pub(crate) async fn handle(
        &self,
        request: Request<Body>,
        call: &CallContext,
    ) -> Result<Response<Body>, Unanswered> {
        let request = match &self.tried {
            None => request,
            Some(tried) => match tried.handle(request, call).await {
                // Whatever it has no room for is the other's.
                Err(Unanswered { request: Some(request), .. }) => *request,
                answer => return answer,
            },
        };
        self.serving.handle(request, call).await
    }
}

impl From<Actor> for Open {
    fn from(serving: Actor) -> Self {
        Self { tried: None, serving }
    }
}
