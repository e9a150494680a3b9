//! A call over the lattice, against a bare request and reply of the NATS client with the same payload.
//!
//! Caller and callee are two processes, as two hosts are, with a real server between them. What is measured is all that
//! Lath adds to the transport: envelope, replay window, admission, a task for each call; the actor behind it is the same
//! as behind a `host` call, which the section `calls` measures.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use futures_util::future::{BoxFuture, try_join_all};
use futures_util::{FutureExt as _, StreamExt as _};
use lattice::call::{Call, Incarnation, Origin};
use lattice::calls::{Caller, Handler, Server as Calls};
use lattice::connect::{ConnectSettings, Connection};
use lattice::subject::Subjects;
use model::failure::Failure;
use model::ids::HostName;
use rig::nats::{Options, Server as Nats};

use crate::calls;
use crate::lab::{Lab, PATIENCE};
use crate::load::{Served, percentiles};
use crate::process::{Server, announce, await_end};
use crate::report::{Aim, Row, Section};
use crate::rounds::{Measure, Values, alternate_all};
use crate::web::values;

const LATTICE: &str = "bench";
const ECHO: &str = "bench.echo";
/// About what ten records of `bench-callee` take.
const PAYLOAD_BYTES: usize = 300;
const IN_FLIGHT: usize = 64;

/// How a payload comes back.
#[derive(Clone)]
enum Way {
    Bare(async_nats::Client),
    /// To a host, with a call to begin each with, as a host keeps one for each link.
    Lath(Caller, HostName, Box<Call>),
}

pub(crate) fn measure(lab: &Lab) -> Result<Section> {
    let nats = lab.threads.block_on(Nats::start(Options { jetstream: false, ..Options::default() }))?;
    let address: SocketAddr = ([127, 0, 0, 1], nats.port()).into();
    let (_bare, _lath) = (Server::echo(false, address)?, Server::echo(true, address)?);
    let client = lab.threads.block_on(async_nats::connect(nats.url()))?;
    let caller = lab.threads.block_on(caller(address))?;
    let way = |way: &Way, in_flight| measured(lab, way.clone(), in_flight);
    let (bare, lath) = (Way::Bare(client), Way::Lath(caller, host("callee")?, Box::new(call()?)));
    let subjects = [way(&bare, 1), way(&lath, 1), way(&bare, IN_FLIGHT), way(&lath, IN_FLIGHT)];
    let [bare_1, lath_1, bare_64, lath_64] = alternate_all(lab.rounds, subjects)?;
    let p50 = |served: &[Served]| values(served, |served| served.p50_us);
    let p99 = |served: &[Served]| values(served, |served| served.p99_us);
    let rate = |served: &[Served]| values(served, |served| served.requests_per_s);
    let host_us: Values = calls::host_10_records(lab)?.into_iter().map(|nanos| nanos / 1_000.0).collect();
    let bare = "a bare request";
    let rows = vec![
        Row::new("bare request, 1 in flight, p50", "µs", &p50(&bare_1)),
        Row::new("`host` call, 10 records, reused callee", "µs", &host_us),
        Row::new("lattice call, 1 in flight, p50", "µs", &p50(&lath_1))
            .beside(bare, &p50(&bare_1), Some(Aim::AtMost(1.25)))
            .beside("a `host` call", &host_us, None),
        Row::new("bare request, 1 in flight, p99", "µs", &p99(&bare_1)),
        Row::new("lattice call, 1 in flight, p99", "µs", &p99(&lath_1)).beside(bare, &p99(&bare_1), None),
        Row::new(format!("bare requests, {IN_FLIGHT} in flight"), "/s", &rate(&bare_64)),
        Row::new(format!("lattice calls, {IN_FLIGHT} in flight"), "/s", &rate(&lath_64)).beside(
            bare,
            &rate(&bare_64),
            Some(Aim::AtLeast(0.8)),
        ),
        Row::new(format!("lattice calls, {IN_FLIGHT} in flight, p50"), "µs", &p50(&lath_64)).beside(
            bare,
            &p50(&bare_64),
            None,
        ),
    ];
    let notes = vec![format!(
        "{PAYLOAD_BYTES} bytes each way, caller and callee in processes of their own, one nats-server; a call between two \
         actors adds what a `host` call takes"
    )];
    Ok(Section { rows, notes })
}

