//! The examples that keep keys and values, over real NATS: with `keyvalue/nats` instead of `keyvalue/embedded` every host of a
//! lattice shares them.

use anyhow::{Context as _, Result, ensure};
use futures_util::future::try_join_all;
use serde_json::{Value, json};
use testkit::application::example;
use testkit::http::{Answer, request};
use testkit::lattice::processes::Processes;

use crate::lattice_support::alone;

const EMBEDDED: &str = "keyvalue/embedded";
const NATS: &str = "keyvalue/nats";
const TWO: &str = "place = { replicas = 2 }\ncomponent = \"";
const HOSTS: [&str; 2] = ["h1", "h2"];

/// Deploys an example on both hosts, for requests to `NAME.test`.
async fn up(lattice: &Processes, name: &str, origin: &str) -> Result<()> {
    let route = format!("host = \"{name}.test\"\npath = \"/*\"");
    let mut changes = vec![(EMBEDDED, NATS), ("component = \"", TWO), ("path = \"/*\"", &route)];
    if name == "page-cache" {
        changes.push(("http://127.0.0.1:8000", origin));
    }
    lattice.up(example(name, &changes)?.path()).await
}

async fn ask(lattice: &Processes, name: &str, host: &str, what: (&str, &str, &str)) -> Result<Answer> {
    let (method, path, body) = what;
    let url = format!("http://{}{path}", lattice.address(host)?);
    request(method, &url, &[("host", &format!("{name}.test"))], body).await
}

fn json_of(answer: &Answer) -> Result<Value> {
    serde_json::from_str(&answer.body).with_context(|| format!("{answer:?}"))
}

/// A link that one host made leads on from each, and all hits count.
async fn shorten(lattice: &Processes) -> Result<()> {
    let name = "url-shortener";
    let made = ask(lattice, name, "h1", ("POST", "/", "https://example.com/")).await?;
    let path = made.header("location").context("no location")?;
    let hits = (0..20_usize).map(|at| ask(lattice, name, HOSTS[at % 2], ("GET", path, "")));
    for answer in try_join_all(hits).await? {
        ensure!((answer.status, answer.header("location")) == (302, Some("https://example.com/")), "{answer:?}");
    }
    let stats = ask(lattice, name, "h2", ("GET", &format!("{path}/stats"), "")).await?;
    ensure!(json_of(&stats)?["hits"] == 20, "{stats:?}");
    Ok(())
}

/// No change that one host makes is lost to one that another makes at the same moment.
async fn change(lattice: &Processes) -> Result<()> {
    let name = "json-api";
    let made = ask(lattice, name, "h1", ("POST", "/items", r#"{ "name": "tea" }"#)).await?;
    ensure!(made.header("location") == Some("/items/1"), "{made:?}");
    let body = r#"{ "name": "green tea" }"#;
    let changes = (0..8_usize).map(|at| ask(lattice, name, HOSTS[at % 2], ("PUT", "/items/1", body)));
    for answer in try_join_all(changes).await? {
        ensure!(answer.status == 200, "{answer:?}");
    }
    let list = ask(lattice, name, "h2", ("GET", "/items", "")).await?;
    let item = json!({ "id": 1, "version": 9, "name": "green tea", "quantity": 0 });
    ensure!(json_of(&list)? == json!({ "items": [item], "next": null }), "{list:?}");
    Ok(())
}

/// What one host fetched the other has.
async fn fetch(lattice: &Processes, url: &str) -> Result<()> {
    let path = format!("/?url={url}");
    for (host, from) in [("h1", "miss"), ("h2", "hit"), ("h1", "hit")] {
        let page = ask(lattice, "page-cache", host, ("GET", &path, "")).await?;
        ensure!((page.status, page.header("x-cache")) == (200, Some(from)), "{host}: {page:?}");
        ensure!(page.body == "Hello, page!\n", "{page:?}");
    }
    Ok(())
}

#[test]
fn hosts_share_what_examples_keep() -> Result<()> {
    alone(async || {
        let lattice = Processes::of(env!("CARGO_BIN_EXE_lath"), &HOSTS).await?;
        // What the page comes from is any server; here an example that answers on the same hosts.
        lattice.up(example("hello-http", &[])?.path()).await?;
        let origin = format!("http://{}", lattice.address("h1")?);
        for name in ["url-shortener", "json-api", "page-cache"] {
            up(&lattice, name, &origin).await?;
        }
        shorten(&lattice).await?;
        change(&lattice).await?;
        fetch(&lattice, &format!("{origin}/page")).await
    })
}
