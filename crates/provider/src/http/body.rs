//! Bodies of requests: whole, bounded one by one. Bodies of requests and answers: bounded all together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};

use super::problem::Problem;

/// The bytes that all bodies together may still take.
#[derive(Debug)]
pub(super) struct Budget(AtomicUsize);

/// Bytes taken out of a budget, given back when dropped.
#[derive(Debug)]
pub(super) struct Hold {
    budget: Arc<Budget>,
    bytes: usize,
}

/// A body, counted against the budget as long as it lives.
#[derive(Debug, Default)]
pub(super) struct Whole {
    pub(super) bytes: Vec<u8>,
    /// Nothing for an empty body.
    pub(super) held: Option<Hold>,
}

impl Budget {
    pub(super) fn new(bytes: usize) -> Arc<Self> {
        Arc::new(Self(AtomicUsize::new(bytes)))
    }

    fn take(&self, bytes: usize) -> Result<(), Problem> {
        self.0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes))
            .map(drop)
            .map_err(|_| Problem::Busy)
    }

    /// An answer's body, counted until it is sent: a client may take its time.
    pub(super) fn keep(self: &Arc<Self>, bytes: Vec<u8>) -> Result<Bytes, Problem> {
        if bytes.is_empty() {
            return Ok(Bytes::new());
        }
        let mut held = Hold { budget: self.clone(), bytes: 0 };
        held.grow(bytes.len())?;
        Ok(Bytes::from_owner(Whole { bytes, held: Some(held) }))
    }
}

impl AsRef<[u8]> for Whole {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Hold {
    fn grow(&mut self, bytes: usize) -> Result<(), Problem> {
        self.budget.take(bytes)?;
        self.bytes += bytes;
        Ok(())
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.budget.0.fetch_add(self.bytes, Ordering::Relaxed);
    }
}

/// Reads a body to its end.
pub(super) async fn read(
    body: Incoming,
    max: usize,
    timeout: Duration,
    budget: &Arc<Budget>,
) -> Result<Whole, Problem> {
    if body.is_end_stream() {
        return Ok(Whole::default());
    }
    if body.size_hint().lower() > max as u64 {
        return Err(Problem::LargeBody(max));
    }
    match tokio::time::timeout(timeout, collect(body, max, budget)).await {
        Ok(whole) => whole,
        Err(_) => Err(Problem::SlowBody),
    }
}

async fn collect(mut body: Incoming, max: usize, budget: &Arc<Budget>) -> Result<Whole, Problem> {
    let mut bytes = Vec::new();
    let mut hold = Hold { budget: budget.clone(), bytes: 0 };
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Problem::BadRequest("The request's body is malformed or incomplete."))?;
        // Trailers are dropped: the contract has no room for them.
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len() + data.len() > max {
            return Err(Problem::LargeBody(max));
        }
        hold.grow(data.len())?;
        bytes.extend_from_slice(&data);
    }
    Ok(Whole { bytes, held: Some(hold) })
}
