use xtask::files::Text;
use xtask::guests::Guest;
use xtask::tidy::manifests;

const GUEST: Guest =
    Guest { name: "a", dir: "examples/a/in", run: "make it", inputs: &[], outputs: &["examples/a/out/a.wasm"] };

fn check(actor: &str, expected: Option<&str>) {
    let files =
        [Text::new("examples/a/lath.toml", format!("[actors.a]\n{actor}")), Text::new("examples/a/Cargo.toml", "")];
    let found = manifests::check(&files, &[GUEST]);
    assert_eq!(found.len(), usize::from(expected.is_some()), "{found:?}");
    assert!(found.iter().all(|finding| finding.contains(expected.unwrap_or_default())), "{found:?}");
}

#[test]
fn builds_are_those_of_the_guests() {
    check("component = 'out/a.wasm'\nbuild = { run = 'make it', dir = 'in' }", None);
    check("component = '../a/out/a.wasm'\nbuild = { run = 'make it', dir = './in' }", None);
    check("component = 'out/a.wasm'", None);
    check("component = 'out/a.wasm'\nbuild = { run = 'make that', dir = 'in' }", Some("actor a"));
    check("component = 'out/b.wasm'\nbuild = { run = 'make it', dir = 'in' }", Some("actor a"));
    check("component = 'out/a.wasm'\nbuild = { run = 'make it' }", Some("actor a"));
    check("component = ", Some("examples/a/lath.toml"));
}
