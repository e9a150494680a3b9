//! Messages that are told to whoever asks for them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::{Ear, Heard, Way};
use host::application::Application;
use host::limits::{TAP_CHARS_MAX, TAP_MESSAGES_PER_S_MAX, TAPS_MAX};
use host::tap::{Answered, Tapped, Taps, ask};
use lattice::bus::{Bus as _, Subscription};
use lattice::memory::MemoryBus;
use lattice::subject::Subjects;
use model::failure::{Failure, RpcError};
use model::ids::{ActorName, AppName};
use testkit::application::{HOST, example, root};
use testkit::caller::word;
use testkit::lattice::{AMPLE, Lattice};

fn subjects() -> Subjects {
    Subjects::new(&word("test"))
}

/// The next message that a host tells of.
async fn told(tapped: &mut Subscription) -> Option<Tapped> {
    let message = tokio::time::timeout(Duration::from_millis(100), tapped.next()).await.ok()??;
    Some(Tapped::decode(&message.payload).unwrap())
}

/// All that is told by now. To wait for more of it keeps the requests of a test below what a host tells a second.
async fn all_told(tapped: &mut Subscription) -> Vec<Tapped> {
    let mut all = Vec::new();
    while let Some(one) = told(tapped).await {
        all.push(one);
    }
    all
}

/// Asks until a request is told of, and gives what is told of that request.
async fn first(lattice: &Lattice, actor: Option<&str>, tapped: &mut Subscription) -> Vec<Tapped> {
    let (app, actor) = (word::<AppName>("kvcounter"), actor.map(word::<ActorName>));
    let give_up = Instant::now() + AMPLE;
    loop {
        ask(&lattice.bus(), &subjects(), &app, actor.as_ref()).unwrap();
        lattice.answer("h1", "/alice?amount=5").await.unwrap();
        let all = all_told(tapped).await;
        // Those of a request that was on its way when it was asked for may not be whole.
        if all.len() == 2 {
            return all;
        }
        assert!(Instant::now() < give_up, "nothing is told: {all:#?}");
    }
}

