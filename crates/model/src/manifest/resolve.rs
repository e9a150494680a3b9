//! From keys to a manifest: defaults, bounds, and references between actors, providers and routes.

mod clients;
mod links;
mod places;
mod providers;
mod routes;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::path::PathBuf;
use std::time::Duration;

use super::actor::{Actor, Build, Grants, Limits};
use super::duration::WrittenDuration;
use super::file::{
    ActorFile, AdapterFile, ApplicationFile, BuildFile, GrantsFile, LimitsFile, ManifestFile, ReadyFile,
};
use super::leaf::At;
use super::place::Spans;
use super::ready::Ready;
use super::tree::Notes;
use super::{CustomAdapter, Manifest};
use crate::ids::AppName;
use crate::limits;
use crate::placement::Place;
use links::Names;

/// What the manifest asks for. `None` only after an error was noted.
pub(super) fn resolve(file: ManifestFile, notes: &mut Notes) -> Option<Manifest> {
    let names = Names::of(&file, notes);
    let (name, deadline) = file.application.map_or((None, None), |file| application(file, notes));
    let actors = collected(file.actors, |file| actor(file, &names, notes));
    let providers = collected(file.providers, |file| providers::resolve(file, notes));
    let clients = collected(file.clients, |file| clients::resolve(file, &names, notes));
    let routes = routes::resolve(file.routes.unwrap_or_default(), &names, notes);
    file.manifest?;
    Some(Manifest {
        application: name?,
        deadline: deadline.unwrap_or(limits::DEADLINE_DEFAULT),
        actors,
        providers,
        routes,
        adapters: collected(file.adapters, adapter),
        clients,
        spans: Spans::default(),
    })
}

/// The entries that could be read, without their places.
fn collected<K: Ord, F, T>(
    files: Option<BTreeMap<At<K>, F>>,
    mut resolve: impl FnMut(F) -> Option<T>,
) -> BTreeMap<K, T> {
    let entries = files.unwrap_or_default().into_iter();
    entries.filter_map(|(key, file)| Some((key.value, resolve(file)?))).collect()
}

/// The values of a list, in which none is twice.
fn distinct<T: Ord + Display>(listed: Vec<At<T>>, notes: &mut Notes) -> BTreeSet<T> {
    let mut values = BTreeSet::new();
    for listed in listed {
        if values.contains(&listed.value) {
            notes.fault_at(&listed, format!("`{}` is listed twice", listed.value), "leave one out".to_owned());
        }
        values.insert(listed.value);
    }
    values
}

fn application(file: ApplicationFile, notes: &mut Notes) -> (Option<AppName>, Option<Duration>) {
    (file.name.map(|name| name.value), deadline(file.deadline, notes))
}

fn deadline(written: Option<At<WrittenDuration>>, notes: &mut Notes) -> Option<Duration> {
    duration(written, limits::DEADLINE_MAX, notes)
}

fn actor(file: ActorFile, names: &Names, notes: &mut Notes) -> Option<Actor> {
    let build = file.build.and_then(build);
    let limits = resolve_limits(file.limits.unwrap_or_default(), notes);
    let place = file.place.map_or_else(Place::default, |file| places::resolve(file, notes));
    let ready = file.ready.and_then(|file| ready(file, notes));
    let links = collected(file.links, |file| links::resolve(file, names, notes));
    let config = file.config.unwrap_or_default().into_iter().map(|(key, value)| (key.value, value.value)).collect();
    let grants = Grants { config, ..grants(file.grants, notes) };
    Some(Actor { component: file.component?.value, build, place, ready, limits, grants, links })
}

fn build(file: BuildFile) -> Option<Build> {
    let watch = file.watch.unwrap_or_default().into_iter().map(|pattern| pattern.value.0).collect();
    let dir = file.dir.map_or_else(|| PathBuf::from("."), |dir| dir.value);
    Some(Build { run: file.run?.value.0, dir, watch })
}

fn ready(file: ReadyFile, notes: &mut Notes) -> Option<Ready> {
    let within = duration(file.within, limits::READY_TIME_MAX, notes).unwrap_or(limits::READY_TIME_DEFAULT);
    Some(Ready { call: file.call?.value, within })
}

fn grants(file: Option<GrantsFile>, notes: &mut Notes) -> Grants {
    let Some(GrantsFile { env, http, network, folders }) = file else { return Grants::default() };
    let env = env.unwrap_or_default().into_iter().map(|(name, value)| (name.value.0, value.value)).collect();
    let folders = folders.unwrap_or_default();
    for folder in folders.iter().filter(|folder| !folder.value.path.is_absolute()) {
        let message = format!("the path of the folder `{}` is not absolute", folder.value);
        notes.fault_at(folder, message, "write where it is on the machine, such as `/srv/data::/data`".to_owned());
    }
    let (http, network, folders) = (values(http), values(network), values(Some(folders)));
    Grants { env, http, network, folders, ..Grants::default() }
}

fn values<T>(list: Option<Vec<At<T>>>) -> Vec<T> {
    list.unwrap_or_default().into_iter().map(|at| at.value).collect()
}

fn adapter(file: AdapterFile) -> Option<CustomAdapter> {
    Some(CustomAdapter { sender: file.sender?.value, receiver: file.receiver?.value })
}

fn resolve_limits(file: LimitsFile, notes: &mut Notes) -> Limits {
    let default = Limits::default();
    let mut size = |given, least, most, default| within(given, least, most, notes).unwrap_or(default);
    let memory = size(file.memory, limits::MEMORY_MIN, limits::MEMORY_MAX, default.memory);
    let message = size(file.message, limits::MESSAGE_MIN, limits::MESSAGE_MAX, default.message);
    let log = size(file.log, limits::LOG_MIN, limits::LOG_MAX, default.log);
    let mut count = |given, least, most, default| within(given, least, most, notes).unwrap_or(default);
    Limits {
        memory,
        message,
        log,
        instances: count(file.instances, 1, limits::INSTANCES_MAX, default.instances),
        queue: count(file.queue, 0, limits::QUEUE_MAX, default.queue),
        depth: count(file.depth, 1, limits::DEPTH_MAX, default.depth),
        reuse: count(file.reuse, 1, limits::REUSE_MAX, default.reuse),
        execution: duration(file.execution, limits::EXECUTION_MAX, notes).unwrap_or(default.execution),
    }
}

fn duration(written: Option<At<WrittenDuration>>, most: Duration, notes: &mut Notes) -> Option<Duration> {
    let least = WrittenDuration(Duration::from_millis(1));
    within(written, least, WrittenDuration(most), notes).map(|written| written.0)
}

/// The value, if it is within its bounds.
fn within<T: Copy + Ord + Display>(given: Option<At<T>>, least: T, most: T, notes: &mut Notes) -> Option<T> {
    let given = given?;
    if given.value < least || given.value > most {
        let message = format!("{} is out of bounds", given.value);
        notes.fault_at(&given, message, format!("write a value from {least} to {most}"));
        return None;
    }
    Some(given.value)
}
