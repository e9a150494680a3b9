//! The bytes that a version consists of: its document and its components.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use lattice::document::{Document as _, IntentDocument, StoredAdapter, StoredAdapters, StoredComponent};
use lattice::limits::INTENT_BYTES_MAX;
use model::digest::Digest;
use model::ids::AppName;
use model::view::ComponentView;
use plan::GivenAdapter;

use super::deploy::Progress;
use super::dress::Parts;
use super::{OperateError, Operator};
use crate::application::Application;

/// What a version of an application consists of.
pub(super) struct Pieces {
    /// Its document.
    pub(super) document: IntentDocument,
    /// The digest of the document.
    pub(super) digest: Digest,
    /// Everything that must be in the store: whose it is, and the bytes. The document is the last.
    all: Vec<(String, Digest, Bytes)>,
}

/// What sending them came to, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) uploaded: u64,
    pub(super) present: u64,
}

impl Pieces {
    /// Those of an application that was read.
    pub(super) fn of(application: &Application) -> Self {
        let intent = application.intent();
        let read = application.parts();
        let mut parts = Parts::new();
        let mut stored = |what: String, view: &ComponentView| {
            let bytes = read.0.get(&view.digest).map(|bytes| Bytes::from_owner(bytes.clone())).unwrap_or_default();
            let size = bytes.len() as u64;
            parts.entry(view.digest).or_insert((what, bytes));
            StoredComponent { size, view: view.clone() }
        };
        let components = intent.components.iter();
        let components = components.map(|(name, view)| (name.clone(), stored(format!("actor {name}"), view))).collect();
        let mut adapter = |what: String, given: &GivenAdapter| StoredAdapter {
            component: stored(what, &given.view),
            wire: given.wire.clone(),
        };
        let adapters = intent.adapters.iter().map(|(contract, pair)| {
            let sender = adapter(format!("the sender of {contract}"), &pair.sender);
            let receiver = adapter(format!("the receiver of {contract}"), &pair.receiver);
            (contract.clone(), StoredAdapters { sender, receiver })
        });
        let document = IntentDocument {
            manifest: application.merged().to_owned(),
            components,
            adapters: adapters.collect(),
            patched: BTreeSet::new(),
            wires: intent.wires.clone(),
            substitutes: Vec::new(),
            written_by: env!("CARGO_PKG_VERSION").to_owned(),
        };
        Self::with(document, parts)
    }

    pub(super) fn with(document: IntentDocument, parts: Parts) -> Self {
        let bytes = document.encode();
        let digest = Digest::of(&bytes);
        let parts = parts.into_iter().map(|(digest, (what, bytes))| (what, digest, bytes));
        let all = parts.chain([("the application's document".to_owned(), digest, bytes)]).collect();
        Self { document, digest, all }
    }

    /// The same as another document, with more parts.
    pub(super) fn dressed(self, document: IntentDocument, more: Parts) -> Self {
        let own = self.all.into_iter().filter(|(_, digest, _)| *digest != self.digest);
        Self::with(document, own.map(|(what, digest, bytes)| (digest, (what, bytes))).chain(more).collect())
    }

    /// Of everything that must be in the store.
    pub(super) fn digests(&self) -> BTreeSet<Digest> {
        self.all.iter().map(|(_, digest, _)| *digest).collect()
    }

    /// True where `standing` asks for the same. Which lath wrote it does not matter, nor what was patched to become so.
    pub(super) fn is_same(&self, standing: &IntentDocument) -> bool {
        let IntentDocument { written_by, patched, .. } = self.document.clone();
        IntentDocument { written_by, patched, ..standing.clone() } == self.document
    }
}

/// Every component that a document refers to, with its size.
pub(super) fn components(document: &IntentDocument) -> BTreeMap<Digest, u64> {
    let adapters = document.adapters.values().flat_map(|pair| [&pair.sender.component, &pair.receiver.component]);
    let substitutes = document.substitutes.iter().map(|substitute| &substitute.component);
    document
        .components
        .values()
        .chain(adapters)
        .chain(substitutes)
        .map(|component| (component.digest(), component.size))
        .collect()
}

impl Operator {
    /// Sends what is not there, and what `kept` does not name: that may just be collected.
    pub(super) async fn upload(
        &self,
        pieces: &Pieces,
        kept: &BTreeSet<Digest>,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Sent, OperateError> {
        let mut sent = Sent::default();
        for (what, digest, bytes) in &pieces.all {
            let size = bytes.len() as u64;
            if kept.contains(digest) && self.objects.has(*digest).await? {
                sent.present += size;
            } else {
                progress(Progress::Uploading { what: what.clone(), bytes: size });
                self.objects.put(*digest, bytes.clone()).await?;
                sent.uploaded += size;
            }
        }
        Ok(sent)
    }

    /// How many bytes are not there.
    pub(super) async fn missing(&self, pieces: &Pieces) -> Result<u64, OperateError> {
        let mut missing = 0;
        for (_, digest, bytes) in &pieces.all {
            if !self.objects.has(*digest).await? {
                missing += bytes.len() as u64;
            }
        }
        Ok(missing)
    }

    /// The document with this digest; none where it is not there.
    pub(super) async fn document(&self, digest: Digest) -> Result<Option<IntentDocument>, OperateError> {
        let found = self.objects.get(digest, INTENT_BYTES_MAX as u64).await?;
        let damaged = |error: lattice::document::DocumentError| OperateError::Damaged {
            what: format!("the document {digest}"),
            reason: error.to_string(),
        };
        found.map(|bytes| IntentDocument::decode(&bytes).map_err(damaged)).transpose()
    }

    /// The bytes of a version that is kept, or what of them is missing.
    pub(super) async fn check_bytes(
        &self,
        application: &AppName,
        version: u64,
        digest: Digest,
    ) -> Result<u64, OperateError> {
        let gone = |missing| OperateError::BytesGone { application: application.clone(), version, missing };
        let document = self.document(digest).await?.ok_or_else(|| gone(digest))?;
        let mut present = 0;
        for (digest, size) in components(&document) {
            if !self.objects.has(digest).await? {
                return Err(gone(digest));
            }
            present += size;
        }
        Ok(present)
    }
}
