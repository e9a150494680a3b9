//! Which request goes to which actor.

use model::manifest::{Method, Route};
use provider::http::{Router, RouterError};
use provider::limits::ROUTES_MAX;

use crate::server::{Client, Reply, app, ask, echo, handler, response, route, settings, start};

fn table() -> Vec<Route> {
    vec![
        route(None, "/*", &[], "rest"),
        route(None, "/", &[], "root"),
        route(None, "/cart", &[Method::Get, Method::Post], "cart"),
        route(None, "/cart/{id}", &[Method::Get], "item"),
        route(None, "/cart/new", &[], "new"),
        route(None, "/cart/{id}/lines", &[], "lines"),
        route(None, "/cart/new/{line}", &[], "new-line"),
        route(None, "/cart/*", &[], "below-cart"),
        route(None, "/cart/new/deep/*", &[], "deep"),
        route(None, "/{any}/new/deep/er/*", &[], "deeper"),
        route(None, "/slash/", &[], "slash"),
        route(None, "/caf%C3%A9", &[], "cafe"),
        route(None, "/head", &[Method::Head, Method::Get], "head"),
        route(None, "/options", &[Method::Options], "options"),
        route(Some("shop.example.com"), "/cart", &[Method::Delete], "shop-cart"),
        route(Some("shop.example.com"), "/shop/*", &[], "shop"),
    ]
}

