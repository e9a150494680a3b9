//! `wasi:keyvalue` with a provider on another host, over real NATS and hosts that are processes.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use lattice::authority::Identity;
use lattice::bus::{Bus as _, Message};
use lattice::connect::{ConnectSettings, Connection};
use lattice::nats::NatsBus;
use lattice::subject::Subject;
use model::ids::{AppName, ClientName};
use testkit::lattice::AMPLE;
use testkit::lattice::processes::{HostOptions, LATTICE, Processes};
use tokio::time::sleep;

use crate::lattice_support::{alone, figure, labelled, only_host};

/// The deadline of the link to the stores.
const DEADLINE: Duration = Duration::from_secs(3);

fn stores(place: &str) -> String {
    format!(
        "[application]\nname = \"stores\"\ndeadline = \"20s\"\n[actors.app]\n\
         component = \"{{root}}/crates/testkit/guests/target/wasm32-wasip2/release/keyvalue_app.wasm\"\n\
         place = {{ {place} }}\nlimits = {{ execution = \"20s\" }}\n\
         links.\"wasi:keyvalue\" = {{ to = \"kv\", reach = \"lattice\", deadline = \"{}s\" }}\n\
         [clients.probe]\nmay = [\"app/test:keyvalue/probe\"]\n[[routes]]\npath = \"/*\"\nto = \"app\"\n\
         [providers]\nkv = {{ use = \"keyvalue/embedded\" }}\n",
        DEADLINE.as_secs()
    )
}

/// A program outside that calls the actor's functions with JSON.
struct Probe {
    bus: NatsBus,
    subject: Subject,
}

impl Probe {
    async fn new(lattice: &Processes) -> Result<Self> {
        let (application, client): (AppName, ClientName) = ("stores".parse()?, "probe".parse()?);
        let identity = Identity::Client { application: application.clone(), client: client.clone() };
        let settings = ConnectSettings {
            credentials: Some(lattice.credentials(&identity)?),
            ..ConnectSettings::new(vec![lattice.url().parse()?], LATTICE.parse()?)
        };
        let subject = settings.subjects()?.client_call(&application, &"app".parse()?, &client);
        Ok(Self { bus: Connection::open(settings).await?.bus("nothing".parse()?), subject })
    }

    async fn call(&self, function: &str, json: &str) -> Result<String> {
        let inbox: Subject = "_INBOX.client.stores.probe.1".parse()?;
        let mut answers = self.bus.subscribe(inbox.clone()).await?;
        let message = Message::new(self.subject.clone(), json.to_owned()).with("lath-function", function.to_owned());
        self.bus.publish(message.wanting(inbox))?;
        let Some(answer) = tokio::time::timeout(AMPLE, answers.next()).await? else { bail!("no connection") };
        Ok(String::from_utf8(answer.payload.to_vec())?)
    }

    /// The answer once it begins like that, or the last one.
    async fn until(&self, function: &str, json: &str, start: &str) -> Result<String> {
        let begun = Instant::now();
        loop {
            let answer = self.call(function, json).await?;
            if answer.starts_with(start) || begun.elapsed() > AMPLE {
                return Ok(answer);
            }
            sleep(Duration::from_millis(20)).await;
        }
    }
}

#[test]
fn stores_of_another_host_answer_over_nats() -> Result<()> {
    alone(async || {
        // The state stays where it was first; the actor moves to the other host.
        let mut lattice = Processes::of(env!("CARGO_BIN_EXE_lath"), &["back"]).await?;
        lattice.up_text(&stores("")).await?;
        lattice.join("web", &labelled("tier", "web")).await?;
        lattice.up_text(&stores("on = { tier = \"web\" }")).await?;
        let places = (only_host(&lattice, "stores", "kv").await?, only_host(&lattice, "stores", "app").await?);
        assert_eq!(places, ("back".to_owned(), "web".to_owned()));
        let probe = Probe::new(&lattice).await?;
        let rows = [
            ("get", "[\"\", \"a\"]", "{\"ok\":null}"),
            ("set", "[\"\", \"a\", \"MQ==\"]", "{\"ok\":null}"),
            ("get", "[\"\", \"a\"]", "{\"ok\":\"MQ==\"}"),
            ("increment", "[\"\", \"a\", 41]", "{\"ok\":42}"),
            ("swap", "[\"\", \"a\", \"eQ==\", \"eg==\"]", "{\"ok\":[\"NDI=\",1]}"),
            ("set-many", "[\"\", [[\"b\", \"Mg==\"], [\"c\", \"\"]]]", "{\"ok\":null}"),
            ("get-many", "[\"\", [\"c\", \"x\", \"a\"]]", "{\"ok\":[\"\",null,\"eg==\"]}"),
            ("pages", "[\"\"]", "{\"ok\":[[\"a\",\"b\",\"c\"]]}"),
            ("delete-many", "[\"\", [\"a\", \"b\"]]", "{\"ok\":null}"),
            ("exists", "[\"\", \"a\"]", "{\"ok\":false}"),
            // More than one message holds: in chunks, both ways.
            ("set-large", "[\"\", \"l\", 1000000]", "{\"ok\":null}"),
            ("get-large", "[\"\", [\"l\", \"l\", \"l\", \"l\"]]", "{\"ok\":4000000}"),
            ("get", "[\"other\", \"a\"]", "{\"err\":\"no-such-store\"}"),
        ];
        probe.until("get", "[\"\", \"a\"]", "{\"ok\"").await?;
        for (function, json, expected) in rows {
            assert_eq!(probe.call(function, json).await?, expected, "{function} {json}");
        }
        lattice.process("back")?.kill()?;
        let begun = Instant::now();
        let gone = probe.until("get", "[\"\", \"c\"]", "{\"err\":\"other: no host that has").await?;
        figure("a store whose host is killed is told to be gone after", begun.elapsed());
        assert!(gone.contains("stores/kv answers now; see the status of its hosts, or call again"), "{gone}");
        lattice.join("back", &HostOptions::default()).await?;
        assert_eq!(probe.until("get", "[\"\", \"c\"]", "{\"ok\"").await?, "{\"ok\":\"\"}");
        Ok(())
    })
}
