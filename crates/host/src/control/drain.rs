//! How a host leaves: what it runs moves away first.

use std::collections::BTreeSet;

use model::ids::HostName;
use model::placement::AppPlacement;

use super::effect::{Effect, Exit, Report, Share};
use super::event::Moment;
use super::library::Library;
use super::turn::Turn;
use crate::limits::DRAIN_MOVES_MAX;

/// How far the host is in leaving.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Drain {
    /// It stays.
    #[default]
    No,
    /// It waits until the planners have moved what it runs.
    Moving { since: Moment, force: bool },
    /// Its calls finish.
    Finishing(Exit),
    /// Nothing follows any more.
    Over,
}

/// What still runs on a host.
#[derive(Debug, Default)]
pub(super) struct Remainder {
    /// What may yet move, as `app/name`.
    moving: BTreeSet<String>,
    /// What never moves, since its state is here.
    pinned: BTreeSet<String>,
}

impl Remainder {
    /// What of `share` runs on `host`. What is pinned is told by the demands.
    pub(super) fn of(host: &HostName, share: &Share, library: &Library) -> Self {
        let mut remainder = Self::default();
        for (app, placement) in &share.apps {
            let pinned = pinned_names(library, placement);
            for name in names_on(host, placement) {
                let list = if pinned.contains(name) { &mut remainder.pinned } else { &mut remainder.moving };
                list.insert(format!("{app}/{name}"));
            }
        }
        remainder
    }
}

/// The names of everything of an application that runs on a host.
fn names_on<'a>(host: &'a HostName, placement: &'a AppPlacement) -> impl Iterator<Item = &'a str> {
    let actors = placement.actors.iter().map(|(name, hosts)| (name.as_str(), hosts));
    let providers = placement.providers.iter().map(|(name, hosts)| (name.as_str(), hosts));
    actors.chain(providers).filter(move |(_, hosts)| hosts.contains(host)).map(|(name, _)| name)
}

/// The names of what stands beside local state.
fn pinned_names<'a>(library: &'a Library, placement: &AppPlacement) -> BTreeSet<&'a str> {
    let Some(Ok(demand)) = library.known_demand(placement.intent) else { return BTreeSet::new() };
    let groups = demand.groups.iter().filter(|group| group.pinned());
    groups
        .flat_map(|group| {
            group.actors.iter().map(|name| name.as_str()).chain(group.local.iter().map(|name| name.as_str()))
        })
        .collect()
}

impl Drain {
    /// True from the wish to leave on.
    pub(super) fn leaving(self) -> bool {
        self != Drain::No
    }

    /// True while it moves what it can and then stops, whatever is left.
    pub(super) fn forced(self) -> bool {
        matches!(self, Drain::Moving { force: true, .. })
    }

    /// The host is asked to leave. Asked again with force it does not wait for what stays.
    pub(super) fn ask(&mut self, now: Moment, asked: bool) {
        match self {
            Drain::No => *self = Drain::Moving { since: now, force: asked },
            Drain::Moving { force, .. } => *force |= asked,
            Drain::Finishing(_) | Drain::Over => {}
        }
    }

    /// Takes no new calls and finishes those that run.
    pub(super) fn finish(&mut self, turn: &mut Turn<'_>, exit: Exit) {
        if !matches!(self, Drain::Finishing(_) | Drain::Over) {
            *self = Drain::Finishing(exit);
            turn.emit(Effect::FinishCalls);
        }
    }

    /// Goes on where nothing is left to wait for. `hopeless` is true where nobody can take anything over.
    pub(super) fn advance(&mut self, turn: &mut Turn<'_>, remainder: Remainder, hopeless: bool) {
        let Drain::Moving { since, force } = *self else { return };
        let overdue = hopeless || turn.now.since(since) >= DRAIN_MOVES_MAX;
        if !remainder.moving.is_empty() && !overdue {
            return;
        }
        let local_state = remainder.moving.is_empty();
        let staying: Vec<String> = remainder.moving.into_iter().chain(remainder.pinned).collect();
        if staying.is_empty() || force {
            if !staying.is_empty() {
                turn.report(Report::LeftBehind { staying });
            }
            return self.finish(turn, Exit::Drained);
        }
        *self = Drain::No;
        turn.report(Report::DrainRefused { staying, local_state });
    }

    /// The calls have finished. Of a host that `has_state` others must know: nobody but it has that.
    pub(super) fn finished(&mut self, turn: &mut Turn<'_>, has_state: bool) {
        let Drain::Finishing(exit) = *self else { return };
        *self = Drain::Over;
        if exit == Exit::Drained {
            if !has_state {
                turn.emit(Effect::DeleteRecord);
            }
            turn.emit(Effect::DeleteLease);
        }
        turn.emit(Effect::Exit(exit));
    }
}
