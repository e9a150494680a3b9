//! Routes over all applications: each request is one application's. The first that has a route keeps it.

use std::sync::Arc;

use lattice::store::Revision;
use model::blueprint::Blueprint;
use model::ids::AppName;
use provider::http::{LeftOut, Router};

use super::view::Cache;
use super::{Derived, OperateError, Operator};

/// An application that wants its routes. What the others ask for is derived once, however often it is looked at.
pub(super) struct Claim<'a> {
    pub(super) application: &'a AppName,
    blueprint: &'a Blueprint,
    others: Cache,
}

impl<'a> Claim<'a> {
    pub(super) fn new(application: &'a AppName, blueprint: &'a Blueprint) -> Self {
        Self { application, blueprint, others: Cache::new() }
    }
}

impl Operator {
    /// Refuses an application whose routes are another's. Only those count whose newest version was written before
    /// `written`, all of them where none is said: of two that are written at the same moment the first stays.
    ///
    /// # Errors
    ///
    /// Such a route, or too many in all; the store.
    pub(super) async fn check_routes(
        &self,
        claim: &mut Claim<'_>,
        written: Option<Revision>,
    ) -> Result<(), OperateError> {
        let Claim { application, blueprint, others } = claim;
        if blueprint.routes.is_empty() {
            return Ok(());
        }
        // What cannot be read or planned serves nothing that could be known here.
        let mut heads = self.standing_heads(&mut Vec::new()).await?;
        heads.retain(|name, (revision, _)| name != *application && written.is_none_or(|written| *revision < written));
        let heads = heads.into_iter().map(|(name, (_, head))| (name, head)).collect();
        let others = self.derived(&heads, others).await?;
        let others = others.iter().filter_map(|(name, derived)| Some((name, derived.as_ref().ok()?)));
        free(application, blueprint, others)
    }
}

/// Refuses an application whose routes are those of `others`.
///
/// # Errors
///
/// Every route that is another's.
pub(super) fn free<'a>(
    application: &AppName,
    blueprint: &Blueprint,
    others: impl Iterator<Item = (&'a AppName, &'a Arc<Derived>)>,
) -> Result<(), OperateError> {
    let others = others.filter(|(name, _)| *name != application);
    let owners = others.map(|(name, derived)| (name, derived.blueprint.routes.as_slice()));
    let (_, left_out) = Router::merged(owners.chain([(application, blueprint.routes.as_slice())]));
    let is_ours = |left_out: &LeftOut| match left_out {
        LeftOut::Taken { application: of, .. } | LeftOut::NoRoom { application: of, .. } => of == application,
    };
    let taken: Vec<_> = left_out.into_iter().filter(is_ours).collect();
    if taken.is_empty() { Ok(()) } else { Err(OperateError::Routes { application: application.clone(), taken }) }
}
