//! What to do about each problem and warning.

use model::blueprint::WIRE_1;
use model::contract::ContractName;
use model::ids::ActorName;
use model::wire::Side;

use super::{
    AdapterFault, Candidate, Caution, Consumer, Fault, Flaw, Misfit, Place, Tie, Unready, Who, listed, quoted,
};

const READ: &str = "read it before planning";

pub(super) fn of_fault(at: &Place, fault: &Fault) -> String {
    match fault {
        Fault::UnreadActor { .. } => READ.to_owned(),
        Fault::UnmatchedKey { near: Some(near), .. } => format!("did you mean `{}`?", quoted(near)),
        Fault::UnmatchedKey { imports, .. } if imports.is_empty() => "remove the link".to_owned(),
        Fault::UnmatchedKey { .. } => "use one of these imports, its interface or its package as the key".to_owned(),
        Fault::UnstatedContract { fitting, .. } => state_contract(fitting),
        Fault::OtherContract { own, .. } => {
            format!("leave `contract` out, or write `contract = \"{own}\"`")
        }
        Fault::RefusedImport { .. } | Fault::Unmeetable { .. } => {
            "use a contract whose functions are not async and take values only".to_owned()
        }
        Fault::Misfit { consumer, wanted, target, misfit } => of_misfit(consumer, wanted, target, misfit),
        Fault::Middleware { contract, middleware, flaw, .. } => of_flaw(contract, middleware, flaw),
        Fault::TooManyMembers { .. } => "shorten the chains, or give links reach `host`".to_owned(),
        Fault::NoRoom { external, .. } => no_room(*external),
        Fault::ExternalReach { .. } => "write `reach = \"lattice\"` in the link".to_owned(),
        Fault::NothingToOpen { .. } => "remove `open`".to_owned(),
        Fault::OpensElsewhere { store, provider, .. } => {
            format!("write `{store} = \"{provider}\"`, or link another import to the other provider")
        }
        Fault::NativeReach { shared, .. } => native_reach(shared),
        Fault::UnknownFunction { near: Some(near), .. } => format!("did you mean `{near}`?"),
        Fault::UnknownFunction { .. } => "name one of these functions, or leave it out".to_owned(),
        Fault::ClientContract { near: Some(near), actor, .. } => format!("did you mean `{actor}/{near}`?"),
        Fault::ClientContract { .. } => "name a contract that the actor exports".to_owned(),
        Fault::FusedProvider { .. } => "use reach `host`".to_owned(),
        Fault::FusedCycle { .. } => "give one of these links reach `host`, or leave an actor out of `via`".to_owned(),
        Fault::SharedGrant { first, second, .. } => {
            format!("give {first} and {second} the same grants, or link them with reach `host`")
        }
        Fault::Unready { call, unready, .. } => of_unready(&call.contract, unready),
        Fault::TooManyMemories { .. } => "give fused links reach `host`, or split the actor".to_owned(),
        Fault::Unlinked { import, contract, candidates, .. } => link_it(at, import, contract.as_ref(), candidates),
        Fault::UnofferedKind { .. } => "use a kind that they offer".to_owned(),
        Fault::PlacesDiffer { ties, .. } => places_differ(ties),
        Fault::SeveralBesideState { shared, .. } => several_beside_state(shared),
        Fault::Adapter(fault) => of_adapters(fault),
    }
}

fn of_flaw(contract: &ContractName, middleware: &ActorName, flaw: &Flaw) -> String {
    let out = format!("leave {middleware} out of `via`");
    match flaw {
        Flaw::Export(Misfit::Older { .. }) => format!("build {middleware} with `{contract}` or newer, or {out}"),
        Flaw::Export(Misfit::OtherTrack { .. } | Misfit::Incompatible { .. }) => {
            format!("build {middleware} with the WIT of `{contract}`, or {out}")
        }
        Flaw::Export(_) | Flaw::Swallows => {
            format!("use a component that imports and exports `{}`, or {out}", contract.unversioned())
        }
        Flaw::Several { .. } => format!("build {middleware} with one import of it, or {out}"),
        Flaw::OtherHttp { .. } => format!("build {middleware} for `{contract}`, or {out}"),
        Flaw::End => out,
    }
}

fn of_unready(contract: &ContractName, unready: &Unready) -> String {
    match unready {
        Unready::Contract { .. } => format!("build the actor with an export of `{contract}`, or remove `ready`"),
        Unready::Function { .. } => "name one of these functions".to_owned(),
        Unready::Question { .. } => "name a function of that kind".to_owned(),
        Unready::Wire { .. } => format!("remove the adapters of `{}` from the manifest", contract.unversioned()),
        Unready::Fused => "remove `ready`, or give a link to it reach `host`".to_owned(),
    }
}

fn no_room(external: bool) -> String {
    // Nothing in a host is a process of its own.
    let nearer = if external { " or" } else { ", use reach `host`, or" };
    format!(
        "give the function a result whose error is a string or `rpc-error` of `lath:rpc/types`{nearer} accept the trap \
         with `on-failure = \"trap\"`"
    )
}

fn places_differ(ties: &[Tie]) -> String {
    let links = ties.iter().filter(|tie| matches!(tie, Tie::Host { .. })).count();
    let link = match links {
        0 => "link them with reach `lattice`",
        1 => "give the link reach `lattice`",
        _ => "give one of the links reach `lattice`",
    };
    format!("ask for the same, or {link}")
}

