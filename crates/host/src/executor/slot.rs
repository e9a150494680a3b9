//! A provider whose store cannot be open twice, so that its successor opens where it stood.

use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::keyvalue::{Answering, Operation};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use model::failure::Failure;
use provider::{Call, Health, Provider, ProviderError};
use tokio::sync::RwLock;

/// Opens a provider; blocks while it does.
pub(super) type Open = Box<dyn FnOnce() -> Result<Arc<dyn Provider>, ProviderError> + Send>;

/// A place for one provider at a time. Calls wait, within their deadlines, while one takes the place of another.
pub(super) struct Slot(RwLock<Arc<dyn Provider>>);

/// Why the provider was not replaced.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExchangeError {
    #[error(transparent)]
    Open(#[from] ProviderError),
    #[error("calls of its predecessor were still running after {} s", .0.as_secs())]
    Busy(Duration),
    #[error("a task of the host ended before its work was done")]
    Gone,
}

impl Slot {
    pub(super) fn new(provider: Arc<dyn Provider>) -> Self {
        Self(RwLock::new(provider))
    }

    /// Lets the provider finish its calls within `patience`, closes it, and opens `next` in its place. Where that fails,
    /// `again` opens the one before.
    pub(super) async fn exchange(&self, next: Open, again: Open, patience: Duration) -> Result<(), ExchangeError> {
        let deadline = tokio::time::Instant::now() + patience;
        let place = tokio::time::timeout_at(deadline, self.0.write()).await;
        let mut place = place.map_err(|_| ExchangeError::Busy(patience))?;
        let next = match tokio::time::timeout_at(deadline, place.drain()).await {
            Ok(()) => opened(next).await,
            Err(_) => Err(ExchangeError::Busy(patience)),
        };
        match next {
            Ok(provider) => {
                *place = provider;
                Ok(())
            }
            Err(error) => {
                match opened(again).await {
                    Ok(provider) => *place = provider,
                    Err(reason) => tracing::error!(%reason, "a provider could not be opened again as it was"),
                }
                Err(error)
            }
        }
    }
}

async fn opened(open: Open) -> Result<Arc<dyn Provider>, ExchangeError> {
    Ok(tokio::task::spawn_blocking(open).await.map_err(|_| ExchangeError::Gone)??)
}

impl Provider for Slot {
    fn call<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Vec<u8>, Failure>> {
        async move { self.0.read().await.call(call).await }.boxed()
    }

    fn keyvalue<'a>(&'a self, store: &'a str, operation: Operation, deadline: Instant) -> Answering<'a> {
        async move { self.0.read().await.keyvalue(store, operation, deadline).await }.boxed()
    }

    /// While one takes the place of another, calls wait and nothing is known to be wrong.
    fn health(&self) -> Health {
        self.0.try_read().map(|provider| provider.health()).unwrap_or_default()
    }

    fn drain(&self) -> BoxFuture<'_, ()> {
        async move { self.0.read().await.drain().await }.boxed()
    }
}
