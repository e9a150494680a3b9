//! Whether a target serves a consumer: contract, version, types.

use std::sync::Arc;

use model::contract::{Contract, ContractName};
use model::view::{ComponentView, Port, Refusal, Shape};

use crate::intent::on_one_track;
use crate::problem::Misfit;

/// A contract that a target has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Offered<'a> {
    /// The export's label; a provider's contract has none.
    pub(crate) label: Option<&'a str>,
    pub(crate) name: &'a ContractName,
    pub(crate) contract: Result<&'a Arc<Contract>, &'a Refusal>,
}

/// What an actor's component offers to links.
pub(crate) fn exports(view: &ComponentView) -> Vec<Offered<'_>> {
    view.exports.iter().filter_map(export).collect()
}

fn export(port: &Port) -> Option<Offered<'_>> {
    let contract = match &port.shape {
        Shape::Contract(contract) => Ok(contract),
        Shape::Refused(refusal) => Err(refusal),
        Shape::Types => return None,
    };
    Some(Offered { label: Some(&port.label), name: port.contract.as_ref()?, contract })
}

/// What a kind of provider offers to links.
pub(crate) fn offers(contracts: &[Arc<Contract>]) -> Vec<Offered<'_>> {
    contracts.iter().map(|contract| Offered { label: None, name: &contract.name, contract: Ok(contract) }).collect()
}

/// The contract that an external provider serves, for a consumer of `wanted`: a version that it does not state is the
/// consumer's.
pub(crate) fn named_like(serves: &ContractName, wanted: &ContractName) -> ContractName {
    let version = serves.version.clone().or_else(|| wanted.version.clone());
    ContractName { version, ..serves.clone() }
}

/// The one of `offered` that serves `wanted`, the newest if there are several.
pub(crate) fn serving<'a>(wanted: &Contract, offered: &[Offered<'a>]) -> Result<Offered<'a>, Box<Misfit>> {
    let given = newest(&wanted.name, offered)?;
    let label = || given.label.unwrap_or_default().to_owned();
    let contract = given.contract.map_err(|refusal| Misfit::Refused { label: label(), refusal: refusal.clone() })?;
    let served = wanted.is_served_by(contract);
    served.map_err(|mismatch| Misfit::Incompatible { given: given.name.clone(), mismatch })?;
    Ok(given)
}

/// The newest of `offered` whose name serves `wanted`, whatever its types.
pub(crate) fn newest<'a>(wanted: &ContractName, offered: &[Offered<'a>]) -> Result<Offered<'a>, Box<Misfit>> {
    let same: Vec<_> = offered.iter().filter(|given| given.name.same_interface(wanted)).collect();
    let newest = same.iter().filter(|given| given.name.serves(wanted)).max_by_key(|given| &given.name.version);
    newest.map(|given| **given).ok_or_else(|| Box::new(unserved(wanted, &same, offered)))
}

fn unserved(wanted: &ContractName, same: &[&Offered<'_>], all: &[Offered<'_>]) -> Misfit {
    let older = same.iter().filter(|given| on_one_track(given.name, wanted)).max_by_key(|given| &given.name.version);
    let other = same.iter().max_by_key(|given| &given.name.version);
    match (older, other) {
        (Some(older), _) => Misfit::Older { given: older.name.clone() },
        (None, Some(other)) => Misfit::OtherTrack { given: other.name.clone() },
        (None, None) => Misfit::Missing { offered: all.iter().map(|given| given.name.to_string()).collect() },
    }
}

/// The contracts of `offered` that have the structure of `wanted`, whatever their names.
pub(crate) fn fitting(wanted: &Contract, offered: &[Offered<'_>]) -> Vec<ContractName> {
    let fits = |given: &&Offered<'_>| given.contract.is_ok_and(|contract| wanted.is_served_by(contract).is_ok());
    offered.iter().filter(fits).map(|given| given.name.clone()).collect()
}
