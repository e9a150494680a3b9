//! The way in for clients: JSON on `in.{app}.{actor}.{client}` becomes calls of actors.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use bytes::Bytes;
use engine::CallContext;
use lattice::authority::{HOSTS, Identity};
use lattice::bus::{Bus, BusError, Message, Subscription};
use lattice::call::{Origin, Target as Called, WordError, answer, trace_of};
use lattice::pulse::Stamp;
use lattice::subject::{ClientCall, Subject, Subjects, Token};
use model::blueprint::{ReceiverPlan, Target};
use model::failure::{Failure, RpcError};
use model::ids::{ActorName, AppName};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::task::JoinHandle;

use super::grant::{Granted, granted};
use super::json::Named;
use crate::ingress::Routed;
use crate::limits::CLIENT_CALLS_MAX;
use crate::router::{Far, Near, Reached, Switchboard, call_id, others};

const FUNCTION: &str = "lath-function";
const DEADLINE: &str = "lath-deadline";

/// Takes calls of clients for the applications that this host knows, as one of all hosts that know them.
pub struct Gateway {
    inner: Arc<Inner>,
    open: Mutex<BTreeMap<AppName, Door>>,
}

struct Inner {
    bus: Arc<dyn Bus>,
    subjects: Subjects,
    switchboard: Switchboard,
    stamp: Option<Arc<Stamp>>,
    group: Token,
    calls: Arc<Semaphore>,
}

