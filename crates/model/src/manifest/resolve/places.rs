//! Places: which hosts run an actor, and how many.

use std::num::NonZeroU32;

use super::super::file::PlaceFile;
use super::super::leaf::At;
use super::super::tree::Notes;
use super::within;
use crate::limits;
use crate::placement::{Place, Replicas};

pub(super) fn resolve(file: PlaceFile, notes: &mut Notes) -> Place {
    let everywhere = file.everywhere.is_some_and(|everywhere| everywhere.value);
    if everywhere {
        refuse_beside_everywhere(file.replicas.as_ref(), notes);
        refuse_beside_everywhere(file.spread.as_ref(), notes);
    }
    let count = within(file.replicas, 1, limits::REPLICAS_MAX, notes).and_then(NonZeroU32::new);
    let on = file.on.unwrap_or_default();
    if let Some((beyond, _)) = on.iter().nth(limits::LABELS_MAX) {
        let message = format!("there are {} labels, and a host has {} at most", on.len(), limits::LABELS_MAX);
        notes.fault_at(beyond, message, "ask for fewer".to_owned());
    }
    Place {
        replicas: if everywhere { Some(Replicas::Everywhere) } else { count.map(Replicas::Count) },
        spread: file.spread.map(|spread| spread.value),
        on: on.into_iter().map(|(key, value)| (key.value, value.value)).collect(),
    }
}

fn refuse_beside_everywhere<T>(given: Option<&At<T>>, notes: &mut Notes) {
    if let Some(given) = given {
        let message = "`everywhere = true` says already which hosts run it".to_owned();
        notes.fault_at(given, message, "leave out one of the two".to_owned());
    }
}
