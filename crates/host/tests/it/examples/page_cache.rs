//! examples/page-cache.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rig::redis::Server;
use testkit::http::Answer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::{EMBEDDED, Example, redis};

const NAME: &str = "page-cache";
const MAX_AGE: &str = "max-age = \"10\"";
const KEEP: (&str, &str) = (MAX_AGE, "max-age = \"3600\"");
const ASK_AGAIN: (&str, &str) = (MAX_AGE, "max-age = \"0\"");
/// More than is kept.
const LARGE: usize = 1_200_000;

/// A server that says how often it was asked; gone when dropped.
struct Elsewhere {
    port: u16,
    told: Arc<Told>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Told {
    requests: AtomicUsize,
    is_in_trouble: AtomicBool,
}

impl Elsewhere {
    async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let told = Arc::<Told>::default();
        let shared = Arc::clone(&told);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self { port, told, task }
    }

    fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn requests(&self) -> usize {
        self.told.requests.load(Ordering::SeqCst)
    }

    /// How the example is asked for a page of this server.
    fn path(&self, path: &str) -> String {
        format!("/?url={}{path}", self.origin())
    }

    /// The example that may reach this server, and with these changes.
    async fn example(&self, changes: &[(&str, &str)]) -> Example {
        let origin = self.origin();
        let all: Vec<_> = [("http://127.0.0.1:8000", origin.as_str())].into_iter().chain(changes.to_vec()).collect();
        Example::start(NAME, &all).await
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One request, and the answer that its path asks for.
async fn serve(mut stream: TcpStream, told: Arc<Told>) {
    let (mut request, mut buffer) = (String::new(), [0; 4096]);
    while !request.ends_with("\r\n\r\n") {
        let Ok(count @ 1..) = stream.read(&mut buffer).await else { return };
        request += &String::from_utf8_lossy(&buffer[..count]);
    }
    let count = told.requests.fetch_add(1, Ordering::SeqCst) + 1;
    let path = request.split(' ').nth(1).unwrap();
    let (status, header, body) = match path {
        "/page" if told.is_in_trouble.load(Ordering::SeqCst) => (503, String::new(), "in trouble".to_owned()),
        "/page" => (200, "content-type: text/plain\r\n".to_owned(), format!("page {count} ✓")),
        "/private" => (200, "cache-control: max-age=9, Private\r\n".to_owned(), format!("private {count}")),
        "/large" => (200, String::new(), "x".repeat(LARGE)),
        "/large/broken" => (200, String::new(), "x".repeat(LARGE)),
        "/broken" => (200, String::new(), "half".to_owned()),
        "/moved" => (302, "location: page\r\n".to_owned(), String::new()),
        "/away" => (302, "location: http://127.0.0.1:1/\r\n".to_owned(), String::new()),
        "/around" => (302, "location: /around\r\n".to_owned(), String::new()),
        "/silent" => return std::future::pending().await,
        _ => (404, String::new(), "no such page".to_owned()),
    };
    let length = if path.ends_with("/broken") { body.len() * 2 } else { body.len() };
    let mut head = format!("HTTP/1.1 {status} X\r\nconnection: close\r\n{header}");
    write!(head, "content-length: {length}\r\n\r\n").unwrap();
    // Whoever asked may be gone.
    let _ = stream.write_all((head + &body).as_bytes()).await;
}

/// Status, where it comes from, and the body.
fn seen(answer: &Answer) -> (u16, Option<&str>, &str) {
    (answer.status, answer.header("x-cache"), &answer.body)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_fetched_once_and_then_kept_in_any_store() {
    let server = Server::start(&[]).await.unwrap();
    for store in [EMBEDDED, &redis(&server)] {
        let elsewhere = Elsewhere::start().await;
        let example = elsewhere.example(&[KEEP, (EMBEDDED, store)]).await;
        for from in ["miss", "hit", "hit"] {
            let answer = example.get(&elsewhere.path("/page")).await;
            assert_eq!(seen(&answer), (200, Some(from), "page 1 ✓"));
            assert_eq!(answer.header("content-type"), Some("text/plain"));
            assert!(answer.header("age").unwrap().parse::<u32>().unwrap() < 3_600, "{answer:?}");
        }
        assert_eq!(elsewhere.requests(), 1);
        // Another query is another page; a fragment is not.
        assert_eq!(example.get(&elsewhere.path("/page%3Fa=b%26c")).await.status, 404);
        assert_eq!(seen(&example.get(&elsewhere.path("/page%23part")).await).1, Some("hit"));
        // What has moved is found, and kept under the name that was asked for.
        for from in ["miss", "hit"] {
            assert_eq!(seen(&example.get(&elsewhere.path("/moved")).await), (200, Some(from), "page 4 ✓"));
        }
        example.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_page_is_asked_for_again_and_served_where_its_server_fails() {
    let elsewhere = Elsewhere::start().await;
    let example = elsewhere.example(&[ASK_AGAIN]).await;
    let path = elsewhere.path("/page");
    for body in ["page 1 ✓", "page 2 ✓"] {
        assert_eq!(seen(&example.get(&path).await), (200, Some("miss"), body));
    }
    elsewhere.told.is_in_trouble.store(true, Ordering::SeqCst);
    assert_eq!(seen(&example.get(&path).await), (200, Some("stale"), "page 2 ✓"));
    let (gone, other) = (elsewhere.origin(), elsewhere.path("/other"));
    drop(elsewhere);
    let stale = example.get(&path).await;
    assert_eq!(seen(&stale), (200, Some("stale"), "page 2 ✓"));
    assert!(stale.header("age").is_some());
    let answer = example.get(&other).await;
    assert_eq!((answer.status, answer.header("x-cache")), (502, None));
    assert!(answer.body.starts_with(&format!("{gone}/other does not answer: ")), "{answer:?}");
    example.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_to_be_kept_goes_through() {
    let elsewhere = Elsewhere::start().await;
    let example = elsewhere.example(&[KEEP]).await;
    for body in ["private 1", "private 2"] {
        assert_eq!(seen(&example.get(&elsewhere.path("/private")).await), (200, Some("pass"), body));
    }
    assert_eq!(seen(&example.get(&elsewhere.path("/none")).await), (404, Some("pass"), "no such page"));
    for _ in 0..2 {
        let large = example.get(&elsewhere.path("/large")).await;
        assert_eq!((large.status, large.header("x-cache"), large.body.len()), (200, Some("pass"), LARGE));
    }
    // What breaks off is not taken for a page; where it has begun to go through, it breaks off too.
    let broken = example.get(&elsewhere.path("/broken")).await;
    assert_eq!((broken.status, broken.header("x-cache")), (502, None), "{broken:?}");
    let url = example.running.url(&elsewhere.path("/large/broken")).unwrap();
    let error = testkit::http::get(&url).await.unwrap_err();
    assert!(format!("{error:#}").contains("body"), "{error:#}");
    assert_eq!(elsewhere.requests(), 7, "nothing of it was kept");
    example.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_granted_is_refused() {
    let (granted, other) = (Elsewhere::start().await, Elsewhere::start().await);
    let example = granted.example(&[KEEP]).await;
    for path in [other.path("/page"), granted.path("/away")] {
        let answer = example.get(&path).await;
        let url = path.strip_prefix("/?url=").unwrap();
        let text = format!("no grant leads where {url} does: add its origin to grants.http in the manifest\n");
        assert_eq!(seen(&answer), (403, None, text.as_str()));
    }
    assert_eq!(other.requests(), 0);
    let long = format!("/?url=http://x/{}", "a".repeat(2_048));
    let refused = [
        ("/", 400),
        ("/?url=", 400),
        ("/?url=ftp://127.0.0.1/", 400),
        ("/?url=http://", 400),
        ("/?url=http://user@127.0.0.1/", 400),
        ("/?url=http://127.0.0.1:99999/", 400),
        ("/?url=http://[::1/", 400),
        ("/?url=http://x/%0d%0aa:b", 400),
        (&long, 414),
    ];
    for (path, status) in refused {
        assert_eq!(example.get(path).await.status, status, "{path}");
    }
    let posted = example.ask("POST", &granted.path("/page"), "").await;
    assert_eq!((posted.status, posted.header("allow")), (405, Some("GET")));
    // Neither do those who keep silent, or send around, keep anybody waiting for ever.
    for (path, why) in [("/silent", ""), ("/around", "it has moved too often\n")] {
        let answer = example.get(&granted.path(path)).await;
        assert_eq!((answer.status, answer.body.ends_with(why)), (502, true), "{path}: {answer:?}");
    }
    example.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_outlive_the_host_and_are_served_without_a_store() {
    let elsewhere = Elsewhere::start().await;
    let origin = elsewhere.origin();
    let changes = [("http://127.0.0.1:8000", origin.as_str()), KEEP];
    let data = tempfile::tempdir().unwrap();
    for from in ["miss", "hit"] {
        let example = Example::start_in(&data, NAME, &changes).await;
        assert_eq!(seen(&example.get(&elsewhere.path("/page")).await), (200, Some(from), "page 1 ✓"));
        example.end().await;
    }
    let mut server = Server::start(&[]).await.unwrap();
    let example = elsewhere.example(&[KEEP, (EMBEDDED, &redis(&server))]).await;
    assert_eq!(seen(&example.get(&elsewhere.path("/page")).await), (200, Some("miss"), "page 2 ✓"));
    server.kill().unwrap();
    for body in ["page 3 ✓", "page 4 ✓"] {
        assert_eq!(seen(&example.get(&elsewhere.path("/page")).await), (200, Some("pass"), body));
    }
    server.restart().await.unwrap();
    example.end().await;
}
