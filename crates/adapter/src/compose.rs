//! Linking: actors and adapters become one component, in memory.
//!
//! The composite imports one `sender` for each link, under a generated label, and exports one `receiver` for each
//! contract on which the actor answers; an actor that serves `wasi:http` also exports that, as it is. Which label serves which link is written into the custom section
//! [`labels::SECTION`]. Where messages go is not: that is a table of the host, so that relinking needs no new composite.

pub mod labels;
mod relabel;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use model::blueprint::{AdapterPlan, CompositePlan, Member, SenderPlan, Wire, WireTo};
use model::contract::Contract;
use model::digest::Digest;
use model::wire::Side;
use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions, NodeId, PackageId};

use crate::generate::{GenerateError, generate_in};
use crate::source::{SourceError, componentize};
use relabel::relabel;

/// The interface that senders import.
pub const SENDER: &str = "lath:wasmbus/sender@0.1.0";
/// The interface that receivers export.
pub const RECEIVER: &str = "lath:wasmbus/receiver@0.1.0";

/// Why a composite cannot be made. The planner refuses what it can see; what is left is a fault of a component.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// A part named by the plan was not given.
    #[error("component {digest} of {part} is not at hand; build or fetch it first")]
    Missing {
        /// Which part.
        part: String,
        /// Its digest.
        digest: Digest,
    },
    /// A part is not a component.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// An adapter cannot be generated.
    #[error(transparent)]
    Generate(#[from] GenerateError),
    /// Two parts do not fit.
    #[error("cannot link {part}: {reason}; check that both sides were built from the same contract")]
    Link {
        /// Which part.
        part: String,
        /// What the linker says.
        reason: String,
    },
    /// The linked whole is not valid.
    #[error("the composite of actor {actor} is not valid: {reason}; check the components that it holds")]
    Encode {
        /// Whose composite.
        actor: String,
        /// What the validator says.
        reason: String,
    },
}

/// Gives the bytes of a component by digest.
pub type Parts<'a> = &'a dyn Fn(&Digest) -> Option<Arc<[u8]>>;

/// Composes what `plan` describes out of `parts`, with the table of its labels.
///
/// # Errors
///
/// A part is not there, or does not fit.
pub fn compose(plan: &CompositePlan, parts: Parts<'_>) -> Result<Vec<u8>, ComposeError> {
    let mut composite = linked(plan, parts)?;
    labels::append(&mut composite, plan);
    Ok(composite)
}

/// The same without the table, which names actors: what runs. So equal code has equal bytes, and is compiled once, however
/// many actors it is.
///
/// # Errors
///
/// As of [`compose`].
pub fn linked(plan: &CompositePlan, parts: Parts<'_>) -> Result<Vec<u8>, ComposeError> {
    let mut linker = Linker { graph: CompositionGraph::new(), parts, packages: HashMap::new() };
    let mut members = Vec::with_capacity(plan.members.len());
    for member in &plan.members {
        let part = format!("actor {}", member.actor);
        let package = linker.member(&part, member)?;
        members.push((part, linker.graph.instantiate(package)));
    }
    for (member, (part, instance)) in plan.members.iter().zip(&members) {
        for wire in &member.wires {
            let source = match &wire.to {
                WireTo::Member { member, export } => {
                    let (part, callee) = members.get(*member).ok_or_else(|| link(part, "no such member"))?;
                    linker.export(part, *callee, export)?
                }
                WireTo::Sender(sender) => linker.sender(sender)?,
                WireTo::Native(_) => continue, // an import of the composite, as the member was relabelled
            };
            let set = linker.graph.set_instantiation_argument(*instance, &wire.import, source);
            set.map_err(|error| link(&format!("import `{}` of {part}", wire.import), &chain(&error)))?;
        }
    }
    linker.entrances(plan, &members)?;
    linker.graph.encode(EncodeOptions::default()).map_err(|error| ComposeError::Encode {
        actor: plan.members.first().map(|member| member.actor.to_string()).unwrap_or_default(),
        reason: chain(&error),
    })
}

struct Linker<'a> {
    graph: CompositionGraph,
    parts: Parts<'a>,
    packages: HashMap<Digest, PackageId>,
}

