//! Why a call may not run here, in words that name caller, link and target, and what to do.

use lattice::call::{Call, Origin};
use model::failure::{Failure, RpcError};
use model::ids::HostName;

/// Why a call does not run here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The caller went by a newer generation than is known here: it may be right.
    Newer {
        /// The generation that is known here.
        known: u64,
    },
    /// Nothing of the target's application is known here.
    NotHere,
    /// The call is not allowed by what is agreed now, and its caller goes by an older generation: a host that still knows
    /// that one may take it.
    Overtaken {
        /// The generation that is known here.
        known: u64,
        /// Why it is not allowed here.
        denial: Denial,
    },
    /// The call is not allowed.
    Denied(Denial),
}

/// Why a call is not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// The caller belongs to another application, or its application is not known here.
    OtherApplication,
    /// The caller has no such link.
    NoLink,
    /// The link leads to somebody else.
    OtherTarget,
    /// The link is of another contract.
    OtherContract,
    /// The link's payloads are of another wire.
    OtherWire,
    /// The link's reach keeps calls inside one host.
    Reach,
    /// The caller does not run on the host that sent the call.
    NotPlaced,
    /// No route leads to the actor.
    NoRoute,
    /// The ingress calls something else than requests.
    NoRequest,
    /// The actor takes requests by another contract.
    OtherRequests,
    /// The client has no grant for the contract.
    NoGrant,
    /// Operators call by themselves, not by a host.
    Outsider,
}

impl Denial {
    /// True where another generation may allow the call: the fault need not be the caller's.
    pub(super) fn is_of_a_generation(self) -> bool {
        !matches!(self, Denial::OtherApplication | Denial::NoRequest | Denial::Outsider)
    }

    fn reason(self) -> (&'static str, &'static str) {
        match self {
            Denial::OtherApplication => {
                ("links lead to targets of their own application only", "correct the calling host")
            }
            Denial::NoLink => ("there is no such link", "declare it in the manifest and deploy that"),
            Denial::OtherTarget => ("the link leads elsewhere", "change its `to` in the manifest and deploy that"),
            Denial::OtherContract => ("the link is of another contract", "correct the caller's adapter"),
            Denial::OtherWire => ("the link's adapters write another wire", "correct the caller's adapter"),
            Denial::Reach => {
                ("the link's reach is `host`", "give it `reach = \"lattice\"` in the manifest and deploy that")
            }
            Denial::NotPlaced => (
                "the caller is not placed on that host",
                "where it has just been moved the call came too late, else look who has that host's credentials",
            ),
            Denial::NoRoute => ("no route leads there", "add one to the manifest and deploy that"),
            Denial::NoRequest => ("an ingress sends HTTP requests only", "call over a link"),
            Denial::OtherRequests => ("the actor takes requests by another contract", "call it by that"),
            Denial::NoGrant => ("it is not granted to the client", "name it in the client's `may` and deploy that"),
            Denial::Outsider => ("hosts pass on no calls of operators", "call as a client that the manifest names"),
        }
    }
}

impl Refusal {
    /// What the caller is told; the call came from host `from`, this is host `here`.
    pub fn failure(&self, call: &Call, from: &HostName, here: &HostName) -> Failure {
        let caller = caller(call);
        let Call { target, contract, generation, .. } = call;
        let error = match self {
            Refusal::Newer { known } => RpcError::Transport(format!(
                "{caller} of host {from} goes by generation {generation}, host {here} has taken up {known} of \
                 {target}; call another host, or again"
            )),
            Refusal::NotHere => RpcError::Transport(format!(
                "{caller} of host {from} calls {target}, which host {here} does not run; call another host"
            )),
            Refusal::Overtaken { known, denial } => {
                let (why, _) = denial.reason();
                RpcError::Transport(format!(
                    "{caller} of host {from} goes by generation {generation}, host {here} by {known}, where it may not \
                     call {contract} of {target}: {why}; call another host, or again"
                ))
            }
            Refusal::Denied(denial) => {
                let (why, mend) = denial.reason();
                let text = format!("{caller} of host {from} may not call {contract} of {target}: {why}; {mend}");
                RpcError::InvalidParameter(text)
            }
        };
        Failure::not_started(error)
    }
}

/// Who calls, and over which link.
fn caller(call: &Call) -> String {
    match (&call.origin, &call.link) {
        (Origin::Actor(actor), Some(link)) => format!("actor {actor}, link `{link}`,"),
        (Origin::Actor(actor), None) => format!("actor {actor}, without a link,"),
        (Origin::Ingress, _) => "the ingress".to_owned(),
        (Origin::Client(client), _) => format!("client {client}"),
        (Origin::Operator, _) => "an operator".to_owned(),
    }
}
