//! How a host's record and lease are written. Fields that are not known are passed over: a host of a later version may
//! tell more of itself, and what is known stays true.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use bytes::Bytes;
use model::ids::{ActorName, AppName, HostName, LabelKey, LabelValue, ProviderName};
use model::limits::LABELS_MAX;
use model::placement::{Ready, Refusal};
use serde::{Deserialize, Serialize};

use super::super::wire::{Kind, Text, clipped, write};
use super::super::{Document, DocumentError, Incarnation};
use super::{Failing, HostRecord, Lease, OwnSetting, Part, Storage};
use crate::limits::{FAILING_MAX, REASON_BYTES_MAX, SETTINGS_TOLD_MAX, VALUE_BYTES_MAX};
use crate::secrets::SealingKey;

const RECORD: Kind = Kind { name: HostRecord::NAME, format: 1, bytes_max: VALUE_BYTES_MAX };
const LEASE: Kind = Kind { name: Lease::NAME, format: 1, bytes_max: VALUE_BYTES_MAX };

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct RecordWire {
    format: u32,
    name: Text<HostName>,
    incarnation: u64,
    version: String,
    labels: BTreeMap<Text<LabelKey>, Text<LabelValue>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sealing: Option<Text<SealingKey>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    settings: Vec<SettingWire>,
    draining: bool,
    planner: bool,
    listen: Option<SocketAddr>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    secure: bool,
    kinds: BTreeSet<String>,
    states: BTreeMap<Text<AppName>, BTreeSet<Text<ProviderName>>>,
    storage: StorageWire,
    ready: BTreeMap<Text<AppName>, ReadyWire>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    refused: BTreeMap<Text<AppName>, RefusalWire>,
    failing: Vec<FailingWire>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unwell: Vec<FailingWire>,
}

