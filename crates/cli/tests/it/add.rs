//! `lath add`: WIT, world and manifest, each with what was there kept.

use std::fs;
use std::path::Path;

use tempfile::TempDir;
use testkit::application::root;

use crate::lath::{Ended, lath_in};

/// An application whose `caller` is to call, and whose `rates` answers; both have WIT of their own.
const MANIFEST: &str = "\
# An application.
manifest = 1
[application]
name = \"mine\"

[actors.caller] # calls
component = \"caller/caller.wasm\"
build = { run = \"componentize-qjs --wit=wit --world caller --js app.js -o caller.wasm\", dir = \"caller\" }
# Before the links.
place = { replicas = 2 }

# It answers.
[actors.rates]
component = \"rates/rates.wasm\"
build = { run = \"cargo build\", dir = \"rates\" }
";

const TAX: &str = "\
package acme:tax@1.0.0;

/// Types.
interface types {
    /// A rate.
    record rate { hundredths: u32 }
}

/// Rates.
interface rates {
    use types.{rate};
    /// The rate of a country.
    rate-of: func(country: string) -> result<rate, string>;
}

world answers { export rates; }
";

const CALLER: &str = "\
package acme:caller;

// world caller { in a comment }
/* world caller { /* in another */ } */
world other {}

/// It calls.
world caller {
    // Nothing yet.
    export run: func();
}
";

fn write(folder: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

fn application() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let files = [("lath.toml", MANIFEST), ("caller/wit/caller.wit", CALLER), ("rates/wit/tax.wit", TAX)];
    write(folder.path(), &files);
    folder
}

fn add(folder: &TempDir, args: &[&str]) -> Ended {
    lath_in(folder.path(), [&["add"], args].concat())
}

fn read(folder: &TempDir, path: &str) -> String {
    fs::read_to_string(folder.path().join(path)).unwrap()
}

/// What a refusal said; nothing was written.
fn refused(folder: &TempDir, args: &[&str]) -> String {
    let before = (read(folder, "lath.toml"), read(folder, "caller/wit/caller.wit"));
    let had_deps = folder.path().join("caller/wit/deps").exists();
    let ended = add(folder, args);
    assert_ne!(ended.code, 0, "{args:?}: {ended:#?}");
    assert_eq!(ended.stdout, "", "{args:?}");
    assert_eq!((read(folder, "lath.toml"), read(folder, "caller/wit/caller.wit")), before, "{args:?}");
    assert_eq!(folder.path().join("caller/wit/deps").exists(), had_deps, "{args:?}");
    // Lines of a diagnostic are as wide as they happen to be.
    ended.stderr.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ")
}

#[test]
fn a_contract_of_an_actor_is_added_once() {
    let folder = application();
    let first = add(&folder, &["rates", "--to", "caller"]);
    insta::assert_snapshot!("add", first.success());
    insta::assert_snapshot!("add-manifest", read(&folder, "lath.toml"));
    insta::assert_snapshot!("add-world", read(&folder, "caller/wit/caller.wit"));
    let deps = ["rates", "types"].map(|name| read(&folder, &format!("caller/wit/deps/acme-tax/{name}.wit")));
    insta::assert_snapshot!("add-deps", deps.join("\n"));
    for again in
        [&["acme:tax/rates", "--to", "caller"][..], &["acme:tax/rates@1.0.0", "--to", "caller", "--from", "rates"]]
    {
        let text = add(&folder, again);
        assert!(text.success().contains("everything was there already"), "{text:#?}");
    }
    assert_eq!(read(&folder, "lath.toml").matches("acme:tax/rates").count(), 1);
}

#[test]
fn a_contract_comes_from_wit_from_a_component_and_from_lath() {
    let component = root().join("examples/shop/tax/build/tax.wasm");
    let component = component.canonicalize().unwrap();
    let wit = root().join("examples/shop/wit/deps/acme-tax/tax.wit").canonicalize().unwrap();
    let made = [component, wit].map(|source| {
        let folder = application();
        // The actor's contract is another one of this name.
        write(
            folder.path(),
            &[("rates/wit/tax.wit", "package acme:none;\ninterface none { f: func(); }\nworld w { export none; }\n")],
        );
        let args = ["acme:tax/rates", "--to", "caller", "--from", source.to_str().unwrap(), "--format", "json"];
        let json = add(&folder, &args).json();
        assert_eq!(json["contract"], "acme:tax/rates@1.0.0");
        assert_eq!(json["link"], serde_json::Value::Null);
        assert!(json["left"][0].as_str().unwrap().contains("links.\"acme:tax/rates\""), "{json}");
        assert_eq!(read(&folder, "lath.toml"), MANIFEST);
        // The same again, from the other kind of source, changes nothing.
        let json = add(&folder, &args).json();
        assert_eq!(json["written"], serde_json::json!([]));
        folder
    });
    let [of_component, of_wit] = made;
    let again = add(
        &of_component,
        &["acme:tax/rates", "--to", "caller", "--from", of_wit.path().join("caller/wit").to_str().unwrap()],
    );
    assert!(!again.success().contains("written"), "{again:#?}");

    let folder = application();
    write(
        folder.path(),
        &[("lath.toml", &format!("{MANIFEST}\n[providers]\nkv = {{ use = \"keyvalue/memory\" }} # a store\n"))],
    );
    let json = add(&folder, &["lath:keyvalue/store", "--to", "caller", "--format", "json"]).json();
    assert_eq!((&json["link"], &json["left"]), (&"kv".into(), &serde_json::json!([])), "{json}");
    let text = read(&folder, "lath.toml");
    assert!(text.contains("links.\"lath:keyvalue/store\" = { to = \"kv\" }") && text.contains("# a store"), "{text}");
}

#[test]
fn links_are_written_where_an_actor_has_them() {
    let dotted = MANIFEST.replace("# Before the links.", "links.\"acme:other/it\" = { to = \"rates\" } # mine");
    let table = format!("{MANIFEST}[actors.caller.links] # mine\n\"acme:other/it\" = {{ to = \"rates\" }}\n");
    let own = format!("{MANIFEST}[actors.caller.links.\"acme:other/it\"] # mine\nto = \"rates\"\n");
    let line = "manifest = 1\n[application]\nname = \"mine\"\n[actors]\n# mine\ncaller = { component = \"caller/caller.wasm\" }\n\
                rates = { component = \"rates/rates.wasm\" }\n";
    let mut written = String::new();
    for manifest in [dotted.as_str(), &table, &own, line] {
        let folder = application();
        write(folder.path(), &[("lath.toml", manifest)]);
        add(&folder, &["rates", "--to", "caller"]).success();
        written += &format!("{}\n---\n", read(&folder, "lath.toml"));
    }
    assert_eq!(written.matches("mine\n").count() - written.matches("[mine").count(), 4, "{written}");
    insta::assert_snapshot!("add-links", written);
}

#[test]
fn what_differs_is_refused_and_named() {
    let folder = application();
    let two = TAX.replace("@1.0.0", "@2.0.0");
    let other = TAX.replace("hundredths: u32", "hundredths: u64");
    write(folder.path(), &[("two.wit", &two), ("other.wit", &other), ("empty/readme", "")]);
    let spare: &[(&[&str], &str)] = &[
        (&["rates", "--to", "nobody"], "there is no actor nobody"),
        (&["rates", "--to", "caller", "--from", "missing.wit"], "cannot read missing.wit"),
        (&["rates", "--to", "caller", "--from", "empty"], "holds no .wit file"),
        (&["rates", "--to", "caller", "--from", "ghcr.io/acme/tax:1"], "not fetched from registries yet"),
        (&["acme:tax/none", "--to", "caller"], "no actor of the application exports acme:tax/none"),
        (&["none", "--to", "caller", "--from", "rates"], "no contract `none`"),
    ];
    for (args, said) in spare {
        let text = refused(&folder, args);
        assert!(text.contains(said), "{args:?}: {text}");
    }
    add(&folder, &["rates", "--to", "caller"]).success();
    let text = refused(&folder, &["rates", "--to", "caller", "--from", "two.wit"]);
    assert!(text.contains("acme:tax/rates@1.0.0") && text.contains("acme:tax/rates@2.0.0"), "{text}");
    let text = refused(&folder, &["rates", "--to", "caller", "--from", "other.wit"]);
    assert!(text.contains("acme:tax/types@1.0.0 is not the same"), "{text}");
}

#[test]
fn what_cannot_be_written_whole_is_not_written() {
    let folder = application();
    let types = "package acme:types@1.0.0;\ninterface types { record rate { hundredths: u32 } }\n";
    let tax =
        "package acme:tax@1.0.0;\ninterface rates { use acme:types/types@1.0.0.{rate}; rate-of: func() -> rate; }\n";
    // A file is where the second package's folder is to be.
    let files =
        [("tax/tax.wit", tax), ("tax/deps/acme-types/types.wit", types), ("caller/wit/deps/acme-types", "mine")];
    write(folder.path(), &files);
    let text = refused(&folder, &["acme:tax/rates", "--to", "caller", "--from", "tax"]);
    assert!(text.contains("acme-types/types.wit"), "{text}");
    assert!(!folder.path().join("caller/wit/deps/acme-tax").exists());
    assert_eq!(read(&folder, "caller/wit/deps/acme-types"), "mine");
}

#[test]
fn ends_of_lines_and_spaces_in_paths_stay() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = MANIFEST.replace("\"caller", "\"the caller").replace('\n', "\r\n");
    let world = CALLER.replace('\n', "\r\n");
    let files = [("lath.toml", &*manifest), ("the caller/wit/caller.wit", &world), ("rates/wit/tax.wit", TAX)];
    write(folder.path(), &files);
    add(&folder, &["rates", "--to", "caller"]).success();
    for path in ["lath.toml", "the caller/wit/caller.wit"] {
        let text = read(&folder, path);
        assert!(text.contains("acme:tax/rates"), "{text}");
        assert_eq!(text.matches('\n').count(), text.matches("\r\n").count(), "{path}: {text:?}");
    }
}

