//! A load on HTTP ingresses that is recorded, call by call, and an independent checker of the record.
//!
//! The load is open-loop: a request goes out when its time has come, whether or not earlier ones were answered, so that
//! a host which stands still is seen as it is. Nothing is retried: what fails counts as failed.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::{MissedTickBehavior, interval, timeout};

/// Requests on their way at once; more are not sent, and counted as failed.
const IN_FLIGHT_MAX: usize = 4_096;
/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(15);

/// One request, from before it was sent until after its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Since the load began.
    pub began: Duration,
    /// Since the load began.
    pub ended: Duration,
    /// Which of the addresses it went to.
    pub target: usize,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// An answer, whatever its status.
    Answered {
        /// The status.
        status: u16,
        /// The body.
        body: String,
    },
    /// No answer.
    Lost(String),
}

/// A load that runs until it is stopped.
pub struct Load {
    stop: watch::Sender<bool>,
    attempts: mpsc::UnboundedReceiver<Attempt>,
    begun: Instant,
}

impl Load {
    /// Begins to send `rate` requests a second for `path`, to each of `targets` in turn.
    pub fn start(targets: &[SocketAddr], path: &str, rate: u32) -> Self {
        let (stop, stopped) = watch::channel(false);
        let (told, attempts) = mpsc::unbounded_channel();
        let urls = targets.iter().map(|target| format!("http://{target}{path}")).collect();
        let begun = Instant::now();
        tokio::spawn(send_all(urls, rate, begun, told, stopped));
        Self { stop, attempts, begun }
    }

    /// How long it has been running.
    pub fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Sends no more, waits for the answers that are due, and gives the record.
    pub async fn stop(mut self) -> Record {
        let _ = self.stop.send(true);
        let mut attempts = Vec::new();
        while let Some(attempt) = self.attempts.recv().await {
            attempts.push(attempt);
        }
        Record { attempts }
    }
}

async fn send_all(
    urls: Vec<String>,
    rate: u32,
    begun: Instant,
    told: mpsc::UnboundedSender<Attempt>,
    mut stopped: watch::Receiver<bool>,
) {
    let client: Client<HttpConnector, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let places = Arc::new(Semaphore::new(IN_FLIGHT_MAX));
    let mut due = interval(Duration::from_secs(1) / rate.max(1));
    due.set_missed_tick_behavior(MissedTickBehavior::Burst);
    for (number, (target, url)) in urls.iter().enumerate().cycle().enumerate() {
        tokio::select! {
            _ = due.tick() => {}
            _ = stopped.wait_for(|stopped| *stopped) => return,
        }
        let (client, url, told) = (client.clone(), url.clone(), told.clone());
        let place = places.clone().try_acquire_owned();
        let began = begun.elapsed();
        tokio::spawn(async move {
            let outcome = match place {
                Ok(_place) => send(&client, &url).await.unwrap_or_else(|error| Outcome::Lost(format!("{error:#}"))),
                Err(_) => Outcome::Lost(format!("request {number} was not sent: too many wait for answers")),
            };
            // A load that was dropped has no record.
            let _ = told.send(Attempt { began, ended: begun.elapsed(), target, outcome });
        });
    }
}

async fn send(client: &Client<HttpConnector, Empty<Bytes>>, url: &str) -> Result<Outcome> {
    let answered = async {
        let answer = client.get(url.parse()?).await?;
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await?.to_bytes();
        anyhow::Ok(Outcome::Answered { status, body: String::from_utf8_lossy(&body).into_owned() })
    };
    timeout(PATIENCE, answered).await.context("no answer in time")?
}

/// What a load did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Every request, in the order in which they ended.
    pub attempts: Vec<Attempt>,
}

/// What a record says about one counter to which every request added 1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Requests that were answered with a sum.
    pub acknowledged: usize,
    /// Requests without an answer or with another status than 200.
    pub failed: usize,
    /// Additions that were acknowledged and are not in the counter.
    pub lost: usize,
    /// Additions in the counter that no request can have made.
    pub doubled: usize,
    /// Sums that more than one request was answered with.
    pub repeated: usize,
    /// Requests that began after another had ended and were answered with a smaller sum.
    pub reordered: usize,
}

impl Record {
    /// Requests that failed and ended within a span of the load.
    pub fn failed_within(&self, from: Duration, to: Duration) -> usize {
        let within = |attempt: &&Attempt| attempt.ended >= from && attempt.ended < to;
        self.attempts.iter().filter(within).filter(|attempt| sum_of(attempt).is_none()).count()
    }

    /// The end of the last request that failed; none where none did.
    pub fn last_failure(&self) -> Option<Duration> {
        self.attempts.iter().filter(|attempt| sum_of(attempt).is_none()).map(|attempt| attempt.ended).max()
    }

    /// Judges the record of a counter that stood at `before` and stands at `after` now that all has ended. The bodies are
    /// those of the kvcounter example.
    pub fn judge(&self, before: i64, after: i64) -> Verdict {
        let sums: Vec<(&Attempt, i64)> =
            self.attempts.iter().filter_map(|attempt| Some((attempt, sum_of(attempt)?))).collect();
        let distinct: BTreeSet<i64> = sums.iter().map(|(_, sum)| *sum).collect();
        let (acknowledged, failed) = (sums.len(), self.attempts.len() - sums.len());
        let made = usize::try_from(after - before).unwrap_or(0);
        Verdict {
            acknowledged,
            failed,
            lost: acknowledged.saturating_sub(made),
            // A request that failed may have added all the same.
            doubled: made.saturating_sub(acknowledged + failed),
            repeated: acknowledged - distinct.len(),
            reordered: reordered(sums),
        }
    }
}

/// The sum that a request was answered with.
fn sum_of(attempt: &Attempt) -> Option<i64> {
    match &attempt.outcome {
        Outcome::Answered { status: 200, body } => {
            serde_json::from_str::<serde_json::Value>(body).ok()?.get("counter")?.as_i64()
        }
        _ => None,
    }
}

/// Counts requests whose sum is less than that of one which had ended before they began.
fn reordered(sums: Vec<(&Attempt, i64)>) -> usize {
    let mut by_end = sums.clone();
    by_end.sort_by_key(|(attempt, _)| attempt.ended);
    let mut by_begin = sums;
    by_begin.sort_by_key(|(attempt, _)| attempt.began);
    let mut ended = by_end.into_iter().peekable();
    let mut greatest = i64::MIN;
    let mut count = 0;
    for (attempt, sum) in by_begin {
        while let Some((_, earlier)) = ended.next_if(|(earlier, _)| earlier.ended < attempt.began) {
            greatest = greatest.max(earlier);
        }
        count += usize::from(sum < greatest);
    }
    count
}
