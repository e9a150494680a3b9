//! Calls between hosts, and of those providers' processes that take them as hosts do, built on the bus once for every bus.
//!
//! A host has one [`Caller`] and one [`Server`], such a process a server only. A small call is exactly one request and one
//! reply: the caller keeps one subscription for all answers, the server one for all calls. Larger payloads travel in
//! chunks ([`crate::chunk`]), and bodies that are still being made in parts ([`crate::stream`]), on the same subjects.
//!
//! What the subjects say is what NATS enforces: the last token of a call's subject is the host that calls, and the
//! callee's token in an answer's subject is the one that answers. So a caller takes an answer only on the very subject
//! that it made for the callee, and a server answers only on a subject that belongs to the host that called.

mod callee;
mod caller;
mod opening;
mod pace;
mod peer;
mod pending;
mod request;
mod server;
mod serving;
mod streaming;
mod window;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use model::failure::{Failure, RpcError};
use model::ids::HostName;

use crate::bus::BusError;
use crate::call::Call;
use crate::stream::{Incoming, Streamed};

pub use callee::Callee;
pub use caller::{Caller, CallerStats};
pub use request::Heard;
pub use server::{Echoes, Server, ServerCounts, ServerStats};
pub use window::Window;

/// What serves calls that come over the bus.
pub trait Handler: Send + Sync + 'static {
    /// Says whether the call may be made, before a payload that comes in chunks is taken; `call` has none yet. What is
    /// refused here is not started.
    fn admit(&self, from: &HostName, call: &Call) -> Result<(), Failure> {
        let _ = (from, call);
        Ok(())
    }

    /// Serves a call that host `from` makes. It ends by the deadline of the call by itself, and is dropped where the
    /// caller has gone.
    fn call<'a>(&'a self, from: &'a HostName, call: Call) -> BoxFuture<'a, Result<Bytes, Failure>>;

    /// Serves a streamed call that host `from` makes: its payload is the head of the request, `body` what follows. It gives
    /// the answer once its head is there, by the deadline of the call; the answer's body may then go on. Both, and `body`,
    /// are dropped where the caller has gone. What is refused before `body` is read for the first time is not started.
    fn stream<'a>(
        &'a self,
        from: &'a HostName,
        call: Call,
        body: Incoming,
    ) -> BoxFuture<'a, Result<Streamed, Failure>> {
        let text = format!("{} of {} is not served to {from} as a streamed call", call.method, call.contract);
        drop(body);
        Box::pin(std::future::ready(Err(Failure::not_started(RpcError::MethodNotHandled(text)))))
    }
}

/// The header of a message that a callee sends to itself by the way that calls take: which server it is, and a number.
const ECHO: &str = "lath-echo";

/// What a caller is told of a message that was not sent.
fn not_sent(error: &BusError) -> Failure {
    let text = error.to_string();
    Failure::not_started(match error {
        BusError::Disconnected { .. } => RpcError::Transport(text),
        BusError::Busy { .. } | BusError::Deadline { .. } => RpcError::HostError(text),
        BusError::TooLarge { .. } | BusError::Unwritable { .. } => RpcError::InvalidParameter(text),
    })
}
