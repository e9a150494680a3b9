//! The loop.

mod adopting;
mod carry;
mod hold;
mod start;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use lattice::document::{Drain, Failing, HostRecord, Part, Phase};
use lattice::pulse::Pulse;
use model::digest::Digest;
use model::ids::{AppName, HostName, ProviderName};
use model::placement::{Ready, Refusal};
use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, JoinHandle};

use super::beats::Telling;
use super::documents::Documents;
use super::leave::Doors;
use super::share::{self, Placements};
use super::standing::{NodeNews, NodeStatus};
use super::store::Store;
use super::view::NodeView;
use super::{Connection, NodeSettings, TellNode, Wish};
use crate::authority::Knowledge;
use crate::control::{Event, Exit, Moment, Share, State, Underivable, step};
use crate::executor::parts::Stored;
use crate::executor::state::{PartName, Stage};
use crate::executor::{Deployment, Disk, Executor, Status};
use crate::health::Health;
use crate::ingress::Routed;
use crate::limits::{CONTROL_TICK, FETCH_PAUSE, LEASE_WAIT_MAX};
use crate::operate::Derived;
use crate::router::Switchboard;
use crate::server::Server;

/// What tasks of the node bring.
pub(super) enum Input {
    /// News for control.
    Control(Event),
    /// A document was derived.
    Derived(Digest, Result<Arc<Derived>, Underivable>),
    /// An operator's wish.
    Drain(Drain),
    /// Calls of an application go elsewhere within this host.
    Switched,
    /// The providers that have state in the data folder.
    States(BTreeSet<(AppName, ProviderName)>),
}

/// A node, in its loop.
pub(super) struct Run {
    settings: NodeSettings,
    connection: Connection,
    tell: TellNode,
    begun: Instant,
    /// When the loop last looked at the time.
    looked: Instant,
    control: State,
    inputs: mpsc::Receiver<Input>,
    input: mpsc::Sender<Input>,
    /// Each change begins all watches anew.
    epoch: watch::Sender<u64>,
    store: Store,
    documents: Documents,
    executor: Arc<Executor>,
    disk: Option<Arc<Disk>>,
    switchboard: Switchboard,
    knowledge: watch::Sender<Arc<Knowledge>>,
    doors: Doors,
    pulse: Pulse,
    /// The last gap of the pulse that control was told of.
    gap: u64,
    telling: Telling,
    health: Health,
    listening: [AbortHandle; 2],
    share: Share,
    /// A share that waits for documents.
    next: Option<Share>,
    /// When documents that could not be fetched for it are asked for again.
    again: Option<Instant>,
    /// The lease and the record are being deleted.
    deleting: Vec<JoinHandle<()>>,
    placed: Placements,
    /// What is to run here.
    wished: BTreeMap<AppName, Deployment>,
    /// What the executor was given.
    assigned: BTreeMap<AppName, Deployment>,
    /// Applications whose new version is held back: which, and since when.
    held: BTreeMap<AppName, (u64, Instant)>,
    /// What was last told to be adopted.
    adopted: Option<(u64, Vec<AppName>)>,
    /// What control has been told to be ready.
    ready: BTreeMap<AppName, Ready>,
    failing: Vec<Failing>,
    unwell: Vec<Failing>,
    /// The versions that control has been told to have been gone back from.
    gone_back: BTreeMap<AppName, Refusal>,
    facts: HostRecord,
    told: watch::Sender<NodeStatus>,
    ended: Option<Exit>,
}

impl Run {
    pub(super) fn status(&self) -> watch::Receiver<NodeStatus> {
        self.told.subscribe()
    }

    pub(super) fn listen(&self) -> Option<SocketAddr> {
        self.facts.listen
    }

    pub(super) fn health(&self) -> Health {
        self.health.clone()
    }

