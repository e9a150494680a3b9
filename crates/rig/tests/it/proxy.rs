use std::time::{Duration, Instant};

use rig::proxy::{Direction, Fault, Proxy};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(30);
const SILENCE: Duration = Duration::from_millis(200);

/// A client joined to a server through a proxy.
struct Joined {
    proxy: Proxy,
    listener: TcpListener,
    client: TcpStream,
    server: TcpStream,
}

impl Joined {
    async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Proxy::start(listener.local_addr().unwrap()).await.unwrap();
        let client = TcpStream::connect(proxy.address()).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        Self { proxy, listener, client, server }
    }
}

async fn arrives(from: &mut TcpStream, to: &mut TcpStream) {
    from.write_all(b"ping").await.unwrap();
    expect(to, b"ping").await;
}

async fn expect(to: &mut TcpStream, expected: &[u8]) {
    let mut found = vec![0; expected.len()];
    timeout(PATIENCE, to.read_exact(&mut found)).await.unwrap().unwrap();
    assert_eq!(found, expected);
}

async fn silent(to: &mut TcpStream) {
    assert!(timeout(SILENCE, to.read_u8()).await.is_err());
}

#[tokio::test]
async fn bytes_pass_both_ways_until_one_end_closes() {
    let mut joined = Joined::new().await;
    arrives(&mut joined.client, &mut joined.server).await;
    arrives(&mut joined.server, &mut joined.client).await;
    joined.client.write_all(b"last").await.unwrap();
    drop(joined.client);
    expect(&mut joined.server, b"last").await;
    assert!(timeout(PATIENCE, joined.server.read_u8()).await.unwrap().is_err());
}

#[tokio::test]
async fn a_cut_one_way_leaves_the_other_and_heals_without_loss() {
    let mut joined = Joined::new().await;
    joined.proxy.cut_one_way(Direction::ToServer);
    joined.client.write_all(b"held").await.unwrap();
    silent(&mut joined.server).await;
    arrives(&mut joined.server, &mut joined.client).await;
    joined.proxy.heal();
    expect(&mut joined.server, b"held").await;
}

#[tokio::test]
async fn a_cut_holds_new_connections_too() {
    let mut joined = Joined::new().await;
    joined.proxy.cut();
    let mut second = TcpStream::connect(joined.proxy.address()).await.unwrap();
    second.write_all(b"held").await.unwrap();
    let (mut server, _) = joined.listener.accept().await.unwrap();
    silent(&mut server).await;
    joined.proxy.heal();
    expect(&mut server, b"held").await;
    arrives(&mut joined.server, &mut joined.client).await;
}

#[tokio::test]
async fn a_delay_keeps_the_order_and_ends_when_healed() {
    let mut joined = Joined::new().await;
    let delay = Duration::from_millis(100);
    joined.proxy.set(Direction::ToServer, Fault { delay, ..Fault::default() });
    let start = Instant::now();
    joined.client.write_all(b"one").await.unwrap();
    joined.client.write_all(b"two").await.unwrap();
    expect(&mut joined.server, b"onetwo").await;
    assert!(start.elapsed() >= delay);
    joined.proxy.set(Direction::ToServer, Fault { delay: PATIENCE * 10, ..Fault::default() });
    joined.client.write_all(b"late").await.unwrap();
    silent(&mut joined.server).await;
    joined.proxy.heal();
    expect(&mut joined.server, b"late").await;
}

#[tokio::test]
async fn a_throttle_lets_so_many_bytes_through() {
    let mut joined = Joined::new().await;
    joined.proxy.set(Direction::ToServer, Fault { bytes_per_second: Some(1000), ..Fault::default() });
    let start = Instant::now();
    joined.client.write_all(&[7; 200]).await.unwrap();
    expect(&mut joined.server, &[7; 200]).await;
    assert!(start.elapsed() >= Duration::from_millis(150));
}

#[tokio::test]
async fn dropped_connections_close_and_refused_ones_never_open() {
    let mut joined = Joined::new().await;
    joined.proxy.drop_connections();
    assert!(timeout(PATIENCE, joined.client.read_u8()).await.unwrap().is_err());
    assert!(timeout(PATIENCE, joined.server.read_u8()).await.unwrap().is_err());
    joined.proxy.refuse();
    let mut refused = TcpStream::connect(joined.proxy.address()).await.unwrap();
    assert!(timeout(PATIENCE, refused.read_u8()).await.unwrap().is_err());
    joined.proxy.heal();
    let mut client = TcpStream::connect(joined.proxy.address()).await.unwrap();
    let (mut server, _) = joined.listener.accept().await.unwrap();
    arrives(&mut client, &mut server).await;
}
