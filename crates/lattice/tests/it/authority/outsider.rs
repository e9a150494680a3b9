//! A program that knows nothing of Lath: an ordinary client of NATS, in Python, with its credentials.

use std::process::{Command, Stdio};

use anyhow::Result;

use super::place::{Place, client, host};
use super::raw::Verdict;

const PROGRAM: &str = "
import asyncio, sys, nats
async def main():
    url, creds = sys.argv[1:]
    errors = asyncio.Queue()
    async def failed(error): errors.put_nowait(str(error))
    nc = await nats.connect(url, user_credentials=creds, inbox_prefix=b'_INBOX.client.shop.nightly', error_cb=failed)
    answer = await nc.request('lath.demo.in.shop.cart.nightly', b'[]', timeout=30)
    print(answer.data.decode())
    await nc.publish('lath.demo.in.bank.cart.nightly', b'[]')
    print(await asyncio.wait_for(errors.get(), 30))
asyncio.run(main())
";

#[tokio::test]
async fn a_python_client_calls_with_its_credentials_and_reaches_no_other_application() -> Result<()> {
    let place = Place::start().await?;
    let mut host = place.join(&host("h1")).await?;
    assert_eq!(host.queue_subscribe("lath.demo.in.shop.*.*", "hosts").await?, Verdict::Allowed);
    let folder = tempfile::tempdir()?;
    let creds = folder.path().join("nightly.creds");
    std::fs::write(&creds, place.grant(&client("shop", "nightly")).reveal())?;
    let python = Command::new(rig::nats::python()?)
        .args(["-c", PROGRAM, &place.server.url()])
        .arg(&creds)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let call = host.next_on("lath.demo.in.shop.cart.nightly").await?;
    assert_eq!(host.publish(&call.reply.expect("a reply subject"), "42").await?, Verdict::Allowed);
    let ended = tokio::task::spawn_blocking(move || python.wait_with_output()).await??;
    let told = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert!(told.starts_with("42\n"), "{ended:?}");
    assert!(told.to_lowercase().contains("permissions violation for publish"), "{ended:?}");
    Ok(())
}
