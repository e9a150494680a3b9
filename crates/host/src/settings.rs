//! What a host gives to actors in the place of what the manifest says: settings of its own, from its environment and its
//! file.
//!
//! The manifest declares which settings an actor has (`config`), and what they are unless a host says otherwise; the file
//! goes before the manifest, the environment before the file. A setting that no manifest declares is given to nobody, and
//! told ([`Settings::strangers`]).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use lattice::document::OwnSetting;
use model::blueprint::Blueprint;
use model::ids::{ActorName, AppName};
use model::secret::SecretValue;

use crate::limits::STRANGERS_TOLD_MAX;

/// What the variables begin with that hold settings: `LATH_CONFIG_SHOP__CART__CURRENCY` is `currency` of `shop/cart`.
pub const SETTING_VARIABLE: &str = "LATH_CONFIG_";

/// What stands between an application, an actor and a key in the name of a variable.
const BETWEEN: &str = "__";

/// Where a setting comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// The host's file.
    File,
    /// The host's environment.
    Environment,
}

impl Source {
    /// As it is written for people and programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Environment => "environment",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One setting of this host.
#[derive(Clone, Debug)]
pub struct Given {
    /// The application.
    pub app: AppName,
    /// The actor.
    pub actor: ActorName,
    /// The key; of the environment as the variable has it, which need not be as the manifest has it.
    pub key: String,
    /// Where it comes from.
    pub source: Source,
    /// The value. It may be a secret, whether the manifest says so or not.
    pub value: SecretValue,
}

/// The settings of a host.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Those that it gives.
    pub given: Vec<Given>,
    /// Variables that look like settings or secrets, and are none.
    pub unread: Vec<Unread>,
}

/// A variable that looks like a setting or a secret, and is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// Its name.
    pub variable: String,
    /// Why.
    pub why: String,
}

/// A setting that is given to nobody, and why.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stranger {
    /// The application.
    pub app: AppName,
    /// The actor.
    pub actor: ActorName,
    /// The key.
    pub key: String,
    /// Where it comes from.
    pub source: Source,
    /// Why.
    pub why: Why,
}

/// Why a setting is given to nobody.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// The host runs one application, and it is another.
    NoApplication,
    /// The application has no such actor.
    NoActor,
    /// The actor does not read `wasi:config`, or its manifest declares no such key.
    NoKey {
        /// Those that are declared, as far as the actor reads them.
        declared: BTreeSet<String>,
    },
    /// A variable means several keys.
    Several {
        /// The keys.
        meant: BTreeSet<String>,
    },
}

/// Warns of what is given to nobody or passed over; what is beyond [`STRANGERS_TOLD_MAX`] is counted.
pub(crate) fn warn<T: fmt::Display>(told: &[T]) {
    for told in told.iter().take(STRANGERS_TOLD_MAX) {
        tracing::warn!("{told}");
    }
    if let more @ 1.. = told.len().saturating_sub(STRANGERS_TOLD_MAX) {
        tracing::warn!("and {more} more settings are given to nobody");
    }
}

/// The variable that holds a setting.
pub fn setting_variable(app: &AppName, actor: &ActorName, key: &str) -> String {
    let (app, actor) = (shouted(app.as_str()), shouted(actor.as_str()));
    format!("{SETTING_VARIABLE}{app}{BETWEEN}{actor}{BETWEEN}{}", shouted(key))
}

/// The application, the actor and the key that a variable means whose name goes on like this after [`SETTING_VARIABLE`];
/// none where it names none.
pub fn setting_of_variable(rest: &str) -> Option<(AppName, ActorName, String)> {
    let (app, rest) = rest.split_once(BETWEEN)?;
    let (actor, key) = rest.split_once(BETWEEN)?;
    let name = |shouted: &str| shouted.to_ascii_lowercase().replace('_', "-");
    (!key.is_empty()).then_some((name(app).parse().ok()?, name(actor).parse().ok()?, key.to_owned()))
}

