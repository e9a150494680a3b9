//! Where calls go: the table of links of each composite, and the way in from the ingress and the bus.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use engine::{Actor, CallContext, Outbound, Outgoing, SendFuture};
use model::blueprint::{CompositePlan, LinkPlan, Target, WireTo};
use model::contract::ContractName;
use model::failure::{Failure, RpcError};
use model::ids::{ActorName, ProviderName};
use provider::{Call, Provider};

/// Everything that can be called, by name.
#[derive(Default)]
pub(crate) struct Targets {
    pub(crate) actors: BTreeMap<ActorName, (Actor, CompositePlan)>,
    pub(crate) providers: BTreeMap<ProviderName, Arc<dyn Provider>>,
}

/// The links of one composite. Empty until all targets are ready, and again while draining.
#[derive(Default)]
pub(crate) struct Outbox {
    links: ArcSwap<Vec<Link>>,
}

struct Link {
    actor: ActorName,
    import: String,
    contract: String,
    deadline: Duration,
    route: Route,
}

enum Route {
    Actor {
        actor: Actor,
        receiver: usize,
    },
    Provider {
        provider: Arc<dyn Provider>,
        contract: ContractName,
    },
    /// The plan names a target that is not there.
    Nowhere(String),
}

impl Outbox {
    /// Opens the links that `plan` describes.
    pub(crate) fn connect(&self, plan: &CompositePlan, targets: &Targets) {
        let wires = plan.members.iter().flat_map(|member| &member.wires);
        let links = wires.filter_map(|wire| match &wire.to {
            WireTo::Sender(sender) => Some(Link::new(&sender.link, targets)),
            WireTo::Member { .. } => None,
        });
        self.links.store(Arc::new(links.collect()));
    }

    /// Closes all links; also breaks the circles of actors that call each other.
    pub(crate) fn disconnect(&self) {
        self.links.store(Arc::default());
    }
}

impl Link {
    fn new(plan: &LinkPlan, targets: &Targets) -> Self {
        let route = match &plan.target {
            Target::Actor { actor, receiver } => targets.actors.get(actor).and_then(|(callee, callee_plan)| {
                let receiver = callee_plan.receivers.iter().position(|known| known.label == *receiver)?;
                Some(Route::Actor { actor: callee.clone(), receiver })
            }),
            Target::Provider(name) => targets
                .providers
                .get(name)
                .map(|provider| Route::Provider { provider: provider.clone(), contract: plan.contract.clone() }),
        };
        Self {
            actor: plan.actor.clone(),
            import: plan.import.clone(),
            contract: plan.contract.to_string(),
            deadline: plan.deadline,
            route: route.unwrap_or_else(|| Route::Nowhere(plan.target.to_string())),
        }
    }

    async fn call(&self, message: &Outgoing, call: &CallContext) -> Result<Vec<u8>, Failure> {
        let deadline = call.deadline().min(Instant::now() + self.deadline);
        match &self.route {
            Route::Actor { actor, receiver } => {
                let call = call.clone().within(deadline);
                actor.call(*receiver, &message.method, &message.payload, &call).await
            }
            Route::Provider { provider, contract } => {
                let call = Call { contract, method: &message.method, payload: &message.payload, deadline };
                within(deadline, provider.call(call)).await
            }
            Route::Nowhere(target) => Err(Failure::not_started(RpcError::Transport(format!(
                "{target} is not running; look at its log and start it"
            )))),
        }
    }
}

/// A provider's answer, or a failure once the deadline has passed.
async fn within(deadline: Instant, answer: impl Future<Output = Result<Vec<u8>, Failure>>) -> Result<Vec<u8>, Failure> {
    tokio::time::timeout_at(deadline.into(), answer).await.unwrap_or_else(|_| {
        Err(Failure::unknown(RpcError::DeadlineExceeded("the provider did not answer in time".to_owned())))
    })
}

impl Outbound for Outbox {
    fn send<'a>(&'a self, sender: usize, message: Outgoing, call: &'a CallContext) -> SendFuture<'a> {
        Box::pin(async move {
            let links = self.links.load_full();
            let link = chosen(&links, sender, &message)?;
            link.call(&message, call).await
        })
    }
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
