//! Calls that fit into one message.

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use lattice::bus::Message;
use lattice::limits::CALLS_PENDING_MAX;
use lattice::subject::Token;
use model::failure::{Failure, RpcError};

use super::scene::{CALLEE, Scene, call};
use crate::twin::{Twin, host, soon, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_small_call_is_one_request_and_one_reply() {
    for (scene, twin) in Scene::both().await {
        let mut tap = scene.tap(&twin).await;
        for payload in [&b""[..], b"\0\xff", &[7; 100_000]] {
            assert_eq!(scene.call("echo", payload.to_vec()).await.unwrap(), payload);
            let messages = scene.messages(&mut tap).await;
            let [request, reply] = &messages[..] else { panic!("{messages:?}") };
            assert_eq!(request.subject.as_str(), "lath.l.call.b.a");
            assert_eq!(request.reply.as_ref(), Some(&reply.subject));
            assert!(reply.subject.as_str().starts_with("lath.l.re.a.b.1-"), "{}", reply.subject);
            // The value bytes are those of a call inside a host, and an answer has nothing but them.
            assert_eq!((&request.payload[..], &reply.payload[..], reply.headers.len()), (payload, payload, 0));
        }
        assert_eq!(scene.told("from", "").await, "a shop/front");
        scene.drain().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_at_once_keep_their_answers_apart() {
    for (scene, _twin) in Scene::both().await {
        let numbers: Vec<String> = (0..1000).map(|number| number.to_string()).collect();
        for numbers in numbers.chunks(super::scene::CALLS_MAX) {
            let answers = join_all(numbers.iter().map(|number| scene.call("echo", number.clone()))).await;
            let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
            assert_eq!(answers, numbers);
            until("they have ended", || scene.server.stats().running == 0).await;
        }
        assert_eq!(scene.caller.stats().pending, 0);
        scene.drain().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_may_call_itself() {
    for twin in Twin::both().await {
        let scene = Scene::on(&twin).await;
        let caller = lattice::calls::Caller::start(
            scene.there.clone(),
            crate::twin::subjects(),
            host(CALLEE),
            lattice::call::Incarnation(5),
        );
        let caller = caller.await.unwrap();
        assert_eq!(caller.call(&host(CALLEE), call("from", "")).await.unwrap(), "b shop/front");
        scene.drain().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_no_host_is_asked_in_the_same_way() {
    for (scene, twin) in Scene::both().await {
        let process = twin.join("rates").await;
        let mut calls = process.subscribe("lath.l.ext.shop.rates.*".parse().unwrap()).await.unwrap();
        crate::twin::settle(&*process).await;
        let callee = Token::pair(&"shop".parse().unwrap(), &"rates".parse().unwrap());
        let heard = lattice::calls::Heard::default();
        let ask = || {
            let message = Message::new("lath.l.ext.shop.rates.a".parse().unwrap(), "{}").with("lath-method", "rate");
            scene.caller.request(message, &callee, soon(), &heard)
        };
        let serve = async {
            let request = calls.next().await.unwrap();
            assert_eq!((request.headers.get("lath-method"), &request.payload[..]), (Some("rate"), &b"{}"[..]));
            let reply = request.reply.unwrap();
            assert!(reply.as_str().starts_with("lath.l.re.a.shop_rates."), "{reply}");
            process.publish(Message::new(reply, "1.5").with("more", "x")).unwrap();
        };
        let (answer, ()) = tokio::join!(ask(), serve);
        let answer = answer.unwrap();
        assert_eq!((&answer.payload[..], answer.headers.get("more")), (&b"1.5"[..], Some("x")));
        drop(calls);
        crate::twin::settle(&*process).await;
        assert!(matches!(ask().await, Err(Failure { error: RpcError::Transport(_), .. })));
        scene.drain().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_wait_are_bounded() {
    let twin = Twin::memory();
    let scene = Scene::on(&twin).await;
    // Somebody who never answers.
    let silent = twin.join("silent").await;
    let mut calls = silent.subscribe(crate::twin::subjects().calls(&host("silent"))).await.unwrap();
    tokio::spawn(async move { while calls.next().await.is_some() {} });
    let wait = || scene.call_at("silent", call("echo", ""));
    let mut waiting: Vec<_> = (0..CALLS_PENDING_MAX).map(|_| Box::pin(wait())).collect();
    for call in &mut waiting {
        assert!(call.as_mut().now_or_never().is_none());
        tokio::task::yield_now().await;
    }
    assert_eq!(scene.caller.stats().pending, CALLS_PENDING_MAX);
    let refused = wait().await.unwrap_err();
    let text = "this host already waits for 4096 calls; try again later";
    assert_eq!(refused, Failure::not_started(RpcError::HostError(text.to_owned())));
    waiting.pop();
    assert!(wait().now_or_never().is_none());
    drop(waiting);
    assert_eq!(scene.caller.stats().pending, 0);
    scene.drain().await;
}
