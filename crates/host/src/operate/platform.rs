//! Platform code that operators change: adapters, generators of them, and the version of the wire, in every application
//! that uses them.
//!
//! Each application gets a version of its own, which is tried, watched and gone back from as any other: what is bad in one
//! stays in the others. Senders and receivers of a wire are one application's, so each takes its steps by itself. The
//! platform code of the lattice changes last, once no application went back.

mod code;

use std::collections::BTreeMap;
use std::time::Instant;

use futures_util::{StreamExt as _, stream};
use lattice::document::{Document as _, IntentDocument, PLATFORM_KEY, PlatformCode};
use lattice::store::StoreError;
use model::ids::AppName;
use model::placement::Earlier;

pub use code::{NewAdapter, NewGenerator, PlatformPatch};

use super::bytes::Pieces;
use super::deploy::{Stands, now};
use super::dress::{Platform, Worn};
use super::patch::planned;
use super::routes::Claim;
use super::status::AppStatus;
use super::{OperateError, Operator, Waited};
use crate::limits::{PLATFORM_PASSES_MAX, PLATFORM_ROLLS_AT_ONCE, PLATFORM_TRIES_MAX};

/// What became of one application.
#[derive(Debug)]
pub enum Rolled {
    /// It uses nothing of what changed.
    Same,
    /// It has a new version, which serves wherever it is asked for, and is trusted.
    Done(u64),
    /// The new version was worse than the one before it, which runs again.
    RolledBack(Box<AppStatus>),
    /// The new version was not everywhere when the time was over.
    Overdue(Box<AppStatus>),
    /// Its owners made another version meanwhile, again and again.
    Busy,
    /// No version could be made, and it stays as it is.
    Failed(OperateError),
}

/// What changing platform code has come to.
#[derive(Debug)]
pub struct Patched {
    /// Every application that was up.
    pub applications: BTreeMap<AppName, Rolled>,
    /// True where new applications get it as well: no application went back or was late.
    pub is_kept: bool,
}

impl Operator {
    /// Changes platform code in every application that is up, and then in those that will be. Each application that ends is
    /// told. An application that goes back, or is late, stays as it was, the others keep what they got, and new ones get
    /// what was before: to do the same again finishes it, and the opposite undoes it.
    ///
    /// # Errors
    ///
    /// An adapter fits some application's actors not, which all stay as they are; someone else changed platform code at the
    /// same moment; the store.
    pub async fn patch_platform(
        &self,
        patch: &PlatformPatch,
        deadline: Instant,
        progress: &mut (dyn FnMut(&AppName, &Rolled) + Send),
    ) -> Result<Patched, OperateError> {
        let before = self.platform().await?;
        let code = PlatformCode { by: self.by.clone(), at: now(), ..patch.applied(&before.code) };
        for (digest, bytes) in patch.bytes() {
            self.objects.put(digest, bytes).await?;
        }
        let platform = Platform::of(self, code, before.revision, patch.generator());
        let mut applications: BTreeMap<AppName, Rolled> = BTreeMap::new();
        // Whatever is deployed meanwhile has what was before: the last pass finds nothing to do.
        for _ in 0..PLATFORM_PASSES_MAX {
            let names = self.up_now().await?;
            patch.check(self, &names).await?;
            let rolls = names.into_iter().map(|name| self.roll(name, patch, &platform, deadline));
            let mut rolls = stream::iter(rolls).buffer_unordered(PLATFORM_ROLLS_AT_ONCE);
            let mut is_settled = true;
            while let Some((name, rolled)) = rolls.next().await {
                is_settled &= !matches!(rolled, Rolled::Done(_));
                if !matches!((&rolled, applications.get(&name)), (Rolled::Same, Some(_))) {
                    progress(&name, &rolled);
                    applications.insert(name, rolled);
                }
            }
            let went_well = applications.values().all(|rolled| matches!(rolled, Rolled::Same | Rolled::Done(_)));
            if !went_well {
                return Ok(Patched { applications, is_kept: false });
            }
            if is_settled {
                break;
            }
        }
        self.keep(&platform).await?;
        Ok(Patched { applications, is_kept: true })
    }

