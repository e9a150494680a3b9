//! How each link of a plan will run, and why: what `lath plan` shows.

use std::fmt;
use std::time::Duration;

use model::blueprint::{AdapterPlan, Blueprint, CompositePlan, Member, NativePlan, SenderPlan, Target, Wire, WireTo};
use model::contract::ContractName;
use model::ids::ActorName;
use model::manifest::Reach;

use crate::layout::ChainEnd;
use crate::planning::Notes;

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
    /// The middleware that calls pass, in order.
    pub via: Vec<ActorName>,
    /// Who answers, such as `actor tax` or `provider kv`.
    pub target: String,
    /// How far calls travel.
    pub reach: Reach,
    /// True where the host meets the import itself, by functions of its own: no message, where the provider is on it.
    pub native: bool,
    /// The contract of plain values by which calls reach a provider on another host, where the link's own has resources.
    pub bridge: Option<ContractName>,
    /// The way of a call.
    pub how: String,
    /// Why it is so.
    pub why: String,
    /// The longest time a call may take; a fused call is bounded by that of its caller.
    pub deadline: Option<Duration>,
}

impl fmt::Display for LinkExplanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { actor, import, target, contract, how, why, .. } = self;
        let via: String = self.via.iter().map(|actor| format!("{actor} → ")).collect();
        write!(f, "{actor} · {import} → {via}{target} ({contract})\n  {how}\n  {why}")?;
        match self.deadline {
            Some(deadline) => write!(f, "\n  deadline {deadline:?}"),
            None => Ok(()),
        }
    }
}

/// A plan, as its explanation needs it.
#[derive(Clone, Copy)]
struct Planned<'a> {
    blueprint: &'a Blueprint,
    notes: &'a Notes,
}

/// Explains every link of a [plan](crate::Plan), in the order of composites, members and imports. An actor that is in
/// several composites is explained in each.
pub fn explain(blueprint: &Blueprint, notes: &Notes) -> Vec<LinkExplanation> {
    let plan = Planned { blueprint, notes };
    let composites = blueprint.composites.iter();
    composites
        .flat_map(|(root, composite)| {
            composite.members.iter().enumerate().map(move |(at, member)| (root, composite, at, member))
        })
        .flat_map(|(root, composite, at, member)| {
            let chained = move |wire| chained(plan, (root, composite), (at, member), wire);
            member.wires.iter().filter_map(chained)
        })
        .collect()
}

/// A wire as its link has it: one that begins a chain by its end. What passes calls on within a chain is no link.
fn chained(
    plan: Planned<'_>,
    (root, composite): (&ActorName, &CompositePlan),
    (at, member): (usize, &Member),
    wire: &Wire,
) -> Option<LinkExplanation> {
    let site = (root.clone(), at, wire.import.clone());
    if plan.notes.chains.passing.contains(&site) {
        return None;
    }
    let link = (&member.actor, wire.import.as_str());
    let Some(ChainEnd { via, member: last, import }) = plan.notes.chains.ends.get(&site) else {
        return explained(plan, root, composite, link, wire);
    };
    let end = composite.members.get(*last)?.wires.iter().find(|wire| wire.import == *import)?;
    let explained = explained(plan, root, composite, link, end)?;
    let copies: Vec<_> = via.iter().map(ActorName::as_str).collect();
    let why = format!("{}; copies of {} are fused into {root}", explained.why, copies.join(" and "));
    Some(LinkExplanation { via: via.clone(), why, ..explained })
}

fn explained(
    plan: Planned<'_>,
    root: &ActorName,
    composite: &CompositePlan,
    (actor, import): (&ActorName, &str),
    wire: &Wire,
) -> Option<LinkExplanation> {
    match &wire.to {
        WireTo::Sender(sender) => Some(sent(plan, root, sender)),
        WireTo::Native(native) => Some(met(plan, root, native)),
        WireTo::Member { member: index, .. } => {
            let callee = &composite.members.get(*index)?.actor;
            let contract = plan.notes.fused.get(&(actor.clone(), import.to_owned()))?.clone();
            Some(LinkExplanation {
                composite: root.clone(),
                actor: actor.clone(),
                import: import.to_owned(),
                contract,
                via: Vec::new(),
                target: format!("actor {callee}"),
                reach: Reach::Fused,
                native: false,
                bridge: None,
                how: format!("fused: direct call inside {root}'s composite"),
                why: format!("reach `fused`: this copy of {callee} shares the fate and the limits of {root}"),
                deadline: None,
            })
        }
    }
}

fn sent(plan: Planned<'_>, root: &ActorName, sender: &SenderPlan) -> LinkExplanation {
    let link = &sender.link;
    LinkExplanation {
        composite: root.clone(),
        actor: link.actor.clone(),
        import: link.import.clone(),
        contract: link.contract.clone(),
        via: Vec::new(),
        target: link.target.to_string(),
        reach: link.reach,
        native: false,
        bridge: None,
        how: way(sender),
        why: reasons(plan, root, sender),
        deadline: Some(link.deadline),
    }
}

fn met(plan: Planned<'_>, root: &ActorName, native: &NativePlan) -> LinkExplanation {
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
        via: Vec::new(),
        target,
        reach: link.reach,
        native: true,
        bridge: native.bridge.as_ref().map(|bridge| bridge.contract.name.clone()),
        how: near_or_over(native),
        why: format!("a contract with resources: {}{fused}", reasons.join(", ")),
        deadline: Some(link.deadline),
    }
}

fn near_or_over(native: &NativePlan) -> String {
    let (reach, label) = (native.link.reach, &native.label);
    let near = format!("{reach}: functions of the host at {label}, in this process, without messages");
    match &native.bridge {
        None => near,
        Some(bridge) => {
            format!("{near}, where the provider is on this host; else over the lattice by {}", bridge.contract.name)
        }
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

fn reasons(plan: Planned<'_>, root: &ActorName, sender: &SenderPlan) -> String {
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
    match &sender.adapter {
        AdapterPlan::Generated(_) => {}
        AdapterPlan::Substitute { component, wire } => {
            reasons.push(format!("an operator replaced its generated sender by {component}, wire `{wire}`"));
        }
        AdapterPlan::Given { wire, .. } => reasons.push(format!("the adapters are hand-written, wire `{wire}`")),
    }
    reasons.join("; ")
}

fn provided(plan: Planned<'_>, provider: &model::ids::ProviderName) -> String {
    let planned = plan.blueprint.providers.get(provider);
    match planned {
        Some(planned) if planned.external.is_some() => format!("{provider} is a process of its own, on no host"),
        _ => format!("`{}` runs in the host", planned.map(|provider| provider.kind.as_str()).unwrap_or_default()),
    }
}
