//! Local state: which host has it.

use model::ids::{AppName, HostName, ProviderName};
use model::placement::AppPlacement;

use super::field::Field;
use super::{Group, Reason};

/// The host of a group with local state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Holder {
    /// No host has state yet: any may.
    Nobody,
    /// This one, and no other.
    Host(ProviderName, HostName),
    /// It cannot be said.
    Unclear(Reason),
}

/// The host on which a provider with local state was placed. The placement remembers it whatever becomes of the host. Several
/// hosts mean that its state was shared then.
pub(super) fn remembered<'p>(previous: Option<&'p AppPlacement>, provider: &ProviderName) -> Option<&'p HostName> {
    let hosts = previous?.providers.get(provider)?;
    hosts.first().filter(|_| hosts.len() == 1)
}

/// Which host has the state of the group's providers: what the placement remembers, else what hosts report.
pub(super) fn holder(
    application: &AppName,
    group: &Group,
    previous: Option<&AppPlacement>,
    field: &Field<'_>,
) -> Holder {
    let mut found = Holder::Nobody;
    for provider in &group.local {
        let host = match remembered(previous, provider) {
            Some(host) => host.clone(),
            None => match reported(application, provider, group, field) {
                Ok(Some(host)) => host,
                Ok(None) => continue,
                Err(reason) => return Holder::Unclear(reason),
            },
        };
        match &found {
            Holder::Host(first, on) if *on != host => {
                let (first, second) = ((first.clone(), on.clone()), (provider.clone(), host));
                return Holder::Unclear(Reason::StatesApart { first, second });
            }
            _ => found = Holder::Host(provider.clone(), host),
        }
    }
    found
}

/// The only host that reports the state; among several, the only one that has the labels that are asked for.
fn reported(
    application: &AppName,
    provider: &ProviderName,
    group: &Group,
    field: &Field<'_>,
) -> Result<Option<HostName>, Reason> {
    let having = || field.having(application, provider).iter().copied();
    let labelled = having().filter(|host| field.view(*host).is_some_and(|view| view.has_labels(group)));
    match (having().collect::<Vec<_>>().as_slice(), labelled.collect::<Vec<_>>().as_slice()) {
        ([], _) => Ok(None),
        ([only], _) | (_, [only]) => Ok(field.name(*only).cloned()),
        _ => {
            let hosts = having().filter_map(|host| field.name(host).cloned()).collect();
            Err(Reason::StateOnSeveral { provider: provider.clone(), hosts })
        }
    }
}