    /// Writes the platform code of the lattice.
    async fn keep(&self, platform: &Platform<'_>) -> Result<(), OperateError> {
        let written = self.buckets.intent.replace(PLATFORM_KEY, platform.code.encode(), platform.revision).await;
        match written {
            Ok(_) => Ok(()),
            Err(StoreError::Conflict { .. }) => {
                let by = self.platform().await?.code.by.to_string();
                Err(OperateError::PlatformLost { by })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The applications that are up.
    async fn up_now(&self) -> Result<Vec<AppName>, OperateError> {
        let heads = self.standing_heads(&mut Vec::new()).await?;
        Ok(heads.into_iter().filter(|(_, (_, head))| head.document.is_some()).map(|(name, _)| name).collect())
    }

    async fn roll(
        &self,
        application: AppName,
        patch: &PlatformPatch,
        platform: &Platform<'_>,
        deadline: Instant,
    ) -> (AppName, Rolled) {
        let rolled = self.steps(&application, patch, platform, deadline).await.unwrap_or_else(Rolled::Failed);
        (application, rolled)
    }

    /// Takes an application all the way: each step once the one before it is trusted everywhere, so that what runs beside it
    /// understands it, and what is gone back to as well.
    async fn steps(
        &self,
        application: &AppName,
        patch: &PlatformPatch,
        platform: &Platform<'_>,
        deadline: Instant,
    ) -> Result<Rolled, OperateError> {
        let mut is_changed = false;
        let mut tries = 0;
        while tries < PLATFORM_TRIES_MAX {
            let Some((stands, runs)) = self.runs(application).await? else { return Ok(Rolled::Same) };
            let standing = stands.version;
            let worn = self.worn(application, Some(runs)).await?;
            if let (PlatformPatch::Wire(wire), Some(worn)) = (patch, &worn)
                && worn.document.wires.towards(*wire).is_some()
                && let Waited::Overdue(status) = self.wait(application, standing, deadline, &mut |_| ()).await?
            {
                return Ok(Rolled::Overdue(Box::new(status)));
            }
            let version = match next(application, worn, patch, platform).await? {
                None if !is_changed => return Ok(Rolled::Same),
                // It has what is wanted, by this command or by a version that its owners made of that.
                None => standing,
                Some(next) => match self.write_next(application, stands, &next).await {
                    Ok(version) => version,
                    Err(OperateError::Lost { .. }) => {
                        tries += 1;
                        continue;
                    }
                    Err(error) => return Err(error),
                },
            };
            let is_last = version == standing || !matches!(patch, PlatformPatch::Wire(_));
            is_changed = true;
            match self.wait(application, version, deadline, &mut |_| ()).await? {
                Waited::Done(_) if is_last => return Ok(Rolled::Done(version)),
                Waited::Done(_) => {}
                Waited::RolledBack(status) => return Ok(Rolled::RolledBack(Box::new(status))),
                Waited::Overdue(status) => return Ok(Rolled::Overdue(Box::new(status))),
                Waited::Superseded(_) => tries += 1,
            }
        }
        Ok(Rolled::Busy)
    }

    /// What stands of an application, and what of it runs; none where it is down.
    async fn runs(&self, application: &AppName) -> Result<Option<(Stands, Earlier)>, OperateError> {
        let Some(stands) = self.standing(application).await? else { return Ok(None) };
        let instead = self.instead(application, Some(&stands)).await?;
        Ok(instead.or_else(|| stands.runs()).map(|runs| (stands, runs)))
    }

    async fn write_next(&self, application: &AppName, stands: Stands, next: &Pieces) -> Result<u64, OperateError> {
        let blueprint = planned(application, &next.document)?;
        let claim = Claim::new(application, &blueprint);
        self.upload(next, &next.digests(), &mut |_| ()).await?;
        let version = self.establish(claim, Some(stands), next.digest).await?;
        // What was found before the version referred to it may have been removed as unused since.
        self.upload(next, &next.digests(), &mut |_| ()).await?;
        Ok(version)
    }
}

/// The next version of an application; none where it has what is wanted.
async fn next(
    application: &AppName,
    worn: Option<Worn>,
    patch: &PlatformPatch,
    platform: &Platform<'_>,
) -> Result<Option<Pieces>, OperateError> {
    let Some(worn) = worn else { return Ok(None) };
    let document = &worn.document;
    let wires = match patch {
        PlatformPatch::Wire(wire) => match document.wires.towards(*wire) {
            Some(next) => next,
            None => return Ok(None),
        },
        _ => document.wires.clone(),
    };
    let asked = IntentDocument { wires, ..document.clone() };
    let (next, parts) = platform.dress(application, asked, Some(&worn), |need| patch.concerns(need)).await?;
    Ok((next != *document).then(|| Pieces::with(next, parts)))
}
