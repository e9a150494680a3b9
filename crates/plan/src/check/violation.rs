//! What can be wrong with a blueprint.

use model::ids::{ActorName, ClientName, ProviderName};
use model::wire::WireVersion;

use crate::grants::Granted;

/// A way in which a blueprint is not what its intent asks for. A host refuses such a blueprint whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it, and the fields are the words in them")]
pub enum Violation {
    #[error("it is generation 0, and the first is 1")]
    Generation,
    #[error("it is for application {planned}, not {asked}")]
    Application { planned: String, asked: String },
    #[error("hosts would call in {planned}, while senders write {asked}")]
    SentWire { planned: WireVersion, asked: WireVersion },
    #[error("its routes are not those of the manifest")]
    Routes,
    #[error("route `{route}` leads to {actor}, which has no receiver for the HTTP server")]
    RouteUnanswered { route: String, actor: ActorName },
    #[error("what client {client} may call is not what the manifest grants, or not answered")]
    Clients { client: ClientName },
    #[error("provider {provider} is planned, but no link leads to it")]
    IdleProvider { provider: ProviderName },
    #[error("provider {provider} is not as the manifest has it, or of an unknown kind")]
    Provider { provider: ProviderName },
    #[error("actor {actor} should have a composite of its own, and has none")]
    Absent { actor: ActorName },
    #[error("actor {actor} has a composite of its own, and should not")]
    Surplus { actor: ActorName },
    #[error("the composite of {composite} does not begin with that actor")]
    FirstMember { composite: ActorName },
    #[error("the composite of {composite} has {actor} twice")]
    MemberTwice { composite: ActorName, actor: ActorName },
    #[error("in the composite of {composite}, no member before {actor} calls it")]
    MemberUncalled { composite: ActorName, actor: ActorName },
    #[error("the members of the composite of {composite} call each other in a cycle")]
    Cycle { composite: ActorName },
    #[error("in the composite of {composite}, member {actor} has another component than the actor")]
    Component { composite: ActorName, actor: ActorName },
    #[error("in the composite of {composite}, member {actor} has other `grants.{grant}` than the manifest gives")]
    Grants { composite: ActorName, actor: ActorName, grant: Granted },
    #[error("the composite of {composite} has other limits than the actor")]
    Limits { composite: ActorName },
    #[error("the composite of {composite} has {memories} memories, and {max} are allowed")]
    Memories { composite: ActorName, memories: u64, max: u32 },
    #[error("in the composite of {composite}, {first} and {second} share `{interface}` with different grants")]
    SharedGrant { composite: ActorName, first: ActorName, second: ActorName, interface: String },
    #[error("in the composite of {composite}, import `{import}` of {actor} {breach}")]
    Import { composite: ActorName, actor: ActorName, import: String, breach: Breach },
    #[error("in the composite of {composite}, the chain of middleware of a route is not the manifest's: {via}")]
    RouteChain { composite: ActorName, via: String },
    #[error("the composite of {composite} has `{label}` twice")]
    LabelTwice { composite: ActorName, label: String },
    #[error("in the composite of {composite}, the adapter at `{label}` is not the one that the manifest asks for")]
    Adapter { composite: ActorName, label: String },
    #[error("in the composite of {composite}, the adapter at `{label}` does not fit the contract")]
    AdapterMisfit { composite: ActorName, label: String },
    #[error("the receivers of the composite of {composite} are not those of the actor's exports")]
    Receivers { composite: ActorName },
    #[error("the composite of {composite} is not asked whether it is ready as the manifest says")]
    Readiness { composite: ActorName },
    #[error("the composite of {composite} serves HTTP by another export than the actor's latest `wasi:http`")]
    Http { composite: ActorName },
}

/// What is wrong with how an import of a member is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it")]
pub enum Breach {
    #[error("is met by nothing")]
    Unmet,
    #[error("does not pass the middleware of its link, in order")]
    Chain,
    #[error("is wired without a link, or twice")]
    StrayWire,
    #[error("is not wired to what its link says")]
    OtherTarget,
    #[error("does not run with the reach of its link")]
    OtherReach,
    #[error("has another deadline than its link")]
    Deadline,
    #[error("has other idempotent functions than its link")]
    Idempotent,
    #[error("has a sender that is labelled as another link's")]
    LinkTable,
    #[error("is planned with another contract")]
    Contract,
    #[error("leaves its host by another bridge than hosts have")]
    Bridge,
    #[error("is wired to what does not serve its contract")]
    Unserved,
    #[error("speaks another wire than its target")]
    Wire,
    #[error("crosses a lattice without room for failure")]
    NoRoom,
}
