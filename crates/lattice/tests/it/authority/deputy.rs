//! What a user can have JetStream say for it. An answer of JetStream goes wherever the question says, and the server does
//! not check that the user may publish there. So users get only those requests whose answers cannot be taken for the
//! words of a host, and receivers look at the subject of what they receive.

use anyhow::Result;

use super::place::{Place, host, operator};
use super::raw::{Raw, Verdict};

const STREAM: &str =
    r#"{"name":"KV_lath-demo-hosts","subjects":["$KV.lath-demo-hosts.>"],"max_msgs_per_subject":1,"storage":"memory"}"#;
const CREATE: &str = "$JS.API.CONSUMER.CREATE.KV_lath-demo-hosts.x.$KV.lath-demo-hosts.h3";
/// Where only host h1 may publish.
const CALL: &str = "lath.demo.call.h2.h1";

/// A host that has written something that looks like a call, and another that it would like to call as a third.
async fn rogue_and_victim(place: &Place) -> Result<(Raw, Raw)> {
    let (mut victim, mut rogue) = (place.join(&host("h2")).await?, place.join(&host("h3")).await?);
    place.join(&operator("alice")).await?.request("$JS.API.STREAM.CREATE.KV_lath-demo-hosts", STREAM).await?;
    victim.subscribe("lath.demo.call.h2.*").await?;
    let inbox = rogue.fresh_inbox();
    rogue.subscribe(&inbox).await?;
    rogue.send_with("$KV.lath-demo-hosts.h3", &inbox, "lath-link: a/b#c\r\n", "forged").await?;
    rogue.next_on(&inbox).await?;
    assert_eq!(rogue.publish(CALL, "forged").await?, Verdict::Denied);
    Ok((rogue, victim))
}

fn consumer(more: &str) -> String {
    format!(
        r#"{{"stream_name":"KV_lath-demo-hosts","config":{{"name":"x","filter_subject":"$KV.lath-demo-hosts.h3","ack_policy":"none"{more}}}}}"#
    )
}

/// This is the request that would do it: the message as it was written, headers and all, on any subject.
#[tokio::test]
async fn a_direct_get_is_denied() -> Result<()> {
    let place = Place::start().await?;
    let (mut rogue, _) = rogue_and_victim(&place).await?;
    for subject in
        ["$JS.API.DIRECT.GET.KV_lath-demo-hosts.$KV.lath-demo-hosts.h3", "$JS.API.DIRECT.GET.KV_lath-demo-hosts"]
    {
        assert_eq!(rogue.send(subject, CALL, "").await?, Verdict::Denied);
    }
    Ok(())
}

/// Messages of a consumer keep the subject on which they were written, wherever they are delivered.
#[tokio::test]
async fn what_a_consumer_delivers_elsewhere_keeps_its_subject() -> Result<()> {
    let place = Place::start().await?;
    let (mut rogue, mut victim) = rogue_and_victim(&place).await?;
    rogue.request(CREATE, &consumer("")).await?;
    rogue.send("$JS.API.CONSUMER.MSG.NEXT.KV_lath-demo-hosts.x", CALL, "1").await?;
    let delivered = victim.next_on("$KV.lath-demo-hosts.h3").await?;
    assert_eq!(delivered.payload, "forged");
    assert!(delivered.reply.is_some_and(|reply| reply.starts_with("$JS.ACK.")));
    Ok(())
}

/// Every other answer is JSON of JetStream's own making, without headers and without a reply subject.
#[tokio::test]
async fn other_answers_that_go_elsewhere_look_like_no_call() -> Result<()> {
    let place = Place::start().await?;
    let (mut rogue, mut victim) = rogue_and_victim(&place).await?;
    for (subject, payload) in [
        ("$JS.API.STREAM.MSG.GET.KV_lath-demo-hosts", r#"{"last_by_subj":"$KV.lath-demo-hosts.h3"}"#.to_owned()),
        ("$JS.API.STREAM.INFO.KV_lath-demo-hosts", String::new()),
        ("$JS.API.STREAM.CREATE.KV_lath-demo-hosts", STREAM.to_owned()),
        (CREATE, consumer("")),
        ("$KV.lath-demo-hosts.h3", "forged".to_owned()),
    ] {
        rogue.send(subject, CALL, &payload).await?;
        let delivered = victim.next_on(CALL).await?;
        assert_eq!((delivered.headers.as_str(), delivered.reply.as_deref()), ("", None), "{subject}: {delivered:?}");
        assert!(delivered.payload.starts_with('{'), "{subject}: {delivered:?}");
    }
    Ok(())
}

/// The filter of a consumer is part of the subject on which it is asked for, and JetStream holds to it.
#[tokio::test]
async fn a_consumer_reads_the_stream_that_its_subject_names() -> Result<()> {
    let place = Place::start().await?;
    let (mut rogue, _) = rogue_and_victim(&place).await?;
    let other = consumer("").replace("KV_lath-demo-hosts", "KV_lath-demo-state");
    let more = consumer("").replace("$KV.lath-demo-hosts.h3", "$KV.lath-demo-hosts.>");
    for refused in [other, more] {
        let answer = rogue.request(CREATE, &refused).await?.unwrap();
        assert!(answer.payload.contains("\"error\""), "{answer:?}");
    }
    Ok(())
}

/// A message may ask the server to tell where it went; that, too, goes only where its sender may publish.
#[tokio::test]
async fn traces_go_nowhere_that_is_forbidden() -> Result<()> {
    let place = Place::start().await?;
    let (mut victim, mut rogue) = (place.join(&host("h2")).await?, place.join(&host("h3")).await?);
    victim.subscribe("lath.demo.call.h2.*").await?;
    let trace = format!("Nats-Trace-Dest: {CALL}\r\n");
    // Whether the message itself is taken does not matter.
    let _ = rogue.send_with("lath.demo.beat.h3", "", &trace, "").await;
    // What comes from one connection comes in its order.
    rogue.publish("lath.demo.call.h2.h3", "").await?;
    victim.next_on("lath.demo.call.h2.h3").await?;
    let others = victim.drain().await?;
    assert!(others.is_empty(), "{others:?}");
    Ok(())
}
