//! What runs on this host, as calls reach it: without a message, on the caller's task.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use engine::{Actor, CallContext};
use model::blueprint::{Blueprint, CompositePlan, Target, chain_of};
use model::contract::ContractName;
use model::failure::{Failure, RpcError};
use model::ids::{ActorName, ProviderName};
use provider::{Call, Opens, Provider};

/// What of one application runs on this host and can be called.
#[derive(Clone)]
pub struct Targets {
    /// What the whole application runs, on all hosts.
    pub blueprint: Arc<Blueprint>,
    /// Its actors here.
    pub actors: BTreeMap<ActorName, (Actor, Arc<CompositePlan>)>,
    /// Its providers here.
    pub providers: BTreeMap<ProviderName, Arc<dyn Provider>>,
}

/// One actor at one of its receivers, or one provider on one contract.
#[derive(Clone)]
pub(crate) enum Near {
    Actor { actor: Actor, receiver: usize },
    Provider { provider: Arc<dyn Provider>, contract: ContractName, opens: Opens },
}

impl Targets {
    /// Nothing of an application yet.
    pub fn new(blueprint: Arc<Blueprint>) -> Self {
        Self { blueprint, actors: BTreeMap::new(), providers: BTreeMap::new() }
    }

    /// True where `target` runs here.
    pub(crate) fn has(&self, target: &Target) -> bool {
        match target {
            Target::Actor { actor, .. } => self.actors.contains_key(actor),
            Target::Provider(provider) => self.providers.contains_key(provider),
        }
    }

    /// The actor or provider of that name, where it runs here; of an actor any receiver.
    pub(crate) fn named(&self, name: &str) -> Option<Target> {
        let actor = || name.parse().ok().filter(|name: &ActorName| self.actors.contains_key(name));
        let provider = || name.parse().ok().filter(|name: &ProviderName| self.providers.contains_key(name));
        let actor = actor().map(|actor| Target::Actor { actor, receiver: String::new() });
        actor.or_else(|| provider().map(Target::Provider))
    }

    /// The actor, behind this chain of middleware, where it runs here and serves requests of HTTP without messages.
    pub(crate) fn http(&self, actor: &ActorName, via: &[ActorName]) -> Option<Actor> {
        let (actor, plan) = self.actors.get(actor)?;
        plan.entrance(via).map(|entrance| actor.entering(entrance))
    }

    /// The target of a call of `contract` in `wire`, whose caller opens some of its stores; none where it does not run here,
    /// or does not answer that.
    pub(crate) fn find(&self, target: &Target, contract: &ContractName, wire: &str, opens: &Opens) -> Option<Near> {
        match target {
            Target::Actor { actor, receiver } => {
                let (actor, plan) = self.actors.get(actor)?;
                let receiver = receiver_at(plan, receiver, contract, wire)?;
                Some(Near::Actor { actor: actor.clone(), receiver })
            }
            Target::Provider(name) => {
                let provider = self.providers.get(name)?.clone();
                Some(Near::Provider { provider, contract: contract.clone(), opens: opens.clone() })
            }
        }
    }
}

/// The receiver called `label`, if it answers the contract in the wire; else any behind the same chain that does: the caller
/// may go by another version of the blueprint than the actor, and in that the label may be another's.
fn receiver_at(plan: &CompositePlan, label: &str, contract: &ContractName, wire: &str) -> Option<usize> {
    let answers = |receiver: &model::blueprint::ReceiverPlan| {
        receiver.adapter.wire() == wire
            && receiver.contract.name.serves(contract)
            && chain_of(&receiver.label) == chain_of(label)
    };
    let labelled = plan.receivers.iter().position(|receiver| receiver.label == label && answers(receiver));
    labelled.or_else(|| plan.receivers.iter().position(answers))
}

impl Near {
    #[inline]
    pub(crate) async fn call(
        &self,
        method: &str,
        payload: &[u8],
        call: &CallContext,
        deadline: Instant,
    ) -> Result<Vec<u8>, Failure> {
        match self {
            Near::Actor { actor, receiver } => {
                let call = call.clone().within(deadline);
                actor.call(*receiver, method, payload, &call).await
            }
            Near::Provider { provider, contract, opens } => {
                within(deadline, provider.call(Call { contract, method, payload, deadline, opens })).await
            }
        }
    }
}

/// A provider's answer, or a failure once the deadline has passed.
async fn within(deadline: Instant, answer: impl Future<Output = Result<Vec<u8>, Failure>>) -> Result<Vec<u8>, Failure> {
    tokio::time::timeout_at(deadline.into(), answer).await.unwrap_or_else(|_| {
        Err(Failure::unknown(RpcError::DeadlineExceeded("the provider did not answer in time".to_owned())))
    })
}
