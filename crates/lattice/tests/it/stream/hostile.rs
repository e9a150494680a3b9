//! Ends that do not keep to the rules.

use bytes::Bytes;
use lattice::chunk::Signal;
use lattice::stream::{End, Flow, Part, Told};

use super::scene::{CALLEE, CALLER, Raw, Scene, rest};
use crate::twin::{Twin, until};

fn part(number: u64, data: &'static str, end: Option<End>) -> Part {
    Part { number, head: Bytes::new(), data: data.into(), end }
}

fn flow() -> Option<Flow> {
    Some(Flow { sent: 1, granted: 262_144 })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_breaks_the_rules_ends_its_own_call() {
    for (scene, twin) in Scene::both().await {
        let mut raw = Raw::new(&twin, "c", CALLEE).await;
        let mut number = 0;
        let large = || Part { data: vec![0; 65_537].into(), ..Part::default() };
        // Calls that are none.
        for (opening, flow, expected) in [
            (part(1, "x", None), flow(), "NotStarted deser: the message on `lath.l.call.b.c` "),
            (part(0, "x", None), None, "NotStarted deser: the message on `lath.l.call.b.c` opens no streamed call"),
            (large(), flow(), "NotStarted deser: 65537 bytes were sent, but 65536 are granted"),
            (
                part(0, "x", Some(End::Whole { trailers: None, bytes: 2, crc32: 0 })),
                flow(),
                "NotStarted deser: the body is damaged",
            ),
        ] {
            number += 1;
            let head = if opening.number == 0 { "echo" } else { "" };
            raw.bus.publish(raw.opening(raw.id(number), head, &opening, flow)).unwrap();
            let told = raw.error().await;
            assert!(told.starts_with(expected), "{told}");
        }
        // Calls that begin well.
        let lost = "Unknown transport: part 2 came where part 1 was due";
        let rows: Vec<(Vec<Told>, &str)> = vec![
            (vec![Told::Part(part(2, "x", None))], lost),
            (vec![Told::Part(part(0, "x", None))], "Unknown transport: part 0 came where part 1 was due"),
            (vec![Told::Part(part(1, "", None))], "Unknown transport: part 1 brings nothing"),
            (vec![Told::Flow(Flow { sent: 2, granted: 0 })], "Unknown transport: 2 parts were sent, and 1 came"),
            (
                (1..6)
                    .map(|at| Told::Part(Part { number: at, data: vec![0; 65_536].into(), ..Part::default() }))
                    .collect(),
                "Unknown transport: ",
            ),
        ];
        for (messages, expected) in rows {
            number += 1;
            let id = raw.id(number);
            // Its body is held, and never read.
            raw.bus.publish(raw.opening(id, "keep", &part(0, "x", None), flow())).unwrap();
            until("it runs", || scene.server.stats().streams == 1).await;
            messages.iter().for_each(|told| raw.tell(id, &raw.subject(), told));
            let told = raw.error().await;
            assert!(told.starts_with(expected), "{told}");
            until("it has ended", || scene.server.stats().streams == 0).await;
        }
        // A chunk is no part.
        number += 1;
        let id = raw.id(number);
        raw.bus.publish(raw.opening(id, "keep", &part(0, "x", None), flow())).unwrap();
        until("it runs", || scene.server.stats().streams == 1).await;
        raw.bus.publish(Signal::Chunk(id, 0).to_message(raw.subject())).unwrap();
        assert_eq!(raw.error().await, "Unknown rpc: what came is no part of a streamed call");
        // All that comes for calls that have ended is nothing to wonder at, and others go on.
        raw.tell(id, &raw.subject(), &Told::Stop);
        assert_eq!(scene.ask("echo", "still there").await.0, b"still there");
        scene.at_rest().await;
        scene.drain().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_breaks_the_rules_never_looks_whole() {
    for (scene, twin) in Scene::both().await {
        let mut odd = Raw::new(&twin, "odd", CALLER).await;
        let begin = |data| Told::Part(Part { head: "h".into(), ..part(0, data, None) });
        let end = |bytes| Some(End::Whole { trailers: None, bytes, crc32: 0 });
        for (messages, expected) in [
            (vec![begin("half"), Told::Part(part(2, "x", None))], "transport: part 2 came where part 1 was due"),
            (vec![begin("half"), Told::Part(part(1, "", end(4)))], "transport: the body is damaged: 4 bytes"),
            (vec![begin("half"), Told::Flow(Flow { sent: 3, granted: 0 })], "transport: 3 parts were sent, and 1 came"),
            (vec![begin("half"), Told::Part(part(1, "", Some(End::Broken("why".to_owned()))))], "why"),
            (
                (0..6)
                    .map(|at| Told::Part(Part { number: at, data: vec![0; 65_536].into(), ..Part::default() }))
                    .collect(),
                "transport: 327680 bytes were sent, but 262144 are granted",
            ),
        ] {
            let (answer, ()) = tokio::join!(scene.caller_at("odd", "head"), async {
                let (id, reply) = odd.taken().await;
                messages.iter().for_each(|told| odd.tell(id, &reply, told));
            });
            let (_, _, broken) = rest(&mut answer.unwrap().body).await;
            let broken = broken.unwrap();
            // Whoever reads while it comes grants more, and then waits for an end that does not come.
            let waited = expected.ends_with("granted") && broken.starts_with("deadline-exceeded: nothing was heard");
            assert!(broken.starts_with(expected) || waited, "{broken}");
        }
        // An answer that is no part at all.
        let (answer, ()) = tokio::join!(scene.caller_at("odd", "head"), async {
            let (_, reply) = odd.taken().await;
            odd.bus.publish(lattice::bus::Message::new(reply, "plain")).unwrap();
        });
        assert_eq!(answer.unwrap_err().failure.to_string(), "rpc: what came is no part of a streamed call");
        until("nothing is left", || scene.caller.stats().streams == 0).await;
        scene.drain().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handler_that_knows_no_streamed_calls_refuses_them() {
    struct Plain;
    impl lattice::calls::Handler for Plain {
        fn call<'a>(
            &'a self,
            _from: &'a model::ids::HostName,
            call: lattice::call::Call,
        ) -> futures_util::future::BoxFuture<'a, Result<Bytes, model::failure::Failure>> {
            Box::pin(async { Ok(call.payload) })
        }
    }
    let twin = Twin::memory();
    let scene = Scene::on(&twin).await;
    let plain = lattice::calls::Server::start(
        scene.there.clone(),
        crate::twin::subjects(),
        crate::twin::host("plain"),
        std::sync::Arc::new(Plain),
        8,
    );
    let _plain = plain.await.unwrap();
    let refused = scene.caller_at("plain", "head").await.unwrap_err();
    assert_eq!(
        refused.failure.to_string(),
        "method-not-handled: handle of wasi:http/handler@0.3.0 is not served to a as a streamed call"
    );
    assert!(refused.body.is_some());
}
