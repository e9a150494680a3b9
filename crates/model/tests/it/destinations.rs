//! Destinations: what is one, whom it names, and what may be connected to.

use model::destination::{Destination, IpNetwork, Reach, Transport, is_inside};
use model::folder::Folder;
use model::limits::FOUND_ADDRESSES_MAX;

fn one(text: &str) -> Destination {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn destinations_are_written_as_they_are_read() {
    for text in [
        "tcp://db.example.com:5432",
        "udp://10.0.0.0/8:53",
        "tcp://[::1]:8000-8999",
        "tcp://[fd00::/8]:*",
        "tcp://*:443",
        "tcp://*.example.com:1-65534",
        "tcp://127.0.0.1:1",
        "tcp://xn--bcher-kva.example:443",
        "tcp://0.0.0.0/0:*",
    ] {
        assert_eq!(one(text).to_string(), text);
    }
    assert_eq!(one("tcp://DB.Example.com:80-80").to_string(), "tcp://db.example.com:80");
}

#[test]
fn what_is_no_destination_is_refused() {
    let texts = [
        "",
        "db:5432",
        "http://db:80",
        "TCP://db:80",
        "tcp://db",
        "tcp://:80",
        "tcp://db:",
        "tcp://db:0",
        "tcp://db:65536",
        "tcp://db:9-1",
        "tcp://db:1-",
        "tcp://db:x",
        "tcp://db:+1",
        "tcp://a b:1",
        "tcp://bücher.example:1",
        "tcp://*.:1",
        "tcp://*a:1",
        "tcp://a.*.b:1",
        "tcp://*.10.0.0.1/8:1",
        "tcp://.a:1",
        "tcp://a..b:1",
        "tcp://a.:1",
        "tcp://::1:1",
        "tcp://[::1:1",
        "tcp://[]:1",
        "tcp://[db]:1",
        "tcp://[::ffff:10.0.0.1]:1",
        "tcp://10.0.0.1/8:1",
        "tcp://10.0.0.0/33:1",
        "tcp://10.0.0:1",
        "tcp://010.0.0.1:1",
        "tcp://127.1:1",
        "tcp://10.0.0.0/:1",
        "tcp://[fd00::/129]:1",
        "tcp://user@db:1",
        "tcp://db:1/path",
    ];
    for text in texts {
        assert!(text.parse::<Destination>().is_err(), "{text}");
    }
    assert!(format!("tcp://{}:1", "a".repeat(64)).parse::<Destination>().is_err());
    assert!(format!("tcp://{}:1", ["a"; 128].join(".")).parse::<Destination>().is_err());
}

#[test]
fn names_are_whole_names() {
    let names = |text: &str, name: &str| one(text).names(name);
    for (text, name, expected) in [
        ("tcp://example.com:1", "example.com", true),
        ("tcp://example.com:1", "EXAMPLE.com.", true),
        ("tcp://example.com:1", "www.example.com", false),
        ("tcp://example.com:1", "example.com.evil", false),
        ("tcp://*.example.com:1", "a.example.com", true),
        ("tcp://*.example.com:1", "a.b.example.com", true),
        ("tcp://*.example.com:1", "example.com", false),
        ("tcp://*.example.com:1", ".example.com", false),
        ("tcp://*.example.com:1", "evilexample.com", false),
        ("tcp://*.example.com:1", "evil/.example.com", false),
        ("tcp://*:1", "any.thing", true),
        ("tcp://*:1", "a%2eb", false),
        ("tcp://10.0.0.0/8:1", "10.0.0.1", false),
    ] {
        assert_eq!(names(text, name), expected, "{text} {name}");
    }
}

#[test]
fn networks_hold_their_addresses() {
    let holds = |network: &str, address: &str| network.parse::<IpNetwork>().unwrap().contains(address.parse().unwrap());
    for (network, address, expected) in [
        ("10.0.0.0/8", "10.255.0.1", true),
        ("10.0.0.0/8", "11.0.0.1", false),
        ("10.0.0.0/8", "::ffff:10.0.0.1", true),
        ("0.0.0.0/0", "8.8.8.8", true),
        ("0.0.0.0/0", "::1", false),
        ("::/0", "8.8.8.8", false),
        ("fd00::/8", "fdff::1", true),
        ("::1", "::1", true),
        ("127.0.0.1", "127.0.0.2", false),
    ] {
        assert_eq!(holds(network, address), expected, "{network} {address}");
    }
}

#[test]
fn inside_is_what_is_not_of_the_world() {
    for address in [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "127.0.0.1",
        "127.255.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.0.1",
        "192.0.0.1",
        "192.0.2.1",
        "192.168.1.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::127.0.0.1",
        "fe80::1",
        "fc00::1",
        "fd00:ec2::254",
        "ff02::1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2001::1",
        "2001:db8::1",
        "100::1",
        "fec0::1",
    ] {
        assert!(is_inside(address.parse().unwrap()), "{address}");
    }
    for address in
        ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::808:808", "2002:808:808::"]
    {
        assert!(!is_inside(address.parse().unwrap()), "{address}");
    }
}

#[test]
fn what_was_found_under_a_name_is_reached_and_nothing_else() {
    let granted = ["tcp://db.example.com:5432", "tcp://*.web.example:443", "udp://10.0.0.0/8:53", "tcp://localhost:80"];
    let mut reach = Reach::new(granted.map(one).to_vec());
    let address = |text: &str| text.parse().unwrap();
    let tcp = |reach: &Reach, text: &str, port| reach.may_reach(Transport::Tcp, address(text), port);
    assert!(
        reach.may_look_up("db.example.com") && reach.may_look_up("a.web.example") && reach.may_look_up("localhost")
    );
    assert!(!reach.may_look_up("example.com") && !reach.may_look_up("web.example"));
    assert!(!tcp(&reach, "8.8.8.8", 5432));
    assert!(reach.found("db.example.com", address("8.8.8.8")));
    assert!(tcp(&reach, "8.8.8.8", 5432) && tcp(&reach, "::ffff:8.8.8.8", 5432));
    assert!(!tcp(&reach, "8.8.8.8", 443) && !reach.may_reach(Transport::Udp, address("8.8.8.8"), 5432));
    // A name server that answers with an address inside.
    for inside in ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::ffff:192.168.0.1", "fd00::1"] {
        assert!(!reach.found("db.example.com", address(inside)), "{inside}");
        assert!(!tcp(&reach, inside, 5432), "{inside}");
    }
    assert!(reach.found("localhost", address("127.0.0.1")) && tcp(&reach, "127.0.0.1", 80));
    assert!(!reach.found("localhost", address("8.8.4.4")));
    assert!(reach.may_reach(Transport::Udp, address("10.9.9.9"), 53) && !tcp(&reach, "10.9.9.9", 53));
}

