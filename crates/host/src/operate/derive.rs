//! From a document of intent to what it runs and where that may stand.

use std::collections::BTreeSet;
use std::sync::Arc;

use lattice::document::{IntentDocument, StoredAdapter, StoredAdapters, StoredSubstitute};
use model::blueprint::Blueprint;
use model::digest::Digest;
use model::ids::ActorName;
use plan::placement::{Demand, demand};
use plan::{AdapterPair, GivenAdapter, Intent, Inventory, Notes, Plan, Substitute};

/// What follows from a document of intent.
#[derive(Clone, Debug)]
pub struct Derived {
    /// What was asked.
    pub intent: Arc<Intent>,
    /// What runs.
    pub blueprint: Arc<Blueprint>,
    /// What explains it.
    pub notes: Arc<Notes>,
    /// What it asks of hosts.
    pub demand: Arc<Demand>,
    /// The actors whose component was patched in, and is not what the application's sources say.
    pub patched: BTreeSet<ActorName>,
}

/// Plans what `document`, kept as `digest`, asks for as `version`. The same on every host.
///
/// # Errors
///
/// Why it cannot be planned, in words: an older lath cannot plan what a newer one wrote.
pub fn derive(
    document: &IntentDocument,
    digest: Digest,
    version: u64,
    inventory: &Inventory,
) -> Result<Derived, String> {
    let intent = intent(document)?;
    let plan = plan::plan(&intent, None, inventory).map_err(|problems| told(&problems))?;
    let Plan { blueprint, notes, .. } = plan;
    let demand = demand(&intent, &blueprint, inventory, version, digest).map_err(|problems| told(&problems))?;
    Ok(Derived {
        intent: Arc::new(intent),
        blueprint: Arc::new(blueprint),
        notes: Arc::new(notes),
        demand: Arc::new(demand),
        patched: document.patched.clone(),
    })
}

/// What a document asks for.
pub(super) fn intent(document: &IntentDocument) -> Result<Intent, String> {
    let manifest = model::manifest::parse(&document.manifest).map_err(|errors| errors.to_string())?;
    let components = document.components.iter();
    let adapters = document.adapters.iter();
    Ok(Intent {
        manifest,
        components: components.map(|(actor, component)| (actor.clone(), component.view.clone())).collect(),
        adapters: adapters.map(|(contract, pair)| (contract.clone(), given(pair))).collect(),
        wires: document.wires.clone(),
        substitutes: document.substitutes.iter().map(substitute).collect(),
    })
}

fn given(StoredAdapters { sender, receiver }: &StoredAdapters) -> AdapterPair {
    let one = |StoredAdapter { component, wire }: &StoredAdapter| GivenAdapter {
        view: component.view.clone(),
        wire: wire.clone(),
    };
    AdapterPair { sender: one(sender), receiver: one(receiver) }
}

pub(super) fn substitute(stored: &StoredSubstitute) -> Substitute {
    Substitute { side: stored.side, wire: stored.wire, view: stored.component.view.clone() }
}

fn told(problems: &[plan::Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
