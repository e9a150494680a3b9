//! One thread that advances the epoch of every wasmtime engine, so that running guests are looked at.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use wasmtime::EngineWeak;

use crate::limits::EPOCH_TICK;

type Engines = Arc<Mutex<Vec<EngineWeak>>>;

/// The running thread; it ends when this is dropped.
pub(crate) struct Ticker {
    engines: Engines,
    /// Never sent on: dropping it wakes the thread and ends it.
    _stop: Sender<()>,
}

impl Ticker {
    pub(crate) fn start() -> std::io::Result<Self> {
        let engines = Engines::default();
        let (stop, stopped) = channel();
        let ticked = Arc::clone(&engines);
        thread::Builder::new().name("lath-epoch".into()).spawn(move || tick(&ticked, &stopped))?;
        Ok(Self { engines, _stop: stop })
    }

    pub(crate) fn add(&self, engine: &wasmtime::Engine) {
        self.engines.lock().unwrap_or_else(PoisonError::into_inner).push(engine.weak());
    }
}

fn tick(engines: &Engines, stopped: &Receiver<()>) {
    while stopped.recv_timeout(EPOCH_TICK) == Err(RecvTimeoutError::Timeout) {
        for engine in engines.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            if let Some(engine) = engine.upgrade() {
                engine.increment_epoch();
            }
        }
    }
}
