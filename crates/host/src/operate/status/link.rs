//! The links of an application.

use std::collections::BTreeSet;

use plan::{LinkExplanation, explain};

use crate::operate::derive::Derived;

/// Every link once: that of an actor which is in several composites leads from each of them to the same place.
pub(super) fn all(derived: &Derived) -> Vec<LinkExplanation> {
    let mut links = explain(&derived.blueprint, &derived.notes);
    let mut seen = BTreeSet::new();
    links.retain(|link| seen.insert((link.actor.clone(), link.import.clone())));
    links.sort_by(|one, other| (&one.actor, &one.import).cmp(&(&other.actor, &other.import)));
    links
}
