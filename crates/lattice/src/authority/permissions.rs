//! What each identity may publish and subscribe to: allowances only, no denials.
//!
//! Of JetStream a user gets the requests that reading takes, for the streams that its role reads; writing a key or an
//! object is publishing on the key's or object's own subject.

use std::fmt::Display;

use model::ids::{AppName, HostName, LatticeName, ProviderName};

use super::identity::Identity;
use crate::subject::{Subject, SubjectError, Subjects, Token};

/// The lattice that permissions are for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Its name.
    pub lattice: LatticeName,
    /// The JetStream domain, where the servers have one.
    pub domain: Option<Token>,
    subjects: Subjects,
}

impl Scope {
    /// A lattice with the usual prefix, and no JetStream domain.
    pub fn new(lattice: LatticeName) -> Self {
        Self { subjects: Subjects::new(&lattice), lattice, domain: None }
    }

    /// A lattice whose subjects begin with `prefix`, where one is given, and whose servers have this JetStream domain.
    ///
    /// # Errors
    ///
    /// The prefix is too long, or a pattern.
    pub fn with(lattice: LatticeName, prefix: Option<&Subject>, domain: Option<Token>) -> Result<Self, SubjectError> {
        let subjects =
            prefix.map_or_else(|| Ok(Subjects::new(&lattice)), |prefix| Subjects::with_prefix(prefix, &lattice))?;
        Ok(Self { lattice, domain, subjects })
    }
}

/// Subjects that a user may publish and subscribe to; nothing else is allowed. Neither list is ever empty, for NATS
/// takes an empty one for no limit at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permissions {
    /// What it may publish.
    pub publish: Vec<String>,
    /// What it may subscribe to. A second word is the queue group that it must join to do so.
    pub subscribe: Vec<String>,
}

/// The group in which hosts take the calls of clients.
pub const HOSTS: &str = "hosts";

/// The buckets of a lattice.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bucket {
    Intent,
    Blueprint,
    Hosts,
    Leases,
    State,
    Secrets,
}

/// What people and programs that look at a lattice read. The state of providers is the applications' own, and secrets, sealed
/// as they are, are for hosts.
const WATCHED: [Bucket; 4] = [Bucket::Intent, Bucket::Blueprint, Bucket::Hosts, Bucket::Leases];
const BUCKETS: [Bucket; 6] =
    [Bucket::Intent, Bucket::Blueprint, Bucket::Hosts, Bucket::Leases, Bucket::State, Bucket::Secrets];

impl Bucket {
    fn as_str(self) -> &'static str {
        match self {
            Self::Intent => "intent",
            Self::Blueprint => "blueprint",
            Self::Hosts => "hosts",
            Self::Leases => "leases",
            Self::State => "state",
            Self::Secrets => "secrets",
        }
    }
}

/// What `identity` may do in the lattice of `scope`.
pub fn permissions(scope: &Scope, identity: &Identity) -> Permissions {
    let mut rights = Rights { scope, permissions: Permissions::default() };
    rights.subscribe(&format!("{}.>", identity.inbox()));
    match identity {
        Identity::Operator(_) => rights.operator(),
        Identity::Deployer { applications, .. } => rights.deployer(applications),
        Identity::Viewer(_) => rights.viewer(),
        Identity::Host(host) => rights.host(host),
        Identity::Provider { application, provider } => rights.provider(application, provider),
        Identity::Client { application, client } => {
            rights.publish(&scope.subjects.client_calls_by(application, client));
        }
    }
    rights.permissions
}

struct Rights<'a> {
    scope: &'a Scope,
    permissions: Permissions,
}

