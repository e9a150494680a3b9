use std::time::Duration;

use futures_util::StreamExt as _;
use rig::nats::{Cluster, Config, Options, Server};
use tokio::time::timeout;

#[tokio::test]
async fn a_server_answers_until_it_is_killed_and_keeps_its_store() {
    let mut server = Server::start(Options::default()).await.unwrap();
    let client = async_nats::connect(server.url()).await.unwrap();
    let jetstream = async_nats::jetstream::new(client.clone());
    let bucket = jetstream
        .create_key_value(async_nats::jetstream::kv::Config { bucket: "one".to_owned(), ..Default::default() })
        .await
        .unwrap();
    bucket.put("key", "value".into()).await.unwrap();
    server.kill().unwrap();
    assert!(async_nats::connect(server.url()).await.is_err());
    server.restart().await.unwrap();
    let client = async_nats::connect(server.url()).await.unwrap();
    let bucket = async_nats::jetstream::new(client).get_key_value("one").await.unwrap();
    assert_eq!(bucket.get("key").await.unwrap().unwrap(), "value");
}

#[tokio::test]
async fn a_refused_configuration_is_told_with_the_log() {
    let options = Options { config: Some(Config::Text("port: \"no port\"\n".to_owned())), ..Options::default() };
    let error = Server::start(options).await.unwrap_err().to_string();
    assert!(error.contains("server.conf"), "{error}");
}

#[tokio::test]
async fn a_frozen_server_keeps_silent_until_it_is_thawed() {
    let mut server = Server::start(Options { jetstream: false, ..Options::default() }).await.unwrap();
    let client = async_nats::connect(server.url()).await.unwrap();
    let mut echo = client.subscribe("echo").await.unwrap();
    client.flush().await.unwrap();
    server.freeze().unwrap();
    client.publish("echo", "late".into()).await.unwrap();
    assert!(timeout(Duration::from_millis(200), echo.next()).await.is_err());
    server.thaw().unwrap();
    assert_eq!(timeout(Duration::from_secs(30), echo.next()).await.unwrap().unwrap().payload, "late");
}

#[tokio::test]
async fn a_configuration_is_read_again() {
    let text = |user: &str| format!("authorization {{ user: {user}, password: secret }}\n");
    let options = Options { config: Some(Config::Text(text("first"))), ..Options::default() };
    let mut server = Server::start(options).await.unwrap();
    let connect = |user: &str| {
        let options = async_nats::ConnectOptions::with_user_and_password(user.to_owned(), "secret".to_owned());
        options.connect(server.url())
    };
    let (first, second) = (connect("first"), connect("second"));
    first.await.unwrap();
    server.write_config(text("second")).unwrap();
    server.reload().await.unwrap();
    second.await.unwrap();
    server.write_config("port: \"no port\"\n").unwrap();
    let error = server.reload().await.unwrap_err().to_string();
    assert!(error.contains("refused"), "{error}");
}

#[tokio::test]
async fn a_configuration_in_files_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    let users = |user: &str| {
        let text = format!("authorization {{ user: {user}, password: secret }}\n");
        std::fs::write(folder.path().join("users.conf"), text).unwrap();
    };
    let file = folder.path().join("main.conf");
    std::fs::write(&file, "server_name: other\nlisten: \"0.0.0.0:4222\"\ninclude \"users.conf\"\n").unwrap();
    users("first");
    let mut server = Server::start(Options { config: Some(Config::File(file)), ..Options::default() }).await.unwrap();
    users("second");
    server.reload().await.unwrap();
    let options = async_nats::ConnectOptions::with_user_and_password("second".to_owned(), "secret".to_owned());
    options.connect(server.url()).await.unwrap();
}

#[tokio::test]
async fn a_cluster_goes_on_with_two_of_three() {
    let mut cluster = Cluster::start(Options::default()).await.unwrap();
    let client = async_nats::connect(
        cluster.url().split(',').map(|url| url.parse().unwrap()).collect::<Vec<async_nats::ServerAddr>>(),
    )
    .await
    .unwrap();
    let jetstream = async_nats::jetstream::new(client);
    let config = async_nats::jetstream::kv::Config { bucket: "one".to_owned(), num_replicas: 3, ..Default::default() };
    let bucket = jetstream.create_key_value(config).await.unwrap();
    let patience = Duration::from_secs(60);
    // A new stream of three has no leader at first.
    let written = timeout(patience, async { while bucket.put("key", "before".into()).await.is_err() {} });
    written.await.unwrap();
    let leader = cluster.stream_leader("KV_one", patience).await.unwrap().unwrap();
    cluster.kill(leader).unwrap();
    let next = cluster.stream_leader("KV_one", patience).await.unwrap().unwrap();
    assert_ne!(leader, next);
    let value = timeout(patience, async {
        loop {
            if let Ok(value) = bucket.get("key").await {
                break value;
            }
        }
    });
    assert_eq!(value.await.unwrap().unwrap(), "before");
    cluster.restart(leader).await.unwrap();
    cluster.ready().await.unwrap();
}
