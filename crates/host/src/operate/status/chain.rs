//! The chains of middleware that routes have.

use model::ids::ActorName;
use model::manifest::Manifest;

/// The chain of middleware of a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainStatus {
    /// What passes it, such as `route /cart`.
    pub of: String,
    /// The middleware, in order.
    pub via: Vec<ActorName>,
    /// The actor behind it, such as `actor cart`.
    pub to: String,
}

impl ChainStatus {
    /// The chains of the routes of a manifest; a link tells of its own.
    pub(super) fn all(manifest: &Manifest) -> Vec<Self> {
        let chains = manifest.routes.iter().filter(|route| !route.via.is_empty()).map(|route| {
            let host = route.host.as_ref().map(ToString::to_string).unwrap_or_default();
            let of = format!("route {host}{}", route.path);
            Self { of, via: route.via.clone(), to: format!("actor {}", route.to) }
        });
        chains.collect()
    }
}
