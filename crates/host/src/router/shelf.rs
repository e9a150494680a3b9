//! The stores that an actor opens: functions of the host over providers beside it, without messages, and over the bridge to
//! those elsewhere.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use engine::CallContext;
use engine::keyvalue::{Answer, Answering, Operation, StoreError, StoreImport, Stores};
use model::blueprint::{CompositePlan, NativePlan, SenderPlan, Target, WireTo};
use model::ids::ProviderName;
use provider::Provider;

use super::bridge::Bridge;
use super::{Outbox, Scope};

/// What one import can open, as the link has it.
pub(super) struct Shelf {
    plan: NativePlan,
    holders: BTreeMap<ProviderName, Holder>,
}

/// Who has a store.
enum Holder {
    /// A provider on this host.
    Here(Arc<dyn Provider>),
    /// One that other hosts have, or a process of its own.
    Elsewhere(Bridge),
}

impl Shelf {
    /// The shelf of an import; `before` are those that there were until now.
    pub(super) fn new(plan: &NativePlan, scope: Scope<'_>, before: &[Shelf]) -> Self {
        let here = |name: &ProviderName| Some((name.clone(), Holder::Here(scope.targets.providers.get(name)?.clone())));
        let mut holders: BTreeMap<_, _> = plan.providers().into_iter().filter_map(here).collect();
        let bridges = || before.iter().flat_map(|shelf| shelf.holders.values()).filter_map(Holder::bridge);
        for sender in plan.bridged() {
            if let Some(provider) = provider_of(&sender) {
                let bridge = || Holder::Elsewhere(Bridge::new(&sender, scope, bridges()));
                holders.entry(provider.clone()).or_insert_with(bridge);
            }
        }
        Self { plan: plan.clone(), holders }
    }

    /// The store that the actor means by `name`, and who has it.
    fn find<'a>(&'a self, name: &'a str) -> Result<(&'a Holder, &'a str), StoreError> {
        let (provider, store) = self.plan.store(name).ok_or(StoreError::NoSuchStore)?;
        match self.holders.get(provider) {
            Some(holder) => Ok((holder, store)),
            None => Err(StoreError::Other(format!("provider {provider} is not running on this host; look at its log"))),
        }
    }

    async fn run(&self, name: &str, operation: Operation, call: &CallContext) -> Result<Answer, StoreError> {
        let (holder, store) = self.find(name)?;
        let provider = match holder {
            Holder::Here(provider) => provider,
            // Boxed, so that operations inside the host do not carry the room for one over the lattice.
            Holder::Elsewhere(bridge) => return Box::pin(bridge.run(store, operation, call)).await,
        };
        let deadline = call.deadline();
        let deadline = Instant::now().checked_add(self.plan.link.deadline).map_or(deadline, |own| own.min(deadline));
        let answer = tokio::time::timeout_at(deadline.into(), provider.keyvalue(store, operation, deadline)).await;
        answer.unwrap_or_else(|_| {
            Err(StoreError::Other("the store did not answer in time; a change may have been made".to_owned()))
        })
    }
}

impl Holder {
    fn bridge(&self) -> Option<&Bridge> {
        match self {
            Holder::Here(_) => None,
            Holder::Elsewhere(bridge) => Some(bridge),
        }
    }
}

fn provider_of(sender: &SenderPlan) -> Option<&ProviderName> {
    match &sender.link.target {
        Target::Provider(provider) => Some(provider),
        Target::Actor { .. } => None,
    }
}

/// One of an actor's imports.
struct Import {
    outbox: Arc<Outbox>,
    /// Its place among those that the host meets.
    at: usize,
}

impl Outbox {
    /// What the imports of a composite that open stores are connected to: whatever its links lead to at the time.
    pub(crate) fn stores(outbox: &Arc<Self>, plan: &CompositePlan) -> Vec<StoreImport> {
        let import = |(at, native): (usize, &NativePlan)| StoreImport {
            label: native.label.clone(),
            interface: native.link.contract.interface.clone(),
            stores: Arc::new(Import { outbox: Arc::clone(outbox), at }),
        };
        natives(plan).enumerate().map(import).collect()
    }
}

impl Stores for Import {
    fn open(&self, name: &str) -> Result<(), StoreError> {
        let shelves = self.outbox.shelves.load();
        let shelf = shelves.get(self.at).ok_or_else(closed)?;
        shelf.plan.store(name).map(drop).ok_or(StoreError::NoSuchStore)
    }

    fn run<'a>(&'a self, name: &'a str, operation: Operation, call: &'a CallContext) -> Answering<'a> {
        Box::pin(async move {
            let shelves = self.outbox.shelves.load_full();
            shelves.get(self.at).ok_or_else(closed)?.run(name, operation, call).await
        })
    }
}

fn closed() -> StoreError {
    StoreError::Other("the link is closed: the host is stopping".to_owned())
}

/// The imports of a composite that the host meets itself, in their order.
pub(super) fn natives(plan: &CompositePlan) -> impl Iterator<Item = &NativePlan> {
    plan.members.iter().flat_map(|member| &member.wires).filter_map(|wire| match &wire.to {
        WireTo::Native(native) => Some(native),
        WireTo::Member { .. } | WireTo::Sender(_) => None,
    })
}