impl Rights<'_> {
    fn operator(&mut self) {
        self.read(&BUCKETS);
        self.read_objects();
        for bucket in BUCKETS {
            self.make(&self.stream(bucket));
        }
        self.make(&self.objects_stream());
        self.write(Bucket::Intent, ">");
        // Hosts that are dead and do not come back are forgotten.
        self.write(Bucket::Hosts, "*");
        self.write(Bucket::Secrets, ">");
        self.write_objects();
        // Bytes that nothing uses any more are removed.
        self.api(&format!("STREAM.PURGE.{}", self.objects_stream()));
        self.watch_hosts();
        self.publish(&self.scope.subjects.taps());
        self.subscribe(&self.scope.subjects.all_tapped());
    }

    fn deployer<'b>(&mut self, applications: impl IntoIterator<Item = &'b AppName>) {
        self.read(&WATCHED);
        self.read_objects();
        for application in applications {
            self.write(Bucket::Intent, application.as_str());
            self.publish(&self.scope.subjects.taps_of(application));
            self.subscribe(&self.scope.subjects.tapped_of(application));
        }
        self.write_objects();
        self.watch_hosts();
    }

    fn viewer(&mut self) {
        self.read(&WATCHED);
        self.read_objects();
        self.watch_hosts();
    }

    fn host(&mut self, host: &HostName) {
        let subjects = &self.scope.subjects;
        self.subscribe(&subjects.calls(host));
        self.publish(&subjects.calls_by(host));
        self.subscribe(&subjects.replies(host));
        self.publish(&subjects.replies_by(&host.into()));
        self.publish(&subjects.beat(host));
        // As one of the hosts' group only: no host listens to what another answers.
        self.subscribe(&format!("{} {HOSTS}", subjects.all_client_calls()));
        self.publish("_INBOX.client.>");
        self.publish(&subjects.provider_calls_by(host));
        self.subscribe(super::DISCONNECTS);
        self.subscribe(&subjects.taps());
        self.publish(&subjects.tapped_by(host));
        self.watch_hosts();
        self.read(&BUCKETS);
        self.read_objects();
        for bucket in BUCKETS {
            // The first host makes the buckets; leases are in memory and have to be made again after a restart.
            self.make(&self.stream(bucket));
        }
        self.make(&self.objects_stream());
        self.write(Bucket::Hosts, host.as_str());
        self.write(Bucket::Leases, host.as_str());
        self.write(Bucket::Blueprint, ">");
        self.write(Bucket::State, ">");
        // It passes on to others what opens a secret; never the secret itself, and with its own name last.
        self.write(Bucket::Secrets, &format!("key.*.*.{host}"));
    }

    fn provider(&mut self, application: &AppName, provider: &ProviderName) {
        let subjects = &self.scope.subjects;
        self.subscribe(&subjects.all_provider_calls(application, provider));
        self.publish(&subjects.replies_by(&Token::pair(application, provider)));
        self.publish(&subjects.provider_beats_of(application, provider));
        self.publish(&subjects.provider_echoes(application, provider));
    }

    /// Who lives, and whether what is stored is safe.
    fn watch_hosts(&mut self) {
        self.subscribe(&self.scope.subjects.beats());
        self.subscribe(&self.scope.subjects.provider_beats());
        self.publish(super::STORAGE);
    }

    /// Everything that reading and watching these buckets takes.
    fn read(&mut self, buckets: &[Bucket]) {
        for bucket in buckets {
            let stream = self.stream(*bucket);
            self.read_stream(&stream);
        }
    }

    fn read_objects(&mut self) {
        let stream = self.objects_stream();
        self.read_stream(&stream);
    }

    /// No direct get: its answer goes wherever the question says, with the headers that whoever wrote it gave it, and so
    /// a host could speak in the name of another.
    fn read_stream(&mut self, stream: &str) {
        self.api(&format!("STREAM.INFO.{stream}"));
        self.api(&format!("STREAM.MSG.GET.{stream}"));
        // The filter is the end of the subject, and the server sees that it is the one asked for.
        self.api(&format!("CONSUMER.CREATE.{stream}.>"));
        // Of one's own consumers: their names are random, and nobody may list them.
        self.api(&format!("CONSUMER.INFO.{stream}.*"));
        self.api(&format!("CONSUMER.DELETE.{stream}.*"));
        self.api(&format!("CONSUMER.MSG.NEXT.{stream}.*"));
    }

    /// Making a stream that is not there. One that is there is not changed by it.
    fn make(&mut self, stream: &str) {
        self.api(&format!("STREAM.CREATE.{stream}"));
    }

    fn write(&mut self, bucket: Bucket, key: &str) {
        let subject = format!("$KV.{}.{key}", self.bucket(bucket));
        self.published_through(&subject);
    }

    fn write_objects(&mut self) {
        for part in ["C", "M"] {
            let subject = format!("$O.{}.{part}.>", self.objects());
            self.published_through(&subject);
        }
    }

    /// A subject that a stream captures. In another domain it is reached through the domain's interface.
    fn published_through(&mut self, subject: &str) {
        if let Some(domain) = &self.scope.domain {
            self.publish(&format!("$JS.{domain}.API.{subject}"));
        }
        self.publish(subject);
    }

    /// A request to JetStream. In a domain it may be named both ways.
    fn api(&mut self, request: &str) {
        if let Some(domain) = &self.scope.domain {
            self.publish(&format!("$JS.{domain}.API.{request}"));
        }
        self.publish(&format!("$JS.API.{request}"));
    }

    fn bucket(&self, bucket: Bucket) -> String {
        format!("lath-{}-{}", self.scope.lattice, bucket.as_str())
    }

    fn stream(&self, bucket: Bucket) -> String {
        format!("KV_{}", self.bucket(bucket))
    }

    fn objects(&self) -> String {
        format!("lath-{}-bytes", self.scope.lattice)
    }

    fn objects_stream(&self) -> String {
        format!("OBJ_{}", self.objects())
    }

    fn publish(&mut self, subject: &(impl Display + ?Sized)) {
        insert(&mut self.permissions.publish, subject.to_string());
    }

    fn subscribe(&mut self, subject: &(impl Display + ?Sized)) {
        insert(&mut self.permissions.subscribe, subject.to_string());
    }
}

fn insert(list: &mut Vec<String>, subject: String) {
    if !list.contains(&subject) {
        list.push(subject);
    }
}
