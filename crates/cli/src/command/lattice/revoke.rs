//! `lath lattice revoke`: credentials are good no more.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;

use clap::Args;
use lattice::authority::{ACCOUNTS_FILE, UnixSeconds};
use serde::Serialize;

use super::folder::{Folder, Place};
use super::period::now;
use super::record::{Record, Standing};
use super::usage;
use crate::error::CliError;
use crate::output::{Outcome, Output};

/// Take somebody's credentials away
///
/// The servers refuse them, and drop who is connected with them, as soon as they have read their configuration again:
/// this prints how.
#[derive(Debug, Args)]
pub(super) struct Revoke {
    /// Who: `host.h1`, `client.shop.nightly`, or less where that is unique
    name: String,
    /// Leave the newest ones, after `grant --rotate`
    #[arg(long)]
    previous: bool,
    #[command(flatten)]
    place: Place,
}

#[derive(Serialize)]
struct Report {
    user: String,
    revoked: Vec<String>,
    /// The file that the servers have to read again.
    file: PathBuf,
    next: Vec<String>,
    #[serde(skip)]
    are_elsewhere: bool,
}

impl Revoke {
    pub(super) fn run(&self, output: &Output) -> Result<Outcome, CliError> {
        let mut folder = self.place.open()?;
        let user = self.user(&folder.record)?;
        let now = now();
        let revoked = self.mark(&mut folder.record, &user, now);
        // Noted first: what the servers are told is made from that, and made again by the next who revokes.
        folder.write_record()?;
        folder.write_accounts(now)?;
        if !self.previous {
            folder.remove_credentials(&user)?;
        }
        output.print(&report(&folder, user, revoked))?;
        Ok(Outcome::Success)
    }

    /// The one user that is named.
    fn user(&self, record: &Record) -> Result<String, CliError> {
        let named: BTreeSet<&str> =
            record.grants.iter().filter(|grant| grant.is_named(&self.name)).map(|grant| grant.user.as_str()).collect();
        let whole = named.get(self.name.replace('/', ".").as_str()).copied();
        let mut all = named.iter().copied();
        match (whole, all.next(), all.next()) {
            (Some(user), ..) | (None, Some(user), None) => Ok(user.to_owned()),
            (None, None, _) => Err(usage(
                format!("nobody called {} was granted anything", self.name),
                "`lath lattice list` has all who were",
            )),
            (None, Some(_), Some(_)) => {
                let all: Vec<&str> = named.into_iter().collect();
                let message = format!("{} may be {}", self.name, all.join(" or "));
                Err(usage(message, "write the whole name"))
            }
        }
    }

    /// Marks what is to be revoked; what was revoked before is told again, so that a second try ends what the first began.
    fn mark(&self, record: &mut Record, user: &str, now: UnixSeconds) -> Vec<String> {
        let newest = record.grants.iter().rposition(|grant| grant.user == user && grant.revoked.is_none());
        let mut revoked = Vec::new();
        for (at, grant) in record.grants.iter_mut().enumerate().filter(|(_, grant)| grant.user == user) {
            if grant.standing(now) == Standing::Expired || self.previous && newest == Some(at) {
                continue;
            }
            grant.revoked.get_or_insert(now.0);
            revoked.push(grant.key.clone());
        }
        revoked
    }
}

fn report(folder: &Folder, user: String, revoked: Vec<String>) -> Report {
    let servers = &folder.record.servers;
    let reload = |name: &str| format!("nats-server --signal reload={}", folder.join(format!("{name}.pid")).display());
    Report {
        user,
        revoked,
        file: folder.join(ACCOUNTS_FILE),
        next: servers.iter().map(|server| reload(&server.name)).collect(),
        are_elsewhere: servers.len() > 1,
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user, revoked, file, next, are_elsewhere } = self;
        let keys = if revoked.len() == 1 { "1 key".to_owned() } else { format!("{} keys", revoked.len()) };
        writeln!(f, "revoked {keys} of {user} in {}", file.display())?;
        let copy = if *are_elsewhere { " once it has this file" } else { "" };
        writeln!(f, "\nnext, for each server{copy}:")?;
        next.iter().try_for_each(|command| writeln!(f, "  {command}"))
    }
}
