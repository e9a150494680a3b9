//! What changes from one placement to the next.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use model::ids::{ActorName, AppName, HostName, ProviderName};
use model::placement::{AppPlacement, Placement};

/// A change of the hosts or the version of one actor or provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// The application.
    pub application: AppName,
    /// The actor or provider.
    pub what: Moved,
    /// The version of intent before; none where it is new.
    pub before: Option<u64>,
    /// The version of intent after; none where it goes.
    pub after: Option<u64>,
    /// Hosts that run it before and after.
    pub stays: BTreeSet<HostName>,
    /// Hosts that run it after only.
    pub joins: BTreeSet<HostName>,
    /// Hosts that run it before only.
    pub leaves: BTreeSet<HostName>,
}

/// What moves.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moved {
    /// An actor.
    Actor(ActorName),
    /// A provider.
    Provider(ProviderName),
}

impl fmt::Display for Moved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Moved::Actor(actor) => actor.fmt(f),
            Moved::Provider(provider) => write!(f, "{provider} (provider)"),
        }
    }
}

/// Such as `shop/cart: version 2 → 3, stays on h1, joins h2, leaves h3`.
impl fmt::Display for Move {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}: ", self.application, self.what)?;
        match (self.before, self.after) {
            (None, Some(after)) => write!(f, "new in version {after}")?,
            (Some(before), None) => write!(f, "gone after version {before}")?,
            (Some(before), Some(after)) if before != after => write!(f, "version {before} → {after}")?,
            (_, after) => write!(f, "version {}", after.unwrap_or_default())?,
        }
        for (verb, hosts) in [("stays on", &self.stays), ("joins", &self.joins), ("leaves", &self.leaves)] {
            if !hosts.is_empty() {
                let hosts: Vec<_> = hosts.iter().map(HostName::as_str).collect();
                write!(f, ", {verb} {}", hosts.join(", "))?;
            }
        }
        match self.after.is_some() && self.stays.is_empty() && self.joins.is_empty() {
            true => f.write_str(", on no host"),
            false => Ok(()),
        }
    }
}

/// Everything that changes its hosts or its version, in the order of applications and names. Parts that the two placements
/// share are not looked into.
pub fn differences(previous: &Placement, next: &Placement) -> Vec<Move> {
    let names: BTreeSet<_> = previous.applications.keys().chain(next.applications.keys()).collect();
    let parts = |placement: &'_ Placement, name| placement.applications.get(name).cloned();
    let mut moves = Vec::new();
    for application in names {
        match (parts(previous, application), parts(next, application)) {
            (Some(before), Some(after)) if Arc::ptr_eq(&before, &after) => {}
            (before, after) => of_application(application, before.as_deref(), after.as_deref(), &mut moves),
        }
    }
    moves
}

fn of_application(
    application: &AppName,
    before: Option<&AppPlacement>,
    after: Option<&AppPlacement>,
    moves: &mut Vec<Move>,
) {
    let (old, new) = (parts(before), parts(after));
    let names: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let none = BTreeSet::new();
    for what in names {
        let (was, is) = (old.get(what), new.get(what));
        let version =
            |there: bool, placed: Option<&AppPlacement>| placed.filter(|_| there).map(|placed| placed.version);
        let (from, to) = (was.copied().unwrap_or(&none), is.copied().unwrap_or(&none));
        let change = Move {
            application: application.clone(),
            before: version(was.is_some(), before),
            after: version(is.is_some(), after),
            stays: from.intersection(to).cloned().collect(),
            joins: to.difference(from).cloned().collect(),
            leaves: from.difference(to).cloned().collect(),
            what: what.clone(),
        };
        if change.before != change.after || from != to {
            moves.push(change);
        }
    }
}

fn parts(placed: Option<&AppPlacement>) -> BTreeMap<Moved, &BTreeSet<HostName>> {
    let actors = placed.into_iter().flat_map(|placed| &placed.actors);
    let providers = placed.into_iter().flat_map(|placed| &placed.providers);
    let actors = actors.map(|(actor, hosts)| (Moved::Actor(actor.clone()), hosts));
    actors.chain(providers.map(|(provider, hosts)| (Moved::Provider(provider.clone()), hosts))).collect()
}
