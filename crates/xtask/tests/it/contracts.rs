use xtask::files::Text;
use xtask::tidy::contracts;

fn check(path: &str, text: &str, expected: Option<&str>) {
    let found = contracts::check(&[Text::new("wit/lath-rpc/types.wit", "package a;"), Text::new(path, text)]);
    assert_eq!(found.len(), usize::from(expected.is_some()), "{found:?}");
    assert!(found.iter().all(|finding| finding.contains(expected.unwrap_or_default())), "{found:?}");
}

#[test]
fn copies_are_equal() {
    check("examples/a/wit/deps/lath-rpc/types.wit", "package a;", None);
    check("examples/a/wit/deps/lath-rpc/types.wit", "package b;", Some("differs from wit/lath-rpc/types.wit"));
    check("examples/a/wit/deps/lath-rpc/more.wit", "", Some("wit/lath-rpc has no more.wit"));
    check("examples/a/wit/deps/acme-tax/tax.wit", "package c;", None);
    check("examples/a/wit/world.wit", "package d;", None);
}
