//! A watch of a bucket: a reading of its stream, told as changes.

use tokio::sync::mpsc;
use tokio::time::timeout;

use super::bucket::{entry, is_value};
use super::reader::{Read, Reader, Told};
use crate::limits::WATCH_SLOW_MAX;
use crate::store::Change;

/// Tells what `reader` reads until it breaks, nobody listens, or whoever listens is too slow. `prefix` is what the
/// subjects of keys begin with.
pub(super) async fn tell(reader: Reader, prefix: String, changes: mpsc::Sender<Change>, bucket: String) {
    let listening = changes.clone();
    let ended = tokio::select! {
        ended = tell_all(reader, &prefix, &changes) => ended,
        () = listening.closed() => return,
    };
    if let Err(reason) = ended {
        tracing::debug!(bucket, reason, "a watch ended");
    }
}

async fn tell_all(mut reader: Reader, prefix: &str, changes: &mpsc::Sender<Change>) -> Result<(), String> {
    let mut current = reader.pending == 0;
    if current {
        send(changes, Change::Current).await?;
    }
    loop {
        let told = reader.next().await.map_err(|fault| fault.text())?;
        let pending = match told {
            Told::Read(read) => tell_one(read, prefix, current, changes).await?,
            Told::Idle if !current && reader.is_drained().await.map_err(|fault| fault.text())? => 0,
            Told::Idle => continue,
        };
        if !current && pending == 0 {
            current = true;
            send(changes, Change::Current).await?;
        }
    }
}

/// Tells one message, and gives how many follow. Deletions from before the watch are nothing that stands.
async fn tell_one(read: Read, prefix: &str, current: bool, changes: &mpsc::Sender<Change>) -> Result<u64, String> {
    let pending = read.position.pending;
    if (current || is_value(&read))
        && let Some(entry) = entry(read, prefix)
    {
        send(changes, Change::Entry(entry)).await?;
    }
    Ok(pending)
}

async fn send(changes: &mpsc::Sender<Change>, change: Change) -> Result<(), String> {
    let sent = timeout(WATCH_SLOW_MAX, changes.send(change)).await;
    sent.map_err(|_| "changes were not taken in time".to_owned())?.map_err(|_| "nobody listens".to_owned())
}
