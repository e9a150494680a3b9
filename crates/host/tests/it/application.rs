//! Reading applications: what is refused, in which words, and what a lone component gets.

use std::fmt::Write as _;
use std::path::Path;

use host::application::{Application, ApplicationError, Bounds};
use model::manifest::ComponentRef;
use testkit::application::{chain, guest, root, run};
use testkit::http::get;

use crate::scene::{assert_get, assert_like, start};

/// A component that does nothing at all.
const EMPTY: &[u8] = b"\0asm\x0d\0\x01\0";
const MANIFEST: &str = "manifest = 1\n[application]\nname = \"test\"\n[actors.one]\ncomponent = \"one.wasm\"\n";

/// A file's name and content.
type File<'a> = (&'a str, &'a [u8]);

/// Why a folder with these files is no application; `DIR` stands for the folder.
fn refusal(files: &[File], open: &str, bounds: &Bounds) -> String {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    let error = Application::open_within(bounds, &folder.path().join(open), &mut |_| {}).err().unwrap();
    let text = match &error {
        ApplicationError::Manifest { source, .. } => format!("{error}: {source:?}"),
        error => chain(error),
    };
    text.replace(folder.path().to_str().unwrap(), "DIR")
}

#[test]
fn what_cannot_be_read_is_refused() {
    let missing = "there is no application at DIR/…; name a folder with a lath.toml, a manifest, or a component";
    let core = wasm_module();
    let cases: [(&[File], &str, &str); 10] = [
        (&[], "nowhere", missing),
        (&[("other.toml", b"")], "", missing),
        (&[("lath.toml", b"manifest = 1\nname = ")], "", "DIR/lath.toml has errors: …"),
        (
            &[("lath.toml", b"manifest = 1\n\xff")],
            "",
            "cannot read DIR/lath.toml: it is not UTF-8 text; save it as UTF-8",
        ),
        (
            &[("lath.toml", &vec![b'#'; (1 << 20) + 1])],
            "",
            "cannot read DIR/lath.toml: it is larger than 1048576 bytes, the most that is read",
        ),
        (
            &[("lath.toml", MANIFEST.as_bytes())],
            "lath.toml",
            "the component of actor one is not at DIR/one.wasm; build it, or say how with `build = { run = \"…\" }`",
        ),
        (
            &[("lath.toml", MANIFEST.as_bytes()), ("one.wasm", b"text")],
            "",
            "DIR/one.wasm is not WebAssembly; name a component, such as one built for wasm32-wasip2",
        ),
        (
            &[("lath.toml", MANIFEST.as_bytes()), ("one.wasm", b"\0asm\x0d\0\x01\0\xff")],
            "",
            "the component of actor one cannot be used: one.wasm is not a valid WebAssembly component: …",
        ),
        (
            &[("lath.toml", MANIFEST.as_bytes()), ("one.wasm", core)],
            "",
            "the component of actor one cannot be used: one.wasm is a core WebAssembly module without an embedded component \
             type: …",
        ),
        (&[("lone", b"\0asm\x0d\0\x01\0\xff")], "lone", "the component of DIR/lone cannot be used: …"),
    ];
    for (files, open, expected) in cases {
        assert_like(&refusal(files, open, &Bounds::default()), expected);
    }
}

/// The smallest core module.
fn wasm_module() -> &'static [u8] {
    b"\0asm\x01\0\0\0"
}

