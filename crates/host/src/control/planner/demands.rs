//! What applications demand, as far as it can be derived.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lattice::document::IntentHead;
use model::digest::Digest;
use model::ids::AppName;
use model::placement::{AppPlacement, Earlier, Placement, Refusal, Share};
use plan::placement::Demand;

use crate::control::effect::Report;
use crate::control::event::Moment;
use crate::control::library::Library;
use crate::control::turn::Turn;
use crate::limits::{DERIVE_WAIT_MAX, FETCHES_MAX};

use super::hosts::Hosts;

/// The intents, and what they demand.
#[derive(Debug, Default)]
pub(super) struct Demands {
    heads: BTreeMap<AppName, IntentHead>,
    /// Applications whose key is known to be deleted.
    deleted: BTreeSet<AppName>,
    /// What the watch has told since it began; none once all is told.
    told: Option<BTreeSet<AppName>>,
    /// Documents that are not derived yet.
    wanted: BTreeSet<Digest>,
    /// Those of them that were waited for in vain: no plan waits for them again.
    given_up: BTreeSet<Digest>,
    /// Documents that cannot be derived, by application, so that each is reported once, and why.
    refused: BTreeMap<AppName, BTreeMap<Digest, String>>,
    /// The demands with the versions that they were last planned in.
    versioned: BTreeMap<AppName, Arc<Demand>>,
}

/// What is there to plan with.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// What each application demands: of its newest intent that can be derived.
    pub(super) demands: BTreeMap<AppName, Arc<Demand>>,
    /// Applications of which nothing can be derived; they stay as they are.
    pub(super) kept: BTreeMap<AppName, Arc<AppPlacement>>,
}

/// The version of an application that is to run.
struct Asked {
    runs: Earlier,
    share: Option<Share>,
    /// The newest, where that is another.
    refused: Option<Refusal>,
}

impl Asked {
    /// What is placed.
    fn placed(placed: &AppPlacement) -> Self {
        Self { runs: placed.runs(), share: placed.share, refused: placed.refused.clone() }
    }
}

/// The version that is to run in the place of the newest, where that was refused.
fn instead(app: &AppName, newest: Earlier, placed: &AppPlacement, hosts: &Hosts) -> Option<Asked> {
    if placed.refused.as_ref().is_some_and(|refused| refused.version == newest.version) {
        return Some(Asked::placed(placed));
    }
    gone_back(app, placed, hosts).filter(|_| placed.runs() == newest)
}

/// The version before the one that is placed, where a host refuses that.
fn gone_back(app: &AppName, placed: &AppPlacement, hosts: &Hosts) -> Option<Asked> {
    let before = placed.before.filter(|before| hosts.refusal(app, before.version).is_none())?;
    let refused = hosts.refusal(app, placed.version)?;
    Some(Asked { runs: before, share: None, refused: Some(refused) })
}

/// What is known of one version of one application.
enum Known {
    Demand(Arc<Demand>),
    Refused,
    NotYet,
}

impl Demands {
    pub(super) fn watch_began(&mut self) {
        self.told = Some(BTreeSet::new());
    }

    pub(super) fn watch_current(&mut self) {
        if let Some(told) = self.told.take() {
            let gone = self.heads.extract_if(.., |app, _| !told.contains(app));
            self.deleted.extend(gone.map(|(app, _)| app));
        }
    }

    /// Something is asked of an application, and nobody here can tell what: what is known of it stays.
    pub(super) fn unreadable(&mut self, app: AppName) {
        self.deleted.remove(&app);
        if let Some(told) = &mut self.told {
            told.insert(app);
        }
    }

    /// True where something has changed.
    pub(super) fn intent(&mut self, app: AppName, head: Option<IntentHead>) -> bool {
        if let Some(told) = &mut self.told {
            told.insert(app.clone());
        }
        // What was asked for before is asked for no longer.
        if let Some(before) = self.heads.get(&app).and_then(|before| before.document) {
            self.wanted.remove(&before);
        }
        match head {
            Some(head) => {
                self.deleted.remove(&app);
                self.wanted.extend(head.document);
                self.heads.insert(app, head.clone()).as_ref() != Some(&head)
            }
            None => {
                self.versioned.remove(&app);
                self.heads.remove(&app);
                self.deleted.insert(app)
            }
        }
    }

    /// Asks for documents before they are needed, a bounded number at a time. True where one is new.
    pub(super) fn prepare(&mut self, turn: &mut Turn<'_>, library: &mut Library) -> bool {
        let (late, due): (Vec<Digest>, Vec<Digest>) =
            self.wanted.iter().partition(|document| self.given_up.contains(document));
        let looked_at: Vec<Digest> = due.into_iter().chain(late).take(FETCHES_MAX).collect();
        let mut arrived = false;
        for document in looked_at {
            if library.demand(turn, document).is_some() {
                self.wanted.remove(&document);
                self.given_up.remove(&document);
                arrived = true;
            }
        }
        arrived
    }

