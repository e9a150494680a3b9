//! What differs between two intents, in the words of the manifest.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use model::manifest::{Actor, Link};
use model::placement::{Place, Replicas};
use plan::Intent;

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Where it is, as the manifest writes it: `actors.cart`, `actors.cart.links."acme:tax/rates"`, `routes`.
    pub key: String,
    /// What happens to it.
    pub how: How,
    /// What it was and what it is, where a few words say that: `1 host → 3 hosts`.
    pub detail: Option<String>,
}

/// What happens to a part of an intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// It was not there.
    Added,
    /// It is there no more.
    Removed,
    /// It is another.
    Changed,
}

impl How {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.key, self.how.as_str())?;
        self.detail.iter().try_for_each(|detail| write!(f, ": {detail}"))
    }
}

/// What differs, in the order of the manifest's keys. Layout, comments, paths and how components are built say nothing
/// to a lattice.
pub fn changes(before: &Intent, after: &Intent) -> Vec<Change> {
    let mut found = Found::default();
    let (old, new) = (&before.manifest, &after.manifest);
    found
        .value("application.deadline", &old.deadline, &new.deadline, |deadline| format!("{} ms", deadline.as_millis()));
    for (name, old, new) in both(&old.actors, &new.actors) {
        let key = format!("actors.{name}");
        let digest = |intent: &Intent| intent.components.get(name).map(|view| view.digest);
        match (old, new) {
            (Some(old), Some(new)) => {
                let short = |digest: &Option<_>| digest.as_ref().map_or(String::new(), short);
                found.value(&format!("{key}.component"), &digest(before), &digest(after), short);
                found.actor(&key, old, new);
            }
            (old, _) => found.whole(key, old.is_none()),
        }
    }
    found.map("providers", &old.providers, &new.providers, |provider| provider.kind.clone());
    found.adapters(before, after);
    found.value("routes", &old.routes, &new.routes, |routes| format!("{} routes", routes.len()));
    found.map("clients", &old.clients, &new.clients, |_| String::new());
    found.list
}

#[derive(Default)]
struct Found {
    list: Vec<Change>,
}

impl Found {
    fn whole(&mut self, key: String, is_new: bool) {
        let how = if is_new { How::Added } else { How::Removed };
        self.list.push(Change { key, how, detail: None });
    }

    /// A value that is there always. Words that are the same for both say nothing.
    fn value<T: PartialEq>(&mut self, key: &str, old: &T, new: &T, words: impl Fn(&T) -> String) {
        if old != new {
            let (old, new) = (words(old), words(new));
            let detail = (old != new).then(|| format!("{old} → {new}"));
            self.list.push(Change { key: key.to_owned(), how: How::Changed, detail });
        }
    }

    fn map<K: Ord + fmt::Display, V: PartialEq>(
        &mut self,
        table: &str,
        old: &BTreeMap<K, V>,
        new: &BTreeMap<K, V>,
        words: impl Fn(&V) -> String,
    ) {
        for (name, old, new) in both(old, new) {
            let key = format!("{table}.{}", quoted(&name.to_string()));
            match (old, new) {
                (Some(old), Some(new)) => self.value(&key, old, new, &words),
                (old, _) => self.whole(key, old.is_none()),
            }
        }
    }

    fn actor(&mut self, key: &str, old: &Actor, new: &Actor) {
        self.value(&format!("{key}.place"), &old.place, &new.place, place);
        self.value(&format!("{key}.limits"), &old.limits, &new.limits, |_| String::new());
        self.value(&format!("{key}.grants"), &old.grants, &new.grants, |_| String::new());
        self.map(&format!("{key}.links"), &old.links, &new.links, link);
    }

    /// Adapters are told apart by their bytes: their paths mean nothing on a lattice.
    fn adapters(&mut self, before: &Intent, after: &Intent) {
        for (contract, old, new) in both(&before.adapters, &after.adapters) {
            let key = format!("adapters.{}", quoted(&contract.to_string()));
            let digests = |pair: &plan::AdapterPair| (pair.sender.view.digest, pair.receiver.view.digest);
            match (old, new) {
                (Some(old), Some(new)) => self.value(&key, &digests(old), &digests(new), |(sender, receiver)| {
                    format!("{}, {}", short(sender), short(receiver))
                }),
                (old, _) => self.whole(key, old.is_none()),
            }
        }
    }
}

/// The values of both maps by their keys.
fn both<'a, K: Ord, V>(
    old: &'a BTreeMap<K, V>,
    new: &'a BTreeMap<K, V>,
) -> impl Iterator<Item = (&'a K, Option<&'a V>, Option<&'a V>)> {
    let keys: BTreeSet<&K> = old.keys().chain(new.keys()).collect();
    keys.into_iter().map(move |key| (key, old.get(key), new.get(key)))
}

fn short(digest: &model::digest::Digest) -> String {
    let text = digest.to_string();
    text.get(..19).unwrap_or(&text).to_owned()
}

fn link(link: &Link) -> String {
    format!("{}, reach {}", link.to, link.reach)
}

fn place(place: &Place) -> String {
    let hosts = match place.replicas {
        None => "as many hosts as it needs".to_owned(),
        Some(Replicas::Everywhere) => "every host".to_owned(),
        Some(Replicas::Count(count)) if count.get() == 1 => "1 host".to_owned(),
        Some(Replicas::Count(count)) => format!("{count} hosts"),
    };
    let on: Vec<String> = place.on.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let on = if on.is_empty() { String::new() } else { format!(" on {}", on.join(", ")) };
    let spread = place.spread.as_ref().map_or(String::new(), |label| format!(" spread over {label}"));
    format!("{hosts}{on}{spread}")
}

/// A key of TOML: quoted where it is no bare one.
fn quoted(key: &str) -> String {
    let is_bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if is_bare { key.to_owned() } else { format!("\"{key}\"") }
}
