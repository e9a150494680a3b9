//! Taking up a share.

use std::sync::Arc;

use model::ids::AppName;

use super::Run;
use crate::control::Share;
use crate::node::share::{self, Placed, Placements};
use crate::node::standing::NodeNews;
use crate::operate::Derived;

impl Run {
    /// Tries again to take up the share that waits.
    pub(super) fn adopt_next(&mut self) {
        if let Some(share) = self.next.take() {
            self.adopt(share);
            self.worked();
        }
    }

    /// Takes up a share, as soon as everything in it is derived.
    pub(super) fn adopt(&mut self, share: Share) {
        self.again = None;
        let mut placed = Placements::new();
        let mut lacking = Vec::new();
        for (app, placement) in share::placements(&share) {
            match self.documents.get(placement.intent) {
                Some(Ok(derived)) => {
                    let placement = Arc::clone(placement);
                    placed.insert(app.clone(), Placed { placement, derived });
                }
                Some(Err(reason)) => {
                    tracing::warn!(%app, reason, "what was placed cannot be planned any more; what runs of it stays");
                    placed.extend(self.placed.get_key_value(app).map(|(app, placed)| (app.clone(), placed.clone())));
                }
                None => lacking.push(placement.intent),
            }
        }
        if !lacking.is_empty() {
            lacking.into_iter().for_each(|document| self.documents.ask(document));
            self.next = Some(share);
            return;
        }
        self.next = None;
        self.take_up(share, placed);
    }

    fn take_up(&mut self, share: Share, placed: Placements) {
        let me = &self.settings.name;
        let stored = |derived: &Derived| self.stored(derived);
        let deployments = share::deployments(&share, &placed, me, stored);
        let spares = share::spares(&placed, me, &self.settings.labels, stored);
        for (app, Placed { placement, .. }) in &placed {
            self.switchboard.place(app, Some(Arc::clone(placement)));
        }
        for app in self.placed.keys().filter(|app| !placed.contains_key(*app)) {
            self.switchboard.place(app, None);
        }
        let knowledge = share::knowledge(&self.knowledge.borrow(), &placed);
        self.knowledge.send_replace(Arc::new(knowledge));
        self.executor.keep_compiled(spares);
        let apps: Vec<AppName> = share.apps.keys().cloned().collect();
        let generation = share.generation;
        self.told.send_modify(|status| {
            status.generation = generation;
            status.placed = share.apps.iter().map(|(app, placement)| (app.clone(), placement.version)).collect();
            status.routed = share.routed.keys().cloned().collect();
        });
        self.share = share;
        self.placed = placed;
        self.wished = deployments;
        self.assign();
        self.tell_share();
        self.serve_routes();
        let adopted = Some((generation, apps.clone()));
        if self.adopted != adopted {
            self.adopted = adopted;
            (self.tell)(NodeNews::Adopted { generation, apps });
        }
    }
}
