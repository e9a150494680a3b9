//! What an actor has of the world: nothing that was not granted, and nothing false.

use std::net::TcpListener;
use std::time::SystemTime;

use adapter::value::Value;

use crate::scene::{assert_like, faults, faulty, told};

fn text(text: &str) -> Vec<Value> {
    vec![Value::String(text.to_owned())]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_environment_is_what_was_granted() {
    let running = faulty("granted", "grants.env = { LATH_TEST = \"yes\" }").await;
    let faults = faults(&running, "granted");
    for (name, expected) in [
        ("LATH_TEST", "Result(Ok(Some(Option(Some(String(\"yes\"))))))"),
        ("PATH", "Result(Ok(Some(Option(None))))"),
        ("HOME", "Result(Ok(Some(Option(None))))"),
    ] {
        assert_eq!(told(faults.call("env", &text(name)).await), expected, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_and_network_are_denied() {
    let running = faulty("denied", "").await;
    let faults = faults(&running, "denied");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let here = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    for (function, param) in [("open-file", here), ("open-file", "Cargo.toml"), ("connect", &address)] {
        assert_like(&told(faults.call(function, &text(param)).await), "Result(Err(Some(String(\"…");
    }
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "the guest has connected");
}

#[tokio::test(flavor = "multi_thread")]
async fn clocks_and_randomness_are_real() {
    let running = faulty("honest", "").await;
    let faults = faults(&running, "honest");
    let number = async |function: &str| match faults.call(function, &[]).await {
        Ok(Some(Value::Result(Ok(Some(value))))) => match *value {
            Value::U64(number) => number,
            other => panic!("{function} gave {other:?}"),
        },
        other => panic!("{function} gave {other:?}"),
    };
    let here = || u64::try_from(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos()).unwrap();
    let (before, there) = (here(), number("now").await);
    assert!((before..=here()).contains(&there), "{there} is not between {before} and now");
    assert_ne!(number("random").await, number("random").await);
}
