//! Requests from HTTP become calls of actors, here or on another host.

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use engine::http::Body;
use engine::{Actor, CallContext};
use futures_util::future::BoxFuture;
use http::Response;
use lattice::call::{Call, Origin, Target as Called, Trace, Word, WordError};
use lattice::pulse::Stamp;
use model::blueprint::{Blueprint, HttpVersion, ReceiverPlan, Target};
use model::contract::ContractName;
use model::failure::{Failure, RpcError};
use model::ids::{ActorName, AppName, HostName};
use model::limits::DEADLINE_MAX;
use model::placement::AppPlacement;
use model::wire::WireVersion;
use provider::contracts;
pub use provider::http::TlsFiles;
use provider::http::{
    self as ingress, Arrived, Drained, Exchange, Handler, HttpCall, Ingress, METHOD, Router, Settings, Watch,
};

use crate::exchange;
use crate::host::HostError;
use crate::router::{Far, Near, Open, Reached, Switchboard, call_id, is_refused, others};

/// An application whose routes are served.
#[derive(Clone)]
pub struct Routed {
    /// What it runs.
    pub blueprint: Arc<Blueprint>,
    /// The longest that a request may take.
    pub deadline: Duration,
    /// Where it runs; none on a host by itself.
    pub placement: Option<Arc<AppPlacement>>,
}

/// The routes of a host's applications on one port.
pub struct Gate {
    ingress: Ingress,
    switchboard: Switchboard,
    stamp: Option<Arc<Stamp>>,
    /// The contract of requests.
    requests: ContractName,
}

impl Gate {
    /// Serves on `address`, with `tls` over TLS, no routes at first. Requests are refused while the host is not awake, by `stamp`.
    ///
    /// # Errors
    ///
    /// Where the address cannot be listened on, or the certificate cannot be used.
    pub fn open(
        address: SocketAddr,
        tls: Option<TlsFiles>,
        switchboard: Switchboard,
        stamp: Option<Arc<Stamp>>,
    ) -> Result<Self, HostError> {
        let requests = contracts::handler().map_err(|error| HostError::Ingress(error.into()))?.name.clone();
        let listener = ingress::bind(address).map_err(HostError::Ingress)?;
        // Each application has its own deadline, which its door keeps.
        let settings = Settings { call_deadline: DEADLINE_MAX, tls, ..Settings::default() };
        let doors = Doors {
            applications: HashMap::new(),
            switchboard: switchboard.clone(),
            requests: requests.clone(),
            stamp: stamp.clone(),
        };
        let ingress = Ingress::start(listener, settings, Router::default(), Arc::new(doors));
        Ok(Self { ingress: ingress.map_err(HostError::Ingress)?, switchboard, stamp, requests })
    }

    /// The address that is listened on.
    pub fn address(&self) -> SocketAddr {
        self.ingress.address()
    }

    /// From now on these applications' routes are served, and no others. Where two have the same route, the one whose
    /// name comes first keeps it; what is left out is told to the log.
    pub fn serve(&self, applications: &[Routed]) {
        let mut applications: Vec<_> = applications.iter().collect();
        applications.sort_by(|a, b| a.blueprint.application.cmp(&b.blueprint.application));
        let routes = applications.iter().map(|app| (&app.blueprint.application, app.blueprint.routes.as_slice()));
        let (router, left_out) = Router::merged(routes);
        for left_out in left_out {
            tracing::warn!("{left_out}");
        }
        let doors = applications.into_iter().map(|app| (app.blueprint.application.to_string(), self.doors(app)));
        let doors = Doors {
            applications: doors.collect(),
            switchboard: self.switchboard.clone(),
            requests: self.requests.clone(),
            stamp: self.stamp.clone(),
        };
        self.ingress.switch(router, Arc::new(doors));
    }

    /// Accepts no more connections and lets requests finish, within `patience`. What actors do behind their answers goes
    /// on until what is returned is dropped.
    pub async fn drain(self, patience: Duration) -> Drained {
        self.ingress.drain(patience).await
    }

    fn doors(&self, app: &Routed) -> AppDoors {
        let ways: BTreeSet<_> = app.blueprint.routes.iter().map(|route| (&route.to, &route.via)).collect();
        let mut doors: HashMap<String, Vec<Door>> = HashMap::new();
        for (actor, via) in ways {
            doors.entry(actor.to_string()).or_default().extend(self.door(app, actor, via));
        }
        AppDoors { deadline: app.deadline, doors }
    }