/// As names are written in variables: in capitals, and everything but letters and digits as `_`.
fn shouted(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

impl Settings {
    /// What this host gives to an actor, of the keys that its manifest declares.
    pub fn of<'a>(
        &'a self,
        app: &AppName,
        actor: &ActorName,
        declared: &BTreeSet<&'a str>,
    ) -> BTreeMap<&'a str, (Source, &'a SecretValue)> {
        let mut found: BTreeMap<&str, (Source, &SecretValue)> = BTreeMap::new();
        for given in self.given.iter().filter(|given| given.app == *app && given.actor == *actor) {
            let meant = given.meant(declared);
            let [key] = meant.as_slice() else { continue };
            if found.get(key).is_none_or(|(source, _)| *source <= given.source) {
                found.insert(key, (given.source, &given.value));
            }
        }
        found
    }

    /// The settings without their values, for the host's record.
    pub fn told(&self) -> BTreeSet<OwnSetting> {
        let told = self.given.iter().map(|Given { app, actor, key, source, .. }| OwnSetting {
            app: app.clone(),
            actor: actor.clone(),
            key: key.clone(),
            from: source.to_string(),
        });
        told.collect()
    }

    /// The settings of this host that concern an application and are given to nobody.
    pub fn strangers(&self, blueprint: &Blueprint) -> Vec<Stranger> {
        let mut declared: BTreeMap<&ActorName, BTreeSet<&str>> = BTreeMap::new();
        for member in blueprint.composites.values().flat_map(|plan| &plan.members) {
            declared.entry(&member.actor).or_default().extend(member.config.keys().map(String::as_str));
        }
        let of_app = self.given.iter().filter(|given| given.app == blueprint.application);
        of_app.filter_map(|given| Some(given.stranger(given.why(declared.get(&given.actor))?))).collect()
    }

    /// The settings of this host that are for other applications than the only one that it runs.
    pub fn of_others(&self, app: &AppName) -> Vec<Stranger> {
        let others = self.given.iter().filter(|given| given.app != *app);
        others.map(|given| given.stranger(Why::NoApplication)).collect()
    }
}

impl Given {
    /// The declared keys that it means: the one that is written so, else those whose variable has this name.
    fn meant<'a>(&self, declared: &BTreeSet<&'a str>) -> Vec<&'a str> {
        if let Some(key) = declared.get(self.key.as_str()) {
            return vec![key];
        }
        match self.source {
            Source::File => Vec::new(),
            Source::Environment => declared.iter().copied().filter(|key| shouted(key) == self.key).collect(),
        }
    }

    /// Why it is given to nobody; none where it is given.
    fn why(&self, declared: Option<&BTreeSet<&str>>) -> Option<Why> {
        let Some(declared) = declared else { return Some(Why::NoActor) };
        let owned = |keys: &mut dyn Iterator<Item = &&str>| keys.map(|key| (*key).to_owned()).collect();
        match self.meant(declared).as_slice() {
            [_] => None,
            [] => Some(Why::NoKey { declared: owned(&mut declared.iter()) }),
            several => Some(Why::Several { meant: owned(&mut several.iter()) }),
        }
    }

    fn stranger(&self, why: Why) -> Stranger {
        let Self { app, actor, key, source, .. } = self;
        Stranger { app: app.clone(), actor: actor.clone(), key: key.clone(), source: *source, why }
    }
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the variable {} is passed over: {}", self.variable.escape_debug(), self.why)
    }
}

impl fmt::Display for Stranger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { app, actor, key, source, why } = self;
        let key = key.escape_debug();
        write!(f, "the {source} of this host sets `{key}` of {app}/{actor}, which is given to nobody: ")?;
        match why {
            Why::NoApplication => write!(f, "this host runs no application {app}"),
            Why::NoActor => write!(f, "application {app} has no actor {actor}"),
            Why::NoKey { declared } if declared.is_empty() => {
                write!(f, "the actor reads no configuration, or its manifest has no `config`")
            }
            Why::NoKey { declared } => write!(f, "the manifest declares only {}", listed(declared)),
            Why::Several { meant } => {
                write!(f, "it could be any of {}; write the key as the manifest has it", listed(meant))
            }
        }
    }
}

fn listed(keys: &BTreeSet<String>) -> String {
    keys.iter().map(|key| format!("`{}`", key.escape_debug())).collect::<Vec<_>>().join(", ")
}
