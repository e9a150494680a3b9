//! What applications demand, as far as it can be derived.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lattice::document::IntentHead;
use model::digest::Digest;
use model::ids::AppName;
use model::placement::{AppPlacement, Placement};
use plan::placement::Demand;

use crate::control::effect::Report;
use crate::control::event::Moment;
use crate::control::library::{Library, in_version};
use crate::control::turn::Turn;
use crate::limits::{DERIVE_WAIT_MAX, FETCHES_MAX};

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
        let asked = self.asked(placement);
        for (app, version, document) in asked {
            match self.known(turn, library, &app, version, document) {
                Known::Demand(demand) => drop(gathered.demands.insert(app, demand)),
                Known::NotYet | Known::Refused => {
                    let Some(placed) = placement.applications.get(&app) else { continue };
                    match self.known(turn, library, &app, placed.version, placed.intent) {
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

    /// The version and document of each application that is to run. Where the placement is of a later version than the
    /// intent that is known here, the watch is behind: whoever placed it knew better.
    fn asked(&self, placement: &Placement) -> Vec<(AppName, u64, Digest)> {
        let mut asked = Vec::new();
        for (app, head) in &self.heads {
            let placed = placement.applications.get(app).filter(|placed| placed.version > head.version);
            match (placed, head.document) {
                (Some(placed), _) => asked.push((app.clone(), placed.version, placed.intent)),
                (None, Some(document)) => asked.push((app.clone(), head.version, document)),
                (None, None) => {}
            }
        }
        let unknown = |app: &&AppName| !self.heads.contains_key(*app) && !self.deleted.contains(*app);
        for (app, placed) in placement.applications.iter().filter(|(app, _)| unknown(app)) {
            asked.push((app.clone(), placed.version, placed.intent));
        }
        asked
    }

    fn is_waiting(&self) -> bool {
        self.wanted.iter().any(|document| !self.given_up.contains(document))
    }

    fn known(
        &mut self,
        turn: &mut Turn<'_>,
        library: &mut Library,
        app: &AppName,
        version: u64,
        document: Digest,
    ) -> Known {
        let refused = match library.demand(turn, document) {
            None => {
                self.wanted.insert(document);
                return Known::NotYet;
            }
            Some(Ok(demand)) if demand.application == *app => {
                return Known::Demand(self.versioned(app, version, document, &demand));
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

    fn versioned(&mut self, app: &AppName, version: u64, document: Digest, derived: &Arc<Demand>) -> Arc<Demand> {
        let known = self.versioned.get(app).filter(|known| known.version == version && known.intent == document);
        if let Some(known) = known {
            return known.clone();
        }
        let demand = in_version(derived, version, document);
        self.versioned.insert(app.clone(), demand.clone());
        demand
    }

    /// The documents that must stay in the library.
    pub(super) fn needs(&self, documents: &mut BTreeSet<Digest>) {
        documents.extend(self.heads.values().filter_map(|head| head.document));
    }
}
