//! What an example's manifest builds is what `cargo x guests` builds, by the same command.

use toml::{Table, Value};

use crate::files::Text;
use crate::guests::Guest;

/// Looks for the build of every actor in `lath.toml` files among the guests.
pub fn check(files: &[Text], guests: &[Guest]) -> Vec<String> {
    let manifests = files.iter().filter(|file| file.path.ends_with("/lath.toml"));
    manifests.flat_map(|manifest| missing(manifest, guests)).collect()
}

fn missing(manifest: &Text, guests: &[Guest]) -> Vec<String> {
    let table: Table = match toml::from_str(&manifest.text) {
        Ok(table) => table,
        Err(error) => return vec![format!("{}: {}; mend it", manifest.path, error.message())],
    };
    let folder = manifest.path.strip_suffix("/lath.toml").unwrap_or_default();
    let actors = table.get("actors").and_then(Value::as_table);
    let builds = actors.into_iter().flatten().filter_map(|(actor, value)| Some((actor, value, value.get("build")?)));
    let strange = builds.filter(|(_, value, build)| !guests.iter().any(|guest| makes(guest, folder, value, build)));
    strange
        .map(|(actor, ..)| {
            format!("{}: no guest of `cargo x guests` is built as actor {actor} says; make them agree", manifest.path)
        })
        .collect()
}

fn makes(guest: &Guest, folder: &str, actor: &Value, build: &Value) -> bool {
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let component = join(folder, &text(actor, "component"));
    let same_place = guest.dir == join(folder, &text(build, "dir"));
    same_place && guest.run == text(build, "run") && guest.outputs.contains(&component.as_str())
}

/// `path`, seen from `folder`, without `..`.
fn join(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}
