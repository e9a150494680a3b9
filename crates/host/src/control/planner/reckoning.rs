//! Where everything is to run. With very many actors that takes a while, so it is reckoned beside the loop.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::ids::{AppName, HostName};
use model::placement::{AppPlacement, Placement};
use plan::placement::{Demand, HostView, check_placement, place};

use super::readiness;
use crate::control::event::Op;

/// What a placement follows from, and nothing else: whoever reckons it comes to the same.
#[derive(Clone, Debug, PartialEq)]
pub struct Reckoning {
    pub(super) demands: BTreeMap<AppName, Arc<Demand>>,
    pub(super) previous: Placement,
    pub(super) hosts: BTreeMap<HostName, HostView>,
}

/// What it came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Reckoned {
    pub(super) next: Placement,
    /// Another than before.
    pub(super) is_new: bool,
    /// Why the independent check does not let it pass.
    pub(super) violations: Vec<String>,
    /// A change of what is ready can change it.
    pub(super) readiness_awaited: bool,
}

/// A reckoning that is under way.
#[derive(Debug)]
pub(super) struct Placing {
    pub(super) op: Op,
    /// Applications that stay where they are.
    pub(super) kept: BTreeMap<AppName, Arc<AppPlacement>>,
    /// Something has changed since it began.
    pub(super) outdated: bool,
}

impl Reckoning {
    /// Reckons. It takes a second or so for a hundred thousand actors.
    pub fn run(self) -> Reckoned {
        let Self { demands, previous, hosts } = self;
        let next = place(&demands, &previous, &hosts);
        let readiness_awaited = readiness::is_awaited(&demands, &next, &hosts);
        let is_new = next.applications != previous.applications;
        let checked = if is_new { check_placement(&demands, &previous, &next, &hosts) } else { Ok(()) };
        let violations = checked.err().unwrap_or_default().iter().map(ToString::to_string).collect();
        Reckoned { next, is_new, violations, readiness_awaited }
    }
}
