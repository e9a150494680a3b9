//! One call: an instance, `receive`, and what becomes of both.

use model::failure::{Failure, RpcError};
use wasmtime::component::ComponentExportIndex;
use wasmtime::{PoolConcurrencyLimitError, WasmBacktrace};

use super::Inner;
use super::idle::Warm;
use crate::call::CallContext;
use crate::stop::{self, Stop};
use crate::store;
use crate::wire::{Incoming, ReceiveParams, Reply};

impl Inner {
    pub(super) async fn serve(
        &self,
        receiver: usize,
        method: &str,
        payload: &[u8],
        call: CallContext,
    ) -> Result<Vec<u8>, Failure> {
        let Some(receive) = self.receivers.get(receiver) else {
            let text = format!("actor '{}' has no receiver {receiver}", self.name());
            return Err(Failure::not_started(RpcError::HostError(text)));
        };
        let mut warm = match self.idle.take() {
            Some(mut warm) => {
                store::reopen(&mut warm.store, call);
                warm
            }
            None => self.instantiate(method, call).await?,
        };
        self.shared.counters.called();
        if let Some(tape) = &warm.store.data().tape {
            tape.begins(receiver, method, payload);
        }
        let message = Incoming { method, arg: payload };
        let (answer, is_well) = match warm.receive(receive, message).await {
            Ok((reply,)) => (self.reply(reply.map_err(RpcError::from)), true),
            Err(error) => {
                let failure = warm.store.data_mut().failure.take();
                let stopped = || Failure::unknown(self.stopped(&error, warm.store.data(), method).failure(self.name()));
                (Err(failure.unwrap_or_else(stopped)), false)
            }
        };
        if let Some(tape) = &warm.store.data().tape {
            tape.ends(answer.as_deref());
        }
        if is_well {
            self.rest(warm);
        }
        answer
    }

    /// A fresh instance. If the pool is full, idle instances make room once.
    pub(super) async fn instantiate(&self, method: &str, call: CallContext) -> Result<Warm, Failure> {
        match self.try_instantiate(call.clone()).await {
            Err((error, store)) if error.is::<PoolConcurrencyLimitError>() && !store.data().sent => {
                // It may hold what the next one needs.
                drop(store);
                self.flavour.shared.idle.clear();
                self.try_instantiate(call).await
            }
            tried => tried,
        }
        .map_err(|(error, store)| {
            let stop = self.stopped(&error, store.data(), method);
            let failure = stop.failure(self.name());
            // A limit that was met while no code of the guest was running or had sent anything: it never came to be.
            let unborn = matches!(stop, Stop::Limit(_)) && !error.is::<WasmBacktrace>() && !store.data().sent;
            if unborn { Failure::not_started(failure) } else { Failure::unknown(failure) }
        })
    }

    async fn try_instantiate(&self, call: CallContext) -> Result<Warm, (wasmtime::Error, Box<Store>)> {
        let mut store = store::open(&self.flavour.engine, &self.shared, call);
        match self.instances.instantiate_async(&mut store).await {
            Ok(instance) => Ok(Warm { store, instance, uses: 0 }),
            Err(error) => Err((error, Box::new(store))),
        }
    }

    /// Keeps an instance for another call, or drops it if none may come.
    pub(super) fn rest(&self, warm: Warm) {
        if let Some(wasi) = &warm.store.data().wasi {
            wasi.flush();
        }
        if !self.admission.is_closed() {
            self.idle.put(warm);
        }
    }

    fn reply(&self, reply: Result<Vec<u8>, RpcError>) -> Result<Vec<u8>, Failure> {
        let reply = reply.map_err(Failure::unknown)?;
        self.shared.check_size(reply.len()).map_err(|refused| Failure::unknown(refused.error))?;
        Ok(reply)
    }

    /// Counts and logs that a guest was stopped.
    pub(super) fn stopped(&self, error: &wasmtime::Error, state: &store::State, method: &str) -> Stop {
        let stop = Stop::of(error, state);
        self.shared.counters.stopped(&stop);
        stop::report(&stop, Some(error), &self.shared, method);
        stop
    }

    pub(super) fn name(&self) -> &str {
        &self.shared.settings.name
    }
}

type Store = wasmtime::Store<store::State>;

impl Warm {
    async fn receive(&mut self, receive: &ComponentExportIndex, message: Incoming<'_>) -> wasmtime::Result<Reply> {
        let receive = self.instance.get_typed_func::<ReceiveParams<'_>, Reply>(&mut self.store, receive)?;
        receive.call_async(&mut self.store, (message,)).await
    }
}
