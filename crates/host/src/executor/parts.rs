//! Where the bytes of components come from.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};
use lattice::objects::Objects;
use lattice::store::StoreError;
use model::blueprint::{CompositePlan, WireTo};
use model::digest::Digest;
use model::view::ComponentView;

use super::disk::Disk;
use crate::limits::COMPONENT_BYTES_MAX;

/// Why the bytes of a component are not at hand.
#[derive(Debug, thiserror::Error)]
pub enum PartsError {
    /// Nobody has them.
    #[error("component {digest} is not in the lattice's store; deploy the application again with `lath up`")]
    Missing {
        /// The component.
        digest: Digest,
    },
    /// The store does not give them.
    #[error("component {digest} cannot be fetched")]
    Store {
        /// The component.
        digest: Digest,
        /// Why.
        source: StoreError,
    },
    /// They are not what the plan was made from.
    #[error("component {digest} is not what its document says: {reason}; deploy the application again with `lath up`")]
    Forged {
        /// The component.
        digest: Digest,
        /// What is wrong.
        reason: String,
    },
}

/// A source of components.
pub trait Parts: Send + Sync {
    /// The bytes of a component; their digest has been verified.
    fn fetch(&self, digest: Digest) -> BoxFuture<'_, Result<Arc<[u8]>, PartsError>>;

    /// Judges whether the bytes are what was planned with. This takes as long as the component is large, and blocks.
    ///
    /// # Errors
    ///
    /// Where they are not.
    fn verify(&self, digest: Digest, bytes: &[u8]) -> Result<(), PartsError>;
}

/// Components that are in memory, read and viewed before.
#[derive(Debug, Default)]
pub struct Memory(pub BTreeMap<Digest, Arc<[u8]>>);

impl Parts for Memory {
    fn fetch(&self, digest: Digest) -> BoxFuture<'_, Result<Arc<[u8]>, PartsError>> {
        ready(self.0.get(&digest).cloned().ok_or(PartsError::Missing { digest })).boxed()
    }

    fn verify(&self, _: Digest, _: &[u8]) -> Result<(), PartsError> {
        Ok(())
    }
}

/// Components of one document, in the lattice's store, kept on this host's disk.
pub struct Stored {
    objects: Arc<dyn Objects>,
    disk: Option<Arc<Disk>>,
    /// What the document says of each.
    views: BTreeMap<Digest, ComponentView>,
}

impl Stored {
    /// The components that `views` describe.
    pub fn new(
        objects: Arc<dyn Objects>,
        disk: Option<Arc<Disk>>,
        views: impl IntoIterator<Item = ComponentView>,
    ) -> Self {
        let views = views.into_iter().map(|view| (view.digest, view)).collect();
        Self { objects, disk, views }
    }

    async fn kept(&self, digest: Digest) -> Option<Arc<[u8]>> {
        let disk = self.disk.clone()?;
        tokio::task::spawn_blocking(move || disk.take(digest)).await.ok().flatten()
    }

    async fn keep(&self, digest: Digest, bytes: Arc<[u8]>) {
        if let Some(disk) = self.disk.clone() {
            let _ = tokio::task::spawn_blocking(move || disk.keep(digest, &bytes)).await;
        }
    }
}

impl Parts for Stored {
    fn fetch(&self, digest: Digest) -> BoxFuture<'_, Result<Arc<[u8]>, PartsError>> {
        async move {
            if let Some(bytes) = self.kept(digest).await {
                return Ok(bytes);
            }
            let found = self.objects.get(digest, COMPONENT_BYTES_MAX).await;
            let found = found.map_err(|source| PartsError::Store { digest, source })?;
            let bytes: Arc<[u8]> = found.ok_or(PartsError::Missing { digest })?.as_ref().into();
            self.keep(digest, Arc::clone(&bytes)).await;
            Ok(bytes)
        }
        .boxed()
    }

    fn verify(&self, digest: Digest, bytes: &[u8]) -> Result<(), PartsError> {
        let forged = |reason| PartsError::Forged { digest, reason };
        let Some(expected) = self.views.get(&digest) else {
            return Err(forged("the document does not name it".to_owned()));
        };
        let view = adapter::view::view(&digest.to_string(), bytes).map_err(|error| forged(error.to_string()))?;
        if view == *expected {
            return Ok(());
        }
        Err(forged("its imports and exports differ from those that were planned with".to_owned()))
    }
}

/// The components that a composite is made of.
pub(super) fn components(plan: &CompositePlan) -> Vec<Digest> {
    let members = plan.members.iter().map(|member| member.component);
    let wires = plan.members.iter().flat_map(|member| &member.wires);
    let senders = wires.filter_map(|wire| match &wire.to {
        WireTo::Sender(sender) => sender.adapter.component(),
        WireTo::Member { .. } | WireTo::Native(_) => None,
    });
    let receivers = plan.receivers.iter().filter_map(|receiver| receiver.adapter.component());
    let mut components: Vec<Digest> = members.chain(senders).chain(receivers).collect();
    components.sort_unstable();
    components.dedup();
    components
}
