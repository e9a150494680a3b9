//! Where requests of HTTP may go.

use model::destination::Origin;

fn origin(text: &str) -> Origin {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn origins_are_read_and_written() {
    for (text, written) in [
        ("https://api.example.com", "https://api.example.com:443"),
        ("http://API.example.com", "http://api.example.com:80"),
        ("http://*.internal:8080", "http://*.internal:8080"),
        ("http://127.0.0.1:9000-9010", "http://127.0.0.1:9000-9010"),
        ("https://[::1]", "https://[::1]:443"),
        ("http://10.0.0.0/8:*", "http://10.0.0.0/8:*"),
        ("https://*", "https://*:443"),
    ] {
        assert_eq!(origin(text).to_string(), written);
        assert_eq!(origin(written), origin(text));
    }
    for text in [
        "api.example.com",
        "ftp://example.com",
        "https://",
        "https://example.com/",
        "https://example.com/path",
        "https://user@example.com",
        "https://exa*mple.com",
        "https://example.com:0",
        "https://example.com:",
        "https://::1",
    ] {
        assert!(text.parse::<Origin>().is_err(), "{text}");
    }
}

#[test]
fn origins_take_what_they_name() {
    for (text, is_tls, host, port, takes) in [
        ("https://api.example.com", true, "api.example.com", 443, true),
        ("https://api.example.com", true, "API.example.com.", 443, true),
        ("https://api.example.com", false, "api.example.com", 443, false),
        ("https://api.example.com", true, "api.example.com", 80, false),
        ("https://api.example.com", true, "example.com", 443, false),
        ("http://*.internal:8080", false, "a.b.internal", 8080, true),
        ("http://*.internal:8080", false, "internal", 8080, false),
        ("http://*.internal:8080", false, "evilinternal", 8080, false),
        ("http://127.0.0.1", false, "127.0.0.1", 80, true),
        ("http://[::1]", false, "[::1]", 80, true),
        ("http://127.0.0.1", false, "localhost", 80, false),
        ("http://localhost", false, "127.0.0.1", 80, false),
        ("http://*", false, "127.0.0.1", 80, false),
        ("http://*", false, "203.0.114.1", 80, true),
        ("http://*", false, "[::ffff:10.0.0.1]", 80, false),
    ] {
        assert_eq!(origin(text).takes(is_tls, host, port), takes, "{text} {host}:{port}");
    }
}

#[test]
fn names_do_not_lead_inside() {
    let lead = |text: &str, host: &str, found: &str| origin(text).leads_to(host, found.parse().unwrap());
    assert!(lead("https://api.example.com", "api.example.com", "203.0.114.1"));
    assert!(!lead("https://api.example.com", "api.example.com", "127.0.0.1"));
    assert!(!lead("https://api.example.com", "api.example.com", "169.254.169.254"));
    assert!(!lead("https://*", "api.example.com", "10.0.0.1"));
    assert!(lead("http://localhost", "localhost", "127.0.0.1"));
    assert!(!lead("http://localhost", "localhost", "10.0.0.1"));
    assert!(lead("http://10.0.0.0/8", "10.0.0.1", "10.0.0.1"));
}
