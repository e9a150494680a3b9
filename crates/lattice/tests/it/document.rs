//! Documents: what is written is read again, equal values give equal bytes, and what is broken is refused with a reason.

mod beat;
mod golden;
mod refused;
mod views;

use std::collections::{BTreeMap, BTreeSet};

use lattice::document::{
    Beat, Drain, Failing, HostRecord, Incarnation, IntentHead, Lease, OwnSetting, Part, PassedKey, Phase, Pointer,
    PointerKey, Root, SealedKey, SealedSecret, Shard, Storage, UnixMillis,
};
use lattice::secrets::SealingKey;
use model::digest::Digest;
use model::placement::{AppPlacement, Ready};

/// Parses what is known to be good.
pub(crate) fn name<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

pub(crate) fn digest(of: &str) -> Digest {
    Digest::of(of.as_bytes())
}

pub(crate) fn head() -> IntentHead {
    IntentHead {
        version: 3,
        document: Some(digest("d")),
        share: None,
        by: name("operator.alice"),
        at: UnixMillis(1_700_000_000_000),
    }
}

pub(crate) fn record() -> HostRecord {
    HostRecord {
        name: name("h1"),
        incarnation: Incarnation(7),
        version: "0.1.0".to_owned(),
        sealing: None,
        settings: BTreeSet::new(),
        labels: [(name("zone"), name("eu-1.a"))].into(),
        draining: false,
        planner: true,
        listen: Some("127.0.0.1:8080".parse().unwrap()),
        secure: false,
        kinds: ["keyvalue/embedded".to_owned(), "keyvalue/nats".to_owned()].into(),
        states: [(name("shop"), name("kv")), (name("shop"), name("more")), (name("blog"), name("kv"))].into(),
        storage: Storage::Unsafe { reason: "no sync".to_owned() },
        ready: [(
            name("shop"),
            Ready { version: 3, actors: [name("cart")].into(), providers: [name("kv")].into(), ..Ready::default() },
        )]
        .into(),
        refused: BTreeMap::new(),
        failing: vec![
            Failing::new(name("shop"), Some(Part::Actor(name("tax"))), "it traps"),
            Failing::new(name("shop"), Some(Part::Provider(name("kv"))), "the disk is full"),
            Failing::new(name("blog"), None, "its document is not there"),
        ],
        unwell: Vec::new(),
    }
}

pub(crate) fn sealing_key() -> SealingKey {
    name("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
}

pub(crate) fn settings(count: usize) -> BTreeSet<OwnSetting> {
    let key = |number| format!("key-{number}");
    let setting = |key| OwnSetting { app: name("shop"), actor: name("cart"), key, from: "file".to_owned() };
    (0..count).map(key).map(setting).collect()
}

pub(crate) fn secret() -> SealedSecret {
    let key = |byte: u8| SealedKey { to: sealing_key(), sealed: vec![byte; 80] };
    SealedSecret {
        by: name("operator.alice"),
        at: UnixMillis(1_700_000_000_000),
        sealed: (0..60).collect(),
        keys: [(name("h1"), key(1)), (name("h2"), key(2))].into(),
    }
}

pub(crate) fn passed() -> PassedKey {
    PassedKey { secret: secret().digest(), key: SealedKey { to: sealing_key(), sealed: vec![3; 80] } }
}

pub(crate) fn placement() -> AppPlacement {
    AppPlacement {
        generation: 12,
        version: 3,
        intent: digest("d"),
        share: None,
        before: None,
        refused: None,
        actors: [(name("cart"), BTreeSet::from([name("h1"), name("h3")])), (name("tax"), BTreeSet::new())].into(),
        providers: [(name("kv"), BTreeSet::from([name("h2")]))].into(),
    }
}

pub(crate) fn shards() -> [Shard; 3] {
    let host = PointerKey::Host(name("h1"));
    let app = PointerKey::App(name("shop"));
    [
        Shard::Index { generation: 12, entries: std::sync::Arc::new([(host, digest("a")), (app, digest("b"))].into()) },
        Shard::Host { generation: 11, apps: [(name("shop"), digest("b"))].into() },
        Shard::App(std::sync::Arc::new(placement())),
    ]
}

pub(crate) fn root() -> Root {
    Root { generation: 12, buckets: [(0, digest("x")), (9, digest("y")), (63, digest("z"))].into() }
}

pub(crate) fn pointer() -> Pointer {
    Pointer { generation: 12, digest: digest("a") }
}

pub(crate) fn lease() -> Lease {
    Lease { incarnation: Incarnation(7) }
}

pub(crate) fn beat() -> Beat {
    Beat {
        host: name("h1"),
        incarnation: Incarnation(7),
        sequence: 40,
        running: 3,
        capacity: 200,
        phase: Phase::Draining,
        generation: 12,
        not_ready: [name("shop/cart"), name("shop/kv")].into(),
    }
}

pub(crate) fn drain() -> Drain {
    Drain { incarnation: Incarnation(7), force: true, by: name("operator.alice"), at: UnixMillis(1_700_000_000_000) }
}