/// One application's subscription.
struct Door {
    application: Arc<ArcSwap<Routed>>,
    /// Dropped to close it.
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Gateway {
    /// Takes no calls yet. Calls are refused while the host is not awake, by `stamp`.
    ///
    /// # Errors
    ///
    /// None but a fault of Lath: the name of the hosts' group is fixed.
    pub fn new(
        bus: Arc<dyn Bus>,
        subjects: Subjects,
        switchboard: Switchboard,
        stamp: Option<Arc<Stamp>>,
    ) -> Result<Self, lattice::subject::TokenError> {
        let (group, calls) = (HOSTS.parse()?, Arc::new(Semaphore::new(CLIENT_CALLS_MAX)));
        let inner = Arc::new(Inner { bus, subjects, switchboard, stamp, group, calls });
        Ok(Self { inner, open: Mutex::default() })
    }

    /// From now on clients of these applications are served, and no others.
    ///
    /// Must be called inside a tokio runtime.
    ///
    /// # Errors
    ///
    /// Where the bus does not take a subscription; the others are served.
    pub async fn serve(&self, applications: &[Routed]) -> Result<(), BusError> {
        let wanted: Vec<_> = applications.iter().filter(|app| !app.blueprint.clients.is_empty()).collect();
        let named = |name: &AppName| wanted.iter().any(|app| app.blueprint.application == *name);
        self.open().retain(|name, _| named(name));
        let mut outcome = Ok(());
        for routed in wanted {
            if let Err(error) = self.admit(routed).await {
                outcome = Err(error);
            }
        }
        outcome
    }

    async fn admit(&self, routed: &Routed) -> Result<(), BusError> {
        let name = &routed.blueprint.application;
        if let Some(door) = self.open().get(name) {
            door.application.store(Arc::new(routed.clone()));
            return Ok(());
        }
        let pattern = self.inner.subjects.client_calls_of(name);
        let messages = self.inner.bus.subscribe_group(pattern, self.inner.group.clone()).await?;
        let application = Arc::new(ArcSwap::from_pointee(routed.clone()));
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(self.inner.clone().take_all(application.clone(), messages, stopped));
        self.open().insert(name.clone(), Door { application, stop, task });
        Ok(())
    }

    /// Takes no more calls, and waits until `deadline` for those that run.
    pub async fn drain(&self, deadline: Instant) {
        let doors = std::mem::take(&mut *self.open());
        for Door { stop, task, .. } in doors.into_values() {
            drop(stop);
            let _ = tokio::time::timeout_at(deadline.into(), task).await;
        }
        let all = u32::try_from(CLIENT_CALLS_MAX).unwrap_or(u32::MAX);
        let _ = tokio::time::timeout_at(deadline.into(), self.inner.calls.acquire_many(all)).await;
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<AppName, Door>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A client's call, checked.
struct Request<'a> {
    granted: Granted<'a>,
    target: Target,
    payload: Vec<u8>,
    context: CallContext,
    deadline: Instant,
}

impl Inner {
    async fn take_all(
        self: Arc<Self>,
        application: Arc<ArcSwap<Routed>>,
        mut messages: Subscription,
        mut stopped: oneshot::Receiver<()>,
    ) {
        let mut closed = false;
        loop {
            let message = tokio::select! {
                biased;
                _ = &mut stopped, if !closed => {
                    // NATS gives its share to the others from now on; what it gave to this host is still served.
                    closed = true;
                    messages.close().await;
                    continue;
                }
                message = messages.next() => message,
            };
            let Some(message) = message else { return };
            let Some(reply) = message.reply.clone().filter(|reply| self.may_answer(&message.subject, reply)) else {
                tracing::debug!(subject = %message.subject, "a client does not wait in its own inbox: dropped");
                continue;
            };
            match self.calls.clone().try_acquire_owned() {
                Ok(permit) => drop(tokio::spawn(self.clone().take(application.load_full(), message, reply, permit))),
                Err(_) => {
                    let text = format!("the host already serves {CLIENT_CALLS_MAX} clients' calls; try again later");
                    self.reply(reply, Err(Failure::not_started(RpcError::HostError(text))));
                }
            }
        }
    }

    /// An answer goes to the inbox of the client that calls, and nowhere that means something to anybody else.
    fn may_answer(&self, subject: &Subject, reply: &Subject) -> bool {
        let Some(ClientCall { app: application, client, .. }) = self.subjects.read_client_call(subject) else {
            return false;
        };
        let inbox = Identity::Client { application, client }.inbox();
        reply.as_str().strip_prefix(&inbox).is_some_and(|rest| rest.starts_with('.'))
    }

    async fn take(self: Arc<Self>, app: Arc<Routed>, message: Message, reply: Subject, permit: OwnedSemaphorePermit) {
        let result = self.answer(&app, &message).await.and_then(|json| self.whole(json));
        self.reply(reply, result);
        drop(permit);
    }

    async fn answer(&self, app: &Routed, message: &Message) -> Result<String, Failure> {
        if let Some(stamp) = &self.stamp {
            stamp.admits(Instant::now())?;
        }
        let read = self.subjects.read_client_call(&message.subject);
        let call = read.ok_or_else(|| {
            let text = format!("`{}` is no subject of an actor; see docs/OUTSIDERS.md", message.subject);
            Failure::not_started(RpcError::InvalidParameter(text))
        })?;
        let request = request(app, &call, message)?;
        let Request { granted, payload, context, deadline, .. } = &request;
        let way = self.way(app, &call, &request)?;
        let result = match way {
            Way::Near(near) => near.call(granted.name, payload, context, *deadline).await,
            Way::Far(far) => far.call(granted.name, payload.clone().into(), context, *deadline).await,
        };
        named(granted).result_to_json(&result?)
    }

    /// The way to the actor, here or on another host.
    fn way(&self, app: &Routed, call: &ClientCall, request: &Request<'_>) -> Result<Way, Failure> {
        let application = &app.blueprint.application;
        let spoken = request.granted.wire.id();
        let near = self.switchboard.find(application, &request.target, request.granted.contract, spoken);
        let elsewhere = app.placement.as_deref().zip(self.switchboard.outside());
        let (near, (placement, outside)) = match (near, elsewhere) {
            (Some(near), None) => return Ok(Way::Near(near)),
            (None, None) => {
                let text = format!("actor {application}/{} is not running", call.actor);
                return Err(Failure::not_started(RpcError::Transport(text)));
            }
            (near, Some(elsewhere)) => (near, elsewhere),
        };
        let words = || Ok::<_, WordError>((request.granted.contract.to_string().parse()?, spoken.parse()?));
        let (contract, wire) = words().map_err(|error| Failure::not_started(RpcError::Rpc(error.to_string())))?;
        let reached = Reached {
            target: Called::actor(application, &call.actor),
            origin: Origin::Client(call.client.clone()),
            link: None,
            contract,
            wire,
            hosts: others(placement, &request.target, &outside.host),
            generation: placement.generation,
        };
        Ok(Way::Far(Box::new(Far::new(near, outside.clone(), reached))))
    }

    /// A result that fits into one message.
    fn whole(&self, json: String) -> Result<Bytes, Failure> {
        let most = self.bus.payload_max();
        if json.len() <= most {
            return Ok(json.into());
        }
        let text = format!("the result has {} bytes in JSON; {most} is the most that a client can be sent", json.len());
        Err(Failure::unknown(RpcError::HostError(text)))
    }

    fn reply(&self, reply: Subject, result: Result<Bytes, Failure>) {
        if let Err(error) = self.bus.publish(answer(reply, result)) {
            tracing::debug!(%error, "an answer to a client is lost");
        }
    }
}

/// The way to an actor.
enum Way {
    Near(Near),
    Far(Box<Far>),
}

fn request<'a>(app: &'a Routed, call: &ClientCall, message: &Message) -> Result<Request<'a>, Failure> {
    let refused = |text: String| Failure::not_started(RpcError::InvalidParameter(text));
    let function = message.headers.get(FUNCTION).ok_or_else(|| {
        refused(format!("header `{FUNCTION}` is missing: it names the function, such as `increment`"))
    })?;
    let granted = granted(&app.blueprint, &call.client, &call.actor, function)?;
    let payload = named(&granted).params_from_json(&message.payload)?;
    let asked = match message.headers.get(DEADLINE) {
        None => app.deadline,
        Some(text) => text.parse().map(Duration::from_millis).map_err(|_| {
            refused(format!("header `{DEADLINE}` is `{}`, not a number of milliseconds", text.escape_debug()))
        })?,
    };
    if asked.is_zero() {
        let text = format!("header `{DEADLINE}` is 0: nobody waits for the answer");
        return Err(Failure::not_started(RpcError::DeadlineExceeded(text)));
    }
    let trace = trace_of(message).map_err(refused)?;
    let deadline = Instant::now() + asked.min(app.deadline);
    let context = CallContext::new(call_id(), deadline).traced(trace);
    Ok(Request { target: target(app, &call.actor, &granted), granted, payload, context, deadline })
}

fn named<'a>(granted: &Granted<'a>) -> Named<'a> {
    Named { name: granted.name, function: granted.function, wire: granted.wire }
}

/// The actor at the receiver that answers what was granted.
fn target(app: &Routed, actor: &ActorName, granted: &Granted<'_>) -> Target {
    let answers = |receiver: &&ReceiverPlan| {
        receiver.contract.name == *granted.contract && receiver.adapter.version() == Some(granted.wire)
    };
    let receivers = app.blueprint.composites.get(actor).map(|plan| &plan.receivers);
    let receiver = receivers.into_iter().flatten().find(answers).map(|receiver| receiver.label.clone());
    Target::Actor { actor: actor.clone(), receiver: receiver.unwrap_or_default() }
}