impl Linker<'_> {
    /// The exports of the composite: of its actor, or of the first of a chain before that.
    fn entrances(&mut self, plan: &CompositePlan, members: &[(String, NodeId)]) -> Result<(), ComposeError> {
        let outermost = |via: &[usize], label: &str| {
            let member = members.get(via.first().copied().unwrap_or_default());
            member.ok_or_else(|| link(&format!("export `{label}`"), "no such member"))
        };
        let mut exports = Vec::with_capacity(plan.receivers.len() + plan.http.len());
        for receiver in &plan.receivers {
            let (part, instance) = outermost(&receiver.via, &receiver.label)?;
            let export = self.export(part, *instance, &receiver.export)?;
            exports.push((part, &receiver.label, self.receiver(&receiver.contract, &receiver.adapter, export)?));
        }
        for http in &plan.http {
            let (part, instance) = outermost(&http.via, &http.label)?;
            exports.push((part, &http.label, self.export(part, *instance, &http.export)?));
        }
        for (part, label, outlet) in exports {
            let exported = self.graph.export(outlet, label.as_str());
            exported.map_err(|error| link(&format!("export `{label}` of {part}"), &chain(&error)))?;
        }
        Ok(())
    }

    fn component(&mut self, part: &str, digest: &Digest) -> Result<PackageId, ComposeError> {
        let bytes =
            (self.parts)(digest).ok_or_else(|| ComposeError::Missing { part: part.to_owned(), digest: *digest })?;
        self.package(part, &bytes)
    }

    /// The component of a member. The imports that the host meets itself have labels of their own: composition merges
    /// equal imports, and each actor's must stay its own.
    fn member(&mut self, part: &str, member: &Member) -> Result<PackageId, ComposeError> {
        let labels: BTreeMap<&str, &str> = member.wires.iter().filter_map(native).collect();
        if labels.is_empty() {
            return self.component(part, &member.component);
        }
        let bytes = (self.parts)(&member.component)
            .ok_or_else(|| ComposeError::Missing { part: part.to_owned(), digest: member.component })?;
        let component = componentize(part, &bytes)?;
        let relabelled = relabel(&component, &labels).map_err(|error| link(part, &error.to_string()))?;
        self.package(part, &relabelled)
    }

    /// Registers a component once, however often it is instantiated.
    fn package(&mut self, part: &str, bytes: &[u8]) -> Result<PackageId, ComposeError> {
        let component = componentize(part, bytes)?;
        let digest = Digest::of(&component);
        if let Some(known) = self.packages.get(&digest) {
            return Ok(*known);
        }
        let name = format!("lath:part-{}", digest.hex());
        let package = Package::from_bytes(&name, None, component.into_owned(), self.graph.types_mut())
            .map_err(|error| link(part, &format!("{error:#}")))?;
        let id = self.graph.register_package(package).map_err(|error| link(part, &chain(&error)))?;
        self.packages.insert(digest, id);
        Ok(id)
    }

    fn adapter(&mut self, contract: &Contract, adapter: &AdapterPlan, side: Side) -> Result<PackageId, ComposeError> {
        let part = format!("the {side} of {}", contract.name);
        match adapter {
            AdapterPlan::Generated(wire) => self.package(&part, &generate_in(contract, side, *wire)?),
            AdapterPlan::Substitute { component, .. } | AdapterPlan::Given { component, .. } => {
                self.component(&part, component)
            }
        }
    }

    /// A sender of its own for the link, on the composite's import under the link's label; gives the contract.
    fn sender(&mut self, plan: &SenderPlan) -> Result<NodeId, ComposeError> {
        let part = format!("the sender of {}", plan.contract.name);
        let package = self.adapter(&plan.contract, &plan.adapter, Side::Sender)?;
        let world = self.graph[package].ty();
        let bus = self.graph.types()[world].imports.get(SENDER).copied();
        let bus = bus.ok_or_else(|| link(&part, &format!("it does not import {SENDER}")))?;
        let import = self.graph.import(plan.label.as_str(), bus).map_err(|error| link(&part, &chain(&error)))?;
        let instance = self.graph.instantiate(package);
        self.graph.set_instantiation_argument(instance, SENDER, import).map_err(|error| link(&part, &chain(&error)))?;
        self.export(&part, instance, &plan.contract.name.to_string())
    }

    fn receiver(&mut self, contract: &Contract, adapter: &AdapterPlan, target: NodeId) -> Result<NodeId, ComposeError> {
        let part = format!("the receiver of {}", contract.name);
        let package = self.adapter(contract, adapter, Side::Receiver)?;
        let instance = self.graph.instantiate(package);
        self.graph
            .set_instantiation_argument(instance, &contract.name.to_string(), target)
            .map_err(|error| link(&part, &chain(&error)))?;
        self.export(&part, instance, RECEIVER)
    }

    fn export(&mut self, part: &str, instance: NodeId, name: &str) -> Result<NodeId, ComposeError> {
        self.graph
            .alias_instance_export(instance, name)
            .map_err(|error| link(&format!("export `{name}` of {part}"), &chain(&error)))
    }
}

fn native(wire: &Wire) -> Option<(&str, &str)> {
    match &wire.to {
        WireTo::Native(native) => Some((&wire.import, &native.label)),
        WireTo::Member { .. } | WireTo::Sender(_) => None,
    }
}

fn link(part: &str, reason: &str) -> ComposeError {
    ComposeError::Link { part: part.to_owned(), reason: reason.to_owned() }
}

/// The error and its sources in one line; wac-graph's errors name types of its own, which stay out of ours.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}
