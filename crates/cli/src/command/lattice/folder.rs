//! A lattice's folder: reading it, and writing it so that whoever reads meanwhile finds the old or the new.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use clap::Args;
use lattice::authority::{ACCOUNTS_FILE, Accounts, Authority, Credentials, Seed, Seeds, UnixSeconds, accounts_text};

use super::record::Record;
use super::usage;
use crate::error::CliError;

const RECORD: &str = "lattice.json";
const LOCK: &str = ".lock";
const KEYS: &str = "keys";
const CREDENTIALS: &str = "creds";

/// Where the folder is.
#[derive(Debug, Args)]
pub(super) struct Place {
    /// The lattice's folder, as `lath lattice init` wrote it
    #[arg(long, value_name = "FOLDER", default_value = ".")]
    dir: PathBuf,
}

/// A lattice's folder, in which nobody else works as long as this is there.
pub(super) struct Folder {
    path: PathBuf,
    pub(super) record: Record,
    _lock: File,
}

impl Place {
    /// Opens the folder, for this process alone.
    pub(super) fn open(&self) -> Result<Folder, CliError> {
        let path = self.dir.clone();
        let at = path.join(RECORD);
        if !at.exists() {
            let message = format!("{} is not the folder of a lattice: it has no {RECORD}", path.display());
            return Err(usage(message, "name it with `--dir FOLDER`, or make one with `lath lattice init`"));
        }
        let lock = lock(&path)?;
        let text = fs::read_to_string(&at).map_err(|source| CliError::File { verb: "read", path: at, source })?;
        let record = Record::read(&text).map_err(|source| broken(&path, source))?;
        Ok(Folder { path, record, _lock: lock })
    }
}

fn lock(folder: &Path) -> Result<File, CliError> {
    let at = folder.join(LOCK);
    let failed = |source| CliError::File { verb: "lock", path: at.clone(), source };
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&at).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(usage(
            format!("another `lath lattice` works in {}", folder.display()),
            "wait until it is done, and try again",
        )),
        Err(fs::TryLockError::Error(source)) => Err(failed(source)),
    }
}

impl Folder {
    /// The path of something in it, as the user named the folder.
    pub(super) fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        if self.path == Path::new(".") { name.as_ref().to_owned() } else { self.path.join(name) }
    }

    /// The path of somebody's credentials in it.
    pub(super) fn credentials(&self, user: &str) -> PathBuf {
        self.join(credentials_file(user))
    }

    /// Something of it that is not as it should be.
    pub(super) fn broken(&self, source: impl std::error::Error + Send + Sync + 'static) -> CliError {
        broken(&self.path, source)
    }

    /// The authority whose keys are kept in it.
    pub(super) fn authority(&self) -> Result<Authority, CliError> {
        let seed = |name: &str| {
            let path = self.path.join(KEYS).join(format!("{name}.nk"));
            let text = fs::read_to_string(&path).map_err(|source| CliError::File { verb: "read", path, source })?;
            Ok::<_, CliError>(Seed::new(text.trim()))
        };
        let seeds = Seeds {
            operator: seed("operator")?,
            system: seed("system")?,
            account: seed("account")?,
            signing: seed("signing")?,
        };
        Authority::of(&seeds).map_err(|source| self.broken(source))
    }

    /// Writes somebody's credentials, in place of those it had.
    pub(super) fn write_credentials(&self, credentials: &Credentials) -> Result<(), CliError> {
        replace(&self.path.join(credentials_file(credentials.user())), &credentials.reveal())
    }

    /// Writes another file of it.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<(), CliError> {
        replace(&self.path.join(name), text)
    }

    /// Writes who was granted what.
    pub(super) fn write_record(&self) -> Result<(), CliError> {
        let text = self.record.write().map_err(|source| self.broken(source))?;
        self.write(RECORD, &text)
    }

    /// Writes what the servers are told, as it stands at `now`.
    pub(super) fn write_accounts(&self, now: UnixSeconds) -> Result<(), CliError> {
        let scope = self.record.scope().map_err(|source| self.broken(source))?;
        let revocations = self.record.revocations(now).map_err(|source| self.broken(source))?;
        let accounts = self.authority()?.accounts(&scope, UnixSeconds(self.record.made), &revocations);
        let accounts = accounts.map_err(|source| self.broken(source))?;
        self.write(ACCOUNTS_FILE, &accounts_text(&accounts))
    }

    /// Removes somebody's credentials, if they are still there.
    pub(super) fn remove_credentials(&self, user: &str) -> Result<(), CliError> {
        let path = self.path.join(credentials_file(user));
        match fs::remove_file(&path) {
            Err(source) if source.kind() != ErrorKind::NotFound => Err(CliError::File { verb: "remove", path, source }),
            _ => Ok(()),
        }
    }
}

