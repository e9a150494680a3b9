//! One actor gets another component, and all else of its application stays as it stands.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use lattice::document::{IntentDocument, StoredComponent};
use model::ids::{ActorName, AppName};
use model::placement::Earlier;

use super::bytes::Pieces;
use super::deploy::{Deployed, Progress, Stands};
use super::routes::Claim;
use super::status::rolled_back;
use super::{OperateError, Operator, derive};
use crate::application::Piece;

impl Operator {
    /// Makes a version of an application in which `actor` is `component`, and all else what runs. It is planned first: what
    /// of the contracts it lacks is refused, with who needs it. Where the actor is that component already, nothing is written.
    ///
    /// # Errors
    ///
    /// There is no such application or actor, or it is down; everything that keeps it from being planned; someone else's
    /// version of the same moment; the store.
    pub async fn patch(
        &self,
        application: &AppName,
        actor: &ActorName,
        component: &Piece,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Deployed, OperateError> {
        let Some(stands) = self.standing(application).await? else {
            return Err(self.no_application(application).await?);
        };
        let instead = self.instead(application, Some(&stands)).await?;
        let Some(runs) = instead.or_else(|| stands.runs()) else {
            return Err(OperateError::IsDown { application: application.clone() });
        };
        let gone = || OperateError::BytesGone {
            application: application.clone(),
            version: runs.version,
            missing: runs.intent,
        };
        let document = self.document(runs.intent).await?.ok_or_else(gone)?;
        let stored = StoredComponent { size: component.bytes.len() as u64, view: component.view.clone() };
        let is_same = known(application, &document, actor)? == &stored;
        if is_same && instead.is_none() {
            return Ok(Deployed::of(application.clone(), stands.version, 0, stored.size));
        }
        let bytes =
            BTreeMap::from([(stored.digest(), (format!("actor {actor}"), Bytes::from_owner(component.bytes.clone())))]);
        let pieces = Pieces::with(patched(document, actor, stored), bytes);
        let pieces = self.dressed(application, pieces, Some(runs)).await?;
        let blueprint = planned(application, &pieces.document)?;
        let mut claim = Claim::new(application, &blueprint);
        self.check_routes(&mut claim, None).await?;
        let kept = self.referred().await.ok().flatten().unwrap_or_default();
        let sent = self.upload(&pieces, &kept, progress).await?;
        let mut deployed = Deployed::of(application.clone(), 0, sent.uploaded, sent.present);
        deployed.is_new = true;
        deployed.version = self.establish(claim, Some(stands), pieces.digest).await?;
        // What was found before the version referred to it may have been removed as unused since.
        deployed.uploaded_bytes += self.upload(&pieces, &pieces.digests(), progress).await?.uploaded;
        deployed.collected = self.collect_some().await;
        Ok(deployed)
    }

    /// The version that runs in the place of the one that stands, where that was refused.
    pub(super) async fn instead(
        &self,
        application: &AppName,
        standing: Option<&Stands>,
    ) -> Result<Option<Earlier>, OperateError> {
        let Some(head) = standing.and_then(|stands| stands.head.as_ref()) else { return Ok(None) };
        let placement = self.placement(Some(application), &mut Vec::new()).await?;
        let placed = placement.applications.get(application).filter(|placed| rolled_back(head, placed).is_some());
        Ok(placed.map(|placed| placed.runs()))
    }
}

/// The component of an actor that there is.
fn known<'a>(
    application: &AppName,
    document: &'a IntentDocument,
    actor: &ActorName,
) -> Result<&'a StoredComponent, OperateError> {
    document.components.get(actor).ok_or_else(|| OperateError::NoActor {
        application: application.clone(),
        actor: actor.clone(),
        actors: document.components.keys().cloned().collect(),
    })
}

fn patched(document: IntentDocument, actor: &ActorName, component: StoredComponent) -> IntentDocument {
    let IntentDocument { mut components, mut patched, .. } = document.clone();
    components.insert(actor.clone(), component);
    patched.insert(actor.clone());
    IntentDocument { components, patched, ..document }
}

/// What a document comes to.
pub(super) fn planned(
    application: &AppName,
    document: &IntentDocument,
) -> Result<model::blueprint::Blueprint, OperateError> {
    let damaged = |reason| OperateError::Damaged { what: format!("the document of {application}"), reason };
    let intent = derive::intent(document).map_err(damaged)?;
    let plan = plan::plan(&intent, None, &crate::inventory::inventory()?);
    let plan = plan.map_err(|problems| OperateError::Unpatchable { application: application.clone(), problems })?;
    Ok(plan.blueprint)
}

/// The actors that were patched, and that `next` would set back to something else.
pub(super) fn reverted(standing: &IntentDocument, next: &IntentDocument) -> BTreeSet<ActorName> {
    let differs = |actor: &&ActorName| standing.components.get(*actor) != next.components.get(*actor);
    standing.patched.iter().filter(differs).cloned().collect()
}
