//! Whether what a lattice stores outlives a power cut.
//!
//! Servers that do not write to the disk before they acknowledge lose everything in one. No ordinary request tells how
//! they are configured; the lattice's account imports one from the system account that does.

use std::collections::BTreeMap;

use futures_util::StreamExt as _;
use serde::Deserialize;
use tokio::time::{Instant, timeout_at};

use super::ConnectSettings;
use super::buckets::{DURABLE, layout};
use crate::authority::STORAGE;
use crate::document::Storage;
use crate::limits::{SERVERS_MAX, STORAGE_DEADLINE};
use crate::store::nats::{Fault, JetStream};

/// What a server tells of itself.
#[derive(Deserialize)]
struct Answer {
    server: Server,
    statsz: Statistics,
}

#[derive(Deserialize)]
struct Server {
    name: String,
}

#[derive(Deserialize)]
struct Statistics {
    /// None where the server stores nothing.
    #[serde(default)]
    jetstream: Option<Stores>,
}

#[derive(Deserialize)]
struct Stores {
    #[serde(default)]
    config: Config,
    #[serde(default)]
    meta: Option<Cluster>,
}

#[derive(Default, Deserialize)]
struct Config {
    #[serde(default)]
    sync_always: bool,
}

#[derive(Deserialize)]
struct Cluster {
    #[serde(default)]
    cluster_size: usize,
}

/// What all servers told.
#[derive(Default)]
struct Told {
    /// Whether each writes to the disk before it acknowledges.
    synced: BTreeMap<String, bool>,
    /// How many there are.
    servers: usize,
}

pub(super) async fn find_out(jetstream: &JetStream, settings: &ConnectSettings) -> Storage {
    let told = match ask(jetstream).await {
        Ok(told) => told,
        Err(reason) => return Storage::Unknown { reason },
    };
    let unsynced: Vec<&str> =
        told.synced.iter().filter(|(_, synced)| !**synced).map(|(name, _)| name.as_str()).collect();
    if !unsynced.is_empty() {
        let reason = format!(
            "NATS server {} acknowledges before it has written to the disk, a power cut loses everything; set \
             `sync_interval: always` in its `jetstream` block",
            unsynced.join(", ")
        );
        return Storage::Unsafe { reason };
    }
    match replicas(jetstream, settings).await {
        Err(reason) => Storage::Unknown { reason },
        Ok((bucket, replicas)) if replicas < told.servers.min(3) => {
            let reason = format!(
                "bucket `{bucket}` is kept on {replicas} of {} NATS servers, losing one loses the lattice; raise its \
                 replicas to 3 (`nats stream edit KV_{bucket} --replicas 3`)",
                told.servers
            );
            Storage::Unsafe { reason }
        }
        Ok(_) if told.synced.len() < told.servers => {
            let (answered, servers) = (told.synced.len(), told.servers);
            Storage::Unknown {
                reason: format!("{answered} of {servers} NATS servers told how they store; are all up?"),
            }
        }
        Ok(_) => Storage::Safe,
    }
}

async fn ask(jetstream: &JetStream) -> Result<Told, String> {
    let client = jetstream.client();
    let inbox = client.new_inbox();
    let ended = |_| "the connection to NATS has ended".to_owned();
    let mut answers = client.subscribe(inbox.clone()).await.map_err(|_| ended(()))?;
    let mut refusals = jetstream.ears().refusals();
    client.publish_with_reply(STORAGE, inbox, "".into()).await.map_err(|_| ended(()))?;
    let deadline = Instant::now() + STORAGE_DEADLINE;
    let mut told = Told::default();
    loop {
        let answer = tokio::select! {
            answer = timeout_at(deadline, answers.next()) => answer,
            text = refusals.of(STORAGE) => return Err(format!("this user may not ask the servers: {text}")),
        };
        let Ok(Some(message)) = answer else { break };
        if message.status.is_some_and(|status| !status.is_success()) {
            break;
        }
        told.add(&message.payload);
        if told.servers > 0 && told.synced.len() >= told.servers.min(SERVERS_MAX) {
            break;
        }
    }
    if told.synced.is_empty() {
        let reason = "no NATS server tells how it stores; their system account does not show it to this one";
        return Err(format!("{reason} (`lath lattice init` writes a configuration that does)"));
    }
    Ok(told)
}

impl Told {
    fn add(&mut self, payload: &[u8]) {
        // A server that stores nothing loses nothing.
        let Ok(Answer { server, statsz: Statistics { jetstream: Some(stores) } }) = serde_json::from_slice(payload)
        else {
            return;
        };
        self.servers = self.servers.max(stores.meta.map_or(1, |cluster| cluster.cluster_size));
        if self.synced.len() < SERVERS_MAX {
            self.synced.insert(server.name, stores.config.sync_always);
        }
    }
}

/// The bucket on disk that is kept on the fewest servers, and on how many.
async fn replicas(jetstream: &JetStream, settings: &ConnectSettings) -> Result<(String, usize), String> {
    let mut fewest: Option<(String, usize)> = None;
    for kind in DURABLE {
        let layout = layout(settings, kind);
        let found = match jetstream.stream(&layout.stream.name).await {
            Ok(Some(found)) => found,
            // Not everybody may look at the values of applications; they are kept like all the others.
            Ok(None) | Err(Fault::Denied(_)) => continue,
            Err(fault) => return Err(fault.text()),
        };
        if fewest.as_ref().is_none_or(|(_, replicas)| found.num_replicas < *replicas) {
            fewest = Some((layout.bucket, found.num_replicas));
        }
    }
    fewest.ok_or_else(|| "there are no buckets yet".to_owned())
}
