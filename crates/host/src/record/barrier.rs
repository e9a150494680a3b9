//! What keeps an actor from being recorded: whatever it can learn of the world that its recording would not hold.

use std::collections::BTreeMap;
use std::fmt;

use model::blueprint::{CompositePlan, WireTo};
use model::ids::ActorName;
use model::secret::{SecretValue, Setting};

/// Something that a recording does not hold. Its text follows "it".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Barrier {
    /// An import of the host's own functions.
    Native(String),
    /// It serves `wasi:http` without messages.
    Http,
    /// It may send requests of HTTP.
    Outgoing,
    /// It may use sockets.
    Network,
    /// It may use folders.
    Folders,
    /// Another actor is in its composite.
    Member(ActorName),
    /// Adapters of this wire.
    Wire(String),
    /// This setting is a secret, or given by this host.
    Setting(String),
}

impl fmt::Display for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Native(import) => {
                write!(f, "imports `{import}`, whose calls are no messages; link a contract of plain values")
            }
            Self::Http => f.write_str("serves `wasi:http`, whose requests are no messages"),
            Self::Outgoing => f.write_str("imports `wasi:http` and may send requests (`grants.http`)"),
            Self::Network => f.write_str("imports `wasi:sockets` and may connect (`grants.network`)"),
            Self::Folders => f.write_str("imports `wasi:filesystem` and may use folders (`grants.folders`)"),
            Self::Member(actor) => {
                write!(
                    f,
                    "shares its composite with actor {actor}; give that link reach `host`, or leave out `via`, to record"
                )
            }
            Self::Wire(wire) => write!(f, "has adapters written by hand, of wire `{wire}`, which Lath cannot read"),
            Self::Setting(name) => {
                write!(f, "is given `{name}`, a secret or a setting of this host, and a recording holds neither")
            }
        }
    }
}

/// What of a composite cannot be recorded.
pub(super) fn of(plan: &CompositePlan) -> Vec<Barrier> {
    let mut barriers = Vec::new();
    let others = plan.members.iter().skip(1);
    barriers.extend(others.map(|member| Barrier::Member(member.actor.clone())));
    let mut wires = Vec::new();
    for wire in plan.members.iter().flat_map(|member| &member.wires) {
        match &wire.to {
            WireTo::Native(_) => barriers.push(Barrier::Native(wire.import.clone())),
            WireTo::Sender(sender) => wires.push(&sender.adapter),
            WireTo::Member { .. } => {}
        }
    }
    wires.extend(plan.receivers.iter().map(|receiver| &receiver.adapter));
    let strange = wires.iter().find(|adapter| adapter.version().is_none());
    barriers.extend(strange.map(|adapter| Barrier::Wire(adapter.wire().to_owned())));
    let granted = |is_granted: fn(&model::blueprint::Member) -> bool| plan.members.iter().any(is_granted);
    let uses = [
        (Barrier::Http, !plan.http.is_empty()),
        (Barrier::Outgoing, granted(|member| !member.http.is_empty())),
        (Barrier::Network, granted(|member| !member.network.is_empty())),
        (Barrier::Folders, granted(|member| !member.folders.is_empty())),
    ];
    barriers.extend(uses.into_iter().filter(|(_, is_used)| *is_used).map(|(barrier, _)| barrier));
    barriers
}

/// The settings that must not be written down.
pub(super) fn secrets(settings: &BTreeMap<String, Setting<SecretValue>>) -> Vec<Barrier> {
    let secret = settings.iter().filter(|(_, value)| matches!(value, Setting::Secret(_)));
    secret.map(|(name, _)| Barrier::Setting(name.clone())).collect()
}
