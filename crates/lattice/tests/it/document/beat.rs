//! What is clipped where a document would become too long.

use lattice::document::{Beat, Document as _, Failing, HostRecord, Storage};
use lattice::limits::{BEAT_BYTES_MAX, FAILING_MAX, NOT_READY_MAX, REASON_BYTES_MAX, SETTINGS_TOLD_MAX};

use super::{beat, name, record, settings};

#[test]
fn a_beat_tells_so_much_and_no_more() {
    let longest = "a".repeat(model::limits::NAME_LEN_MAX);
    let not_ready = |count: usize| (0..count).map(|n| name(&format!("{longest}/a{n:0>62}"))).collect();
    let all = Beat { not_ready: not_ready(NOT_READY_MAX), ..beat() };
    assert!(all.encode().len() <= BEAT_BYTES_MAX);
    assert_eq!(Beat::decode(&all.encode()).unwrap(), all);
    let more = Beat { not_ready: not_ready(NOT_READY_MAX + 1), ..beat() };
    assert_eq!(Beat::decode(&more.encode()).unwrap(), all);
}

#[test]
fn a_record_tells_so_much_of_what_fails_and_no_more() {
    let long = "ä".repeat(REASON_BYTES_MAX);
    let failing = |count: usize| (0..count).map(|_| Failing::new(name("shop"), None, &long)).collect();
    let all = HostRecord { failing: failing(FAILING_MAX), ..record() };
    assert_eq!(all.failing[0].reason.len(), REASON_BYTES_MAX);
    assert_eq!(HostRecord::decode(&all.encode()).unwrap(), all);
    let unwell = HostRecord { unwell: failing(FAILING_MAX + 1), ..record() };
    assert_eq!(HostRecord::decode(&unwell.encode()).unwrap().unwell.len(), FAILING_MAX);
    let more = HostRecord { failing: failing(FAILING_MAX + 1), ..record() };
    assert_eq!(HostRecord::decode(&more.encode()).unwrap(), all);

    let told =
        HostRecord::decode(&HostRecord { settings: settings(SETTINGS_TOLD_MAX + 1), ..record() }.encode()).unwrap();
    assert_eq!(told.settings.len(), SETTINGS_TOLD_MAX);

    let secure = HostRecord { secure: true, ..record() };
    assert_eq!(HostRecord::decode(&secure.encode()).unwrap(), secure);

    let storage = Storage::Unknown { reason: format!("{long}x") };
    let read = HostRecord::decode(&HostRecord { storage, ..record() }.encode()).unwrap();
    assert_eq!(read.storage, Storage::Unknown { reason: "ä".repeat(REASON_BYTES_MAX / 2) });
}
