//! The subjects of one lattice.
//!
//! | subject, after the prefix and the lattice | who publishes | who subscribes |
//! | --- | --- | --- |
//! | `call.{to}.{from}` | host `from` | host `to` |
//! | `re.{caller}.{callee}.{id}` | host `callee`, or the provider process `{app}_{provider}` | host `caller` |
//! | `beat.{host}` | that host | every host |
//! | `in.{app}.{actor}.{client}` | that client | the hosts, as one group |
//! | `ext.{app}.{provider}.{instance}.{from}` | host `from` | that process of that provider |
//! | `extbeat.{app}.{provider}.{instance}` | that process of that provider | every host |
//! | `tap.{app}.{actor}` (`_` for all of them) | operators, deployers of the application | every host |
//! | `tapped.{app}.{host}` | that host | operators, deployers of the application |

use model::ids::{ActorName, AppName, ClientName, HostName, LatticeName, ProviderName};

use super::{Subject, SubjectError, Token};
use crate::limits::PREFIX_BYTES_MAX;

/// What every subject of Lath begins with, where nothing else is configured.
const PREFIX: &str = "lath";

/// Stands for all actors: no name has a `_`.
const ALL: &str = "_";

/// Makes and reads the subjects of one lattice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subjects {
    /// The prefix and the lattice, with the dot that follows.
    root: String,
}

/// What the subject of a call between hosts says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostCall<'a> {
    /// The host that is called.
    pub to: &'a str,
    /// The host that calls: NATS lets no other publish here.
    pub from: &'a str,
}

/// What the subject of a reply says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply<'a> {
    /// The host that called.
    pub caller: &'a str,
    /// Who answers: NATS lets no other publish here.
    pub callee: &'a str,
    /// Which call.
    pub id: &'a str,
}

/// What the subject of a client's call says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCall {
    /// The application.
    pub app: AppName,
    /// The actor.
    pub actor: ActorName,
    /// The client: NATS lets no other publish here.
    pub client: ClientName,
}

impl Subjects {
    /// The subjects of `lattice` under the usual prefix, `lath`.
    pub fn new(lattice: &LatticeName) -> Self {
        Self { root: format!("{PREFIX}.{lattice}.") }
    }

    /// The subjects of `lattice` under `prefix`: one or more tokens, no pattern, [`PREFIX_BYTES_MAX`] at most.
    pub fn with_prefix(prefix: &Subject, lattice: &LatticeName) -> Result<Self, SubjectError> {
        if prefix.as_str().len() > PREFIX_BYTES_MAX {
            return Err(SubjectError { text: prefix.as_str().to_owned() });
        }
        Ok(Self { root: format!("{}.{lattice}.", prefix.clone().concrete()?) })
    }

    fn of(&self, kind: &str, [a, b, c]: [&str; 3]) -> Subject {
        Subject::of([&self.root, kind, ".", a, ".", b, ".", c].concat())
    }

    /// Where host `from` calls host `to`.
    pub fn call(&self, to: &HostName, from: &HostName) -> Subject {
        Subject::of([&self.root, "call.", to.as_str(), ".", from.as_str()].concat())
    }

    /// All calls for host `to`, whoever sends them.
    pub fn calls(&self, to: &HostName) -> Subject {
        Subject::of(format!("{}call.{to}.*", self.root))
    }

    /// All calls that host `from` may send, whoever gets them.
    pub fn calls_by(&self, from: &HostName) -> Subject {
        Subject::of(format!("{}call.*.{from}", self.root))
    }

