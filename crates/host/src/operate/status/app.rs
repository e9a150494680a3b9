//! An application of a lattice.

use std::collections::BTreeSet;

use lattice::document::{Author, IntentHead, UnixMillis};
use model::ids::{ActorName, AppName, HostName};
use model::placement::AppPlacement;
use plan::LinkExplanation;
use plan::placement::Unplaced;

use super::chain::ChainStatus;
use super::link;
use super::part::{OnHost, PartStatus, Told};
use crate::operate::view::View;

/// An application, told.
#[derive(Clone, Debug, PartialEq)]
pub struct AppStatus {
    /// Its name.
    pub name: AppName,
    /// Its newest version.
    pub version: u64,
    /// Who made that.
    pub by: Author,
    /// When.
    pub at: UnixMillis,
    /// How it is.
    pub phase: Phase,
    /// The actors that are called by themselves.
    pub actors: Vec<PartStatus>,
    /// The providers.
    pub providers: Vec<PartStatus>,
    /// The links, in the order of actors and imports.
    pub links: Vec<LinkExplanation>,
    /// The chains of middleware that routes have.
    pub chains: Vec<ChainStatus>,
    /// What runs on fewer hosts than it asks for, and why.
    pub unplaced: Vec<Unplaced>,
    /// Why the version cannot be planned.
    pub refused: Option<String>,
    /// Where the version was worse than the one before it: that one, which runs.
    pub rolled_back: Option<RolledBack>,
    /// The actors whose component was patched in, and is not what the application's sources say.
    pub patched: BTreeSet<ActorName>,
    /// The hosts that keep the version before, to go back to: the version is not trusted there yet.
    pub watched: BTreeSet<HostName>,
}

/// The version that runs in the place of a newer one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RolledBack {
    /// Its number.
    pub to: u64,
    /// What is wrong with the newer one.
    pub reason: String,
}

/// How an application is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It was taken down, and nothing of it runs.
    Down,
    /// It was taken down, and still runs somewhere.
    Stopping,
    /// Its newest version cannot be planned; an earlier one may run.
    Refused,
    /// Its newest version was worse than the one before it, which runs again.
    RolledBack,
    /// No planner has placed the newest version yet.
    Planning,
    /// Something is not ready yet.
    Starting,
    /// Something does not come up.
    Failing,
    /// It cannot be told, for something cannot be read.
    Unknown,
    /// All that is placed is ready, and something runs on fewer hosts than it asks for.
    Short,
    /// Everything is ready wherever it is asked for.
    Ready,
}

impl Phase {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Stopping => "stopping",
            Self::Refused => "refused",
            Self::RolledBack => "rolled-back",
            Self::Planning => "planning",
            Self::Starting => "starting",
            Self::Failing => "failing",
            Self::Unknown => "unknown",
            Self::Short => "short",
            Self::Ready => "ready",
        }
    }
}

impl AppStatus {
    pub(super) fn of(view: &View, name: &AppName, head: &IntentHead, short: &[Unplaced]) -> Self {
        let told = Told::of(view, name);
        let derived = view.derived.get(name);
        let planned = derived.and_then(|derived| derived.as_ref().ok());
        let mut status = Self {
            name: name.clone(),
            version: head.version,
            by: head.by.clone(),
            at: head.at,
            phase: Phase::Down,
            actors: planned.map(|derived| told.actors(derived)).unwrap_or_default(),
            providers: planned.map(|derived| told.providers(derived)).unwrap_or_default(),
            links: planned.map(|derived| link::all(derived)).unwrap_or_default(),
            chains: planned.map(|derived| ChainStatus::all(&derived.intent.manifest)).unwrap_or_default(),
            unplaced: if told.is_unknown() {
                Vec::new()
            } else {
                short.iter().filter(|unplaced| unplaced.application == *name).cloned().collect()
            },
            refused: derived.and_then(|derived| derived.as_ref().err().cloned()),
            rolled_back: told.placed.and_then(|placed| rolled_back(head, placed)),
            patched: planned.map(|derived| derived.patched.clone()).unwrap_or_default(),
            watched: told.watched(),
        };
        status.phase = status.phase(head, &told);
        status
    }

    fn phase(&self, head: &IntentHead, told: &Told<'_>) -> Phase {
        if head.document.is_none() {
            return if told.runs() {
                Phase::Stopping
            } else if told.is_unknown() {
                Phase::Unknown
            } else {
                Phase::Down
            };
        }
        if self.refused.is_some() {
            return Phase::Refused;
        }
        if told.view.is_place_unreadable(told.name) {
            return Phase::Unknown;
        }
        if self.rolled_back.is_some() {
            return Phase::RolledBack;
        }
        if told.placed.is_none_or(|placed| placed.version != head.version) {
            return Phase::Planning;
        }
        let hosts: Vec<&OnHost> =
            self.actors.iter().chain(&self.providers).flat_map(|part| part.hosts.values()).collect();
        let any = |is: fn(&OnHost) -> bool| hosts.iter().any(|on| is(on));
        if any(|on| matches!(on, OnHost::Failing(_))) {
            Phase::Failing
        } else if any(|on| matches!(on, OnHost::Starting | OnHost::Older(_) | OnHost::Tried(_))) {
            Phase::Starting
        } else if any(|on| *on == OnHost::Unknown) {
            Phase::Unknown
        } else if !self.unplaced.is_empty() || any(|on| *on == OnHost::Lost) {
            Phase::Short
        } else {
            Phase::Ready
        }
    }
}

/// Which version runs in the place of the newest, and why.
pub(in crate::operate) fn rolled_back(head: &IntentHead, placed: &AppPlacement) -> Option<RolledBack> {
    let refused = placed.refused.as_ref().filter(|refused| refused.version == head.version)?;
    Some(RolledBack { to: placed.version, reason: refused.reason.clone() })
}
