//! `lath:keyvalue/store`: who may name which store, what is refused at either end, and a process that serves it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use adapter::codec::{decode_result, encode_params, encode_result};
use adapter::value::Value;
use bytes::Bytes;
use engine::keyvalue::{Answer, Answering, Operation, Page, StoreError};
use lattice::call::{Call as Message, Incarnation, Origin};
use lattice::calls::{Callee, Caller, Heard};
use lattice::memory::MemoryBus;
use lattice::subject::Subjects;
use model::failure::Failure;
use model::wire::WireVersion;
use provider::keyvalue::plain::{Question, Stores, service};
use provider::limits::{BATCH_BYTES_MAX, CURSOR_LEN_MAX, PAGE_KEYS_TAKEN_MAX, VALUE_BYTES_MAX};
use provider::process::{Process, ProcessSettings};
use provider::service::Backend;
use provider::{Call, Opens, Provider, contracts};

use crate::client::open;

const AMPLE: Duration = Duration::from_secs(60);

fn set(key: &str, value: &str) -> Operation {
    Operation::Write(vec![(key.to_owned(), Some(Bytes::copy_from_slice(value.as_bytes())))])
}

fn read(key: &str) -> Operation {
    Operation::Read(vec![key.to_owned()])
}

fn only(operation: Operation, store: &str) -> Question {
    let mut questions = Question::of(store, operation).unwrap();
    assert_eq!(questions.len(), 1);
    questions.remove(0)
}

async fn ask(provider: &dyn Provider, opens: &Opens, store: &str, operation: Operation) -> Result<Answer, StoreError> {
    let contract = contracts::store().unwrap();
    let question = only(operation, store);
    let (method, payload, deadline) = (question.method, &question.payload, Instant::now() + AMPLE);
    let call = Call { contract: &contract.name, method, payload, wire: WireVersion::V1, deadline, opens };
    question.answer(&provider.call(call).await.unwrap())
}

#[tokio::test]
async fn a_caller_names_only_the_stores_that_its_link_opens() {
    let folder = tempfile::tempdir().unwrap();
    let provider = open("keyvalue/memory", &[], folder.path());
    for store in ["default", "carts"] {
        assert_eq!(ask(&*provider, &Opens::All, store, set("k", store)).await, Ok(Answer::Done));
    }
    let opens = |names: &[&str]| Opens::Only(Arc::new(names.iter().map(|name| name.parse().unwrap()).collect()));
    let value = |text: &'static str| Ok(Answer::Values(vec![Some(Bytes::from_static(text.as_bytes()))]));
    let nothing = || Err(StoreError::NoSuchStore);
    let rows = [
        (Opens::Nothing, "default", nothing()),
        (Opens::Nothing, "", nothing()),
        (opens(&["default"]), "default", value("default")),
        (opens(&["default"]), "", value("default")),
        (opens(&["default"]), "carts", nothing()),
        (opens(&["carts"]), "carts", value("carts")),
        (opens(&["carts"]), "", nothing()),
        // What is no name of a store could lead to the keys of another.
        (Opens::All, "default\0k", nothing()),
        (Opens::All, "☃", nothing()),
        (Opens::All, "fresh", Ok(Answer::Values(vec![None]))),
    ];
    for (opens, store, expected) in rows {
        assert_eq!(ask(&*provider, &opens, store, read("k")).await, expected, "{opens:?} {store:?}");
        let changed = ask(&*provider, &opens, store, Operation::Write(vec![("other".to_owned(), None)])).await;
        assert_eq!(changed.is_ok(), expected.is_ok(), "{opens:?} {store:?}");
    }
}

#[test]
fn what_no_store_takes_is_not_sent() {
    let value = Bytes::from(vec![b'v'; VALUE_BYTES_MAX]);
    let many = |count: usize| Operation::Write((0..count).map(|n| (n.to_string(), Some(value.clone()))).collect());
    assert!(Question::of("default", many(BATCH_BYTES_MAX / VALUE_BYTES_MAX)).is_ok());
    let refused = Question::of("default", many(BATCH_BYTES_MAX / VALUE_BYTES_MAX + 1)).unwrap_err();
    assert_eq!(refused.to_string(), "the values together have more than 8388608 bytes: write fewer at once");
    let expected = Some(Bytes::from(vec![b'v'; VALUE_BYTES_MAX + 1]));
    let swap = Operation::Swap { key: "k".to_owned(), expected, value: Bytes::new() };
    let refused = Question::of("default", swap).unwrap_err();
    assert_eq!(refused.to_string(), "the value has 1000001 bytes, a store takes 1000000 at most");
    let pages = |length| Question::of("default", Operation::List { cursor: Some("x".repeat(length)) });
    assert!(pages(CURSOR_LEN_MAX).is_ok());
    let refused = pages(CURSOR_LEN_MAX + 1).unwrap_err();
    assert_eq!(refused.to_string(), "the cursor has 2049 bytes, a store takes 2048 at most");
}