    /// Reads the subject of a call.
    pub fn read_call<'a>(&self, subject: &'a Subject) -> Option<HostCall<'a>> {
        let (to, from) = self.after(subject, "call.")?.split_once('.')?;
        (!from.contains('.')).then_some(HostCall { to, from })
    }

    /// Where `callee` answers the call `id` of host `caller`.
    pub fn reply(&self, caller: &HostName, callee: &Token, id: &Token) -> Subject {
        self.of("re", [caller.as_str(), callee.as_str(), id.as_str()])
    }

    /// All answers to host `caller`, whoever sends them.
    pub fn replies(&self, caller: &HostName) -> Subject {
        self.of("re", [caller.as_str(), "*", "*"])
    }

    /// All answers that `callee` may send, whoever called.
    pub fn replies_by(&self, callee: &Token) -> Subject {
        self.of("re", ["*", callee.as_str(), "*"])
    }

    /// Reads the subject of an answer.
    pub fn read_reply<'a>(&self, subject: &'a Subject) -> Option<Reply<'a>> {
        let (caller, rest) = self.after(subject, "re.")?.split_once('.')?;
        let (callee, id) = rest.split_once('.')?;
        (!id.contains('.')).then_some(Reply { caller, callee, id })
    }

    /// Where a host talks to itself, to see that the server is there and all that came before has arrived. Whoever may
    /// answer calls and receive answers as `host` may use it.
    pub fn echo(&self, host: &HostName) -> Subject {
        self.of("re", [host.as_str(), host.as_str(), "echo"])
    }

    /// Where `host` says that it lives.
    pub fn beat(&self, host: &HostName) -> Subject {
        Subject::of(format!("{}beat.{host}", self.root))
    }

    /// Signs of life of all hosts.
    pub fn beats(&self) -> Subject {
        Subject::of(format!("{}beat.*", self.root))
    }

    /// Reads the subject of a sign of life: the host.
    pub fn read_beat<'a>(&self, subject: &'a Subject) -> Option<&'a str> {
        self.after(subject, "beat.").filter(|host| !host.contains('.'))
    }

    /// Where `client`, a program outside the lattice, calls an actor with JSON.
    pub fn client_call(&self, app: &AppName, actor: &ActorName, client: &ClientName) -> Subject {
        self.of("in", [app.as_str(), actor.as_str(), client.as_str()])
    }

    /// All that clients send to one actor.
    pub fn client_calls(&self, app: &AppName, actor: &ActorName) -> Subject {
        self.of("in", [app.as_str(), actor.as_str(), "*"])
    }

    /// All that clients send to one application.
    pub fn client_calls_of(&self, app: &AppName) -> Subject {
        self.of("in", [app.as_str(), "*", "*"])
    }

    /// All that clients send, whoever they are.
    pub fn all_client_calls(&self) -> Subject {
        self.of("in", ["*", "*", "*"])
    }

    /// All that `client` may send.
    pub fn client_calls_by(&self, app: &AppName, client: &ClientName) -> Subject {
        self.of("in", [app.as_str(), "*", client.as_str()])
    }

    /// Reads the subject of a client's call.
    pub fn read_client_call(&self, subject: &Subject) -> Option<ClientCall> {
        let mut tokens = self.after(subject, "in.")?.split('.');
        let call = ClientCall {
            app: tokens.next()?.parse().ok()?,
            actor: tokens.next()?.parse().ok()?,
            client: tokens.next()?.parse().ok()?,
        };
        tokens.next().is_none().then_some(call)
    }

    /// Where host `from` calls one process of a provider.
    pub fn provider_call(&self, app: &AppName, provider: &ProviderName, instance: &Token, from: &HostName) -> Subject {
        Subject::of(format!("{}ext.{app}.{provider}.{instance}.{from}", self.root))
    }

    /// All calls of one process of a provider.
    pub fn provider_calls(&self, app: &AppName, provider: &ProviderName, instance: &Token) -> Subject {
        Subject::of(format!("{}ext.{app}.{provider}.{instance}.*", self.root))
    }

    /// All calls of all processes of a provider.
    pub fn all_provider_calls(&self, app: &AppName, provider: &ProviderName) -> Subject {
        Subject::of(format!("{}ext.{app}.{provider}.*.*", self.root))
    }

    /// Where one process of a provider talks to itself, by the way that calls take: the last token is no host's name.
    pub fn provider_echo(&self, app: &AppName, provider: &ProviderName, instance: &Token) -> Subject {
        Subject::of(format!("{}ext.{app}.{provider}.{instance}.{}", self.root, Token::pair(app, provider)))
    }

    /// Where processes of a provider talk to themselves.
    pub fn provider_echoes(&self, app: &AppName, provider: &ProviderName) -> Subject {
        Subject::of(format!("{}ext.{app}.{provider}.*.{}", self.root, Token::pair(app, provider)))
    }

    /// All calls that host `from` may send to providers that are processes of their own.
    pub fn provider_calls_by(&self, from: &HostName) -> Subject {
        Subject::of(format!("{}ext.*.*.*.{from}", self.root))
    }

    /// Reads the subject of a call of a provider's process: the host that calls.
    pub fn read_provider_call<'a>(&self, subject: &'a Subject) -> Option<&'a str> {
        self.after(subject, "ext.")?.split('.').nth(3)
    }

    /// Where one process of a provider says that it lives.
    pub fn provider_beat(&self, app: &AppName, provider: &ProviderName, instance: &Token) -> Subject {
        self.of("extbeat", [app.as_str(), provider.as_str(), instance.as_str()])
    }

    /// Where all processes of a provider say that they live.
    pub fn provider_beats_of(&self, app: &AppName, provider: &ProviderName) -> Subject {
        self.of("extbeat", [app.as_str(), provider.as_str(), "*"])
    }

    /// Signs of life of all providers that are processes of their own.
    pub fn provider_beats(&self) -> Subject {
        self.of("extbeat", ["*", "*", "*"])
    }

    /// Reads the subject of a process's sign of life.
    pub fn read_provider_beat(&self, subject: &Subject) -> Option<(AppName, ProviderName, Token)> {
        let mut tokens = self.after(subject, "extbeat.")?.split('.');
        let beat = (tokens.next()?.parse().ok()?, tokens.next()?.parse().ok()?, tokens.next()?.parse().ok()?);
        tokens.next().is_none().then_some(beat)
    }

    /// Where somebody asks to hear the messages of an application, or of one actor of it.
    pub fn tap(&self, app: &AppName, actor: Option<&ActorName>) -> Subject {
        let actor = actor.map_or(ALL, ActorName::as_str);
        Subject::of(format!("{}tap.{app}.{actor}", self.root))
    }

    /// All that is asked about one application.
    pub fn taps_of(&self, app: &AppName) -> Subject {
        Subject::of(format!("{}tap.{app}.*", self.root))
    }

    /// All that is asked.
    pub fn taps(&self) -> Subject {
        Subject::of(format!("{}tap.*.*", self.root))
    }

    /// Reads the subject of who asks: the application, and one actor where it is about no more.
    pub fn read_tap(&self, subject: &Subject) -> Option<(AppName, Option<ActorName>)> {
        let (app, actor) = self.after(subject, "tap.")?.split_once('.')?;
        let actor = if actor == ALL { None } else { Some(actor.parse().ok()?) };
        Some((app.parse().ok()?, actor))
    }

    /// Where `host` tells messages of an application.
    pub fn tapped(&self, app: &AppName, host: &HostName) -> Subject {
        Subject::of(format!("{}tapped.{app}.{host}", self.root))
    }

    /// All that hosts tell of one application.
    pub fn tapped_of(&self, app: &AppName) -> Subject {
        Subject::of(format!("{}tapped.{app}.*", self.root))
    }

    /// All that `host` may tell.
    pub fn tapped_by(&self, host: &HostName) -> Subject {
        Subject::of(format!("{}tapped.*.{host}", self.root))
    }

    /// All that hosts tell.
    pub fn all_tapped(&self) -> Subject {
        Subject::of(format!("{}tapped.*.*", self.root))
    }

    /// Reads the subject of what is told: the application, and the host.
    pub fn read_tapped<'a>(&self, subject: &'a Subject) -> Option<(&'a str, &'a str)> {
        self.after(subject, "tapped.")?.split_once('.').filter(|(_, host)| !host.contains('.'))
    }

    /// What follows the root and `kind` in `subject`.
    fn after<'a>(&self, subject: &'a Subject, kind: &str) -> Option<&'a str> {
        subject.as_str().strip_prefix(&self.root)?.strip_prefix(kind)
    }
}
