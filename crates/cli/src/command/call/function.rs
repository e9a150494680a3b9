//! Which function of which actor is meant.

use std::collections::BTreeSet;

use adapter::text::TextError;
use model::blueprint::{Blueprint, CompositePlan, ReceiverPlan, WIRE_1};
use model::contract::{ContractName, Function};
use model::ids::ActorName;
use model::wire::WireVersion;

use crate::error::CliError;

/// A function of an actor.
#[derive(Clone, Debug)]
pub(super) struct Callee {
    pub(super) actor: ActorName,
    pub(super) contract: ContractName,
    pub(super) name: String,
    pub(super) function: Function,
    /// The wire id of the receiver.
    pub(super) wire: String,
}

impl Callee {
    /// The error of arguments that it does not take.
    pub(super) fn refused(&self, source: TextError) -> CliError {
        let signature = format!("{}: {}", self.name, self.function);
        CliError::Arguments { function: self.name.clone(), signature, source }
    }

    /// The name that is unique within the actor.
    fn address(&self) -> String {
        format!("{}#{}", self.contract, self.name)
    }
}

/// The one function that `text` names, among those of `actor` or of all actors.
pub(super) fn find(blueprint: &Blueprint, actor: Option<&str>, text: &str) -> Result<Callee, CliError> {
    let all = functions(blueprint, actor)?;
    let (mut named, others): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|callee| callee.contract.is_named(&callee.name, text));
    match (named.pop(), named.is_empty()) {
        (Some(only), true) => spoken(only),
        (Some(last), false) => Err(ambiguous(text, named.into_iter().chain([last]))),
        (None, _) => Err(unknown(text, actor, &others)),
    }
}

/// Every function that can be called.
fn functions(blueprint: &Blueprint, actor: Option<&str>) -> Result<Vec<Callee>, CliError> {
    let composites = blueprint.composites.iter();
    let asked: Vec<_> = composites.filter(|(name, _)| actor.is_none_or(|asked| name.as_str() == asked)).collect();
    if let (Some(asked), []) = (actor, asked.as_slice()) {
        return Err(no_actor(blueprint, asked));
    }
    Ok(asked.into_iter().flat_map(|(name, composite)| of_actor(name, composite)).collect())
}

fn no_actor(blueprint: &Blueprint, asked: &str) -> CliError {
    let is_member = |composite: &CompositePlan| composite.members.iter().any(|member| member.actor.as_str() == asked);
    let hosts = blueprint.composites.iter().filter(|(_, composite)| is_member(composite));
    let hosts: Vec<_> = hosts.map(|(name, _)| name.as_str()).collect();
    if !hosts.is_empty() {
        return CliError::Function {
            message: format!("actor {asked} does not run by itself: it is fused into {}", hosts.join(", ")),
            help: format!("call {}, or give a link to {asked} reach `host`", hosts.join(" or ")),
        };
    }
    let names: Vec<_> = blueprint.composites.keys().map(ActorName::as_str).collect();
    CliError::Function {
        message: format!("application {} has no actor `{asked}`", blueprint.application),
        help: format!("there is {}", names.join(", ")),
    }
}

fn of_actor<'a>(actor: &'a ActorName, composite: &'a CompositePlan) -> impl Iterator<Item = Callee> + 'a {
    // Of receivers that differ in the version of the wire alone, any will do.
    let mut seen = BTreeSet::new();
    let receivers = composite
        .receivers
        .iter()
        .filter(move |one| one.adapter.version().is_none() || seen.insert((&one.contract.name, &one.via)));
    receivers.flat_map(move |receiver| of_receiver(actor, receiver))
}

fn of_receiver<'a>(actor: &'a ActorName, receiver: &'a ReceiverPlan) -> impl Iterator<Item = Callee> + 'a {
    receiver.contract.functions.iter().map(move |(name, function)| Callee {
        actor: actor.clone(),
        contract: receiver.contract.name.clone(),
        name: name.clone(),
        function: function.clone(),
        wire: receiver.adapter.wire().to_owned(),
    })
}

/// Refuses a receiver that was written by hand for payloads of its own.
fn spoken(callee: Callee) -> Result<Callee, CliError> {
    if WireVersion::of_id(&callee.wire).is_some() {
        return Ok(callee);
    }
    Err(CliError::Function {
        message: format!("`{}` of actor {} speaks wire `{}`", callee.name, callee.actor, callee.wire),
        help: format!(
            "`lath call` speaks `{WIRE_1}` only: remove the adapters of `{}` from the manifest to call it",
            callee.contract
        ),
    })
}

fn ambiguous(text: &str, found: impl Iterator<Item = Callee>) -> CliError {
    let choices: Vec<_> = found.map(|callee| format!("--actor {} {}", callee.actor, callee.address())).collect();
    CliError::Function {
        message: format!("`{text}` names {} functions", choices.len()),
        help: format!("write one of: {}", choices.join(", ")),
    }
}

fn unknown(text: &str, actor: Option<&str>, known: &[Callee]) -> CliError {
    let message = match actor {
        Some(name) => format!("actor {name} has no function `{text}`"),
        None => format!("no actor has a function `{text}`"),
    };
    let mut actors: Vec<_> = known.iter().map(|callee| &callee.actor).collect();
    actors.dedup();
    let of_actor = |actor: &ActorName| {
        let own = known.iter().filter(|callee| callee.actor == *actor);
        let names: Vec<_> = own.map(|callee| format!("{}.{}", callee.contract.interface, callee.name)).collect();
        format!("{actor} has {}", names.join(", "))
    };
    let help = match actors.as_slice() {
        [] => "no contract that can be called is exported".to_owned(),
        actors => actors.iter().map(|actor| of_actor(actor)).collect::<Vec<_>>().join("; "),
    };
    CliError::Function { message, help }
}
