//! `lath run` of commands: streams, arguments, exit codes, signals, limits; nothing but what is granted.

mod folders;
mod network;

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};

use host::limits::{COMMAND_CONFIG_BYTES_MAX, COMMAND_STOP_GRACE};
use testkit::application::guest;

use crate::lath::{Ended, command, ended};

const TARGET: &str = "wasm32-wasip2";

/// `lath run` of the test program with these options, and after them these words.
fn program(options: &[&str], words: &[&str]) -> Command {
    of("command", options, words)
}

fn of(name: &str, options: &[&str], words: &[&str]) -> Command {
    let path = guest(TARGET, name);
    let mut args = vec!["run".to_owned(), path.to_str().unwrap().to_owned()];
    args.extend(options.iter().map(ToString::to_string));
    args.push("--".to_owned());
    args.extend(words.iter().map(ToString::to_string));
    command(args)
}

fn run(options: &[&str], words: &[&str]) -> Ended {
    ended(&mut program(options, words))
}

/// What the program printed, having ended well.
fn said(options: &[&str], words: &[&str]) -> String {
    let ended = run(options, words);
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{words:?}: {ended:#?}");
    ended.stdout.trim_end().to_owned()
}

#[test]
fn arguments_and_exit_codes_pass_through() {
    assert_eq!(
        said(&[], &["args", "a b", "--listen", "-", ""]),
        r#"Some("command.wasm") ["a b", "--listen", "-", ""]"#
    );
    for (words, code) in
        [(&["exit", "0"][..], 0), (&["exit", "1"], 1), (&["status", "42"], 42), (&["status", "255"], 255)]
    {
        let ended = run(&[], words);
        assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (code, "", ""), "{words:?}");
    }
}

#[test]
fn options_of_applications_are_refused() {
    for options in [["--listen", "127.0.0.1:0"], ["--data", "elsewhere"]] {
        let ended = run(&options, &["args"]);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{ended:#?}");
        assert!(ended.stderr.contains(&format!("`{}` is for applications", options[0])), "{}", ended.stderr);
    }
}

#[test]
fn the_environment_is_what_is_granted() {
    let with_home = |options: &[&str]| {
        let ended = ended(program(options, &["env"]).env("FRUIT", "fig").env("SECRET", "x"));
        (ended.code, ended.stdout)
    };
    assert_eq!(with_home(&[]), (0, String::new()));
    assert_eq!(with_home(&["--env", "A=1=2", "--env", "FRUIT"]), (0, "A=1=2\nFRUIT=fig\n".to_owned()));
    let missing = run(&["--env", "LATH_TEST_IS_NOT_SET"], &["env"]);
    assert_eq!(missing.code, 2, "{missing:#?}");
    assert!(missing.stderr.contains("LATH_TEST_IS_NOT_SET` passes on a variable that is not set"), "{missing:#?}");
}

#[test]
fn a_configuration_is_a_file_and_options_over_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.toml");
    let file_name = file.to_str().unwrap();
    for (text, told) in [("a = 1", "is no configuration"), ("a = [", "is no configuration")] {
        std::fs::write(&file, text).unwrap();
        let ended = run(&["--config-file", file_name], &["env"]);
        assert_eq!(ended.code, 2, "{ended:#?}");
        assert!(ended.stderr.contains(told), "{ended:#?}");
    }
    // 1 MiB, and not a byte more; whoever never ends is not read to the end.
    let whole = "a = \"file\"\n#".to_owned();
    let whole = whole.clone() + &"x".repeat(COMMAND_CONFIG_BYTES_MAX as usize - whole.len());
    std::fs::write(&file, &whole).unwrap();
    assert_eq!(run(&["--config-file", file_name], &["env"]).code, 0);
    std::fs::write(&file, whole + "x").unwrap();
    for endless in [file_name, "/dev/zero"] {
        let ended = run(&["--config-file", endless], &["env"]);
        assert_eq!(ended.code, 1, "{ended:#?}");
        assert!(ended.stderr.contains("larger than 1048576 bytes"), "{ended:#?}");
    }
    std::fs::write(&file, "a = \"file\"\nb = \"file\"\n").unwrap();
    let config = |options: &[&str]| {
        let ended = ended(&mut of("command-config", options, &[]));
        ended.success().to_owned()
    };
    assert_eq!(config(&[]), "{}\n");
    let options = ["--config-file", file_name, "--config", "b=option=1", "--config", "c="];
    assert_eq!(config(&options), "{\"a\": \"file\", \"b\": \"option=1\", \"c\": \"\"}\n");
}

fn piped(command: &mut Command) -> Child {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn streams_are_binary_and_whole() {
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    for (name, words) in [("command", ["cat"]), ("command_next", ["cat"])] {
        let mut child = piped(&mut of(name, &[], &words));
        let mut stdin = child.stdin.take().unwrap();
        let sent = bytes.clone();
        let writer = std::thread::spawn(move || stdin.write_all(&sent).unwrap());
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(output.stdout == bytes, "{name}: {} of {} bytes", output.stdout.len(), bytes.len());
    }
}

#[test]
fn what_is_written_is_there_at_once() {
    let mut child = piped(&mut program(&[], &["cat"]));
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    // No line end, and nothing else is coming.
    for word in [b"one", b"two"] {
        stdin.write_all(word).unwrap();
        let mut back = [0; 3];
        stdout.read_exact(&mut back).unwrap();
        assert_eq!(&back, word);
    }
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

/// A reader that has seen enough ends the command, as a signal would.
#[test]
fn a_broken_pipe_ends_it_quietly() {
    let mut child = piped(&mut program(&[], &["yes"]));
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "y");
    drop(lines);
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(141), ""));
}

