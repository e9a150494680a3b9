//! Clients: what they may call is there, and hosts can pass their calls on.

use std::collections::{BTreeMap, BTreeSet};

use model::blueprint::{AdapterPlan, ClientGrant, WIRE_1};
use model::contract::{Contract, ContractName};
use model::ids::ClientName;
use model::manifest::MayCall;

use crate::composite::{Composer, answered, receiver_label};
use crate::problem::{AdapterFault, Fault, Place, table_key};
use crate::suggest::nearest;

/// What each client may call: a contract that states no version means every one that the actor has.
pub(crate) fn clients(composer: &mut Composer<'_, '_>) -> BTreeMap<ClientName, BTreeSet<ClientGrant>> {
    let mut clients = BTreeMap::new();
    for (client, may) in &composer.intent.manifest.clients {
        let grants = may.iter().flat_map(|may| grants(composer, client, may)).collect();
        clients.insert(client.clone(), grants);
    }
    clients
}

fn grants(composer: &mut Composer<'_, '_>, client: &ClientName, may: &MayCall) -> Vec<ClientGrant> {
    let Some(view) = composer.intent.components.get(&may.actor) else { return Vec::new() };
    let answered: Vec<_> = answered(view).enumerate().map(|(index, (_, contract))| (index, contract)).collect();
    let meant = |name: &ContractName| {
        name.same_interface(&may.contract) && (may.contract.version.is_none() || name.version == may.contract.version)
    };
    let found: Vec<_> = answered.iter().filter(|(_, contract)| meant(&contract.name)).collect();
    if found.is_empty() {
        unknown(composer, client, may, answered.iter().map(|(_, contract)| contract.name.clone()).collect());
    }
    let mut grants = Vec::new();
    for (index, contract) in found {
        let adapters = composer.adapters.receivers(contract, &may.actor, composer.findings);
        let sent = composer.intent.wires.send;
        let spoken = || adapters.iter().filter(|adapter| adapter.version().is_some());
        match spoken().find(|adapter| adapter.version() == Some(sent)).or_else(|| spoken().next()) {
            None => other_wire(composer, (client, may), contract, &adapters),
            Some(adapter) => {
                let (actor, receiver) = (may.actor.clone(), receiver_label(*index, adapter));
                grants.push(ClientGrant { actor, receiver, contract: contract.name.clone() });
            }
        }
    }
    grants
}

fn unknown(composer: &mut Composer<'_, '_>, client: &ClientName, may: &MayCall, offered: Vec<ContractName>) {
    let words: Vec<_> = offered.iter().map(ContractName::unversioned).collect();
    let fault = Fault::ClientContract {
        client: client.clone(),
        actor: may.actor.clone(),
        contract: may.contract.clone(),
        near: nearest(&may.contract.to_string(), words.iter().map(String::as_str)),
        offered,
    };
    composer.findings.problem(place(client, may), fault);
}

/// Hosts turn the JSON of clients into the wires of generated adapters.
fn other_wire(
    composer: &mut Composer<'_, '_>,
    (client, may): (&ClientName, &MayCall),
    contract: &Contract,
    adapters: &[AdapterPlan],
) {
    let fault = AdapterFault::WireOfClient {
        client: client.clone(),
        sender: WIRE_1,
        actor: may.actor.clone(),
        receiver: adapters.iter().map(AdapterPlan::wire).collect::<Vec<_>>().join(", "),
        contract: contract.name.clone(),
    };
    composer.findings.problem(place(client, may), fault);
}

fn place(client: &ClientName, may: &MayCall) -> Place {
    let key = format!("{}.may", table_key("clients", client.as_str()));
    Place { actor: Some(may.actor.clone()), ..Place::key(key) }
}
