//! Reading the components and adapters that a manifest names.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use adapter::compose::labels::{self, Labels};
use adapter::emit::WIRE_SECTION;
use adapter::view::view;
use model::digest::Digest;
use model::ids::ActorName;
use model::limits::MANIFEST_BYTES_MAX;
use model::manifest::{ComponentRef, CustomAdapter, Manifest};
use model::view::ComponentView;
use model::wire::Wires;
use plan::{AdapterPair, GivenAdapter, Intent};

use super::{ApplicationError, Bounds, WASM};

/// Components read so far.
pub(super) struct Parts {
    folder: PathBuf,
    bytes_max: u64,
    pub(super) bytes: BTreeMap<Digest, Arc<[u8]>>,
}

impl Parts {
    pub(super) fn new(folder: PathBuf, bounds: &Bounds) -> Self {
        Self { folder, bytes_max: bounds.component_bytes, bytes: BTreeMap::new() }
    }

    /// Reads all that the manifest names.
    pub(super) fn intent(&mut self, manifest: Manifest) -> Result<Intent, ApplicationError> {
        let mut components = BTreeMap::new();
        for (name, actor) in &manifest.actors {
            let ComponentRef::Path(path) = &actor.component;
            components.insert(name.clone(), self.view(&format!("actor {name}"), path)?);
        }
        let mut adapters = BTreeMap::new();
        for (contract, CustomAdapter { sender, receiver }) in &manifest.adapters {
            let pair = AdapterPair {
                sender: self.adapter(&format!("the sender of {contract}"), sender)?,
                receiver: self.adapter(&format!("the receiver of {contract}"), receiver)?,
            };
            adapters.insert(contract.clone(), pair);
        }
        Ok(Intent { manifest, components, adapters, wires: Wires::default(), substitutes: Vec::new() })
    }

    fn view(&mut self, owner: &str, path: &Path) -> Result<ComponentView, ApplicationError> {
        let bytes = self.read(owner, path)?;
        if Labels::read(&bytes).is_some() {
            return Err(ApplicationError::Composite { owner: owner.to_owned() });
        }
        let subject = path.display().to_string();
        let view =
            view(&subject, &bytes).map_err(|source| ApplicationError::Component { owner: owner.to_owned(), source })?;
        self.bytes.insert(view.digest, bytes);
        Ok(view)
    }

    fn adapter(&mut self, owner: &str, path: &Path) -> Result<GivenAdapter, ApplicationError> {
        let view = self.view(owner, path)?;
        let wire = self.bytes.get(&view.digest).and_then(|bytes| labels::section(bytes, WIRE_SECTION));
        let wire = wire.map(|id| String::from_utf8_lossy(id).into_owned());
        Ok(GivenAdapter { view, wire })
    }

    fn read(&self, owner: &str, path: &Path) -> Result<Arc<[u8]>, ApplicationError> {
        let path = self.folder.join(path);
        if !path.is_file() {
            return Err(ApplicationError::NoComponent { owner: owner.to_owned(), path });
        }
        Ok(read_wasm(&path, self.bytes_max)?.into())
    }
}

/// A component by itself.
#[derive(Clone, Debug)]
pub struct Piece {
    /// What it shows of itself.
    pub view: ComponentView,
    /// Its bytes.
    pub bytes: Arc<[u8]>,
}

impl Piece {
    /// Reads the component of `actor` from a file.
    ///
    /// # Errors
    ///
    /// There is no such file, it is too large, or it is no component.
    pub fn read(actor: &ActorName, path: &Path) -> Result<Self, ApplicationError> {
        let mut parts = Parts::new(PathBuf::new(), &Bounds::default());
        let view = parts.view(&format!("actor {actor}"), path)?;
        let bytes = parts.bytes.remove(&view.digest).unwrap_or_default();
        Ok(Self { view, bytes })
    }

    /// Reads an adapter from a file; gives also the wire id that it declares.
    ///
    /// # Errors
    ///
    /// There is no such file, it is too large, or it is no component.
    pub fn adapter(path: &Path) -> Result<(Self, Option<String>), ApplicationError> {
        let mut parts = Parts::new(PathBuf::new(), &Bounds::default());
        let GivenAdapter { view, wire } = parts.adapter("the adapter", path)?;
        let bytes = parts.bytes.remove(&view.digest).unwrap_or_default();
        Ok((Self { view, bytes }, wire))
    }
}

/// Reads a manifest's text.
pub(crate) fn read_text(path: &Path) -> Result<String, ApplicationError> {
    read_text_bounded(path, MANIFEST_BYTES_MAX as u64)
}

pub(crate) fn read_text_bounded(path: &Path, most: u64) -> Result<String, ApplicationError> {
    let bytes = read_bounded(path, most)?;
    String::from_utf8(bytes).map_err(|_| ApplicationError::Read {
        path: path.to_owned(),
        source: std::io::Error::new(std::io::ErrorKind::InvalidData, "it is not UTF-8 text; save it as UTF-8"),
    })
}

/// Reads a component.
pub(super) fn read_wasm(path: &Path, most: u64) -> Result<Vec<u8>, ApplicationError> {
    let bytes = read_bounded(path, most)?;
    if bytes.starts_with(WASM) { Ok(bytes) } else { Err(ApplicationError::NotWasm { path: path.to_owned() }) }
}

pub(crate) fn read_bounded(path: &Path, most: u64) -> Result<Vec<u8>, ApplicationError> {
    let failed = |source| ApplicationError::Read { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    File::open(path).map_err(failed)?.take(most + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > most {
        let text = format!("it is larger than {most} bytes, the most that is read");
        return Err(failed(std::io::Error::new(std::io::ErrorKind::FileTooLarge, text)));
    }
    Ok(bytes)
}
