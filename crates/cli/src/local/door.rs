//! The socket of an application, on the side of `lath run`.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use host::application::Piece;
use host::local::{Became, ChangeError, Changed, Control};
use host::record::{Bounds, Mask, MaskError, Masks};
use model::ids::ActorName;
use model::placement::Share;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::unix::OwnedWriteHalf;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout};

use super::wire::{Ask, Done, Failed, Recorded, State, Told};
use super::{folder, socket};
use crate::environment::Environment;
use crate::limits::{LOCAL_CLIENTS_MAX, LOCAL_LINE_BYTES_MAX, LOCAL_TIME_MAX, RECORD_START_TIME_MAX, WAIT_TIME_MAX};

/// The pause after the system refused a connection for want of files or memory.
const PAUSE: Duration = Duration::from_millis(20);

/// The socket by which other commands reach an application, until this is dropped.
pub(crate) struct Door {
    path: PathBuf,
    serving: AbortHandle,
}

impl Door {
    /// Opens it.
    ///
    /// # Errors
    ///
    /// Why the application can only be run, and not changed: there is no folder of the user's own, another run of an
    /// application of this name has the socket, or the system refuses it.
    pub(crate) fn open(environment: &Environment, control: &Control) -> Result<Self, String> {
        let path = socket(environment, control.application());
        let path = path.ok_or("neither XDG_RUNTIME_DIR nor HOME is set")?;
        let folder = folder(environment).unwrap_or_default();
        private(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let listener = bind(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let serving = tokio::spawn(serve(listener, control.clone())).abort_handle();
        Ok(Self { path, serving })
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.serving.abort();
        // Where it cannot be removed, the next run finds that nobody listens.
        let _ = fs::remove_file(&self.path);
    }
}

/// Makes a folder that is the user's alone, or sees that it is.
fn private(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mode = fs::metadata(folder)?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(io::Error::new(ErrorKind::PermissionDenied, "others may use this folder; run `chmod 700` on it"))
}

/// Listens, in the place of a process that is gone.
fn bind(path: &Path) -> io::Result<UnixListener> {
    match std::os::unix::net::UnixStream::connect(path) {
        Ok(_) => {
            let message = "another `lath run` serves an application of this name";
            return Err(io::Error::new(ErrorKind::AddrInUse, message));
        }
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path)?,
        // Nothing is there; or nothing can be, which binding says better.
        Err(_) => {}
    }
    UnixListener::bind(path)
}

async fn serve(listener: UnixListener, control: Control) {
    let clients = Arc::new(Semaphore::new(LOCAL_CLIENTS_MAX));
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        // Beyond the bound, a client finds its connection closed.
        let Ok(permit) = Arc::clone(&clients).try_acquire_owned() else { continue };
        let control = control.clone();
        tokio::spawn(async move {
            // A command that went away knows it.
            let _ = attend(stream, &control).await;
            drop(permit);
        });
    }
}

/// Answers one client.
async fn attend(stream: UnixStream, control: &Control) -> io::Result<()> {
    let (reading, mut writing) = stream.into_split();
    let mut line = String::new();
    let mut reader = BufReader::new(reading).take(LOCAL_LINE_BYTES_MAX);
    timeout(LOCAL_TIME_MAX, reader.read_line(&mut line)).await??;
    let mut more = String::new();
    let gone = reader.read_to_string(&mut more);
    match serde_json::from_str(&line) {
        Ok(Ask::Status { watch }) => unless(gone, watched(control, watch, &mut writing)).await,
        Ok(Ask::Patch { actor, component, share, wait_ms }) => {
            let patching = async {
                let changed = patch(control, &actor, component, share.as_deref()).await;
                concluded(control, changed, wait_ms, &mut writing).await
            };
            unless(gone, patching).await
        }
        Ok(Ask::Rollback { version, wait_ms }) => {
            let changed = control.rollback(version).map_err(|error| failed(&error));
            unless(gone, concluded(control, changed, wait_ms, &mut writing)).await
        }
        Ok(Ask::Record { actor, file, masks, time_ms, bytes }) => {
            let bounds = Bounds { bytes, time: Duration::from_millis(time_ms) };
            let told = record(control, &actor, &file, (&masks, bounds), (&mut writing, gone)).await;
            tell(&mut writing, &told.unwrap_or_else(Told::Failed)).await
        }
        Err(error) => {
            let message = format!("the command says what this `lath run` does not understand: {error}");
            let help = Some("use the same version of lath for both".to_owned());
            tell(&mut writing, &Told::Failed(Failed { message, help })).await
        }
    }
}

/// Answers a command unless it has gone; what it asked for goes on.
async fn unless(
    gone: impl Future<Output = io::Result<usize>>,
    answer: impl Future<Output = io::Result<()>>,
) -> io::Result<()> {
    tokio::select! {
        answered = answer => answered,
        _ = gone => Ok(()),
    }
}

