//! Destinations: what is granted, and no way round it.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, UdpSocket};
use std::thread;

use super::{run, said};

/// Answers what it is told, as often as it is asked; gives its port.
fn echo() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            thread::spawn(move || {
                let mut text = Vec::new();
                if stream.read_to_end(&mut text).is_ok() {
                    let _ = stream.write_all(&text);
                    let _ = stream.shutdown(Shutdown::Both);
                }
            });
        }
    });
    port
}

fn echo_udp() -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    thread::spawn(move || {
        let mut buffer = [0; 64];
        while let Ok((count, from)) = socket.recv_from(&mut buffer) {
            let _ = socket.send_to(&buffer[..count], from);
        }
    });
    port
}

#[test]
fn only_what_is_granted_is_connected_to() {
    let port = echo();
    let address = format!("127.0.0.1:{port}");
    for (granted, reaches) in [
        (format!("tcp://127.0.0.1:{port}"), true),
        (format!("tcp://127.0.0.0/8:{port}"), true),
        ("tcp://127.0.0.1:*".to_owned(), true),
        (format!("tcp://127.0.0.1:{}-{}", port - 1, port), true),
        ("tcp://0.0.0.0/0:*".to_owned(), true),
        // Another port, another transport, another address; everything that does not lead inside.
        ("tcp://127.0.0.1:1".to_owned(), false),
        (format!("udp://127.0.0.1:{port}"), false),
        (format!("tcp://127.0.0.2:{port}"), false),
        (format!("tcp://10.0.0.0/8:{port}"), false),
        (format!("tcp://*:{port}"), false),
        // A name alone grants no address that nobody looked up.
        (format!("tcp://localhost:{port}"), false),
    ] {
        let answer = said(&["--net", &granted], &["net", "tcp", &address, "hello"]);
        assert_eq!(answer, if reaches { "hello" } else { "error: PermissionDenied" }, "{granted}");
    }
    assert_eq!(said(&[], &["net", "tcp", &address, "hello"]), "error: PermissionDenied");
}

#[test]
fn names_are_looked_up_only_where_granted() {
    let port = echo();
    let localhost = format!("localhost:{port}");
    let granted = format!("tcp://localhost:{port}");
    assert_eq!(said(&["--net", &granted], &["net", "tcp", &localhost, "hello"]), "hello");
    let refused = |options: &[&str], name: &str| {
        let answer = said(options, &["net", "lookup", name]);
        assert!(answer.starts_with("error: "), "{options:?} {name}: {answer}");
    };
    refused(&[], "localhost");
    refused(&["--net", "tcp://example.com:443"], "localhost");
    refused(&["--net", "tcp://*.localhost:443"], "localhost");
    refused(&["--net", "tcp://127.0.0.1:*"], "localhost");
    // An answer that leads inside is none, whatever the name server says.
    refused(&["--net", "tcp://*:443"], "localhost");
    refused(&["--net", "tcp://*:443"], "0x7f000001");
}

#[test]
fn datagrams_go_where_granted() {
    let port = echo_udp();
    let address = format!("127.0.0.1:{port}");
    let granted = format!("udp://127.0.0.1:{port}");
    assert_eq!(said(&["--net", &granted], &["net", "udp", &address, "hello"]), "hello");
    for other in ["udp://127.0.0.1:1", "tcp://127.0.0.1:*"] {
        assert_eq!(said(&["--net", other], &["net", "udp", &address, "hello"]), "error: PermissionDenied", "{other}");
    }
}

/// 128 sockets.
#[test]
fn sockets_are_bounded() {
    let address = format!("127.0.0.1:{}", echo());
    let granted = ["--net", "tcp://127.0.0.1:*"];
    assert_eq!(said(&granted, &["net", "open-many", &address, "100"]), "100");
    let answer = said(&granted, &["net", "open-many", &address, "200"]);
    assert!(answer.starts_with("128 then "), "{answer}");
    let next = super::ended(&mut super::of("command_next", &granted, &["sockets", "200"]));
    assert_eq!(next.success(), "128 of 200\n");
}

