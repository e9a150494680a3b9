//! The buckets of a lattice in JetStream: how each is kept.

use std::sync::Arc;
use std::time::Duration;

use super::{ConnectError, ConnectSettings};
use crate::limits::{INTENT_HISTORY, LEASE_AGE_MAX};
use crate::objects::nats::NatsObjects;
use crate::objects::{Bounded, Objects};
use crate::store::nats::{Fault, JetStream, Layout, NatsBucket, StreamConfig, nanoseconds};
use crate::store::{Bucket, Buckets};

/// For how long a server knows a message again that was sent twice: longer than an operation is tried.
const WINDOW: Duration = Duration::from_secs(30);

/// The buckets on disk, whose loss is the loss of the lattice.
pub(super) const DURABLE: [Kind; 5] = [Kind::Intent, Kind::Blueprint, Kind::Hosts, Kind::State, Kind::Secrets];

/// Which bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Intent,
    Blueprint,
    Hosts,
    Leases,
    State,
    Secrets,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Intent => "intent",
            Self::Blueprint => "blueprint",
            Self::Hosts => "hosts",
            Self::Leases => "leases",
            Self::State => "state",
            Self::Secrets => "secrets",
        }
    }
}

/// How the bucket is to be kept.
pub(super) fn layout(settings: &ConnectSettings, kind: Kind) -> Layout {
    let bucket = format!("lath-{}-{}", settings.lattice, kind.as_str());
    let in_memory = kind == Kind::Leases;
    let history = if kind == Kind::Intent { i64::try_from(INTENT_HISTORY).unwrap_or(i64::MAX) } else { 1 };
    let stream = StreamConfig {
        name: format!("KV_{bucket}"),
        subjects: vec![format!("$KV.{bucket}.>")],
        storage: if in_memory { "memory" } else { "file" }.to_owned(),
        max_msgs_per_subject: history,
        max_age: if in_memory { nanoseconds(LEASE_AGE_MAX) } else { 0 },
        // It cannot be longer than what is written is kept.
        duplicate_window: nanoseconds(if in_memory { LEASE_AGE_MAX } else { WINDOW }),
        allow_msg_ttl: !in_memory && kind != Kind::Intent,
        deny_delete: true,
        deny_purge: true,
        ..plain(settings)
    };
    Layout { bucket, stream }
}

/// The store of bytes.
fn objects_layout(settings: &ConnectSettings) -> Layout {
    let bucket = format!("lath-{}-bytes", settings.lattice);
    let stream = StreamConfig {
        name: format!("OBJ_{bucket}"),
        subjects: vec![format!("$O.{bucket}.C.>"), format!("$O.{bucket}.M.>")],
        duplicate_window: nanoseconds(WINDOW),
        ..plain(settings)
    };
    Layout { bucket, stream }
}

fn plain(settings: &ConnectSettings) -> StreamConfig {
    StreamConfig {
        name: String::new(),
        subjects: Vec::new(),
        storage: "file".to_owned(),
        max_msgs_per_subject: 1,
        max_age: 0,
        num_replicas: settings.replicas,
        duplicate_window: 0,
        // A full bucket refuses what is new and keeps what it has.
        discard: "new".to_owned(),
        // Only the leader answers reads; and an answer to a read could be sent anywhere, as if its writer had sent it.
        allow_direct: false,
        allow_msg_ttl: false,
        deny_delete: false,
        deny_purge: false,
        republish: None,
        mirror: None,
        sources: None,
        subject_transform: None,
    }
}

