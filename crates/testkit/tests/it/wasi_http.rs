//! The bounds of `wasi:http` in the engine, tripped with a real guest.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use engine::http::{Body, HttpVersion};
use engine::limits::{
    HTTP_BODY_BYTES_MAX, HTTP_CHUNK_BYTES_MAX, HTTP_FIELDS_BYTES_MAX, HTTP_RESOURCES_KEPT_MAX, HTTP_STREAMING_DEFAULT,
};
use engine::{Actor, ActorSettings, CallContext, Engine, EngineSettings, Outbound, Outgoing, SendFuture};
use http_body_util::{BodyExt as _, Empty};
use hyper::{Request, Response};
use model::failure::{Failure, RpcError};
use testkit::application::guest;

/// The guest has no links.
struct Nowhere;

impl Outbound for Nowhere {
    fn send<'a>(&'a self, _: usize, _: Outgoing, _: &'a CallContext) -> SendFuture<'a> {
        Box::pin(std::future::ready(Err(Failure::not_started(RpcError::NotImplemented))))
    }
}

fn actor(engine: &Engine, change: impl FnOnce(&mut ActorSettings)) -> Result<Actor> {
    let loaded = engine.load(&std::fs::read(guest("wasm32-wasip2", "http_app"))?)?;
    let mut settings = ActorSettings::new("web");
    settings.http = vec![("wasi:http/incoming-handler@0.2.0".to_owned(), HttpVersion::V02)];
    change(&mut settings);
    Ok(engine.actor(&loaded.component, settings, Arc::new(Nowhere))?)
}

async fn ask(actor: &Actor, path: &str) -> Result<Response<Body>> {
    let body: Body = Empty::new().map_err(|never| match never {}).boxed_unsync();
    let request = Request::builder().uri(format!("http://web{path}")).body(body)?;
    let call = CallContext::new(1, Instant::now() + Duration::from_secs(60));
    actor.handle(request, &call).await.map_err(|unanswered| anyhow!("{:?}", unanswered.failure))
}

/// What came of a body, and how it ended where not well.
async fn read(mut response: Response<Body>) -> (u64, Option<String>) {
    let mut bytes = 0;
    loop {
        match response.body_mut().frame().await {
            None => return (bytes, None),
            Some(Err(error)) => return (bytes, Some(error.to_string())),
            Some(Ok(frame)) => bytes += frame.data_ref().map_or(0, |data| data.len() as u64),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_end_in_size_and_time() -> Result<()> {
    let engine = Engine::new(EngineSettings::default())?;
    let small = actor(&engine, |settings| settings.body_bytes_max = 100_000)?;
    let (bytes, error) = read(ask(&small, "/endless").await?).await;
    assert!(
        bytes <= 100_000 && error == Some("the answer's body is over 100000 bytes".to_owned()),
        "{bytes} {error:?}"
    );
    assert_eq!(read(ask(&small, "/big/100000").await?).await, (100_000, None));
    let brief = actor(&engine, |settings| settings.streaming = Duration::from_millis(200))?;
    assert!(read(ask(&brief, "/endless").await?).await.1.is_some());
    // Nobody reads, so the guest waits: its time ends all the same.
    let kept = ask(&brief, "/endless").await?;
    let give_up = Instant::now() + Duration::from_secs(60);
    while engine.stats().instances > 0 {
        assert!(Instant::now() < give_up, "the guest goes on");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(read(kept).await.1.is_some());
    assert_eq!((HTTP_STREAMING_DEFAULT, HTTP_BODY_BYTES_MAX), (Duration::from_secs(600), 4 << 30));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_makes_more_than_is_read() -> Result<()> {
    let engine = Engine::new(EngineSettings::default())?;
    let actor = actor(&engine, |_| {})?;
    let mut response = ask(&actor, "/big/8000000").await?;
    let mut largest = 0;
    while let Some(frame) = response.body_mut().frame().await {
        largest = largest.max(frame?.data_ref().map_or(0, |data| data.len()));
    }
    assert!((1..=HTTP_CHUNK_BYTES_MAX).contains(&largest), "{largest}");
    assert_eq!(HTTP_CHUNK_BYTES_MAX, 64 << 10);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_and_resources_of_a_guest_are_bounded() -> Result<()> {
    let engine = Engine::new(EngineSettings::default())?;
    let actor = actor(&engine, |settings| settings.reuse = 100)?;
    assert_eq!((HTTP_FIELDS_BYTES_MAX, HTTP_RESOURCES_KEPT_MAX), (64 << 10, 64));
    let body =
        |response: Response<Body>| async move { response.into_body().collect().await.map(|body| body.to_bytes()) };
    assert_eq!(body(ask(&actor, &format!("/fields/{}", HTTP_FIELDS_BYTES_MAX / 2)).await?).await?, "taken");
    let refused = ask(&actor, &format!("/fields/{HTTP_FIELDS_BYTES_MAX}")).await;
    let refused = refused.err().map(|error| error.to_string()).unwrap_or_default();
    assert!(refused.contains("HostError") && refused.contains("total size of fields exceeds limit"), "{refused}");
    assert_eq!(body(ask(&actor, "/seen").await?).await?, "1");
    // An instance that keeps a little is used again, one that keeps much is not.
    assert_eq!(body(ask(&actor, "/keep/1").await?).await?, "2");
    assert_eq!(body(ask(&actor, &format!("/keep/{}", HTTP_RESOURCES_KEPT_MAX + 1)).await?).await?, "3");
    assert_eq!(body(ask(&actor, "/seen").await?).await?, "1");
    Ok(())
}
