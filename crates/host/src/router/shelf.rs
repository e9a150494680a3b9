//! The stores that an actor opens: functions of the host over providers beside it, without messages.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use engine::keyvalue::{Answering, Operation, StoreError, StoreImport, Stores};
use model::blueprint::{CompositePlan, NativePlan, WireTo};
use model::ids::ProviderName;
use provider::Provider;

use super::Outbox;
use super::near::Targets;

/// What one import can open, as the link has it.
pub(super) struct Shelf {
    plan: NativePlan,
    /// Those of its providers that run here.
    providers: BTreeMap<ProviderName, Arc<dyn Provider>>,
}

impl Shelf {
    pub(super) fn new(plan: &NativePlan, targets: &Targets) -> Self {
        let running = |name: &ProviderName| Some((name.clone(), targets.providers.get(name)?.clone()));
        Self { plan: plan.clone(), providers: plan.providers().into_iter().filter_map(running).collect() }
    }

    /// The store that the actor means by `name`, and the provider that has it.
    fn find<'a>(&'a self, name: &'a str) -> Result<(&'a dyn Provider, &'a str), StoreError> {
        let (provider, store) = self.plan.store(name).ok_or(StoreError::NoSuchStore)?;
        match self.providers.get(provider) {
            Some(running) => Ok((&**running, store)),
            None => Err(StoreError::Other(format!("provider {provider} is not running on this host; look at its log"))),
        }
    }

    async fn run(
        &self,
        name: &str,
        operation: Operation,
        deadline: Instant,
    ) -> Result<engine::keyvalue::Answer, StoreError> {
        let (provider, store) = self.find(name)?;
        let deadline = Instant::now().checked_add(self.plan.link.deadline).map_or(deadline, |own| own.min(deadline));
        let answer = tokio::time::timeout_at(deadline.into(), provider.keyvalue(store, operation, deadline)).await;
        answer.unwrap_or_else(|_| {
            Err(StoreError::Other("the store did not answer in time; a change may have been made".to_owned()))
        })
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

    fn run<'a>(&'a self, name: &'a str, operation: Operation, deadline: Instant) -> Answering<'a> {
        Box::pin(async move {
            let shelves = self.outbox.shelves.load_full();
            shelves.get(self.at).ok_or_else(closed)?.run(name, operation, deadline).await
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
