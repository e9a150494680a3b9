//! What `lath up` would change on the lattice of a context.

use std::fmt;

use host::operate::Preview;
use serde::Serialize;

use super::super::deployment::Size;

/// What `lath up` would change.
#[derive(Serialize)]
pub(super) struct Changes {
    context: String,
    /// The version that stands; null where the lattice does not know the application.
    standing: Option<u64>,
    /// The same stands already.
    is_same: bool,
    changes: Vec<Change>,
    moves: Vec<Move>,
    places: Vec<Place>,
    unplaced: Vec<Short>,
    upload_bytes: u64,
}

#[derive(Serialize)]
struct Change {
    key: String,
    /// `added`, `removed` or `changed`.
    how: &'static str,
    detail: Option<String>,
    #[serde(skip)]
    text: String,
}

#[derive(Serialize)]
struct Move {
    what: String,
    before: Option<u64>,
    after: Option<u64>,
    stays: Vec<String>,
    joins: Vec<String>,
    leaves: Vec<String>,
    #[serde(skip)]
    text: String,
}

/// Where something runs.
#[derive(Serialize)]
struct Place {
    what: String,
    before: Vec<String>,
    after: Vec<String>,
}

#[derive(Serialize)]
struct Short {
    message: String,
    help: String,
}

impl Changes {
    pub(super) fn of(context: &str, preview: &Preview) -> Self {
        let changes = preview.changes.iter().map(|change| Change {
            key: change.key.clone(),
            how: change.how.as_str(),
            detail: change.detail.clone(),
            text: change.to_string(),
        });
        let names = |hosts: &std::collections::BTreeSet<model::ids::HostName>| {
            hosts.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        let moves = preview.moves.iter().map(|change| Move {
            what: change.what.to_string(),
            before: change.before,
            after: change.after,
            stays: names(&change.stays),
            joins: names(&change.joins),
            leaves: names(&change.leaves),
            text: change.to_string(),
        });
        let places = preview.places.iter().map(|placing| Place {
            what: placing.what.to_string(),
            before: names(&placing.before),
            after: names(&placing.after),
        });
        let unplaced = preview.unplaced.iter().map(|short| Short { message: short.to_string(), help: short.mend() });
        Self {
            context: context.to_owned(),
            standing: preview.standing,
            is_same: preview.is_same,
            changes: changes.collect(),
            moves: moves.collect(),
            places: places.collect(),
            unplaced: unplaced.collect(),
            upload_bytes: preview.upload_bytes,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts = |hosts: &[String]| if hosts.is_empty() { "nowhere".to_owned() } else { hosts.join(", ") };
        match self.before == self.after {
            true => writeln!(f, "  {} runs on {}", self.what, hosts(&self.after)),
            false => writeln!(f, "  {} runs on {} → {}", self.what, hosts(&self.before), hosts(&self.after)),
        }
    }
}

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { context, standing, is_same, upload_bytes, .. } = self;
        match (standing, is_same) {
            (Some(version), true) => {
                writeln!(f, "on {context}: version {version} is the same; `lath up` would change nothing")?;
                return self.places.iter().try_for_each(|place| write!(f, "{place}"));
            }
            (Some(version), false) => writeln!(f, "on {context}: `lath up` would follow version {version}")?,
            (None, _) => writeln!(f, "on {context}: `lath up` would be its first version")?,
        }
        self.changes.iter().try_for_each(|change| writeln!(f, "  {}", change.text))?;
        // Everything of a new version is among these.
        self.moves.iter().try_for_each(|change| writeln!(f, "  {}", change.text))?;
        writeln!(f, "  {} to send", Size(*upload_bytes))?;
        self.unplaced.iter().try_for_each(|short| writeln!(f, "  {}\n    {}", short.message, short.help))
    }
}
