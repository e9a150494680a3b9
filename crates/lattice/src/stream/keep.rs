//! Keeping a streamed call going: its body sent as credit comes, the other end told and listened to.

use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};

use model::failure::{Failure, RpcError};

use super::link::Task;
use super::{Link, Outgoing};
use crate::limits::{STREAM_BEAT_INTERVAL, STREAM_TIME_MAX};

/// Sends `body`, where it was not whole in part 0, and stays until the other body has come as well, or the call failed.
pub(crate) async fn keep(link: &Link, mut body: Option<Outgoing>) {
    let begun = Instant::now();
    let mut beats = interval_at(begun + STREAM_BEAT_INTERVAL, STREAM_BEAT_INTERVAL);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let most = link.ship().part_bytes();
    loop {
        let sends = match link.task() {
            Task::End => return,
            Task::Send => true,
            Task::Wait => false,
            Task::Listen => {
                // Its maker need not go on.
                body = None;
                false
            }
        };
        let made = async {
            match &mut body {
                Some(body) if sends => body.fill(most).await,
                _ => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = link.keeper.notified() => {}
            () = made => if let Some(body) = &mut body {
                link.send_body(body);
            },
            _ = beats.tick() => link.beat(),
            () = sleep_until(begun + STREAM_TIME_MAX) => {
                let text = format!("the bodies of a streamed call took more than {} s", STREAM_TIME_MAX.as_secs());
                link.fail(Failure::unknown(RpcError::DeadlineExceeded(text)));
            }
        }
    }
}
