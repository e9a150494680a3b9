//! A host's file: what it may say, and every error.

use model::host_file::{HostFile, parse, parse_settings};
use model::limits::{HOST_INSTANCES_MAX, MANIFEST_BYTES_MAX};

const SMALLEST: &str = "[host]\nname = \"a1\"\n[lattice]\nname = \"prod\"\nservers = [\"nats://127.0.0.1:4222\"]\n";

const WHOLE: &str = r#"
[host]
name = "a1"
data = "/var/lib/lath"
cache = "../cache"
listen = "0.0.0.0:8080"
tls = { cert = "www.pem", key = "www.key" }
labels = { zone = "a", tier = "web" }
instances = 500
planner = false
[secrets]
dir = "/etc/lath/secrets"
[config.shop.cart]
currency = "CHF"
"a key" = ""
[config.bank.teller]
limit = "5"
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
[observe]
listen = "127.0.0.1:9464"
endpoint = "http://127.0.0.1:4318"
service = "shop"
sampler = "parentbased_traceidratio"
sampler-argument = "0.1"
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
        "[host]\nname = \"a1\"\n[secrets]\nfolder = \"s\"\n[config.Shop.cart]\n[config.shop.cart]\na = 12345\n\
         b = \"x\\u0000\"\n[config.bank]\nteller = \"x\"\n[lattice]\nname = \"prod\"\nservers = [\"nats://a\"]\n",
        "[host]\nname = \"a1\"\nlisten = \"0.0.0.0:8443\"\ntls = { cert = \"a.pem\", ca = \"ca.pem\" }\n[lattice]\n\
         name = \"prod\"\nservers = [\"nats://a\"]\n",
        "[host]\nname = \"a1\"\ntls = { cert = \"a.pem\", key = \"a.key\" }\n[lattice]\nname = \"prod\"\n\
         servers = [\"nats://a\"]\n",
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

#[test]
fn settings_of_one_application_are_read_alone() {
    let settings = parse_settings("[cart]\ncurrency = \"CHF\"\n[tax]\n").unwrap_or_else(|errors| panic!("{errors}"));
    let told: Vec<_> = settings
        .iter()
        .map(|(actor, keys)| (actor.as_str(), keys.keys().map(String::as_str).collect::<Vec<_>>()))
        .collect();
    assert_eq!(told, [("cart", vec!["currency"]), ("tax", vec![])]);
    assert_eq!(settings[&"cart".parse().unwrap()]["currency"].expose(), "CHF");
    // What is wrong with a value is told without it.
    for text in
        ["[cart]\npin = 31415926", "[cart]\npin = \"31415926\\u0000\"", "pin = \"31415926\"", "[cart]\npin = '31415926"]
    {
        let told = parse_settings(text).unwrap_err().to_string();
        assert!(!told.contains("31415926"), "{told}");
    }
    assert!(!format!("{settings:?}").contains("CHF"));
}
