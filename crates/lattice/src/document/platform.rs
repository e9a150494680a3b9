//! The platform code of a lattice: what new applications get, and new contracts of others.

use bytes::Bytes;
use model::digest::Digest;
use model::wire::WireVersion;
use serde::{Deserialize, Serialize};

use super::intent::wire::{SubstituteWire, read_substitutes, substitute_to_wire};
use super::wire::{Kind, Text, write};
use super::{Author, Document, DocumentError, StoredSubstitute, UnixMillis};
use crate::limits::VALUE_BYTES_MAX;

/// The key of [`PlatformCode`] in the bucket `intent`, where operators alone write. No application has such a name, and a
/// pattern of one token, such as `*`, passes over it.
pub const PLATFORM_KEY: &str = "_platform.code";

/// What operators have put in the place of the platform code that `lath` has inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlatformCode {
    /// The version of the wire that new applications speak.
    pub wire: WireVersion,
    /// What makes adapters; none where the generator inside `lath` does.
    pub generator: Option<StoredGenerator>,
    /// Adapters of single contracts, which stand in the place of generated ones.
    pub substitutes: Vec<StoredSubstitute>,
    /// Who changed it last.
    pub by: Author,
    /// When, by the clock of whoever asked.
    pub at: UnixMillis,
}

/// A generator that is in the store of bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredGenerator {
    /// The digest by which it is stored.
    pub digest: Digest,
    /// How many bytes it has.
    pub size: u64,
    /// What it calls itself.
    pub name: String,
    /// Which version of that it is.
    pub version: String,
}

impl PlatformCode {
    /// What is inside `lath`, and nothing else.
    pub fn built_in(by: Author) -> Self {
        Self { wire: WireVersion::default(), generator: None, substitutes: Vec::new(), by, at: UnixMillis(0) }
    }
}

const PLATFORM: Kind = Kind { name: PlatformCode::NAME, format: 1, bytes_max: VALUE_BYTES_MAX };

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct PlatformWire {
    format: u32,
    wire: u32,
    generator: Option<GeneratorWire>,
    substitutes: Vec<SubstituteWire>,
    by: Text<Author>,
    at: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct GeneratorWire {
    digest: Text<Digest>,
    size: u64,
    name: String,
    version: String,
}

impl Document for PlatformCode {
    const NAME: &'static str = "platform code of a lattice";

    fn encode(&self) -> Bytes {
        let Self { wire, generator, substitutes, by, at } = self;
        let generator = generator.clone();
        write(&PlatformWire {
            format: PLATFORM.format,
            wire: wire.number(),
            generator: generator.map(|StoredGenerator { digest, size, name, version }| GeneratorWire {
                digest: Text(digest),
                size,
                name,
                version,
            }),
            substitutes: substitutes.iter().map(substitute_to_wire).collect(),
            by: Text(by.clone()),
            at: at.0,
        })
    }

    fn decode(bytes: &[u8]) -> Result<Self, DocumentError> {
        let PlatformWire { wire, generator, substitutes, by, at, .. } = PLATFORM.read(bytes)?;
        let unknown = || PLATFORM.malformed("wire", format_args!("there is no version {wire} of the wire"));
        Ok(Self {
            wire: WireVersion::of_number(wire).ok_or_else(unknown)?,
            generator: generator.map(|GeneratorWire { digest, size, name, version }| StoredGenerator {
                digest: digest.0,
                size,
                name,
                version,
            }),
            substitutes: read_substitutes(&PLATFORM, substitutes)?,
            by: by.0,
            at: UnixMillis(at),
        })
    }
}