/// Opens the buckets.
pub(super) async fn open(
    jetstream: &JetStream,
    settings: &ConnectSettings,
    create: bool,
) -> Result<Buckets, ConnectError> {
    let bucket = |kind| async move {
        let layout = layout(settings, kind);
        // Whoever only deploys or watches has no business with the values of applications and with secrets, nor has a host
        // whose credentials are older than those: it is told so when it asks.
        let is_open = match kind {
            Kind::State => create || may_look(jetstream, &layout).await,
            Kind::Secrets => create && may_look(jetstream, &layout).await,
            _ => true,
        };
        if is_open {
            ready(jetstream, settings, &layout, create).await?;
        }
        let remade = create && kind == Kind::Leases;
        Ok::<Arc<dyn Bucket>, ConnectError>(Arc::new(NatsBucket::new(jetstream.clone(), layout, remade)))
    };
    Ok(Buckets {
        intent: bucket(Kind::Intent).await?,
        blueprint: bucket(Kind::Blueprint).await?,
        hosts: bucket(Kind::Hosts).await?,
        leases: bucket(Kind::Leases).await?,
        state: bucket(Kind::State).await?,
        secrets: bucket(Kind::Secrets).await?,
    })
}

/// False where the servers do not let this user see how the bucket is kept.
async fn may_look(jetstream: &JetStream, layout: &Layout) -> bool {
    !matches!(jetstream.stream(&layout.stream.name).await, Err(Fault::Denied(_)))
}

/// Opens the store of bytes.
pub(super) async fn open_objects(
    jetstream: &JetStream,
    settings: &ConnectSettings,
    create: bool,
) -> Result<Arc<dyn Objects>, ConnectError> {
    let layout = objects_layout(settings);
    ready(jetstream, settings, &layout, create).await?;
    let objects = NatsObjects::new(jetstream.clone(), layout.bucket.clone(), layout.stream.name);
    Ok(Arc::new(Bounded::new(layout.bucket, Arc::new(objects))))
}

/// Finds the bucket as it must be, or makes it.
async fn ready(
    jetstream: &JetStream,
    settings: &ConnectSettings,
    wanted: &Layout,
    create: bool,
) -> Result<(), ConnectError> {
    let bucket = || wanted.bucket.clone();
    let unavailable = |fault: Fault| ConnectError::Unavailable { bucket: bucket(), reason: fault.text() };
    let mut found = jetstream.stream(&wanted.stream.name).await.map_err(unavailable)?;
    if found.is_none() && create {
        match jetstream.make_stream(&wanted.stream).await {
            Ok(()) => {}
            // Somebody else may have made it just now, for another number of servers.
            Err(Fault::Refused { status: 400, .. }) => {}
            Err(fault) => return Err(unavailable(fault)),
        }
        found = jetstream.stream(&wanted.stream.name).await.map_err(unavailable)?;
    }
    match found {
        Some(found) => match difference(&wanted.stream, &found) {
            Some(reason) => Err(ConnectError::Bucket { bucket: bucket(), reason }),
            None => Ok(()),
        },
        None => Err(ConnectError::NoBucket { lattice: settings.lattice.to_string(), bucket: bucket() }),
    }
}

/// How a bucket differs from what it must be. On how many servers it is kept may differ: that is a matter of safety.
fn difference(wanted: &StreamConfig, found: &StreamConfig) -> Option<String> {
    let same = StreamConfig {
        num_replicas: wanted.num_replicas,
        // A server may be configured to a shorter one.
        duplicate_window: wanted.duplicate_window,
        ..found.clone()
    };
    if same == *wanted {
        return None;
    }
    let fields = |config: &StreamConfig| serde_json::to_value(config).unwrap_or_default();
    let (wanted, found) = (fields(wanted), fields(&same));
    let keys = wanted.as_object().into_iter().chain(found.as_object()).flat_map(|map| map.keys());
    let differing = keys.filter(|key| wanted.get(key.as_str()) != found.get(key.as_str())).collect::<Vec<_>>();
    let key = differing.first()?;
    let shown = |value: Option<&serde_json::Value>| value.map_or_else(|| "nothing".to_owned(), ToString::to_string);
    let (found, wanted) = (shown(found.get(key.as_str())), shown(wanted.get(key.as_str())));
    Some(format!("`{key}` is {found}, not {wanted}"))
}
