//! Adapters: generated, unless the manifest gives a pair for the contract.

use std::collections::BTreeSet;

use model::blueprint::AdapterPlan;
use model::contract::{Contract, ContractName};
use model::digest::Digest;
use model::ids::ActorName;
use model::view::Port;
use model::wire::{Side, WireVersion};

use super::asked::{serves, travels};
use super::{Checker, Violation};
use crate::intent::{AdapterPair, GivenAdapter, Substitute};

impl<'a> Checker<'a> {
    pub(super) fn adapter(
        &mut self,
        root: &ActorName,
        side: Side,
        label: &str,
        contract: &Contract,
        plan: &AdapterPlan,
    ) {
        let given = self.given(&contract.name).map(|pair| half(pair, side));
        let (right, fits) = match (given, plan) {
            (None, AdapterPlan::Generated(version)) => {
                let unreplaced = self.substitutes(side, *version, contract).is_empty();
                (unreplaced && (side == Side::Sender || self.accepts(*version)), true)
            }
            (None, AdapterPlan::Substitute { component, wire }) => {
                let found = self.substitutes(side, *wire, contract).contains(component);
                (found && (side == Side::Sender || self.accepts(*wire)), true)
            }
            (Some(given), AdapterPlan::Given { component, wire }) => {
                (given.view.digest == *component && given.wire.as_ref() == Some(wire), fits(given, side, contract))
            }
            _ => (false, true),
        };
        self.require(right, || Violation::Adapter { composite: root.clone(), label: label.to_owned() });
        self.require(fits, || Violation::AdapterMisfit { composite: root.clone(), label: label.to_owned() });
    }

    /// The wires on which an actor that has a contract answers.
    pub(super) fn answers(&self, contract: &ContractName) -> BTreeSet<&'a str> {
        match self.given(contract) {
            Some(pair) => pair.receiver.wire.iter().map(String::as_str).collect(),
            None => self.intent.wires.accept.iter().map(|version| version.id()).collect(),
        }
    }

    /// What may stand in the place of a generated adapter: if anything was made for just this contract, that alone.
    fn substitutes(&self, side: Side, wire: WireVersion, contract: &Contract) -> Vec<Digest> {
        let given = self.intent.substitutes.iter().filter(|one| one.side == side && one.wire == wire);
        let fitting: Vec<_> = given.filter(|one| one.fits(contract)).collect();
        let is_exact = |one: &&&Substitute| one.contract().is_some_and(|made_for| **made_for == *contract);
        let exact: Vec<_> = fitting.iter().filter(is_exact).map(|one| one.view.digest).collect();
        if exact.is_empty() { fitting.iter().map(|one| one.view.digest).collect() } else { exact }
    }

    fn accepts(&self, version: WireVersion) -> bool {
        self.intent.wires.accept.contains(&version)
    }

    /// The pair that the manifest gives for a contract: closest version first.
    fn given(&self, contract: &ContractName) -> Option<&'a AdapterPair> {
        let pairs = || self.intent.adapters.iter().filter(|(name, _)| name.same_interface(contract));
        let close = pairs().find(|(name, _)| name.serves(contract) || contract.serves(name));
        close.or_else(|| pairs().find(|(name, _)| name.version.is_none())).map(|(_, pair)| pair)
    }

    /// The memories of an adapter; one that nobody gave counts as generated.
    pub(super) fn memories_of(&self, plan: &AdapterPlan) -> u32 {
        let Some(component) = plan.component() else { return 1 };
        let halves = self.intent.adapters.values().flat_map(|pair| [&pair.sender, &pair.receiver]);
        let substitutes = self.intent.substitutes.iter().map(|one| &one.view);
        let mut views = halves.map(|half| &half.view).chain(substitutes).filter(|view| view.digest == component);
        views.next().map_or(1, |view| view.memories)
    }
}

fn half(pair: &AdapterPair, side: Side) -> &GivenAdapter {
    match side {
        Side::Sender => &pair.sender,
        Side::Receiver => &pair.receiver,
    }
}

fn fits(given: &GivenAdapter, side: Side, contract: &Contract) -> bool {
    let named = |port: &&Port| port.contract.as_ref().is_some_and(|name| name.same_interface(&contract.name));
    let of = |ports: &'_ [Port], fits: &dyn Fn(&Contract) -> bool| {
        ports.iter().find(named).and_then(travels).is_some_and(fits)
    };
    match side {
        Side::Sender => of(&given.view.exports, &|made| serves(made, contract)),
        Side::Receiver => {
            of(&given.view.imports, &|made| serves(contract, made) && contract.is_served_by(made).is_ok())
        }
    }
}
