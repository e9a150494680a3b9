//! How the blueprint is written.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use model::digest::Digest;
use model::ids::{ActorName, AppName, HostName, ProviderName};
use model::placement::{AppPlacement, Earlier, Refusal, Share};
use serde::{Deserialize, Serialize};

use super::super::wire::{Kind, Text, clipped, write};
use super::super::{Document, DocumentError};
use super::{BUCKETS, Pointer, PointerKey, Root, Shard};
use crate::limits::{REASON_BYTES_MAX, VALUE_BYTES_MAX};

const ROOT: Kind = Kind { name: Root::NAME, format: 1, bytes_max: VALUE_BYTES_MAX };
const POINTER: Kind = Kind { name: Pointer::NAME, format: 1, bytes_max: VALUE_BYTES_MAX };
/// The second format has `before`, `share` and `refused` of an application.
const SHARD: Kind = Kind { name: Shard::NAME, format: 2, bytes_max: VALUE_BYTES_MAX };

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RootWire {
    format: u32,
    generation: u64,
    buckets: BTreeMap<u8, Text<Digest>>,
}

impl Document for Root {
    const NAME: &'static str = "root of the blueprint";

    fn encode(&self) -> Bytes {
        let Self { generation, buckets } = self;
        let buckets = buckets.iter().map(|(number, digest)| (*number, Text(*digest))).collect();
        write(&RootWire { format: ROOT.format, generation: *generation, buckets })
    }

