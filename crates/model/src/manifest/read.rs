//! From text to keys: TOML, then every table with its known keys.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Manifest;
use super::error::{Fault, ManifestErrors, placed};
use super::file::{
    ActorFile, AdapterFile, ApplicationFile, BuildFile, ClientFile, GrantsFile, LimitsFile, LinkFile, ManifestFile,
    PlaceFile, ProviderFile, ReadyFile, RouteFile,
};
use super::leaf::{At, FileVersion, Leaf};
use super::overlay;
use super::resolve::resolve;
use super::route::Method;
use super::tree::{Node, Notes, Table};
use crate::ids::EnvName;
use crate::limits::MANIFEST_BYTES_MAX;

/// Reads a manifest.
pub(super) fn read(text: &str, env: Option<&EnvName>) -> Result<Manifest, ManifestErrors> {
    if text.len() > MANIFEST_BYTES_MAX {
        return Err(placed(text, vec![too_long("the manifest", text.len(), "divide the application")]));
    }
    let (mut root, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let faults = errors.iter().map(|error| syntax_fault(error, text)).collect();
        return Err(placed(text, faults));
    }
    let mut notes = Notes::default();
    if !is_version_known(root.get_ref()) {
        Table::root(root.get_ref()).leaf::<FileVersion>("manifest", &mut notes);
        return Err(placed(text, notes.faults));
    }
    overlay::apply(root.get_mut(), env, &mut notes);
    let file = manifest(Table::root(root.get_ref()), &mut notes);
    let manifest = resolve(file, &mut notes);
    match manifest {
        Some(manifest) if notes.faults.is_empty() => Ok(Manifest { spans: notes.spans, ..manifest }),
        _ => Err(placed(text, notes.faults)),
    }
}

pub(super) fn too_long(what: &str, bytes: usize, help: &str) -> Fault {
    let message = format!("{what} has {bytes} bytes, at most {MANIFEST_BYTES_MAX} are read");
    Fault { span: 0..0, key: String::new(), message, help: Some(help.to_owned()) }
}

pub(super) fn syntax_fault(error: &toml::de::Error, text: &str) -> Fault {
    let span = error.span().unwrap_or(text.len()..text.len());
    Fault { span, key: String::new(), message: format!("not TOML: {}", error.message()), help: None }
}

/// A manifest of another version has other keys: nothing more can be said of it. One without is read on.
fn is_version_known(root: &DeTable<'_>) -> bool {
    let version = root.get("manifest").map(Spanned::get_ref);
    version.is_none_or(|version| !matches!(version, DeValue::Integer(_)) || FileVersion::read(version).is_ok())
}

