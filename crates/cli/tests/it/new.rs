//! `lath new`: names, clashes, and every template made, built with the pinned tools, and run.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use testkit::application::root;

use crate::lath::{ended, lath, lath_in};
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
        (&["new", "web", "--source", "taken"], "the template http needs no copy of Lath's sources"),
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

/// What is written in `lath.toml` by `lath new web --language js` typed in a folder below it.
fn joined(manifest: &str, below: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join(below)).unwrap();
    fs::write(folder.path().join("lath.toml"), manifest).unwrap();
    lath_in(&folder.path().join(below), ["new", "web", "--language", "js"]).success();
    fs::read_to_string(folder.path().join("lath.toml")).unwrap()
}

#[test]
fn manifests_keep_their_ends_of_lines() {
    let text = joined(&MINE.replace('\n', "\r\n"), "");
    assert_eq!(text.matches('\n').count(), text.matches("\r\n").count(), "{text:?}");
    let mut lines = text.lines();
    assert!(MINE.lines().all(|line| lines.any(|now| now == line)), "{text}");
}

#[test]
fn manifests_of_dotted_keys_and_inline_tables_are_joined() {
    let dotted = "manifest = 1\napplication.name = \"mine\" # dotted\nactors.one.component = \"one.wasm\" # mine\n\
                  routes = [{ path = \"/*\", to = \"one\" }] # inline\n";
    insta::assert_snapshot!("new-joined-dotted", joined(dotted, "my parts/\"all\""));
    // To actors in one line nothing is added, and nothing is left behind.
    let folder = tempfile::tempdir().unwrap();
    let line = "manifest = 1\napplication = { name = \"mine\" }\nactors = { one = { component = \"one.wasm\" } }\nroutes = []\n";
    fs::write(folder.path().join("lath.toml"), line).unwrap();
    let ended = lath_in(folder.path(), ["new", "web"]);
    assert!(ended.code != 0 && ended.stderr.contains("written in one line"), "{ended:#?}");
    assert_eq!(files(folder.path()), BTreeMap::from([("lath.toml".to_owned(), line.to_owned())]));
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
    let page = fs::read_to_string(root().join("docs/NEW.md")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (language, package, sign) in [("javascript", "componentize-qjs", "@"), ("python", "componentize-py", "==")] {
        lath_in(folder.path(), ["new", language, "--language", language]).success();
        let readme = fs::read_to_string(folder.path().join(language).join("README.md")).unwrap();
        let (_, rest) = readme.split_once(&format!("{package}{sign}")).unwrap();
        let version = rest.lines().next().unwrap();
        assert!(pins.contains(&format!("package: \"{package}\", version: \"{version}\"")), "{language}: {version}");
        assert!(page.contains(&format!("{package}{sign}{version}`")), "{language}: {version}");
    }
}

#[test]
fn the_page_about_it_can_be_typed() {
    let page = fs::read_to_string(root().join("docs/NEW.md")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut here = folder.path().to_owned();
    let mut done = 0;
    let blocks = page.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    for line in blocks.flat_map(str::lines) {
        match line.split_whitespace().collect::<Vec<_>>().as_slice() {
            ["cd", below] => here.push(below),
            // That they run is shown for every template below.
            ["lath", "run", ..] | ["curl", ..] => {}
            ["lath", args @ ..] => {
                lath_in(&here, args).success();
                done += 1;
            }
            _ => panic!("{line}"),
        }
    }
    assert_eq!(done, 3, "{page}");
}

/// An application `web` in some language, with a contract `deal` and a middleware `guard` beside its service.
struct All {
    _folder: TempDir,
    app: PathBuf,
    /// What `lath new` said to type next, but for what installs tools: `cargo x setup` did that.
    next: Vec<String>,
}

fn all_of(language: &str) -> All {
    let folder = tempfile::tempdir().unwrap();
    let app = folder.path().join("web");
    let mut next = Vec::new();
    for (at, name, template) in
        [(folder.path(), "web", "http"), (&app, "deal", "contract"), (&app, "guard", "middleware")]
    {
        let args = ["new", name, "--template", template, "--language", language, "--format", "json"];
        let json = lath_in(at, args).json();
        let [first, rest @ ..] = json["next"].as_array().unwrap().as_slice() else { panic!("{json}") };
        let readme = fs::read_to_string(at.join(name).join("README.md")).unwrap();
        let first = first.as_str().unwrap();
        assert!(first == "cd web" || readme.lines().any(|line| line == first), "{first}");
        next.extend(rest.iter().map(|command| command.as_str().unwrap().to_owned()));
    }
    All { _folder: folder, app, next }
}

/// Changes a file of the application; what is replaced has to be there.
fn edit(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(file, text.replace(from, to)).unwrap();
}

/// What a command of `lath` prints, typed in the application's folder.
fn typed(app: &Path, rest: &str) -> String {
    let script = format!("\"$0\" {rest}");
    let mut shell = crate::lath::command_named("sh", ["-c", &script, env!("CARGO_BIN_EXE_lath")]);
    ended(shell.current_dir(app).envs(variables())).success().trim_end().to_owned()
}

/// Runs what the READMEs of the application's parts and `lath new` tell, and compares what it prints with what they say.
fn runs(All { app, next, .. }: &All, greeting: &str) {
    let readme = fs::read_to_string(app.join("deal/README.md")).unwrap();
    let calls: Vec<_> = readme.lines().filter_map(|line| line.strip_prefix("lath call ")?.split_once(" # ")).collect();
    assert_eq!(calls.len(), 2, "{readme}");
    for (call, result) in calls {
        assert_eq!(typed(app, &format!("call {call}")), result);
    }
    let [serve, curl, call, plan, again, through] = next.as_slice() else { panic!("{next:?}") };
    assert_eq!((serve.as_str(), serve), ("lath run --listen 127.0.0.1:8080", again));
    assert_eq!(typed(app, call.strip_prefix("lath ").unwrap()), "[\"Hello, ada!\"]");
    assert!(typed(app, plan.strip_prefix("lath ").unwrap()).contains("example:deal/greeter"));
    let answers = [
        (curl.strip_prefix("curl http://127.0.0.1:8080").unwrap(), greeting),
        (through.strip_prefix("curl -i http://127.0.0.1:8080").unwrap(), "x-guard: passed"),
    ];
    serves(app, &answers);
}

/// Runs the application: what it answers under each path has to hold this text, and to greet.
fn serves(app: &Path, answers: &[(&str, &str)]) {
    let variables = variables();
    let variables: Vec<_> = variables.iter().map(|(name, value)| (name.clone(), value.as_str())).collect();
    let data = tempfile::tempdir().unwrap();
    let serving = Serving::start_with(app, data.path(), &[], &variables);
    for (path, text) in answers {
        let answer = serving.get(path);
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains(text), "{answer}");
        assert!(answer.contains("Hello, ada!"), "{answer}");
    }
    serving.signal("TERM");
    assert_eq!(serving.end().1, 0);
}

#[test]
fn the_template_of_a_provider_is_built_and_planned() {
    let folder = tempfile::tempdir().unwrap();
    let source = root().canonicalize().unwrap();
    let args = ["new", "native", "--template", "provider", "--format", "json", "--source", source.to_str().unwrap()];
    let json = lath_in(folder.path(), args).json();
    let app = folder.path().join("native");
    // The provider itself is compiled as an example of this crate, beside what it stands on.
    assert_eq!(
        json["next"],
        serde_json::json!(["cd native", "lath plan", "cargo run --manifest-path provider/Cargo.toml -- --help"])
    );
    assert!(app.join("provider/Cargo.toml").is_file());
    assert!(typed(&app, "plan").contains("native is a process of its own, on no host"));
}

#[test]
fn the_templates_in_rust_run_and_so_does_what_add_lets_them_call() {
    let all = all_of("rust");
    let app = &all.app;
    let added = lath_in(app, ["add", "greeter", "--to", "web"]);
    assert!(added.success().contains("use example::deal::greeter;"), "{added:#?}");
    let code = app.join("src/lib.rs");
    edit(&code, "use wasi::http::types", "use example::deal::greeter;\nuse wasi::http::types");
    edit(&code, "format!(\"Hello, {}!\\n\", name(&path))", "format!(\"{:?} from afar\", greeter::greet(name(&path)))");
    runs(&all, "Ok(\"Hello, ada!\") from afar");
}

#[test]
fn the_templates_in_javascript_run_and_so_does_what_add_lets_them_call() {
    let all = all_of("javascript");
    let app = &all.app;
    let added = lath_in(app, ["add", "example:deal/greeter", "--to", "web", "--from", "deal"]).success().to_owned();
    let import = added.lines().find_map(|line| line.trim().strip_prefix("in the code: ")).unwrap();
    let code = app.join("app.js");
    edit(&code, "import { Fields", &format!("{import}\nimport {{ Fields"));
    edit(
        &code,
        "`Hello, ${name(request.getPathWithQuery() ?? \"/\")}!\\n`",
        "`${greet(name(request.getPathWithQuery()))} From afar.`",
    );
    runs(&all, "Hello, ada! From afar.");
}

#[test]
fn the_templates_in_python_run() {
    if env::var_os("LATH_LONG").is_some() {
        return runs(&all_of("python"), "Hello, ada!\n");
    }
    // No two components of `componentize-py` are the same, so that none is compiled already, and each takes half a minute of a
    // core. The service is that of the template `http`, too.
    let folder = tempfile::tempdir().unwrap();
    lath_in(folder.path(), ["new", "guard", "--template", "middleware", "--language", "python"]).success();
    lath_in(folder.path(), ["new", "web", "--language", "python"]).success();
    let code = |path: &str| fs::read_to_string(folder.path().join(path)).unwrap().lines().skip(1).collect::<String>();
    assert_eq!(code("guard/service/app.py"), code("web/app.py"));
    let app = folder.path().join("guard");
    serves(&app, &[("/ada", "x-guard: passed")]);
    lath_in(&app, ["new", "deal", "--template", "contract", "--language", "python"]).success();
    assert!(typed(&app, "plan").contains("example:deal/greeter"));
}
