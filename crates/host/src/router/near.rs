//! What runs on this host, as calls reach it: without a message, on the caller's task.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use engine::{Actor, ActorStats, CallContext};
use model::blueprint::{Blueprint, CompositePlan, Target, chain_of};
use model::contract::ContractName;
use model::failure::{Failure, Progress, RpcError};
use model::ids::{ActorName, ProviderName};
use model::placement::Share;
use model::wire::WireVersion;
use provider::{Call, Health, Opens, Provider};

use super::open::Open;
use super::share::Picker;

/// What of one application runs on this host and can be called.
#[derive(Clone)]
pub struct Targets {
    /// What the whole application runs, on all hosts.
    pub blueprint: Arc<Blueprint>,
    /// Its actors here.
    pub actors: BTreeMap<ActorName, (Actor, Arc<CompositePlan>)>,
    /// Its providers here.
    pub providers: BTreeMap<ProviderName, Arc<dyn Provider>>,
    /// The actors that a newer version has another composite for, which takes a share of their calls.
    pub tried: BTreeMap<ActorName, Tried>,
    /// What lives of another version and is called where this one has nothing of the kind: hosts do not change at the same
    /// moment.
    pub other: Option<Arc<Targets>>,
}

/// The composite of an actor in a version that is tried.
#[derive(Clone)]
pub struct Tried {
    actor: Actor,
    plan: Arc<CompositePlan>,
    picker: Arc<Picker>,
}

/// A receiver of a composite that takes a share of the calls.
#[derive(Clone)]
pub(crate) struct Beside {
    actor: Actor,
    receiver: usize,
    picker: Arc<Picker>,
}

/// One actor at one of its receivers, or one provider on one contract.
#[derive(Clone)]
pub(crate) enum Near {
    Actor { actor: Actor, receiver: usize, beside: Option<Box<Beside>> },
    Provider { provider: Arc<dyn Provider>, contract: ContractName, opens: Opens, wire: WireVersion },
}

impl Targets {
    /// Nothing of an application yet.
    pub fn new(blueprint: Arc<Blueprint>) -> Self {
        Self { blueprint, actors: BTreeMap::new(), providers: BTreeMap::new(), tried: BTreeMap::new(), other: None }
    }

    /// What each actor does here, in this version and in the other one that lives.
    pub(crate) fn stats(&self) -> BTreeMap<&ActorName, ActorStats> {
        let mut stats: BTreeMap<_, _> = self.actors.iter().map(|(name, (actor, _))| (name, actor.stats())).collect();
        for (name, (actor, _)) in self.other.iter().flat_map(|other| &other.actors) {
            if self.actors.get(name).is_none_or(|(own, _)| !own.is_same(actor)) {
                let own = stats.entry(name).or_default();
                *own = *own + actor.stats();
            }
        }
        stats
    }

    /// How each provider is, in this version and in the other one that lives: of two that are unwell, what this one's says.
    pub(crate) fn health(&self) -> BTreeMap<&ProviderName, Health> {
        let others = self.other.iter().flat_map(|other| &other.providers);
        let mut healths = BTreeMap::new();
        for (name, provider) in self.providers.iter().chain(others) {
            let health = healths.entry(name).or_insert(Health::Well);
            if *health == Health::Well {
                *health = provider.health();
            }
        }
        healths
    }

    /// True where `target` runs here.
    pub(crate) fn has(&self, target: &Target) -> bool {
        let is_here = match target {
            Target::Actor { actor, .. } => self.actors.contains_key(actor),
            Target::Provider(provider) => self.providers.contains_key(provider),
        };
        is_here || self.other.as_ref().is_some_and(|other| other.has(target))
    }

    /// The actor or provider of that name, where it runs here; of an actor any receiver.
    pub(crate) fn named(&self, name: &str) -> Option<Target> {
        let actor = || name.parse().ok().filter(|name: &ActorName| self.actors.contains_key(name));
        let provider = || name.parse().ok().filter(|name: &ProviderName| self.providers.contains_key(name));
        let actor = actor().map(|actor| Target::Actor { actor, receiver: String::new() });
        let here = actor.or_else(|| provider().map(Target::Provider));
        here.or_else(|| self.other.as_ref()?.named(name))
    }

    /// The actor, behind this chain of middleware, where it runs here and serves requests of HTTP without messages.
    pub(crate) fn http(&self, actor: &ActorName, via: &[ActorName]) -> Option<Actor> {
        let entering =
            |(actor, plan): &(Actor, Arc<CompositePlan>)| plan.entrance(via).map(|entrance| actor.entering(entrance));
        self.actors.get(actor).and_then(entering).or_else(|| self.other.as_ref()?.http(actor, via))
    }

    /// The same for one request, which may be of the share of a version that is tried.
    pub(crate) fn open(&self, name: &ActorName, via: &[ActorName]) -> Option<Open> {
        let tried = self.tried.get(name).filter(|tried| tried.picker.picks() && tried.actor.has_room());
        let entering = |tried: &Tried| Some(tried.actor.entering(tried.plan.entrance(via)?));
        Some(Open { serving: self.http(name, via)?, tried: tried.and_then(entering) })
    }

    /// The target of a call of `contract` in `wire`, whose caller opens some of its stores; none where it does not run here,
    /// or does not answer that.
    pub(crate) fn find(&self, target: &Target, contract: &ContractName, wire: &str, opens: &Opens) -> Option<Near> {
        let other = || self.other.as_ref()?.find(target, contract, wire, opens);
        self.find_own(target, contract, wire, opens).or_else(other)
    }

    fn find_own(&self, target: &Target, contract: &ContractName, wire: &str, opens: &Opens) -> Option<Near> {
        match target {
            Target::Actor { actor: name, receiver: label } => {
                let (actor, plan) = self.actors.get(name)?;
                let receiver = receiver_at(plan, label, contract, wire)?;
                let beside = self.tried.get(name).and_then(|tried| tried.at(label, contract, wire)).map(Box::new);
                Some(Near::Actor { actor: actor.clone(), receiver, beside })
            }
            Target::Provider(name) => {
                let (provider, wire) = (self.providers.get(name)?.clone(), WireVersion::of_id(wire)?);
                Some(Near::Provider { provider, contract: contract.clone(), opens: opens.clone(), wire })
            }
        }
    }
}

impl Tried {
    /// Such a composite takes that share of the calls.
    pub(crate) fn new(actor: Actor, plan: Arc<CompositePlan>, share: Share) -> Self {
        Self { actor, plan, picker: Arc::new(Picker::new(share)) }
    }

    fn at(&self, label: &str, contract: &ContractName, wire: &str) -> Option<Beside> {
        let receiver = receiver_at(&self.plan, label, contract, wire)?;
        Some(Beside { actor: self.actor.clone(), receiver, picker: Arc::clone(&self.picker) })
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

impl Beside {
    /// True where the next call is of the share, and would have an instance at once.
    fn picks(&self) -> bool {
        self.picker.picks() && self.actor.has_room()
    }
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
            Near::Actor { actor, receiver, beside } => {
                let call = call.clone().within(deadline);
                if let Some(beside) = beside.as_ref().filter(|beside| beside.picks()) {
                    match Box::pin(beside.actor.call(beside.receiver, method, payload, &call)).await {
                        // Whatever it has no room for is the other's.
                        Err(failure) if failure.progress == Progress::NotStarted => {}
                        answer => return answer,
                    }
                }
                actor.call(*receiver, method, payload, &call).await
            }
            Near::Provider { provider, contract, opens, wire } => {
                within(deadline, provider.call(Call { contract, method, payload, wire: *wire, deadline, opens })).await
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