    /// The way to an actor that takes requests, behind a chain of middleware.
    fn door(&self, app: &Routed, actor: &ActorName, via: &[ActorName]) -> Option<Door> {
        let application = &app.blueprint.application;
        let plan = app.blueprint.composites.get(actor)?;
        if let Some(http) = plan.entrance(via).and_then(|entrance| plan.http.get(entrance)) {
            return self.open_door(app, actor, via, http.version);
        }
        let serves = |receiver: &&ReceiverPlan| {
            let spoken = receiver.adapter.version().is_some();
            spoken && receiver.contract.name.serves(&self.requests) && plan.is_chain(&receiver.via, via)
        };
        let serving = || plan.receivers.iter().filter(serves);
        let sent = |receiver: &&ReceiverPlan| receiver.adapter.version() == Some(app.blueprint.wire);
        let receiver = serving().find(sent).or_else(|| serving().next())?;
        // No list of numbers is in a request or its response: they are the same in every version of the wire.
        let (target, wire) =
            (Target::Actor { actor: actor.clone(), receiver: receiver.label.clone() }, receiver.adapter.version()?);
        let near = self.switchboard.find(application, &target, &self.requests, wire.id());
        let elsewhere = app.placement.as_deref().zip(self.switchboard.outside());
        let way = match (near, elsewhere) {
            (near, Some((placement, outside))) => {
                let hosts = others(placement, &target, &outside.host);
                match near {
                    Some(near) if hosts.is_empty() => Way::Near(near),
                    near => {
                        let words = words(&self.requests.to_string(), wire.id()).ok()?;
                        let reached = self.reached(app, (actor, via), words, hosts)?;
                        Way::Far(Box::new(Far::new(near, outside.clone(), reached)))
                    }
                }
            }
            (Some(near), None) => Way::Near(near),
            (None, None) => Way::Nowhere,
        };
        Some(Door { application: application.clone(), via: via.to_vec(), target, wire, way })
    }

    /// The way to an actor that takes requests as they come.
    fn open_door(&self, app: &Routed, actor: &ActorName, via: &[ActorName], version: HttpVersion) -> Option<Door> {
        let application = app.blueprint.application.clone();
        let target = Target::Actor { actor: actor.clone(), receiver: String::new() };
        let here = self.switchboard.http(&application, actor, via);
        let words = words(exchange::contract(version), exchange::WIRE).ok()?;
        let elsewhere = app.placement.as_deref().zip(self.switchboard.outside()).and_then(|(placement, outside)| {
            let hosts = others(placement, &target, &outside.host);
            let reached = || self.reached(app, (actor, via), words, hosts.clone());
            let far = || Some(Far::new(None, outside.clone(), reached()?));
            (here.is_none() || !hosts.is_empty()).then(far).flatten().map(Box::new)
        });
        let wire = WireVersion::default();
        Some(Door { application, via: via.to_vec(), target, wire, way: Way::Open { here, elsewhere } })
    }

    fn reached(
        &self,
        app: &Routed,
        (actor, via): (&ActorName, &[ActorName]),
        (contract, wire): (Word, Word),
        hosts: BTreeSet<HostName>,
    ) -> Option<Reached> {
        Some(Reached {
            target: Called::actor(&app.blueprint.application, actor),
            origin: Origin::Ingress,
            link: chain(via).ok()?,
            contract,
            wire,
            hosts,
            generation: app.placement.as_ref()?.generation,
        })
    }
}

fn words(contract: &str, wire: &str) -> Result<(Word, Word), WordError> {
    Ok((contract.parse()?, wire.parse()?))
}

/// How a call names the chain of middleware of its route; none where there is none.
pub(crate) fn chain(via: &[ActorName]) -> Result<Option<Word>, WordError> {
    let names: Vec<&str> = via.iter().map(ActorName::as_str).collect();
    if names.is_empty() { Ok(None) } else { names.join(",").parse().map(Some) }
}

/// The chain that a call names so.
pub(crate) fn chain_in(call: &Call) -> Option<Vec<ActorName>> {
    let names = call.link.iter().flat_map(|link| link.as_str().split(','));
    names.map(|name| name.parse().ok()).collect()
}

/// The actors that take requests.
struct Doors {
    applications: HashMap<String, AppDoors>,
    switchboard: Switchboard,
    requests: ContractName,
    stamp: Option<Arc<Stamp>>,
}

struct AppDoors {
    deadline: Duration,
    /// By actor: one for each chain of middleware before it.
    doors: HashMap<String, Vec<Door>>,
}

/// An actor that takes requests, and the way to it.
struct Door {
    application: AppName,
    /// The middleware before it.
    via: Vec<ActorName>,
    target: Target,
    /// In which the actor is called, where messages are made of requests.
    wire: WireVersion,
    way: Way,
}