/// A folder that is not there yet: it appears as a whole, or not at all.
pub(super) struct Draft {
    target: PathBuf,
    /// The target as the user named it.
    shown: PathBuf,
    draft: PathBuf,
    is_placed: bool,
}

impl Draft {
    /// Begins a folder that will be at `target`, a path from the root, where nothing may be.
    pub(super) fn begin(target: &Path, shown: &Path) -> Result<Self, CliError> {
        let is_free = match fs::read_dir(target) {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) => error.kind() == ErrorKind::NotFound,
        };
        if !is_free {
            return Err(taken(shown));
        }
        let parent = target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let name = target.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let draft = parent.join(format!(".{name}.{}", std::process::id()));
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| CliError::File { verb: "make", path, source }
        };
        fs::create_dir_all(parent).map_err(failed(parent))?;
        for folder in [draft.clone(), draft.join(KEYS), draft.join(CREDENTIALS)] {
            fs::DirBuilder::new().mode(0o700).create(&folder).map_err(failed(&folder))?;
        }
        Ok(Self { target: target.to_owned(), shown: shown.to_owned(), draft, is_placed: false })
    }

    pub(super) fn write(&self, name: &str, text: &str) -> Result<(), CliError> {
        replace(&self.draft.join(name), text)
    }

    pub(super) fn write_credentials(&self, credentials: &Credentials) -> Result<(), CliError> {
        self.write(&credentials_file(credentials.user()), &credentials.reveal())
    }

    pub(super) fn write_seeds(&self, seeds: &Seeds) -> Result<(), CliError> {
        let Seeds { operator, system, account, signing } = seeds;
        for (name, seed) in [("operator", operator), ("system", system), ("account", account), ("signing", signing)] {
            self.write(&format!("{KEYS}/{name}.nk"), &format!("{}\n", seed.reveal()))?;
        }
        Ok(())
    }

    pub(super) fn write_accounts(&self, accounts: &Accounts) -> Result<(), CliError> {
        self.write(ACCOUNTS_FILE, &accounts_text(accounts))
    }

    pub(super) fn write_record(&self, record: &Record) -> Result<(), CliError> {
        self.write(RECORD, &record.write().map_err(|source| broken(&self.shown, source))?)
    }

    /// Puts the folder in its place.
    pub(super) fn place(mut self) -> Result<(), CliError> {
        match fs::rename(&self.draft, &self.target) {
            Ok(()) => {
                self.is_placed = true;
                Ok(())
            }
            Err(error) if matches!(error.kind(), ErrorKind::DirectoryNotEmpty | ErrorKind::NotADirectory) => {
                Err(taken(&self.shown))
            }
            Err(source) => Err(CliError::File { verb: "make", path: self.shown.clone(), source }),
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.is_placed {
            // There are keys in it; whoever cannot remove them now can see them by their name.
            let _ = fs::remove_dir_all(&self.draft);
        }
    }
}

/// The file of somebody's credentials, in the folder.
pub(super) fn credentials_file(user: &str) -> String {
    format!("{CREDENTIALS}/{user}.creds")
}

fn taken(shown: &Path) -> CliError {
    let message = format!("{} is there already, and nothing is written over it", shown.display());
    usage(message, "name another folder with `--dir FOLDER`, or remove it, if nobody needs its keys")
}

fn broken(folder: &Path, source: impl std::error::Error + Send + Sync + 'static) -> CliError {
    CliError::Authority { folder: folder.to_owned(), source: Box::new(source) }
}

/// Writes a file that its owner alone can read; a reader finds the old or the new text.
fn replace(path: &Path, text: &str) -> Result<(), CliError> {
    let new = path.with_extension(format!("new-{}", std::process::id()));
    let written = write_new(&new, text).and_then(|()| fs::rename(&new, path));
    written.map_err(|source| {
        // It may not be there at all.
        let _ = fs::remove_file(&new);
        CliError::File { verb: "write", path: path.to_owned(), source }
    })
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
