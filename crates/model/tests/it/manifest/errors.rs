//! Every message, with its place.

use super::{bad, with};
use model::limits::{
    CHAIN_MAX, DOMAIN_NAME_LEN_MAX, LABELS_MAX, MANIFEST_BYTES_MAX, MANIFEST_ERRORS_MAX, REPLICAS_MAX,
    ROUTE_PATH_LEN_MAX, SUGGESTIONS_LISTED_MAX,
};
use model::manifest::parse;

/// Each text with what is said of it.
fn told(texts: impl IntoIterator<Item = String>) -> String {
    let told = texts.into_iter().map(|text| format!("{text}\n--> {}\n", bad(&text).replace('\n', "\n    ")));
    told.collect::<Vec<_>>().join("\n")
}

/// The same for lines after [`with`], which is left out.
fn told_with(lines: &[&str]) -> String {
    let told = lines.iter().map(|line| format!("{line}\n--> {}\n", bad(&with(line)).replace('\n', "\n    ")));
    told.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_text_as_a_whole() {
    let rows = [
        "",
        "manifest = 2\n[nonsense]\nthat = \"is not looked at\"",
        "manifest = 0",
        "manifest = \"1\"\n[application]\nname = \"shop\"",
        "manifest = 1",
        "manifest = 1\n[application]\n",
        "manifest = 1\napplication = \"shop\"",
        "manifest = 1\n[application]\nname = \"Shop\"",
        "manifest = 1\n[application]\nname = \"shop\"\ndeadline = \"soon\"",
        "manifest = 1\n[application]\nname = \"shop\"\ndeadline = \"2h\"\nowner = \"me\"",
        "manifest = 1\n[application]\nname = \"shop\"\n[actor.cart]\ncomponent = \"cart.wasm\"",
        "manifest = 1\nactors = []\nproviders = 1\nroutes = {}\nadapters = \"x\"\n[application]\nname = \"shop\"",
        "manifest = 1\n[application\nname = \"shop\"\nname = ",
        "manifest = 1\nmanifest = 1",
    ];
    let told = told(rows.map(str::to_owned));
    insta::assert_snapshot!(told);
}

#[test]
fn actors() {
    let told = told_with(&[
        "[actors.Tax]\ncomponent = \"tax.wasm\"",
        "[actors.tax]\n",
        "[actors]\ntax = \"tax.wasm\"",
        "[actors.tax]\ncomponent = 1",
        "[actors.tax]\ncomponent = \"\"",
        "[actors.tax]\ncomponent = \"a\\u0000b\"",
        "[actors.tax]\ncomponent = { oci = \"registry/acme/tax:1.4\", digest = \"sha256:00\" }",
        "[actors.tax]\ncomponent = { git = \"x\" }",
        "build = \"cargo build\"",
        "build = { dir = \"cart\" }",
        "build = { run = \" \", dir = 1, watch = \"src/**\" }",
        "build = { run = \"make\", watch = [\"src/**\", 1], inn = \"x\" }",
        "componant = \"x\"",
        "limitz = { memory = \"1GiB\" }",
        "grants = { env = { TZ = 1, \"a=b\" = \"x\" } }",
        "grants = { env = \"TZ=UTC\" }",
        "grants = { enf = {} }",
        "config = { currency = 1, key = { secret = \"Acme Key\" }, other = { secret = 1 } }",
        "config = { key = {}, other = { secret = \"acme-key\", from = \"vault\" } }",
        "grants = { network = [\"example.com\", 1], folders = [\"data\", \"::\"] }",
        "grants = { env = { TZ = { sekret = \"zone\" } } }",
    ]);
    insta::assert_snapshot!(told);
}

#[test]
fn limits() {
    let told = told_with(&[
        "limits = { memory = 67108864 }",
        "limits = { memory = \"64MB\" }",
        "limits = { memory = \"64\" }",
        "limits = { memory = \"-1MiB\" }",
        "limits = { memory = \"1.5GiB\" }",
        "limits = { memory = \"99999999999999999999GiB\" }",
        "limits = { memory = \"99999999999999GiB\" }",
        "limits = { memory = \"1KiB\" }",
        "limits = { memory = \"5GiB\" }",
        "limits = { instances = 0 }",
        "limits = { instances = 10001 }",
        "limits = { instances = -1 }",
        "limits = { instances = 0xffff_ffff_ff }",
        "limits = { instances = 1.5 }",
        "limits = { instances = \"100\" }",
        "limits = { execution = 2 }",
        "limits = { execution = \"2\" }",
        "limits = { execution = \"2 s\" }",
        "limits = { execution = \"+2s\" }",
        "limits = { execution = \"s\" }",
        "limits = { execution = \"2d\" }",
        "limits = { execution = \"99999999999999999999h\" }",
        "limits = { execution = \"0s\" }",
        "limits = { execution = \"61m\" }",
        "limits = { execution = 2001-01-01 }",
        "limits = { queue = 100001 }",
        "limits = { message = \"0KiB\" }",
        "limits = { message = \"65MiB\" }",
        "limits = { depth = 0 }",
        "limits = { depth = 65 }",
        "limits = { log = \"0KiB\" }",
        "limits = { log = \"1GiB\" }",
        "limits = { reuse = 0 }",
        "limits = { reuse = 100001 }",
        "limits = { memroy = \"64MiB\", qeue = true }",
        "ready = \"acme:shop/health#ready\"",
        "ready = { within = \"2s\" }",
        "ready = { call = \"acme:shop/health\" }",
        "ready = { call = \"acme:shop#ready\" }",
        "ready = { call = \"acme:shop/health#Is ready\" }",
        "ready = { call = \"acme:shop/health#ready\", within = \"0s\" }",
        "ready = { call = \"acme:shop/health#ready\", within = \"301s\" }",
    ]);
    insta::assert_snapshot!(told);
}

#[test]
fn links() {
    let told = told_with(&[
        "links.backup = \"tax\"",
        "links.backup = {}",
        "links.backup = { to = \"tax\" }",
        "links.backup = { to = \"crt\" }",
        "links.backup = { to = 1 }",
        "links.backup = { to = \"warehouse/stock\" }",
        "links.backup = { to = \"shop/stock\" }",
        "links.Backup = { to = \"cart\" }",
        "links.\"acme:\" = { to = \"cart\" }",
        "links.\"acme:tax@one\" = { to = \"cart\" }",
        "links.\"\" = { to = \"cart\" }",
        "links.backup = { to = \"cart\", reach = \"fuse\" }",
        "links.backup = { to = \"cart\", reach = \"everywhere\" }",
        "links.backup = { to = \"cart\", reach = true }",
        "links.backup = { to = \"cart\", deadline = \"1d\" }",
        "links.backup = { to = \"cart\", deadline = \"2h\" }",
        "links.backup = { to = \"cart\", contract = \"counter\" }",
        "links.backup = { to = \"cart\", on-failure = \"ignore\" }",
        "links.backup = { to = \"cart\", on_failure = \"trap\" }",
        "links.backup = { to = \"cart\", idempotent = [\"peek\"], via = [\"audit\"], open = { a = \"b\" } }",
        "links.backup = { to = \"cart\", open = { sessions = \"none\", carts = \"cart\", \"a b\" = \"kv\", c = 1 } }",
        "links.backup = { to = \"cart\", open = \"kv\" }",
        "links.backup = { to = \"cart\", idempotent = \"peek\" }",
        "links.backup = { to = \"cart\", idempotent = [\"peek\", \"a_b\", \"\", 1, \"peek\"] }",
        "[providers]\ncart = { use = \"keyvalue/memory\" }",
    ]);
    insta::assert_snapshot!(told);
}

#[test]
fn providers() {
    let told = told_with(&[
        "[providers]\nkv = {}",
        "[providers]\nkv = \"keyvalue/embedded\"",
        "[providers]\nkv = { use = \"keyvalue/embeded\" }",
        "[providers]\nkv = { use = \"redis\" }",
        "[providers]\nkv = { use = \"keyvalue/etcd\" }",
        "[providers]\nkv = { use = \"external\" }",
        "[providers]\nkv = { use = \"external\", contract = \"rates\" }",
        "[providers]\nkv = { use = \"external\", contract = \"acme:fx/rates\", config = { a = 1, b = 2 } }",
        "[providers]\nkv = { use = \"keyvalue/memory\", contract = \"acme:fx/rates\" }",
        "[providers]\nkv = { use = \"keyvalue/memory\", confg = {} }",
        "[providers]\nkv = { use = \"keyvalue/memory\", config = { url = { secret = \"redis_url\" } } }",
        "[providers]\nkv = { use = \"keyvalue/memory\", config = { a = 1.5, b = [], c = {}, d = 1979-05-27 } }",
        "[providers]\nkv = { use = \"keyvalue/memory\", config = { a = 9223372036854775808 } }",
        "[providers]\nKV = { use = \"keyvalue/memory\" }",
    ]);
    insta::assert_snapshot!(told);
}

#[test]
fn places() {
    let told = told_with(&[
        "place = 3",
        "place = { replicas = 0 }",
        "place = { replicas = 1001 }",
        "place = { replicas = \"3\" }",
        "place = { replica = 3 }",
        "place = { everywhere = \"yes\" }",
        "place = { everywhere = true, replicas = 3, spread = \"zone\" }",
        "place = { spread = \"Zone\", on = { Tier = \"web\", tier = \"a b\", disk = 1 } }",
        "place = { spread = [\"zone\"], on = \"tier=web\" }",
    ]);
    insta::assert_snapshot!(told);
}

#[test]
fn clients() {
    let told = told_with(&[
        "[clients]\nnightly = [\"cart/acme:shop/cart\"]",
        "[clients.nightly]",
        "[clients.nightly]\nmay = \"cart/acme:shop/cart\"",
        "[clients.nightly]\nmay = [\"cart\", \"cart/cart\", \"acme:shop/cart\", 1]",
        "[clients.nightly]\nmay = [\"crat/acme:shop/cart\"]",
        "[clients.nightly]\nmay = [\"kv/acme:shop/cart\"]\n[providers]\nkv = { use = \"keyvalue/memory\" }",
        "[clients.nightly]\nmay = [\"cart/acme:shop/cart\", \"cart/acme:shop/cart\"]\nmayy = 1",
        "[clients.Nightly]\nmay = []",
    ]);
    insta::assert_snapshot!(told);
}

#[test]
fn chains() {
    let told = told_with(&[
        "links.backup = { to = \"cart\", via = \"cart\" }",
        "links.backup = { to = \"cart\", via = [1, \"crat\", \"cart\", \"cart\", \"other/cart\", \"kv\"] }\n\
         [providers]\nkv = { use = \"keyvalue/memory\" }",
        "[[routes]]\npath = \"/\"\nto = \"cart\"\nvia = [\"crat\", \"cart\", \"cart\"]",
    ]);
    insta::assert_snapshot!(told);
}

#[test]
fn chains_are_bounded() {
    let chain = |count: usize| {
        let names: Vec<_> = (0..count).map(|number| format!("\"m{number}\"")).collect();
        let actors: String = (0..count).map(|number| format!("[actors.m{number}]\ncomponent = \"m.wasm\"\n")).collect();
        with(&format!("links.backup = {{ to = \"cart\", via = [{}] }}\n{actors}", names.join(", ")))
    };
    assert!(parse(&chain(CHAIN_MAX)).is_ok());
    assert!(bad(&chain(CHAIN_MAX + 1)).contains("the chain has 9 actors, 8 are allowed"));
}

#[test]
fn labels_are_bounded() {
    let place = |count: usize| {
        let labels: Vec<_> = (0..count).map(|number| format!("l{number} = \"x\"")).collect();
        with(&format!("place = {{ on = {{ {} }} }}", labels.join(", ")))
    };
    assert!(parse(&place(LABELS_MAX)).is_ok());
    assert!(bad(&place(LABELS_MAX + 1)).contains("there are 33 labels, and a host has 32 at most"));
    let replicas = |count: u32| with(&format!("place.replicas = {count}"));
    assert!(parse(&replicas(REPLICAS_MAX)).is_ok());
    assert!(bad(&replicas(REPLICAS_MAX + 1)).contains("out of bounds"));
}

#[test]
fn routes() {
    let route = |path: &str| format!("[[routes]]\nto = \"cart\"\npath = {path}");
    let mut rows: Vec<String> = vec![
        "[routes]\npath = \"/\"\nto = \"cart\"".to_owned(),
        "routes = 1".to_owned(),
        "[[routes]]".to_owned(),
        "[[routes]]\npath = \"/\"\nto = \"crat\"".to_owned(),
        "[[routes]]\npath = \"/\"\nto = \"kv\"\n[providers]\nkv = { use = \"keyvalue/memory\" }".to_owned(),
        "[[routes]]\npath = \"/\"\nto = \"cart\"\nmethods = []".to_owned(),
        "[[routes]]\npath = \"/\"\nto = \"cart\"\nmethods = \"GET\"".to_owned(),
        "[[routes]]\npath = \"/\"\nto = \"cart\"\nmethods = [\"get\", \"FETCH\", \"POST\", \"POST\", 1]".to_owned(),
        "[[routes]]\npath = \"/\"\nto = \"cart\"\nhost = \"Shop.example:80\"\nmethod = \"GET\"".to_owned(),
        format!("{}\n{}", route("\"/cart/{id}\""), route("\"/cart/{name}\"\nmethods = [\"POST\"]")),
        format!("{}\n{}", route("\"/*\"\nhost = \"a.example\""), route("\"/*\"\nhost = \"a.example\"")),
    ];
    let paths = [
        "cart", "", "//", "/a//b", "/a/../b", "/a/.", "/*/a", "/a*", "/{id", "/{}", "/a{id}", "/{i d}", "/{a}/{a}",
        "/a b", "/a?b", "/a#b", "/ä", "/%zz", "/%4", "/[a]",
    ];
    rows.extend(paths.map(|path| route(&format!("{path:?}"))));
    let texts: Vec<&str> = rows.iter().map(String::as_str).collect();
    let told = told_with(&texts);
    insta::assert_snapshot!(told);
}

#[test]
fn adapters() {
    let told = told_with(&[
        "[adapters]\ncounter = { sender = \"s.wasm\", receiver = \"r.wasm\" }",
        "[adapters]\n\"lath:keyvalue/counter\" = { sender = \"s.wasm\" }",
        "[adapters]\n\"lath:keyvalue/counter\" = { sender = 1, receiver = \"r.wasm\", wire = \"json\" }",
    ]);
    insta::assert_snapshot!(told);
}

#[test]
fn one_pass_finds_them_all_in_order() {
    let told = bad(r#"
manifest = 1
[application]
nam = "shop"
[actors.cart]
component = 1
limits = { memory = "64MB", instances = 0 }
place = { replicas = 0 }
links.tax = { to = "taxes" }
[actors.tax]
[[routes]]
path = "cart"
to = "cat"
[env.prod]
"#);
    insta::assert_snapshot!(told);
}

#[test]
fn places_are_spans_lines_and_columns_in_characters() {
    let text = with("build = { run = \"ü\", inn = 1 }\n");
    let errors = parse(&text).unwrap_err();
    let [error] = errors.errors() else { panic!("{errors}") };
    assert_eq!(text.get(error.span.clone()), Some("inn"));
    assert_eq!((error.line, error.column), (6, 22));
    assert_eq!(error.key, "actors.cart.build.inn");
    assert_eq!(error.message, "unknown key `inn`");
}

#[test]
fn a_manifest_is_bounded() {
    let fitting = with(&"#".repeat(MANIFEST_BYTES_MAX - with("").len()));
    assert_eq!(fitting.len(), MANIFEST_BYTES_MAX);
    assert!(parse(&fitting).is_ok());
    insta::assert_snapshot!(bad(&format!("{fitting}#")), @"line 1, column 1: the manifest has 1048577 bytes, at most 1048576 are read (divide the application)");
}

#[test]
fn paths_and_hosts_are_bounded() {
    let route = |path: usize, host: &str| {
        with(&format!("[[routes]]\nto = \"cart\"\nhost = \"{host}\"\npath = \"/{}\"", "a".repeat(path)))
    };
    let label = "a".repeat(63);
    let host = format!("{label}.{label}.{label}.{}", "a".repeat(DOMAIN_NAME_LEN_MAX - 3 * 64));
    assert_eq!(host.len(), DOMAIN_NAME_LEN_MAX);
    assert!(parse(&route(ROUTE_PATH_LEN_MAX - 1, &host)).is_ok());
    assert!(bad(&route(ROUTE_PATH_LEN_MAX, &host)).ends_with("a path has 1024 bytes at most"));
    assert!(bad(&route(1, &format!("{host}a"))).contains("is not a host"));
    assert!(bad(&route(1, "a..b")).contains("is not a host"));
}

#[test]
fn errors_beyond_the_bound_are_counted() {
    let keys: String = (0..MANIFEST_ERRORS_MAX + 7).map(|number| format!("key-{number} = 1\n")).collect();
    let errors = parse(&with(&keys)).unwrap_err();
    assert_eq!((errors.errors().len(), errors.left_out()), (MANIFEST_ERRORS_MAX, 7));
    assert!(errors.to_string().ends_with("\nand 7 more"), "{errors}");
}

#[test]
fn long_lists_of_names_are_counted() {
    let actors = |count: usize| -> String {
        (1..count).map(|number| format!("[actors.a{number}]\ncomponent = \"a.wasm\"\n")).collect()
    };
    let told = |count| bad(&with(&format!("links.x = {{ to = \"nobody\" }}\n{}", actors(count))));
    assert!(told(SUGGESTIONS_LISTED_MAX).contains("the actors and providers here are `a1`, `a10`"));
    assert!(told(SUGGESTIONS_LISTED_MAX + 1).contains("(31 actors and providers are known here)"));
}
