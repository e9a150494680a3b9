//! The built-in kinds of provider.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use lattice::store::Bucket;
use model::contract::Contract;
use model::ids::{AppName, ProviderName};

use crate::config::ConfigValue;
use crate::error::ProviderError;
use crate::{Provider, contracts, keyvalue};

/// Where a provider's state is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// On one host: one replica, never moved by the planner.
    Local,
    /// Elsewhere, reached alike from every host.
    Shared,
}

/// What gives a contract.
type Offer = fn() -> Result<Arc<Contract>, ProviderError>;
/// What opens a provider of one kind.
type Open = fn(&BTreeMap<String, ConfigValue>, &Surroundings<'_>) -> Result<Arc<dyn Provider>, ProviderError>;

/// What a provider that is opened finds around it.
#[derive(Clone)]
pub struct Surroundings<'a> {
    /// The application that it belongs to.
    pub application: &'a AppName,
    /// Its name there.
    pub name: &'a ProviderName,
    /// The application's folder for data on this host; it is made where it is missing.
    pub data: &'a Path,
    /// The bucket that all hosts of the lattice share; none on a host that is in no lattice.
    pub state: Option<Arc<dyn Bucket>>,
}

/// A kind of provider, such as `keyvalue/embedded`.
pub struct Kind {
    name: &'static str,
    state: State,
    offers: &'static [Offer],
    natives: fn() -> Vec<String>,
    open: Open,
}

impl Kind {
    /// The name that a manifest's `use` says.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Where its state is.
    pub fn state(&self) -> State {
        self.state
    }

    /// The contracts that it offers.
    ///
    /// # Errors
    ///
    /// Where a built-in contract cannot be read: this program is damaged.
    pub fn offers(&self) -> Result<Vec<Arc<Contract>>, ProviderError> {
        self.offers.iter().map(|contract| contract()).collect()
    }

    /// The contracts that it has for actors in the same process, without messages: those with resources.
    pub fn natives(&self) -> Vec<String> {
        (self.natives)()
    }

    /// Opens a provider of this kind.
    ///
    /// # Errors
    ///
    /// Where the configuration is not this kind's, or its store cannot be opened.
    pub fn open(
        &self,
        config: &BTreeMap<String, ConfigValue>,
        surroundings: &Surroundings<'_>,
    ) -> Result<Arc<dyn Provider>, ProviderError> {
        (self.open)(config, surroundings)
    }
}

/// Every built-in kind, in order of names.
pub fn catalogue() -> &'static [Kind] {
    &[
        Kind {
            name: keyvalue::EMBEDDED,
            state: State::Local,
            offers: &[contracts::counter, contracts::store],
            natives: keyvalue::natives,
            open: keyvalue::open_embedded,
        },
        Kind {
            name: keyvalue::MEMORY,
            state: State::Local,
            offers: &[contracts::counter, contracts::store],
            natives: keyvalue::natives,
            open: keyvalue::open_memory,
        },
        Kind {
            name: keyvalue::NATS,
            state: State::Shared,
            offers: &[contracts::counter, contracts::store],
            natives: keyvalue::natives,
            open: keyvalue::open_nats,
        },
        Kind {
            name: keyvalue::REDIS,
            state: State::Shared,
            offers: &[contracts::counter, contracts::store],
            natives: keyvalue::natives,
            open: keyvalue::open_redis,
        },
    ]
}

/// The kind that `provider` uses.
///
/// # Errors
///
/// Where there is no such kind; the error lists those there are.
pub fn kind(name: &str, provider: &ProviderName) -> Result<&'static Kind, ProviderError> {
    catalogue().iter().find(|kind| kind.name == name).ok_or_else(|| ProviderError::UnknownKind {
        provider: provider.clone(),
        kind: name.to_owned(),
        known: catalogue().iter().map(|kind| format!("`{}`", kind.name)).collect::<Vec<_>>().join(", "),
    })
}