#[test]
fn the_most_specific_route_wins() {
    let ingress = start(settings(), Router::new(&app("shop"), &table()).unwrap(), handler(echo));
    let mut client = Client::connect(ingress.address());
    let mut check = |host: &str, path: &str, expected: &str| {
        client.write(format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n"));
        let reply = client.read();
        let seen = if reply.status() == 200 { reply.text() } else { reply.status().to_string() };
        assert_eq!(seen.split(' ').next(), Some(expected), "{host}{path}");
    };
    let any = "localhost";
    check(any, "/", "root");
    check(any, "/other", "rest");
    check(any, "//", "rest");
    check(any, "/cart", "cart");
    check(any, "/cart?x=/cart/new", "cart");
    check(any, "/cart/", "below-cart");
    check(any, "/cart/7", "item");
    check(any, "/cart/%2F", "item");
    check(any, "/cart/new", "new");
    check(any, "/cart/new/lines", "new-line");
    check(any, "/cart/7/lines", "lines");
    check(any, "/cart//lines", "below-cart");
    check(any, "/cart/7/lines/1", "below-cart");
    check(any, "/cart/new/deep", "new-line");
    check(any, "/cart/new/deep/", "deep");
    check(any, "/cart/new/deep/x/y", "deep");
    check(any, "/cart/new/deep/er", "deeper");
    check(any, "/cart/new/deep/er/x", "deeper");
    check(any, "/Cart", "rest");
    check(any, "/slash", "rest");
    check(any, "/slash/", "slash");
    check(any, "/caf%C3%A9", "cafe");
    check(any, "/caf%c3%a9", "rest");
    check("shop.example.com", "/cart", "405");
    check("SHOP.example.com:8080", "/shop/x", "shop");
    check("shop.example.com.", "/shop/x", "shop");
    check("shop.example.com.:8080", "/shop/x", "shop");
    check("shop.example.com", "/shop", "shop");
    check("shop.example.com", "/", "root");
    check("example.com", "/shop", "rest");
    check("[::1]:8080", "/", "root");
}

#[test]
fn methods_are_routed_too() {
    let ingress = start(settings(), Router::new(&app("shop"), &table()[1..]).unwrap(), handler(echo));
    let check = |line: &str, status: u16, allow: Option<&str>| -> Reply {
        let reply = ask(&ingress, &format!("{line} HTTP/1.1"));
        assert_eq!((reply.status(), reply.header("allow")), (status, allow), "{line}");
        reply
    };
    check("POST /cart", 200, None);
    let refused = check("PUT /cart", 405, Some("GET, HEAD, POST, OPTIONS"));
    assert_eq!(refused.problem(), "urn:lath:problem:method-not-allowed");
    check("OPTIONS /cart", 204, Some("GET, HEAD, POST, OPTIONS"));
    assert!(check("OPTIONS /options", 200, None).text().starts_with("options OPTIONS "));
    check("GET /options", 405, Some("OPTIONS"));
    assert_eq!(check("GET /nowhere", 404, None).problem(), "urn:lath:problem:not-routed");
    check("OPTIONS *", 404, None);
    assert_eq!(check("TRACE /cart", 501, None).problem(), "urn:lath:problem:method-unknown");
    check("BREW /cart", 501, None);
    // The request's method in what the actor saw: HEAD only where the route lists it.
    let seen = |reply: &Reply| reply.header("content-length").unwrap().parse::<usize>().unwrap();
    let (get, head) = (check("GET /cart", 200, None), check("HEAD /cart", 200, None));
    assert_eq!((seen(&head), head.body.len()), (get.body.len(), 0));
    let (get, head) = (check("GET /head", 200, None), check("HEAD /head", 200, None));
    assert_eq!(seen(&head), get.body.len() + 1);
    check("HEAD /options", 405, Some("OPTIONS"));
}

#[test]
fn routes_that_contradict_are_refused() {
    let check = |routes: &[Route], expected: &str| {
        assert_eq!(Router::new(&app("shop"), routes).unwrap_err().to_string(), expected);
    };
    check(
        &[route(None, "/cart/{id}", &[Method::Get], "a"), route(None, "/cart/{name}", &[], "b")],
        "route `/cart/{name}` takes GET for both `a` and `b`: leave one of them out",
    );
    let get_and_post = [route(None, "/", &[Method::Get], "a"), route(None, "/", &[Method::Post], "b")];
    assert!(Router::new(&app("shop"), &get_and_post).is_ok());
    let many: Vec<_> = (0..=ROUTES_MAX).map(|number| route(None, &format!("/{number}"), &[], "a")).collect();
    assert_eq!(Router::new(&app("shop"), &many).unwrap_err(), RouterError::TooMany { count: ROUTES_MAX + 1 });
    assert!(Router::new(&app("shop"), &many[1..]).is_ok());
}

#[test]
fn routes_are_switched_between_requests() {
    let ingress = start(settings(), Router::new(&app("shop"), &table()).unwrap(), handler(echo));
    let mut client = Client::connect(ingress.address());
    assert!(client.get("/cart").text().starts_with("cart "));
    ingress.switch(Router::new(&app("shop"), &[route(None, "/*", &[], "second")]).unwrap(), handler(echo));
    assert!(client.get("/cart").text().starts_with("second "), "on the same connection");
}

#[test]
fn applications_share_a_port() {
    let (blog, shop, wiki) = (app("blog"), app("shop"), app("wiki"));
    let of_blog = [route(None, "/*", &[Method::Get], "blog"), route(Some("blog.example.com"), "/a", &[], "a")];
    let of_shop = [
        route(None, "/*", &[], "front"),
        route(None, "/*", &[Method::Post], "post"),
        route(None, "/cart", &[], "cart"),
    ];
    let of_wiki: Vec<_> = (0..ROUTES_MAX).map(|number| route(None, &format!("/{number}"), &[], "wiki")).collect();
    let all = [(&blog, of_blog.as_slice()), (&shop, &of_shop), (&wiki, &of_wiki)];
    let (router, left_out) = Router::merged(all);
    let left_out: Vec<_> = left_out.iter().map(ToString::to_string).collect();
    assert_eq!(
        left_out,
        [
            "route `/*` of `shop` takes GET, which `blog` has: give one of them a host or a path of its own",
            "1000 routes of `wiki` have no room, an ingress takes 1000: join some with `/*`",
        ]
    );
    let ingress = start(
        settings(),
        router,
        handler(|seen| async move { response(200, &[], format!("{}/{}", seen.application, seen.actor).as_bytes()) }),
    );
    for (line, host, expected) in [
        ("GET /x", "localhost", "blog/blog"),
        ("POST /x", "localhost", "shop/post"),
        ("GET /cart", "localhost", "shop/cart"),
        ("PUT /a", "blog.example.com", "blog/a"),
        ("GET /cart", "blog.example.com", "shop/cart"),
    ] {
        let mut client = Client::connect(ingress.address());
        client.write(format!("{line} HTTP/1.1\r\nhost: {host}\r\n\r\n"));
        assert_eq!(client.read().text(), expected, "{line} {host}");
    }
}
