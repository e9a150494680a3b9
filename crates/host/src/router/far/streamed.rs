//! Requests of HTTP for an actor that takes them as they come, here or on another host.

use bytes::Bytes;
use engine::CallContext;
use engine::http::Body;
use http::{Request, Response};
use lattice::calls::Heard;
use lattice::stream::{Answered, Outgoing, Unanswered};
use model::failure::{Failure, RpcError};

use super::{Attempt, Far};
use crate::exchange::{self, HANDLE};
use crate::health::Chosen;
use crate::retry::Tries;
use crate::router::{Open, is_refused};

/// A request that nobody has answered yet.
enum Waiting {
    /// As it came.
    Whole(Box<Request<Body>>),
    /// Ready for another host: its head is in the attempt.
    Packed(Outgoing),
}

impl Far {
    /// Takes a request to where the actor answers first: here, where `here` finds it, else on another host. As long as
    /// nobody has begun to read its body, it may be tried on a further one.
    pub(crate) async fn exchange(
        &self,
        request: Request<Body>,
        here: &(dyn Fn() -> Option<Open> + Send + Sync),
        call: &CallContext,
    ) -> Result<Response<Body>, Failure> {
        self.budget.earn();
        let (tries, payload, deadline) = (Tries::new(false), Bytes::new(), call.deadline());
        let mut attempt = Attempt { far: self, method: HANDLE, payload, call, deadline, tries, failed: Vec::new() };
        let (mut waiting, mut last, mut goes_on) = (Waiting::Whole(Box::new(request)), None, true);
        if let Some(actor) = here() {
            let unanswered = match actor.handle(attempt.unpack(waiting)?, call).await {
                Ok(response) => return Ok(response),
                Err(unanswered) => unanswered,
            };
            let Some(request) = unanswered.request else { return Err(unanswered.failure) };
            waiting = Waiting::Whole(request);
            (goes_on, last) = attempt.weigh(unanswered.failure);
        }
        while goes_on && let Some(chosen) = attempt.choose() {
            match attempt.stream(chosen, waiting).await {
                Ok(answered) => return exchange::answered(answered).map_err(|error| strange(&error)),
                Err(Unanswered { failure, body: None }) => return Err(attempt.tries.verdict(failure)),
                Err(Unanswered { failure, body: Some(body) }) => {
                    waiting = Waiting::Packed(body);
                    (goes_on, last) = attempt.weigh(failure);
                }
            }
        }
        let failure = attempt.tries.verdict(last.unwrap_or_else(|| self.nobody()));
        // The actor may have been replaced here, or have come here meanwhile.
        match here().filter(|_| is_refused(&failure)) {
            Some(actor) => {
                let answered = actor.handle(attempt.unpack(waiting)?, call).await;
                answered.map_err(|unanswered| unanswered.failure)
            }
            None => Err(failure),
        }
    }
}

impl Attempt<'_> {
    /// Whether the request may be tried on another host after this failure, which is told where none answers.
    fn weigh(&mut self, failure: Failure) -> (bool, Option<Failure>) {
        match self.again(failure) {
            Ok(failure) => (true, Some(failure)),
            Err(failure) => (false, Some(failure)),
        }
    }

    /// The request as an actor on this host takes it.
    fn unpack(&self, waiting: Waiting) -> Result<Request<Body>, Failure> {
        match waiting {
            Waiting::Whole(request) => Ok(*request),
            Waiting::Packed(body) => exchange::stay(&self.payload, body).map_err(|error| strange(&error)),
        }
    }

    async fn stream(&mut self, chosen: Chosen, waiting: Waiting) -> Result<Answered, Unanswered> {
        let body = match waiting {
            Waiting::Packed(body) => body,
            Waiting::Whole(request) => {
                let (head, body) = exchange::depart(*request);
                self.payload = head;
                body
            }
        };
        let until = self.until();
        let message = match self.far.outside.admits().and_then(|()| self.message(until)) {
            Ok(message) => message,
            Err(failure) => return Err(Unanswered { failure, body: Some(body) }),
        };
        let heard = Heard::default();
        let answered = self.far.outside.caller.stream(chosen.host(), message, body, &heard).await;
        self.note(chosen, &heard, until);
        answered
    }
}

fn strange(error: &exchange::HeadError) -> Failure {
    Failure::unknown(RpcError::Deser(error.to_string()))
}
