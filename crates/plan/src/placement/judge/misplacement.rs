//! What can be wrong with a placement.

use model::ids::{AppName, HostName, ProviderName};

/// A way in which a placement is not what is demanded. A placement with one is refused whole. `part` is an actor or a
/// provider.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the messages say it, and the fields are the words in them")]
pub enum Misplacement {
    #[error("application {application} is placed, and nobody asks for it")]
    StrayApplication { application: AppName },
    #[error("application {application} is asked for, and not placed")]
    AbsentApplication { application: AppName },
    #[error("application {application} is placed in another version than the one that is asked for")]
    Intent { application: AppName },
    #[error("{application}/{part} is placed, and intent has no such part")]
    Stray { application: AppName, part: String },
    #[error("{application}/{part} is in intent, and not in the placement")]
    Absent { application: AppName, part: String },
    #[error("{application}/{part} and {application}/{other} must have the same hosts, and have not")]
    Apart { application: AppName, part: String, other: String },
    #[error("provider {application}/{provider} is on {host}, where nothing is linked to it")]
    Idle { application: AppName, provider: ProviderName, host: HostName },
    #[error("{application}/{part} is on {host}, which is not up")]
    Dead { application: AppName, part: String, host: HostName },
    #[error("{application}/{part} is on {host}, which does not offer its providers")]
    Kind { application: AppName, part: String, host: HostName },
    #[error("{application}/{part} is on {host}, which lacks a label that it asks for")]
    Label { application: AppName, part: String, host: HostName },
    #[error("{application}/{part} joins {host}, which is draining")]
    Draining { application: AppName, part: String, host: HostName },
    #[error("{application}/{part} has {given} hosts that may keep it, and should have {wanted}")]
    Count { application: AppName, part: String, given: usize, wanted: usize },
    #[error("{application}/{part} leaves {host} without need")]
    Moved { application: AppName, part: String, host: HostName },
    #[error("{application}/{part} stays on hosts that it should leave")]
    Lingering { application: AppName, part: String },
    #[error("{application}/{part} leaves hosts before others are ready")]
    Hasty { application: AppName, part: String },
    #[error("{application}/{part} joins {host} though hosts with another `{label}` have fewer")]
    Unspread { application: AppName, part: String, host: HostName, label: String },
    #[error("the state of provider {application}/{provider} is on {host}, and the placement does not keep it there")]
    State { application: AppName, provider: ProviderName, host: HostName },
    #[error("provider {application}/{provider} has state of its own host, and is on several")]
    StateTwice { application: AppName, provider: ProviderName },
    #[error("application {application} has another generation than the one in which it changed")]
    Generation { application: AppName },
    #[error("it is generation {found}, and should be {expected}")]
    Generations { expected: u64, found: u64 },
}