    /// Runs until the host has left, or its owner has dropped it.
    pub(super) async fn run(mut self, mut asked: mpsc::Receiver<Wish>) {
        self.settings.telemetry.attend(self.view());
        let mut tick = tokio::time::interval(CONTROL_TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut connected = self.connection.bus.connected();
        // A gap since the start is told as well.
        let (mut gaps, mut status) = (self.pulse.gaps(), self.executor.status());
        let is_connected = *connected.borrow_and_update();
        self.on(if is_connected { Event::Connected } else { Event::Disconnected });
        self.told.send_modify(|status| status.connected = is_connected);
        while self.ended.is_none() {
            tokio::select! {
                wish = asked.recv() => match wish {
                    Some(Wish::Drain { force }) => self.drain(force),
                    // Dropped: as if it had crashed.
                    None => break,
                },
                Some(input) = self.inputs.recv() => self.take(input),
                _ = tick.tick() => self.tick(),
                Ok(()) = connected.changed() => {
                    let is_connected = *connected.borrow_and_update();
                    self.connection_changed(is_connected);
                }
                Ok(()) = gaps.changed() => {
                    self.gap = *gaps.borrow_and_update();
                    let frozen = self.looked.elapsed();
                    self.told.send_modify(|status| status.quarantined = true);
                    self.on(Event::Gap { frozen });
                }
                Ok(()) = status.changed() => {
                    let status = status.borrow_and_update().clone();
                    self.executor_changed(&status);
                }
            }
        }
        self.listening.iter().for_each(AbortHandle::abort);
        // The end of the process would break it off, and others would wait for the lease to lapse.
        let deleted = futures_util::future::join_all(std::mem::take(&mut self.deleting));
        let _ = tokio::time::timeout(LEASE_WAIT_MAX, deleted).await;
        let ended = self.ended;
        self.told.send_modify(|status| status.ended = ended);
        self.settings.telemetry.leave();
        if let Some(exit) = ended {
            (self.tell)(NodeNews::Ended(exit));
        }
    }

    /// This node as whoever observes it sees it.
    fn view(&self) -> NodeView {
        NodeView {
            switchboard: self.switchboard.clone(),
            engine: self.executor.engine().clone(),
            server: self.doors.server.as_ref().map(Server::counts),
            health: self.health.clone(),
            bus: Arc::clone(&self.connection.bus),
            status: self.told.subscribe(),
        }
    }

    fn tick(&mut self) {
        self.looked = Instant::now();
        self.settings.telemetry.beat();
        self.telling.set_running(self.running());
        let unwell = self.switchboard.unwell();
        if unwell != self.unwell {
            self.unwell.clone_from(&unwell);
            self.on(Event::Unwell(unwell));
        }
        self.on(Event::Tick);
        // The others that were left the calls of clients may be gone.
        if self.telling.phase() == Phase::Draining
            && let Some(outsiders) = &self.doors.outsiders
        {
            outsiders.serve(self.clients_served());
        }
        self.release();
        if self.again.is_some_and(|again| self.looked >= again) {
            self.adopt_next();
        }
    }

    /// Calls that run here.
    fn running(&self) -> u32 {
        let table = self.switchboard.table();
        let running: usize = table.values().flat_map(|targets| targets.stats()).map(|(_, stats)| stats.running).sum();
        u32::try_from(running).unwrap_or(u32::MAX)
    }

    /// Tells control what happened, and carries out what follows.
    fn on(&mut self, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            let now = Moment(self.begun.elapsed());
            for effect in step(&mut self.control, now, event) {
                events.extend(self.carry_out(effect));
            }
            self.worked();
        }
    }

    /// What was done since the last step was work, however long it took; a freeze meanwhile is for the pulse to find.
    fn worked(&mut self) {
        self.control.worked_until(Moment(self.begun.elapsed()));
    }

    fn take(&mut self, input: Input) {
        match input {
            Input::Control(event) => {
                self.on(event);
                self.note();
            }
            Input::Derived(document, result) => self.derived(document, result),
            Input::Drain(drain) => {
                if drain.incarnation == self.control.record().incarnation {
                    self.drain(drain.force);
                }
            }
            Input::Switched => {
                self.serve_routes();
                self.look_for_states();
            }
            Input::States(states) => {
                if states != self.facts.states {
                    self.facts.states = states;
                    self.on(Event::Facts(Box::new(self.facts.clone())));
                }
            }
        }
    }

    /// The first lease that stands is the moment when others know of this host.
    fn note(&mut self) {
        if self.told.borrow().joined || !self.control.has_joined() {
            return;
        }
        if self.telling.phase() == Phase::Joining {
            self.telling.set_phase(Phase::Open);
        }
        self.told.send_modify(|status| status.joined = true);
        (self.tell)(NodeNews::Joined);
    }

    fn drain(&mut self, force: bool) {
        if !self.told.borrow().draining {
            self.telling.set_phase(Phase::Draining);
            self.told.send_modify(|status| status.draining = true);
            (self.tell)(NodeNews::Draining);
            self.serve_routes();
        }
        self.on(Event::DrainAsked { force });
    }

    fn connection_changed(&mut self, is_connected: bool) {
        let was_connected = self.told.borrow().connected;
        self.told.send_modify(|status| status.connected = is_connected);
        if !is_connected {
            return self.on(Event::Disconnected);
        }
        if was_connected {
            // Too short to be seen, but what was asked meanwhile may be lost.
            self.on(Event::Disconnected);
        }
        self.epoch.send_modify(|epoch| *epoch += 1);
        self.on(Event::Connected);
    }

