//! A link, as a program and a person read it.

use std::fmt;

use plan::LinkExplanation;
use serde::Serialize;

/// A link of an application.
#[derive(Serialize)]
pub(super) struct Link {
    actor: String,
    import: String,
    contract: String,
    /// The middleware before the target, in order; absent where there is none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    via: Vec<String>,
    /// Such as `actor tax` or `provider kv`.
    target: String,
    reach: &'static str,
    /// True where the host meets the import itself, without messages.
    native: bool,
    /// The contract of plain values that reaches a provider on another host; absent where none is needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    bridge: Option<String>,
}

impl Link {
    pub(super) fn of(link: &LinkExplanation) -> Self {
        Self {
            actor: link.actor.to_string(),
            import: link.import.clone(),
            contract: link.contract.to_string(),
            via: link.via.iter().map(ToString::to_string).collect(),
            target: link.target.clone(),
            reach: link.reach.as_str(),
            native: link.native,
            bridge: link.bridge.as_ref().map(ToString::to_string),
        }
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { actor, import, contract, via, target, reach, .. } = self;
        write!(f, "{actor}: {import}")?;
        if import != contract {
            write!(f, " ({contract})")?;
        }
        via.iter().try_for_each(|middleware| write!(f, " → {middleware}"))?;
        write!(f, " → {target}, {reach}")?;
        match &self.bridge {
            Some(bridge) => write!(f, ", native, elsewhere by {bridge}"),
            None if self.native => write!(f, ", native"),
            None => Ok(()),
        }
    }
}
