//! What applications run, derived from their documents and kept by digest.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use lattice::document::{Document as _, IntentDocument};
use lattice::limits::INTENT_BYTES_MAX;
use lattice::objects::Objects;
use model::digest::Digest;
use plan::Inventory;
use tokio::sync::{Semaphore, mpsc};

use super::run::Input;
use crate::control::Underivable;
use crate::limits::{DERIVED_MAX, DERIVING_MAX};
use crate::operate::{Derived, derive};

/// What a document says, or why nothing can be made of it, which stays so.
pub(super) type Known = Result<Arc<Derived>, String>;

/// What has been derived, and what is being derived.
pub(super) struct Documents {
    objects: Arc<dyn Objects>,
    inventory: Arc<Inventory>,
    inputs: mpsc::Sender<Input>,
    known: BTreeMap<Digest, Known>,
    /// What is known, the longest unused first.
    order: VecDeque<Digest>,
    asked: BTreeSet<Digest>,
    turns: Arc<Semaphore>,
}

impl Documents {
    pub(super) fn new(objects: Arc<dyn Objects>, inventory: Inventory, inputs: mpsc::Sender<Input>) -> Self {
        Self {
            objects,
            inventory: Arc::new(inventory),
            inputs,
            known: BTreeMap::new(),
            order: VecDeque::new(),
            asked: BTreeSet::new(),
            turns: Arc::new(Semaphore::new(DERIVING_MAX)),
        }
    }

    /// What a document says, if it is known.
    pub(super) fn get(&mut self, document: Digest) -> Option<Known> {
        let known = self.known.get(&document).cloned()?;
        self.order.retain(|other| *other != document);
        self.order.push_back(document);
        Some(known)
    }

    /// Derives a document; [`Input::Derived`] answers.
    pub(super) fn ask(&mut self, document: Digest) {
        if !self.asked.insert(document) {
            return;
        }
        let (objects, inventory) = (Arc::clone(&self.objects), Arc::clone(&self.inventory));
        let (inputs, turns) = (self.inputs.clone(), Arc::clone(&self.turns));
        tokio::spawn(async move {
            let Ok(_turn) = turns.acquire_owned().await else { return };
            let result = fetch(&*objects, inventory, document).await;
            let _ = inputs.send(Input::Derived(document, result.map(Arc::new))).await;
        });
    }

    /// Keeps what was derived; what has not been used for longest goes, unless it is in `used`.
    pub(super) fn take(
        &mut self,
        document: Digest,
        result: &Result<Arc<Derived>, Underivable>,
        used: &BTreeSet<Digest>,
    ) {
        self.asked.remove(&document);
        let known = match result {
            Ok(derived) => Ok(Arc::clone(derived)),
            Err(Underivable::Refused(reason)) => Err(reason.clone()),
            Err(Underivable::Unavailable) => return,
        };
        if self.known.insert(document, known).is_none() {
            self.order.push_back(document);
        }
        let mut excess = self.known.len().saturating_sub(DERIVED_MAX);
        let known = &mut self.known;
        self.order.retain(|old| {
            let goes = excess > 0 && !used.contains(old) && *old != document;
            if goes {
                excess -= 1;
                known.remove(old);
            }
            !goes
        });
    }
}

async fn fetch(objects: &dyn Objects, inventory: Arc<Inventory>, document: Digest) -> Result<Derived, Underivable> {
    let found = objects.get(document, INTENT_BYTES_MAX as u64).await;
    let bytes = found.inspect_err(|reason| tracing::debug!(%document, %reason, "a document cannot be fetched"));
    let bytes = bytes.ok().flatten().ok_or(Underivable::Unavailable)?;
    let planning = tokio::task::spawn_blocking(move || {
        let read = IntentDocument::decode(&bytes).map_err(|error| error.to_string())?;
        derive(&read, document, 0, &inventory)
    });
    planning
        .await
        .map_err(|_| Underivable::Refused("it cannot be planned without a fault".to_owned()))?
        .map_err(Underivable::Refused)
}
