//! Starting actors and providers, each on a thread of its own: compiling takes as long as a component is large.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use adapter::compose::labels::Labels;
use engine::{Actor, ActorSettings, Engine, EngineSettings};
use model::blueprint::{Blueprint, CompositePlan, WireTo};
use model::ids::{ActorName, ProviderName};

use super::{Brought, Runtime};
use crate::application::{Application, Step};
use crate::host::{HostError, HostSettings, Loaded};
use crate::router::Outbox;
use crate::supervisor::Part;

/// An actor that can be called.
pub(super) struct LoadedActor {
    pub(super) name: ActorName,
    pub(super) actor: Actor,
    pub(super) outbox: Arc<Outbox>,
    pub(super) plan: CompositePlan,
    pub(super) loaded: Loaded,
}

/// Room for as many instances as the actors may have, and for the memories of the largest composite.
pub(super) fn engine_settings(
    application: &Application,
    blueprint: &Blueprint,
    settings: &HostSettings,
) -> EngineSettings {
    let default = EngineSettings::default();
    let composites = blueprint.composites.values();
    let instances = composites.clone().fold(0_u32, |sum, plan| sum.saturating_add(plan.limits.instances));
    let memories = composites.map(|plan| memories(application, plan)).max().unwrap_or(default.memories_per_instance);
    EngineSettings {
        cache_dir: settings.cache.clone(),
        instances_max: instances.max(1),
        memories_per_instance: memories,
        ..default
    }
}

/// Those of the members, and one for each sender and receiver.
fn memories(application: &Application, plan: &CompositePlan) -> u32 {
    let components = &application.intent().components;
    let members = plan.members.iter().map(|member| components.get(&member.actor).map_or(1, |view| view.memories));
    let wires = plan.members.iter().flat_map(|member| &member.wires);
    let senders = wires.filter(|wire| matches!(wire.to, WireTo::Sender(_))).count();
    let adapters = u32::try_from(senders + plan.receivers.len()).unwrap_or(u32::MAX);
    members.fold(adapters, u32::saturating_add)
}

impl Runtime {
    /// Composes, compiles and prepares an actor.
    pub(super) fn load(&mut self, name: ActorName) {
        let Some(plan) = self.blueprint.composites.get(&name).cloned() else { return };
        let (application, engine, bring) = (self.application.clone(), self.engine.clone(), self.bring.clone());
        self.bring_from(Part::Actor(name.clone()), move || {
            let _ = bring.blocking_send(Brought::Step(Step::Compiling { actor: name.clone() }));
            match load(&application, &engine, name.clone(), plan) {
                Ok(loaded) => {
                    let Loaded { actor, cached, compiling, .. } = loaded.loaded.clone();
                    let step = Step::Compiled { actor, cached, elapsed: compiling };
                    let _ = bring.blocking_send(Brought::Step(step));
                    Brought::Actor(Box::new(loaded))
                }
                Err(error) => Brought::Failed(Part::Actor(name), Box::new(error)),
            }
        });
    }

    /// Opens a provider.
    pub(super) fn open(&mut self, name: ProviderName) {
        let Some(plan) = self.blueprint.providers.get(&name).cloned() else { return };
        let data = self.settings.data.clone();
        self.bring_from(Part::Provider(name.clone()), move || {
            let open = |data: &Path| provider::kind(&plan.kind, &name)?.open(&plan.config, &name, data);
            match open(&data) {
                Ok(provider) => Brought::Provider(name, provider),
                Err(source) => {
                    let error = HostError::Provider { provider: name.clone(), source };
                    Brought::Failed(Part::Provider(name), Box::new(error))
                }
            }
        });
    }

    /// Brings what `work` gives. A panic in it, say of the compiler, fails the part: the loop waits for all of them.
    fn bring_from(&self, part: Part, work: impl FnOnce() -> Brought + Send + 'static) {
        let bring = self.bring.clone();
        let working = tokio::task::spawn_blocking(work);
        tokio::spawn(async move {
            let brought = working.await.unwrap_or_else(|_| Brought::Failed(part, Box::new(HostError::Gone)));
            bring.send(brought).await
        });
    }
}

fn load(
    application: &Application,
    engine: &Engine,
    name: ActorName,
    plan: CompositePlan,
) -> Result<LoadedActor, HostError> {
    let begun = Instant::now();
    let composite = application.compose(&plan).map_err(|source| HostError::Compose { actor: name.clone(), source })?;
    let composing = begun.elapsed();
    let failed = |source| HostError::Actor { actor: name.clone(), source };
    let loaded = engine.load(&composite).map_err(failed)?;
    let outbox = Arc::new(Outbox::default());
    let settings = actor_settings(&name, &plan);
    let actor = engine.actor(&loaded.component, settings, outbox.clone()).map_err(failed)?;
    let loaded = Loaded { actor: name.clone(), cached: loaded.cached, composing, compiling: loaded.elapsed };
    Ok(LoadedActor { name, actor, outbox, plan, loaded })
}

fn actor_settings(name: &ActorName, plan: &CompositePlan) -> ActorSettings {
    let labels = Labels::of(plan);
    let limits = &plan.limits;
    // Members that share an interface have equal grants: the planner refuses others.
    let env: BTreeMap<_, _> = plan.members.iter().flat_map(|member| member.env.clone()).collect();
    ActorSettings {
        name: name.to_string(),
        memory_bytes: limits.memory.0,
        instances: limits.instances as usize,
        queue: limits.queue as usize,
        execution: limits.execution,
        depth: limits.depth,
        log_bytes_per_s: limits.log.0,
        reuse: limits.reuse,
        env,
        message_bytes_max: usize::try_from(limits.message.0).unwrap_or(usize::MAX),
        receivers: labels.receivers.into_iter().map(|receiver| receiver.label).collect(),
        senders: labels.senders.into_iter().map(|sender| sender.label).collect(),
    }
}