/// 16 lookups whose answers are not there, or not taken.
#[test]
fn lookups_are_bounded() {
    let granted = ["--net", "tcp://localhost:*"];
    let answer = said(&granted, &["net", "lookup-many", "localhost", "20"]);
    assert!(answer.starts_with("16 then ") && answer.contains("temporary-resolver-failure"), "{answer}");
    // Those that were answered do not count.
    let next = super::ended(&mut super::of("command_next", &granted, &["lookups", "40"]));
    assert_eq!(next.success(), "40 of 40\n");
}

#[test]
fn nobody_listens() {
    for address in ["127.0.0.1:0", "0.0.0.0:0", "127.0.0.1:18080"] {
        let answer = said(&["--net", "tcp://0.0.0.0/0:*"], &["net", "listen", address]);
        assert_eq!(answer, "error: PermissionDenied", "{address}");
    }
    let answer = said(&["--net", "udp://0.0.0.0/0:*"], &["net", "bind", "127.0.0.1:0"]);
    assert_eq!(answer, "error: PermissionDenied");
}

/// WASI 0.3 has the same grants.
#[test]
fn sockets_of_the_next_version_go_where_granted() {
    let (tcp, udp) = (echo().to_string(), echo_udp().to_string());
    let next = |granted: &str, act: &str, ip: &str, port: &str| {
        let ip: Vec<&str> = ip.split('.').collect();
        let options = if granted.is_empty() { Vec::new() } else { vec!["--net", granted] };
        let words = [&["socket", act], ip.as_slice(), &[port]].concat();
        super::ended(&mut super::of("command_next", &options, &words)).success().trim_end().to_owned()
    };
    let (own_tcp, own_udp) = (format!("tcp://127.0.0.1:{tcp}"), format!("udp://127.0.0.1:{udp}"));
    for (granted, act, ip, port, is_done) in [
        (own_tcp.as_str(), "tcp-connect", "127.0.0.1", tcp.as_str(), true),
        (&own_udp, "udp-send", "127.0.0.1", &udp, true),
        (&own_udp, "udp-connect", "127.0.0.1", &udp, true),
        ("", "tcp-connect", "127.0.0.1", &tcp, false),
        ("", "udp-send", "127.0.0.1", &udp, false),
        ("tcp://*:*", "tcp-connect", "127.0.0.1", &tcp, false),
        ("udp://*:*", "udp-send", "127.0.0.1", &udp, false),
        ("udp://*:*", "udp-connect", "127.0.0.1", &udp, false),
        (&own_udp, "tcp-connect", "127.0.0.1", &udp, false),
        (&own_tcp, "udp-send", "127.0.0.1", &tcp, false),
        (&own_tcp, "tcp-connect", "127.0.0.2", &tcp, false),
        // Nobody listens, and nobody takes a port of its choice.
        ("tcp://0.0.0.0/0:*", "tcp-listen", "0.0.0.0", "0", false),
        ("tcp://0.0.0.0/0:*", "tcp-bind", "127.0.0.1", "0", false),
        ("tcp://0.0.0.0/0:*", "tcp-bind", "0.0.0.0", "18080", false),
        ("udp://0.0.0.0/0:*", "udp-bind", "127.0.0.1", "0", false),
        ("udp://0.0.0.0/0:*", "udp-bind", "0.0.0.0", "18080", false),
    ] {
        let told = next(granted, act, ip, port);
        assert_eq!(told, if is_done { "Ok(())" } else { "Err(ErrorCode::AccessDenied)" }, "{granted} {act} {ip}");
    }
}

#[test]
fn a_destination_that_is_none_is_told() {
    let ended = run(&["--net", "example.com"], &["env"]);
    assert_eq!(ended.code, 2, "{ended:#?}");
    assert!(ended.stderr.contains("`example.com` is not a destination: it has no `tcp://`"), "{ended:#?}");
}
