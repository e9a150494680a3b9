//! Where calls go: the table of links of each composite.
//!
//! [`Switchboard`] knows what runs here and where all else is placed, and links each composite's [`Outbox`] anew when
//! either changes. A link leads to a target on this host (`near`), to one that other hosts have
//! (`far`), or to a process of its own (`external`).

mod bridge;
mod chain;
pub mod crashes;
mod external;
mod far;
mod link;
mod near;
mod open;
mod share;
mod shelf;
mod switchboard;

use std::sync::Arc;
use std::time::Instant;

use arc_swap::ArcSwap;
use engine::{CallContext, Outbound, Outgoing, SendFuture};
use model::blueprint::{CompositePlan, WireTo};
use model::failure::{Failure, Progress, RpcError};
use model::ids::AppName;
use model::placement::AppPlacement;

pub(crate) use self::chain::call_id;
pub use self::far::Outside;
pub(crate) use self::far::{Far, Reached};
pub(crate) use self::link::others;
pub(crate) use self::near::Near;
pub use self::near::{Targets, Tried};
pub(crate) use self::open::Open;
pub use self::switchboard::{Running, Switchboard};

use self::link::Link;
use self::shelf::Shelf;
use crate::limits::RELINKS_MAX;
use crate::telemetry::Telemetry;

/// The links of one composite. Empty until all targets are ready, and again while draining.
#[derive(Default)]
pub struct Outbox {
    links: ArcSwap<Vec<Link>>,
    shelves: ArcSwap<Vec<Shelf>>,
}

/// What links of one application can lead to.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    /// The application.
    pub application: &'a AppName,
    /// What of it runs here.
    pub targets: &'a Targets,
    /// Where it runs, and the way there; none on a host by itself.
    pub elsewhere: Option<(&'a AppPlacement, &'a Outside)>,
    /// What measures calls.
    pub telemetry: &'a Telemetry,
}

impl Outbox {
    /// Opens the links that `plan` describes, or leads them elsewhere from now on: calls that run keep to where they
    /// went.
    pub fn connect(&self, plan: &CompositePlan, scope: Scope<'_>) {
        let before = self.links.load_full();
        let wires = plan.members.iter().flat_map(|member| &member.wires);
        let links = wires.filter_map(|wire| match &wire.to {
            WireTo::Sender(sender) => Some(Link::new(sender, scope, before.iter())),
            WireTo::Member { .. } | WireTo::Native(_) => None,
        });
        self.links.store(Arc::new(links.collect()));
        let before = self.shelves.load_full();
        self.shelves.store(Arc::new(shelf::natives(plan).map(|native| Shelf::new(native, scope, &before)).collect()));
    }

    /// Closes all links; also breaks the circles of actors that call each other.
    pub fn disconnect(&self) {
        self.links.store(Arc::default());
        self.shelves.store(Arc::default());
    }
}

impl Outbound for Outbox {
    fn send<'a>(&'a self, sender: usize, mut message: Outgoing, call: &'a CallContext) -> SendFuture<'a> {
        Box::pin(async move {
            let mut links = self.links.load_full();
            let (begun, mut relinks) = (Instant::now(), 0);
            loop {
                let failure = match chosen(&links, sender, &message)?.call(&mut message, call, begun).await {
                    Ok(answer) => return Ok(answer),
                    Err(failure) => failure,
                };
                // The target may have been replaced just when it was called: then the link leads to another by now.
                let newer = self.links.load_full();
                if relinks == RELINKS_MAX || !is_refused(&failure) || Arc::ptr_eq(&links, &newer) {
                    return Err(failure);
                }
                (links, relinks) = (newer, relinks + 1);
            }
        })
    }
}

/// True where no target was ready for a call.
pub(crate) fn is_refused(failure: &Failure) -> bool {
    failure.progress == Progress::NotStarted && matches!(failure.error, RpcError::Transport(_))
}

/// The link of the sender's label, which is the authority; an adapter may name another link of the same actor and
/// contract, and must name the contract that the label was planned with.
fn chosen<'a>(links: &'a [Link], sender: usize, message: &Outgoing) -> Result<&'a Link, Failure> {
    let link = links.get(sender).ok_or_else(|| {
        Failure::not_started(RpcError::Transport("the link is closed: the host is stopping".to_owned()))
    })?;
    if link.contract != message.contract {
        return Err(denied(link, &format!("contract `{}`, but the link is of `{}`", message.contract, link.contract)));
    }
    let Some(name) = &message.link else { return Ok(link) };
    let declared =
        |other: &&Link| other.actor == link.actor && other.import == *name && other.contract == link.contract;
    links
        .iter()
        .find(declared)
        .ok_or_else(|| denied(link, &format!("link `{name}`, which the manifest does not declare")))
}

fn denied(link: &Link, what: &str) -> Failure {
    let text = format!("a sender of actor {} names {what}; correct the hand-written adapter", link.actor);
    Failure::not_started(RpcError::InvalidParameter(text))
}
