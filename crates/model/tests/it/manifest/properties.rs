//! Whatever the text: an answer, and places that lie in it.

use super::whole::BUILT;
use model::manifest::parse;
use proptest::prelude::*;

/// Reads the text and checks the places of the errors.
fn check(text: &str) -> Result<(), TestCaseError> {
    let Err(errors) = parse(text) else { return Ok(()) };
    prop_assert!(!errors.errors().is_empty());
    for error in errors.errors() {
        prop_assert!(text.get(error.span.clone()).is_some(), "{:?} of {:?}", error.span, text);
    }
    prop_assert!(errors.errors().is_sorted_by_key(|error| error.span.start));
    Ok(())
}

/// Pieces that change what a manifest means.
fn piece() -> impl Strategy<Value = String> {
    let pieces = [
        "",
        "\n",
        "\"",
        "'''",
        "[",
        "]",
        "{",
        "}",
        ".",
        ",",
        "=",
        "#",
        "1",
        "-",
        "true",
        "[[routes]]\n",
        "[actors.x]\n",
        "manifest",
        "\u{0}",
        "ä",
        "1979-05-27",
        "{ oci = 1 }",
        "\"\"",
        "/",
        "*",
        "\\",
        "0x",
        "e",
        "\r",
    ];
    prop_oneof![proptest::sample::select(pieces.to_vec()).prop_map(str::to_owned), ".{0,4}"]
}

/// The built manifest with some places cut out and something else put in.
fn mutated() -> impl Strategy<Value = String> {
    let change = (any::<proptest::sample::Index>(), 0_usize..12, piece());
    proptest::collection::vec(change, 1..6).prop_map(|changes| {
        let mut text: Vec<char> = BUILT.chars().collect();
        for (at, cut, piece) in changes {
            let at = at.index(text.len() + 1);
            let end = (at + cut).min(text.len());
            text.splice(at..end, piece.chars());
        }
        text.into_iter().collect()
    })
}

/// The built manifest with one value put where another was: TOML all the same.
fn swapped() -> impl Strategy<Value = String> {
    let values: Vec<&str> = BUILT.split_inclusive(['=', ',', '[', ']', '{', '}', '\n']).collect();
    let index = any::<proptest::sample::Index>();
    (index.clone(), index).prop_map(move |(from, to)| {
        let mut parts = values.clone();
        let part = parts[from.index(parts.len())];
        let to = to.index(parts.len());
        parts[to] = part;
        parts.concat()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_000) })]

    #[test]
    fn any_text(text in any::<String>()) {
        check(&text)?;
    }

    #[test]
    fn any_lines(text in "(manifest = 1\n)?([a-z\\[\\]{}=\",. 0-9#-]{0,20}\n){0,8}") {
        check(&text)?;
    }

    #[test]
    fn a_changed_manifest(text in mutated()) {
        check(&text)?;
    }

    #[test]
    fn a_manifest_with_parts_swapped(text in swapped()) {
        check(&text)?;
    }
}

#[test]
fn deep_nesting_is_refused() {
    for (open, close) in [("[", "]"), ("{a=", "}")] {
        let text = format!("manifest = 1\nx = {}1{}", open.repeat(100_000), close.repeat(100_000));
        assert!(parse(&text).is_err());
    }
    assert!(parse(&format!("manifest = 1\n{}b = 1", "a.".repeat(100_000))).is_err());
}