#[test]
fn components_and_adapters_are_bounded() {
    let bounds = Bounds { component_bytes: EMPTY.len() as u64 - 1, ..Bounds::default() };
    let adapters = "[adapters.\"a:b/c\"]\nsender = \"s.wasm\"\nreceiver = \"r.wasm\"\n";
    let adapters = format!("{}{adapters}", MANIFEST.split("[actors").next().unwrap());
    let cases: [(&str, &[File], &str); 3] = [
        ("one.wasm", &[("lath.toml", MANIFEST.as_bytes()), ("one.wasm", EMPTY)], ""),
        ("one.wasm", &[("one.wasm", EMPTY)], "one.wasm"),
        ("s.wasm", &[("lath.toml", adapters.as_bytes()), ("s.wasm", EMPTY), ("r.wasm", EMPTY)], ""),
    ];
    for (file, files, open) in cases {
        let expected = format!("cannot read DIR/{file}: it is larger than 7 bytes, the most that is read");
        assert_eq!(refusal(files, open, &bounds), expected);
        let bounds = Bounds { component_bytes: EMPTY.len() as u64, ..Bounds::default() };
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            std::fs::write(folder.path().join(name), content).unwrap();
        }
        Application::open_within(&bounds, &folder.path().join(open), &mut |_| {}).unwrap();
    }
}

#[test]
fn a_folder_a_manifest_and_a_component_are_applications() {
    let example = root().join("examples/kvcounter");
    for path in [example.clone(), example.join("lath.toml")] {
        let application = Application::open(&path, &mut |_| {}).unwrap();
        assert_eq!(application.path(), example.join("lath.toml"));
        assert_eq!(application.folder(), example);
        assert!(application.text().contains("name = \"kvcounter\""));
    }
}

/// The manifest of a lone component.
fn bare(path: &Path) -> String {
    Application::open(path, &mut |_| {}).unwrap().text().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lone_component_gets_what_it_needs() {
    let counter = root().join("examples/kvcounter/target/wasm32-wasip2/release/kvcounter.wasm");
    assert_eq!(
        bare(&counter),
        "# Made for \"kvcounter.wasm\"; save it as lath.toml to change it.\nmanifest = 1\n[application]\nname = \
         \"kvcounter\"\n\n[actors.kvcounter]\ncomponent = \"kvcounter.wasm\"\nlinks.\"lath:keyvalue/counter@0.1.0\" = { to = \
         \"keyvalue\" }\n\n[providers.keyvalue]\nuse = \"keyvalue/embedded\"\n\n[[routes]]\npath = \"/*\"\nto = \
         \"kvcounter\"\n"
    );
    let running = run(&counter).await.unwrap();
    assert_get(&running, "/a?amount=3", 200, r#"{"counter":3}"#).await;
    running.host.drain().await.unwrap();
    // No way in by HTTP, and a name that is none.
    assert!(!bare(&guest("wasm32-wasip2", "faulty")).contains("[["));
    let folder = tempfile::tempdir().unwrap();
    for (file, name) in [("My Counter.v2.wasm", "my-counter"), ("1.wasm", "app"), ("_.wasm", "app"), ("none", "none")] {
        std::fs::write(folder.path().join(file), EMPTY).unwrap();
        let text = bare(&folder.path().join(file));
        assert!(text.contains(&format!("[actors.{name}]\ncomponent = {file:?}")), "{text}");
    }
    // The text is a manifest whatever the file is called.
    for file in ["a \"b\\.wasm", "line\nfeed.wasm", "\u{301}mark.wasm", "\u{7f}.wasm"] {
        std::fs::write(folder.path().join(file), EMPTY).unwrap();
        let application = Application::open(&folder.path().join(file), &mut |_| {}).unwrap();
        let component = &application.manifest().actors.values().next().unwrap().component;
        assert_eq!(*component, ComponentRef::Path(file.into()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_parts_than_events_may_wait_come_up() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.wasm");
    std::fs::write(&empty, EMPTY).unwrap();
    let mut manifest = "[application]\nname = \"test\"\n".to_owned();
    for actor in 0..3 * host::limits::EVENTS_MAX {
        let _ = write!(manifest, "[actors.a{actor}]\ncomponent = {empty:?}\nlimits.instances = 1\n");
    }
    let running = start(&manifest).await;
    assert_eq!(running.host.stats().actors.len(), 3 * host::limits::EVENTS_MAX);
    assert_eq!(get(&running.url("/").unwrap()).await.unwrap().status, 404);
    running.host.drain().await.unwrap();
}
