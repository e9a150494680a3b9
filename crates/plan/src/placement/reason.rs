//! Reasons as their user reads them.

use std::fmt;

use model::ids::{HostName, LabelKey, LabelValue, ProviderName};
use model::placement::Replicas;

use super::Unplaced;
use crate::problem::{listed, quoted};

/// Why a group has too few hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// No host is up.
    NoHosts,
    /// No host, up or down, has a label that is asked for.
    NoLabel {
        /// The label.
        key: LabelKey,
        /// Its value.
        value: LabelValue,
    },
    /// No host, up or down, offers a kind of provider.
    NoKind {
        /// The kind.
        kind: String,
    },
    /// Fewer hosts can take it than are asked for.
    TooFew {
        /// How many are asked for.
        wanted: u32,
        /// Hosts that cannot take it, with the reason: first those that only have to come back.
        others: Vec<(HostName, Obstacle)>,
        /// How many more such hosts there are.
        more: usize,
    },
    /// Its state is on a host that cannot run it.
    State {
        /// The provider.
        provider: ProviderName,
        /// The host that has its state.
        host: HostName,
        /// Why the host cannot run it.
        obstacle: Obstacle,
    },
    /// Several hosts have state of one provider, and nothing says which is right.
    StateOnSeveral {
        /// The provider.
        provider: ProviderName,
        /// The hosts.
        hosts: Vec<HostName>,
    },
    /// Providers that must stand together have their state on different hosts.
    StatesApart {
        /// A provider, and the host that has its state.
        first: (ProviderName, HostName),
        /// Another.
        second: (ProviderName, HostName),
    },
}

/// Why a host cannot take a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// Its lease has lapsed.
    Down,
    /// Nothing is known of it.
    Unknown,
    /// It takes nothing new.
    Draining,
    /// It lacks a label.
    Label {
        /// The label.
        key: LabelKey,
        /// The value that is asked for.
        value: LabelValue,
    },
    /// It does not offer a kind of provider.
    Kind {
        /// The kind.
        kind: String,
    },
}

impl Unplaced {
    /// What to do about it.
    pub fn mend(&self) -> String {
        match &self.reason {
            Reason::NoHosts => "start a host with `lath host`".to_owned(),
            Reason::NoLabel { key, value } => format!("give a host the label {key}={value}, or change `place.on`"),
            Reason::NoKind { .. } => "use a kind of provider that hosts offer, or start newer hosts".to_owned(),
            Reason::TooFew { others, .. } => match others.first() {
                Some((_, Obstacle::Label { .. } | Obstacle::Kind { .. })) => {
                    "add such hosts, or ask for fewer".to_owned()
                }
                Some(_) => "bring them back, add hosts, or ask for fewer".to_owned(),
                None => "add hosts, or ask for fewer".to_owned(),
            },
            Reason::State { host, obstacle, .. } => of_state(host, obstacle),
            Reason::StateOnSeveral { provider, .. } => {
                format!(
                    "ask in `place.on` for a label that one of them has, or delete the data of {provider} on the others"
                )
            }
            Reason::StatesApart { .. } => "link one of them with reach `lattice`".to_owned(),
        }
    }

    /// The parts of the group, each with its application.
    fn subject(&self) -> String {
        let actors = self.actors.iter().map(ToString::to_string);
        let providers = self.providers.iter().filter(|_| self.actors.is_empty()).map(ToString::to_string);
        let parts: Vec<_> = actors.chain(providers).map(|part| format!("{}/{part}", self.application)).collect();
        match parts.split_last() {
            Some((last, [])) => last.clone(),
            Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
            None => self.application.to_string(),
        }
    }

    fn extent(&self) -> String {
        let wanted = match self.wanted {
            Replicas::Count(count) => count.to_string(),
            Replicas::Everywhere => "all".to_owned(),
        };
        let stays: Vec<_> = self.stays.iter().map(HostName::as_str).collect();
        match (self.placed.len(), stays.is_empty()) {
            (_, false) => format!("should leave {} and cannot", stays.join(", ")),
            (0, true) => "on no host".to_owned(),
            (placed, true) => format!("on {placed} of {wanted} hosts"),
        }
    }
}

fn of_state(host: &HostName, obstacle: &Obstacle) -> String {
    match obstacle {
        Obstacle::Down | Obstacle::Unknown => {
            format!("start {host} again, or begin without that state by giving the provider another name")
        }
        Obstacle::Draining => format!("it stops with {host}: local state does not move"),
        Obstacle::Label { key, value } => format!("give {host} the label {key}={value}, or change `place.on`"),
        Obstacle::Kind { kind } => format!("let {host} offer `{kind}`"),
    }
}

/// Such as `shop/cart on 2 of 3 hosts: h2 is down`.
impl fmt::Display for Unplaced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: ", self.subject(), self.extent())?;
        self.reason.fmt(f)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::NoHosts => f.write_str("no host is up"),
            Reason::NoLabel { key, value } => write!(f, "no host has label {key}={value}"),
            Reason::NoKind { kind } => write!(f, "no host offers `{kind}`"),
            Reason::TooFew { others, more, .. } => too_few(others, *more, f),
            Reason::State { provider, host, obstacle } => {
                write!(f, "the state of provider {provider} is on {host}, which {obstacle}")
            }
            Reason::StateOnSeveral { provider, hosts } => {
                write!(f, "state of provider {provider} is on {}, and nothing says which is right", listed(hosts))
            }
            Reason::StatesApart { first, second } => write!(
                f,
                "the state of provider {} is on {}, and that of provider {} on {}",
                first.0, first.1, second.0, second.1
            ),
        }
    }
}

fn too_few(others: &[(HostName, Obstacle)], more: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if others.is_empty() {
        return f.write_str("there are no more hosts");
    }
    for (index, (host, obstacle)) in others.iter().enumerate() {
        write!(f, "{}{host} {obstacle}", if index == 0 { "" } else { ", " })?;
    }
    match more {
        0 => Ok(()),
        more => write!(f, ", and {more} more cannot take it"),
    }
}

/// After the name of a host.
impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Obstacle::Down => f.write_str("is down"),
            Obstacle::Unknown => f.write_str("is not known"),
            Obstacle::Draining => f.write_str("is draining"),
            Obstacle::Label { key, value } => write!(f, "has no label {}={value}", quoted(key.as_str())),
            Obstacle::Kind { kind } => write!(f, "does not offer `{kind}`"),
        }
    }
}
