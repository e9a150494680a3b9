//! Where calls go, over several hosts in one process.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use engine::CallContext;
use futures_util::future::{BoxFuture, join_all};
use host::health::{Ejection, Phase};
use host::limits::{
    CATCH_UP_TIME, CATCHING_UP_MAX, MISSED_CALLS_MAX, RELINKS_MAX, RETRIES_RESERVE, RETRY_PERCENT, UNKNOWN_TRIES_MAX,
};
use host::router::{Running, Switchboard, Targets};
use lattice::call::{Call, Origin};
use lattice::calls::{Handler, Server};
use lattice::memory::MemoryBus;
use model::failure::{Failure, Progress, RpcError};
use model::ids::HostName;
use model::limits::DEPTH_MAX;
use model::trace::Trace;

use crate::hosts::{AMPLE, CONTRACT, Lattice, context, freeze, not_started, placement, shop, subjects, unknown};
use crate::scene::until;

#[tokio::test(flavor = "multi_thread")]
async fn the_nearest_instance_comes_first() {
    let lattice = Lattice::start("a b c").await;
    assert_eq!(lattice.answering().await, "a");
    // Where it refuses, another host has it at once.
    lattice.node("a").stock.answers(not_started());
    assert_eq!(lattice.answering().await, "b c");
    // What it may have begun, nobody else begins.
    lattice.node("a").stock.answers(unknown());
    let before = lattice.counts();
    assert_eq!(lattice.answering().await, "Unknown actor-handler");
    assert_eq!(lattice.counts()[1..], before[1..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn reach_host_stays_on_the_host() {
    let lattice = Lattice::start("b c").await;
    let till = |method| lattice.node("a").call_link(1, method, Vec::new(), context());
    assert_eq!(till("ring").await.unwrap(), "a");
    for answer in [not_started(), unknown()] {
        lattice.node("a").till.answers(answer);
        till("peek").await.unwrap_err();
    }
    assert_eq!((lattice.node("b").till.calls(), lattice.node("c").till.calls()), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_follow_load() {
    let lattice = Lattice::start("b c").await;
    assert_eq!(lattice.answering().await, "b c");
    lattice.beat("b", |beat| beat.running = 90);
    assert_eq!(lattice.answering().await, "c");
    lattice.beat("c", |beat| (beat.running, beat.capacity) = (95, 100));
    assert_eq!(lattice.answering().await, "b");
}

#[tokio::test(flavor = "multi_thread")]
async fn not_started_is_tried_elsewhere() {
    let lattice = Lattice::start("b c").await;
    lattice.node("b").stock.answers(not_started());
    assert_eq!(lattice.answering().await, "c");
    // So is what waited there in a queue until its part of the deadline had passed.
    lattice.node("b").stock.answers(Err(Failure::not_started(RpcError::DeadlineExceeded("in a queue".to_owned()))));
    assert_eq!(lattice.answering().await, "c");
    lattice.node("b").stock.answers(not_started());
    // Nobody is asked twice.
    lattice.node("c").stock.answers(not_started());
    let before = lattice.counts();
    assert_eq!(lattice.node("a").call("take").await.unwrap_err().progress, Progress::NotStarted);
    let after = lattice.counts();
    assert_eq!(after, [before[0], before[1] + 1, before[2] + 1]);
    // What the call itself is to blame for is the same everywhere.
    let bad = Err(Failure::not_started(RpcError::Deser("garbage".to_owned())));
    lattice.node("b").stock.answers(bad.clone());
    lattice.node("c").stock.answers(bad);
    lattice.node("a").call("take").await.unwrap_err();
    assert_eq!(lattice.counts().iter().sum::<usize>(), after.iter().sum::<usize>() + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_is_tried_elsewhere_only_where_that_is_harmless() {
    let lattice = Lattice::start("b c").await;
    lattice.node("b").stock.answers(unknown());
    assert_eq!(lattice.answering().await, "Unknown actor-handler c");
    lattice.beat("c", |beat| beat.running = 90);
    let before = lattice.counts();
    assert_eq!(lattice.node("a").call("peek").await.unwrap(), "c");
    assert_eq!(lattice.counts(), [before[0], before[1] + 1, before[2] + 1]);
    // It stays unknown, even if the last host refuses.
    lattice.node("c").stock.answers(not_started());
    assert_eq!(lattice.node("a").call("peek").await.unwrap_err().progress, Progress::Unknown);
}

#[tokio::test(flavor = "multi_thread")]
async fn retries_of_unknown_calls_have_a_budget() {
    let lattice = Lattice::start("b c").await;
    for host in ["b", "c"] {
        lattice.node(host).stock.answers(unknown());
    }
    let calls = 200;
    for _ in 0..calls {
        lattice.node("a").call("peek").await.unwrap_err();
    }
    let retries = lattice.counts().iter().sum::<usize>() - calls;
    let most = calls * RETRY_PERCENT as usize / 100 + RETRIES_RESERVE as usize;
    assert!(retries <= most && retries >= most - 1, "{retries} of {most}");
    // A change of the placement does not fill it again.
    lattice.place(&placement(5, "a", "c b"));
    let before = lattice.counts().iter().sum::<usize>();
    for _ in 0..4 {
        lattice.node("a").call("peek").await.unwrap_err();
    }
    assert!(lattice.counts().iter().sum::<usize>() - before <= 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_try_that_hangs_leaves_time_for_another() {
    let lattice = Lattice::start("b c").await;
    let node = lattice.node("a");
    lattice.node("b").stock.does(|_| std::future::pending());
    lattice.beat("c", |beat| beat.running = 90);
    let call = context().within(Instant::now() + Duration::from_secs(3));
    assert_eq!(node.call_link(0, "peek", Vec::new(), call).await.unwrap(), "c");
    let granted = lattice.node("b").stock.seen.lock().unwrap()[0].remaining;
    assert!(granted <= Duration::from_secs(3) / UNKNOWN_TRIES_MAX, "{granted:?}");
    // One that may not be tried again has all the time that there is.
    lattice.node("b").stock.does(|seen| async move { Ok(format!("{}", seen.remaining.as_secs()).into()) });
    let call = context().within(Instant::now() + AMPLE);
    let whole: u64 = node.call_link(0, "take", Vec::new(), call).await.unwrap().parse().unwrap();
    assert!(whole > AMPLE.as_secs() / 2, "{whole}");
}

#[tokio::test(flavor = "multi_thread")]
async fn time_is_kept_for_hosts_that_can_be_called_only() {
    for (stock, first) in [("b c", "b"), ("a c", "a")] {
        let lattice = Lattice::start(stock).await;
        let first = &lattice.node(first).stock;
        let remaining = |elsewhere: bool| {
            lattice.beat("c", |beat| {
                beat.phase = if elsewhere { Phase::Open } else { Phase::Joining };
                beat.running = 90;
            });
            let before = first.calls();
            let call = lattice.node("a").call_link(0, "peek", Vec::new(), context());
            async move {
                call.await.unwrap();
                first.seen.lock().unwrap()[before].remaining
            }
        };
        assert!(remaining(true).await <= AMPLE / UNKNOWN_TRIES_MAX);
        assert!(remaining(false).await > AMPLE / 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deadlines_travel_and_shrink() {
    let lattice = Lattice::start("b").await;
    let call = context().within(Instant::now() + Duration::from_secs(20));
    lattice.node("a").call_link(0, "take", Vec::new(), call).await.unwrap();
    lattice.node("a").call("take").await.unwrap();
    let seen = lattice.node("b").stock.seen.lock().unwrap().clone();
    assert!(seen[0].remaining <= Duration::from_secs(20) && !seen[0].remaining.is_zero(), "{seen:?}");
    assert!(seen[1].remaining > Duration::from_secs(20) && seen[1].remaining <= AMPLE, "{seen:?}");
    // A deadline that has passed starts nothing.
    let call = context().within(Instant::now());
    let failure = lattice.node("a").call_link(0, "take", Vec::new(), call).await.unwrap_err();
    assert_eq!((failure.progress, lattice.node("b").stock.calls()), (Progress::NotStarted, 2));
}

struct Dropped(Arc<AtomicBool>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn work_whose_caller_has_gone_is_ended() {
    let lattice = Lattice::start("b").await;
    let dropped = Arc::new(AtomicBool::new(false));
    let guard = dropped.clone();
    lattice.node("b").stock.does(move |_| {
        let guard = Dropped(guard.clone());
        async move {
            let _guard = guard;
            std::future::pending().await
        }
    });
    {
        let call = lattice.node("a").call("take");
        let begun = until("it runs on b", || lattice.node("b").stock.calls() == 1);
        tokio::select! {
            answer = call => panic!("it never ends: {answer:?}"),
            () = begun => {}
        }
    }
    until("its work is dropped", || dropped.load(Ordering::SeqCst)).await;
    let outstanding = || lattice.node("a").health.view().iter().map(|host| host.outstanding).sum::<u32>();
    until("it is not counted any more", || outstanding() == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ejected_hosts_get_no_calls_until_they_beat() {
    let lattice = Lattice::start("b c").await;
    lattice.node("a").health.disconnected(&"b".parse().unwrap());
    assert_eq!(lattice.answering().await, "c");
    lattice.node("a").health.disconnected(&"c".parse().unwrap());
    assert_eq!(lattice.answering().await, "NotStarted transport");
    lattice.beat("b", |_| ());
    assert_eq!(lattice.answering().await, "b");
    lattice.beat("c", |beat| beat.phase = Phase::Joining);
    assert_eq!(lattice.answering().await, "b");
    lattice.beat("c", |beat| beat.not_ready = ["shop/stock".parse().unwrap()].into());
    assert_eq!(lattice.answering().await, "b");
    lattice.beat("c", |_| ());
    assert_eq!(lattice.answering().await, "b c");
}

#[tokio::test(flavor = "multi_thread")]
async fn hosts_that_give_no_answers_are_ejected() {
    let lattice = Lattice::start("b c").await;
    let (a, b) = (lattice.node("a"), lattice.node("b"));
    b.stock.does(|_| std::future::pending());
    let ejected = || a.health.view().into_iter().find(|view| view.beat.host == b.name).unwrap().ejected;
    for _ in 0..200 {
        let short = context().within(Instant::now() + Duration::from_millis(50));
        let _ = a.call_link(0, "take", Vec::new(), short).await;
        if ejected().is_some() {
            break;
        }
    }
    assert_eq!(ejected(), Some(Ejection::Missed));
    // Answers bring it back; beats alone do not.
    b.stock.answers(Ok(b"b".to_vec()));
    lattice.beat("b", |_| ());
    assert_eq!(ejected(), Some(Ejection::Missed));
    let give_up = Instant::now() + AMPLE;
    while ejected().is_some() {
        assert!(Instant::now() < give_up, "it is never tried again");
        a.call("take").await.unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(lattice.answering().await, "b c");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_stood_still_itself_ejects_nobody() {
    let lattice = Lattice::start("b c").await;
    let (a, b) = (lattice.node("a"), lattice.node("b"));
    lattice.beat("c", |beat| beat.running = 90);
    b.stock.does(|_| std::future::pending());
    for calls in 1..=MISSED_CALLS_MAX as usize + 1 {
        let call = context().within(Instant::now() + Duration::from_millis(500));
        let (failure, ()) = tokio::join!(a.call_link(0, "take", Vec::new(), call), async {
            until("it runs", || b.stock.calls() == calls).await;
            freeze(&a.stamp);
        });
        assert_eq!(failure.unwrap_err().progress, Progress::Unknown);
        assert!(a.stamp.release(a.stamp.gaps()));
    }
    assert!(a.health.view().iter().all(|host| host.ejected.is_none()));
}

#[tokio::test(flavor = "multi_thread")]
async fn quarantined_and_draining_hosts_start_nothing() {
    let mut lattice = Lattice::start("b c").await;
    let stamp = lattice.node("b").stamp.clone();
    let gap = freeze(&stamp);
    assert_eq!(lattice.answering().await, "c");
    assert_eq!(lattice.node("b").stock.calls(), 0);
    lattice.node_mut("c").server.as_ref().unwrap().close();
    assert_eq!(lattice.answering().await, "NotStarted transport");
    assert!(stamp.release(gap));
    assert_eq!(lattice.answering().await, "b");
    let server = lattice.node_mut("b").server.take().unwrap();
    assert_eq!(server.drain(Instant::now() + AMPLE).await, 0);
    assert_eq!(lattice.answering().await, "NotStarted transport");
    // The bus said that nobody is there: a hint, until the next beat.
    let view = lattice.node("a").health.view();
    let ejected: Vec<_> = view.iter().map(|host| host.ejected).collect();
    assert_eq!(ejected, [Some(Ejection::Disconnected), None]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quarantined_host_calls_nobody() {
    let lattice = Lattice::start("b").await;
    let gap = freeze(&lattice.node("a").stamp);
    assert_eq!(lattice.answering().await, "NotStarted transport");
    assert_eq!(lattice.node("b").stock.calls(), 0);
    // Inside the host calls go on.
    lattice.node("a").call_link(1, "ring", Vec::new(), context()).await.unwrap();
    lattice.node("a").stamp.release(gap);
    assert_eq!(lattice.answering().await, "b");
}

#[tokio::test(flavor = "multi_thread")]
async fn chains_over_hosts_have_a_depth() {
    let lattice = Lattice::start("b").await;
    let call = |depth| lattice.node("a").call_link(0, "take", Vec::new(), context().at_depth(depth));
    call(DEPTH_MAX).await.unwrap();
    let failure = call(DEPTH_MAX + 1).await.unwrap_err();
    assert_eq!(failure.progress, Progress::NotStarted);
    assert_eq!(failure.to_string(), "host-error: the chain of calls is longer than 64; look for a cycle of links");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_bytes_travel_at_any_reach() {
    let lattice = Lattice::start("b").await;
    let payload: Vec<u8> = (0..=255).collect();
    for sender in [0, 1] {
        lattice.node("a").call_link(sender, "take", payload.clone(), context()).await.unwrap();
    }
    let near = lattice.node("a").till.seen.lock().unwrap()[0].clone();
    let far = lattice.node("b").stock.seen.lock().unwrap()[0].clone();
    assert_eq!((near.method, near.payload), (far.method, far.payload));
    // Larger than one message carries.
    let large = vec![7; 3 << 20];
    lattice.node("b").stock.does(|seen| async move { Ok(seen.payload) });
    let answer = lattice.node("a").call_link(0, "take", large.clone(), context()).await.unwrap();
    assert!(answer.into_bytes() == large);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_knows_less_than_its_caller_catches_up_first() {
    let lattice = Lattice::start("b").await;
    let (a, b) = (lattice.node("a"), lattice.node("b"));
    let newer = placement(6, "a", "b");
    a.take_up(&lattice.blueprint, &newer);
    let (answer, ()) = tokio::join!(a.call("take"), async {
        until("the call waits on b", || b.server.as_ref().unwrap().stats().running == 1).await;
        b.know(&lattice.blueprint, &newer);
    });
    assert_eq!(answer.unwrap(), "b");
    // It does not wait for ever.
    a.take_up(&lattice.blueprint, &placement(7, "a", "b"));
    let failure = a.call("take").await.unwrap_err();
    assert_eq!(failure.progress, Progress::NotStarted);
    assert_eq!(
        failure.to_string(),
        "transport: actor shop/cart, link `stock`, of host a goes by generation 7, host b has taken up 6 of shop/stock; \
         call another host, or again"
    );
    assert!(CATCH_UP_TIME < AMPLE);
    assert_eq!(b.stock.calls(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn few_calls_wait_for_a_host_to_catch_up() {
    const MORE: usize = 10;
    let lattice = Lattice::start("b").await;
    let (a, b) = (lattice.node("a"), lattice.node("b"));
    // Those that wait do so for a second only, which a machine with too much to do may take before they are told.
    let served = async |generation: u64| {
        let newer = placement(generation, "a", "b");
        a.take_up(&lattice.blueprint, &newer);
        let refused = AtomicUsize::new(0);
        let call = async || {
            let answer = a.call("take").await;
            refused.fetch_add(usize::from(answer.is_err()), Ordering::SeqCst);
            answer.is_ok()
        };
        let (served, ()) = tokio::join!(join_all((0..CATCHING_UP_MAX + MORE).map(|_| call())), async {
            until("the others are refused", || refused.load(Ordering::SeqCst) >= MORE).await;
            b.know(&lattice.blueprint, &newer);
        });
        served.into_iter().filter(|served| *served).count()
    };
    for generation in 6..16 {
        if served(generation).await == CATCHING_UP_MAX {
            return;
        }
    }
    panic!("never are {CATCHING_UP_MAX} calls served and {MORE} refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_is_not_placed_is_refused() {
    let lattice = Lattice::start("b").await;
    lattice.node("c").take_up(&lattice.blueprint, &placement(5, "a", "b"));
    let failure = lattice.node("c").call("take").await.unwrap_err();
    assert_eq!((failure.progress, failure.error.http_status()), (Progress::NotStarted, 403));
    assert_eq!(lattice.node("b").stock.calls(), 0);
    // A target that is known but does not run there is looked for elsewhere.
    lattice.node("b").switchboard.switch(&"shop".parse().unwrap(), None);
    let failure = lattice.node("a").call("take").await.unwrap_err();
    assert_eq!((failure.progress, failure.error.http_status()), (Progress::NotStarted, 503));
}

/// A host that keeps the calls that come to it.
#[derive(Default)]
struct Recorder(Mutex<Vec<Call>>);

impl Handler for Recorder {
    fn call<'a>(&'a self, _: &'a HostName, call: Call) -> BoxFuture<'a, Result<Bytes, Failure>> {
        self.0.lock().unwrap().push(call);
        Box::pin(async { Ok(Bytes::from_static(b"recorded")) })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_say_what_the_callee_must_know() {
    const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let bus = MemoryBus::new();
    let recorder = Arc::new(Recorder::default());
    let b: HostName = "b".parse().unwrap();
    let joined = Arc::new(bus.join());
    let _server = Server::start(joined, subjects(), b, recorder.clone(), 10).await.unwrap();
    let lattice = Lattice { nodes: vec![crate::hosts::Node::start("a", &bus).await], blueprint: Arc::new(shop()) };
    lattice.place(&placement(5, "a", "b"));
    lattice.beat("b", |_| ());
    let call = || context().at_depth(3).traced(Trace::read(TRACE, ["a=b"]).map(Arc::new));
    assert_eq!(lattice.node("a").call_link(0, "take", b"p".to_vec(), call()).await.unwrap(), "recorded");
    lattice.node("a").call_link(0, "take", b"p".to_vec(), call().traced(None)).await.unwrap();
    let calls = recorder.0.lock().unwrap().clone();
    let [first, second] = calls.as_slice() else { panic!("{calls:?}") };
    assert_eq!(first.origin, Origin::Actor("shop/cart".parse().unwrap()));
    assert_eq!(first.target.as_str(), "shop/stock");
    let words = [first.link.as_ref().unwrap(), &first.contract, &first.method, &first.wire].map(|word| word.as_str());
    assert_eq!(words, ["stock", CONTRACT, "take", "lath/1"]);
    assert_eq!((first.depth, first.generation, first.payload.as_ref()), (3, 5, b"p".as_slice()));
    let state = |call: &Call| call.trace.as_ref().map(|trace| trace.state.as_ref().unwrap().to_string());
    assert_eq!((state(first), &second.trace), (Some("a=b".to_owned()), &None));
    assert_eq!(first.trace.as_ref().unwrap().parent.to_string(), TRACE);
    assert_ne!(first.chain, second.chain);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_no_message_can_name_is_not_sent() {
    let lattice = Lattice::start("b").await;
    for method in ["", "two words", "zwölf", &"x".repeat(1000)] {
        let failure = lattice.node("a").call(method).await.unwrap_err();
        assert_eq!((failure.progress, failure.error.parts().0), (Progress::NotStarted, "method-not-handled"));
    }
    assert_eq!(lattice.node("b").stock.calls(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn links_that_lead_nowhere_say_so() {
    let lattice = Lattice::start("").await;
    let told = |failure: Failure| format!("{:?} {failure}", failure.progress);
    assert_eq!(
        told(lattice.node("a").call("take").await.unwrap_err()),
        "NotStarted transport: shop/stock is placed on no host; see its status for the reason"
    );
    // By itself, a host is all there is.
    let alone = Switchboard::new(None);
    let (app, outbox) = ("shop".parse().unwrap(), lattice.node("a").cart.clone());
    let outboxes = [("cart".parse().unwrap(), outbox)].into();
    alone.switch(
        &app,
        Some(Running { version: 1, targets: Targets::new(lattice.blueprint.clone()), outboxes, tried: None }),
    );
    assert_eq!(
        told(lattice.node("a").call("take").await.unwrap_err()),
        "NotStarted transport: provider stock is not running on this host; look at its log and start it"
    );
    lattice.node("a").cart.disconnect();
    assert_eq!(
        told(lattice.node("a").call("take").await.unwrap_err()),
        "NotStarted transport: the link is closed: the host is stopping"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn many_calls_at_once_all_come_home() {
    let lattice = Lattice::start("b c").await;
    lattice.node("b").stock.does(|seen| async move {
        tokio::task::yield_now().await;
        if seen.payload[0] % 3 == 0 { not_started() } else { Ok(seen.payload) }
    });
    lattice.node("c").stock.does(|seen| async move { Ok(seen.payload) });
    let node = lattice.node("a");
    let call = |index: u8| async move {
        let text = vec![b'0' + index % 10];
        let answer = node.call_link(0, "take", text.clone(), context()).await;
        assert_eq!(answer.unwrap().into_bytes(), text);
    };
    let calls = (0..250_u8).map(call);
    join_all(calls).await;
    assert!(lattice.node("a").health.view().iter().all(|host| host.outstanding == 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_follows_a_link_that_was_just_led_elsewhere() {
    let lattice = Lattice::start("a").await;
    let a = lattice.node("a");
    // The target is replaced while it refuses the call, as one that drains does.
    let (switchboard, blueprint, cart) = (a.switchboard.clone(), lattice.blueprint.clone(), a.cart.clone());
    let next = lattice.node("b").stock.clone();
    a.stock.does(move |_| {
        let mut targets = Targets::new(blueprint.clone());
        targets.providers.insert("stock".parse().unwrap(), next.clone());
        let outboxes = [("cart".parse().unwrap(), cart.clone())].into();
        switchboard.switch(&"shop".parse().unwrap(), Some(Running { version: 1, targets, outboxes, tried: None }));
        async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            not_started()
        }
    });
    let call = CallContext::new(7, Instant::now() + AMPLE * 2).at_depth(1);
    assert_eq!(a.call_link(0, "take", b"payload".to_vec(), call).await.unwrap(), "b");
    assert_eq!(lattice.counts(), [1, 1, 0]);
    let seen = lattice.node("b").stock.seen.lock().unwrap()[0].clone();
    assert_eq!(seen.payload, b"payload");
    // The link's deadline is that of the whole call.
    assert!(seen.remaining <= AMPLE - Duration::from_millis(50), "{:?}", seen.remaining);
    // One that keeps refusing is called as often as its link changes, within a bound.
    let (switchboard, blueprint, cart) = (a.switchboard.clone(), lattice.blueprint.clone(), a.cart.clone());
    let fake = lattice.node("b").stock.clone();
    let again = fake.clone();
    fake.does(move |_| {
        let mut targets = Targets::new(blueprint.clone());
        targets.providers.insert("stock".parse().unwrap(), again.clone());
        let outboxes = [("cart".parse().unwrap(), cart.clone())].into();
        switchboard.switch(&"shop".parse().unwrap(), Some(Running { version: 1, targets, outboxes, tried: None }));
        async { not_started() }
    });
    a.call("take").await.unwrap_err();
    assert_eq!(lattice.counts(), [1, 1 + 1 + RELINKS_MAX, 0]);
}
