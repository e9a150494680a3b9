//! One connection, from its first byte to its end.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::front;
use super::lane::Lane;
use super::pulse::{Counted, Pulse, Verdict};
use super::server::Phase;

/// Serves a connection until it ends, is asked to, or shows no sign of life.
pub(super) async fn serve<S>(lane: Arc<Lane>, stream: S, mut phase: watch::Receiver<Phase>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let pulse = Arc::new(Pulse::default());
    let service = service_fn(|request| {
        let (lane, running, pulse) = (lane.clone(), pulse.begin(), pulse.clone());
        async move {
            let response = front::answer(&lane, request).await;
            drop(running);
            Ok::<_, Infallible>(response.map(|body| body.on(&pulse)))
        }
    });
    let mut connection = pin!(lane.http.serve_connection(Counted::new(stream, pulse.clone()), service).into_owned());
    let period: Duration = lane.settings.header_read_timeout;
    let mut check = pin!(sleep(period));
    let (mut before, mut is_asked) = (pulse.beat(), false);
    loop {
        tokio::select! {
            biased;
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "connection ended");
                }
                return;
            }
            changed = phase.changed() => {
                if changed.is_err() || *phase.borrow() == Phase::Ended {
                    return;
                }
                is_asked = true;
                connection.as_mut().graceful_shutdown();
            }
            () = check.as_mut() => {
                let now = pulse.beat();
                match now.judge(before, is_asked) {
                    Verdict::Keep => {}
                    Verdict::Shut => {
                        is_asked = true;
                        connection.as_mut().graceful_shutdown();
                    }
                    Verdict::Cut => return,
                }
                before = now;
                check.as_mut().reset(Instant::now() + period);
            }
        }
    }
}
