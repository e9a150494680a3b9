//! Contracts with resources: a provider in the same process meets them, without messages; one elsewhere over a bridge.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::blueprint::Bridge;
use model::contract::{Contract, ContractName};
use model::ids::ProviderName;
use model::manifest::{EXTERNAL, LinkTarget, Reach};

use crate::choose::Choice;
use crate::intent::{Inventory, Offer, State};
use crate::problem::{Consumer, Fault, Misfit};
use crate::resolve::{Resolved, Resolver, Supplier};
use crate::supply::named_like;

impl<'a> Resolver<'a> {
    /// The contract of the import, where only providers in the same process can meet it.
    pub(crate) fn native_contract(&self, choice: &Choice<'a>) -> Option<&'a ContractName> {
        let contract = choice.port.contract.as_ref()?;
        is_native(self.inventory, contract).then_some(contract)
    }

    /// The import met by the provider that the link leads to and those that it opens.
    pub(crate) fn native(&self, choice: Choice<'a>, contract: &ContractName) -> Result<Resolved<'a>, Box<Fault>> {
        let LinkTarget::Provider(target) = &choice.link.to else {
            return Err(Box::new(misfit(&choice, contract, choice.link.to.to_string().replace('`', ""), Vec::new())));
        };
        for provider in std::iter::once(target).chain(choice.link.open.values()) {
            self.check_native(&choice, contract, provider)?;
        }
        let contract = Arc::new(Contract { name: contract.clone(), functions: BTreeMap::new() });
        Ok(Resolved { choice, contract, supplier: Supplier::Native(target), via: Vec::new() })
    }

    fn check_native(
        &self,
        choice: &Choice<'_>,
        contract: &ContractName,
        provider: &ProviderName,
    ) -> Result<(), Box<Fault>> {
        let planned = self.intent.manifest.providers.get(provider);
        let bridge = self.inventory.bridge(contract);
        if let Some(served) = planned.filter(|planned| planned.kind == EXTERNAL).and_then(|own| own.contract.as_ref()) {
            return check_outside(choice, contract, provider, served, bridge);
        }
        let offer = planned.and_then(|planned| self.inventory.offers.get(&planned.kind));
        let Some(offer) = offer.filter(|offer| offer.is_native(contract)) else {
            let offered = offer.map(offered).unwrap_or_default();
            return Err(Box::new(misfit(choice, contract, format!("provider {provider}"), offered)));
        };
        let leaves = choice.link.reach == Reach::Lattice && offer.state == State::Local;
        if leaves && !bridge.is_some_and(|bridge| offer.answers(bridge)) {
            let (actor, import) = (choice.actor.clone(), choice.port.label.clone());
            let shared = self.inventory.offers.iter().filter(|(_, offer)| offer.state == State::Shared);
            let shared = shared.filter(|(_, offer)| offer.is_native(contract)).map(|(kind, _)| kind.clone()).collect();
            return Err(Box::new(Fault::NativeReach { actor, import, provider: provider.clone(), shared }));
        }
        Ok(())
    }
}

/// A process of its own is reached over the lattice alone, by the bridge.
fn check_outside(
    choice: &Choice<'_>,
    contract: &ContractName,
    provider: &ProviderName,
    served: &ContractName,
    bridge: Option<&Bridge>,
) -> Result<(), Box<Fault>> {
    if !bridge.is_some_and(|bridge| named_like(served, &bridge.contract.name).serves(&bridge.contract.name)) {
        return Err(Box::new(misfit(choice, contract, format!("provider {provider}"), vec![served.to_string()])));
    }
    let (actor, import, reach) = (choice.actor.clone(), choice.port.label.clone(), choice.link.reach);
    match reach {
        Reach::Lattice => Ok(()),
        Reach::Fused | Reach::Host => {
            Err(Box::new(Fault::ExternalReach { actor, import, provider: provider.clone(), reach }))
        }
    }
}

/// True where some kind of provider has the contract without messages.
pub(crate) fn is_native(inventory: &Inventory, contract: &ContractName) -> bool {
    inventory.offers.values().any(|offer| offer.is_native(contract))
}

fn offered(offer: &Offer) -> Vec<String> {
    let contracts = offer.contracts.iter().map(|contract| contract.name.to_string());
    contracts.chain(offer.natives.iter().map(ToString::to_string)).collect()
}

fn misfit(choice: &Choice<'_>, wanted: &ContractName, target: String, offered: Vec<String>) -> Fault {
    let (actor, import) = (choice.actor.clone(), choice.port.label.clone());
    let misfit = Box::new(Misfit::Missing { offered });
    Fault::Misfit { consumer: Consumer::Import { actor, import }, wanted: wanted.clone(), target, misfit }
}
