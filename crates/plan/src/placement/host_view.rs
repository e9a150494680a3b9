//! Hosts as the planner sees them.

use std::collections::{BTreeMap, BTreeSet};

use model::ids::{AppName, Labels, ProviderName};
pub use model::placement::Ready;

/// A host of the lattice, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostView {
    /// Its labels.
    pub labels: Labels,
    /// False once its lease has lapsed.
    pub alive: bool,
    /// True where it takes nothing new and gives away what it has.
    pub draining: bool,
    /// The kinds of provider that it offers, such as `keyvalue/embedded`.
    pub kinds: BTreeSet<String>,
    /// What it has ready, by application.
    pub ready: BTreeMap<AppName, Ready>,
    /// The providers whose state is in its data folder, whether they run or not.
    pub states: BTreeSet<(AppName, ProviderName)>,
}
