//! Imports that neither a link nor the host meets, and who could meet them.

use std::sync::Arc;

use model::contract::{Contract, ContractName};
use model::ids::ActorName;
use model::manifest::EXTERNAL;
use model::view::{ComponentView, Port, Shape};

use crate::choose::Choice;
use crate::findings::Findings;
use crate::intent::{Intent, Inventory};
use crate::problem::{Candidate, Fault, Place, Who};
use crate::supply::{Offered, exports, fitting, named_like, offers, serving};

/// Finds the imports of an actor that nothing meets.
pub(crate) fn unlinked(
    intent: &Intent,
    inventory: &Inventory,
    actor: &ActorName,
    view: &ComponentView,
    choices: &[Choice<'_>],
    findings: &mut Findings,
) {
    for port in &view.imports {
        let linked = choices.iter().any(|choice| choice.port.label == port.label);
        if linked || inventory.host_satisfies(port) {
            continue;
        }
        let (name, import) = (actor.clone(), port.label.clone());
        let fault = match &port.shape {
            Shape::Types => continue,
            Shape::Refused(refusal) => Fault::Unmeetable { actor: name, import, refusal: refusal.clone() },
            Shape::Contract(contract) => {
                let candidates = candidates(intent, inventory, port, contract);
                Fault::Unlinked { actor: name, import, contract: port.contract.clone(), candidates }
            }
        };
        findings.problem(Place::actor(actor).about(&port.label), fault);
    }
}

/// Actors and providers of the manifest that could serve; else kinds of provider that could be added.
fn candidates(intent: &Intent, inventory: &Inventory, port: &Port, wanted: &Contract) -> Vec<Candidate> {
    let candidate = |who: Who, offered: &[Offered<'_>]| {
        could_serve(port, wanted, offered).map(|contract| Candidate { who, contract, far: false })
    };
    let actors =
        intent.components.iter().filter_map(|(name, view)| candidate(Who::Named(name.to_string()), &exports(view)));
    let providers = intent.manifest.providers.iter().filter_map(|(name, provider)| {
        let who = Who::Named(name.to_string());
        match provider.contract.as_ref().filter(|_| provider.kind == EXTERNAL) {
            Some(serves) => {
                let contract = Arc::new(wanted.clone());
                let name = named_like(serves, &wanted.name);
                let found = candidate(who, &[Offered { label: None, name: &name, contract: Ok(&contract) }])?;
                Some(Candidate { far: true, ..found })
            }
            None => candidate(who, &offers(&inventory.offers.get(&provider.kind)?.contracts)),
        }
    });
    let named: Vec<_> = actors.chain(providers).collect();
    if !named.is_empty() {
        return named;
    }
    let kinds = inventory.offers.iter();
    kinds.filter_map(|(kind, offer)| candidate(Who::Kind(kind.clone()), &offers(&offer.contracts))).collect()
}

fn could_serve(port: &Port, wanted: &Contract, offered: &[Offered<'_>]) -> Option<ContractName> {
    match &port.contract {
        Some(_) => serving(wanted, offered).ok().map(|given| given.name.clone()),
        None => fitting(wanted, offered).into_iter().next(),
    }
}
