//! The way out of an actor.

use std::future::Future;
use std::pin::Pin;

use model::failure::{Failure, RpcError};

use crate::call::CallContext;

/// A message on its way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The function's name in the contract.
    pub method: String,
    /// Its encoded parameters.
    pub payload: Vec<u8>,
    /// The contract that the adapter names; it must agree with the sender's label.
    pub contract: String,
    /// The link that a hand-written adapter asks for.
    pub link: Option<String>,
}

/// What [`Outbound::send`] returns.
pub type SendFuture<'a> = Pin<Box<dyn Future<Output = Result<Vec<u8>, Failure>> + Send + 'a>>;

/// Carries messages from an actor to wherever its links lead.
///
/// The engine drops the future when the call's deadline has passed or its caller has gone. An implementation
/// that holds the actor it serves keeps it alive for ever: hold a table of actors, or a weak reference.
pub trait Outbound: Send + Sync + 'static {
    /// Delivers `message` from the sender with this index in
    /// [`ActorSettings::senders`](crate::ActorSettings::senders), within `call`'s deadline.
    fn send<'a>(&'a self, sender: usize, message: Outgoing, call: &'a CallContext) -> SendFuture<'a>;
}

/// Where nothing is sent from: a native implementer's receiver has no sender.
pub(crate) struct Nowhere;

impl Outbound for Nowhere {
    fn send<'a>(&'a self, _: usize, message: Outgoing, _: &'a CallContext) -> SendFuture<'a> {
        let text = format!("`{}` has nowhere to go: a provider's receiver sends nothing", message.method);
        Box::pin(std::future::ready(Err(Failure::not_started(RpcError::Transport(text)))))
    }
}
