//! The chains of middleware of an application.

use model::ids::ActorName;
use model::manifest::Manifest;

/// A chain of middleware.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainStatus {
    /// What passes it: `route /cart`, or `cart acme:stock/api` for a link of an actor.
    pub of: String,
    /// The middleware, in order.
    pub via: Vec<ActorName>,
    /// The actor or provider behind it.
    pub to: String,
}

impl ChainStatus {
    /// Every chain of a manifest: those of routes, then those of links.
    pub(super) fn all(manifest: &Manifest) -> Vec<Self> {
        let routes = manifest.routes.iter().map(|route| {
            let host = route.host.as_ref().map(ToString::to_string).unwrap_or_default();
            let of = format!("route {host}{}", route.path);
            Self { of, via: route.via.clone(), to: format!("actor {}", route.to) }
        });
        let links = manifest.actors.iter().flat_map(|(name, actor)| {
            actor.links.iter().map(move |(key, link)| {
                let to = link.to.to_string().replace('`', "");
                Self { of: format!("{name} {key}"), via: link.via.clone(), to }
            })
        });
        routes.chain(links).filter(|chain| !chain.via.is_empty()).collect()
    }
}
