//! The way of a contract with resources to a provider elsewhere: the resources stay here, and what is done with them
//! travels as calls of a contract of plain values, over a link like any other.

use std::time::Instant;

use engine::keyvalue::{Answer, Operation, StoreError};
use engine::{CallContext, Outgoing};
use model::blueprint::SenderPlan;
use model::failure::Failure;
use provider::keyvalue::plain::Question;

use super::Scope;
use super::link::Link;

/// The bridge of one link to one provider.
pub(super) struct Bridge(Link);

impl Bridge {
    /// The bridge that `sender` describes; `before` are those that there were until now.
    pub(super) fn new<'b>(sender: &SenderPlan, scope: Scope<'_>, before: impl IntoIterator<Item = &'b Bridge>) -> Self {
        Self(Link::new(sender, scope, before.into_iter().map(|bridge| &bridge.0)))
    }

    /// Does one thing in a store, by calls that end with the link's deadline.
    pub(super) async fn run(
        &self,
        store: &str,
        operation: Operation,
        call: &CallContext,
    ) -> Result<Answer, StoreError> {
        let begun = Instant::now();
        let mut answer = Answer::Done;
        for mut question in Question::of(store, operation)? {
            let mut message = Outgoing {
                method: question.method.to_owned(),
                payload: std::mem::take(&mut question.payload),
                contract: self.0.contract.clone(),
                link: None,
            };
            let payload = self.0.call(&mut message, call, begun).await.map_err(|failure| failed(&failure))?;
            answer = question.answer(&payload)?;
        }
        Ok(answer)
    }
}

fn failed(failure: &Failure) -> StoreError {
    let (case, text) = failure.error.parts();
    StoreError::Other(text.unwrap_or(case).to_owned())
}
