use std::process::Command;
use std::time::Duration;

use rig::process::Process;

const PATIENCE: Duration = Duration::from_secs(30);

fn shell(script: &str) -> Process {
    Process::spawn(Command::new("sh").args(["-c", script])).unwrap()
}

#[tokio::test]
async fn lines_of_both_outputs_are_waited_for() {
    let mut process = shell("echo ready on 8080; echo worried >&2; exec sleep 600");
    assert_eq!(process.line("ready on", PATIENCE).await.unwrap(), "ready on 8080");
    process.line("worried", PATIENCE).await.unwrap();
    // What was printed before counts too.
    process.line("ready on", PATIENCE).await.unwrap();
    assert!(process.is_running().unwrap() && process.resident_bytes().unwrap() > 1000);
    process.kill().unwrap();
    process.kill().unwrap();
    assert!(!process.is_running().unwrap());
}

#[tokio::test]
async fn a_missing_line_is_told_with_what_was_printed() {
    let ended = shell("echo last words; exit 3").line("ready", PATIENCE).await.unwrap_err().to_string();
    assert!(ended.contains("last words") && ended.contains("exit status: 3"), "{ended}");
    let silent = shell("echo busy; exec sleep 600").line("ready", Duration::from_millis(100)).await;
    let silent = silent.unwrap_err().to_string();
    assert!(silent.contains("in time"), "{silent}");
}

#[tokio::test]
async fn a_process_is_frozen_thawed_and_asked_to_end() {
    let mut process = shell("trap 'echo asked; exit 0' TERM; echo up; while :; do sleep 0.01; done");
    process.line("up", PATIENCE).await.unwrap();
    process.freeze().unwrap();
    process.terminate().unwrap();
    assert!(process.line("asked", Duration::from_millis(200)).await.is_err());
    process.thaw().unwrap();
    process.line("asked", PATIENCE).await.unwrap();
    assert!(process.ended(PATIENCE).await.unwrap().success());
    assert!(process.terminate().unwrap_err().to_string().contains("has ended"));
}
