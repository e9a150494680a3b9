//! examples/json-api.

use futures_util::future::join_all;
use rig::redis::Server;
use serde_json::{Value, json};
use testkit::http::{Answer, request};

use super::{EMBEDDED, Example, json, redis};

const NAME: &str = "json-api";

/// The status and the JSON of an answer; null where it has no body.
fn seen(answer: &Answer) -> (u16, Value) {
    let body = if answer.body.is_empty() { Value::Null } else { json(answer) };
    (answer.status, body)
}

fn item(id: u64, version: u64, name: &str, quantity: u64) -> Value {
    json!({ "id": id, "version": version, "name": name, "quantity": quantity })
}

fn all(items: &[Value]) -> (u16, Value) {
    (200, json!({ "items": items, "next": null }))
}

fn titled(status: u16, title: &str) -> (u16, Value) {
    (status, json!({ "type": "about:blank", "title": title, "status": status }))
}

async fn check(example: &Example) {
    assert_eq!(seen(&example.get("/items").await), all(&[]));
    let made = example.ask("POST", "/items", r#"{ "name": "Müsli 🥣", "quantity": 3 }"#).await;
    assert_eq!(seen(&made), (201, item(1, 1, "Müsli 🥣", 3)));
    assert_eq!((made.header("location"), made.header("etag")), (Some("/items/1"), Some("\"1\"")));
    assert_eq!(example.ask("POST", "/items", r#"{ "name": "tea" }"#).await.header("location"), Some("/items/2"));
    assert_eq!(seen(&example.get("/items/1").await), (200, item(1, 1, "Müsli 🥣", 3)));
    let changed = example.ask("PUT", "/items/2", r#"{ "name": "green tea", "quantity": 1000000 }"#).await;
    assert_eq!(seen(&changed), (200, item(2, 2, "green tea", 1_000_000)));
    assert_eq!(
        seen(&example.get("/items").await),
        all(&[item(1, 1, "Müsli 🥣", 3), item(2, 2, "green tea", 1_000_000)])
    );

    // Whoever says what they saw does not change anything else.
    let url = example.running.url("/items/2").unwrap();
    for (seen_version, status) in [("\"1\"", 412), ("\"2\"", 200), ("\"2\"", 412), ("*", 200)] {
        let answer = request("PUT", &url, &[("if-match", seen_version)], r#"{ "name": "tea" }"#).await.unwrap();
        assert_eq!(answer.status, status, "{seen_version}: {answer:?}");
    }

    for (status, body) in [(204, Value::Null), titled(404, "There is no such item")] {
        assert_eq!(seen(&example.ask("DELETE", "/items/1", "").await), (status, body));
    }
    assert_eq!(seen(&example.get("/items").await), all(&[item(2, 4, "tea", 0)]));

    // At the same moment: every item has an id of its own, and no change of one is lost.
    let made = join_all((0..12).map(|_| example.ask("POST", "/items", r#"{ "name": "many" }"#))).await;
    let mut ids: Vec<u64> = made.iter().map(|answer| json(answer)["id"].as_u64().unwrap()).collect();
    ids.sort_unstable();
    assert_eq!(ids, (3..15).collect::<Vec<_>>());
    let changed = join_all((0..6).map(|_| example.ask("PUT", "/items/3", r#"{ "name": "last" }"#))).await;
    let mut versions: Vec<u64> = changed.iter().map(|answer| json(answer)["version"].as_u64().unwrap()).collect();
    versions.sort_unstable();
    assert_eq!(versions, [2, 3, 4, 5, 6, 7]);
}

#[tokio::test(flavor = "multi_thread")]
async fn items_are_kept_in_any_store() {
    let server = Server::start(&[]).await.unwrap();
    for store in [EMBEDDED, &redis(&server)] {
        let example = Example::start(NAME, &[(EMBEDDED, store)]).await;
        check(&example).await;
        example.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn items_outlive_the_host_and_the_server() {
    let data = tempfile::tempdir().unwrap();
    let mut example = Example::start_in(&data, NAME, &[]).await;
    example.ask("POST", "/items", r#"{ "name": "tea" }"#).await;
    example.end().await;
    example = Example::start_in(&data, NAME, &[]).await;
    assert_eq!(seen(&example.get("/items/1").await), (200, item(1, 1, "tea", 0)));
    example.end().await;

    let mut server = Server::start(&[]).await.unwrap();
    let example = Example::start(NAME, &[(EMBEDDED, &redis(&server))]).await;
    example.ask("POST", "/items", r#"{ "name": "tea" }"#).await;
    server.kill().unwrap();
    let (status, problem) = seen(&example.get("/items/1").await);
    assert_eq!((status, problem["title"].as_str()), (503, Some("The store cannot do this")), "{problem}");
    server.restart().await.unwrap();
    example.until_status("/items/1", 200).await;
    example.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_requests_get_problems() {
    let example = Example::start(NAME, &[]).await;
    let long = format!("{{ \"name\": \"{}\" }}", "a".repeat(20_000));
    let long_name = format!("{{ \"name\": \"{}\" }}", "a".repeat(101));
    let not_valid = |errors: &[(&str, &str)]| {
        let errors: Vec<Value> =
            errors.iter().map(|(field, detail)| json!({ "field": field, "detail": detail })).collect();
        let (status, mut body) = titled(422, "The item is not valid");
        body["errors"] = errors.into();
        (status, body)
    };
    let (name, quantity) = ("must be a text of 1 to 100 characters", "must be a whole number from 0 to 1000000");
    let bodies = [
        ("{}", not_valid(&[("name", name)])),
        (&long_name, not_valid(&[("name", name)])),
        (r#"{ "name": 1, "quantity": 1.5 }"#, not_valid(&[("name", name), ("quantity", quantity)])),
        (r#"{ "name": "a", "quantity": -1 }"#, not_valid(&[("quantity", quantity)])),
        (r#"{ "name": "a", "quantity": "1" }"#, not_valid(&[("quantity", quantity)])),
        (r#"{ "name": "a", "price": 1 }"#, not_valid(&[("price", "is not known")])),
        ("[]", not_valid(&[("", "must be an object")])),
        ("null", not_valid(&[("", "must be an object")])),
    ];
    for (body, expected) in bodies {
        assert_eq!(seen(&example.ask("POST", "/items", body).await), expected, "{body}");
    }
    for (body, status, title) in [("", 400, "not JSON"), ("{ name }", 400, "not JSON"), (&long, 413, "too long")] {
        let answer = example.ask("POST", "/items", body).await;
        let (found, problem) = seen(&answer);
        assert_eq!((found, answer.header("content-type")), (status, Some("application/problem+json")));
        assert_eq!(problem["title"], format!("The body is {title}"));
    }
    let pages = [
        ("GET", "/items/1", titled(404, "There is no such item"), None),
        ("PUT", "/items/1", titled(404, "There is no such item"), None),
        ("GET", "/items/0", titled(404, "There is no such page"), None),
        ("GET", "/items/../items", titled(404, "There is no such page"), None),
        ("GET", "/", titled(404, "There is no such page"), None),
        ("GET", "/items?cursor=%zz", titled(400, "The query is not encoded as one"), None),
        ("PATCH", "/items", titled(405, "The method is not for this"), Some("GET, POST")),
        ("POST", "/items/1", titled(405, "The method is not for this"), Some("GET, PUT, DELETE")),
    ];
    for (method, path, expected, allow) in pages {
        let answer = example.ask(method, path, r#"{ "name": "a" }"#).await;
        assert_eq!((seen(&answer), answer.header("allow")), (expected, allow), "{method} {path}");
    }
    assert_eq!(seen(&example.get("/items").await), all(&[]));
    example.end().await;
}

/// More items than a page of the store has, and than one batch names.
#[tokio::test(flavor = "multi_thread")]
async fn long_lists_come_in_pages() {
    let example = Example::start(NAME, &[]).await;
    for at in 0..26 {
        let made = join_all((0..20).map(|_| example.ask("POST", "/items", r#"{ "name": "many" }"#))).await;
        assert!(made.iter().all(|answer| answer.status == 201), "{at}: {made:?}");
    }
    let (mut ids, mut path) = (Vec::new(), Some("/items".to_owned()));
    let mut pages = 0;
    while let Some(at) = path.take() {
        let page = json(&example.get(&at).await);
        ids.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].as_u64().unwrap()));
        path = page["next"].as_str().map(str::to_owned);
        pages += 1;
    }
    ids.sort_unstable();
    assert_eq!((ids, pages), ((1..=520).collect::<Vec<_>>(), 2));
    example.end().await;
}
