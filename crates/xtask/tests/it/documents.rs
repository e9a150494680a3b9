use xtask::files::Text;
use xtask::tidy::{documents, markdown};

#[test]
fn toml_blocks_parse() {
    let check = |code: &str, language: &str, bad: bool| {
        let text = format!("# A\n\n```{language}\n{code}\n```\n");
        let found = documents::bad_toml(&[Text::new("README.md", text)]);
        assert_eq!(found.len(), usize::from(bad), "{found:?}");
        assert!(found.iter().all(|finding| finding.starts_with("README.md:3: ")), "{found:?}");
    };
    check("a = 1", "toml", false);
    check("a = ", "toml", true);
    check("a = ", "sh", false);
}

#[test]
fn links_lead_to_files() {
    let check = |link: &str, expected: Option<&str>| {
        let text = format!("see [that]({link}) and\n```\n[no](link)\n```\n");
        let exists = |path: &str| path == "docs/LIMITS.md";
        let found = documents::dead_links(&[Text::new("docs/a.md", text)], exists);
        assert_eq!(found.len(), usize::from(expected.is_some()), "{found:?}");
        assert!(found.iter().all(|finding| finding.contains(expected.unwrap_or_default())), "{found:?}");
    };
    check("LIMITS.md", None);
    check("LIMITS.md#top", None);
    check("#here", None);
    check("https://example.com/a.md", None);
    check("GONE.md", Some("docs/a.md:1: there is no docs/GONE.md"));
}

#[test]
fn tables_are_read_without_heads() {
    let text = "| a | b |\n|:--|---|\n| `x` | y, `z` |\n";
    assert_eq!(markdown::rows(text), [["x", "y, z"]]);
    assert_eq!(markdown::names("y, z"), ["y", "z"]);
}
