//! The platform code of an application: what stands in the place of its generated adapters.
//!
//! An application keeps the adapters of the version that runs, and the versions of the wire that this speaks: they were
//! tried. What is new in it gets the platform code of the lattice.

use std::collections::BTreeMap;
use std::sync::Arc;

use adapter::generator::adapter_of;
use adapter::view::view;
use bytes::Bytes;
use lattice::document::{Document as _, IntentDocument, PLATFORM_KEY, PlatformCode, StoredComponent, StoredSubstitute};
use lattice::store::Revision;
use model::digest::Digest;
use model::ids::AppName;
use model::placement::Earlier;
use model::wire::Wires;
use plan::{Need, needs};
use tokio::sync::OnceCell;

use super::bytes::Pieces;
use super::patch::planned;
use super::{OperateError, Operator, derive};
use crate::generator::Generator;
use crate::limits::COMPONENT_BYTES_MAX;

/// The bytes of what a document refers to: whose they are, and the bytes.
pub(super) type Parts = BTreeMap<Digest, (String, Bytes)>;

/// The platform code of a lattice, and what makes adapters by it.
pub(super) struct Platform<'a> {
    operator: &'a Operator,
    pub(super) code: PlatformCode,
    /// The change that wrote it; none where nothing was ever written.
    pub(super) revision: Option<Revision>,
    generator: OnceCell<Arc<Generator>>,
}

/// What a version that runs has in the place of generated adapters.
pub(super) struct Worn {
    application: AppName,
    pub(super) document: IntentDocument,
}

impl Worn {
    /// The adapters that it needs; none where hosts of this version would not plan it.
    pub(super) fn needs(&self) -> Vec<Need> {
        planned(&self.application, &self.document).map(|blueprint| needs(&blueprint)).unwrap_or_default()
    }

    /// What stands in the place of one of those adapters; none where it is generated.
    fn substitute(&self, need: &Need) -> Option<&StoredSubstitute> {
        let digest = need.adapter.component()?;
        self.document.substitutes.iter().find(|one| one.component.digest() == digest)
    }
}

