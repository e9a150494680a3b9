//! Requests from HTTP become calls of actors, here or on another host.

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use engine::CallContext;
use futures_util::future::BoxFuture;
use lattice::call::{Origin, Target as Called, TraceParent, Word, WordError};
use lattice::pulse::Stamp;
use model::blueprint::{Blueprint, ReceiverPlan, Target, WIRE_1};
use model::contract::ContractName;
use model::failure::{Failure, RpcError};
use model::ids::{ActorName, AppName, HostName};
use model::limits::DEADLINE_MAX;
use model::placement::AppPlacement;
use provider::contracts;
use provider::http::{self, Handler, HttpCall, Ingress, METHOD, Router, Settings};

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
        let listener = http::bind(address).map_err(HostError::Ingress)?;
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
    /// It does not run, or not yet.
    Nowhere,
}

impl Doors {
    fn find(&self, application: &AppName, actor: &ActorName) -> Result<(&Door, Duration), Failure> {
        let app = self.applications.get(application.as_str());
        let found = app.and_then(|app| Some((app.doors.get(actor.as_str())?, app.deadline)));
        found.ok_or_else(|| not_running(application, actor))
    }

    async fn answer(&self, call: HttpCall<'_>) -> Result<Vec<u8>, Failure> {
        if let Some(stamp) = &self.stamp {
            stamp.admits(Instant::now())?;
        }
        let (door, deadline) = self.find(call.application, call.actor)?;
        let deadline = call.deadline.min(Instant::now() + deadline);
        let trace = call.trace.filter(|text| text.parse::<TraceParent>().is_ok());
        let context = CallContext::new(call_id(), deadline).traced(trace.map(Arc::from));
        let payload = Bytes::from(call.payload);
        let answer = match &door.way {
            Way::Near(near) => near.call(METHOD, &payload, &context, deadline).await,
            Way::Far(far) => Box::pin(far.call(METHOD, payload.clone(), &context, deadline)).await,
            Way::Nowhere => Err(not_running(call.application, call.actor)),
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

fn not_running(application: &AppName, actor: &ActorName) -> Failure {
    Failure::not_started(RpcError::Transport(format!("actor {application}/{actor} is not running")))
}

impl Handler for Doors {
    fn call<'a>(&'a self, call: HttpCall<'a>) -> BoxFuture<'a, Result<Vec<u8>, Failure>> {
        Box::pin(self.answer(call))
    }
}
