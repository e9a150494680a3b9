use xtask::files::Text;
use xtask::tidy::sources;

#[test]
fn long_files_are_found() {
    let file = |lines| Text::new("crates/a/src/lib.rs", "x\n".repeat(lines));
    assert_eq!(sources::too_long(&[file(sources::LINES_MAX)]), Vec::<String>::new());
    assert!(sources::too_long(&[file(sources::LINES_MAX + 1)])[0].contains("801 lines"));
}

#[test]
fn words_for_not_done_are_found() {
    let check = |line: &str, bad: bool| {
        let found = sources::unfinished(&[Text::new("a.rs", format!("fn a() {{\n{line}\n}}"))]);
        assert_eq!(found.len(), usize::from(bad), "{line}: {found:?}");
        assert!(found.iter().all(|finding| finding.starts_with("a.rs:2: ")), "{found:?}");
    };
    check(concat!("to", "do!()"), true);
    check(concat!("let b = db", "g!(b);"), true);
    check(concat!("// FIX", "ME: later"), true);
    check(concat!("// XX", "X"), true);
    check(concat!("#[ig", "nore]"), true);
    check(concat!("#[ig", "nore = \"slow\"]"), true);
    check("// a todo list, MAXXXL and ignore", false);
}
