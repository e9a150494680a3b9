//! What actors are asked before they take calls.

use model::blueprint::{CompositePlan, Readiness, ReceiverPlan};
use model::contract::{Function, Type};
use model::ids::ActorName;
use model::manifest::{Ready, ReadyCall};

use crate::composite::{Composer, answered};
use crate::findings::Findings;
use crate::intent::Intent;
use crate::problem::{Fault, Place, Unready, table_key};

impl Composer<'_, '_> {
    /// How the composite of `root` is asked, by one of its receivers.
    pub(crate) fn readiness(&mut self, root: &ActorName, receivers: &[ReceiverPlan]) -> Option<Readiness> {
        let Ready { call, within } = self.intent.manifest.actors.get(root)?.ready.as_ref()?;
        let found: Vec<_> = receivers.iter().filter(|receiver| is_meant(call, receiver)).collect();
        let unready = match found.first() {
            None => {
                let answered = self.intent.components.get(root).into_iter().flat_map(answered);
                Unready::Contract { offered: answered.map(|(_, contract)| contract.name.clone()).collect() }
            }
            Some(first) => match first.contract.functions.get(&call.function) {
                None => Unready::Function { known: first.contract.functions.keys().cloned().collect() },
                Some(function) if !is_question(function) => Unready::Question { function: function.to_string() },
                Some(_) => match found.iter().find(|receiver| receiver.adapter.version().is_some()) {
                    Some(receiver) => {
                        let (receiver, function) = (receiver.label.clone(), call.function.clone());
                        return Some(Readiness { receiver, function, within: *within });
                    }
                    None => Unready::Wire { receiver: first.adapter.wire().to_owned() },
                },
            },
        };
        refuse(root, call, unready, self.findings);
        None
    }
}

/// An actor that stands nowhere by itself cannot be asked.
pub(crate) fn check_asked(intent: &Intent, standing: impl Fn(&ActorName) -> bool, findings: &mut Findings) {
    for (actor, asked) in intent.manifest.actors.iter().filter(|(actor, _)| !standing(actor)) {
        if let Some(Ready { call, .. }) = &asked.ready {
            refuse(actor, call, Unready::Fused, findings);
        }
    }
}

fn refuse(actor: &ActorName, call: &ReadyCall, unready: Unready, findings: &mut Findings) {
    let at = Place::key(format!("{}.ready", table_key("actors", actor.as_str())));
    findings.problem(at, Fault::Unready { actor: actor.clone(), call: call.clone(), unready: Box::new(unready) });
}

/// True where a composite is asked what the manifest says.
pub(crate) fn is_asked(asked: Option<&Ready>, composite: &CompositePlan) -> bool {
    let (asked, planned) = match (asked, &composite.ready) {
        (None, None) => return true,
        (Some(asked), Some(planned)) => (asked, planned),
        _ => return false,
    };
    let receiver = composite.receivers.iter().find(|receiver| receiver.label == planned.receiver);
    let is_right = |receiver: &ReceiverPlan| {
        let function = receiver.contract.functions.get(&planned.function);
        is_meant(&asked.call, receiver) && receiver.adapter.version().is_some() && function.is_some_and(is_question)
    };
    receiver.is_some_and(is_right) && (&asked.call.function, asked.within) == (&planned.function, planned.within)
}

/// True for a receiver of the actor itself, of the contract that `call` names.
fn is_meant(call: &ReadyCall, receiver: &ReceiverPlan) -> bool {
    let (asked, given) = (&call.contract, &receiver.contract.name);
    let any = asked.version.is_none() || asked.version == given.version;
    receiver.via.is_empty() && given.same_interface(asked) && any
}

/// True for a function that can be asked without knowing anything, and can only say yes or no.
fn is_question(function: &Function) -> bool {
    function.params.is_empty() && function.result.as_ref().is_none_or(is_answer)
}

fn is_answer(ty: &Type) -> bool {
    match ty {
        Type::Bool => true,
        Type::Result { ok, .. } => ok.as_deref().is_none_or(|ok| *ok == Type::Bool),
        Type::Named(named) => is_answer(&named.shape),
        _ => false,
    }
}