    fn decode(bytes: &[u8]) -> Result<Self, DocumentError> {
        let RootWire { generation, buckets, .. } = ROOT.read(bytes)?;
        if let Some(number) = buckets.keys().find(|number| **number >= BUCKETS) {
            return Err(ROOT.malformed("buckets", format_args!("bucket {number} is beyond the {BUCKETS} there are")));
        }
        Ok(Self { generation, buckets: buckets.into_iter().map(|(number, digest)| (number, digest.0)).collect() })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct PointerWire {
    format: u32,
    generation: u64,
    digest: Text<Digest>,
}

impl Document for Pointer {
    const NAME: &'static str = "pointer to a shard of the blueprint";

    fn encode(&self) -> Bytes {
        let Self { generation, digest } = self;
        write(&PointerWire { format: POINTER.format, generation: *generation, digest: Text(*digest) })
    }

    fn decode(bytes: &[u8]) -> Result<Self, DocumentError> {
        let PointerWire { generation, digest, .. } = POINTER.read(bytes)?;
        Ok(Self { generation, digest: digest.0 })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct ShardWire {
    format: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<IndexWire>,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<HostWire>,
    #[serde(skip_serializing_if = "Option::is_none")]
    app: Option<AppWire>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct IndexWire {
    generation: u64,
    entries: BTreeMap<Text<PointerKey>, Text<Digest>>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct HostWire {
    generation: u64,
    apps: BTreeMap<Text<AppName>, Text<Digest>>,
}

/// Hosts are listed once and named by their place in the list: an application may have many actors on many hosts.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct AppWire {
    generation: u64,
    version: u64,
    intent: Text<Digest>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<EarlierWire>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    share: Option<Text<Share>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refused: Option<RefusalWire>,
    hosts: Vec<Text<HostName>>,
    actors: BTreeMap<Text<ActorName>, Vec<u32>>,
    providers: BTreeMap<Text<ProviderName>, Vec<u32>>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct EarlierWire {
    version: u64,
    intent: Text<Digest>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RefusalWire {
    version: u64,
    reason: String,
}

impl Document for Shard {
    const NAME: &'static str = "shard of the blueprint";

    fn encode(&self) -> Bytes {
        let mut wire = ShardWire { format: SHARD.written(tells_of_versions(self)), index: None, host: None, app: None };
        match self {
            Shard::Index { generation, entries } => {
                let entries = entries.iter().map(|(key, digest)| (Text(key.clone()), Text(*digest))).collect();
                wire.index = Some(IndexWire { generation: *generation, entries });
            }
            Shard::Host { generation, apps } => {
                let apps = apps.iter().map(|(app, digest)| (Text(app.clone()), Text(*digest))).collect();
                wire.host = Some(HostWire { generation: *generation, apps });
            }
            Shard::App(placement) => wire.app = Some(app_to_wire(placement)),
        }
        write(&wire)
    }

    fn decode(bytes: &[u8]) -> Result<Self, DocumentError> {
        let ShardWire { index, host, app, .. } = SHARD.read(bytes)?;
        match (index, host, app) {
            (Some(IndexWire { generation, entries }), None, None) => {
                let entries = entries.into_iter().map(|(key, digest)| (key.0, digest.0)).collect();
                Ok(Shard::Index { generation, entries: Arc::new(entries) })
            }
            (None, Some(HostWire { generation, apps }), None) => {
                let apps = apps.into_iter().map(|(app, digest)| (app.0, digest.0)).collect();
                Ok(Shard::Host { generation, apps })
            }
            (None, None, Some(app)) => app_of_wire(app).map(|app| Shard::App(Arc::new(app))),
            _ => Err(SHARD.malformed("the text", "one of `index`, `host` and `app` is expected")),
        }
    }
}

/// True where it says what an application goes back to, or went back from, or how a version begins.
fn tells_of_versions(shard: &Shard) -> bool {
    let Shard::App(placed) = shard else { return false };
    placed.before.is_some() || placed.share.is_some() || placed.refused.is_some()
}

fn app_to_wire(placement: &AppPlacement) -> AppWire {
    let AppPlacement { generation, version, intent, before, share, refused, actors, providers } = placement;
    let hosts: BTreeMap<&HostName, u32> = placement.hosts().into_iter().zip(0..).collect();
    let places = |on: &BTreeSet<HostName>| on.iter().filter_map(|host| hosts.get(host).copied()).collect();
    AppWire {
        generation: *generation,
        version: *version,
        intent: Text(*intent),
        before: before.map(|Earlier { version, intent }| EarlierWire { version, intent: Text(intent) }),
        share: share.map(Text),
        refused: refused.as_ref().map(|Refusal { version, reason }| RefusalWire {
            version: *version,
            reason: clipped(reason, REASON_BYTES_MAX).to_owned(),
        }),
        hosts: hosts.keys().map(|host| Text((*host).clone())).collect(),
        actors: actors.iter().map(|(name, on)| (Text(name.clone()), places(on))).collect(),
        providers: providers.iter().map(|(name, on)| (Text(name.clone()), places(on))).collect(),
    }
}

fn app_of_wire(wire: AppWire) -> Result<AppPlacement, DocumentError> {
    let AppWire { generation, version, intent, before, share, refused, hosts, actors, providers } = wire;
    let named = |what: &str, places: Vec<u32>| {
        let host = |place: u32| {
            let host = usize::try_from(place).ok().and_then(|place| hosts.get(place));
            let no_host = || SHARD.malformed(&format!("app.{what}"), format_args!("there is no host {place}"));
            host.map(|host| host.0.clone()).ok_or_else(no_host)
        };
        places.into_iter().map(host).collect::<Result<BTreeSet<_>, _>>()
    };
    let actors = actors.into_iter().map(|(name, on)| Ok((name.0, named("actors", on)?))).collect::<Result<_, _>>()?;
    let providers =
        providers.into_iter().map(|(name, on)| Ok((name.0, named("providers", on)?))).collect::<Result<_, _>>()?;
    let before = before.map(|EarlierWire { version, intent }| Earlier { version, intent: intent.0 });
    let share = share.map(|share| share.0);
    let refused = refused.map(|RefusalWire { version, reason }| Refusal { version, reason });
    Ok(AppPlacement { generation, version, intent: intent.0, before, share, refused, actors, providers })
}
