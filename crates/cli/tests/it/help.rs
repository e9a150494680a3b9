//! What `lath` says about itself.

use crate::lath::lath;

#[test]
fn every_command_has_help() {
    for command in [
        "new", "add", "build", "run", "call", "plan", "compose", "adapter", "inspect", "up", "patch", "down", "status",
        "rollback", "drain", "forget", "host", "context", "secret", "record", "replay", "tap",
    ] {
        let help = lath([command, "--help"]);
        insta::assert_snapshot!(format!("help-{command}"), help.success());
        assert_eq!(help.stderr, "");
    }
}

#[test]
fn help_lists_the_commands() {
    let long = lath(["--help"]);
    insta::assert_snapshot!("help", long.success());
    let short = lath(["-h"]);
    assert_eq!(short.code, 0);
    assert!(short.stdout.contains("Usage: lath"), "{short:#?}");
}

#[test]
fn without_arguments_help_is_a_usage_error() {
    let ended = lath::<&str>([]);
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
    assert!(ended.stderr.contains("Usage: lath"), "{ended:#?}");
}

#[test]
fn the_version_is_the_workspaces() {
    assert_eq!(lath(["--version"]).success(), format!("lath {}\n", env!("CARGO_PKG_VERSION")));
}
