//! A client that speaks the protocol of NATS by itself, so that each command gets its own verdict.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use data_encoding::BASE64URL_NOPAD;
use lattice::authority::Credentials;
use nkeys::KeyPair;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Long enough for a loaded machine; a wait that should not end in a test ends with it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What the server makes of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Allowed,
    Denied,
}

/// A message as it was delivered.
#[derive(Clone, Debug)]
pub(crate) struct Delivered {
    pub(crate) subject: String,
    pub(crate) reply: Option<String>,
    pub(crate) headers: String,
    pub(crate) payload: String,
}

#[derive(Debug)]
enum Line {
    Ok,
    Error(String),
    Message,
    Pong,
}

/// A connection in verbose mode: the server answers each command with `+OK` or `-ERR`.
pub(crate) struct Raw {
    stream: BufReader<TcpStream>,
    inbox: String,
    next: u64,
    delivered: Vec<Delivered>,
}

impl Raw {
    /// Connects with credentials.
    pub(crate) async fn connect(port: u16, credentials: &Credentials) -> Result<Self> {
        let (mut raw, info) = Self::open(port).await?;
        raw.inbox = credentials.inbox();
        let text = credentials.reveal();
        let lines: Vec<&str> = text.lines().collect();
        let (token, seed) = (lines[1], lines[5]);
        let key = KeyPair::from_seed(seed)?;
        let nonce = info["nonce"].as_str().context("no nonce")?;
        let signature = BASE64URL_NOPAD.encode(&key.sign(nonce.as_bytes())?);
        raw.introduce(&format!(r#","jwt":"{token}","sig":"{signature}""#)).await?;
        Ok(raw)
    }

    /// Connects with nothing to show.
    pub(crate) async fn anonymous(port: u16) -> Result<Self> {
        let (mut raw, _) = Self::open(port).await?;
        raw.introduce("").await?;
        Ok(raw)
    }

    async fn open(port: u16) -> Result<(Self, serde_json::Value)> {
        let mut stream = BufReader::new(TcpStream::connect(("127.0.0.1", port)).await?);
        let mut line = String::new();
        timeout(PATIENCE, stream.read_line(&mut line)).await??;
        let info = line.strip_prefix("INFO ").context("no greeting")?;
        let info = serde_json::from_str(info)?;
        Ok((Self { stream, inbox: String::new(), next: 0, delivered: Vec::new() }, info))
    }

    async fn introduce(&mut self, more: &str) -> Result<()> {
        let connect = format!(
            "CONNECT {{\"verbose\":true,\"pedantic\":false,\"headers\":true,\"no_responders\":true,\"lang\":\"test\",\
             \"version\":\"1\",\"protocol\":1{more}}}\r\n"
        );
        match self.command(connect.as_bytes()).await? {
            Ok(()) => Ok(()),
            Err(refused) => Err(anyhow!("{refused}")),
        }
    }

    /// A subject of one's own inbox that was not used before.
    pub(crate) fn fresh_inbox(&mut self) -> String {
        self.next += 1;
        format!("{}.{}", self.inbox, self.next)
    }

    pub(crate) async fn publish(&mut self, subject: &str, payload: &str) -> Result<Verdict> {
        self.send(subject, "", payload).await
    }

    /// Publishes with a reply subject; none where it is empty.
    pub(crate) async fn send(&mut self, subject: &str, reply: &str, payload: &str) -> Result<Verdict> {
        let text = format!("PUB {subject} {reply} {}\r\n{payload}\r\n", payload.len());
        self.verdict(&text).await
    }

    /// Publishes with headers, each line of which ends with `\r\n`.
    pub(crate) async fn send_with(
        &mut self,
        subject: &str,
        reply: &str,
        headers: &str,
        payload: &str,
    ) -> Result<Verdict> {
        let headers = format!("NATS/1.0\r\n{headers}\r\n");
        let sizes = format!("{} {}", headers.len(), headers.len() + payload.len());
        self.verdict(&format!("HPUB {subject} {reply} {sizes}\r\n{headers}{payload}\r\n")).await
    }

    /// Subscribes, and stays subscribed where that is allowed.
    pub(crate) async fn subscribe(&mut self, subject: &str) -> Result<Verdict> {
        self.next += 1;
        let text = format!("SUB {subject} {}\r\n", self.next);
        self.verdict(&text).await
    }

    /// Subscribes as one of a queue group.
    pub(crate) async fn queue_subscribe(&mut self, subject: &str, group: &str) -> Result<Verdict> {
        self.next += 1;
        let text = format!("SUB {subject} {group} {}\r\n", self.next);
        self.verdict(&text).await
    }

    /// Asks and waits for the answer; none where asking is denied.
    pub(crate) async fn request(&mut self, subject: &str, payload: &str) -> Result<Option<Delivered>> {
        let reply = self.fresh_inbox();
        self.subscribe(&reply).await?;
        if self.send(subject, &reply, payload).await? == Verdict::Denied {
            return Ok(None);
        }
        self.next_on(&reply).await.map(Some)
    }

    /// The next message on `subject`.
    pub(crate) async fn next_on(&mut self, subject: &str) -> Result<Delivered> {
        // The server's own pings must not keep this waiting.
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(at) = self.delivered.iter().position(|message| message.subject == subject) {
                return Ok(self.delivered.remove(at));
            }
            self.take().await.with_context(|| format!("waiting for {subject}"))?;
        }
        bail!("nothing came on {subject}, but {:?}", self.delivered)
    }

    /// Everything that arrives before the server answers a ping.
    pub(crate) async fn drain(&mut self) -> Result<Vec<Delivered>> {
        self.stream.get_mut().write_all(b"PING\r\n").await?;
        while !matches!(self.take().await?, Line::Pong) {}
        Ok(std::mem::take(&mut self.delivered))
    }

    /// Waits until the server closes the connection; gives its last word.
    pub(crate) async fn closed(&mut self) -> String {
        let mut last = String::new();
        loop {
            match self.take().await {
                Ok(Line::Error(error)) => last = error,
                Ok(_) => {}
                Err(_) => return last,
            }
        }
    }

    async fn verdict(&mut self, text: &str) -> Result<Verdict> {
        match self.command(text.as_bytes()).await? {
            Ok(()) => Ok(Verdict::Allowed),
            Err(error) if error.contains("Permissions Violation") => Ok(Verdict::Denied),
            Err(error) => bail!("{error}"),
        }
    }

    /// Sends a command and waits for what the server says to it.
    async fn command(&mut self, text: &[u8]) -> Result<Result<(), String>> {
        // A server that has closed the connection said why before; that is still to be read.
        let _ = self.stream.get_mut().write_all(&[text, b"PING\r\n"].concat()).await;
        let mut result = Ok(());
        loop {
            match self.take().await? {
                Line::Ok | Line::Message => {}
                Line::Error(error) => result = Err(error),
                Line::Pong => return Ok(result),
            }
            if result.as_ref().is_err_and(|error| !error.contains("Permissions Violation")) {
                return Ok(result);
            }
        }
    }

    async fn take(&mut self) -> Result<Line> {
        let mut line = String::new();
        if timeout(PATIENCE, self.stream.read_line(&mut line)).await.context("the server is silent")?? == 0 {
            bail!("the server closed the connection");
        }
        let line = line.trim_end();
        match line.split_once(' ').unwrap_or((line, "")) {
            ("+OK", _) => Ok(Line::Ok),
            ("PONG", _) => Ok(Line::Pong),
            ("-ERR", error) => Ok(Line::Error(error.trim_matches('\'').to_owned())),
            ("PING", _) => {
                self.stream.get_mut().write_all(b"PONG\r\n").await?;
                Ok(Line::Ok)
            }
            ("INFO", _) => Ok(Line::Ok),
            ("MSG", rest) => self.message(rest, false).await,
            ("HMSG", rest) => self.message(rest, true).await,
            _ => bail!("not understood: {line}"),
        }
    }

    async fn message(&mut self, rest: &str, has_headers: bool) -> Result<Line> {
        let mut words: Vec<&str> = rest.split(' ').collect();
        let size: usize = words.pop().context("no size")?.parse()?;
        let headers: usize = if has_headers { words.pop().context("no size")?.parse()? } else { 0 };
        let mut bytes = vec![0; size + 2];
        timeout(PATIENCE, self.stream.read_exact(&mut bytes)).await??;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let message = Delivered {
            subject: words[0].to_owned(),
            reply: words.get(2).map(|reply| (*reply).to_owned()),
            headers: text(&bytes[..headers]),
            payload: text(&bytes[headers..size]),
        };
        self.delivered.push(message);
        Ok(Line::Message)
    }
}
