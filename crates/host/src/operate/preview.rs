//! What deploying an application would change.

use std::sync::Arc;

use model::digest::Digest;
use plan::placement::{Demand, Move, Unplaced, demand, differences, place, unplaced};

use super::bytes::Pieces;
use super::changes::{Change, changes};
use super::{OperateError, Operator, derive};
use crate::application::Application;

/// What deploying an application would change.
#[derive(Clone, Debug, PartialEq)]
pub struct Preview {
    /// The version that stands; none where the lattice does not know the application.
    pub standing: Option<u64>,
    /// True where the same stands already: nothing would change.
    pub is_same: bool,
    /// What differs from what stands. Where nothing of the application stands, everything is new and this is empty.
    pub changes: Vec<Change>,
    /// What would move, as the hosts are now.
    pub moves: Vec<Move>,
    /// What of it would run on fewer hosts than it asks for.
    pub unplaced: Vec<Unplaced>,
    /// Bytes that would be sent.
    pub upload_bytes: u64,
}

impl Operator {
    /// Tells what [`Self::up`] would change; changes nothing.
    ///
    /// # Errors
    ///
    /// Everything that keeps it from being planned; the store.
    pub async fn preview(&self, application: &Application) -> Result<Preview, OperateError> {
        let name = &application.manifest().application;
        let pieces = Pieces::of(application);
        let view = self.view(None).await?;
        let standing = view.heads.get(name);
        let document = match standing.and_then(|head| head.document) {
            Some(digest) => self.document(digest).await?,
            None => None,
        };
        let before = document.as_ref().and_then(|document| derive::intent(document).ok());
        let mut demands = view.demands();
        let version = standing.map_or(0, |head| head.version).saturating_add(1);
        demands.insert(name.clone(), demanded(application, version, pieces.digest)?);
        let hosts = view.host_views();
        let next = place(&demands, &view.placement, &hosts);
        let mut moves = differences(&view.placement, &next);
        moves.retain(|change| change.application == *name);
        let mut short = unplaced(&demands, &next, &hosts);
        short.retain(|group| group.application == *name);
        Ok(Preview {
            standing: standing.map(|head| head.version),
            is_same: document.as_ref().is_some_and(|document| pieces.is_same(document)),
            changes: before.map(|before| changes(&before, application.intent())).unwrap_or_default(),
            moves,
            unplaced: short,
            upload_bytes: self.missing(&pieces).await?,
        })
    }
}

/// What an application asks of hosts.
///
/// # Errors
///
/// Everything that keeps it from being planned.
pub(super) fn demanded(application: &Application, version: u64, document: Digest) -> Result<Arc<Demand>, OperateError> {
    let refused =
        |problems| OperateError::Unplannable { application: application.manifest().application.clone(), problems };
    let plan = application.plan(None).map_err(refused)?;
    let demand = demand(application.intent(), &plan.blueprint, application.inventory(), version, document);
    Ok(Arc::new(demand.map_err(refused)?))
}