#[test]
fn standard_error_is_its_own() {
    let ended = run(&[], &["stderr", "oh"]);
    assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (0, "", "oh\n"));
}

#[test]
fn signals_end_it() {
    // A command that computes, one that sleeps, one that waits for input, one whose output nobody takes.
    for words in [&["spin"][..], &["sleep", "600"], &["cat"], &["yes"]] {
        for (signal, code) in [("INT", 130), ("TERM", 143)] {
            let mut child = piped(program(&["--format", "json"], words).env("LATH_LOG", "off"));
            // `wait` closes the input of a child: one that is held here is not its end.
            let _input = child.stdin.take().unwrap();
            let mut events = BufReader::new(child.stderr.take().unwrap()).lines();
            let compiled = events.next().unwrap().unwrap();
            assert!(compiled.contains("\"event\":\"compiled\""), "{compiled}");
            let sent = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status().unwrap();
            assert!(sent.success());
            assert_eq!(child.wait().unwrap().code(), Some(code), "{words:?}");
            let last: serde_json::Value = serde_json::from_str(&events.last().unwrap().unwrap()).unwrap();
            assert_eq!(last["signal"], format!("SIG{signal}"));
        }
    }
}

#[test]
fn a_trap_says_where_it_was() {
    for (words, function) in [(["trap"], "deep_down"), (["panic"], "panic")] {
        let ended = run(&[], &words);
        assert_eq!((ended.code, ended.stdout.as_str()), (134, ""), "{ended:#?}");
        assert!(ended.stderr.contains("command.wasm trapped: wasm `unreachable` instruction executed"), "{ended:#?}");
        assert!(ended.stderr.contains(function), "{ended:#?}");
    }
    let json = run(&["--format", "json"], &["trap"]).error();
    assert_eq!(json["kind"], "command");
    assert!(json["backtrace"].as_str().unwrap().contains("deep_down"), "{json}");
}

#[test]
fn time_and_memory_are_bounded() {
    for words in [&["spin"][..], &["sleep", "600"], &["yes"]] {
        let late = run(&["--timeout", "300ms"], words);
        assert_eq!(late.code, 124, "{words:?}: {}", late.stderr);
        assert!(late.stderr.contains("ran longer than its `--timeout`"), "{words:?}: {}", late.stderr);
    }
    // Nobody takes what it writes, and still it ends, after a second of grace.
    let mut child = piped(program(&["--timeout", "300ms"], &["yes"]).env("LATH_LOG", "off"));
    assert_eq!(child.wait().unwrap().code(), Some(124));
    assert_eq!(COMMAND_STOP_GRACE.as_secs(), 1);
    assert_eq!(said(&["--memory", "64MiB"], &["hog", "8"]), "holds 8");
    let ended = run(&["--memory", "64MiB"], &["hog", "100"]);
    assert_eq!(ended.code, 134, "{ended:#?}");
    assert!(ended.stderr.contains("memory limit of 67108864 bytes"), "{ended:#?}");
}

#[test]
fn commands_of_the_next_version_run_too() {
    let next = |options: &[&str], words: &[&str]| ended(&mut of("command_next", options, words));
    let told = next(&["--env", "A=1"], &["x"]);
    assert_eq!((told.code, told.stdout.as_str()), (0, "[\"x\"] [(\"A\", \"1\")]\n"), "{told:#?}");
    assert_eq!((next(&[], &["fail"]).code, next(&[], &["exit"]).code), (1, 1));
    let found = next(&["--net", "tcp://localhost:1"], &["lookup", "localhost"]);
    assert_eq!(found.stdout, "Ok(true)\n", "{found:#?}");
    let denied = next(&["--net", "tcp://localhost:1"], &["lookup", "example.com"]);
    assert_eq!(denied.stdout, "Err(ErrorCode::AccessDenied)\n", "{denied:#?}");
}

#[test]
fn what_is_no_command_is_told() {
    let actor = guest(TARGET, "faulty");
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, wat(text)).unwrap();
        path
    };
    let old = write("old.wasm", "wasi_snapshot_preview1");
    let bare = write("bare.wasm", "env");
    let manifest = testkit::application::root().join("examples/kvcounter");
    for (path, text) in [
        (&actor, "exports no `wasi:cli/run`: it is no command"),
        (&manifest, "the options of a command are for a component"),
        (&old, "is a core module for WASI preview 1, not a component"),
        (&bare, "is a core WebAssembly module without an embedded component type"),
    ] {
        let ended = crate::lath::lath(["run".as_ref(), path.as_os_str(), "--command".as_ref()]);
        assert!(ended.code == 1 || ended.code == 2, "{ended:#?}");
        let text_seen = ended.stderr.replace("\n  │ ", " ").replace("\n    ", " ");
        assert!(text_seen.contains(text), "{text}: {ended:#?}");
    }
}

/// A core module that imports `f` from a module of this name.
fn wat(module: &str) -> Vec<u8> {
    let mut bytes = b"\0asm\x01\0\0\0".to_vec();
    // One type, `func()`; one import of it.
    bytes.extend([1, 4, 1, 0x60, 0, 0]);
    let name = u8::try_from(module.len()).unwrap();
    bytes.extend([2, name + 6, 1, name]);
    bytes.extend(module.as_bytes());
    bytes.extend([1, b'f', 0, 0]);
    bytes
}
