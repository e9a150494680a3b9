//! `lath lattice list`: who was granted what.

use std::fmt;

use clap::Args;
use lattice::authority::UnixSeconds;
use serde::Serialize;

use super::folder::Place;
use super::period::{Period, now};
use super::record::{Grant, Standing};
use crate::error::CliError;
use crate::output::{Outcome, Output};

/// List who was granted what
///
/// Keys tell several credentials of one user apart.
#[derive(Debug, Args)]
pub(super) struct List {
    #[command(flatten)]
    place: Place,
}

#[derive(Serialize)]
struct Report {
    lattice: String,
    servers: Vec<String>,
    grants: Vec<Listed>,
}

#[derive(Serialize)]
struct Listed {
    user: String,
    role: String,
    applications: Vec<String>,
    key: String,
    standing: Standing,
    expires: u64,
    #[serde(skip)]
    expires_in: Period,
}

impl List {
    pub(super) fn run(&self, output: &Output) -> Result<Outcome, CliError> {
        let folder = self.place.open()?;
        let record = &folder.record;
        let now = now();
        let grants = record.grants.iter().map(|grant| Listed::of(grant, now)).collect();
        output.print(&Report { lattice: record.lattice.clone(), servers: record.urls(), grants })?;
        Ok(Outcome::Success)
    }
}

impl Listed {
    fn of(grant: &Grant, now: UnixSeconds) -> Self {
        Self {
            user: grant.user.clone(),
            role: grant.role.clone(),
            applications: grant.applications.clone(),
            key: grant.key.clone(),
            standing: grant.standing(now),
            expires: grant.expires,
            expires_in: Period::between(now, UnixSeconds(grant.expires)),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "lattice {} at {}", self.lattice, self.servers.join(", "))?;
        for Listed { user, applications, key, standing, expires_in, .. } in &self.grants {
            let applications =
                if applications.is_empty() { String::new() } else { format!(" of {}", applications.join(", ")) };
            let standing = match standing {
                Standing::Valid => format!("valid for {expires_in}"),
                other => other.as_str().to_owned(),
            };
            writeln!(f, "  {user}{applications}: {standing}, key {key}")?;
        }
        Ok(())
    }
}
