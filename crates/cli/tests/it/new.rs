//! `lath new`: names, clashes, and every template made, built with the pinned tools, and run.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use testkit::application::root;

use crate::lath::{Ended, command, ended, lath, lath_in};
use crate::run::Serving;

/// An application of its user's, with comments in every place.
const MINE: &str = "\
# Mine.
manifest = 1 # the first

[application]
name = \"mine\"   # not yours

# It counts.
[actors.counter]
component = \"counter.wasm\"
links.\"lath:keyvalue/counter\" = { to = \"kv\" } # in memory

[providers]
kv = { use = \"keyvalue/memory\" }

# Last, and on purpose.
[[routes]]
path = \"/*\"
to = \"counter\"
# The end.
";

/// A folder with the application of [`MINE`].
fn mine() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("lath.toml"), MINE).unwrap();
    folder
}

/// The files below a folder, by their paths in it.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                found.insert(name, fs::read_to_string(path).unwrap());
            }
        }
    }
    found
}

/// The tools of `cargo x setup`, and one folder for what cargo makes on the way, so that bindings are compiled once.
fn variables() -> Vec<(String, String)> {
    let root = root().canonicalize().unwrap();
    let tools = ["target/tools/node/node_modules/.bin", "target/tools/python/bin"].map(|folder| root.join(folder));
    let before = env::var_os("PATH").unwrap();
    let path = env::join_paths(tools.into_iter().chain(env::split_paths(&before))).unwrap();
    let shared = root.join("examples/target/build");
    [
        ("PATH", path.to_str().unwrap()),
        ("CARGO_BUILD_BUILD_DIR", shared.to_str().unwrap()),
        ("CARGO_TARGET_DIR", "target"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

fn built_in(folder: &Path, args: &[&str]) -> Ended {
    ended(command(args).current_dir(folder).envs(variables()))
}

#[test]
fn names_are_kebab_case_and_free_in_every_language() {
    let folder = tempfile::tempdir().unwrap();
    let long = "a".repeat(56);
    for (name, said) in [
        ("MyShop", "such as `my-shop`"),
        ("my_shop", "such as `my-shop`"),
        ("2fast", "each beginning with a letter"),
        ("a--b", "such as `a-b`"),
        ("../up", "such as `up`"),
        ("", "single hyphens"),
        ("crate", "such as `my-crate`"),
        ("interface", "such as `my-interface`"),
        (long.as_str(), "55 characters at most"),
    ] {
        let ended = lath_in(folder.path(), ["new", name]);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{name}: {ended:#?}");
        assert!(ended.stderr.contains(said), "{name}: {ended:#?}");
    }
    let ended = lath_in(folder.path(), ["new"]);
    assert_eq!(ended.code, 2, "{ended:#?}");
    assert!(files(folder.path()).is_empty());
    lath_in(folder.path(), ["new", &"a".repeat(55), "--template", "middleware"]).success();
}

#[test]
fn the_templates_are_listed() {
    insta::assert_snapshot!("new-list", lath(["new", "--list"]).success());
    let listed = lath(["new", "--list", "--format", "json"]).json();
    assert_eq!(listed["templates"][3]["languages"], serde_json::json!(["rust"]));
}

#[test]
fn what_is_refused_leaves_no_trace() {
    let folder = mine();
    fs::create_dir_all(folder.path().join("taken")).unwrap();
    fs::write(folder.path().join("taken/file"), "precious").unwrap();
    fs::write(folder.path().join("a-file"), "precious").unwrap();
    std::os::unix::fs::symlink("nowhere", folder.path().join("a-link")).unwrap();
    let before = fs::read_to_string(folder.path().join("lath.toml")).unwrap();
    for (args, said) in [
        (&["new", "taken"][..], "taken is there already"),
        (&["new", "a-file"], "a-file is there already"),
        (&["new", "a-link"], "a-link is there already"),
        (&["new", "counter"], "an actor or a provider `counter` already"),
        (&["new", "kv", "--template", "contract"], "an actor or a provider `kv` already"),
        (&["new", "native", "--template", "provider"], "--source FOLDER"),
        (&["new", "native", "--template", "provider", "--source", "taken"], "taken is no copy of Lath's sources"),
        (
            &["new", "native", "--template", "provider", "--language", "python"],
            "there is no template provider in python",
        ),
    ] {
        let ended = lath_in(folder.path(), args);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{args:?}: {ended:#?}");
        assert!(ended.stderr.contains(said), "{args:?}: {ended:#?}");
    }
    let mut left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["a-file", "a-link", "lath.toml", "taken"]);
    assert_eq!(fs::read_to_string(folder.path().join("lath.toml")).unwrap(), before);
}

#[test]
fn a_broken_manifest_is_told_and_left() {
    let folder = tempfile::tempdir().unwrap();
    let text = "manifest = 1\n[application]\nname = \"mine\"\nsurprise = 1\n";
    fs::write(folder.path().join("lath.toml"), text).unwrap();
    let ended = lath_in(folder.path(), ["new", "web", "--format", "json"]);
    assert_eq!(ended.error()["kind"], "manifest", "{ended:#?}");
    assert_eq!(files(folder.path()).len(), 1);
}

#[test]
fn an_application_of_ones_own_is_joined_with_its_comments_kept() {
    let folder = mine();
    fs::create_dir(folder.path().join("parts")).unwrap();
    lath_in(folder.path(), ["new", "web"]).success();
    lath_in(&folder.path().join("parts"), ["new", "deal", "--template", "contract", "--language", "js"]).success();
    let ended = lath_in(folder.path(), ["new", "guard", "--template", "middleware", "--language", "python"]);
    insta::assert_snapshot!("new-joined", ended.success());
    let text = fs::read_to_string(folder.path().join("lath.toml")).unwrap();
    insta::assert_snapshot!("new-joined-manifest", text);
    // Every line that there was is there still, in its order.
    let mut lines = text.lines();
    assert!(MINE.lines().all(|line| lines.any(|now| now == line)), "{text}");
    assert!(!folder.path().join("web/lath.toml").exists());
    let json = lath_in(&folder.path().join("parts"), ["new", "more", "--format", "json"]).json();
    assert_eq!(json["manifest"], "../lath.toml");
    assert_eq!(json["next"][1], "lath run .. --listen 127.0.0.1:8080");
}

#[test]
fn every_template_is_written_in_the_words_of_its_user() {
    let folder = tempfile::tempdir().unwrap();
    let source = root().canonicalize().unwrap();
    let mut told = String::new();
    for (template, languages) in [
        ("http", &["rust", "javascript", "python"][..]),
        ("contract", &["rust", "javascript", "python"]),
        ("middleware", &["rust", "javascript", "python"]),
        ("provider", &["rust"]),
    ] {
        for language in languages {
            let name = format!("new-{template}-{language}");
            let mut args = vec!["new", &name, "--template", template, "--language", language];
            if template == "provider" {
                args.extend(["--source", source.to_str().unwrap()]);
            }
            told += lath_in(folder.path(), &args).success();
            let files = files(&folder.path().join(&name));
            let words = ["my-actor", "my_actor", "{{", "}}}"];
            // Two braces are a template's only where its words are not replaced.
            for (path, text) in files.iter().filter(|(path, _)| !path.ends_with(".rs") && !path.ends_with(".js")) {
                let word = words.iter().find(|word| text.contains(**word));
                assert!(word.is_none(), "{name}/{path} has {word:?}");
            }
            assert!(!files.values().any(|text| text.contains(words[0]) || text.contains(words[1])), "{name}");
            let readme = &files["README.md"];
            assert!(readme.lines().count() <= 20 && readme.contains("```sh"), "{readme}");
            told += &format!("{}\n\n", files.into_keys().collect::<Vec<_>>().join("\n"));
        }
    }
    insta::assert_snapshot!("new-templates", told);
}

#[test]
fn the_tools_are_those_that_are_tested_with() {
    let pins = fs::read_to_string(root().join("crates/xtask/src/pins.rs")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (language, package, sign) in [("javascript", "componentize-qjs", "@"), ("python", "componentize-py", "==")] {
        lath_in(folder.path(), ["new", language, "--language", language]).success();
        let readme = fs::read_to_string(folder.path().join(language).join("README.md")).unwrap();
        let (_, rest) = readme.split_once(&format!("{package}{sign}")).unwrap();
        let version = rest.lines().next().unwrap();
        assert!(pins.contains(&format!("package: \"{package}\", version: \"{version}\"")), "{language}: {version}");
    }
}

/// An application `web` in this language, with a contract `deal` and a middleware `guard` beside its service.
fn all_of(language: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    lath_in(folder.path(), ["new", "web", "--language", language]).success();
    let app = folder.path().join("web");
    for (name, template) in [("deal", "contract"), ("guard", "middleware")] {
        lath_in(&app, ["new", name, "--template", template, "--language", language]).success();
    }
    (folder, app)
}

/// Changes a file of the application; what is replaced has to be there.
fn edit(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(file, text.replace(from, to)).unwrap();
}

/// Runs what the READMEs of the application's parts tell, and compares what it prints with what they say.
fn runs(app: &Path, greeting: &str) {
    let readme = fs::read_to_string(app.join("deal/README.md")).unwrap();
    let calls: Vec<_> = readme.lines().filter_map(|line| line.strip_prefix("lath call ")?.split_once(" # ")).collect();
    assert_eq!(calls.len(), 2, "{readme}");
    for (call, result) in calls {
        let script = format!("\"$0\" call {call}");
        let mut shell = crate::lath::command_named("sh", ["-c", &script, env!("CARGO_BIN_EXE_lath")]);
        let ended = ended(shell.current_dir(app).envs(variables()));
        assert_eq!(ended.success().trim_end(), result, "{ended:#?}");
    }
    built_in(app, &["plan"]).success();
    let variables = variables();
    let variables: Vec<_> = variables.iter().map(|(name, value)| (name.clone(), value.as_str())).collect();
    let data = tempfile::tempdir().unwrap();
    let serving = Serving::start_with(app, data.path(), &[], &variables);
    let answer = serving.get("/ada");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains(greeting), "{answer}");
    let answer = serving.get("/guard/ada");
    assert!(answer.contains("x-guard: passed") && answer.contains("Hello, ada!\n"), "{answer}");
    serving.signal("TERM");
    assert_eq!(serving.end().1, 0);
}

#[test]
fn the_templates_in_rust_run_and_so_does_what_add_lets_them_call() {
    let (_folder, app) = all_of("rust");
    let added = lath_in(&app, ["add", "greeter", "--to", "web"]);
    assert!(added.success().contains("use example::deal::greeter;"), "{added:#?}");
    let code = app.join("src/lib.rs");
    edit(&code, "use wasi::http::types", "use example::deal::greeter;\nuse wasi::http::types");
    edit(&code, "format!(\"Hello, {}!\\n\", name(&path))", "format!(\"{:?} from afar\", greeter::greet(name(&path)))");
    runs(&app, "Ok(\"Hello, ada!\") from afar");
}

#[test]
fn the_templates_in_javascript_run_and_so_does_what_add_lets_them_call() {
    let (_folder, app) = all_of("javascript");
    let added = lath_in(&app, ["add", "example:deal/greeter", "--to", "web", "--from", "deal"]).success().to_owned();
    let import = added.lines().find_map(|line| line.trim().strip_prefix("in the code: ")).unwrap();
    let code = app.join("app.js");
    edit(&code, "import { Fields", &format!("{import}\nimport {{ Fields"));
    edit(
        &code,
        "`Hello, ${name(request.getPathWithQuery() ?? \"/\")}!\\n`",
        "`${greet(name(request.getPathWithQuery()))} From afar.`",
    );
    runs(&app, "Hello, ada! From afar.");
}

#[test]
fn the_templates_in_python_run() {
    let (_folder, app) = all_of("python");
    runs(&app, "Hello, ada!\n");
}
