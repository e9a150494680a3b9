//! Hosts as planning sees them.

use lattice::document::HostRecord;
use plan::placement::HostView;

/// What planning sees of a host, by its record.
pub(super) fn view(record: &HostRecord, alive: bool) -> HostView {
    HostView {
        labels: record.labels.clone(),
        alive,
        draining: record.draining,
        kinds: record.kinds.clone(),
        ready: record.ready.clone(),
        states: record.states.clone(),
    }
}
