//! Who takes calls.

use std::fmt;

use model::ids::{AppName, HostName, ProviderName};

use crate::subject::{Subject, Subjects, Token};

/// Who takes calls: a host, or a provider's process that takes them as hosts do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Callee {
    /// A host.
    Host(HostName),
    /// One process of a provider.
    Process {
        /// The application.
        application: AppName,
        /// The provider.
        provider: ProviderName,
        /// Which of its processes.
        instance: Token,
    },
}

impl Callee {
    /// Who answers, as subjects of answers name it.
    pub fn token(&self) -> Token {
        match self {
            Self::Host(host) => host.into(),
            Self::Process { application, provider, .. } => Token::pair(application, provider),
        }
    }

    /// Where host `from` calls it.
    pub fn called_by(&self, subjects: &Subjects, from: &HostName) -> Subject {
        match self {
            Self::Host(host) => subjects.call(host, from),
            Self::Process { application, provider, instance } => {
                subjects.provider_call(application, provider, instance, from)
            }
        }
    }

    /// Where all calls of it come.
    pub(super) fn calls(&self, subjects: &Subjects) -> Subject {
        match self {
            Self::Host(host) => subjects.calls(host),
            Self::Process { application, provider, instance } => {
                subjects.provider_calls(application, provider, instance)
            }
        }
    }

    /// Where it talks to itself, by the way that calls take.
    pub(super) fn itself(&self, subjects: &Subjects) -> Subject {
        match self {
            Self::Host(host) => subjects.call(host, host),
            Self::Process { application, provider, instance } => {
                subjects.provider_echo(application, provider, instance)
            }
        }
    }

    /// Who calls, as the subject of a call of it says.
    pub(super) fn caller<'a>(&self, subjects: &Subjects, subject: &'a Subject) -> Option<&'a str> {
        match self {
            Self::Host(_) => subjects.read_call(subject).map(|call| call.from),
            Self::Process { .. } => subjects.read_provider_call(subject),
        }
    }
}

impl From<HostName> for Callee {
    fn from(host: HostName) -> Self {
        Self::Host(host)
    }
}

impl fmt::Display for Callee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(host) => write!(f, "host {host}"),
            Self::Process { application, provider, instance } => {
                write!(f, "process {instance} of provider {application}/{provider}")
            }
        }
    }
}
