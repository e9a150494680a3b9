//! The ingress of a host among others: routes of several applications, actors on other hosts, quarantine.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use adapter::codec::{decode_params, encode_result};
use adapter::value::Value;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use host::ingress::{Gate, Routed};
use lattice::call::Call;
use lattice::calls::{Handler, Server};
use lattice::memory::MemoryBus;
use model::blueprint::Blueprint;
use model::failure::Failure;
use model::ids::HostName;
use model::manifest::Route;
use model::placement::AppPlacement;
use provider::contracts;
use provider::http::METHOD;
use testkit::http::{Answer, get};

use crate::hosts::{AMPLE, Lattice, Node, composite, contract, freeze, hosts, placement, shop, subjects};

const REQUESTS: &str = "lath:httpserver/handler@0.1.0";
const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// A host whose actors answer who they are, and what they were asked.
struct Web(Mutex<Vec<Call>>);

impl Handler for Web {
    fn call<'a>(&'a self, from: &'a HostName, call: Call) -> BoxFuture<'a, Result<Bytes, Failure>> {
        let contract = contracts::handler().unwrap();
        let function = &contract.functions[METHOD];
        let params = decode_params(function, &call.payload).unwrap();
        let Value::Record(fields) = &params[0] else { panic!("{params:?}") };
        let Value::String(path) = &fields[1] else { panic!("{fields:?}") };
        let body = format!("{} for {} of {from}: {path}", call.target, call.origin).into_bytes();
        let response = Value::Record(vec![Value::U16(200), Value::List(Vec::new()), Value::Bytes(body)]);
        let answer = encode_result(function, Some(&Value::ok(Some(response)))).unwrap();
        let slow = path.ends_with("slow");
        self.0.lock().unwrap().push(call);
        Box::pin(async move {
            if slow {
                std::future::pending::<()>().await;
            }
            Ok(answer.into())
        })
    }
}

/// An application whose actor `web` takes requests on these paths.
fn application(name: &str, paths: &[&str]) -> Arc<Blueprint> {
    let mut web = composite(&[("web", Vec::new())]);
    web.receivers[0].contract = contract(REQUESTS);
    let route = |path: &&str| Route {
        host: None,
        path: path.parse().unwrap(),
        methods: [].into(),
        to: "web".parse().unwrap(),
        via: vec![],
    };
    Arc::new(Blueprint {
        application: name.parse().unwrap(),
        composites: [("web".parse().unwrap(), web)].into(),
        routes: paths.iter().map(route).collect(),
        ..shop()
    })
}

fn routed(blueprint: &Arc<Blueprint>, on: &str) -> Routed {
    let mut placed: AppPlacement = (*placement(5, "", "")).clone();
    placed.actors = [("web".parse().unwrap(), hosts(on))].into();
    Routed { blueprint: blueprint.clone(), deadline: AMPLE, placement: Some(Arc::new(placed)) }
}

struct Scene {
    lattice: Lattice,
    web: Arc<Web>,
    gate: Gate,
    _server: Server,
}

/// Host `a` with an ingress, and host `b` that answers.
async fn scene() -> Scene {
    let bus = MemoryBus::new();
    let web = Arc::new(Web(Mutex::default()));
    let joined = Arc::new(bus.join());
    let server = Server::start(joined, subjects(), "b".parse::<HostName>().unwrap(), web.clone(), 10).await.unwrap();
    let lattice = Lattice { nodes: vec![Node::start("a", &bus).await], blueprint: Arc::new(shop()) };
    lattice.beat("b", |_| ());
    let a = lattice.node("a");
    let address = ([127, 0, 0, 1], 0).into();
    let gate = Gate::open(address, None, a.switchboard.clone(), Some(a.stamp.clone())).unwrap();
    Scene { lattice, web, gate, _server: server }
}

impl Scene {
    async fn get(&self, path: &str) -> Answer {
        get(&format!("http://{}{path}", self.gate.address())).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_host_takes_requests_for_actors_elsewhere() {
    let scene = scene().await;
    assert_eq!(scene.get("/").await.status, 404);
    let (blog, shop) = (application("blog", &["/*", "/blog"]), application("shop", &["/shop/{id}", "/*"]));
    // Whatever the order: the name that comes first keeps what both want.
    scene.gate.serve(&[routed(&shop, "b"), routed(&blog, "b c")]);
    for (path, expected) in [
        ("/shop/7", "shop/web for @ingress of a: /shop/7"),
        ("/blog", "blog/web for @ingress of a: /blog"),
        ("/other", "blog/web for @ingress of a: /other"),
    ] {
        assert_eq!(scene.get(path).await.body, expected);
    }
    let call = scene.web.0.lock().unwrap()[0].clone();
    assert_eq!((call.contract.as_str(), call.method.as_str(), call.generation), (REQUESTS, METHOD, 5));
    assert_eq!((call.depth, &call.link, &call.trace), (0, &None, &None));
    // Routes change while connections are open.
    scene.gate.serve(&[routed(&shop, "b")]);
    assert_eq!(scene.get("/other").await.body, "shop/web for @ingress of a: /other");
    scene.gate.serve(&[]);
    assert_eq!(scene.get("/other").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_fail_as_calls_do() {
    let scene = scene().await;
    let blog = application("blog", &["/*"]);
    let problem = |answer: &Answer| {
        let kind = answer.body.split('"').find(|text| text.starts_with("urn:lath:problem:")).unwrap().to_owned();
        (answer.status, kind, answer.header("retry-after").map(str::to_owned))
    };
    let transport = || (503, "urn:lath:problem:transport".to_owned(), Some("1".to_owned()));
    for on in ["", "c"] {
        scene.gate.serve(&[routed(&blog, on)]);
        assert_eq!(problem(&scene.get("/").await), transport(), "on `{on}`");
    }
    scene.gate.serve(&[Routed { deadline: Duration::from_millis(100), ..routed(&blog, "b") }]);
    assert_eq!(problem(&scene.get("/slow").await), (504, "urn:lath:problem:deadline-exceeded".to_owned(), None));
    // While the host is not awake it starts nothing, here or elsewhere.
    scene.gate.serve(&[routed(&blog, "b")]);
    let stamp = &scene.lattice.node("a").stamp;
    let calls = scene.web.0.lock().unwrap().len();
    let gap = freeze(stamp);
    assert_eq!(problem(&scene.get("/").await), transport());
    assert_eq!(scene.web.0.lock().unwrap().len(), calls);
    stamp.release(gap);
    assert_eq!(scene.get("/").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trace_of_a_request_goes_on() {
    let scene = scene().await;
    scene.gate.serve(&[routed(&application("blog", &["/*"]), "b")]);
    for (sent, passed) in [(TRACE, Some(TRACE)), ("garbage", None)] {
        let url = format!("http://{}/", scene.gate.address());
        let answer = testkit::http::request("GET", &url, &[("traceparent", sent)], "").await.unwrap();
        assert_eq!(answer.status, 200);
        let trace = scene.web.0.lock().unwrap().last().unwrap().trace.clone();
        assert_eq!(trace.map(|trace| trace.parent.to_string()).as_deref(), passed);
    }
}