fn several_beside_state(shared: &[String]) -> String {
    let kind = match shared {
        [] => String::new(),
        kinds => format!("use a kind whose state is shared ({}), ", listed(kinds)),
    };
    format!("give the link reach `lattice`, {kind}or ask for one replica")
}

fn native_reach(shared: &[String]) -> String {
    match shared {
        [] => "use reach `host`".to_owned(),
        kinds => format!("use reach `host`, or a kind whose state is shared ({})", listed(kinds)),
    }
}

fn of_adapters(fault: &AdapterFault) -> String {
    match fault {
        AdapterFault::Unread { .. } => READ.to_owned(),
        AdapterFault::Lacks { side: Side::Sender, contract, .. } => {
            format!("a sender exports `{contract}` and imports `lath:wasmbus/sender`")
        }
        AdapterFault::Lacks { contract, .. } => {
            format!("a receiver imports `{contract}` and exports `lath:wasmbus/receiver`")
        }
        AdapterFault::Unmet { .. } => "build the adapter without that import".to_owned(),
        AdapterFault::Silent { .. } => {
            "let the adapter declare its wire id, in the custom section `lath:wire`".to_owned()
        }
        AdapterFault::Wires { .. } => "build both adapters for one wire".to_owned(),
        AdapterFault::Misfit { contract, .. } => format!("build the adapter for `{contract}`"),
        AdapterFault::WireOfActor { sender, callee, .. } => {
            format!("let actor {callee} accept `{sender}` first, on every host, and send it only then")
        }
        AdapterFault::WireOfProvider { contract, .. }
        | AdapterFault::WireOfRoute { contract, .. }
        | AdapterFault::WireOfClient { contract, .. } => format!(
            "remove the adapters of `{}` from the manifest, so that both ends speak `{WIRE_1}`",
            contract.unversioned()
        ),
    }
}

fn state_contract(fitting: &[ContractName]) -> String {
    match fitting {
        [] => "state it in the link: `contract = \"namespace:package/interface\"`".to_owned(),
        [only] => format!("add `contract = \"{only}\"` to the link"),
        many => format!("add `contract = …` to the link; the import has the structure of {}", listed(many)),
    }
}

fn of_misfit(consumer: &Consumer, wanted: &ContractName, target: &str, misfit: &Misfit) -> String {
    match misfit {
        Misfit::Missing { .. } => match consumer {
            Consumer::Import { .. } => format!("link to an actor or provider that offers `{}`", wanted.unversioned()),
            Consumer::Route { .. } => format!("route to an actor that exports `{}`", wanted.unversioned()),
        },
        Misfit::OtherTrack { given } => {
            format!("build the one with the version of the other: `{wanted}` or `{given}`")
        }
        Misfit::Older { .. } => format!("build {target} with `{wanted}` or newer"),
        Misfit::Incompatible { .. } => {
            format!("build both with the same WIT of `{}`", wanted.unversioned())
        }
        Misfit::Refused { .. } => "use a contract whose functions are not async and take values only".to_owned(),
    }
}

/// The line of the manifest that is missing.
fn link_it(at: &Place, import: &str, contract: Option<&ContractName>, candidates: &[Candidate]) -> String {
    let far = if matches!(candidates, [Candidate { far: true, .. }]) { ", reach = \"lattice\"" } else { "" };
    let stated = match (contract, candidates) {
        (Some(_), _) => String::new(),
        (None, [only]) => format!(", contract = \"{}\"", only.contract),
        (None, _) => ", contract = \"…\"".to_owned(),
    };
    let key = link_key(import, contract);
    let line = |to: &str| format!("add `links.{} = {{ to = \"{to}\"{far}{stated} }}` to [{}]", quoted(&key), at.key);
    match candidates {
        [] => format!("{}, where NAME is an actor or provider that offers it; nobody does yet", line("NAME")),
        [Candidate { who: Who::Named(only), .. }] => line(only),
        [Candidate { who: Who::Kind(kind), .. }] => {
            format!("{}, and `NAME = {{ use = \"{kind}\" }}` to [providers]", line("NAME"))
        }
        many => {
            format!("{}, where NAME is one of: {}", line("NAME"), many.iter().map(shown).collect::<Vec<_>>().join(", "))
        }
    }
}

/// The interface where the import's label is just that, else the label. The interfaces of a WASI package belong together.
fn link_key(import: &str, contract: Option<&ContractName>) -> String {
    match contract.filter(|name| name.to_string() == import) {
        Some(name) if name.namespace == "wasi" => name.package_name(),
        Some(name) => name.unversioned(),
        None => import.to_owned(),
    }
}

fn shown(candidate: &Candidate) -> String {
    match &candidate.who {
        Who::Named(name) => name.clone(),
        Who::Kind(kind) => format!("a provider with `use = \"{kind}\"`"),
    }
}

pub(super) fn of_caution(caution: &Caution) -> String {
    match caution {
        Caution::NoRoom { .. } => "give the function a result whose error is a string or `rpc-error` of \
             `lath:rpc/types`, or accept the trap with `on-failure = \"trap\"`"
            .to_owned(),
        Caution::Shadowed { .. } | Caution::OnlyTypes { .. } => "remove the link".to_owned(),
        Caution::UnusedProvider { .. } => "link an actor to it, or remove it".to_owned(),
        Caution::UnusedAdapters { .. } => "remove them".to_owned(),
    }
}