impl Operator {
    /// The platform code of the lattice.
    pub(super) async fn platform(&self) -> Result<Platform<'_>, OperateError> {
        let entry = self.buckets.intent.get(PLATFORM_KEY).await?;
        let revision = entry.as_ref().map(|entry| entry.revision);
        let code = match entry.and_then(|entry| entry.value) {
            None => PlatformCode::built_in(self.by.clone()),
            Some(value) => PlatformCode::decode(&value).map_err(|error| OperateError::Damaged {
                what: "the platform code of the lattice".to_owned(),
                reason: error.to_string(),
            })?,
        };
        Ok(Platform::of(self, code, revision, None))
    }

    /// What the version that runs has in the place of generated adapters; none where no version does, or where it cannot
    /// be read any more.
    pub(super) async fn worn(
        &self,
        application: &AppName,
        runs: Option<Earlier>,
    ) -> Result<Option<Worn>, OperateError> {
        let Some(runs) = runs else { return Ok(None) };
        let document = match self.document(runs.intent).await {
            Ok(Some(document)) => document,
            Ok(None) | Err(OperateError::Damaged { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(Some(Worn { application: application.clone(), document }))
    }

    /// What is to be deployed, with the platform code of the version that runs, or of the lattice.
    pub(super) async fn dressed(
        &self,
        application: &AppName,
        pieces: Pieces,
        runs: Option<Earlier>,
    ) -> Result<Pieces, OperateError> {
        let platform = self.platform().await?;
        let worn = self.worn(application, runs).await?;
        let wires = match &worn {
            Some(worn) => worn.document.wires.clone(),
            None => Wires::new(platform.code.wire, [platform.code.wire]),
        };
        let document = IntentDocument { wires, ..pieces.document.clone() };
        let (document, parts) = platform.dress(application, document, worn.as_ref(), |_| false).await?;
        Ok(pieces.dressed(document, parts))
    }
}

impl<'a> Platform<'a> {
    /// With the generator, where that is here already.
    pub(super) fn of(
        operator: &'a Operator,
        code: PlatformCode,
        revision: Option<Revision>,
        generator: Option<Arc<Generator>>,
    ) -> Self {
        Self { operator, code, revision, generator: OnceCell::new_with(generator) }
    }

    /// `document` with what stands in the place of its generated adapters, and the bytes of what is new. What `worn` has is
    /// kept, unless it is to be chosen anew.
    pub(super) async fn dress(
        &self,
        application: &AppName,
        document: IntentDocument,
        worn: Option<&Worn>,
        is_new: impl Fn(&Need) -> bool,
    ) -> Result<(IntentDocument, Parts), OperateError> {
        let is_plain = worn.is_none_or(|worn| worn.document.substitutes.is_empty());
        let bare = IntentDocument { substitutes: Vec::new(), ..document };
        if is_plain && self.code.generator.is_none() && self.code.substitutes.is_empty() {
            return Ok((bare, Parts::new()));
        }
        let mut parts = Parts::new();
        let mut substitutes = Vec::new();
        let kept = worn.map(Worn::needs).unwrap_or_default();
        for need in needs(&planned(application, &bare)?) {
            let is_it = |kept: &&Need| (kept.side, kept.wire, &kept.contract) == (need.side, need.wire, &need.contract);
            let chosen = match worn.zip(kept.iter().find(is_it).filter(|_| !is_new(&need))) {
                Some((worn, kept)) => worn.substitute(kept).cloned(),
                None => self.substitute(&need, &mut parts).await?,
            };
            substitutes.extend(chosen.filter(|chosen| !substitutes.contains(chosen)));
        }
        substitutes.sort_by_key(|one: &StoredSubstitute| (one.side, one.wire, one.component.digest()));
        Ok((IntentDocument { substitutes, ..bare }, parts))
    }

    /// What the lattice's platform code has in the place of a generated adapter; its bytes go to `parts`.
    async fn substitute(&self, need: &Need, parts: &mut Parts) -> Result<Option<StoredSubstitute>, OperateError> {
        let fits = |stored: &&StoredSubstitute| {
            let given = derive::substitute(stored);
            given.side == need.side && given.wire == need.wire && given.fits(&need.contract)
        };
        if let Some(found) = self.code.substitutes.iter().find(fits) {
            return Ok(Some(found.clone()));
        }
        let Some(generator) = self.generator().await? else { return Ok(None) };
        let (side, wire) = (need.side, need.wire.number());
        let made = generator.adapter(&need.contract, side, wire).await.map_err(Box::new)?;
        if adapter_of(&need.contract, side, wire).is_ok_and(|built_in| built_in == made) {
            return Ok(None);
        }
        let what = format!("the {side} of {}", need.contract.name);
        let view = view(&what, &made).map_err(|error| OperateError::Generator(Box::new(error.into())))?;
        let component = StoredComponent { size: made.len() as u64, view };
        parts.insert(component.digest(), (what, made.into()));
        Ok(Some(StoredSubstitute { side, wire: need.wire, component }))
    }

    /// The generator in the place of the built-in one.
    async fn generator(&self) -> Result<Option<&Generator>, OperateError> {
        let Some(stored) = &self.code.generator else { return Ok(None) };
        let loading = async {
            let missing = || OperateError::Damaged {
                what: format!("the generator {} of the lattice", stored.name),
                reason: "its bytes are not there any more; patch it in again".to_owned(),
            };
            let bytes = self.operator.objects.get(stored.digest, COMPONENT_BYTES_MAX).await?.ok_or_else(missing)?;
            Ok::<_, OperateError>(Arc::new(Generator::alone(None, &bytes).await.map_err(Box::new)?))
        };
        self.generator.get_or_try_init(|| loading).await.map(|generator| Some(generator.as_ref()))
    }
}
