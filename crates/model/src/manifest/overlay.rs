//! Overlays: what an environment, such as `prod`, has otherwise than the rest of the manifest.
//!
//! An overlay is merged deep: a table key by key, everything else as a whole. Values keep their places in the text, so that
//! what is wrong with one is shown where it stands.

use std::borrow::Cow;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::suggestion;
use super::place;
use super::tree::Notes;
use crate::ids::EnvName;

/// The key of overlays.
pub(super) const ENV: &str = "env";
/// What an overlay may have.
pub(super) const KEYS: [&str; 6] = ["application", "actors", "providers", "routes", "adapters", "clients"];

/// Merges the overlay of `env`, where one is wanted, and takes all of them out.
pub(super) fn apply(root: &mut DeTable<'_>, env: Option<&EnvName>, notes: &mut Notes) {
    let overlays = root.remove(ENV);
    let Some(overlays) = &overlays else {
        if let Some(env) = env {
            let help = format!("add a table `env.{env}`, or leave out `--env`");
            notes.fault(ENV, 0..0, "the manifest has no environments".to_owned(), Some(help));
        }
        return;
    };
    let Some(all) = overlays.get_ref().as_table() else {
        let help = Some("for example [env.prod.providers]".to_owned());
        return notes.fault(ENV, overlays.span(), "`env` is a table of environments".to_owned(), help);
    };
    let named: Vec<_> = all.iter().filter_map(|(name, value)| read(name, value, notes)).collect();
    let Some(env) = env else { return };
    match named.iter().find(|(name, _)| *name == env.as_str()) {
        Some((_, overlay)) => {
            let known = KEYS.iter().filter_map(|key| overlay.get_key_value(*key));
            known.for_each(|(key, value)| put(root, key, value));
        }
        None if all.contains_key(env.as_str()) => {}
        None => {
            let names: Vec<_> = named.iter().map(|(name, _)| *name).collect();
            let help = suggestion(env.as_str(), "environments", &names);
            notes.fault(ENV, overlays.span(), format!("there is no environment `{env}`"), Some(help));
        }
    }
}

/// An overlay under its name. Refuses names and keys that none has.
fn read<'a, 't>(
    name: &'a Spanned<Cow<'t, str>>,
    value: &'a Spanned<DeValue<'t>>,
    notes: &mut Notes,
) -> Option<(&'a str, &'a DeTable<'t>)> {
    let at = place::child(ENV, name.get_ref());
    if let Err(error) = name.get_ref().parse::<EnvName>() {
        notes.fault(&at, name.span(), error.to_string(), None);
        return None;
    }
    let Some(overlay) = value.get_ref().as_table() else {
        let message = format!("environment `{}` is a table of what is otherwise there", name.get_ref());
        notes.fault(&at, value.span(), message, Some("for example [env.prod.providers]".to_owned()));
        return None;
    };
    for key in overlay.keys().filter(|key| !KEYS.contains(&key.get_ref().as_ref())) {
        let message = format!("unknown key `{}`", key.get_ref());
        let help = suggestion(key.get_ref(), "keys", &KEYS);
        notes.fault(&place::child(&at, key.get_ref()), key.span(), message, Some(help));
    }
    Some((name.get_ref(), overlay))
}

fn put<'a>(base: &mut DeTable<'a>, key: &Spanned<Cow<'a, str>>, value: &Spanned<DeValue<'a>>) {
    match (base.get_mut(key.get_ref().as_ref()).map(Spanned::get_mut), value.get_ref()) {
        (Some(DeValue::Table(base)), DeValue::Table(over)) => {
            over.iter().for_each(|(key, value)| put(base, key, value));
        }
        _ => {
            base.insert(key.clone(), value.clone());
        }
    }
}

/// The text of a manifest that is the same without overlays as `text` is with that of `env`. Text without any stays as it
/// is; of other text comments are lost.
pub(super) fn merged<'a>(text: &'a str, env: Option<&EnvName>) -> Cow<'a, str> {
    let Ok(mut root) = text.parse::<toml::Table>() else { return Cow::Borrowed(text) };
    let Some(overlays) = root.remove(ENV) else { return Cow::Borrowed(text) };
    if let Some(toml::Value::Table(overlay)) = env.and_then(|env| overlays.get(env.as_str())) {
        merge_values(&mut root, overlay);
    }
    toml::to_string(&root).map_or(Cow::Borrowed(text), Cow::Owned)
}

fn merge_values(base: &mut toml::Table, overlay: &toml::Table) {
    for (key, value) in overlay {
        match (base.get_mut(key), value) {
            (Some(toml::Value::Table(base)), toml::Value::Table(over)) => merge_values(base, over),
            _ => {
                base.insert(key.clone(), value.clone());
            }
        }
    }
}
