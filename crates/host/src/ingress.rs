//! Requests from HTTP become calls of actors.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use engine::{Actor, CallContext};
use futures_util::future::BoxFuture;
use model::blueprint::{Blueprint, CompositePlan};
use model::contract::ContractName;
use model::failure::{Failure, RpcError};
use model::ids::ActorName;
use provider::contracts;
use provider::http::{self, Handler, HttpCall, Ingress, METHOD, Router, Settings};

use crate::bus::call_id;
use crate::host::HostError;
use crate::router::Targets;

/// Serves the blueprint's routes on `address`.
pub(crate) fn listen(
    address: SocketAddr,
    deadline: Duration,
    blueprint: &Blueprint,
    targets: &Targets,
) -> Result<Ingress, HostError> {
    let router = Router::new(&blueprint.routes).map_err(HostError::Routes)?;
    let contract = contracts::handler().map_err(|error| HostError::Ingress(error.into()))?;
    let doors = targets
        .actors
        .iter()
        .filter_map(|(name, (actor, plan))| Some((name.clone(), (actor.clone(), receiver(plan, &contract.name)?))));
    let handler = Arc::new(Doors(doors.collect()));
    let listener = http::bind(address).map_err(HostError::Ingress)?;
    let settings = Settings { call_deadline: deadline, ..Settings::default() };
    Ingress::start(listener, settings, router, handler).map_err(HostError::Ingress)
}

/// The receiver of the composite that answers `contract`.
fn receiver(plan: &CompositePlan, contract: &ContractName) -> Option<usize> {
    plan.receivers.iter().position(|receiver| receiver.contract.name.serves(contract))
}

/// The actors that take requests, each with the receiver that does.
struct Doors(BTreeMap<ActorName, (Actor, usize)>);

impl Handler for Doors {
    fn call<'a>(&'a self, call: HttpCall<'a>) -> BoxFuture<'a, Result<Vec<u8>, Failure>> {
        Box::pin(async move {
            let Some((actor, receiver)) = self.0.get(call.actor) else {
                let text = format!("actor {} is not running", call.actor);
                return Err(Failure::not_started(RpcError::Transport(text)));
            };
            let context = CallContext::new(call_id(), call.deadline);
            actor.call(*receiver, METHOD, &call.payload, &context).await
        })
    }
}
