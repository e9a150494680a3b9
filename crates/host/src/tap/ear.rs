//! What hears the messages of one actor's composite.

use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use adapter::codec::Codec;
use adapter::text::{Notation, params_to, result_to};
use engine::{Ear, Heard, Way};
use model::blueprint::{AdapterPlan, CompositePlan, Target, WireTo};
use model::contract::Contract;
use model::ids::{ActorName, AppName};
use model::wire::WireVersion;

use super::Taps;
use super::line::{Answered, Tapped, short};

/// Hears one composite, and tells what is wanted.
#[derive(Debug)]
pub(crate) struct ActorEar {
    taps: Taps,
    application: AppName,
    actor: ActorName,
    receivers: Vec<Spoken>,
    /// Who sends, and to whom.
    senders: Vec<(ActorName, String, Spoken)>,
}

/// A contract, and the version of the wire; none of an adapter that was written by hand.
#[derive(Debug)]
struct Spoken(Arc<Contract>, Option<WireVersion>);

impl ActorEar {
    pub(super) fn new(taps: Taps, application: &AppName, actor: &ActorName, plan: &CompositePlan) -> Self {
        let spoken = |contract: &Arc<Contract>, adapter: &AdapterPlan| Spoken(Arc::clone(contract), adapter.version());
        let receivers = plan.receivers.iter().map(|one| spoken(&one.contract, &one.adapter)).collect();
        let wires = plan.members.iter().flat_map(|member| &member.wires);
        let senders = wires.filter_map(|wire| match &wire.to {
            WireTo::Sender(sender) => {
                let to = match &sender.link.target {
                    Target::Actor { actor, .. } => actor.to_string(),
                    Target::Provider(provider) => provider.to_string(),
                };
                Some((sender.link.actor.clone(), to, spoken(&sender.contract, &sender.adapter)))
            }
            WireTo::Member { .. } | WireTo::Native(_) => None,
        });
        let senders = senders.collect();
        Self { taps, application: application.clone(), actor: actor.clone(), receivers, senders }
    }
}

impl Ear for ActorEar {
    fn listens(&self) -> bool {
        self.taps.listens()
    }

    fn hears(&self, heard: Heard<'_>) {
        let (from, to, spoken) = match heard.way {
            // Whoever sent it tells it.
            Way::In(_) if heard.depth > 0 => return,
            Way::In(receiver) => {
                let Some(spoken) = self.receivers.get(receiver) else { return };
                (None, self.actor.as_str(), spoken)
            }
            Way::Out(sender) => {
                let Some((from, to, spoken)) = self.senders.get(sender) else { return };
                (Some(from.as_str()), to.as_str(), spoken)
            }
        };
        let Some(dropped) = self.taps.admit(&self.application, [from, Some(to)], Instant::now()) else { return };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let tapped = Tapped {
            time_ms: u64::try_from(now.as_millis()).unwrap_or(u64::MAX),
            from: from.map(str::to_owned),
            to: to.to_owned(),
            contract: spoken.0.name.to_string(),
            function: heard.method.to_owned(),
            params: short(spoken.params(heard.method, heard.payload)),
            answer: match heard.answer {
                Ok(payload) => Answered::Result(short(spoken.result(heard.method, payload))),
                Err(failure) => Answered::failed(failure),
            },
            elapsed_us: u64::try_from(heard.elapsed.as_micros()).unwrap_or(u64::MAX),
            dropped,
        };
        self.taps.tell(&self.application, &tapped);
    }
}

impl Spoken {
    fn params(&self, function: &str, payload: &[u8]) -> String {
        let known = self.1.zip(self.0.functions.get(function));
        let values =
            known.and_then(|(wire, function)| Some((function, Codec(wire).decode_params(function, payload).ok()?)));
        let text = values.and_then(|(function, values)| params_to(Notation::Wave, function, &values).ok());
        text.unwrap_or_else(|| unread(payload))
    }

    fn result(&self, function: &str, payload: &[u8]) -> String {
        let known = self.1.zip(self.0.functions.get(function));
        let value =
            known.and_then(|(wire, function)| Some((function, Codec(wire).decode_result(function, payload).ok()?)));
        let text = value.and_then(|(function, value)| result_to(Notation::Wave, function, value.as_ref()).ok());
        text.unwrap_or_else(|| unread(payload))
    }
}

/// Bytes of an adapter that was written by hand, or too many to be shown.
fn unread(payload: &[u8]) -> String {
    format!("({} bytes)", payload.len())
}
