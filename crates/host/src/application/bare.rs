//! The manifest of a lone component: each import linked to the first built-in provider that offers it, and every
//! HTTP request routed to it where it can take one.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use adapter::view::view;
use model::blueprint::HttpVersion;
use model::contract::ContractName;
use model::ids::{ActorName, ProviderName};
use model::view::{ComponentView, Port, Shape};
use plan::Inventory;

use super::parts::read_wasm;
use super::{ApplicationError, Bounds, MANIFEST};

/// The text of the manifest for the component at `path`.
pub(super) fn manifest(path: &Path, bounds: &Bounds, inventory: &Inventory) -> Result<String, ApplicationError> {
    let subject = path.display().to_string();
    let bytes = read_wasm(path, bounds.component_bytes)?;
    let view =
        view(&subject, &bytes).map_err(|source| ApplicationError::Component { owner: subject.clone(), source })?;
    let file = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    Ok(text(&file, &view, inventory))
}

fn text(file: &str, view: &ComponentView, inventory: &Inventory) -> String {
    let name = actor_name(file);
    let component = quoted(file);
    let mut text = format!("# Made for {component}; save it as {MANIFEST} to change it.\nmanifest = 1\n");
    let _ = write!(text, "[application]\nname = \"{name}\"\n\n[actors.{name}]\ncomponent = {component}\n");
    let mut providers = BTreeSet::new();
    for port in view.imports.iter().filter(|port| !inventory.host_satisfies(port)) {
        let Some((kind, provider)) = offered(port, inventory) else { continue };
        let _ = writeln!(text, "links.{} = {{ to = \"{provider}\" }}", quoted(&port.label));
        providers.insert((kind, provider));
    }
    for (kind, provider) in providers {
        let _ = write!(text, "\n[providers.{provider}]\nuse = \"{kind}\"\n");
    }
    if view.exports.iter().any(|port| serves(port, &inventory.ingress.name) || is_http(port)) {
        let _ = write!(text, "\n[[routes]]\npath = \"/*\"\nto = \"{name}\"\n");
    }
    text
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// The file's stem as a name; `app` where it cannot be one.
fn actor_name(file: &str) -> String {
    let stem = file.split('.').next().unwrap_or_default().to_ascii_lowercase().replace(['_', ' '], "-");
    stem.parse::<ActorName>().map_or_else(|_| "app".to_owned(), |name| name.to_string())
}

fn serves(port: &Port, ingress: &ContractName) -> bool {
    matches!(port.shape, Shape::Contract(_)) && port.contract.as_ref().is_some_and(|given| given.serves(ingress))
}

fn is_http(port: &Port) -> bool {
    port.contract.as_ref().and_then(HttpVersion::of).is_some()
}

/// The first kind of provider that offers what the port wants, and the provider's name: the kind's first word.
fn offered<'a>(port: &Port, inventory: &'a Inventory) -> Option<(&'a str, ProviderName)> {
    let wanted = port.contract.as_ref()?;
    let offers = |kind: &&'a String| {
        inventory.offers.get(*kind).is_some_and(|offer| {
            let mut names = offer.contracts.iter().map(|contract| &contract.name).chain(&offer.natives);
            names.any(|given| given.serves(wanted))
        })
    };
    let kind = inventory.offers.keys().find(offers)?;
    Some((kind, kind.split('/').next()?.parse().ok()?))
}