fn manifest(mut table: Table<'_>, notes: &mut Notes) -> ManifestFile {
    let file = ManifestFile {
        manifest: table.need_leaf("manifest", notes),
        application: table.need("application", r#"{ name = "shop" }"#, notes).and_then(|node| application(node, notes)),
        actors: open(&mut table, "actors", r#"[actors.cart]"#, notes).map(|actors| actors.entries(notes, actor)),
        providers: open(&mut table, "providers", r#"{ kv = { use = "keyvalue/embedded" } }"#, notes)
            .map(|providers| providers.entries(notes, provider)),
        routes: table.take("routes", notes).and_then(|node| routes(node, notes)),
        adapters: open(&mut table, "adapters", r#"{ "lath:keyvalue/counter" = { … } }"#, notes)
            .map(|adapters| adapters.entries(notes, adapter)),
        clients: open(&mut table, "clients", r#"{ nightly = { may = ["cart/acme:shop/cart"] } }"#, notes)
            .map(|clients| clients.entries(notes, client)),
    };
    // It is merged, and known.
    let _ = table.take(overlay::ENV, notes);
    table.close(notes);
    file
}

fn open<'a>(table: &mut Table<'a>, key: &'static str, example: &str, notes: &mut Notes) -> Option<Table<'a>> {
    table.take(key, notes)?.table(example, notes)
}

fn application(node: Node<'_>, notes: &mut Notes) -> Option<ApplicationFile> {
    let mut table = node.table(r#"{ name = "shop" }"#, notes)?;
    let file = ApplicationFile { name: table.need_leaf("name", notes), deadline: table.leaf("deadline", notes) };
    table.close(notes);
    Some(file)
}

fn actor(node: Node<'_>, notes: &mut Notes) -> Option<ActorFile> {
    let mut table = node.table(r#"{ component = "cart.wasm" }"#, notes)?;
    let file = ActorFile {
        component: table.need_leaf("component", notes),
        build: table.take("build", notes).and_then(|node| build(node, notes)),
        place: table.take("place", notes).and_then(|node| place(node, notes)),
        ready: table.take("ready", notes).and_then(|node| ready(node, notes)),
        limits: table.take("limits", notes).and_then(|node| limits(node, notes)),
        grants: table.take("grants", notes).and_then(|node| grants(node, notes)),
        config: open(&mut table, "config", r#"{ currency = "EUR" }"#, notes)
            .map(|config| config.entries(notes, Node::leaf)),
        links: open(&mut table, "links", r#"{ "acme:tax/rates" = { to = "tax" } }"#, notes)
            .map(|links| links.entries(notes, link)),
    };
    table.later(ActorFile::LATER, notes);
    table.close(notes);
    Some(file)
}

fn build(node: Node<'_>, notes: &mut Notes) -> Option<BuildFile> {
    let mut table = node.table(r#"{ run = "cargo build --release" }"#, notes)?;
    let file = BuildFile {
        run: table.need_leaf("run", notes),
        dir: table.leaf("dir", notes),
        watch: table.take("watch", notes).and_then(|node| node.list(notes)),
    };
    table.close(notes);
    Some(file)
}

fn place(node: Node<'_>, notes: &mut Notes) -> Option<PlaceFile> {
    let mut table = node.table(r#"{ replicas = 3, spread = "zone", on = { tier = "web" } }"#, notes)?;
    let file = PlaceFile {
        replicas: table.leaf("replicas", notes),
        spread: table.leaf("spread", notes),
        on: open(&mut table, "on", r#"{ tier = "web" }"#, notes).map(|on| on.entries(notes, Node::leaf)),
        everywhere: table.leaf("everywhere", notes),
    };
    table.close(notes);
    Some(file)
}

fn ready(node: Node<'_>, notes: &mut Notes) -> Option<ReadyFile> {
    let mut table = node.table(r#"{ call = "acme:shop/health#ready" }"#, notes)?;
    let file = ReadyFile { call: table.need_leaf("call", notes), within: table.leaf("within", notes) };
    table.close(notes);
    Some(file)
}

fn limits(node: Node<'_>, notes: &mut Notes) -> Option<LimitsFile> {
    let mut table = node.table(r#"{ memory = "64MiB" }"#, notes)?;
    let file = LimitsFile {
        memory: table.leaf("memory", notes),
        instances: table.leaf("instances", notes),
        execution: table.leaf("execution", notes),
        queue: table.leaf("queue", notes),
        message: table.leaf("message", notes),
        depth: table.leaf("depth", notes),
        log: table.leaf("log", notes),
        reuse: table.leaf("reuse", notes),
    };
    table.close(notes);
    Some(file)
}

fn grants(node: Node<'_>, notes: &mut Notes) -> Option<GrantsFile> {
    let mut table = node.table(r#"{ env = { TZ = "UTC" } }"#, notes)?;
    let env = open(&mut table, "env", r#"{ TZ = "UTC" }"#, notes);
    let env = env.map(|env| env.entries(notes, Node::leaf));
    let file = GrantsFile {
        env,
        http: table.take("http", notes).and_then(|node| node.list(notes)),
        network: table.take("network", notes).and_then(|node| node.list(notes)),
        folders: table.take("folders", notes).and_then(|node| node.list(notes)),
    };
    table.close(notes);
    Some(file)
}

fn link(node: Node<'_>, notes: &mut Notes) -> Option<LinkFile> {
    let mut table = node.table(r#"{ to = "tax" }"#, notes)?;
    let file = LinkFile {
        to: table.need_leaf("to", notes),
        reach: table.leaf("reach", notes),
        deadline: table.leaf("deadline", notes),
        contract: table.leaf("contract", notes),
        on_failure: table.leaf("on-failure", notes),
        idempotent: table.take("idempotent", notes).and_then(|node| node.list(notes)),
        open: open(&mut table, "open", r#"{ sessions = "redis" }"#, notes).map(|open| open.entries(notes, Node::leaf)),
        via: table.take("via", notes).and_then(|node| node.list(notes)),
    };
    table.close(notes);
    Some(file)
}

fn provider(node: Node<'_>, notes: &mut Notes) -> Option<ProviderFile> {
    let mut table = node.table(r#"{ use = "keyvalue/embedded" }"#, notes)?;
    let kind = table.need_leaf("use", notes);
    let config = open(&mut table, "config", r#"{ durability = "group" }"#, notes);
    let config = config.map(|config| config.entries(notes, Node::leaf));
    let file = ProviderFile { kind, config, contract: table.leaf("contract", notes) };
    table.close(notes);
    Some(file)
}

fn routes(node: Node<'_>, notes: &mut Notes) -> Option<Vec<RouteFile>> {
    let nodes = node.elements("an array of tables", "[[routes]]", notes)?;
    Some(nodes.into_iter().filter_map(|node| route(node, notes)).collect())
}

fn route(node: Node<'_>, notes: &mut Notes) -> Option<RouteFile> {
    let mut table = node.table(r#"{ path = "/cart", to = "cart" }"#, notes)?;
    let file = RouteFile {
        host: table.leaf("host", notes),
        path: table.need_leaf("path", notes),
        methods: table.take("methods", notes).and_then(|node| methods(node, notes)),
        to: table.need_leaf("to", notes),
        via: table.take("via", notes).and_then(|node| node.list(notes)),
    };
    table.close(notes);
    Some(file)
}

fn methods(node: Node<'_>, notes: &mut Notes) -> Option<Vec<At<Method>>> {
    if node.is_empty_array() {
        node.fault(notes, "no method is listed", "list one, or leave out the key to take every one");
        return None;
    }
    node.list(notes)
}

fn adapter(node: Node<'_>, notes: &mut Notes) -> Option<AdapterFile> {
    let mut table = node.table(r#"{ sender = "s.wasm", receiver = "r.wasm" }"#, notes)?;
    let file = AdapterFile { sender: table.need_leaf("sender", notes), receiver: table.need_leaf("receiver", notes) };
    table.close(notes);
    Some(file)
}

fn client(node: Node<'_>, notes: &mut Notes) -> Option<ClientFile> {
    let mut table = node.table(r#"{ may = ["cart/acme:shop/cart"] }"#, notes)?;
    let may = table.need("may", r#"["cart/acme:shop/cart"]"#, notes).and_then(|node| node.list(notes));
    table.close(notes);
    Some(ClientFile { may })
}
