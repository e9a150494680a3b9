//! Where the corpus lies, and what in it is one source of WIT: as upstream's own tests take it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use adapter::source::{Source, WitFile};
use adapter::view::view;
use model::view::Port;
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{LiftLowerAbi, ManglingAndAbi, Resolve, SourceMap, WorldId, WorldItem, WorldKey};

/// The release whose tests are the corpus.
const RELEASE: &str = "0.263.";

/// Folders of the crates' tests whose entries are each one source: a file, or a folder with its `deps`.
const EACH_ENTRY: [&str; 4] = ["ui", "ui/parse-fail", "components", "interfaces"];

/// The source folder of a published crate, wherever cargo keeps it.
pub(crate) fn crate_folder(name: &str) -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // Packages of other platforms only need not be there.
    cargo.args(["metadata", "--format-version=1", "--locked", "--filter-platform=host-tuple", "--manifest-path"]);
    cargo.arg(manifest);
    let output = cargo.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let wanted = |package: &&serde_json::Value| {
        package["name"] == name && package["version"].as_str().is_some_and(|version| version.starts_with(RELEASE))
    };
    let found: Vec<&str> =
        packages.iter().filter(wanted).filter_map(|package| package["manifest_path"].as_str()).collect();
    let [manifest] = found.as_slice() else { panic!("{name} {RELEASE}* is there {} times", found.len()) };
    Path::new(manifest).parent().unwrap().to_owned()
}

/// A WIT file, or a folder of one package with its dependencies.
#[derive(Debug)]
pub(crate) struct Unit {
    pub(crate) path: PathBuf,
}

/// The sources of WIT in a crate's tests, in order of paths: what upstream takes as one, and every WIT file besides.
pub(crate) fn units(tests: &Path) -> Vec<Unit> {
    let mut paths: Vec<PathBuf> = EACH_ENTRY
        .iter()
        .map(|folder| tests.join(folder))
        .filter(|folder| folder.is_dir())
        .flat_map(|folder| entries(&folder))
        .filter(|path| path.is_dir() && !path.ends_with("ui/parse-fail") || is_wit(path))
        .collect();
    let merged = tests.join("merge");
    if merged.is_dir() {
        paths.extend(entries(&merged).iter().flat_map(|case| [case.join("from"), case.join("into")]));
        paths.push(tests.join("wit/parse-dir/wit"));
    }
    let alone: Vec<PathBuf> =
        wit_below(tests).into_iter().filter(|file| !paths.iter().any(|path| file.starts_with(path))).collect();
    paths.extend(alone);
    paths.sort();
    paths.into_iter().map(|path| Unit { path }).collect()
}

impl Unit {
    /// The unit as `wit-parser` reads it: with every feature, or with the one that upstream's tests activate.
    pub(crate) fn resolve(&self) -> Option<Resolve> {
        let all = Resolve { all_features: true, ..Resolve::default() };
        let active = Resolve { features: ["active".to_owned()].into_iter().collect(), ..Resolve::default() };
        let mut ways = [all.clone(), active].into_iter();
        let read = ways.find_map(|mut resolve| resolve.push_path(&self.path).is_ok().then_some(resolve));
        if self.has_encoded_dependency() { self.with_encoded_dependencies(all).or(read) } else { read }
    }

    /// The unit with dependencies in WebAssembly's text form, which `wit-parser` reads when built to.
    fn with_encoded_dependencies(&self, mut resolve: Resolve) -> Option<Resolve> {
        let deps = self.path.join("deps");
        for encoded in entries(&deps).iter().filter(|dep| is_encoded(dep)) {
            let decoded = wit_component::decode(&wat::parse_file(encoded).ok()?).ok()?;
            resolve.merge(decoded.resolve().clone()).ok()?;
        }
        let group = |files: Vec<WitFile>| {
            let mut map = SourceMap::new();
            files.iter().for_each(|file| map.push(Path::new(&file.path), file.text.clone()));
            map.parse().ok()
        };
        let others = dependencies(&deps).into_iter().map(group).collect::<Option<Vec<_>>>()?;
        resolve.push_groups(group(files(&self.path))?, others).ok()?;
        Some(resolve)
    }

    /// The unit as WIT text; none where text alone does not do: features, or dependencies that are encoded.
    pub(crate) fn source(&self) -> Option<Source> {
        let (main, dependencies) = if self.path.is_dir() {
            (files(&self.path), dependencies(&self.path.join("deps")))
        } else {
            (vec![file(&self.path)], Vec::new())
        };
        let source = Source::from_wit(&self.path.display().to_string(), &main, &dependencies);
        let upstream = Resolve::default().push_path(&self.path);
        let alike = source.is_ok() == upstream.is_ok() || self.has_encoded_dependency();
        assert!(alike, "{self:?}: {:?}, upstream {upstream:?}", source.err());
        source.ok()
    }

    fn has_encoded_dependency(&self) -> bool {
        let deps = self.path.join("deps");
        deps.is_dir() && entries(&deps).iter().any(|dep| is_encoded(dep))
    }
}

fn dependencies(folder: &Path) -> Vec<Vec<WitFile>> {
    let entries = if folder.is_dir() { entries(folder) } else { Vec::new() };
    let package = |path: PathBuf| if path.is_dir() { files(&path) } else { vec![file(&path)] };
    entries.into_iter().filter(|path| path.is_dir() || is_wit(path)).map(package).collect()
}

fn files(folder: &Path) -> Vec<WitFile> {
    entries(folder).iter().filter(|path| path.is_file() && is_wit(path)).map(|path| file(path)).collect()
}

fn file(path: &Path) -> WitFile {
    WitFile { path: path.display().to_string(), text: String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned() }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn wit_below(folder: &Path) -> Vec<PathBuf> {
    let below = |path: PathBuf| if path.is_dir() { wit_below(&path) } else { vec![path] };
    entries(folder).into_iter().flat_map(below).filter(|path| is_wit(path)).collect()
}

fn is_wit(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "wit")
}

fn is_encoded(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "wasm" || extension == "wat")
}

/// The interfaces that worlds declare inline, as components of these worlds show them.
pub(crate) fn inline_ports(unit: &Unit, resolve: &Resolve) -> Vec<Port> {
    let worlds = resolve.worlds.iter().filter(|(_, world)| {
        let mut items = world.imports.iter().chain(&world.exports);
        items.any(|(key, item)| is_inline(resolve, key, item))
    });
    worlds.flat_map(|(id, _)| ports(unit, resolve, id)).collect()
}

fn is_inline(resolve: &Resolve, key: &WorldKey, item: &WorldItem) -> bool {
    matches!((key, item), (WorldKey::Name(_), WorldItem::Interface { id, .. }) if resolve.interfaces[*id].name.is_none())
}

fn ports(unit: &Unit, resolve: &Resolve, world: WorldId) -> Vec<Port> {
    let mut module = dummy_module(resolve, world, ManglingAndAbi::Legacy(LiftLowerAbi::Sync));
    embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF8, false).unwrap();
    let encoded = ComponentEncoder::default().module(&module).and_then(|encoder| encoder.validate(true).encode());
    let component = encoded.unwrap_or_else(|error| panic!("{unit:?}: {error:#}"));
    let view = view(&unit.path.display().to_string(), &component).unwrap();
    view.imports.into_iter().chain(view.exports).filter(|port| port.contract.is_none()).collect()
}
