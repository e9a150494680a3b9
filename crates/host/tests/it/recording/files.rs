//! Files that are no recordings.

use host::limits::RECORDING_FILE_BYTES_MAX;
use host::record::{Bounds, Recording};
use testkit::application::chain;

use super::scene::{Taped, reads, sealed};
use crate::scene::faults;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_recording_is_told() {
    let taped = Taped::faulty("", Bounds::default()).await;
    for _ in 0..2 {
        faults(&taped.running, "faulty").call("now", &[]).await.unwrap();
    }
    let (text, _) = taped.finish().await;
    reads(&text).unwrap();
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let without = |left_out: usize| -> String {
        let kept: Vec<String> =
            lines.iter().enumerate().filter(|(at, _)| *at != left_out).map(|(_, line)| line.clone()).collect();
        sealed(&kept)
    };
    let with = |old: &str, new: &str| {
        assert!(text.contains(old), "{text}");
        sealed(&lines.iter().map(|line| line.replacen(old, new, 1)).collect::<Vec<_>>())
    };
    let rows = [
        ("nothing", String::new()),
        ("other text", "[application]\n".to_owned()),
        ("other JSON", "{\"manifest\":1}\n".to_owned()),
        ("a later version", with("\"lath-recording\":1", "\"lath-recording\":2")),
        ("a head that lacks something", with("\"memory\"", "\"memories\"")),
        ("a mask that is none", with("\"masks\":[]", "\"masks\":[\"x\"]")),
        ("without its end", lines[..lines.len() - 1].join("\n") + "\n"),
        ("cut in its last line", text.strip_suffix("}\n").unwrap().to_owned()),
        ("cut after its first line", lines[0].clone() + "\n"),
        ("changed", text.replacen("\"now\"", "\"not\"", 1)),
        (
            "an answer without its call",
            without(1 + lines[1..].iter().position(|line| line.contains("\"call\"")).unwrap()),
        ),
        ("a line that is none", with("\"call\":", "\"cull\":")),
        ("random numbers that are none", with("\"bytes\":\"", "\"bytes\":\"!")),
    ];
    let told: Vec<String> =
        rows.iter().map(|(what, text)| format!("{what}: {}", chain(&reads(text).unwrap_err()))).collect();
    insta::assert_snapshot!("broken", told.join("\n"));
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.rec");
    std::fs::File::create(&path).unwrap().set_len(RECORDING_FILE_BYTES_MAX + 1).unwrap();
    let error = chain(&Recording::read(&path).unwrap_err());
    assert!(error.contains("larger than"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_is_written_whole_or_not_at_all() {
    let taped = Taped::faulty("", Bounds::default()).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("it.rec");
    std::fs::create_dir(&path).unwrap();
    taped.recorder.write(&path).unwrap_err();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "something is left over");
    std::fs::remove_dir(&path).unwrap();
    taped.recorder.write(&path).unwrap();
    assert_eq!(Recording::read(&path).unwrap().of(), ("test", "faulty"));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "something is left over");
}
