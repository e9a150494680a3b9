//! What a part is given besides its component: its settings and secrets, resolved as it starts.

use std::collections::{BTreeMap, BTreeSet};

use model::blueprint::{CompositePlan, ProviderPlan};
use model::ids::{AppName, SecretName};
use model::manifest;
use model::secret::{SecretValue, Setting};
use provider::ConfigValue;

use super::Sources;
use super::load::LoadError;
use super::state::PartName;

/// The environment and the configuration of a composite's actors, by name.
#[derive(Debug, Default)]
pub(super) struct Resolved {
    pub(super) env: BTreeMap<String, Setting<SecretValue>>,
    pub(super) config: BTreeMap<String, Setting<SecretValue>>,
}

/// A provider's configuration.
pub(super) type Configuration = BTreeMap<String, ConfigValue>;

impl Sources {
    /// What the actors of a composite are given.
    pub(super) async fn actor(&self, app: &AppName, plan: &CompositePlan) -> Result<Resolved, LoadError> {
        let mut resolved = Resolved::default();
        let Some(root) = plan.members.first().map(|member| &member.actor) else { return Ok(resolved) };
        let part = PartName::Actor(root.clone());
        // Members that share an interface have equal grants: the planner refuses others.
        for (name, setting) in plan.members.iter().flat_map(|member| &member.env) {
            if !resolved.env.contains_key(name) {
                resolved.env.insert(name.clone(), self.setting(&part, setting).await?);
            }
        }
        for member in &plan.members {
            let declared: BTreeSet<&str> = member.config.keys().map(String::as_str).collect();
            let given = self.settings.of(app, &member.actor, &declared);
            for (key, setting) in &member.config {
                let value = match given.get(key.as_str()) {
                    Some((_, value)) => Setting::Secret((*value).clone()),
                    None => self.setting(&part, setting).await?,
                };
                let before = resolved.config.insert(key.clone(), value.clone());
                if before.is_some_and(|before| before.expose() != value.expose()) {
                    let (second, key) = (member.actor.clone(), key.clone());
                    return Err(LoadError::Settings { actor: root.clone(), second, key });
                }
            }
        }
        Ok(resolved)
    }

    /// What a provider is configured with.
    pub(super) async fn provider(&self, part: &PartName, plan: &ProviderPlan) -> Result<Configuration, LoadError> {
        let mut resolved = Configuration::new();
        for (key, value) in &plan.config {
            let value = match value {
                manifest::ConfigValue::Text(text) => ConfigValue::Text(text.clone()),
                manifest::ConfigValue::Integer(number) => ConfigValue::Integer(*number),
                manifest::ConfigValue::Boolean(truth) => ConfigValue::Boolean(*truth),
                manifest::ConfigValue::Secret(name) => ConfigValue::Secret(self.secret(part, name).await?),
            };
            resolved.insert(key.clone(), value);
        }
        Ok(resolved)
    }

    async fn setting(&self, part: &PartName, setting: &Setting) -> Result<Setting<SecretValue>, LoadError> {
        match setting {
            Setting::Text(text) => Ok(Setting::Text(text.clone())),
            Setting::Secret(name) => Ok(Setting::Secret(self.secret(part, name).await?)),
        }
    }

    async fn secret(&self, part: &PartName, name: &SecretName) -> Result<SecretValue, LoadError> {
        let failed = |source| LoadError::Secret { part: part.clone(), secret: name.clone(), source: Box::new(source) };
        self.secrets.resolve(name).await.map_err(failed)
    }
}
