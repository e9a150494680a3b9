//! examples/url-shortener.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use rig::redis::Server;
use testkit::http::Answer;

use super::{EMBEDDED, Example, json, redis};

const NAME: &str = "url-shortener";

async fn shorten(example: &Example, url: &str) -> String {
    let answer = example.ask("POST", "/", url).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let path = answer.header("location").unwrap().to_owned();
    assert_eq!(json(&answer)["id"], id(&path));
    path
}

fn id(path: &str) -> &str {
    path.strip_prefix('/').unwrap()
}

fn location(answer: &Answer) -> (u16, Option<&str>) {
    (answer.status, answer.header("location"))
}

async fn check(example: &Example) {
    let (one, two) =
        (shorten(example, "https://example.com/a b?c#d").await, shorten(example, "http://bücher.de").await);
    assert_eq!((one.len(), two.len()), (8, 8), "a slash and seven letters");
    for hits in 0..3 {
        let stats = json(&example.get(&format!("{one}/stats")).await);
        let expected = serde_json::json!({ "id": id(&one), "url": "https://example.com/a%20b?c#d", "hits": hits });
        assert_eq!(stats, expected);
        let answer = example.get(&one).await;
        assert_eq!(location(&answer), (302, Some("https://example.com/a%20b?c#d")));
    }
    assert_eq!(location(&example.get(&two).await), (302, Some("http://xn--bcher-kva.de/")));
    // Nobody who comes at the same moment is left out.
    join_all((0..24).map(|_| example.get(&two))).await;
    assert_eq!(json(&example.get(&format!("{two}/stats")).await)["hits"], 25);
}

#[tokio::test(flavor = "multi_thread")]
async fn links_are_made_followed_and_counted_in_any_store() {
    let server = Server::start(&[]).await.unwrap();
    for store in [EMBEDDED, &redis(&server)] {
        let example = Example::start(NAME, &[(EMBEDDED, store)]).await;
        check(&example).await;
        example.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn links_outlive_the_host_and_the_server() {
    let data = tempfile::tempdir().unwrap();
    let mut example = Example::start_in(&data, NAME, &[]).await;
    let path = shorten(&example, "https://example.com/").await;
    example.end().await;
    example = Example::start_in(&data, NAME, &[]).await;
    assert_eq!(location(&example.get(&path).await), (302, Some("https://example.com/")));
    example.end().await;

    let mut server = Server::start(&[]).await.unwrap();
    let example = Example::start(NAME, &[(EMBEDDED, &redis(&server))]).await;
    let path = shorten(&example, "https://example.com/").await;
    server.kill().unwrap();
    let away = example.get(&path).await;
    assert_eq!((away.status, away.body.starts_with("store `kv`: ")), (503, true), "{away:?}");
    server.restart().await.unwrap();
    example.until_status(&path, 302).await;
    example.end().await;
}

/// Thirty links at once, where there are 32 ids of the length that is tried first.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_an_id_that_another_has() {
    let server = Server::start(&[]).await.unwrap();
    for store in [EMBEDDED, &redis(&server)] {
        let example = Example::start(NAME, &[(EMBEDDED, store), ("ID_LENGTH = \"7\"", "ID_LENGTH = \"1\"")]).await;
        let urls: Vec<String> = (0..30).map(|at| format!("https://example.com/{at}")).collect();
        let paths = join_all(urls.iter().map(|url| shorten(&example, url))).await;
        let links: BTreeMap<&String, &String> = paths.iter().zip(&urls).collect();
        assert_eq!(links.len(), 30, "{links:?}");
        assert!(paths.iter().any(|path| path.len() == 2) && paths.iter().any(|path| path.len() > 2), "{links:?}");
        for (path, url) in links {
            assert_eq!(location(&example.get(path).await), (302, Some(url.as_str())));
        }
        example.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_link_is_refused() {
    let example = Example::start(NAME, &[]).await;
    let long = format!("https://example.com/{}", "a".repeat(2_048));
    let bad = [
        ("", 400, "the body is not a URL: relative URL without a base\n"),
        ("example.com", 400, "the body is not a URL: relative URL without a base\n"),
        ("https://", 400, "the body is not a URL: empty host\n"),
        ("https://example.com:99999", 400, "the body is not a URL: invalid port number\n"),
        ("javascript:alert(1)", 400, "the URL begins with javascript:, and not with http: or https:\n"),
        (&long, 413, "the URL is longer than 2048 bytes\n"),
    ];
    for (body, status, text) in bad {
        let answer = example.ask("POST", "/", body).await;
        assert_eq!((answer.status, answer.body.as_str()), (status, text), "{body}");
    }
    // A line break does not come into a header.
    let split = shorten(&example, "https://example.com/\r\nset-cookie: a=b").await;
    let answer = example.get(&split).await;
    assert_eq!(answer.header("set-cookie"), None);
    assert_eq!(location(&answer), (302, Some("https://example.com/set-cookie:%20a=b")));
    let unknown = format!("/{}", "a".repeat(4_000));
    let pages = [
        ("GET", "/unknown", 404, None),
        ("GET", "/unknown/stats", 404, None),
        ("GET", unknown.as_str(), 404, None),
        ("GET", "/a/b/c", 404, None),
        ("DELETE", "/unknown", 405, Some("GET")),
        ("PUT", "/", 405, Some("GET, POST")),
    ];
    for (method, path, status, allow) in pages {
        let answer = example.ask(method, path, "").await;
        assert_eq!((answer.status, answer.header("allow")), (status, allow), "{method} {path}: {answer:?}");
    }
    example.end().await;
}
