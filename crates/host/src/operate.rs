//! What operators and deployers do to a lattice: versions of applications go up and down and back, hosts drain, and
//! what runs is told.
//!
//! Everything is written with compare-and-set on one key: the application's, so that of two who deploy at once one is
//! told that it lost. Hosts do the rest. Nothing here needs the author's machine once it has returned.
//!
//! Start reading at [`Operator::up`]; [`status::Status`] is what can be told of a lattice, made by a pure function of
//! the [`view::View`] that was read.

mod bytes;
mod changes;
mod collect;
mod deploy;
mod derive;
mod drain;
mod dress;
mod error;
mod hear;
mod name;
mod patch;
pub mod platform;
mod preview;
mod read;
mod routes;
mod secrets;
pub mod status;
mod unreadable;
pub mod view;
mod wait;

pub use changes::{Change, How, changes};
pub use deploy::{Deployed, Progress, Version};
pub use derive::{Derived, derive};
pub use drain::{Drained, Forgotten};
pub use error::OperateError;
pub use name::application_name;
pub use preview::{Placing, Preview};
pub use secrets::{SecretSet, SecretStatus};
pub use unreadable::{Unreadable, What};
pub use wait::Waited;

use std::sync::Arc;

use lattice::document::Author;
use lattice::objects::Objects;
use lattice::store::Buckets;
use model::placement::Share;

/// Someone with the right to change a lattice, or to look at it.
#[derive(Clone)]
pub struct Operator {
    buckets: Buckets,
    objects: Arc<dyn Objects>,
    /// Who they are, for those who look at versions later.
    by: Author,
    collects: bool,
    reverts: bool,
    share: Option<Share>,
}

impl Operator {
    /// Someone in the lattice of these buckets.
    pub fn new(buckets: Buckets, objects: Arc<dyn Objects>, by: Author) -> Self {
        Self { buckets, objects, by, collects: true, reverts: false, share: None }
    }

    /// The same without the right to remove unused bytes: nothing is tried that would be refused.
    pub fn without_collecting(self) -> Self {
        Self { collects: false, ..self }
    }

    /// The same, whose versions have this share of the calls beside the ones before them, until they are trusted.
    pub fn sharing(self, share: Option<Share>) -> Self {
        Self { share, ..self }
    }

    /// The same, who means to set patched actors back to what the sources of their application are.
    pub fn reverting(self) -> Self {
        Self { reverts: true, ..self }
    }
}