    fn derived(&mut self, document: Digest, result: Result<Arc<Derived>, Underivable>) {
        let awaited: BTreeSet<Digest> =
            self.next.iter().flat_map(share::placements).map(|(_, placement)| placement.intent).collect();
        let is_missed = matches!(result, Err(Underivable::Unavailable)) && awaited.contains(&document);
        let placed = self.placed.values().map(|placed| placed.placement.intent);
        // What the next share has already must not go for the rest of it.
        let used = placed.chain(awaited).collect();
        self.documents.take(document, &result, &used);
        let result = result.map(|derived| Arc::clone(&derived.demand));
        self.on(Event::Derived { document, result });
        if is_missed && self.again.is_none() {
            self.again = Some(Instant::now() + FETCH_PAUSE);
        }
        // After a miss all that is lacking waits for the pause, which a tick ends.
        if self.again.is_none() {
            self.adopt_next();
        }
    }

    /// The components of a document.
    fn stored(&self, derived: &Derived) -> Stored {
        let adapters = derived.intent.adapters.values().flat_map(|pair| [&pair.sender, &pair.receiver]);
        let substitutes = derived.intent.substitutes.iter().map(|substitute| &substitute.view);
        let views = derived.intent.components.values().chain(adapters.map(|adapter| &adapter.view)).chain(substitutes);
        Stored::new(Arc::clone(&self.connection.objects), self.disk.clone(), views.cloned())
    }

    fn tell_share(&self) {
        let status = self.executor.status();
        let not_ready = share::not_ready(&self.share, &status.borrow(), &self.settings.name);
        if self.telling.set_share(self.share.generation, not_ready) {
            // Callers must know before planners do, who then take it away where it was.
            self.telling.send(&*self.connection.bus, &self.connection.subjects);
        }
    }

    fn serve_routes(&self) {
        if let Some(outsiders) = &self.doors.outsiders {
            outsiders.serve(self.clients_served());
        }
        if let Some(gate) = &self.doors.gate {
            gate.serve(&share::routed(&self.share, &self.placed));
        }
    }

    /// The applications whose clients are served here. NATS shares their calls among hosts and knows nothing of draining:
    /// a host that is on its way out leaves them to the others, where there are any.
    fn clients_served(&self) -> Vec<Routed> {
        let mut applications = share::all(&self.placed);
        if self.telling.phase() == Phase::Draining {
            let other = |host: &HostName| *host != self.settings.name && self.health.is_open(host);
            applications.retain(|app| !app.placement.iter().flat_map(|placed| placed.hosts()).any(other));
        }
        applications
    }

    /// Tells control and others what serves now, and what does not come up.
    fn executor_changed(&mut self, status: &Status) {
        self.tell_share();
        let ready: BTreeMap<AppName, Ready> = status
            .apps
            .iter()
            .filter_map(|(app, status)| {
                let (actors, providers) = (status.actors.clone(), status.providers.clone());
                let tried = status.wanted.filter(|_| status.stage == Some(Stage::Trial));
                let watched = status.stage == Some(Stage::Watch);
                Some((app.clone(), Ready { version: status.version?, actors, providers, tried, watched }))
            })
            .collect();
        let before = std::mem::replace(&mut self.ready, ready.clone());
        let apps: BTreeSet<&AppName> = before.keys().chain(ready.keys()).collect();
        for app in apps.into_iter().filter(|app| before.get(*app) != ready.get(*app)) {
            self.on(Event::Readiness { app: app.clone(), ready: ready.get(app).cloned() });
        }
        let failing = failing(status);
        if failing != self.failing {
            self.failing = failing.clone();
            self.on(Event::Failing(failing));
        }
        let refused = status.apps.iter().filter_map(|(app, status)| Some((app.clone(), status.refused.clone()?)));
        let refused: BTreeMap<AppName, Refusal> = refused.collect();
        if refused != self.gone_back {
            self.gone_back.clone_from(&refused);
            self.on(Event::GoneBack(refused));
        }
        self.told.send_modify(|told| told.apps = status.apps.clone());
    }
}

/// What does not come up, with its reasons.
fn failing(status: &Status) -> Vec<Failing> {
    let parts = status.apps.iter().flat_map(|(app, status)| status.failing.iter().map(move |part| (app, part)));
    let failing = parts.map(|(app, (name, reason))| {
        let part = match name {
            PartName::Actor(actor) => Part::Actor(actor.clone()),
            PartName::Provider(provider) => Part::Provider(provider.clone()),
        };
        Failing::new(app.clone(), Some(part), &reason.whole())
    });
    failing.collect()
}
