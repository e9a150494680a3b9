//! Building what is stale.

use std::fs::DirEntry;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use globset::{GlobBuilder, GlobMatcher};
use model::manifest::Build;

use crate::limits::BUILD_OUTPUT_MAX;

/// Why a component could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A `watch` pattern is not a glob.
    #[error("watch pattern `{pattern}` is not a glob; write for instance `src/**`")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        source: globset::Error,
    },
    /// The build folder cannot be read, or holds too much.
    #[error("cannot look for changes in {}; check `dir` and `watch`", folder.display())]
    Watch {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The command could not be started.
    #[error("cannot start `{command}` in {}; check `build.run` and `build.dir`", folder.display())]
    Start {
        /// The command.
        command: String,
        /// Where.
        folder: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The command failed.
    #[error("`{command}` failed with {status}; its last output:\n{output}")]
    Failed {
        /// The command.
        command: String,
        /// Its exit status, in words.
        status: String,
        /// The end of what it printed.
        output: String,
    },
    /// The command took too long and was stopped.
    #[error("`{command}` did not finish within {} s and was stopped; its last output:\n{output}", allowed.as_secs_f64())]
    Slow {
        /// The command.
        command: String,
        /// The time that it had.
        allowed: Duration,
        /// The end of what it printed.
        output: String,
    },
}

/// True where `component` is missing or older than a file that the build reads. Without `watch` patterns the build's
/// own tool decides, so the command always runs.
pub(super) fn is_stale(build: &Build, folder: &Path, component: &Path, files_max: usize) -> Result<bool, BuildError> {
    let Ok(built) = component.metadata().and_then(|meta| meta.modified()) else { return Ok(true) };
    if build.watch.is_empty() {
        return Ok(true);
    }
    let mut files = Files { than: built, left: files_max, most: files_max };
    let failed = |source| BuildError::Watch { folder: folder.to_owned(), source };
    folder.read_dir().map_err(failed)?;
    for pattern in &build.watch {
        if files.newer(&Watched::new(pattern, folder)?).map_err(failed)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The files of one pattern.
struct Watched {
    /// The folder or file that the pattern starts with; it may be outside the build's folder.
    base: PathBuf,
    /// What follows: everything where the pattern is just a folder.
    below: GlobMatcher,
}

impl Watched {
    fn new(pattern: &str, folder: &Path) -> Result<Self, BuildError> {
        let steps: Vec<&str> = pattern.split('/').collect();
        let plain = steps.iter().take_while(|step| !step.contains(['*', '?', '[', '{', '\\'])).count();
        let (base, below) = steps.split_at(plain);
        let base = base.iter().fold(folder.to_owned(), |base, step| base.join(step));
        let below = if below.is_empty() { "**".to_owned() } else { below.join("/") };
        let glob = GlobBuilder::new(&below).literal_separator(true).build();
        let glob = glob.map_err(|source| BuildError::Pattern { pattern: pattern.to_owned(), source })?;
        Ok(Self { base, below: glob.compile_matcher() })
    }
}

/// A look for a file that is newer than the component.
struct Files {
    than: SystemTime,
    /// How many may still be looked at.
    left: usize,
    most: usize,
}

impl Files {
    fn newer(&mut self, watched: &Watched) -> std::io::Result<bool> {
        match watched.base.metadata() {
            Ok(found) if found.is_dir() => self.newer_below(&watched.base, &watched.base, &watched.below),
            Ok(found) => Ok(found.modified()? > self.than),
            // A pattern may be of files that are not there yet.
            Err(_) => Ok(false),
        }
    }

    fn newer_below(&mut self, base: &Path, folder: &Path, glob: &GlobMatcher) -> std::io::Result<bool> {
        for entry in folder.read_dir()? {
            let entry = entry?;
            self.count()?;
            let path = entry.path();
            if entry.file_type()?.is_dir() {
                if !is_skipped(&entry) && self.newer_below(base, &path, glob)? {
                    return Ok(true);
                }
            } else if glob.is_match(path.strip_prefix(base).unwrap_or(&path))
                && entry.metadata()?.modified()? > self.than
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn count(&mut self) -> std::io::Result<()> {
        let most = self.most;
        self.left = self
            .left
            .checked_sub(1)
            .ok_or_else(|| std::io::Error::other(format!("there are more than {most} files")))?;
        Ok(())
    }
}

/// Build outputs and hidden folders hold nothing that a person edits.
fn is_skipped(folder: &DirEntry) -> bool {
    let name = folder.file_name();
    name == "target" || name == "node_modules" || name.to_string_lossy().starts_with('.')
}

/// Runs the build command in `folder`, for `allowed` at most.
pub(super) fn run(build: &Build, folder: &Path, allowed: Duration) -> Result<(), BuildError> {
    let command = build.run.clone();
    let mut child = Command::new("sh")
        .args(["-c", &command])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|source| BuildError::Start { command: command.clone(), folder: folder.to_owned(), source })?;
    let output = collect(&mut child);
    let deadline = Instant::now() + allowed;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(10)),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(BuildError::Slow { command, allowed, output: last(&output) });
            }
        }
    };
    if status.success() {
        Ok(())
    } else {
        Err(BuildError::Failed { command, status: status.to_string(), output: last(&output) })
    }
}

/// Reads both streams to their ends on threads of their own, so that a chatty command never blocks.
fn collect(child: &mut Child) -> mpsc::Receiver<Vec<u8>> {
    let (chunks, output) = mpsc::channel();
    let streams: [Option<Box<dyn Read + Send>>; 2] = [
        child.stdout.take().map(|stream| Box::new(stream) as Box<dyn Read + Send>),
        child.stderr.take().map(|stream| Box::new(stream) as Box<dyn Read + Send>),
    ];
    for mut stream in streams.into_iter().flatten() {
        let chunks = chunks.clone();
        thread::spawn(move || {
            let mut kept = Vec::new();
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = stream.read(&mut buffer) {
                kept.extend_from_slice(buffer.get(..count).unwrap_or_default());
                let excess = kept.len().saturating_sub(BUILD_OUTPUT_MAX);
                kept.drain(..excess);
            }
            let _ = chunks.send(kept);
        });
    }
    output
}

/// What both streams said last. A grandchild may hold a stream open: it is not waited for.
fn last(output: &mpsc::Receiver<Vec<u8>>) -> String {
    let mut text = String::new();
    for _ in 0..2 {
        if let Ok(stream) = output.recv_timeout(Duration::from_secs(1)) {
            text.push_str(&String::from_utf8_lossy(&stream));
        }
    }
    text.trim_end().to_owned()
}