/// Requests one after the other, `in_flight` at once.
fn measured(lab: &Lab, way: Way, in_flight: usize) -> Measure<'_, Served> {
    Box::new(move || {
        let begun = Instant::now();
        let until = begun + lab.serving;
        let workers = (0..in_flight).map(|_| tokio_worker(lab, way.clone(), until));
        let latencies: Vec<u64> = lab.threads.block_on(try_join_all(workers))?.into_iter().flatten().collect();
        let requests_per_s = latencies.len() as f64 / begun.elapsed().as_secs_f64();
        let [p50_us, p99_us] = percentiles(latencies);
        Ok(Served { requests_per_s, cpu_us: 0.0, both_cpu_us: 0.0, p50_us, p99_us })
    })
}

fn tokio_worker(lab: &Lab, way: Way, until: Instant) -> BoxFuture<'static, Result<Vec<u64>>> {
    let task = lab.threads.spawn(async move {
        let payload = Bytes::from(vec![7; PAYLOAD_BYTES]);
        let mut latencies = Vec::new();
        while Instant::now() < until {
            let sent = Instant::now();
            let answer = way.send(payload.clone()).await?;
            latencies.push(u64::try_from(sent.elapsed().as_nanos())?);
            if answer != payload {
                bail!("another payload came back");
            }
        }
        Ok(latencies)
    });
    async move { task.await? }.boxed()
}

impl Way {
    async fn send(&self, payload: Bytes) -> Result<Bytes> {
        match self {
            Way::Bare(client) => Ok(client.request(ECHO, payload).await?.payload),
            Way::Lath(caller, callee, call) => {
                let call = Call { deadline: Instant::now() + PATIENCE, payload, ..call.as_ref().clone() };
                Ok(caller.call(callee, call).await?)
            }
        }
    }
}

fn call() -> Result<Call> {
    Ok(Call {
        target: "shop/stock".parse()?,
        origin: Origin::Actor("shop/cart".parse()?),
        link: Some("acme:stock/api@1.0.0".parse()?),
        contract: "acme:stock/api@1.0.0".parse()?,
        method: "reserve".parse()?,
        wire: model::blueprint::WIRE_1.parse()?,
        deadline: Instant::now() + PATIENCE,
        chain: 1,
        depth: 1,
        generation: 1,
        trace: None,
        payload: Bytes::new(),
    })
}

fn host(name: &str) -> Result<HostName> {
    Ok(name.parse()?)
}

async fn bus(address: SocketAddr, me: &HostName) -> Result<(Arc<lattice::nats::NatsBus>, Subjects)> {
    let settings = ConnectSettings::new(vec![format!("nats://{address}").parse()?], LATTICE.parse()?);
    let subjects = settings.subjects()?;
    let connection = Connection::open(settings).await?;
    Ok((Arc::new(connection.bus(subjects.echo(me))), subjects))
}

async fn caller(address: SocketAddr) -> Result<Caller> {
    let me = host("caller")?;
    let (bus, subjects) = bus(address, &me).await?;
    Ok(Caller::start(bus, subjects, me, Incarnation(1)).await?)
}

/// Gives back what it gets.
struct Echo;

impl Handler for Echo {
    fn call<'a>(&'a self, _: &'a HostName, call: Call) -> BoxFuture<'a, Result<Bytes, Failure>> {
        Box::pin(std::future::ready(Ok(call.payload)))
    }
}

/// Answers on a server until the parent ends it: with the bare client, or as a host does.
pub(crate) fn serve(as_host: bool, address: &str) -> Result<()> {
    let address: SocketAddr = address.parse()?;
    let threads = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    if as_host {
        let me = host("callee")?;
        let server = threads.block_on(async {
            let (bus, subjects) = bus(address, &me).await?;
            anyhow::Ok(Calls::start(bus, subjects, me, Arc::new(Echo), 1_024).await?)
        })?;
        announce(address)?;
        await_end();
        drop(server);
    } else {
        let client = threads.block_on(async_nats::connect(format!("nats://{address}")))?;
        let mut requests = threads.block_on(client.subscribe(ECHO)).context("cannot subscribe")?;
        threads.block_on(client.flush())?;
        threads.spawn(async move {
            while let Some(request) = requests.next().await {
                if let Some(reply) = request.reply {
                    let _ = client.publish(reply, request.payload).await;
                }
            }
        });
        announce(address)?;
        await_end();
    }
    Ok(())
}
