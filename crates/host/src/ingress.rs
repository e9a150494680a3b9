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
use lattice::call::{Origin, Target as Called, TraceParent, Word, WordError};
use lattice::pulse::Stamp;
use model::blueprint::{Blueprint, ReceiverPlan, Target, WIRE_1};
use model::contract::ContractName;
use model::failure::{Failure, RpcError};
use model::ids::{ActorName, AppName, HostName};
use model::limits::DEADLINE_MAX;
use model::placement::AppPlacement;
use provider::contracts;
use provider::http::{self as ingress, Exchange, Handler, HttpCall, Ingress, METHOD, Router, Settings};

use crate::host::HostError;
use crate::router::{Far, Near, Reached, Switchboard, call_id, is_refused, others};

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
    /// Serves on `address`, no routes at first. Requests are refused while the host is not awake, by `stamp`.
    ///
    /// # Errors
    ///
    /// Where the address cannot be listened on.
    pub fn open(address: SocketAddr, switchboard: Switchboard, stamp: Option<Arc<Stamp>>) -> Result<Self, HostError> {
        let requests = contracts::handler().map_err(|error| HostError::Ingress(error.into()))?.name.clone();
        let listener = ingress::bind(address).map_err(HostError::Ingress)?;
        // Each application has its own deadline, which its door keeps.
        let settings = Settings { call_deadline: DEADLINE_MAX, ..Settings::default() };
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

    /// Accepts no more connections and lets requests finish, within `patience`.
    pub async fn drain(self, patience: Duration) {
        self.ingress.drain(patience).await;
    }

    fn doors(&self, app: &Routed) -> AppDoors {
        let actors: BTreeSet<_> = app.blueprint.routes.iter().map(|route| &route.to).collect();
        let doors = actors.into_iter().filter_map(|actor| Some((actor.to_string(), self.door(app, actor)?)));
        AppDoors { deadline: app.deadline, doors: doors.collect() }
    }

    /// The way to an actor that takes requests.
    fn door(&self, app: &Routed, actor: &ActorName) -> Option<Door> {
        let application = &app.blueprint.application;
        let plan = app.blueprint.composites.get(actor)?;
        if plan.http.is_some() {
            return Some(self.open_door(app, actor));
        }
        let serves = |receiver: &&ReceiverPlan| receiver.contract.name.serves(&self.requests);
        let receiver = plan.receivers.iter().find(serves)?.label.clone();
        let target = Target::Actor { actor: actor.clone(), receiver };
        let near = self.switchboard.find(application, &target, &self.requests, WIRE_1);
        let elsewhere = app.placement.as_deref().zip(self.switchboard.outside());
        let way = match (near, elsewhere) {
            (near, Some((placement, outside))) => {
                let hosts = others(placement, &target, &outside.host);
                match near {
                    Some(near) if hosts.is_empty() => Way::Near(near),
                    near => Way::Far(Box::new(Far::new(near, outside.clone(), self.reached(app, actor, hosts)?))),
                }
            }
            (Some(near), None) => Way::Near(near),
            (None, None) => Way::Nowhere,
        };
        Some(Door { application: application.clone(), target, way })
    }

    /// The way to an actor that takes requests as they come, which it does on its own host only.
    fn open_door(&self, app: &Routed, actor: &ActorName) -> Door {
        let application = app.blueprint.application.clone();
        let target = Target::Actor { actor: actor.clone(), receiver: String::new() };
        let here = self.switchboard.http(&application, actor);
        let hosts = app.placement.as_deref().zip(self.switchboard.outside());
        let elsewhere = hosts.map(|(placement, outside)| others(placement, &target, &outside.host)).unwrap_or_default();
        Door { application, target, way: Way::Open { here, elsewhere } }
    }

    fn reached(&self, app: &Routed, actor: &ActorName, hosts: BTreeSet<HostName>) -> Option<Reached> {
        let (contract, wire) = words(&self.requests).ok()?;
        Some(Reached {
            target: Called::actor(&app.blueprint.application, actor),
            origin: Origin::Ingress,
            link: None,
            contract,
            wire,
            hosts,
            generation: app.placement.as_ref()?.generation,
        })
    }
}

