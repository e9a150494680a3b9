//! Building what is stale: each build command once, as many at once as there are processors.

mod command;
mod stale;
mod tool;

use std::collections::VecDeque;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Sender};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use model::ids::ActorName;
use model::manifest::{Build, ComponentRef, Manifest};

use super::{Bounds, Step};

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

impl BuildError {
    /// What to install, where a tool is missing.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Failed { output, .. } => tool::missing(output),
            _ => None,
        }
    }
}

/// What became of the component of an actor.
#[derive(Debug)]
pub enum Built {
    /// The manifest does not say how it is built.
    Nohow,
    /// It is newer than all that it is built from.
    Fresh,
    /// It was built, in this time.
    Done(Duration),
    /// It was not.
    Failed(BuildError),
    /// It is built by the same command as this actor's, which failed.
    Like(ActorName),
}

/// A command, and the components that it builds.
struct Job<'a> {
    build: &'a Build,
    folder: PathBuf,
    /// Each with its component.
    actors: Vec<(&'a ActorName, PathBuf)>,
}

/// Builds the components of `manifest` that are stale; paths in it start from `folder`. What fails keeps nothing else from
/// being built.
pub(super) fn all(
    manifest: &Manifest,
    folder: &Path,
    bounds: &Bounds,
    progress: &mut dyn FnMut(Step),
) -> Vec<(ActorName, Built)> {
    let jobs = jobs(manifest, folder);
    let workers = thread::available_parallelism().map_or(1, NonZero::get).min(jobs.len());
    let queue = Mutex::new(jobs.into_iter().collect::<VecDeque<_>>());
    let (told, tellings) = mpsc::channel();
    let mut built: Vec<(ActorName, Built)> = thread::scope(|scope| {
        let (queue, tellers) = (&queue, std::iter::repeat_n(told, workers));
        let workers: Vec<_> = tellers.map(|told| scope.spawn(move || work(queue, bounds, &told))).collect();
        tellings.iter().for_each(progress);
        // A worker that broke down has built nothing more; the components that are missing are told of when they are read.
        workers.into_iter().filter_map(|worker| worker.join().ok()).flatten().collect()
    });
    let known = manifest.actors.iter().filter(|(_, actor)| actor.build.is_none());
    built.extend(known.map(|(name, _)| (name.clone(), Built::Nohow)));
    built.sort_by(|(one, _), (other, _)| one.cmp(other));
    built
}

fn jobs<'a>(manifest: &'a Manifest, folder: &Path) -> Vec<Job<'a>> {
    let mut jobs: Vec<Job<'a>> = Vec::new();
    for (name, actor) in &manifest.actors {
        let Some(build) = &actor.build else { continue };
        let ComponentRef::Path(component) = &actor.component;
        let own = (name, folder.join(component));
        match jobs.iter_mut().find(|job| job.build == build) {
            Some(job) => job.actors.push(own),
            None => jobs.push(Job { build, folder: folder.join(&build.dir), actors: vec![own] }),
        }
    }
    jobs
}

/// Does one job after the other.
fn work(queue: &Mutex<VecDeque<Job<'_>>>, bounds: &Bounds, told: &Sender<Step>) -> Vec<(ActorName, Built)> {
    let mut built = Vec::new();
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    while let Some(job) = next() {
        built.extend(job.run(bounds, told));
    }
    built
}

impl Job<'_> {
    fn run(self, bounds: &Bounds, told: &Sender<Step>) -> Vec<(ActorName, Built)> {
        let outcome = self.built(bounds, told);
        let all = |built: &dyn Fn() -> Built| self.actors.iter().map(|(name, _)| ((*name).clone(), built())).collect();
        match outcome {
            Ok(None) => all(&|| Built::Fresh),
            Ok(Some(elapsed)) => all(&|| Built::Done(elapsed)),
            Err(error) => {
                let mut names = self.actors.iter().map(|(name, _)| (*name).clone());
                let Some(first) = names.next() else { return Vec::new() };
                let like: Vec<_> = names.map(|name| (name, Built::Like(first.clone()))).collect();
                [(first, Built::Failed(error))].into_iter().chain(like).collect()
            }
        }
    }

    /// How long it took; none where nothing is stale.
    fn built(&self, bounds: &Bounds, told: &Sender<Step>) -> Result<Option<Duration>, BuildError> {
        let Self { build, folder, actors } = self;
        let mut is_stale = false;
        for (_, component) in actors {
            is_stale = is_stale || stale::is_stale(build, folder, component, bounds.watched_files)?;
        }
        let Some((first, _)) = actors.first().filter(|_| is_stale) else { return Ok(None) };
        let begun = Instant::now();
        // Whoever is told may have gone.
        let _ = told.send(Step::Building { actor: (*first).clone(), command: build.run.clone() });
        command::run(build, folder, bounds.build_time)?;
        let elapsed = begun.elapsed();
        let _ = told.send(Step::Built { actor: (*first).clone(), elapsed });
        Ok(Some(elapsed))
    }
}
