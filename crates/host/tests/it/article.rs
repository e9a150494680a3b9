//! What the article did by hand: one message in, a host that prints what comes out and answers 42.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use adapter::codec::{decode_params, decode_result, encode_params, encode_result};
use adapter::compose::labels::Labels;
use adapter::value::Value;
use engine::{ActorSettings, CallContext, Engine, EngineSettings, Outbound, Outgoing, SendFuture};
use host::application::Application;
use model::contract::Function;
use testkit::application::root;
use testkit::caller::contract;

const COUNTER: &str = "examples/kvcounter/target/wasm32-wasip2/release/kvcounter.wasm";

/// Prints and keeps link, contract and message, and answers 42.
#[derive(Default)]
struct Printer {
    imports: Vec<String>,
    printed: Mutex<Vec<String>>,
}

impl Outbound for Printer {
    #[allow(clippy::print_stdout, reason = "the article's host printed")]
    fn send<'a>(&'a self, sender: usize, message: Outgoing, _: &'a CallContext) -> SendFuture<'a> {
        let increment = function("counter", "increment");
        let params = decode_params(&increment, &message.payload).unwrap();
        let link = &self.imports[sender];
        let line = format!("link {link}, contract {}: {} {params:?}", message.contract, message.method);
        println!("{line}");
        self.printed.lock().unwrap().push(line);
        let answer = encode_result(&increment, Some(&Value::ok(Some(Value::S32(42))))).unwrap();
        Box::pin(std::future::ready(Ok(answer)))
    }
}

fn function(interface: &str, name: &str) -> Function {
    contract(&root().join(COUNTER), interface).unwrap().functions[name].clone()
}

#[tokio::test]
async fn one_message_through_the_composite() {
    let application = Application::open(&root().join("examples/kvcounter"), &mut |_| {}).unwrap();
    let plan = application.plan(None).unwrap().blueprint;
    let composite = plan.composites.values().next().unwrap();
    let labels = Labels::of(composite);
    let settings = ActorSettings {
        receivers: labels.receivers.into_iter().map(|receiver| receiver.label).collect(),
        senders: labels.senders.iter().map(|sender| sender.label.clone()).collect(),
        ..ActorSettings::new("counter")
    };
    let imports = labels.senders.into_iter().map(|sender| sender.import).collect();
    let printer = Arc::new(Printer { imports, ..Printer::default() });

    let engine = Engine::new(EngineSettings { instances_max: 4, ..EngineSettings::default() }).unwrap();
    let component = engine.load(&application.compose(composite).unwrap()).unwrap().component;
    let actor = engine.actor(&component, settings, printer.clone()).unwrap();

    let handle = function("handler", "handle-request");
    let text = |text: &str| Value::String(text.to_owned());
    let fields = vec![text("GET"), text("/a/b"), text("amount=5"), Value::List(vec![]), Value::Bytes(vec![])];
    let request = encode_params(&handle, &[Value::Record(fields)]).unwrap();
    let call = CallContext::new(1, Instant::now() + Duration::from_secs(60));
    let reply = actor.call(0, "handle-request", &request, &call).await.unwrap();

    let header = Value::Tuple(vec![text("content-type"), text("application/json")]);
    let body = Value::Bytes(br#"{"counter":42}"#.to_vec());
    let answer = Value::Record(vec![Value::U16(200), Value::List(vec![header]), body]);
    assert_eq!(decode_result(&handle, &reply).unwrap(), Some(Value::ok(Some(answer))));
    assert_eq!(
        *printer.printed.lock().unwrap(),
        [
            r#"link lath:keyvalue/counter@0.1.0, contract lath:keyvalue/counter@0.1.0: increment [String("counter:a:b"), S32(5)]"#
        ]
    );
}
