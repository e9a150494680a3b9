//! Versions of applications: made, taken down, gone back to.

use std::time::{SystemTime, UNIX_EPOCH};

use lattice::document::{Author, Document as _, DocumentError, IntentHead, UnixMillis};
use lattice::store::{Entry, Revision, StoreError};
use model::digest::Digest;
use model::ids::AppName;
use model::placement::Earlier;

use super::bytes::Pieces;
use super::dress::Parts;
use super::patch::reverted;
use super::routes::Claim;
use super::unreadable::decoded;
use super::{OperateError, Operator};
use crate::application::Application;

/// What a deployment has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployed {
    /// The application.
    pub application: AppName,
    /// The version that stands.
    pub version: u64,
    /// False where what was asked for stood already: no version was made.
    pub is_new: bool,
    /// The version whose intent stands again, after a rollback.
    pub restored: Option<u64>,
    /// Bytes that were sent.
    pub uploaded_bytes: u64,
    /// Bytes that were there already.
    pub present_bytes: u64,
    /// Pieces that nothing uses any more and that were removed; none where this user may not remove any.
    pub collected: usize,
}

/// A version of an application, as its history has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its number.
    pub version: u64,
    /// What it runs; none where it took the application down.
    pub document: Option<Digest>,
    /// Who made it.
    pub by: Author,
    /// When, by the clock of its maker.
    pub at: UnixMillis,
}

/// What is being done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Bytes are being sent to the lattice.
    Uploading {
        /// Whose they are, such as `actor cart`.
        what: String,
        /// How many.
        bytes: u64,
    },
}

/// What stands under an application's key.
pub(super) struct Stands {
    revision: Revision,
    pub(super) version: u64,
    /// None where it is damaged: a new version takes its place.
    pub(super) head: Option<IntentHead>,
}

impl Stands {
    pub(super) fn document(&self) -> Option<Digest> {
        self.head.as_ref().and_then(|head| head.document)
    }

    /// The same as what is to run.
    pub(super) fn runs(&self) -> Option<Earlier> {
        Some(Earlier { version: self.version, intent: self.document()? })
    }
}