async fn kvcounter() -> Lattice {
    let lattice = Lattice::of(&["h1"]).await.unwrap();
    let folder = example("kvcounter", &[("keyvalue/embedded", "keyvalue/nats")]).unwrap();
    let version = lattice.up(folder.path()).await.unwrap();
    lattice.running("kvcounter", version, 1).await.unwrap();
    lattice
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_told_to_who_asks_and_to_nobody_else() {
    let lattice = kvcounter().await;
    let app = word::<AppName>("kvcounter");
    let mut tapped = lattice.bus().subscribe(subjects().tapped_of(&app)).await.unwrap();
    lattice.answer("h1", "/alice").await.unwrap();
    assert_eq!(told(&mut tapped).await, None, "nobody asked");

    let all = first(&lattice, None, &mut tapped).await;
    let [counted, handled] = all.as_slice() else { panic!("{all:#?}") };
    assert_eq!((counted.from.as_deref(), counted.to.as_str()), (Some("counter"), "kv"));
    assert_eq!((&*counted.contract, &*counted.function), ("lath:keyvalue/counter@0.1.0", "increment"));
    assert_eq!(counted.params, "(\"counter:alice\", 5)");
    assert!(matches!(&counted.answer, Answered::Result(text) if text.starts_with("ok(")), "{counted:#?}");
    assert_eq!((handled.from.as_deref(), handled.to.as_str()), (None, "counter"));
    assert!(handled.params.contains("path: \"/alice\"") && handled.elapsed_us >= counted.elapsed_us, "{handled:#?}");

    // Nobody asks any more: after a while nothing is told.
    let give_up = Instant::now() + AMPLE;
    loop {
        lattice.answer("h1", "/alice").await.unwrap();
        if all_told(&mut tapped).await.is_empty() {
            break;
        }
        assert!(Instant::now() < give_up, "it is told for ever");
    }
    // Another actor's messages are not those of this application's actor; one's own are.
    let other = word::<ActorName>("other");
    ask(&lattice.bus(), &subjects(), &app, Some(&other)).unwrap();
    lattice.answer("h1", "/alice").await.unwrap();
    assert_eq!(told(&mut tapped).await, None, "they are another's");
    first(&lattice, Some("counter"), &mut tapped).await;
}

/// Taps of a host that somebody asks about these applications, and what hears the first example there.
async fn heard(asked: &[AppName]) -> (Taps, Arc<dyn Ear>, Subscription) {
    let bus = MemoryBus::new();
    let taps = Taps::new(Arc::new(bus.join()), subjects(), word(HOST));
    taps.attend().await.unwrap();
    for app in asked {
        ask(&bus, &subjects(), app, None).unwrap();
    }
    let application = Application::open(&root().join("examples/kvcounter"), &mut |_| {}).unwrap();
    let blueprint = application.plan(None).unwrap().blueprint;
    let actor = word("counter");
    let ear = taps.ear(&word("kvcounter"), &actor, &blueprint.composites[&actor]);
    let tapped = bus.subscribe(subjects().tapped_of(&word("kvcounter"))).await.unwrap();
    (taps, ear, tapped)
}

fn increment<'a>(payload: &'a [u8], failure: &'a Failure) -> Heard<'a> {
    let elapsed = Duration::from_millis(1);
    Heard { way: Way::Out(0), method: "increment", payload, answer: Err(failure), depth: 1, elapsed }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_much_is_counted() {
    let (_taps, ear, mut tapped) = heard(&[word("kvcounter")]).await;
    let failure = Failure::unknown(RpcError::Transport("gone".to_owned()));
    crate::scene::until("somebody listens", || ear.listens()).await;
    let (begun, burst) = (Instant::now(), u64::from(TAP_MESSAGES_PER_S_MAX) * 3);
    let (mut seen, mut dropped, mut sent) = (0, 0, 0);
    // A slow machine has more than one second for the burst: it goes on until something was too much.
    while dropped == 0 {
        assert!(begun.elapsed() < AMPLE, "nothing was too much");
        for _ in 0..burst {
            ear.hears(increment(b"\x01a\x01", &failure));
            sent += 1;
        }
        while let Some(one) = told(&mut tapped).await {
            assert_eq!(one.params, "(\"a\", 1)");
            assert_eq!(one.answer, Answered::Failure { case: "transport".to_owned(), text: "gone".to_owned() });
            (seen, dropped) = (seen + 1, dropped + one.dropped);
        }
    }
    assert!(seen + dropped <= sent && seen < sent, "{seen} {dropped} {sent}");
}

#[tokio::test(flavor = "multi_thread")]
async fn values_and_wishes_are_bounded() {
    let long = [b"\xd0\x0f".as_slice(), &[b'x'; 2_000], b"\x01"].concat();
    let failure = Failure::unknown(RpcError::Transport("y".repeat(2_000)));
    let (_taps, ear, mut tapped) = heard(&[word("kvcounter")]).await;
    crate::scene::until("somebody listens", || ear.listens()).await;
    ear.hears(increment(&long, &failure));
    let one = told(&mut tapped).await.unwrap();
    let Answered::Failure { text, .. } = &one.answer else { panic!("{one:#?}") };
    for text in [&one.params, text] {
        let chars = text.chars().count();
        assert!(chars > TAP_CHARS_MAX && chars < TAP_CHARS_MAX + 30, "{chars}: {text}");
    }

    let mut others: Vec<AppName> = (0..TAPS_MAX).map(|number| word(&format!("other{number}"))).collect();
    others.push(word("kvcounter"));
    let (taps, ear, mut tapped) = heard(&others).await;
    crate::scene::until("all are heard", || taps.wishes() == TAPS_MAX).await;
    ear.hears(increment(b"\x01a\x01", &failure));
    assert_eq!(told(&mut tapped).await, None, "one more than there may be is heard");
}