#[test]
fn a_link_that_leads_elsewhere_and_two_who_answer_are_told() {
    let folder = application();
    let more = format!(
        "{MANIFEST}\n[actors.more]\ncomponent = \"more.wasm\"\nbuild = {{ run = \"cargo build\", dir = \"rates\" }}\n"
    );
    write(folder.path(), &[("lath.toml", &more)]);
    let text = refused(&folder, &["rates", "--to", "caller"]);
    assert!(text.contains("both actor more and actor rates export rates"), "{text}");
    add(&folder, &["rates", "--to", "caller", "--from", "more"]).success();
    let text = refused(&folder, &["rates", "--to", "caller", "--from", "rates"]);
    assert!(text.contains("to actor `more` already, not to actor `rates`"), "{text}");
}

#[test]
fn where_the_world_cannot_be_told_the_line_is() {
    let folder = application();
    write(folder.path(), &[("lath.toml", &MANIFEST.replace("--world caller ", ""))]);
    write(folder.path(), &[("caller/wit/caller.wit", "package acme:caller;\nworld one {}\nworld two {}\n")]);
    let ended = add(&folder, &["rates", "--to", "caller"]);
    assert!(ended.success().contains("import acme:tax/rates@1.0.0;"), "{ended:#?}");
    assert!(ended.stdout.contains("to add by hand, in the world in caller/wit"), "{ended:#?}");
    assert_eq!(read(&folder, "caller/wit/caller.wit"), "package acme:caller;\nworld one {}\nworld two {}\n");
    // A world in one line gets a line for the import.
    write(folder.path(), &[("caller/wit/caller.wit", "package acme:caller;\nworld caller { export run: func(); }\n")]);
    add(&folder, &["rates", "--to", "caller"]).success();
    let text = read(&folder, "caller/wit/caller.wit");
    assert_eq!(text, "package acme:caller;\nworld caller {\n  import acme:tax/rates@1.0.0;\n  export run: func(); }\n");
}

#[test]
fn outside_an_application_nothing_is_added() {
    let folder = tempfile::tempdir().unwrap();
    let ended = add(&folder, &["rates", "--to", "caller"]);
    assert_eq!(ended.code, 2, "{ended:#?}");
    assert!(ended.stderr.contains("no lath.toml here"), "{ended:#?}");
}
