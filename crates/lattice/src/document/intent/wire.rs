//! How intent is written.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use model::contract::ContractName;
use model::digest::Digest;
use model::ids::ActorName;
use model::limits::MANIFEST_BYTES_MAX;
use model::placement::Share;
use model::wire::{Side, WireVersion, Wires};
use serde::{Deserialize, Serialize};

use super::super::view::{ViewWire, read_view};
use super::super::wire::{Kind, Text, write};
use super::super::{Document, DocumentError};
use super::{
    Author, IntentDocument, IntentHead, StoredAdapter, StoredAdapters, StoredComponent, StoredSubstitute, UnixMillis,
};
use crate::limits::{INTENT_BYTES_MAX, VALUE_BYTES_MAX};

/// The second format has `share`.
const HEAD: Kind = Kind { name: IntentHead::NAME, format: 2, bytes_max: VALUE_BYTES_MAX };
/// The second format has `patched`, the third `wires` and `substitutes`.
const DOCUMENT: Kind = Kind { name: IntentDocument::NAME, format: 3, bytes_max: INTENT_BYTES_MAX };

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct HeadWire {
    format: u32,
    version: u64,
    document: Option<Text<Digest>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    share: Option<Text<Share>>,
    by: Text<Author>,
    at: u64,
}

impl Document for IntentHead {
    const NAME: &'static str = "intent of an application";

    fn encode(&self) -> Bytes {
        let Self { version, document, share, by, at } = self;
        write(&HeadWire {
            format: HEAD.written(share.is_some()),
            version: *version,
            document: document.map(Text),
            share: share.map(Text),
            by: Text(by.clone()),
            at: at.0,
        })
    }

