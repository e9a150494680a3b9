//! Actors that cannot be recorded, and components that cannot be replayed.

use host::Sources;
use host::record::{Bounds, Why};
use host::replay::replay;
use testkit::application::{chain, folder, guest, run_given};

use super::scene::{Taped, cache, reads, recorder};

const GUESTS: &str = "{root}/crates/testkit/guests/target/wasm32-wasip2/release";

/// Why the actor `it` of a manifest cannot be recorded.
fn refused(rest: &str) -> String {
    let text = format!("manifest = 1\n[application]\nname = \"test\"\n{}", rest.replace("{guests}", GUESTS));
    let folder = folder(&text).unwrap();
    recorder(folder.path(), "it", Vec::new(), Bounds::default()).unwrap_err().to_string()
}

#[test]
fn what_a_recording_does_not_hold_is_told() {
    let rows = [
        ("no actor", "[actors.other]\ncomponent = \"{guests}/faulty.wasm\""),
        (
            "wasi:keyvalue",
            "[actors.it]\ncomponent = \"{guests}/keyvalue_app.wasm\"\nlinks.\"wasi:keyvalue\" = { to = \"kv\" }\n\
             [providers]\nkv = { use = \"keyvalue/embedded\" }",
        ),
        ("wasi:http", "[actors.it]\ncomponent = \"{guests}/http_app.wasm\"\ngrants.http = [\"https://example.com\"]"),
        ("sockets", "[actors.it]\ncomponent = \"{guests}/faulty.wasm\"\ngrants.network = [\"tcp://10.0.0.1:80\"]"),
        (
            "fused",
            "[actors.it]\ncomponent = \"{guests}/faulty_http.wasm\"\n\
             links.\"lath:httpserver/handler\" = { to = \"other\", reach = \"fused\" }\n\
             [actors.other]\ncomponent = \"{guests}/versioned.wasm\"\n\
             links.\"lath:keyvalue/counter\" = { to = \"kv\" }\n[providers]\nkv = { use = \"keyvalue/embedded\" }",
        ),
    ];
    let told: Vec<String> = rows.iter().map(|(what, rest)| format!("{what}: {}", refused(rest))).collect();
    insta::assert_snapshot!("refused", told.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_actor_with_secrets_does_not_start_to_be_recorded() {
    let manifest = format!(
        "manifest = 1\n[application]\nname = \"test\"\n[actors.it]\ncomponent = \"{GUESTS}/faulty.wasm\"\n\
         grants.env = {{ PLAIN = \"seen\", HIDDEN = {{ secret = \"hidden\" }} }}"
    );
    let folder = folder(&manifest).unwrap();
    let recorder = recorder(folder.path(), "it", Vec::new(), Bounds::default()).unwrap();
    let mut sources = Sources { recorder: Some(recorder.clone()), ..Sources::default() };
    let value = model::secret::SecretValue::new("do-not-show".to_owned());
    sources.secrets.environment.insert("hidden".parse().unwrap(), value);
    let error = run_given(folder.path(), sources).await.err().unwrap();
    assert!(error.to_string().contains("is given `HIDDEN`, a secret"), "{error}");
    let (bytes, _) = recorder.finish();
    assert!(!String::from_utf8(bytes).unwrap().contains("do-not-show"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_asks_for_more_is_refused() {
    let taped = Taped::faulty("", Bounds::default()).await;
    let recording = reads(&taped.finish().await.0).unwrap();
    let component = std::fs::read(guest("wasm32-wasip2", "keyvalue_app")).unwrap();
    let error = replay(Some(cache()), &recording, &component).await.unwrap_err();
    assert!(error.to_string().contains("imports `wasi:keyvalue/"), "{error}");
    let error = replay(None, &recording, b"no component").await.unwrap_err();
    assert!(chain(&error).contains("no component") || !chain(&error).is_empty(), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_component_of_the_actor_is_not_recorded_with_it() {
    let manifest = |component: &str| {
        let text =
            "manifest = 1\n[application]\nname = \"test\"\n[actors.it]\ncomponent = \"{guests}/{component}.wasm\"";
        folder(&text.replace("{guests}", GUESTS).replace("{component}", component)).unwrap()
    };
    let recorder = recorder(manifest("faulty").path(), "it", Vec::new(), Bounds::default()).unwrap();
    let sources = Sources { recorder: Some(recorder.clone()), ..Sources::default() };
    let running = run_given(manifest("command").path(), sources).await.unwrap();
    recorder.over().await;
    let (_, recorded) = recorder.finish();
    assert_eq!((recorded.why, recorded.instances), (Why::Replaced, 0));
    running.host.drain().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_actor_whose_calls_overlap_in_one_instance_does_not_start_to_be_recorded() {
    let manifest =
        "manifest = 1\n[application]\nname = \"test\"\n[actors.it]\ncomponent = \"{guests}/command_next.wasm\"";
    let folder = folder(&manifest.replace("{guests}", GUESTS)).unwrap();
    let recorder = recorder(folder.path(), "it", Vec::new(), Bounds::default()).unwrap();
    let sources = Sources { recorder: Some(recorder), ..Sources::default() };
    let error = run_given(folder.path(), sources).await.err().unwrap();
    assert!(error.to_string().contains("has async functions"), "{error}");
}
