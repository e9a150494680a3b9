//! `lath adapter`.

use std::fs;

use crate::lath::{command, ended, lath_in, redacted};
use crate::wit;

fn args<'a>(source: &'a str, contract: &'a str, side: &'a str, file: &'a str) -> [&'a str; 8] {
    ["adapter", source, "--contract", contract, "--side", side, "-o", file]
}

#[test]
fn a_contract_has_one_sender_and_one_receiver_whatever_states_it() {
    let package = [
        ("acme.wit", wit::ACME),
        ("folder/acme.wit", wit::ACME),
        ("deps-of-files/deps/acme.wit", wit::ACME),
        ("deps-of-files/billing.wit", wit::BILLING),
        ("deps-of-folders/deps/acme-shop/acme.wit", wit::ACME),
        ("deps-of-folders/billing.wit", wit::BILLING),
    ];
    let folder = wit::folder(&package);
    let rows = [
        ("acme:shop/rates@1.2.0", ["acme.wit", "folder"]),
        ("acme:billing/bills", ["deps-of-files", "deps-of-folders/billing.wit"]),
    ];
    for (contract, sources) in rows {
        for side in ["sender", "receiver"] {
            let made = sources.map(|source| {
                lath_in(folder.path(), args(source, contract, side, "made.wasm")).success();
                fs::read(folder.path().join("made.wasm")).unwrap()
            });
            assert_eq!(made[0], made[1], "{side} of {contract}");
            // The adapter itself states the contract as well.
            lath_in(folder.path(), args("made.wasm", contract, side, "again.wasm")).success();
            assert_eq!(fs::read(folder.path().join("again.wasm")).unwrap(), made[0], "{side} of {contract}");
        }
    }
}

#[test]
fn it_says_what_it_wrote() {
    let folder = wit::folder(&[("acme.wit", wit::ACME)]);
    let text = lath_in(folder.path(), args("acme.wit", "rates", "receiver", "r.wasm"));
    insta::assert_snapshot!(redacted(text.success()), @"r.wasm: receiver of acme:shop/rates@1.2.0, N bytes, sha256:…");
    let json =
        lath_in(folder.path(), args("acme.wit", "rates", "receiver", "r.wasm").into_iter().chain(["--format", "json"]));
    let report = json.json();
    assert_eq!(report["side"], "receiver");
    assert_eq!(report["contract"], "acme:shop/rates@1.2.0");
    assert_eq!(report["file"], "r.wasm");
    assert_eq!(report["size"], fs::metadata(folder.path().join("r.wasm")).unwrap().len());
}

#[test]
fn a_pipe_gets_the_bytes_and_nothing_else() {
    let folder = wit::folder(&[("acme.wit", wit::ACME)]);
    lath_in(folder.path(), args("acme.wit", "rates", "sender", "s.wasm")).success();
    let piped = command(args("acme.wit", "rates", "sender", "-")).current_dir(folder.path()).output().unwrap();
    assert!(piped.status.success());
    assert_eq!(piped.stdout, fs::read(folder.path().join("s.wasm")).unwrap());
}

#[test]
fn a_contract_may_be_named_in_short() {
    let folder = wit::folder(&[("acme.wit", wit::ACME)]);
    for name in ["rates", "acme:shop/rates", "acme:shop/rates@1.2.0"] {
        let mut lath = command(args("acme.wit", name, "sender", "s.wasm"));
        ended(lath.current_dir(folder.path())).success();
    }
}

#[test]
fn a_generator_that_is_a_component_gives_the_same() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../guests/target/wasm32-wasip2/release");
    let folder = wit::folder(&[("acme.wit", wit::ACME)]);
    let made = |side: &str, more: &[&str]| {
        let args = args("acme.wit", "rates", side, "made.wasm").into_iter().chain(more.iter().copied());
        lath_in(folder.path(), args).success();
        fs::read(folder.path().join("made.wasm")).unwrap()
    };
    let generator = format!("{root}/generator.wasm");
    for wire in ["1", "2"] {
        for side in ["sender", "receiver"] {
            let native = made(side, &["--wire", wire]);
            assert!(native == made(side, &["--wire", wire, "--generator", &generator]), "{side}, wire {wire}");
        }
    }
    assert_ne!(made("sender", &[]), made("sender", &["--wire", "2"]));
}

#[test]
fn a_generator_that_cannot_be_used_is_named() {
    let folder = wit::folder(&[("acme.wit", wit::ACME)]);
    fs::write(folder.path().join("empty.wasm"), b"\0asm\x0d\0\x01\0").unwrap();
    let with = |more: &[&str]| {
        let args = args("acme.wit", "rates", "sender", "made.wasm").into_iter().chain(more.iter().copied());
        lath_in(folder.path(), args)
    };
    for (more, expected) in [
        (&["--generator", "empty.wasm"][..], "the generator empty.wasm made no adapter"),
        (&["--generator", "empty.wasm"][..], "so it is no generator"),
        (&["--generator", "none.wasm"][..], "none.wasm"),
    ] {
        let ended = with(more);
        let text = ended.failure();
        assert!(text.contains(expected), "{text}");
    }
    let usage = with(&["--wire", "77"]);
    assert!(usage.code == 2 && usage.stderr.contains("there is no version 77 of the wire"), "{usage:?}");
    assert!(!folder.path().join("made.wasm").exists());
}
