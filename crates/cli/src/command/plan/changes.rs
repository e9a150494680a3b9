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
        let unplaced = preview.unplaced.iter().map(|short| Short { message: short.to_string(), help: short.mend() });
        Self {
            context: context.to_owned(),
            standing: preview.standing,
            is_same: preview.is_same,
            changes: changes.collect(),
            moves: moves.collect(),
            unplaced: unplaced.collect(),
            upload_bytes: preview.upload_bytes,
        }
    }
}

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { context, standing, is_same, upload_bytes, .. } = self;
        match (standing, is_same) {
            (Some(version), true) => {
                return writeln!(f, "on {context}: version {version} is the same; `lath up` would change nothing");
            }
            (Some(version), false) => writeln!(f, "on {context}: `lath up` would follow version {version}")?,
            (None, _) => writeln!(f, "on {context}: `lath up` would be its first version")?,
        }
        self.changes.iter().try_for_each(|change| writeln!(f, "  {}", change.text))?;
        self.moves.iter().try_for_each(|change| writeln!(f, "  {}", change.text))?;
        writeln!(f, "  {} to send", Size(*upload_bytes))?;
        self.unplaced.iter().try_for_each(|short| writeln!(f, "  {}\n    {}", short.message, short.help))
    }
}
