//! What a replayed component is composed with, and what its adapters' indices mean.

use std::collections::BTreeMap;
use std::sync::Arc;

use adapter::compose::linked;
use adapter::view::view;
use engine::ActorSettings;
use model::blueprint::{AdapterPlan, CompositePlan, LinkPlan, Member, ReceiverPlan, SenderPlan, Target, Wire, WireTo};
use model::contract::{Contract, ContractName, Function};
use model::ids::ActorName;
use model::limits::DEADLINE_DEFAULT;
use model::manifest::{Limits, Reach};
use model::secret::Setting;
use model::view::{ComponentView, Shape};
use model::wire::WireVersion;

use super::ReplayError;
use super::playback::{Playback, Screen};
use crate::inventory::inventory;
use crate::limits::REPLAY_CALL_TIME_MAX;
use crate::record::Recording;
use crate::record::line::Head;

/// A component with adapters for all that it can be called with and send.
pub(super) struct Stage {
    pub(super) composite: Arc<[u8]>,
    /// Linear memories of an instance.
    pub(super) memories: u32,
    /// The labels and contracts of its receivers.
    receivers: Vec<(String, Arc<Contract>)>,
    /// The labels, imports and contracts of its senders.
    pub(super) senders: Vec<(String, String, Arc<Contract>)>,
}

impl Stage {
    pub(super) fn build(recording: &Recording, bytes: &[u8]) -> Result<Self, ReplayError> {
        let name = &recording.head.actor;
        let actor: ActorName = name.parse().map_err(|_| ReplayError::Name { actor: name.clone() })?;
        let view = view("the component", bytes)?;
        let senders = senders(&view)?;
        let receivers = receivers(&view);
        let wires = senders.iter().map(|(label, import, contract)| Wire {
            import: import.clone(),
            to: WireTo::Sender(sender(&actor, label, import, contract)),
        });
        let member = Member {
            actor: actor.clone(),
            component: view.digest,
            wires: wires.collect(),
            env: Default::default(),
            http: Vec::new(),
            network: Vec::new(),
            folders: Vec::new(),
            config: Default::default(),
        };
        let plans = receivers.iter().map(|(label, export, contract)| ReceiverPlan {
            label: label.clone(),
            export: export.clone(),
            via: Vec::new(),
            contract: Arc::clone(contract),
            adapter: AdapterPlan::Generated(WireVersion::V1),
        });
        let plan = CompositePlan {
            members: vec![member],
            receivers: plans.collect(),
            http: Vec::new(),
            limits: Limits::default(),
            ready: None,
        };
        let bytes: Arc<[u8]> = bytes.into();
        let composite = linked(&plan, &|digest| (*digest == view.digest).then(|| Arc::clone(&bytes)))?.into();
        let adapters = u32::try_from(receivers.len() + senders.len()).unwrap_or(u32::MAX);
        let receivers = receivers.into_iter().map(|(label, _, contract)| (label, contract)).collect();
        Ok(Self { composite, memories: view.memories.saturating_add(adapters), receivers, senders })
    }

    /// How its instances run, in the world that `playback` shows.
    pub(super) fn settings(&self, head: &Head, playback: &Arc<Playback>) -> ActorSettings {
        let given = |texts: &BTreeMap<String, String>| {
            texts.iter().map(|(name, text)| (name.clone(), Setting::from(text.clone()))).collect()
        };
        ActorSettings {
            memory_bytes: head.memory,
            message_bytes_max: usize::try_from(head.message).unwrap_or(usize::MAX),
            instances: 1,
            reuse: u32::MAX,
            execution: REPLAY_CALL_TIME_MAX,
            env: given(&head.env),
            config: given(&head.config),
            receivers: self.receivers.iter().map(|(label, _)| label.clone()).collect(),
            senders: self.senders.iter().map(|(label, ..)| label.clone()).collect(),
            tapes: Some(Arc::new(Screen(Arc::clone(playback)))),
            ..ActorSettings::new(&head.actor)
        }
    }

    /// Where a recorded call goes in, and what its function is like.
    pub(super) fn receiver(&self, contract: &str, function: &str) -> Option<(usize, Function)> {
        let wanted: ContractName = contract.parse().ok()?;
        let is_it = |(_, given): &(String, Arc<Contract>)| given.name.same_interface(&wanted);
        let index = self.receivers.iter().position(is_it)?;
        Some((index, self.receivers.get(index)?.1.functions.get(function)?.clone()))
    }

    /// The component's own view of a contract that it exports.
    pub(super) fn exported(&self, contract: &str) -> Option<&Contract> {
        let wanted: ContractName = contract.parse().ok()?;
        self.receivers.iter().map(|(_, given)| &**given).find(|given| given.name.same_interface(&wanted))
    }
}

/// Imports that become messages: all that hosts do not meet themselves.
fn senders(view: &ComponentView) -> Result<Vec<(String, String, Arc<Contract>)>, ReplayError> {
    let inventory = inventory()?;
    let mut senders = Vec::new();
    for port in view.imports.iter().filter(|port| !inventory.host_satisfies(port)) {
        match &port.shape {
            Shape::Types => {}
            Shape::Contract(contract) => {
                senders.push((format!("send{}", senders.len()), port.label.clone(), Arc::clone(contract)));
            }
            Shape::Refused(refusal) => {
                return Err(ReplayError::Import { import: port.label.clone(), reason: refusal.to_string() });
            }
        }
    }
    Ok(senders)
}

fn receivers(view: &ComponentView) -> Vec<(String, String, Arc<Contract>)> {
    let contracts = view.exports.iter().filter_map(|port| match &port.shape {
        Shape::Contract(contract) => Some((port.label.clone(), Arc::clone(contract))),
        Shape::Types | Shape::Refused(_) => None,
    });
    contracts.enumerate().map(|(index, (export, contract))| (format!("receive{index}"), export, contract)).collect()
}

fn sender(actor: &ActorName, label: &str, import: &str, contract: &Arc<Contract>) -> SenderPlan {
    let link = LinkPlan {
        actor: actor.clone(),
        import: import.to_owned(),
        contract: contract.name.clone(),
        // Where it leads is nowhere: the playback answers.
        target: Target::Actor { actor: actor.clone(), receiver: String::new() },
        reach: Reach::Host,
        deadline: DEADLINE_DEFAULT,
        idempotent: Default::default(),
    };
    SenderPlan {
        label: label.to_owned(),
        contract: Arc::clone(contract),
        adapter: AdapterPlan::Generated(WireVersion::V1),
        link,
        open: Default::default(),
    }
}
