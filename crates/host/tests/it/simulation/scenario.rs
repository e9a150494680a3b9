//! What operators ask for, drawn by lot.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::sync::Arc;

use model::digest::Digest;
use model::ids::{AppName, HostName, Labels};
use model::placement::Replicas;
use plan::placement::{Demand, Group};

use super::lot::Lot;

/// A document of intent, as far as control sees it.
pub struct Document {
    pub demand: Result<Arc<Demand>, String>,
    /// Until then it cannot be fetched.
    pub available: u64,
}

/// True where a version does worse than any before it. Its document says so, and draws no lot.
pub fn is_bad(document: Digest) -> bool {
    document.hex().starts_with(['0', '1', '2'])
}

pub fn host_name(index: usize) -> HostName {
    format!("h{index}").parse().unwrap()
}

pub fn app_name(index: u64) -> AppName {
    format!("app{index}").parse().unwrap()
}

pub fn kinds() -> BTreeSet<String> {
    ["keyvalue/embedded".to_owned()].into()
}

/// A zone of its own for one in three hosts, and the tier `web` for most.
pub fn labels(lot: &mut Lot) -> Labels {
    let mut labels = Labels::new();
    let zone = format!("z{}", lot.within(0..3));
    labels.insert("zone".parse().unwrap(), zone.parse().unwrap());
    if lot.permille(700) {
        labels.insert("tier".parse().unwrap(), "web".parse().unwrap());
    }
    labels
}

/// What an application may ask for: the shape of its groups stays over its versions, since state does not move.
pub fn demand(lot: &mut Lot, app: &AppName, shape: u64, serial: u64) -> (Digest, Document) {
    let digest = Digest::of(format!("{app} {serial}").as_bytes());
    if serial > 1 && lot.permille(60) {
        let demand = Err("it was planned badly".to_owned());
        return (digest, Document { demand, available: 0 });
    }
    let mut shape = Lot::new(shape);
    let groups = (0..shape.within(1..4)).map(|number| group(lot, &mut shape, number)).collect();
    let demand = Demand { application: app.clone(), version: 0, intent: digest, share: None, refused: None, groups };
    (digest, Document { demand: Ok(Arc::new(demand)), available: 0 })
}

fn group(lot: &mut Lot, shape: &mut Lot, number: u64) -> Group {
    let actors = (0..shape.within(1..3)).map(|actor| format!("a{number}-n{actor}").parse().unwrap()).collect();
    let pinned = shape.permille(350);
    let mut providers = BTreeSet::new();
    let mut local = BTreeSet::new();
    if pinned {
        providers.insert(format!("kv{number}").parse().unwrap());
        local = providers.clone();
    }
    let replicas = match lot.within(0..10) {
        _ if pinned => Replicas::Count(NonZeroU32::MIN),
        0 => Replicas::Everywhere,
        count => Replicas::Count(NonZeroU32::new(count as u32 % 3 + 1).unwrap()),
    };
    let on = if lot.permille(250) && !pinned {
        [("tier".parse().unwrap(), "web".parse().unwrap())].into()
    } else {
        BTreeMap::new()
    };
    let kinds = if pinned { kinds() } else { BTreeSet::new() };
    let spread = (lot.permille(400) && !pinned).then(|| "zone".parse().unwrap());
    Group { actors, providers, local, kinds, replicas, spread, on }
}
