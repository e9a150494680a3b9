//! Processes that answer as they should not: the caller is told within its deadline, and the next call is none the worse.

use host::limits::{PROCESSES_MAX, PROVIDERS_MAX};

use super::*;

/// How long a call waits that gets no answer.
const SHORT: Duration = Duration::from_millis(200);

/// What a process does with a call.
type Trick = fn(Message) -> Vec<Message>;

fn on(subject: &Subject, payload: impl Into<Bytes>) -> Message {
    Message::new(subject.clone(), payload)
}

/// Where another answers the same call: `callee` is the last token but one.
fn instead_of(call: &Message, callee: &str) -> Subject {
    call.reply.as_ref().unwrap().as_str().replace("shop_stock", callee).parse().unwrap()
}

const TRICKS: [(&str, Trick, &str); 14] = [
    ("says nothing", |_| vec![], "Unknown deadline-exceeded"),
    ("nothing at all", |call| vec![on(&call.reply.unwrap(), "")], "Unknown deser"),
    ("bytes", |call| vec![on(&call.reply.unwrap(), vec![0xff, 0xfe, 0])], "Unknown deser"),
    ("another type", |call| vec![on(&call.reply.unwrap(), "[1, 2]")], "Unknown deser"),
    ("too deep", |call| vec![on(&call.reply.unwrap(), "[".repeat(100_000))], "Unknown deser"),
    ("as large as can be", |call| vec![on(&call.reply.unwrap(), vec![b'1'; 1_000_000])], "Unknown deser"),
    ("no case of an error", |call| vec![on(&call.reply.unwrap(), "x").with("lath-error", "nonsense")], "Unknown rpc"),
    (
        "neither started nor not",
        |call| vec![on(&call.reply.unwrap(), "x").with("lath-error", "rpc").with("lath-progress", "maybe")],
        "Unknown rpc",
    ),
    ("an error in no text", |call| vec![on(&call.reply.unwrap(), vec![0xff]).with("lath-error", "rpc")], "Unknown rpc"),
    (
        "an error without end",
        |call| vec![on(&call.reply.unwrap(), vec![b'x'; 100_000]).with("lath-error", "rpc")],
        "Unknown rpc",
    ),
    ("chunks", |call| vec![on(&call.reply.unwrap(), "").with("lath-chunks", "bytes=9000000 crc32=1")], "Unknown rpc"),
    (
        "as another provider",
        |call| vec![on(&instead_of(&call, "shop_till"), r#"{"ok": 1}"#)],
        "Unknown deadline-exceeded",
    ),
    ("as a host", |call| vec![on(&instead_of(&call, "b"), r#"{"ok": 1}"#)], "Unknown deadline-exceeded"),
    (
        "to another call",
        |call| vec![on(&call.reply.unwrap().as_str().replace(".1-", ".2-").parse().unwrap(), r#"{"ok": 1}"#)],
        "Unknown deadline-exceeded",
    ),
];

#[tokio::test]
async fn whatever_a_process_answers_its_caller_is_told_in_time() {
    let (lattice, bus, processes) = external().await;
    let mut outsider = Outsider::start(&bus, "one", "json").await;
    processes.hear(&outsider.announcement(false), Instant::now());
    for (what, trick, expected) in TRICKS {
        let time = if expected.contains("deadline") { SHORT } else { AMPLE };
        let play = async {
            let call = outsider.calls.next().await.unwrap();
            trick(call).into_iter().for_each(|answer| outsider.bus.publish(answer).unwrap());
        };
        let (answer, ()) = tokio::join!(take_within(&lattice, time), play);
        let failure = answer.unwrap_err();
        assert_eq!(format!("{:?} {}", failure.progress, failure.error.parts().0), expected, "{what}: {failure}");
        let (answer, _) = tokio::join!(take(&lattice), outsider.answer(Ok(r#"{"ok": 1}"#)));
        assert_eq!(answer, Ok(Value::ok(Some(Value::U32(1)))), "after {what}");
    }
    let stats = lattice.node("a").switchboard.outside().unwrap().caller.stats();
    assert_eq!((stats.pending, stats.forged), (0, 2));
}

#[tokio::test]
async fn an_answer_that_is_late_or_comes_twice_is_no_other_calls() {
    let (lattice, bus, processes) = external().await;
    let mut outsider = Outsider::start(&bus, "one", "json").await;
    processes.hear(&outsider.announcement(false), Instant::now());
    let late = take_within(&lattice, SHORT).await.unwrap_err();
    assert_eq!((late.error.parts().0, late.progress), ("deadline-exceeded", Progress::Unknown));
    outsider.answer(Ok(r#"{"ok": 99}"#)).await;
    let twice = async {
        let call = outsider.calls.next().await.unwrap();
        let reply = call.reply.unwrap();
        for number in [1, 98] {
            outsider.bus.publish(on(&reply, format!("{{\"ok\": {number}}}"))).unwrap();
        }
    };
    let (answer, ()) = tokio::join!(take(&lattice), twice);
    assert_eq!(answer, Ok(Value::ok(Some(Value::U32(1)))));
    for number in 2..10 {
        let (answer, _) = tokio::join!(take(&lattice), outsider.answer(Ok(r#"{"ok": 7}"#)));
        assert_eq!(answer, Ok(Value::ok(Some(Value::U32(7)))), "call {number}");
    }
    assert_eq!(lattice.node("a").switchboard.outside().unwrap().caller.stats().late, 2);
}

#[tokio::test]
async fn a_process_that_does_not_serve_what_it_says_fails_its_callers_and_nobody_else() {
    let (lattice, bus, processes) = external().await;
    let mut outsider = Outsider::start(&bus, "one", "json").await;
    let other = Announcement { contracts: vec!["acme:other/api@1.0.0".parse().unwrap()], ..announced(&outsider) };
    processes.hear(&other.to_message(outsider.announcement(false).subject), Instant::now());
    let failure = take(&lattice).await.unwrap_err();
    assert_eq!(failure.progress, Progress::NotStarted);
    assert!(failure.to_string().contains("no process of provider shop/stock that serves"), "{failure}");
    // It says that it serves the contract, and has no such function.
    processes.hear(&outsider.announcement(false), Instant::now());
    let refuse = Failure::not_started(RpcError::MethodNotHandled("take".to_owned()));
    let (answer, _) = tokio::join!(take(&lattice), outsider.answer(Err(refuse.clone())));
    assert_eq!(answer, Err(refuse));
}

fn announced(outsider: &Outsider) -> Announcement {
    Announcement::from_message(&outsider.announcement(false)).unwrap()
}

#[tokio::test]
async fn announcements_without_end_take_no_more_room_than_they_may() {
    let (_lattice, bus, processes) = external().await;
    let outsider = Outsider::start(&bus, "one", "json").await;
    let (announcement, now) = (announced(&outsider), Instant::now());
    let (app, stock): (model::ids::AppName, model::ids::ProviderName) =
        ("shop".parse().unwrap(), "stock".parse().unwrap());
    for number in 0..2 * PROCESSES_MAX {
        let instance: Token = format!("i{number}").parse().unwrap();
        processes.hear(&announcement.to_message(subjects().provider_beat(&app, &stock, &instance)), now);
    }
    assert_eq!(processes.count(&app, &stock, now), PROCESSES_MAX);
    let mut known = 0;
    for number in 0..PROVIDERS_MAX + 10 {
        let provider = format!("p{number}").parse().unwrap();
        processes.hear(&announcement.to_message(subjects().provider_beat(&app, &provider, &outsider.instance)), now);
        known += processes.count(&app, &provider, now);
    }
    assert_eq!(known, PROVIDERS_MAX - 1, "and the one above");
    for junk in ["", "{", "[]", r#"{"contracts": 1}"#, r#"{"contracts": [], "wire": "json", "calls": "by-post"}"#] {
        let subject = subjects().provider_beat(&app, &stock, &"junk".parse().unwrap());
        processes.hear(&Message::new(subject, junk), now);
    }
    assert_eq!(processes.count(&app, &stock, now), PROCESSES_MAX);
}
