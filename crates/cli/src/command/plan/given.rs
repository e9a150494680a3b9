//! What actors and providers are given: keys, and where their values come from. Values are not shown.

use std::collections::BTreeMap;
use std::fmt;

use model::blueprint::{CompositePlan, ProviderPlan};
use model::ids::SecretName;
use model::manifest::ConfigValue;
use model::secret::Setting;
use serde::Serialize;

/// A key, and where its value comes from.
#[derive(Serialize)]
pub(super) struct Given {
    key: String,
    /// The secret that it is; the manifest has the value where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

impl Given {
    fn new(key: &str, secret: Option<&SecretName>) -> Self {
        Self { key: key.to_owned(), secret: secret.map(ToString::to_string) }
    }

    /// The configuration that the actors of a composite read.
    pub(super) fn config(plan: &CompositePlan) -> Vec<Self> {
        settings(plan.members.iter().flat_map(|member| &member.config))
    }

    /// The variables that they are granted.
    pub(super) fn env(plan: &CompositePlan) -> Vec<Self> {
        settings(plan.members.iter().flat_map(|member| &member.env))
    }

    /// The configuration of a provider.
    pub(super) fn provider(plan: &ProviderPlan) -> Vec<Self> {
        let given = plan.config.iter().map(|(key, value)| match value {
            ConfigValue::Secret(secret) => Self::new(key, Some(secret)),
            ConfigValue::Text(_) | ConfigValue::Integer(_) | ConfigValue::Boolean(_) => Self::new(key, None),
        });
        given.collect()
    }
}

/// Members that share an interface have equal grants.
fn settings<'a>(settings: impl Iterator<Item = (&'a String, &'a Setting)>) -> Vec<Given> {
    let settings: BTreeMap<_, _> = settings.collect();
    settings.into_iter().map(|(key, setting)| Given::new(key, setting.secret())).collect()
}

/// Keys on a line of their own, after what they are; nothing where there are none.
pub(super) struct Line<'a>(pub(super) &'static str, pub(super) &'a [Given]);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(what, given) = self;
        let told = given.iter().map(|Given { key, secret }| match secret {
            Some(secret) => format!("{key} (secret {secret})"),
            None => key.clone(),
        });
        match given {
            [] => Ok(()),
            _ => writeln!(f, "    {what} {}", told.collect::<Vec<_>>().join(", ")),
        }
    }
}