impl Operator {
    /// Makes `application` the newest version of itself. Plans it first; sends only bytes that are missing. Where it is
    /// what stands already, nothing is written but bytes that are missing.
    ///
    /// # Errors
    ///
    /// Everything that keeps it from being planned; someone else's version of the same moment; the store.
    pub async fn up(
        &self,
        application: &Application,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Deployed, OperateError> {
        let name = application.manifest().application.clone();
        let pieces = Pieces::of(application);
        let (blueprint, _) = super::preview::demanded(application, 0, pieces.digest)?;
        let mut claim = Claim::new(&name, &blueprint);
        self.check_routes(&mut claim, None).await?;
        let standing = self.standing(&name).await?;
        let instead = self.instead(&name, standing.as_ref()).await?;
        let runs = instead.or_else(|| standing.as_ref()?.runs());
        self.check_patches(&name, runs, &pieces).await?;
        let pieces = self.dressed(&name, pieces, runs).await?;
        let same = self.is_same(standing.as_ref(), &pieces).await?.filter(|_| instead.is_none());
        // What no kept version refers to may be removed at any moment; where that cannot be told, everything is sent.
        let kept = self.referred().await.ok().flatten().unwrap_or_default();
        let sent = self.upload(&pieces, &kept, progress).await?;
        let mut deployed = Deployed::of(name.clone(), same.unwrap_or_default(), sent.uploaded, sent.present);
        if same.is_none() {
            deployed.is_new = true;
            deployed.version = self.establish(claim, standing, pieces.digest).await?;
            // What was found before the version referred to it may have been removed as unused since.
            deployed.uploaded_bytes += self.upload(&pieces, &pieces.digests(), progress).await?.uploaded;
        }
        deployed.collected = self.collect_some().await;
        Ok(deployed)
    }

    /// Takes an application down: a version that runs nothing. Going back brings it up again.
    ///
    /// # Errors
    ///
    /// There is no such application; someone else's version of the same moment; the store.
    pub async fn down(&self, application: &AppName) -> Result<Deployed, OperateError> {
        let Some(stands) = self.standing(application).await? else {
            return Err(self.no_application(application).await?);
        };
        let mut deployed = Deployed::of(application.clone(), stands.version, 0, 0);
        if stands.head.as_ref().is_none_or(|head| head.document.is_some()) {
            deployed.is_new = true;
            deployed.version = self.write(application, Some(stands), None).await?;
        }
        deployed.collected = self.collect_some().await;
        Ok(deployed)
    }

    /// Every version that is kept and not damaged, oldest first.
    ///
    /// # Errors
    ///
    /// There is no such application; a newer lath wrote one of them; the store.
    pub async fn versions(&self, application: &AppName) -> Result<Vec<Version>, OperateError> {
        let history = self.buckets.intent.history(application.as_str()).await?;
        let heads = history.iter().filter_map(|entry| sound_head(entry).transpose());
        let versions = heads.map(|head| head.map(Version::of)).collect::<Result<Vec<_>, _>>()?;
        if versions.is_empty() {
            return Err(self.no_application(application).await?);
        }
        Ok(versions)
    }

    /// Makes a new version of what an earlier one ran; where none is named, of the last that ran something else than what
    /// stands, or of what runs where that was refused. A version that was refused is tried again. Its author's machine is
    /// not needed: everything is in the lattice.
    ///
    /// # Errors
    ///
    /// There is no such application or version; its bytes are kept no more; someone else's version of the same moment;
    /// the store.
    pub async fn rollback(&self, application: &AppName, version: Option<u64>) -> Result<Deployed, OperateError> {
        let versions = self.versions(application).await?;
        let standing = self.standing(application).await?;
        let instead = self.instead(application, standing.as_ref()).await?;
        let (restored, document) = match instead.filter(|_| version.is_none()) {
            Some(Earlier { version, intent }) => (version, intent),
            None => chosen(application, &versions, standing.as_ref(), version)?,
        };
        let present = self.check_bytes(application, restored, document).await?;
        let runs = instead.or_else(|| standing.as_ref()?.runs());
        let document = self.understood(application, (restored, document), runs).await?;
        let stands = standing.as_ref().filter(|stands| stands.document() == Some(document));
        let same = stands.filter(|_| instead.is_none());
        let mut deployed = Deployed::of(application.clone(), same.map_or(0, |stands| stands.version), 0, present);
        if same.is_none() {
            deployed.is_new = true;
            deployed.restored = Some(restored);
            deployed.version = match self.derived_of(application, document, restored).await? {
                Ok(derived) => {
                    let mut claim = Claim::new(application, &derived.blueprint);
                    self.check_routes(&mut claim, None).await?;
                    self.establish(claim, standing, document).await?
                }
                // Hosts tell what is wrong with it.
                Err(_) => self.write(application, standing, Some(document)).await?,
            };
        }
        Ok(deployed)
    }

    /// The document of an earlier version, in versions of the wire that what runs now understands and sends.
    async fn understood(
        &self,
        application: &AppName,
        (version, digest): (u64, Digest),
        runs: Option<Earlier>,
    ) -> Result<Digest, OperateError> {
        let gone = || OperateError::BytesGone { application: application.clone(), version, missing: digest };
        let Ok(Some(worn)) = self.worn(application, runs).await else { return Ok(digest) };
        let document = match self.document(digest).await {
            Ok(found) => found.ok_or_else(gone)?,
            // Hosts tell what is wrong with it.
            Err(OperateError::Damaged { .. }) => return Ok(digest),
            Err(error) => return Err(error),
        };
        if document.wires.meets(&worn.document.wires) {
            return Ok(digest);
        }
        let pieces = self.dressed(application, Pieces::with(document, Parts::new()), runs).await?;
        self.upload(&pieces, &pieces.digests(), &mut |_| ()).await?;
        Ok(pieces.digest)
    }

    /// The newest version of an application; none where there never was one. The number of one that is damaged is not
    /// known; it followed the last that can be read.
    pub(super) async fn standing(&self, application: &AppName) -> Result<Option<Stands>, OperateError> {
        let Some(entry) = self.buckets.intent.get(application.as_str()).await? else { return Ok(None) };
        if entry.value.is_none() {
            return Ok(None);
        }
        let revision = entry.revision;
        if let Some(head) = sound_head(&entry)? {
            return Ok(Some(Stands { revision, version: head.version, head: Some(head) }));
        }
        let history = self.buckets.intent.history(application.as_str()).await?;
        let versions = history.iter().filter_map(|entry| Some(sound_head(entry).ok()??.version));
        Ok(Some(Stands { revision, version: versions.max().unwrap_or_default().saturating_add(1), head: None }))
    }

    /// The version that stands, if it asks for the same.
    async fn is_same(&self, standing: Option<&Stands>, pieces: &Pieces) -> Result<Option<u64>, OperateError> {
        let Some(stands) = standing else { return Ok(None) };
        let Some(digest) = stands.document() else { return Ok(None) };
        let is_same = digest == pieces.digest
            || match self.document(digest).await {
                Ok(document) => document.is_some_and(|document| pieces.is_same(&document)),
                // What nobody can read does not keep a good version from taking its place.
                Err(OperateError::Damaged { .. }) => false,
                Err(error) => return Err(error),
            };
        Ok(is_same.then_some(stands.version))
    }

    /// Refuses to undo what was patched of the version that runs, unless that is meant.
    async fn check_patches(
        &self,
        application: &AppName,
        runs: Option<Earlier>,
        pieces: &Pieces,
    ) -> Result<(), OperateError> {
        let Some(runs) = runs else { return Ok(()) };
        // One that cannot be read has nothing that could be kept.
        let Ok(Some(document)) = self.document(runs.intent).await else { return Ok(()) };
        let actors = reverted(&document, &pieces.document);
        if actors.is_empty() || self.reverts {
            return Ok(());
        }
        Err(OperateError::Reverts { application: application.clone(), version: runs.version, actors })
    }

    /// Writes the version that follows `standing`.
    async fn write(
        &self,
        application: &AppName,
        standing: Option<Stands>,
        document: Option<Digest>,
    ) -> Result<u64, OperateError> {
        let (expected, last) = match standing {
            Some(stands) => (Some(stands.revision), stands.version),
            None => (None, 0),
        };
        let version = last.saturating_add(1);
        let head = IntentHead { version, document, share: self.share, by: self.by.clone(), at: now() };
        match self.buckets.intent.replace(application.as_str(), head.encode(), expected).await {
            Ok(_) => Ok(head.version),
            Err(StoreError::Conflict { .. }) => self.lost(application, &head).await,
            Err(error) => Err(error.into()),
        }
    }

    /// Writes a version whose routes are free. Where another application took one of them at the same moment, before this
    /// one, what stood before stands again.
    pub(super) async fn establish(
        &self,
        mut claim: Claim<'_>,
        standing: Option<Stands>,
        document: Digest,
    ) -> Result<u64, OperateError> {
        let application = claim.application;
        let before = standing.as_ref().and_then(Stands::document);
        let version = self.write(application, standing, Some(document)).await?;
        let Some(stands) = self.standing(application).await?.filter(|stands| stands.version == version) else {
            return Ok(version);
        };
        match self.check_routes(&mut claim, Some(stands.revision)).await {
            Err(taken @ OperateError::Routes { .. }) => {
                self.write(application, Some(stands), before).await?;
                Err(taken)
            }
            // Whatever kept it from being looked at, the version stands.
            _ => Ok(version),
        }
    }

    /// Someone else's write came first, or ours did and its answer was lost on the way.
    async fn lost(&self, application: &AppName, ours: &IntentHead) -> Result<u64, OperateError> {
        let application = application.clone();
        match self.standing(&application).await? {
            Some(Stands { head: Some(head), .. }) if head == *ours => Ok(head.version),
            Some(Stands { head: Some(head), .. }) => {
                Err(OperateError::Lost { application, by: head.by.to_string(), version: head.version })
            }
            _ => Err(OperateError::Lost { application, by: "somebody".to_owned(), version: 0 }),
        }
    }

    /// The error of a name that no application has.
    pub(super) async fn no_application(&self, application: &AppName) -> Result<OperateError, OperateError> {
        let keys = self.buckets.intent.keys("*").await?;
        let applications = keys.iter().filter_map(|key| key.parse().ok()).collect();
        Ok(OperateError::NoApplication { application: application.clone(), applications })
    }
}

/// The head that an entry of the intent bucket holds; none where the key was deleted.
pub(super) fn head(entry: &Entry) -> Result<Option<IntentHead>, OperateError> {
    decoded(entry).map_err(|error| damaged(entry, &error))
}

/// Likewise, and none where it is damaged. What a newer lath wrote is not.
fn sound_head(entry: &Entry) -> Result<Option<IntentHead>, OperateError> {
    match decoded(entry) {
        Err(error @ DocumentError::Newer { .. }) => Err(damaged(entry, &error)),
        head => Ok(head.unwrap_or_default()),
    }
}

fn damaged(entry: &Entry, error: &DocumentError) -> OperateError {
    OperateError::Damaged { what: format!("the intent of {}", entry.key), reason: error.to_string() }
}

/// The version to go back to, with what it runs.
fn chosen(
    application: &AppName,
    versions: &[Version],
    standing: Option<&Stands>,
    version: Option<u64>,
) -> Result<(u64, Digest), OperateError> {
    let standing = standing.and_then(Stands::document);
    let found = match version {
        Some(version) => versions.iter().rfind(|known| known.version == version),
        None => versions.iter().rfind(|known| known.document.is_some() && known.document != standing),
    };
    let runs = found.and_then(|found| Some((found.version, found.document?)));
    runs.ok_or_else(|| match version {
        None => OperateError::NoEarlierVersion { application: application.clone() },
        Some(version) => OperateError::NoVersion {
            application: application.clone(),
            version,
            versions: versions.iter().filter(|known| known.document.is_some()).map(|known| known.version).collect(),
        },
    })
}

/// By this machine's clock.
pub(super) fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

impl Deployed {
    pub(super) fn of(application: AppName, version: u64, uploaded_bytes: u64, present_bytes: u64) -> Self {
        Self { application, version, is_new: false, restored: None, uploaded_bytes, present_bytes, collected: 0 }
    }
}

impl Version {
    fn of(IntentHead { version, document, by, at, .. }: IntentHead) -> Self {
        Self { version, document, by, at }
    }
}