#[test]
fn the_oldest_addresses_are_forgotten() {
    let mut reach = Reach::new(vec![one("tcp://*.example.com:1")]);
    let address = |n: usize| format!("8.8.{}.{}", n / 256, n % 256).parse().unwrap();
    for n in 0..=FOUND_ADDRESSES_MAX {
        assert!(reach.found("a.example.com", address(n)));
    }
    assert!(!reach.may_reach(Transport::Tcp, address(0), 1));
    assert!(reach.may_reach(Transport::Tcp, address(1), 1));
    assert!(reach.may_reach(Transport::Tcp, address(FOUND_ADDRESSES_MAX), 1));
}

#[test]
fn folders_are_read_as_they_are_written() {
    for (text, shown) in [
        ("/srv", "/srv::/srv"),
        ("/srv::/data", "/srv::/data"),
        ("/srv::/data:ro", "/srv::/data"),
        ("/srv::/data:rw", "/srv::/data:rw"),
        ("a b:rw", "a b::a b:rw"),
    ] {
        assert_eq!(text.parse::<Folder>().unwrap().to_string(), shown, "{text}");
    }
    for text in ["", ":rw", "::", "a::", "::b", "a::b::c", "a\0b", "a::b:rw:ro", "a:ro::b", "a:rw:rw"] {
        assert!(text.parse::<Folder>().is_err(), "{text}");
    }
}
