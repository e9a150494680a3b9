//! A provider's process that takes calls as hosts do.

use std::sync::Arc;

use bytes::Bytes;
use lattice::call::Incarnation;
use lattice::calls::{Callee, Caller, Heard, Server};

use super::scene::{CALLER, CALLS_MAX, Echo, call, told};
use crate::twin::{Twin, host, settle, soon, subjects, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_process_is_called_as_a_host_is() {
    for twin in Twin::both().await {
        let (here, there) = (twin.join(CALLER).await, twin.join("p").await);
        let caller = Caller::start(here.clone(), subjects(), host(CALLER), Incarnation(1)).await.unwrap();
        let of = |instance: &str| Callee::Process {
            application: "shop".parse().unwrap(),
            provider: "rates".parse().unwrap(),
            instance: instance.parse().unwrap(),
        };
        let echo = Arc::new(Echo::default());
        let server = Server::start(there.clone(), subjects(), of("one"), echo.clone(), CALLS_MAX).await.unwrap();
        for bus in [&here, &there] {
            settle(&**bus).await;
        }
        let send = async |to: &Callee, method: &str, payload: Bytes| {
            let heard = Heard::default();
            let result = caller.call_callee(to, call(method, payload), &heard).await;
            (told(result), heard.answer(), heard.nobody())
        };
        let large = Bytes::from("x".repeat(3 << 20));
        let (told, ..) = send(&of("one"), "echo", large.clone()).await;
        assert_eq!(told.as_bytes(), &large, "in chunks");
        let (told, answer, _) = send(&of("one"), "denied", large).await;
        assert_eq!((told.as_str(), answer), ("NotStarted invalid-parameter: denied", true));
        let (told, _, nobody) = send(&of("two"), "echo", Bytes::new()).await;
        assert!(nobody && told.starts_with("NotStarted transport: nobody answers on"), "{told}");
        // One whose caller has gone is dropped.
        let (gone, to) = (caller.clone(), of("one"));
        let waiting = tokio::spawn(async move { gone.call_callee(&to, call("hang", ""), &Heard::default()).await });
        until("it runs", || echo.begun() == 2).await;
        waiting.abort();
        until("it is dropped", || echo.dropped() == 1 && server.stats().cancelled == 1).await;
        server.echoes().ask(soon()).await.unwrap();
        assert_eq!(server.drain(soon()).await, 0);
    }
}
