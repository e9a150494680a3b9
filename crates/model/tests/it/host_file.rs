//! A host's file: what it may say, and every error.

use model::host_file::{HostFile, parse};
use model::limits::{HOST_INSTANCES_MAX, MANIFEST_BYTES_MAX};

const SMALLEST: &str = "[host]\nname = \"a1\"\n[lattice]\nname = \"prod\"\nservers = [\"nats://127.0.0.1:4222\"]\n";

const WHOLE: &str = r#"
[host]
name = "a1"
data = "/var/lib/lath"
cache = "../cache"
listen = "0.0.0.0:8080"
labels = { zone = "a", tier = "web" }
instances = 500
planner = false
[lattice]
name = "prod"
servers = ["tls://nats-1.example.com:4222", "tls://[::1]"]
credentials = "a1.nk"
prefix = "team.lath"
domain = "leaf"
storage-replicas = 3
[lattice.tls]
ca = "ca.pem"
cert = "a1.pem"
key = "a1.key"
"#;

fn read(text: &str) -> HostFile {
    parse(text).unwrap_or_else(|errors| panic!("{errors}"))
}

#[test]
fn what_is_left_out_has_a_default() {
    insta::assert_debug_snapshot!(read(SMALLEST));
}

#[test]
fn everything_is_read() {
    insta::assert_debug_snapshot!(read(WHOLE));
}

#[test]
fn all_errors_are_told_at_once() {
    let texts = [
        "",
        "[host",
        "[host]\n[lattice]\n",
        "[host]\nname = \"A1\"\nlabel = {}\nlisten = \"8080\"\ninstances = 0\nplanner = \"no\"\nlabels = { zone = \"a b\" }\n\
         [lattice]\nname = \"prod\"\nservers = []\nstorage-replicas = 2\n[latice]\n",
        "[host]\nname = \"a1\"\n[lattice]\nname = \"prod\"\nservers = [\"127.0.0.1:4222\", \"http://a\", \
         \"nats://user:secret@a\", \"nats://a:0\", \"nats://a\", \"nats://a\"]\nprefix = \"a..b\"\ndomain = \"a.b\"\n\
         tls = { cert = \"a.pem\" }\n",
        "[host]\nname = \"a1\"\n[lattice]\nname = \"prod\"\nservers = [\"nats://a\"]\ntls = { key = \"a.key\", cart = 1 }\n",
    ];
    let told = texts.map(|text| format!("{text}\n---\n{}\n", parse(text).unwrap_err()));
    insta::assert_snapshot!(told.join("\n===\n"));
}

#[test]
fn bounds_are_kept() {
    let with = |instances: u32| SMALLEST.replace("[lattice]", &format!("instances = {instances}\n[lattice]"));
    assert_eq!(read(&with(HOST_INSTANCES_MAX)).host.instances, HOST_INSTANCES_MAX);
    parse(&with(HOST_INSTANCES_MAX + 1)).unwrap_err();
    let long = format!("{SMALLEST}#{}", "x".repeat(MANIFEST_BYTES_MAX));
    assert!(parse(&long).unwrap_err().to_string().contains("at most"));
}
