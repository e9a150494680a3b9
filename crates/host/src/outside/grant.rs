//! Which function a client means, and whether it may call it.

use model::blueprint::{Blueprint, ClientGrant, ReceiverPlan};
use model::contract::{ContractName, Function};
use model::failure::{Failure, RpcError};
use model::ids::{ActorName, ClientName};
use model::wire::WireVersion;

/// A function that a client may call.
#[derive(Clone, Copy, Debug)]
pub struct Granted<'a> {
    /// The contract as the actor offers it.
    pub contract: &'a ContractName,
    /// The function's name.
    pub name: &'a str,
    /// The function.
    pub function: &'a Function,
    /// The version of the wire in which the actor is called.
    pub wire: WireVersion,
}

/// The function that `text` names, among those of `actor` that the blueprint lets `client` call: by itself, with its
/// interface (`cart.total`) or in full (`acme:shop/cart@1.0.0#total`, the version left out or not).
///
/// # Errors
///
/// `invalid-parameter` where nothing of the actor is granted to the client, `method-not-handled` where no function that
/// is granted has the name, or several have it; all not started, with what there is.
pub fn granted<'a>(
    blueprint: &'a Blueprint,
    client: &ClientName,
    actor: &ActorName,
    text: &str,
) -> Result<Granted<'a>, Failure> {
    let own = functions(blueprint, client, actor);
    if own.is_empty() {
        let text = format!(
            "client {client} may call nothing of actor {actor}; grant it under `[clients.{client}]` in the manifest of \
             {}, such as `may = [\"{actor}/namespace:package/interface\"]`",
            blueprint.application
        );
        return Err(Failure::not_started(RpcError::InvalidParameter(text)));
    }
    let named: Vec<_> = own.iter().filter(|granted| granted.contract.is_named(granted.name, text)).collect();
    match named.as_slice() {
        [only] => Ok(**only),
        found => {
            let (problem, choices) = if found.is_empty() {
                ("names no function that it may call", addresses(&own))
            } else {
                ("names several functions", addresses(found.iter().copied()))
            };
            let text = format!("`{text}` {problem}; client {client} of actor {actor} may write {choices}");
            Err(Failure::not_started(RpcError::MethodNotHandled(text)))
        }
    }
}

fn functions<'a>(blueprint: &'a Blueprint, client: &ClientName, actor: &ActorName) -> Vec<Granted<'a>> {
    let grants = blueprint.clients.get(client).into_iter().flatten().filter(|grant| grant.actor == *actor);
    grants.filter_map(|grant| receiver(blueprint, grant)).flat_map(of_receiver).collect()
}

/// The receiver of a grant, where its payloads are those that hosts know, with their version.
fn receiver<'a>(blueprint: &'a Blueprint, grant: &ClientGrant) -> Option<(&'a ReceiverPlan, WireVersion)> {
    let receivers = &blueprint.composites.get(&grant.actor)?.receivers;
    let receiver = receivers.iter().find(|receiver| receiver.label == grant.receiver)?;
    Some((receiver, receiver.adapter.version()?))
}

fn of_receiver((receiver, wire): (&ReceiverPlan, WireVersion)) -> impl Iterator<Item = Granted<'_>> {
    let contract = &receiver.contract;
    contract.functions.iter().map(move |(name, function)| Granted { contract: &contract.name, name, function, wire })
}

fn addresses<'a>(granted: impl IntoIterator<Item = &'a Granted<'a>>) -> String {
    let addresses = granted.into_iter().map(|granted| format!("`{}#{}`", granted.contract, granted.name));
    addresses.collect::<Vec<_>>().join(" or ")
}
