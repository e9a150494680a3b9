//! Links: who is meant by a name.

use std::collections::BTreeSet;

use super::super::client::MayCall;
use super::super::error::suggestion;
use super::super::file::{LinkFile, ManifestFile};
use super::super::leaf::{At, Target};
use super::super::link::{Link, LinkTarget};
use super::super::tree::Notes;
use super::{deadline, distinct};
use crate::ids::{ActorName, AppName, ProviderName};
use crate::limits::CHAIN_MAX;

/// Who can be named in the manifest.
pub(super) struct Names {
    application: Option<AppName>,
    actors: BTreeSet<ActorName>,
    providers: BTreeSet<ProviderName>,
}

impl Names {
    /// The names of the manifest; a name that both an actor and a provider have is refused.
    pub(super) fn of(file: &ManifestFile, notes: &mut Notes) -> Self {
        let actors = file.actors.iter().flatten().map(|(name, _)| name.value.clone()).collect();
        let names = Self {
            application: file.application.as_ref().and_then(|file| file.name.as_ref()).map(|name| name.value.clone()),
            actors,
            providers: file.providers.iter().flatten().map(|(name, _)| name.value.clone()).collect(),
        };
        for (name, _) in file.providers.iter().flatten() {
            if names.actor(name.value.as_str()).is_some() {
                let message = format!("`{}` is also the name of an actor", name.value);
                notes.fault_at(name, message, "actors and providers share one space of names: rename one".to_owned());
            }
        }
        names
    }

    fn actor(&self, text: &str) -> Option<&ActorName> {
        self.actors.iter().find(|actor| actor.as_str() == text)
    }

    fn provider(&self, text: &str) -> Option<&ProviderName> {
        self.providers.iter().find(|provider| provider.as_str() == text)
    }

    /// The actor that a route goes to.
    pub(super) fn route_target(&self, to: &At<Target>, notes: &mut Notes) -> Option<ActorName> {
        let text = self.local(to, notes)?;
        let found = self.actor(text).cloned();
        if found.is_none() {
            let known: Vec<&str> = self.actors.iter().map(ActorName::as_str).collect();
            let (message, help) = match self.provider(text) {
                Some(_) => (format!("`{text}` is a provider"), "a route goes to an actor".to_owned()),
                None => (format!("there is no actor `{text}`"), suggestion(text, "actors", &known)),
            };
            notes.fault_at(to, message, help);
        }
        found
    }

    /// Refuses a client's grant whose actor is not there.
    pub(super) fn check_callee(&self, may: &At<MayCall>, notes: &mut Notes) {
        let name = may.value.actor.as_str();
        if self.actors.contains(&may.value.actor) {
            return;
        }
        let known: Vec<&str> = self.actors.iter().map(ActorName::as_str).collect();
        let (message, help) = match self.provider(name) {
            Some(_) => (format!("`{name}` is a provider"), "a client calls actors".to_owned()),
            None => (format!("there is no actor `{name}`"), suggestion(name, "actors", &known)),
        };
        notes.fault_at(may, message, help);
    }

    /// The middleware of a chain. Each stands in it once.
    pub(super) fn chain(&self, via: &[At<Target>], notes: &mut Notes) -> Vec<ActorName> {
        if let Some(listed) = via.get(CHAIN_MAX) {
            let message = format!("the chain has {} actors, {CHAIN_MAX} are allowed", via.len());
            notes.fault_at(listed, message, "let one actor do the work of several".to_owned());
        }
        let mut chain = Vec::new();
        for listed in via {
            let Some(actor) = self.middleware(listed, notes) else { continue };
            if chain.contains(&actor) {
                let message = format!("`{actor}` is in the chain twice");
                notes.fault_at(listed, message, "leave one out".to_owned());
            }
            chain.push(actor);
        }
        chain
    }

    fn middleware(&self, listed: &At<Target>, notes: &mut Notes) -> Option<ActorName> {
        let text = self.local(listed, notes)?;
        let found = self.actor(text).cloned();
        if found.is_none() {
            let known: Vec<&str> = self.actors.iter().map(ActorName::as_str).collect();
            let (message, help) = match self.provider(text) {
                Some(_) => (format!("`{text}` is a provider"), "a chain is of actors".to_owned()),
                None => (format!("there is no actor `{text}`"), suggestion(text, "actors", &known)),
            };
            notes.fault_at(listed, message, help);
        }
        found
    }

    /// Whom a link means.
    fn link_target(&self, to: &At<Target>, notes: &mut Notes) -> Option<LinkTarget> {
        let text = self.local(to, notes)?;
        let actor = self.actor(text).cloned().map(LinkTarget::Actor);
        let found = actor.or_else(|| self.provider(text).cloned().map(LinkTarget::Provider));
        if found.is_none() {
            let actors = self.actors.iter().map(ActorName::as_str);
            let known: Vec<&str> = actors.chain(self.providers.iter().map(ProviderName::as_str)).collect();
            let help = suggestion(text, "actors and providers", &known);
            notes.fault_at(to, format!("there is no actor or provider `{text}`"), help);
        }
        found
    }

    /// The provider that has a store.
    fn store_target(&self, to: &At<Target>, notes: &mut Notes) -> Option<ProviderName> {
        let text = self.local(to, notes)?;
        let found = self.provider(text).cloned();
        if found.is_none() {
            let known: Vec<&str> = self.providers.iter().map(ProviderName::as_str).collect();
            let (message, help) = match self.actor(text) {
                Some(_) => (format!("`{text}` is an actor"), "providers have stores".to_owned()),
                None => (format!("there is no provider `{text}`"), suggestion(text, "providers", &known)),
            };
            notes.fault_at(to, message, help);
        }
        found
    }

    /// The name within this application.
    fn local<'a>(&self, to: &'a At<Target>, notes: &mut Notes) -> Option<&'a str> {
        let Some((application, name)) = to.value.0.split_once('/') else { return Some(&to.value.0) };
        if self.application.as_ref().is_some_and(|own| own.as_str() == application) {
            return Some(name);
        }
        let message = format!("`{}` is in another application, which is not supported yet", to.value.0);
        notes.fault_at(to, message, "name an actor or provider of this manifest".to_owned());
        None
    }
}

pub(super) fn resolve(file: LinkFile, names: &Names, notes: &mut Notes) -> Option<Link> {
    let to = file.to.and_then(|to| names.link_target(&to, notes));
    let deadline = deadline(file.deadline, notes);
    let idempotent = distinct(file.idempotent.unwrap_or_default(), notes);
    let stores = file.open.unwrap_or_default().into_iter();
    let open = stores.filter_map(|(store, to)| Some((store.value, names.store_target(&to, notes)?)));
    let open = open.collect();
    let via = names.chain(&file.via.unwrap_or_default(), notes);
    Some(Link {
        to: to?,
        reach: file.reach.map(|reach| reach.value).unwrap_or_default(),
        deadline,
        contract: file.contract.map(|contract| contract.value),
        on_failure: file.on_failure.map(|on_failure| on_failure.value),
        idempotent: idempotent.into_iter().map(|function| function.0).collect(),
        open,
        via,
    })
}
