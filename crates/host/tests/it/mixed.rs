//! A lattice whose hosts are of two versions, of which the later one says more in its messages.

use std::time::Duration;

use testkit::http::get;
use testkit::lattice::Lattice;

const BUILT: &str = "{root}/crates/testkit/guests/target/wasm32-wasip2/release";
const HOSTS: [&str; 3] = ["a", "b", "c"];

/// An actor on every host that calls one that is on a single host, and one that streams, likewise.
fn manifest() -> String {
    format!(
        "[application]\nname = \"mixed\"\n\
         [actors.front]\ncomponent = \"{BUILT}/faulty_http.wasm\"\nplace = {{ everywhere = true }}\n\
         links.\"lath:httpserver/handler\" = {{ to = \"counter\", reach = \"lattice\" }}\n\
         [actors.counter]\ncomponent = \"{BUILT}/versioned.wasm\"\nlinks.\"lath:keyvalue\" = {{ to = \"kv\" }}\n\
         [actors.hello]\ncomponent = \"{{root}}/examples/hello-http/target/wasm32-wasip2/release/hello_http.wasm\"\n\
         [providers]\nkv = {{ use = \"keyvalue/nats\" }}\n\
         [[routes]]\npath = \"/next/count\"\nto = \"front\"\n[[routes]]\npath = \"/hello\"\nto = \"hello\"\n"
    )
}

/// What of these requests to a host was not answered with 200.
async fn failed(url: &str, count: usize) -> Vec<String> {
    let mut failed = Vec::new();
    for path in ["/next/count", "/hello"].into_iter().cycle().take(count) {
        match get(&format!("{url}{path}")).await {
            Ok(answer) if answer.status == 200 => {}
            other => failed.push(format!("{path}: {other:?}")),
        }
    }
    failed
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_headers_is_rolled_over_the_hosts() {
    let mut lattice = Lattice::of(&HOSTS).await.unwrap();
    let version = lattice.up_text(&manifest()).await.unwrap();
    lattice.running("mixed", version, HOSTS.len()).await.unwrap();
    for host in HOSTS {
        lattice.answer(host, "/next/count").await.unwrap();
        lattice.answer(host, "/hello").await.unwrap();
    }
    for (at, host) in HOSTS.into_iter().enumerate() {
        let other = lattice.host(HOSTS[(at + 1) % 3]).unwrap().url("").unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let load = tokio::spawn(async move {
            let mut stopped = std::pin::pin!(stopped);
            let mut all = Vec::new();
            loop {
                all.extend(failed(&other, 4).await);
                if tokio::time::timeout(Duration::from_millis(5), &mut stopped).await.is_ok() {
                    return all;
                }
            }
        });
        let data = lattice.drain(host).await.unwrap();
        lattice.join_later(host, data).await.unwrap();
        lattice.running("mixed", version, HOSTS.len()).await.unwrap();
        lattice.answer(host, "/hello").await.unwrap();
        stop.send(()).unwrap();
        assert_eq!(load.await.unwrap(), Vec::<String>::new(), "while {host} was replaced");
        // Earlier ones call later ones, and the other way round.
        for host in HOSTS {
            let url = lattice.host(host).unwrap().url("").unwrap();
            assert_eq!(failed(&url, 20).await, Vec::<String>::new(), "{host}, with {} later ones", at + 1);
        }
    }
    let sent: u64 = lattice.hosts().map(|(_, host)| host.link.sent_later()).sum();
    assert!(sent > 0, "no message said more");
}
