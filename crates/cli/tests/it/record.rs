//! `lath run --record`, `lath replay` and `lath patch --verify`.

use std::path::{Path, PathBuf};

use tempfile::TempDir;
use testkit::application::{example, guest, root};
use testkit::versions::{Does, versioned};

use crate::lath::{Ended, lath, lath_in};
use crate::run::Serving;

/// A folder with `it.rec`, the recording of requests of the first example, and the events of the run that made it.
fn recorded(options: &[&str]) -> (TempDir, Vec<serde_json::Value>) {
    let (folder, app) = (TempDir::new().unwrap(), example("kvcounter", &[]).unwrap());
    let file = format!("counter={}", folder.path().join("it.rec").display());
    let options: Vec<&str> = ["--record", &file].into_iter().chain(options.iter().copied()).collect();
    let serving = Serving::start_with(app.path(), &app.path().join("data"), &options, &[]);
    for path in ["/alice/4711?amount=5", "/alice/4711"] {
        assert!(serving.get(path).starts_with("HTTP/1.1 200"), "{path}");
    }
    serving.signal("TERM");
    let (events, code, stderr) = serving.end();
    assert_eq!(code, 0, "{stderr}");
    (folder, events)
}

fn kvcounter() -> PathBuf {
    root().join("examples/kvcounter/target/wasm32-wasip2/release/kvcounter.wasm")
}

fn replay(file: &Path, component: &Path, further: &[&str]) -> Ended {
    let args = ["replay".as_ref(), file.as_os_str(), component.as_os_str()];
    lath(args.into_iter().chain(further.iter().map(AsRef::as_ref)))
}

#[test]
fn what_is_recorded_is_replayed() {
    let (folder, events) = recorded(&[]);
    let told = events.iter().find(|event| event["event"] == "recorded").unwrap();
    assert_eq!((told["actor"].as_str(), told["calls"].as_u64()), (Some("counter"), Some(2)), "{told}");
    let file = folder.path().join("it.rec");
    assert_eq!(replay(&file, &kvcounter(), &[]).success(), "replayed 2 calls: the component did the same in all\n");
    let json = replay(&file, &kvcounter(), &["--format", "json"]).json();
    assert_eq!(json, serde_json::json!({ "calls": 2, "skipped": 0, "difference": null }));

    let other = folder.path().join("other.wasm");
    std::fs::write(&other, versioned("two", Does::Good).unwrap()).unwrap();
    let differs = replay(&file, &other, &[]);
    assert_eq!((differs.code, differs.stderr.as_str()), (1, ""), "{differs:#?}");
    insta::assert_snapshot!("replay-differs", differs.stdout);
    let json = replay(&file, &other, &["--format", "json"]);
    assert_eq!((json.code, json.json()["difference"]["what"].as_str()), (1, Some("message")), "{json:#?}");
}

#[test]
fn a_run_records_without_what_is_masked() {
    let rules = ["--mask", "lath:httpserver/handler#handle-request.req", "--mask", "lath:keyvalue/counter#increment"];
    let (folder, _) = recorded(&rules);
    let text = std::fs::read_to_string(folder.path().join("it.rec")).unwrap();
    assert!(!text.contains("alice") && !text.contains("4711") && text.contains("increment"), "{text}");
}

#[test]
fn a_recording_that_is_over_is_written_while_the_application_serves_on() {
    let (folder, app) = (TempDir::new().unwrap(), example("kvcounter", &[]).unwrap());
    let file = format!("counter={}", folder.path().join("it.rec").display());
    let options = ["--record", &file, "--record-time", "1ms"];
    let mut serving = Serving::start_with(app.path(), &app.path().join("data"), &options, &[]);
    let told = serving.next_event().unwrap();
    assert_eq!((told["event"].as_str(), told["why"].as_str()), (Some("recorded"), Some("it took as long as it may")));
    assert!(serving.get("/a").starts_with("HTTP/1.1 200"));
    serving.signal("TERM");
    assert_eq!(serving.end().1, 0);
}

#[test]
fn what_cannot_be_recorded_or_replayed_is_told() {
    let app = example("kvcounter", &[]).unwrap();
    std::fs::copy(kvcounter(), app.path().join("it.wasm")).unwrap();
    std::fs::write(app.path().join("cut.rec"), "{\"lath-recording\":9}\n").unwrap();
    std::fs::copy(guest("wasm32-wasip2", "command"), app.path().join("command.wasm")).unwrap();
    let rows: [(&str, i32, &[&str]); 9] = [
        ("no-actor", 1, &["run", ".", "--record", "other=it.rec"]),
        ("no-file", 2, &["run", ".", "--record", "counter"]),
        ("no-folder", 2, &["run", ".", "--record", "counter=nowhere/it.rec"]),
        ("unknown-mask", 1, &["run", ".", "--record", "counter=it.rec", "--mask", "lath:keyvalue/counter#get"]),
        ("no-mask", 2, &["run", ".", "--record", "counter=it.rec", "--mask", "key"]),
        ("too-long", 2, &["run", ".", "--record", "counter=it.rec", "--record-time", "2h"]),
        ("a-command", 2, &["run", "command.wasm", "--record", "counter=it.rec"]),
        ("no-recording", 1, &["replay", "lath.toml", "it.wasm"]),
        ("other-version", 1, &["replay", "cut.rec", "it.wasm"]),
    ];
    let told: Vec<String> = rows
        .iter()
        .map(|(name, code, args)| {
            let ended = lath_in(app.path(), *args);
            assert_eq!(ended.code, *code, "{name}: {ended:#?}");
            format!("{name}\n{}", ended.stderr)
        })
        .collect();
    insta::assert_snapshot!("record-refused", told.join("\n"));
    assert!(!app.path().join("it.rec").exists());
}
