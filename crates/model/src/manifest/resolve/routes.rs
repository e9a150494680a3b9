//! Routes: targets, and requests that two routes would take.

use std::collections::{BTreeMap, BTreeSet};

use super::super::file::RouteFile;
use super::super::leaf::At;
use super::super::route::{DomainName, Method, Route};
use super::super::route_path::RoutePath;
use super::super::tree::Notes;
use super::distinct;
use super::links::Names;

/// The first route that takes such requests.
type Taken = BTreeMap<(Option<DomainName>, RoutePath, Method), String>;

pub(super) fn resolve(files: Vec<RouteFile>, names: &Names, notes: &mut Notes) -> Vec<Route> {
    let mut taken = Taken::new();
    files.into_iter().filter_map(|file| route(file, names, &mut taken, notes)).collect()
}

fn route(file: RouteFile, names: &Names, taken: &mut Taken, notes: &mut Notes) -> Option<Route> {
    let to = file.to.and_then(|to| names.route_target(&to, notes));
    let methods = distinct(file.methods.unwrap_or_default(), notes);
    let via = names.chain(&file.via.unwrap_or_default(), notes);
    let host = file.host.map(|host| host.value);
    let path = file.path?;
    refuse_taken(&path, host.as_ref(), &methods, taken, notes);
    Some(Route { host, path: path.value, methods, to: to?, via })
}

fn refuse_taken(
    path: &At<RoutePath>,
    host: Option<&DomainName>,
    methods: &BTreeSet<Method>,
    taken: &mut Taken,
    notes: &mut Notes,
) {
    let every = BTreeSet::from(Method::ALL);
    let mut first = None;
    for method in if methods.is_empty() { &every } else { methods } {
        let request = (host.cloned(), path.value.shape(), *method);
        if let Some(earlier) = taken.get(&request) {
            first.get_or_insert((*method, earlier.clone()));
        } else {
            taken.insert(request, path.key.clone());
        }
    }
    if let Some((method, earlier)) = first {
        let message = format!("{method} {} is taken by `{earlier}` already", path.value);
        notes.fault_at(path, message, "change path, host or methods of one of them".to_owned());
    }
}
