//! Requests whose bodies go on for long, both ways, while the actor that serves them is replaced.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures_util::future::join_all;
use futures_util::stream;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::Request;
use hyper::body::{Bytes, Frame};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use testkit::lattice::processes::Processes;
use tokio::time::{sleep, timeout};

use crate::report::{Row, remark};
use crate::{Rig, drilled};

/// Between two parts of a body.
const PAUSE: Duration = Duration::from_millis(500);
/// Bodies at each host.
const STREAMS: usize = 4;

/// It gives back the bodies of requests as they come.
fn manifest(instances: usize) -> String {
    format!(
        "[application]\nname = \"echo\"\n[actors.web]\n\
         component = \"{{root}}/crates/testkit/guests/target/wasm32-wasip2/release/http_app.wasm\"\n\
         place = {{ replicas = 3 }}\nlimits = {{ instances = {instances} }}\n\
         [[routes]]\npath = \"/echo\"\nto = \"web\"\n"
    )
}

pub(crate) fn replaced(rig: &Rig) -> Result<Vec<Row>> {
    drilled(async {
        let lattice = Processes::of(&rig.lath, &["h1", "h2", "h3"]).await?;
        lattice.up_text(&manifest(100)).await?;
        let parts = rig.sized(40, 180);
        let addresses = lattice.addresses();
        let targets = addresses.iter().cycle().take(STREAMS * addresses.len());
        let streams: Vec<_> = targets.map(|target| tokio::spawn(echoed(*target, parts))).collect();
        sleep(Duration::from_secs(2)).await;
        // Limits are part of what an actor is: it is another one, which is tried and takes over.
        lattice.up_text(&manifest(99)).await?;
        let ended = join_all(streams).await;
        let broken: Vec<String> = ended
            .iter()
            .filter_map(|stream| match stream {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(format!("{error:#}")),
                Err(error) => Some(error.to_string()),
            })
            .collect();
        if let Some(first) = broken.first() {
            remark(&format!("a stream: {first}\n{}", lattice.tails()));
        }
        Ok(vec![Row::never("streams over a replaced actor: broken off", broken.len(), ended.len())])
    })
}

/// Sends so many parts, one after the other, and reads each back.
async fn echoed(target: SocketAddr, parts: usize) -> Result<()> {
    let sent = stream::unfold(0, move |number| async move {
        if number == parts {
            return None;
        }
        sleep(PAUSE).await;
        Some((Ok::<_, Infallible>(Frame::data(Bytes::from(format!("part {number}\n")))), number + 1))
    });
    let client = Client::builder(TokioExecutor::new()).build_http();
    let request = Request::post(format!("http://{target}/echo")).body(StreamBody::new(Box::pin(sent)))?;
    let read = async {
        let answer = client.request(request).await?;
        anyhow::ensure!(answer.status() == 200, "it was answered with {}", answer.status());
        anyhow::Ok(answer.into_body().collect().await?.to_bytes())
    };
    let whole = timeout(PAUSE * u32::try_from(parts)? * 2, read).await.context("it did not end")??;
    let expected: String = (0..parts).map(|number| format!("part {number}\n")).collect();
    anyhow::ensure!(whole == expected, "{} of {} bytes came back", whole.len(), expected.len());
    Ok(())
}
