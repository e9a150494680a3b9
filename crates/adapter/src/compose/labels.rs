//! The table of a composite's labels, in a custom section of the component.

use model::blueprint::{CompositePlan, WireTo};
use serde::{Deserialize, Serialize};
use wasm_encoder::{ComponentSection as _, CustomSection};
use wasmparser::{Parser, Payload};

/// The custom section's name. Its content is a [`Labels`] as JSON.
pub const SECTION: &str = "lath:labels";

/// Which label of a composite serves what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Labels {
    /// The actors inside, the one that answers first.
    pub actors: Vec<String>,
    /// Imports: one a link.
    pub senders: Vec<SenderLabel>,
    /// Imports that the host meets itself.
    #[serde(default)]
    pub natives: Vec<NativeLabel>,
    /// Exports: one a contract.
    pub receivers: Vec<ReceiverLabel>,
}

/// A link's label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SenderLabel {
    /// The composite's import.
    pub label: String,
    /// The actor that calls.
    pub actor: String,
    /// Its import.
    pub import: String,
    /// The contract.
    pub contract: String,
    /// The wire id of the messages.
    pub wire: String,
}

/// The label of an import that the host meets itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NativeLabel {
    /// The composite's import.
    pub label: String,
    /// The actor that calls.
    pub actor: String,
    /// Its import.
    pub import: String,
    /// The contract.
    pub contract: String,
}

/// A receiver's label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiverLabel {
    /// The composite's export.
    pub label: String,
    /// The contract.
    pub contract: String,
    /// The wire id of the messages.
    pub wire: String,
}

impl Labels {
    /// The table of the composite that `plan` describes.
    pub fn of(plan: &CompositePlan) -> Self {
        let wires = || plan.members.iter().flat_map(|member| &member.wires);
        let natives = wires().filter_map(|wire| match &wire.to {
            WireTo::Member { .. } | WireTo::Sender(_) => None,
            WireTo::Native(native) => Some(NativeLabel {
                label: native.label.clone(),
                actor: native.link.actor.to_string(),
                import: native.link.import.clone(),
                contract: native.link.contract.to_string(),
            }),
        });
        let senders = wires().filter_map(|wire| match &wire.to {
            WireTo::Member { .. } | WireTo::Native(_) => None,
            WireTo::Sender(sender) => Some(SenderLabel {
                label: sender.label.clone(),
                actor: sender.link.actor.to_string(),
                import: sender.link.import.clone(),
                contract: sender.contract.name.to_string(),
                wire: sender.adapter.wire().to_owned(),
            }),
        });
        let receivers = plan.receivers.iter().map(|receiver| ReceiverLabel {
            label: receiver.label.clone(),
            contract: receiver.contract.name.to_string(),
            wire: receiver.adapter.wire().to_owned(),
        });
        Self {
            actors: plan.members.iter().map(|member| member.actor.to_string()).collect(),
            senders: senders.collect(),
            natives: natives.collect(),
            receivers: receivers.collect(),
        }
    }

    /// Reads the table of a composite; none where the component is not one. A table nested in it is another's.
    pub fn read(component: &[u8]) -> Option<Self> {
        let mut depth = 0_usize;
        let data = Parser::new(0).parse_all(component).find_map(|payload| {
            match payload {
                Ok(Payload::Version { .. }) => depth = depth.saturating_add(1),
                Ok(Payload::End(_)) => depth = depth.saturating_sub(1),
                Ok(Payload::CustomSection(section)) if depth == 1 && section.name() == SECTION => {
                    return Some(section.data());
                }
                _ => {}
            }
            None
        });
        data.and_then(|data| serde_json::from_slice(data).ok())
    }
}

/// The content of the first custom section called `name`, at whatever depth.
pub fn section<'a>(component: &'a [u8], name: &str) -> Option<&'a [u8]> {
    Parser::new(0).parse_all(component).find_map(|payload| match payload {
        Ok(Payload::CustomSection(section)) if section.name() == name => Some(section.data()),
        _ => None,
    })
}

pub(super) fn append(component: &mut Vec<u8>, plan: &CompositePlan) {
    // Plain structs of strings always have a JSON form.
    let data = serde_json::to_vec(&Labels::of(plan)).unwrap_or_default();
    CustomSection { name: SECTION.into(), data: data.into() }.append_to_component(component);
}
