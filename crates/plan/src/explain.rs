//! How each link of a plan will run, and why: what `lath plan` shows.

use std::fmt;
use std::time::Duration;

use model::blueprint::{AdapterPlan, CompositePlan, Member, NativePlan, SenderPlan, Target, Wire, WireTo};
use model::contract::ContractName;
use model::ids::ActorName;
use model::manifest::Reach;

use crate::planning::Plan;

/// A link of a composite, explained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkExplanation {
    /// The composite: its actor, or one into which its actor is fused.
    pub composite: ActorName,
    /// The actor that calls.
    pub actor: ActorName,
    /// Its import.
    pub import: String,
    /// The contract.
    pub contract: ContractName,
    /// Who answers, such as `actor tax` or `provider kv`.
    pub target: String,
    /// How far calls travel.
    pub reach: Reach,
    /// The way of a call.
    pub how: String,
    /// Why it is so.
    pub why: String,
    /// The longest time a call may take; a fused call is bounded by that of its caller.
    pub deadline: Option<Duration>,
}

impl fmt::Display for LinkExplanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} · {} → {} ({})\n  {}\n  {}",
            self.actor, self.import, self.target, self.contract, self.how, self.why
        )?;
        match self.deadline {
            Some(deadline) => write!(f, "\n  deadline {deadline:?}"),
            None => Ok(()),
        }
    }
}

/// Explains every link, in the order of composites, members and imports. An actor that is in several composites is
/// explained in each.
pub fn explain(plan: &Plan) -> Vec<LinkExplanation> {
    let composites = plan.blueprint.composites.iter();
    composites
        .flat_map(|(root, composite)| composite.members.iter().map(move |member| (root, composite, member)))
        .flat_map(|(root, composite, member)| {
            member.wires.iter().filter_map(move |wire| explained(plan, root, composite, member, wire))
        })
        .collect()
}

fn explained(
    plan: &Plan,
    root: &ActorName,
    composite: &CompositePlan,
    member: &Member,
    wire: &Wire,
) -> Option<LinkExplanation> {
    match &wire.to {
        WireTo::Sender(sender) => Some(sent(plan, root, sender)),
        WireTo::Native(native) => Some(met(plan, root, native)),
        WireTo::Member { member: index, .. } => {
            let callee = &composite.members.get(*index)?.actor;
            let contract = plan.fused.get(&(member.actor.clone(), wire.import.clone()))?.clone();
            Some(LinkExplanation {
                composite: root.clone(),
                actor: member.actor.clone(),
                import: wire.import.clone(),
                contract,
                target: format!("actor {callee}"),
                reach: Reach::Fused,
                how: format!("fused: direct call inside {root}'s composite"),
                why: format!("reach `fused`: this copy of {callee} shares the fate and the limits of {root}"),
                deadline: None,
            })
        }
    }
}

fn sent(plan: &Plan, root: &ActorName, sender: &SenderPlan) -> LinkExplanation {
    let link = &sender.link;
    LinkExplanation {
        composite: root.clone(),
        actor: link.actor.clone(),
        import: link.import.clone(),
        contract: link.contract.clone(),
        target: link.target.to_string(),
        reach: link.reach,
        how: way(sender),
        why: reasons(plan, root, sender),
        deadline: Some(link.deadline),
    }
}

fn met(plan: &Plan, root: &ActorName, native: &NativePlan) -> LinkExplanation {
    let link = &native.link;
    let mut target = link.target.to_string();
    for (store, provider) in &native.open {
        target.push_str(&format!(", `{store}` in provider {provider}"));
    }
    let reasons: Vec<String> = native.providers().into_iter().map(|provider| provided(plan, provider)).collect();
    let fused = if link.actor == *root { String::new() } else { format!("; {} is fused into {root}", link.actor) };
    LinkExplanation {
        composite: root.clone(),
        actor: link.actor.clone(),
        import: link.import.clone(),
        contract: link.contract.clone(),
        target,
        reach: link.reach,
        how: format!("{}: functions of the host at {}, in this process, without messages", link.reach, native.label),
        why: format!("a contract with resources: {}{fused}", reasons.join(", ")),
        deadline: Some(link.deadline),
    }
}

fn way(sender: &SenderPlan) -> String {
    let (reach, label) = (sender.link.reach, &sender.label);
    let end = match &sender.link.target {
        Target::Actor { actor, receiver } => format!("{receiver} of {actor}"),
        Target::Provider(provider) => format!("provider {provider}"),
    };
    let place = match reach {
        Reach::Lattice => "nearest ready instance: on this host if there is one, else over the lattice",
        Reach::Fused | Reach::Host => "in this process",
    };
    let receiver = match &sender.link.target {
        Target::Actor { .. } => "receiver ",
        Target::Provider(_) => "",
    };
    format!("{reach}: sender {label} → {receiver}{end}, {place}")
}

fn reasons(plan: &Plan, root: &ActorName, sender: &SenderPlan) -> String {
    let link = &sender.link;
    let mut reasons = vec![match (&link.target, link.reach) {
        (Target::Actor { actor, .. }, Reach::Lattice) => {
            format!("reach `lattice`: {actor} is placed by itself, on whichever hosts")
        }
        (Target::Provider(provider), Reach::Lattice) => format!("reach `lattice`: {}", provided(plan, provider)),
        (Target::Actor { actor, .. }, _) => {
            format!("reach `host`: {actor} keeps its own memory and limits, placed beside its caller")
        }
        (Target::Provider(provider), _) => format!("reach `host`: {}", provided(plan, provider)),
    }];
    if link.actor != *root {
        reasons.push(format!("{} is fused into {root}", link.actor));
    }
    if let AdapterPlan::Given { wire, .. } = &sender.adapter {
        reasons.push(format!("the adapters are hand-written, wire `{wire}`"));
    }
    reasons.join("; ")
}

fn provided(plan: &Plan, provider: &model::ids::ProviderName) -> String {
    let planned = plan.blueprint.providers.get(provider);
    match planned {
        Some(planned) if planned.external.is_some() => format!("{provider} is a process of its own, on no host"),
        _ => format!("`{}` runs in the host", planned.map(|provider| provider.kind.as_str()).unwrap_or_default()),
    }
}