#[derive(Serialize, Deserialize)]
struct SettingWire {
    app: Text<AppName>,
    actor: Text<ActorName>,
    key: String,
    from: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum StorageWire {
    Safe,
    Unsafe { reason: String },
    Unknown { reason: String },
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct ReadyWire {
    version: u64,
    actors: BTreeSet<Text<ActorName>>,
    providers: BTreeSet<Text<ProviderName>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tried: Option<u64>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    watched: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct FailingWire {
    app: Text<AppName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<Text<ActorName>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<Text<ProviderName>>,
    reason: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct RefusalWire {
    version: u64,
    reason: String,
}

fn texts<T: Clone + Ord>(values: &BTreeSet<T>) -> BTreeSet<Text<T>> {
    values.iter().cloned().map(Text).collect()
}

fn values<T: Ord>(texts: BTreeSet<Text<T>>) -> BTreeSet<T> {
    texts.into_iter().map(|text| text.0).collect()
}

impl Document for HostRecord {
    const NAME: &'static str = "record of a host";

    fn encode(&self) -> Bytes {
        let Self { name, incarnation, version, labels, sealing, settings, .. } = self;
        let Self { draining, planner, .. } = self;
        let Self { listen, secure, kinds, states, storage, ready, refused, failing, unwell, .. } = self;
        let mut by_app: BTreeMap<Text<AppName>, BTreeSet<Text<ProviderName>>> = BTreeMap::new();
        for (app, provider) in states {
            by_app.entry(Text(app.clone())).or_default().insert(Text(provider.clone()));
        }
        write(&RecordWire {
            format: RECORD.format,
            name: Text(name.clone()),
            incarnation: incarnation.0,
            version: clipped(version, REASON_BYTES_MAX).to_owned(),
            labels: labels.iter().map(|(key, value)| (Text(key.clone()), Text(value.clone()))).collect(),
            sealing: sealing.clone().map(Text),
            settings: settings.iter().take(SETTINGS_TOLD_MAX).map(SettingWire::of).collect(),
            draining: *draining,
            planner: *planner,
            listen: *listen,
            secure: *secure,
            kinds: kinds.clone(),
            states: by_app,
            storage: StorageWire::of(storage),
            ready: ready.iter().map(|(app, ready)| (Text(app.clone()), ReadyWire::of(ready))).collect(),
            refused: refused.iter().take(FAILING_MAX).map(RefusalWire::of).collect(),
            failing: failing.iter().take(FAILING_MAX).map(FailingWire::of).collect(),
            unwell: unwell.iter().take(FAILING_MAX).map(FailingWire::of).collect(),
        })
    }

    fn decode(bytes: &[u8]) -> Result<Self, DocumentError> {
        let wire: RecordWire = RECORD.read(bytes)?;
        if wire.labels.len() > LABELS_MAX {
            return Err(RECORD.malformed("labels", format_args!("there are more than {LABELS_MAX}")));
        }
        if wire.settings.len() > SETTINGS_TOLD_MAX {
            return Err(RECORD.malformed("settings", format_args!("there are more than {SETTINGS_TOLD_MAX}")));
        }
        if wire.failing.len() > FAILING_MAX {
            return Err(RECORD.malformed("failing", format_args!("there are more than {FAILING_MAX}")));
        }
        if wire.unwell.len() > FAILING_MAX {
            return Err(RECORD.malformed("unwell", format_args!("there are more than {FAILING_MAX}")));
        }
        if wire.refused.len() > FAILING_MAX {
            return Err(RECORD.malformed("refused", format_args!("there are more than {FAILING_MAX}")));
        }
        let states = wire.states.into_iter();
        let states = states.flat_map(|(app, providers)| providers.into_iter().map(move |p| (app.0.clone(), p.0)));
        Ok(Self {
            name: wire.name.0,
            incarnation: Incarnation(wire.incarnation),
            version: wire.version,
            labels: wire.labels.into_iter().map(|(key, value)| (key.0, value.0)).collect(),
            sealing: wire.sealing.map(|key| key.0),
            settings: wire.settings.into_iter().map(SettingWire::into_setting).collect(),
            draining: wire.draining,
            planner: wire.planner,
            listen: wire.listen,
            secure: wire.secure,
            kinds: wire.kinds,
            states: states.collect(),
            storage: wire.storage.into_storage(),
            ready: wire.ready.into_iter().map(|(app, ready)| (app.0, ready.into_ready())).collect(),
            refused: wire.refused.into_iter().map(|(app, refusal)| (app.0, refusal.into_refusal())).collect(),
            failing: wire.failing.into_iter().map(FailingWire::into_failing).collect(),
            unwell: wire.unwell.into_iter().map(FailingWire::into_failing).collect(),
        })
    }
}

impl SettingWire {
    fn of(setting: &OwnSetting) -> Self {
        let OwnSetting { app, actor, key, from } = setting;
        let (key, from) = (clipped(key, REASON_BYTES_MAX), clipped(from, REASON_BYTES_MAX));
        Self { app: Text(app.clone()), actor: Text(actor.clone()), key: key.to_owned(), from: from.to_owned() }
    }

    fn into_setting(self) -> OwnSetting {
        OwnSetting { app: self.app.0, actor: self.actor.0, key: self.key, from: self.from }
    }
}

impl StorageWire {
    fn of(storage: &Storage) -> Self {
        let reason = |reason: &str| clipped(reason, REASON_BYTES_MAX).to_owned();
        match storage {
            Storage::Safe => Self::Safe,
            Storage::Unsafe { reason: why } => Self::Unsafe { reason: reason(why) },
            Storage::Unknown { reason: why } => Self::Unknown { reason: reason(why) },
        }
    }

    fn into_storage(self) -> Storage {
        match self {
            Self::Safe => Storage::Safe,
            Self::Unsafe { reason } => Storage::Unsafe { reason },
            Self::Unknown { reason } => Storage::Unknown { reason },
        }
    }
}

impl ReadyWire {
    fn of(ready: &Ready) -> Self {
        let Ready { version, actors, providers, tried, watched } = ready;
        let (version, tried, watched) = (*version, *tried, *watched);
        Self { version, actors: texts(actors), providers: texts(providers), tried, watched }
    }

    fn into_ready(self) -> Ready {
        let (actors, providers) = (values(self.actors), values(self.providers));
        Ready { version: self.version, actors, providers, tried: self.tried, watched: self.watched }
    }
}

impl RefusalWire {
    fn of((app, refusal): (&AppName, &Refusal)) -> (Text<AppName>, Self) {
        let reason = clipped(&refusal.reason, REASON_BYTES_MAX).to_owned();
        (Text(app.clone()), Self { version: refusal.version, reason })
    }

    fn into_refusal(self) -> Refusal {
        Refusal { version: self.version, reason: self.reason }
    }
}

impl FailingWire {
    fn of(failing: &Failing) -> Self {
        let Failing { app, part, reason } = failing;
        let (actor, provider) = match part {
            None => (None, None),
            Some(Part::Actor(actor)) => (Some(Text(actor.clone())), None),
            Some(Part::Provider(provider)) => (None, Some(Text(provider.clone()))),
        };
        let reason = clipped(reason, REASON_BYTES_MAX).to_owned();
        Self { app: Text(app.clone()), actor, provider, reason }
    }

    fn into_failing(self) -> Failing {
        let actor = self.actor.map(|actor| Part::Actor(actor.0));
        let part = actor.or(self.provider.map(|provider| Part::Provider(provider.0)));
        Failing { app: self.app.0, part, reason: self.reason }
    }
}

#[derive(Serialize, Deserialize)]
struct LeaseWire {
    format: u32,
    incarnation: u64,
}

impl Document for Lease {
    const NAME: &'static str = "lease of a host";

    fn encode(&self) -> Bytes {
        write(&LeaseWire { format: LEASE.format, incarnation: self.incarnation.0 })
    }

    fn decode(bytes: &[u8]) -> Result<Self, DocumentError> {
        let LeaseWire { incarnation, .. } = LEASE.read(bytes)?;
        Ok(Self { incarnation: Incarnation(incarnation) })
    }
}