enum Way {
    Near(Near),
    Far(Box<Far>),
    /// It takes requests as they come.
    Open {
        here: Option<Actor>,
        elsewhere: Option<Box<Far>>,
    },
    /// It does not run, or not yet.
    Nowhere,
}

impl AppDoors {
    fn door(&self, actor: &ActorName, via: &[ActorName]) -> Option<&Door> {
        self.doors.get(actor.as_str())?.iter().find(|door| door.via == via)
    }
}

impl Doors {
    fn find(&self, application: &AppName, actor: &ActorName, via: &[ActorName]) -> Result<(&Door, Duration), Failure> {
        let app = self.applications.get(application.as_str());
        let found = app.and_then(|app| Some((app.door(actor, via)?, app.deadline)));
        found.ok_or_else(|| not_running(application, actor))
    }

    async fn serve(&self, exchange: Exchange<'_>) -> Result<Response<Body>, Failure> {
        if let Some(stamp) = &self.stamp {
            stamp.admits(Instant::now())?;
        }
        let (door, deadline) = self.find(exchange.application, exchange.actor, exchange.via)?;
        let context = context(exchange.trace, exchange.deadline.min(Instant::now() + deadline));
        let Way::Open { here, elsewhere } = &door.way else {
            return Err(not_running(exchange.application, exchange.actor));
        };
        // The actor may have been replaced, or have come here, since the routes were served.
        let again = || self.switchboard.open(exchange.application, exchange.actor, exchange.via);
        let found = || again().or_else(|| here.clone().map(Open::from));
        if let Some(far) = elsewhere {
            return Box::pin(far.exchange(exchange.request, &found, &context)).await;
        }
        let Some(actor) = found() else { return Err(not_running(exchange.application, exchange.actor)) };
        let unanswered = match Box::pin(actor.handle(exchange.request, &context)).await {
            Err(unanswered) => unanswered,
            Ok(response) => return Ok(response),
        };
        match (unanswered.request, is_refused(&unanswered.failure), again()) {
            (Some(request), true, Some(actor)) => {
                Box::pin(actor.handle(*request, &context)).await.map_err(|unanswered| unanswered.failure)
            }
            _ => Err(unanswered.failure),
        }
    }

    async fn answer(&self, call: HttpCall<'_>) -> Result<Vec<u8>, Failure> {
        if let Some(stamp) = &self.stamp {
            stamp.admits(Instant::now())?;
        }
        let (door, deadline) = self.find(call.application, call.actor, call.via)?;
        let deadline = call.deadline.min(Instant::now() + deadline);
        let context = context(call.trace, deadline);
        let payload = Bytes::from(call.payload);
        let answer = match &door.way {
            Way::Near(near) => near.call(METHOD, &payload, &context, deadline).await,
            Way::Far(far) => Box::pin(far.call(METHOD, payload.clone(), &context, deadline)).await,
            Way::Nowhere | Way::Open { .. } => Err(not_running(call.application, call.actor)),
        };
        match answer {
            // The actor may have been replaced, or have come here, since the routes were served.
            Err(failure) if is_refused(&failure) => {
                let near = self.switchboard.find(&door.application, &door.target, &self.requests, door.wire.id());
                let near = near.ok_or(failure)?;
                near.call(METHOD, &payload, &context, deadline).await
            }
            answer => answer,
        }
    }
}

/// A call from outside, of this trace.
fn context(trace: Option<Arc<Trace>>, deadline: Instant) -> CallContext {
    CallContext::new(call_id(), deadline).traced(trace)
}

fn not_running(application: &AppName, actor: &ActorName) -> Failure {
    Failure::not_started(RpcError::Transport(format!("actor {application}/{actor} is not running")))
}

impl Handler for Doors {
    fn call<'a>(&'a self, call: HttpCall<'a>) -> BoxFuture<'a, Result<Vec<u8>, Failure>> {
        Box::pin(self.answer(call))
    }

    fn watch(&self, request: &Arrived<'_>) -> Option<Box<dyn Watch>> {
        self.switchboard.telemetry().request(request)
    }

    fn streams(&self, application: &AppName, actor: &ActorName, via: &[ActorName]) -> bool {
        let door = self.applications.get(application.as_str()).and_then(|app| app.door(actor, via));
        door.is_some_and(|door| matches!(door.way, Way::Open { .. }))
    }

    fn exchange<'a>(&'a self, exchange: Exchange<'a>) -> BoxFuture<'a, Result<Response<Body>, Failure>> {
        Box::pin(self.serve(exchange))
    }
}
