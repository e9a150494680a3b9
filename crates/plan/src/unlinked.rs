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

/// Finds the imports of an actor that nothing meets, nor `is_met` says that a chain of middleware does.
pub(crate) fn unlinked(
    intent: &Intent,
    inventory: &Inventory,
    (actor, view): (&ActorName, &ComponentView),
    choices: &[Choice<'_>],
    is_met: &dyn Fn(&str) -> bool,
    findings: &mut Findings,
) {
    for port in &view.imports {
        let linked = choices.iter().any(|choice| choice.port.label == port.label);
        if linked || inventory.host_satisfies(port) || is_met(&port.label) {
            continue;
        }
        let (name, import) = (actor.clone(), port.label.clone());
        let unlinked = |contract, functions, candidates| Fault::Unlinked {
            actor: name.clone(),
            import: import.clone(),
            functions,
            contract,
            candidates,
        };
        let fault = match &port.shape {
            Shape::Types => continue,
            Shape::Refused(refusal) => match natives(intent, inventory, port.contract.as_ref()) {
                candidates if candidates.is_empty() => {
                    Fault::Unmeetable { actor: name, import, refusal: refusal.clone() }
                }
                candidates => unlinked(port.contract.clone(), written(&refusal.functions), candidates),
            },
            Shape::Contract(contract) => {
                let functions = contract.functions.keys().cloned().collect();
                unlinked(port.contract.clone(), functions, candidates(intent, inventory, port, contract))
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

/// Providers of the manifest that have a contract without messages; else kinds of provider that could be added.
fn natives(intent: &Intent, inventory: &Inventory, wanted: Option<&ContractName>) -> Vec<Candidate> {
    let Some(wanted) = wanted else { return Vec::new() };
    let candidate = |who| Candidate { who, contract: wanted.clone(), far: false };
    let has_it = |kind: &String| inventory.offers.get(kind).is_some_and(|offer| offer.is_native(wanted));
    let providers = intent.manifest.providers.iter().filter(|(_, provider)| has_it(&provider.kind));
    let named: Vec<_> = providers.map(|(name, _)| candidate(Who::Named(name.to_string()))).collect();
    if !named.is_empty() {
        return named;
    }
    inventory.offers.keys().filter(|kind| has_it(kind)).map(|kind| candidate(Who::Kind(kind.clone()))).collect()
}

/// Functions as a reader of WIT knows them: `bucket.get`.
fn written(functions: &[String]) -> Vec<String> {
    functions.iter().map(|function| function.rsplit(']').next().unwrap_or_default().to_owned()).collect()
}

fn could_serve(port: &Port, wanted: &Contract, offered: &[Offered<'_>]) -> Option<ContractName> {
    match &port.contract {
        Some(_) => serving(wanted, offered).ok().map(|given| given.name.clone()),
        None => fitting(wanted, offered).into_iter().next(),
    }
}
