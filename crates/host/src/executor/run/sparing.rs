//! Compiling ahead what may have to run here one day.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::{Brought, Run, SpareName};
use crate::executor::Spare;
use crate::executor::load::ActorStart;
use crate::limits::LOAD_RETRY_PAUSE_MAX;

impl Run {
    /// Compiles the next actor ahead, when there is nothing better to do.
    pub(super) fn spare(&mut self) {
        let name = |spare: &Spare| {
            let deployment = &spare.deployment;
            (deployment.blueprint.application.clone(), deployment.version, spare.actor.clone())
        };
        let listed: BTreeSet<SpareName> = self.spares.iter().map(name).collect();
        self.spared.retain(|spared| listed.contains(spared));
        if self.sparing || !self.state.is_settled() {
            return;
        }
        let Some(spare) = self.spares.iter().find(|spare| !self.spared.contains(&name(spare))) else { return };
        let Some(plan) = spare.deployment.blueprint.composites.get(&spare.actor).cloned() else { return };
        let (spared, parts) = (name(spare), Arc::clone(&spare.deployment.parts));
        let (app, actor) = (spared.0.clone(), spared.2.clone());
        let abandoned = Arc::new(AtomicBool::new(false));
        let start = ActorStart { app, name: actor, plan: Arc::new(plan), parts, recorder: None, abandoned };
        let (loader, bring) = (self.loader.clone(), self.bring.clone());
        self.sparing = true;
        tokio::spawn(async move {
            let (app, _, actor) = &spared;
            let working = tokio::spawn(loader.spare(start)).await;
            let is_compiled = matches!(working, Ok(Ok(())));
            match working {
                Ok(Ok(())) => tracing::debug!(%app, %actor, "compiled ahead"),
                Ok(Err(reason)) => tracing::info!(%app, %actor, %reason, "not compiled ahead"),
                Err(reason) => tracing::warn!(%app, %actor, %reason, "not compiled ahead"),
            }
            bring.send(Brought::Spared(spared, is_compiled)).await
        });
    }

    /// What could not be compiled ahead is tried again after a pause; others have their turn meanwhile.
    pub(super) fn spare_later(&self, name: SpareName) {
        let bring = self.bring.clone();
        tokio::spawn(async move {
            tokio::time::sleep(LOAD_RETRY_PAUSE_MAX).await;
            bring.send(Brought::SpareDue(name)).await
        });
    }
}