    fn decode(bytes: &[u8]) -> Result<Self, DocumentError> {
        let HeadWire { version, document, share, by, at, .. } = HEAD.read(bytes)?;
        let share = share.map(|share| share.0);
        Ok(Self { version, document: document.map(|digest| digest.0), share, by: by.0, at: UnixMillis(at) })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct DocumentWire {
    format: u32,
    written_by: String,
    manifest: String,
    components: BTreeMap<Text<ActorName>, ComponentWire>,
    adapters: BTreeMap<Text<ContractName>, AdaptersWire>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    patched: BTreeSet<Text<ActorName>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    wires: Option<WiresWire>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    substitutes: Vec<SubstituteWire>,
}

/// By the numbers of versions.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct WiresWire {
    send: u32,
    accept: BTreeSet<u32>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in crate::document) struct SubstituteWire {
    half: HalfWire,
    wire: u32,
    component: ComponentWire,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum HalfWire {
    Sender,
    Receiver,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(in crate::document) struct ComponentWire {
    size: u64,
    view: ViewWire,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct AdaptersWire {
    sender: AdapterWire,
    receiver: AdapterWire,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct AdapterWire {
    component: ComponentWire,
    wire: Option<String>,
}

impl Document for IntentDocument {
    const NAME: &'static str = "document of an intent";

    fn encode(&self) -> Bytes {
        let Self { manifest, components, adapters, patched, wires, substitutes, written_by } = self;
        let wires = Some(wires).filter(|wires| **wires != Wires::default());
        let format = match (wires, substitutes.is_empty()) {
            (None, true) if patched.is_empty() => 1,
            (None, true) => 2,
            _ => 3,
        };
        write(&DocumentWire {
            format,
            written_by: written_by.clone(),
            manifest: manifest.clone(),
            components: components.iter().map(|(name, c)| (Text(name.clone()), component(c))).collect(),
            adapters: adapters.iter().map(|(name, pair)| (Text(name.clone()), pair_to_wire(pair))).collect(),
            patched: patched.iter().cloned().map(Text).collect(),
            wires: wires.map(wires_to_wire),
            substitutes: substitutes.iter().map(substitute_to_wire).collect(),
        })
    }

    fn decode(bytes: &[u8]) -> Result<Self, DocumentError> {
        let wire: DocumentWire = DOCUMENT.read(bytes)?;
        let DocumentWire { written_by, manifest, components, adapters, patched, wires, substitutes, .. } = wire;
        if manifest.len() > MANIFEST_BYTES_MAX {
            return Err(DOCUMENT.malformed("manifest", format_args!("it is longer than {MANIFEST_BYTES_MAX} bytes")));
        }
        let components = components.into_iter().map(|(name, wire)| {
            let field = format!("components.{}", name.0);
            Ok((name.0, read_component(&field, wire)?))
        });
        let adapters = adapters.into_iter().map(|(name, wire)| {
            let field = format!("adapters.{}", name.0);
            let sender = read_adapter(&format!("{field}.sender"), wire.sender)?;
            Ok((
                name.0,
                StoredAdapters { sender, receiver: read_adapter(&format!("{field}.receiver"), wire.receiver)? },
            ))
        });
        Ok(Self {
            components: components.collect::<Result<_, DocumentError>>()?,
            adapters: adapters.collect::<Result<_, DocumentError>>()?,
            patched: patched.into_iter().map(|actor| actor.0).collect(),
            wires: wires.map_or_else(|| Ok(Wires::default()), read_wires)?,
            substitutes: read_substitutes(&DOCUMENT, substitutes)?,
            manifest,
            written_by,
        })
    }
}

fn wires_to_wire(Wires { send, accept }: &Wires) -> WiresWire {
    WiresWire { send: send.number(), accept: accept.iter().map(|wire| wire.number()).collect() }
}

fn read_wires(WiresWire { send, accept }: WiresWire) -> Result<Wires, DocumentError> {
    let version = |number| version(&DOCUMENT, "wires", number);
    let accept = accept.into_iter().map(version).collect::<Result<_, _>>()?;
    Ok(Wires { send: version(send)?, accept })
}

fn version(kind: &Kind, field: &str, number: u32) -> Result<WireVersion, DocumentError> {
    WireVersion::of_number(number)
        .ok_or_else(|| kind.malformed(field, format_args!("there is no version {number} of the wire")))
}

pub(in crate::document) fn substitute_to_wire(stored: &StoredSubstitute) -> SubstituteWire {
    let half = match stored.side {
        Side::Sender => HalfWire::Sender,
        Side::Receiver => HalfWire::Receiver,
    };
    SubstituteWire { half, wire: stored.wire.number(), component: component(&stored.component) }
}

pub(in crate::document) fn read_substitutes(
    kind: &Kind,
    wires: Vec<SubstituteWire>,
) -> Result<Vec<StoredSubstitute>, DocumentError> {
    let read = |(index, SubstituteWire { half, wire, component }): (usize, SubstituteWire)| {
        let field = format!("substitutes.{index}");
        let side = match half {
            HalfWire::Sender => Side::Sender,
            HalfWire::Receiver => Side::Receiver,
        };
        let component = read_component_of(kind, &format!("{field}.component"), component)?;
        Ok(StoredSubstitute { side, wire: version(kind, &field, wire)?, component })
    };
    wires.into_iter().enumerate().map(read).collect()
}

fn component(stored: &StoredComponent) -> ComponentWire {
    ComponentWire { size: stored.size, view: ViewWire::of(&stored.view) }
}

fn adapter(stored: &StoredAdapter) -> AdapterWire {
    AdapterWire { component: component(&stored.component), wire: stored.wire.clone() }
}

fn pair_to_wire(pair: &StoredAdapters) -> AdaptersWire {
    AdaptersWire { sender: adapter(&pair.sender), receiver: adapter(&pair.receiver) }
}

fn read_component(field: &str, wire: ComponentWire) -> Result<StoredComponent, DocumentError> {
    read_component_of(&DOCUMENT, field, wire)
}

fn read_component_of(kind: &Kind, field: &str, wire: ComponentWire) -> Result<StoredComponent, DocumentError> {
    let view = read_view(wire.view);
    let view = view.map_err(|(at, reason)| kind.malformed(&format!("{field}.view.{at}"), reason))?;
    Ok(StoredComponent { size: wire.size, view })
}

fn read_adapter(field: &str, wire: AdapterWire) -> Result<StoredAdapter, DocumentError> {
    Ok(StoredAdapter { component: read_component(&format!("{field}.component"), wire.component)?, wire: wire.wire })
}
