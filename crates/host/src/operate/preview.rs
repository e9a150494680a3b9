//! What deploying an application would change.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::blueprint::Blueprint;
use model::digest::Digest;
use model::ids::{ActorName, AppName, HostName};
use model::placement::{AppPlacement, Earlier, Placement};
use plan::placement::{Demand, HostView, Move, Moved, Ready, Unplaced, demand, differences, place, unplaced};

use super::bytes::Pieces;
use super::changes::{Change, changes};
use super::patch::reverted;
use super::status::rolled_back;
use super::unreadable::{Unreadable, What};
use super::{OperateError, Operator, derive, routes};
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
    /// Where each actor and provider is that hosts run, and where it would be.
    pub places: Vec<Placing>,
    /// What of it would run on fewer hosts than it asks for.
    pub unplaced: Vec<Unplaced>,
    /// The actors that were patched, and would be set back: [`Operator::up`] refuses that unless it is meant.
    pub reverts: BTreeSet<ActorName>,
    /// Bytes that would be sent.
    pub upload_bytes: u64,
}

/// Where an actor or provider is, and where it would be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placing {
    /// Which.
    pub what: Moved,
    /// The hosts that run it now.
    pub before: BTreeSet<HostName>,
    /// The hosts that would run it.
    pub after: BTreeSet<HostName>,
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
        // Nothing is placed beside what is not known.
        let is_of_places = |unreadable: &&Unreadable| matches!(unreadable.what, What::Places(_));
        if let Some(unreadable) = view.unreadable.iter().find(is_of_places) {
            return Err(unreadable.clone().into());
        }
        let standing = view.heads.get(name);
        let placed = view.placement.applications.get(name);
        let instead = placed.filter(|placed| standing.is_some_and(|head| rolled_back(head, placed).is_some()));
        let runs = instead.map(|placed| placed.intent).or_else(|| standing?.document);
        let document = match runs {
            Some(digest) => self.document(digest).await?,
            None => None,
        };
        let runs = runs.map(|intent| Earlier { version: 0, intent });
        let pieces = self.dressed(name, pieces, runs).await?;
        let before = document.as_ref().and_then(|document| derive::intent(document).ok());
        let mut demands = view.demands();
        let version = standing.map_or(0, |head| head.version).saturating_add(1);
        let (blueprint, demand) = demanded(application, version, pieces.digest)?;
        routes::free(name, &blueprint, view.derived.iter().filter_map(|(name, of)| Some((name, of.as_ref().ok()?))))?;
        demands.insert(name.clone(), demand);
        let hosts = view.host_views();
        let next = settled(&demands, &view.placement, hosts.clone());
        let places = placings(placed, next.applications.get(name));
        let mut moves = differences(&view.placement, &next);
        moves.retain(|change| change.application == *name);
        let mut short = unplaced(&demands, &next, &hosts);
        short.retain(|group| group.application == *name);
        Ok(Preview {
            standing: standing.map(|head| head.version),
            is_same: instead.is_none() && document.as_ref().is_some_and(|document| pieces.is_same(document)),
            changes: before.map(|before| changes(&before, application.intent())).unwrap_or_default(),
            moves,
            places,
            unplaced: short,
            reverts: document.map(|document| reverted(&document, &pieces.document)).unwrap_or_default(),
            upload_bytes: self.missing(&pieces).await?,
        })
    }
}

/// The placement once everything new is ready: until then planners let the old stand beside it.
fn settled(
    demands: &BTreeMap<AppName, Arc<Demand>>,
    previous: &Placement,
    mut hosts: BTreeMap<HostName, HostView>,
) -> Placement {
    let begun = place(demands, previous, &hosts);
    for (application, placed) in &begun.applications {
        for (host, view) in hosts.iter_mut().filter(|(host, _)| placed.hosts().contains(host)) {
            let ready = Ready {
                version: placed.version,
                actors: on(host, &placed.actors).collect(),
                providers: on(host, &placed.providers).collect(),
                ..Ready::default()
            };
            view.ready.insert(application.clone(), ready);
        }
    }
    place(demands, &begun, &hosts)
}

/// What of `placed` is on a host.
fn on<'a, N: Clone>(
    host: &'a HostName,
    placed: &'a BTreeMap<N, BTreeSet<HostName>>,
) -> impl Iterator<Item = N> + use<'a, N> {
    placed.iter().filter(|(_, hosts)| hosts.contains(host)).map(|(name, _)| name.clone())
}

/// Everything of an application that was placed or would be, in order of names.
fn placings(before: Option<&Arc<AppPlacement>>, after: Option<&Arc<AppPlacement>>) -> Vec<Placing> {
    let parts = |placed: Option<&Arc<AppPlacement>>| -> BTreeMap<Moved, BTreeSet<HostName>> {
        let Some(placed) = placed else { return BTreeMap::new() };
        let actors = placed.actors.iter().map(|(actor, hosts)| (Moved::Actor(actor.clone()), hosts.clone()));
        let providers = placed.providers.iter().map(|(name, hosts)| (Moved::Provider(name.clone()), hosts.clone()));
        actors.chain(providers).collect()
    };
    let (mut before, mut after) = (parts(before), parts(after));
    let all: BTreeSet<Moved> = before.keys().chain(after.keys()).cloned().collect();
    let placing = |what: Moved| Placing {
        before: before.remove(&what).unwrap_or_default(),
        after: after.remove(&what).unwrap_or_default(),
        what,
    };
    all.into_iter().map(placing).collect()
}

/// What of an application runs, and what it asks of hosts.
///
/// # Errors
///
/// Everything that keeps it from being planned.
pub(super) fn demanded(
    application: &Application,
    version: u64,
    document: Digest,
) -> Result<(Blueprint, Arc<Demand>), OperateError> {
    let refused =
        |problems| OperateError::Unplannable { application: application.manifest().application.clone(), problems };
    let plan = application.plan(None).map_err(refused)?;
    check_folders(application)?;
    let demand = demand(application.intent(), &plan.blueprint, application.inventory(), version, document);
    let demand = Arc::new(demand.map_err(refused)?);
    Ok((plan.blueprint, demand))
}

/// A folder is one machine's: which hosts have it must be said.
fn check_folders(application: &Application) -> Result<(), OperateError> {
    let manifest = application.manifest();
    let unplaced = manifest.actors.iter().filter(|(_, actor)| actor.place.on.is_empty());
    match unplaced.flat_map(|(name, actor)| actor.grants.folders.iter().map(move |folder| (name, folder))).next() {
        None => Ok(()),
        Some((actor, folder)) => Err(OperateError::Folder {
            application: manifest.application.clone(),
            actor: actor.clone(),
            folder: folder.clone(),
        }),
    }
}