async fn patch(control: &Control, actor: &str, component: PathBuf, share: Option<&str>) -> Result<Changed, Failed> {
    let unread = |message: String| Failed { message, help: None };
    let actor: ActorName = actor.parse().map_err(|error| unread(format!("{error}")))?;
    let share: Option<Share> =
        share.map(str::parse).transpose().map_err(|error: model::placement::ShareError| unread(error.to_string()))?;
    let control = control.clone();
    let patching = tokio::task::spawn_blocking(move || {
        let piece = Piece::read(&actor, &component).map_err(|error| unread(whole(&error)))?;
        control.patch(&actor, &piece, share).map_err(|error| failed(&error))
    });
    patching.await.unwrap_or_else(|error| Err(unread(format!("the component could not be looked at: {error}"))))
}

/// Records an actor until `enough`, a bound, or another version of the application; and writes it to `file`.
async fn record(
    control: &Control,
    actor: &str,
    file: &Path,
    (masks, bounds): (&[String], Bounds),
    (writing, enough): (&mut OwnedWriteHalf, impl Future<Output = io::Result<usize>>),
) -> Result<Told, Failed> {
    let wrong = |message: String| Failed { message, help: None };
    let actor: ActorName = actor.parse().map_err(|error| wrong(format!("{error}")))?;
    let masks: Result<Vec<Mask>, MaskError> = masks.iter().map(|mask| mask.parse()).collect();
    let masks = Masks(masks.map_err(|error| wrong(error.to_string()))?);
    let (Changed { version, .. }, recorder) = control.record(&actor, masks, bounds).map_err(|error| failed(&error))?;
    let mut enough = std::pin::pin!(enough);
    let began = tokio::select! {
        began = control.wait(version, Instant::now() + RECORD_START_TIME_MAX) => Some(began),
        _ = &mut enough => None,
    };
    if began == Some(Became::Serves) {
        // Whoever went away is told nothing.
        let _ = tell(writing, &Told::Recording).await;
        tokio::select! {
            () = recorder.over() => {}
            () = control.left(version) => {}
            _ = enough => {}
        }
    }
    control.record_no_more(version);
    let reason = match began {
        Some(Became::Serves) => None,
        Some(Became::Refused(reason) | Became::Failing(reason)) => Some(reason),
        Some(Became::Superseded) => Some("another version was made meanwhile".to_owned()),
        Some(Became::Overdue) => Some("it does not start in time".to_owned()),
        None => Some("it had not begun when it was ended".to_owned()),
    };
    if let Some(reason) = reason {
        return Err(wrong(format!("actor {actor} was not recorded: {reason}")));
    }
    // What calls of it still run is recorded to their ends, or left out; either way the file says so.
    let recorded = recorder.write(file).map_err(|error| wrong(whole(&error)))?;
    Ok(Told::Recorded(Recorded::of(&actor, file, recorded)))
}

/// Tells how a change goes on, and what became of it.
async fn concluded(
    control: &Control,
    changed: Result<Changed, Failed>,
    wait_ms: u64,
    writing: &mut OwnedWriteHalf,
) -> io::Result<()> {
    let changed = match changed {
        Ok(changed) => changed,
        Err(failed) => return tell(writing, &Told::Failed(failed)).await,
    };
    let patience = Duration::from_millis(wait_ms).min(WAIT_TIME_MAX);
    let state = || State::of(control.application().as_str(), &control.status());
    if patience.is_zero() {
        return tell(writing, &Told::Done(Done::of(changed, None, state()))).await;
    }
    let waiting = control.wait(changed.version, Instant::now() + patience);
    let mut waiting = std::pin::pin!(waiting);
    let mut last = control.status();
    let became = loop {
        tell(writing, &Told::Status(State::of(control.application().as_str(), &last))).await?;
        tokio::select! {
            became = &mut waiting => break became,
            next = control.changed(&last) => last = next,
        }
    };
    tell(writing, &Told::Done(Done::of(changed, Some(became), state()))).await
}

/// Tells how the application is, and each change where that is asked for.
async fn watched(control: &Control, watch: bool, writing: &mut OwnedWriteHalf) -> io::Result<()> {
    let mut last = control.status();
    loop {
        tell(writing, &Told::Status(State::of(control.application().as_str(), &last))).await?;
        if !watch {
            return Ok(());
        }
        let next = control.changed(&last).await;
        if next == last {
            return Ok(()); // The executor has ended.
        }
        last = next;
    }
}

async fn tell(writing: &mut OwnedWriteHalf, told: &Told) -> io::Result<()> {
    let mut line = serde_json::to_vec(told)?;
    line.push(b'\n');
    timeout(LOCAL_TIME_MAX, writing.write_all(&line)).await?
}

fn failed(error: &ChangeError) -> Failed {
    let ChangeError::Unplannable { problems, .. } = error else {
        return Failed { message: error.to_string(), help: None };
    };
    let lines = problems.iter().map(|problem| format!("\n  {problem}\n    {}", problem.mend()));
    Failed { message: format!("{error}:{}", lines.collect::<String>()), help: None }
}

fn whole(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