fn words(requests: &ContractName) -> Result<(Word, Word), WordError> {
    Ok((requests.to_string().parse()?, WIRE_1.parse()?))
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
    doors: HashMap<String, Door>,
}

/// An actor that takes requests, and the way to it.
struct Door {
    application: AppName,
    target: Target,
    way: Way,
}

enum Way {
    Near(Near),
    Far(Box<Far>),
    /// It takes requests as they come.
    Open {
        here: Option<Actor>,
        elsewhere: BTreeSet<HostName>,
    },
    /// It does not run, or not yet.
    Nowhere,
}

impl Doors {
    fn find(&self, application: &AppName, actor: &ActorName) -> Result<(&Door, Duration), Failure> {
        let app = self.applications.get(application.as_str());
        let found = app.and_then(|app| Some((app.doors.get(actor.as_str())?, app.deadline)));
        found.ok_or_else(|| not_running(application, actor))
    }

    async fn serve(&self, exchange: Exchange<'_>) -> Result<Response<Body>, Failure> {
        if let Some(stamp) = &self.stamp {
            stamp.admits(Instant::now())?;
        }
        let (door, deadline) = self.find(exchange.application, exchange.actor)?;
        let context = context(exchange.trace, exchange.deadline.min(Instant::now() + deadline));
        let Way::Open { here, elsewhere } = &door.way else {
            return Err(not_running(exchange.application, exchange.actor));
        };
        // The actor may have been replaced, or have come here, since the routes were served.
        let again = || self.switchboard.http(exchange.application, exchange.actor);
        let Some(actor) = here.clone().or_else(again) else { return Err(not_here(&exchange, elsewhere)) };
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
        let (door, deadline) = self.find(call.application, call.actor)?;
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
                let near = self.switchboard.find(&door.application, &door.target, &self.requests, WIRE_1);
                let near = near.ok_or(failure)?;
                near.call(METHOD, &payload, &context, deadline).await
            }
            answer => answer,
        }
    }
}

/// A call from outside, of the trace that the client wrote.
fn context(trace: Option<&str>, deadline: Instant) -> CallContext {
    let trace = trace.filter(|text| text.parse::<TraceParent>().is_ok());
    CallContext::new(call_id(), deadline).traced(trace.map(Arc::from))
}

/// Why an actor that takes requests as they come cannot be reached.
fn not_here(exchange: &Exchange<'_>, elsewhere: &BTreeSet<HostName>) -> Failure {
    let Exchange { application, actor, .. } = exchange;
    if elsewhere.is_empty() {
        return not_running(application, actor);
    }
    let hosts: Vec<_> = elsewhere.iter().map(ToString::to_string).collect();
    let hosts = hosts.join(", ");
    let text = format!(
        "actor {application}/{actor} takes requests by wasi:http, on its own hosts only: send them to {hosts}, or place \
         the actor on this host too"
    );
    Failure::not_started(RpcError::Transport(text))
}

fn not_running(application: &AppName, actor: &ActorName) -> Failure {
    Failure::not_started(RpcError::Transport(format!("actor {application}/{actor} is not running")))
}

impl Handler for Doors {
    fn call<'a>(&'a self, call: HttpCall<'a>) -> BoxFuture<'a, Result<Vec<u8>, Failure>> {
        Box::pin(self.answer(call))
    }

    fn streams(&self, application: &AppName, actor: &ActorName) -> bool {
        let door = self.applications.get(application.as_str()).and_then(|app| app.doors.get(actor.as_str()));
        door.is_some_and(|door| matches!(door.way, Way::Open { .. }))
    }

    fn exchange<'a>(&'a self, exchange: Exchange<'a>) -> BoxFuture<'a, Result<Response<Body>, Failure>> {
        Box::pin(self.serve(exchange))
    }
}
