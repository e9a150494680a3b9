//! What a composite's imports are connected to.

use std::sync::Arc;
use std::time::Instant;

use wasmtime::StoreContextMut;
use wasmtime::component::types::{Component as ComponentType, ComponentInstance, ComponentItem};
use wasmtime::component::{Accessor, InstancePre, Linker, LinkerInstance};

use crate::actor::Shared;
use crate::call::CallContext;
use crate::component::Component;
use crate::computation;
use crate::ear::{Heard, Way};
use crate::engine::Flavour;
use crate::error::EngineError;
use crate::http;
use crate::keyvalue;
use crate::native::Native;
use crate::outbound::Outgoing;
use crate::settings::ActorSettings;
use crate::store::State;
use crate::tape::Tape;
use crate::wasi;
use crate::wire::{Reply, SendParams, WireError};

/// The function that every sender imports.
const SEND: &str = "send";

/// What the host provides to any component.
pub(crate) fn host(engine: &wasmtime::Engine, has_concurrency: bool) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    wasi::define(&mut linker, has_concurrency)?;
    http::define(&mut linker, has_concurrency)?;
    Ok(linker)
}

/// Connects the imports of `component`: senders by label, the rest to the host.
pub(crate) fn connect(
    component: &Component,
    settings: &ActorSettings,
    native: Option<&Native>,
) -> Result<InstancePre<State>, EngineError> {
    let engine = &component.flavour.engine;
    let component_type = component.code.component_type();
    check_imports(&component_type, engine, settings, native)?;
    let mut linker = component.flavour.linker.clone();
    let connected = settings
        .senders
        .iter()
        .enumerate()
        .filter_map(|(index, label)| Some((index, label, import(&component_type, engine, label)?)))
        .try_for_each(|(index, label, sender)| define(&mut linker.instance(label)?, index, is_async(&sender, engine)));
    connected
        .and_then(|()| keyvalue::define(&mut linker, &component_type, engine, &settings.stores))
        .and_then(|()| native.map_or(Ok(()), |native| native.define(&mut linker)))
        .and_then(|()| linker.instantiate_pre(&component.code))
        .map_err(|source| EngineError::Link { actor: settings.name.clone(), source: source.into_boxed_dyn_error() })
}

/// Connects the imports of a computation: to the host, but for randomness.
pub(crate) fn connect_still(
    component: &Component,
    settings: &ActorSettings,
) -> Result<InstancePre<State>, EngineError> {
    let Flavour { engine, linker, concurrent, .. } = &*component.flavour;
    check_imports(&component.code.component_type(), engine, settings, None)?;
    let mut linker = linker.clone();
    computation::deny_randomness(&mut linker, *concurrent)
        .and_then(|()| linker.instantiate_pre(&component.code))
        .map_err(|source| EngineError::Link { actor: settings.name.clone(), source: source.into_boxed_dyn_error() })
}

fn check_imports(
    component: &ComponentType,
    engine: &wasmtime::Engine,
    settings: &ActorSettings,
    native: Option<&Native>,
) -> Result<(), EngineError> {
    let implemented = native.map(|native| native.contract.name.to_string());
    let imports: Vec<String> = component
        .imports(engine)
        .filter(|(name, import)| {
            let known = wasi::provides(name)
                || implemented.as_deref() == Some(*name)
                || settings.senders.iter().any(|label| label == name)
                || settings.stores.iter().any(|import| import.label == *name);
            !known && needs_code(&import.ty, engine)
        })
        .map(|(name, _)| name.to_owned())
        .collect();
    if imports.is_empty() {
        return Ok(());
    }
    Err(EngineError::UnknownImports { actor: settings.name.clone(), imports })
}

/// Whether an import is more than plain types.
fn needs_code(import: &ComponentItem, engine: &wasmtime::Engine) -> bool {
    match import {
        ComponentItem::Type(_) => false,
        ComponentItem::ComponentInstance(instance) => {
            instance.exports(engine).any(|(_, export)| needs_code(&export.ty, engine))
        }
        _ => true,
    }
}

fn import(component: &ComponentType, engine: &wasmtime::Engine, label: &str) -> Option<ComponentInstance> {
    component.imports(engine).find(|(name, _)| *name == label).and_then(|(_, import)| match import.ty {
        ComponentItem::ComponentInstance(instance) => Some(instance),
        _ => None,
    })
}

/// Whether this is an `async-sender`.
fn is_async(sender: &ComponentInstance, engine: &wasmtime::Engine) -> bool {
    sender
        .exports(engine)
        .any(|(name, export)| name == SEND && matches!(&export.ty, ComponentItem::ComponentFunc(send) if send.async_()))
}

fn define(instance: &mut LinkerInstance<'_, State>, sender: usize, is_async: bool) -> wasmtime::Result<()> {
    if is_async {
        return instance.func_wrap_concurrent(SEND, move |guest: &Accessor<State>, message: SendParams| {
            let (shared, call) = guest.with(|mut guest| {
                let State { shared, call, sent, .. } = guest.get();
                *sent = true;
                (Arc::clone(shared), call.clone())
            });
            Box::pin(async move { Ok(send_apart(shared, call, sender, message).await) })
        });
    }
    instance.func_wrap_async(SEND, move |mut guest: StoreContextMut<'_, State>, message: SendParams| {
        Box::new(async move {
            let State { shared, call, sent, tape, .. } = guest.data_mut();
            *sent = true;
            Ok(send(shared, call, sender, message, tape.as_deref()).await)
        })
    })
}

async fn send(
    shared: &Shared,
    call: &CallContext,
    sender: usize,
    message: SendParams,
    tape: Option<&dyn Tape>,
) -> Reply {
    let (message, contract, link) = message;
    let outgoing = Outgoing { method: message.method, payload: message.arg, contract, link };
    if let Some(tape) = tape {
        tape.sends(sender, &outgoing);
    }
    let heard = shared.ear().map(|ear| (ear, outgoing.method.clone(), outgoing.payload.clone(), Instant::now()));
    let sent = match shared.check_size(outgoing.method.len().saturating_add(outgoing.payload.len())) {
        Ok(()) => shared.outbound.send(sender, outgoing, call).await,
        Err(refused) => Err(refused),
    };
    if let Some((ear, method, payload, begun)) = &heard {
        let (way, elapsed, depth) = (Way::Out(sender), begun.elapsed(), call.depth());
        ear.hears(Heard { way, method, payload, answer: sent.as_deref(), depth, elapsed });
    }
    if let Some(tape) = tape {
        tape.returns(sent.as_deref());
    }
    (sent.map_err(|failure| failure.error.into()),)
}

/// As [`send`], on a task of its own: while one concurrent store is polled, no other may be (wasmtime 48 panics).
async fn send_apart(shared: Arc<Shared>, call: CallContext, sender: usize, message: SendParams) -> Reply {
    let mut task = Task(tokio::spawn(async move { send(&shared, &call, sender, message, None).await }));
    let ended = (&mut task.0).await;
    ended.unwrap_or_else(|error| (Err(WireError::HostError(format!("the call was broken off: {error}"))),))
}

/// A task that ends when nobody waits for it any more.
struct Task<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