#[test]
fn changes_travel_in_their_order() {
    let change = |key: &str, value: Option<&'static str>| (key.to_owned(), value.map(Bytes::from));
    let changes = vec![
        change("a", Some("1")),
        change("b", Some("2")),
        change("a", None),
        change("a", Some("3")),
        change("b", None),
        change("c", None),
    ];
    let questions = Question::of("default", Operation::Write(changes)).unwrap();
    let methods: Vec<_> = questions.iter().map(|question| question.method).collect();
    assert_eq!(methods, ["set-many", "delete", "set", "delete-many"]);
    assert_eq!(Question::of("default", Operation::Write(Vec::new())), Ok(Vec::new()));
}

#[test]
fn answers_that_no_store_gives_are_refused() {
    let contract = contracts::store().unwrap();
    let encoded = |method: &str, value: Value| encode_result(&contract.functions[method], Some(&value)).unwrap();
    let ok = |value| Value::ok(Some(value));
    let bytes = |size| Value::Option(Some(Box::new(Value::Bytes(vec![0; size]))));
    let page = |count, cursor: Option<usize>| {
        let cursor = cursor.map(|length| Box::new(Value::String("x".repeat(length))));
        ok(Value::Record(vec![Value::List(vec![Value::String(String::new()); count]), Value::Option(cursor)]))
    };
    let pages = || Operation::List { cursor: None };
    let two = || Operation::Read(vec!["a".to_owned(), "b".to_owned()]);
    let rows = [
        (read("k"), encoded("get", ok(bytes(VALUE_BYTES_MAX))), true),
        (read("k"), encoded("get", ok(bytes(VALUE_BYTES_MAX + 1))), false),
        (two(), encoded("get-many", ok(Value::List(vec![bytes(1), Value::Option(None)]))), true),
        (two(), encoded("get-many", ok(Value::List(vec![bytes(1)]))), false),
        (two(), encoded("get-many", ok(Value::List(vec![bytes(1), bytes(1), bytes(1)]))), false),
        (pages(), encoded("list-keys", page(PAGE_KEYS_TAKEN_MAX, None)), true),
        (pages(), encoded("list-keys", page(PAGE_KEYS_TAKEN_MAX + 1, None)), false),
        (pages(), encoded("list-keys", page(0, Some(CURSOR_LEN_MAX))), true),
        (pages(), encoded("list-keys", page(0, Some(CURSOR_LEN_MAX + 1))), false),
        (set("k", "v"), encoded("set", Value::ok(None)), true),
        (set("k", "v"), Vec::new(), false),
        (set("k", "v"), vec![0xff; 9], false),
        (Operation::Exists("k".to_owned()), vec![0, 7], false),
    ];
    for (row, (operation, payload, good)) in rows.into_iter().enumerate() {
        let answer = only(operation, "default").answer(&payload);
        assert_eq!(answer.is_ok(), good, "row {row}: {:?}", answer.err());
        if let Err(error) = answer {
            assert!(error.to_string().starts_with("the store's answer to `"), "row {row}: {error}");
        }
    }
    let fault = |case, text: Option<&str>| {
        Value::err(Some(Value::variant(case, text.map(|text| Value::String(text.to_owned())))))
    };
    let faults = [
        (fault(0, None), StoreError::NoSuchStore),
        (fault(1, None), StoreError::AccessDenied),
        (fault(2, Some("late")), StoreError::Other("late".to_owned())),
        (fault(3, Some("full")), StoreError::Other("full".to_owned())),
    ];
    for (fault, expected) in faults {
        assert_eq!(only(read("k"), "default").answer(&encoded("get", fault)), Err(expected));
    }
}

/// Keys and values of a process of its own.
#[derive(Default)]
struct Shelf(Mutex<BTreeMap<(String, String), Bytes>>);