    /// The demand of every application; none while documents are waited for, which began at `since`.
    pub(super) fn gather(
        &mut self,
        turn: &mut Turn<'_>,
        library: &mut Library,
        placement: &Placement,
        hosts: &Hosts,
        since: Moment,
    ) -> Option<Gathered> {
        let patient = turn.now.since(since) < DERIVE_WAIT_MAX;
        if patient && self.is_waiting() {
            return None;
        }
        let mut gathered = Gathered::default();
        let heads = &self.heads;
        self.refused.retain(|app, reasons| {
            let newest = heads.get(app).and_then(|head| head.document);
            let placed = placement.applications.get(app).map(|placed| placed.intent);
            reasons.retain(|document, _| [newest, placed].contains(&Some(*document)));
            !reasons.is_empty()
        });
        self.deleted.retain(|app| placement.applications.contains_key(app));
        let asked = self.asked(placement, hosts);
        for (app, asked) in asked {
            match self.known(turn, library, &app, asked) {
                Known::Demand(demand) => drop(gathered.demands.insert(app, demand)),
                Known::NotYet | Known::Refused => {
                    let Some(placed) = placement.applications.get(&app) else { continue };
                    let stays = gone_back(&app, placed, hosts).unwrap_or_else(|| Asked::placed(placed));
                    match self.known(turn, library, &app, stays) {
                        Known::Demand(demand) => drop(gathered.demands.insert(app, demand)),
                        Known::NotYet | Known::Refused => drop(gathered.kept.insert(app, placed.clone())),
                    }
                }
            }
        }
        if patient && self.is_waiting() {
            return None;
        }
        self.given_up.clone_from(&self.wanted);
        Some(gathered)
    }

    /// What is to run of each application. Where the placement is of a later version than the intent that is known here, the
    /// watch is behind: whoever placed it knew better.
    fn asked(&self, placement: &Placement, hosts: &Hosts) -> Vec<(AppName, Asked)> {
        let mut asked = Vec::new();
        for (app, head) in &self.heads {
            let placed = placement.applications.get(app);
            match (placed.filter(|placed| placed.version > head.version), head.document) {
                (Some(placed), _) => asked.push((app.clone(), Asked::placed(placed))),
                (None, Some(intent)) => {
                    let newest = Earlier { version: head.version, intent };
                    let standing = placed.and_then(|placed| instead(app, newest, placed, hosts));
                    let newest = Asked { runs: newest, share: head.share, refused: None };
                    asked.push((app.clone(), standing.unwrap_or(newest)));
                }
                (None, None) => {}
            }
        }
        let unknown = |app: &&AppName| !self.heads.contains_key(*app) && !self.deleted.contains(*app);
        for (app, placed) in placement.applications.iter().filter(|(app, _)| unknown(app)) {
            asked.push((app.clone(), Asked::placed(placed)));
        }
        asked
    }

    fn is_waiting(&self) -> bool {
        self.wanted.iter().any(|document| !self.given_up.contains(document))
    }

    fn known(&mut self, turn: &mut Turn<'_>, library: &mut Library, app: &AppName, asked: Asked) -> Known {
        let document = asked.runs.intent;
        let refused = match library.demand(turn, document) {
            None => {
                self.wanted.insert(document);
                return Known::NotYet;
            }
            Some(Ok(demand)) if demand.application == *app => {
                return Known::Demand(self.versioned(app, asked, &demand));
            }
            Some(Ok(demand)) => format!("it is the intent of {}", demand.application),
            Some(Err(reason)) => reason.to_string(),
        };
        let reason = format!("its newest version cannot be planned here: {refused}");
        if self.refused.entry(app.clone()).or_default().insert(document, reason).is_none() {
            turn.report(Report::Underivable { app: app.clone(), document, reason: refused });
        }
        Known::Refused
    }

    /// The applications whose newest version cannot be planned here, with the reason.
    pub(super) fn failing(&self) -> impl Iterator<Item = (&AppName, &str)> {
        let newest = |app| self.heads.get(app).and_then(|head| head.document);
        self.refused.iter().filter_map(move |(app, reasons)| Some((app, reasons.get(&newest(app)?)?.as_str())))
    }

    fn versioned(&mut self, app: &AppName, asked: Asked, derived: &Arc<Demand>) -> Arc<Demand> {
        let Asked { runs: Earlier { version, intent }, share, refused } = asked;
        let is_same = |known: &&Arc<Demand>| {
            (known.version, known.intent, known.share, &known.refused) == (version, intent, share, &refused)
        };
        if let Some(known) = self.versioned.get(app).filter(is_same) {
            return known.clone();
        }
        let demand = Arc::new(Demand { version, intent, share, refused, ..derived.as_ref().clone() });
        self.versioned.insert(app.clone(), demand.clone());
        demand
    }

    /// The documents that must stay in the library.
    pub(super) fn needs(&self, documents: &mut BTreeSet<Digest>) {
        documents.extend(self.heads.values().filter_map(|head| head.document));
    }
}
