//! One link, led somewhere.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use engine::{CallContext, Outgoing};
use lattice::call::{Origin, Target as Called, Word, WordError};
use model::blueprint::{LinkPlan, SenderPlan, Target};
use model::failure::{Failure, RpcError};
use model::ids::{ActorName, AppName, HostName, ProviderName};
use model::manifest::Reach;
use model::placement::AppPlacement;
use provider::Opens;

use super::Scope;
use super::external::External;
use super::far::{Far, Outside, Reached};
use super::near::Near;
use crate::retry::Budget;
use crate::telemetry::Meter;

/// A link of a composite.
pub(super) struct Link {
    pub(super) actor: ActorName,
    pub(super) import: String,
    pub(super) contract: String,
    deadline: Duration,
    route: Route,
    /// What retries may cost; outlives changes of the route.
    budget: Arc<Budget>,
    /// Measures calls, where they are.
    meter: Option<Arc<Meter>>,
}

/// Where a link leads.
enum Route {
    /// A target on this host, and only there.
    Near(Near),
    /// A target that other hosts have, and perhaps this one.
    Far(Box<Far>),
    /// A process of its own.
    External(Box<External>),
    /// Nothing answers.
    Nowhere(String),
}

impl Link {
    /// The link of a sender; `before` are those that there were until now.
    pub(super) fn new<'b>(sender: &SenderPlan, scope: Scope<'_>, before: impl IntoIterator<Item = &'b Link>) -> Self {
        let plan = &sender.link;
        let same = |link: &&Link| link.actor == plan.actor && link.import == plan.import;
        let budget = before.into_iter().find(same).map(|link| link.budget.clone()).unwrap_or_default();
        let meter = scope.telemetry.link(scope.application, plan);
        Self {
            actor: plan.actor.clone(),
            import: plan.import.clone(),
            contract: plan.contract.to_string(),
            deadline: plan.deadline,
            route: route(sender, scope, &budget, meter.as_ref()),
            budget,
            meter,
        }
    }

    /// Calls the target, for a call that began at `begun`, perhaps on another link. Where that fails, `message` is as it
    /// was.
    #[inline]
    pub(super) async fn call(
        &self,
        message: &mut Outgoing,
        call: &CallContext,
        begun: Instant,
    ) -> Result<Vec<u8>, Failure> {
        let Some(meter) = &self.meter else { return self.forward(message, call, begun).await };
        let (measured, context) = meter.begin(call, &message.method, begun);
        let answer = self.forward(message, context.as_deref().unwrap_or(call), begun).await;
        measured.ended(&answer);
        answer
    }

    #[inline]
    async fn forward(&self, message: &mut Outgoing, call: &CallContext, begun: Instant) -> Result<Vec<u8>, Failure> {
        let deadline = call.deadline().min(begun + self.deadline);
        match &self.route {
            Route::Near(near) => near.call(&message.method, &message.payload, call, deadline).await,
            // Boxed, so that calls inside the host do not carry the room for one over the lattice.
            Route::Far(far) => {
                let payload = Bytes::from(std::mem::take(&mut message.payload));
                let answer = Box::pin(far.call(&message.method, payload.clone(), call, deadline)).await;
                if answer.is_err() {
                    message.payload = payload.into();
                }
                answer
            }
            Route::External(external) => {
                Box::pin(external.call(&message.method, message.payload.clone(), call, deadline)).await
            }
            Route::Nowhere(text) => Err(Failure::not_started(RpcError::Transport(text.clone()))),
        }
    }
}

fn route(sender: &SenderPlan, scope: Scope<'_>, budget: &Arc<Budget>, meter: Option<&Arc<Meter>>) -> Route {
    let plan = &sender.link;
    if let Some(provider) = external(plan, scope) {
        return Route::External(Box::new(External {
            provider: (scope.application.clone(), provider.clone()),
            contract: Arc::clone(&sender.contract),
            name: plan.contract.clone(),
            wire: sender.adapter.wire().to_owned(),
            caller: Called::actor(scope.application, &plan.actor),
            outside: scope.elsewhere.map(|(_, outside)| outside.clone()),
            idempotent: plan.idempotent.clone(),
            budget: budget.clone(),
            meter: meter.cloned(),
        }));
    }
    let opens = Opens::Only(Arc::new(sender.open.clone()));
    let near = scope.targets.find(&plan.target, &plan.contract, sender.adapter.wire(), &opens);
    let elsewhere = scope.elsewhere.filter(|_| plan.reach == Reach::Lattice);
    match (near, elsewhere) {
        (Some(near), None) => Route::Near(near),
        (None, None) => {
            Route::Nowhere(format!("{} is not running on this host; look at its log and start it", plan.target))
        }
        (near, Some((placement, outside))) => {
            afar(sender, near, scope.application, (placement, outside), budget, meter)
        }
    }
}

fn afar(
    sender: &SenderPlan,
    near: Option<Near>,
    application: &AppName,
    (placement, outside): (&AppPlacement, &Outside),
    budget: &Arc<Budget>,
    meter: Option<&Arc<Meter>>,
) -> Route {
    let plan = &sender.link;
    let hosts = others(placement, &plan.target, &outside.host);
    match near {
        Some(near) if hosts.is_empty() => return Route::Near(near),
        _ => {}
    }
    let (link, contract, wire) = match words(sender) {
        Ok(words) => words,
        Err(error) => return Route::Nowhere(format!("the link cannot be called over the lattice: {error}")),
    };
    let reached = Reached {
        target: called(application, &plan.target),
        origin: Origin::Actor(Called::actor(application, &plan.actor)),
        link: Some(link),
        contract,
        wire,
        hosts,
        generation: placement.generation,
    };
    Route::Far(Box::new(Far {
        near,
        outside: outside.clone(),
        reached,
        idempotent: plan.idempotent.clone(),
        budget: budget.clone(),
        meter: meter.cloned(),
    }))
}

fn words(sender: &SenderPlan) -> Result<(Word, Word, Word), WordError> {
    let plan = &sender.link;
    Ok((plan.import.parse()?, plan.contract.to_string().parse()?, sender.adapter.wire().parse()?))
}

/// The hosts of a target, but for `here`.
pub(crate) fn others(placement: &AppPlacement, target: &Target, here: &HostName) -> BTreeSet<HostName> {
    let hosts = match target {
        Target::Actor { actor, .. } => placement.actors.get(actor),
        Target::Provider(provider) => placement.providers.get(provider),
    };
    hosts.into_iter().flatten().filter(|host| *host != here).cloned().collect()
}

fn called(application: &AppName, target: &Target) -> Called {
    match target {
        Target::Actor { actor, .. } => Called::actor(application, actor),
        Target::Provider(provider) => Called::provider(application, provider),
    }
}

/// The provider that the link leads to, where it is a process of its own.
fn external<'a>(plan: &'a LinkPlan, scope: Scope<'_>) -> Option<&'a ProviderName> {
    let Target::Provider(provider) = &plan.target else { return None };
    let planned = scope.targets.blueprint.providers.get(provider);
    planned.is_some_and(|provider| provider.external.is_some()).then_some(provider)
}