impl Backend for Shelf {}

impl Stores for Shelf {
    fn run<'a>(&'a self, store: &'a str, operation: Operation, _: Instant) -> Answering<'a> {
        let mut shelf = self.0.lock().unwrap();
        let at = |key: String| (store.to_owned(), key);
        let answer = match operation {
            Operation::Read(keys) => Answer::Values(keys.into_iter().map(|key| shelf.get(&at(key)).cloned()).collect()),
            Operation::Exists(key) => Answer::Exists(shelf.contains_key(&at(key))),
            Operation::List { .. } => {
                let keys = shelf.keys().filter(|(own, _)| own == store).map(|(_, key)| key.clone()).collect();
                Answer::Page(Page { keys, cursor: None })
            }
            Operation::Write(changes) => {
                for (key, value) in changes {
                    match value {
                        Some(value) => drop(shelf.insert(at(key), value)),
                        None => drop(shelf.remove(&at(key))),
                    }
                }
                Answer::Done
            }
            Operation::Add { delta, .. } => Answer::Number(delta),
            Operation::Swap { .. } => Answer::Swapped(false),
        };
        Box::pin(std::future::ready(Ok(answer)))
    }
}

/// A call of a process that serves `shop/kv`.
async fn sent(caller: &Caller, question: &Question) -> Result<Bytes, Failure> {
    let callee = Callee::Process {
        application: "shop".parse().unwrap(),
        provider: "kv".parse().unwrap(),
        instance: "one".parse().unwrap(),
    };
    let message = Message {
        target: "shop/kv".parse().unwrap(),
        origin: Origin::Actor("shop/cart".parse().unwrap()),
        link: None,
        contract: contracts::store().unwrap().name.to_string().parse().unwrap(),
        method: question.method.parse().unwrap(),
        wire: "lath/1".parse().unwrap(),
        deadline: Instant::now() + AMPLE,
        chain: 7,
        depth: 1,
        generation: 0,
        trace: None,
        payload: question.payload.clone().into(),
    };
    caller.call_callee(&callee, message, &Heard::default()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_serves_it_behind_its_receiver() {
    let (bus, subjects) = (Arc::new(MemoryBus::new()), Subjects::new(&"test".parse().unwrap()));
    let caller = Caller::start(bus.clone(), subjects.clone(), "here".parse().unwrap(), Incarnation(2)).await.unwrap();
    let settings = ProcessSettings {
        application: "shop".parse().unwrap(),
        provider: "kv".parse().unwrap(),
        instance: "one".parse().unwrap(),
    };
    let shelf = Arc::new(Shelf::default());
    let process = Process::start(service(shelf).unwrap(), &settings, bus, subjects).await.unwrap();
    let large = Bytes::from(vec![7; VALUE_BYTES_MAX]);
    let rows = [
        ("", set("k", "v"), Answer::Done),
        ("default", read("k"), Answer::Values(vec![Some(Bytes::from_static(b"v"))])),
        ("carts", Operation::Exists("k".to_owned()), Answer::Exists(false)),
        ("carts", Operation::Write(vec![("l".to_owned(), Some(large.clone()))]), Answer::Done),
        ("carts", read("l"), Answer::Values(vec![Some(large)])),
        ("default", Operation::List { cursor: None }, Answer::Page(Page { keys: vec!["k".to_owned()], cursor: None })),
        ("default", Operation::Add { key: "n".to_owned(), delta: 2, bounds: 0..=9 }, Answer::Number(2)),
    ];
    for (row, (store, operation, expected)) in rows.into_iter().enumerate() {
        let question = only(operation, store);
        let answer = question.answer(&sent(&caller, &question).await.unwrap());
        assert!(answer == Ok(expected), "row {row}");
    }
    // The bounds hold whoever calls.
    let contract = contracts::store().unwrap();
    let params = [Value::String(String::new()), Value::String("x".repeat(1_025))];
    let payload = encode_params(&contract.functions["get"], &params).unwrap();
    let mut long = only(read("k"), "");
    long.payload = payload;
    let long = sent(&caller, &long).await.unwrap();
    let refused = decode_result(&contract.functions["get"], &long).unwrap();
    assert!(format!("{refused:?}").contains("the key has 1025 bytes, a store takes 1024 at most"), "{refused:?}");
    process.drain(Instant::now() + AMPLE).await;
}
