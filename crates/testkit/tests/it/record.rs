//! The checker of records finds what was planted.

use std::time::Duration;

use testkit::record::{Attempt, Outcome, Record, Verdict};

/// A request as (began, ended, sum), in milliseconds; no sum is a failure.
type Row = (u64, u64, Option<i64>);

fn record(attempts: &[Row]) -> Record {
    let attempt = |&(began, ended, sum): &Row| Attempt {
        began: Duration::from_millis(began),
        ended: Duration::from_millis(ended),
        target: 0,
        outcome: match sum {
            Some(sum) => Outcome::Answered { status: 200, body: format!("{{\"counter\":{sum}}}") },
            None => Outcome::Answered { status: 503, body: String::new() },
        },
    };
    Record { attempts: attempts.iter().map(attempt).collect() }
}

#[test]
fn each_fault_is_counted() {
    let sound = Verdict { acknowledged: 3, ..Verdict::default() };
    let rows: [(&str, &[Row], i64, Verdict); 7] = [
        ("sound", &[(0, 1, Some(1)), (2, 3, Some(2)), (4, 5, Some(3))], 3, sound.clone()),
        ("side by side, in any order", &[(0, 9, Some(3)), (0, 9, Some(1)), (0, 9, Some(2))], 3, sound.clone()),
        (
            "a failure that counted, or not",
            &[(0, 1, Some(1)), (2, 3, None), (4, 5, Some(3)), (6, 7, Some(4))],
            4,
            Verdict { failed: 1, ..sound.clone() },
        ),
        ("lost", &[(0, 1, Some(1)), (2, 3, Some(2)), (4, 5, Some(3))], 1, Verdict { lost: 2, ..sound.clone() }),
        ("doubled", &[(0, 1, Some(1)), (2, 3, Some(3)), (4, 5, Some(4))], 4, Verdict { doubled: 1, ..sound.clone() }),
        ("repeated", &[(0, 1, Some(1)), (2, 3, Some(2)), (2, 3, Some(2))], 3, Verdict { repeated: 1, ..sound.clone() }),
        ("reordered", &[(0, 1, Some(2)), (2, 3, Some(1)), (4, 5, Some(3))], 3, Verdict { reordered: 1, ..sound }),
    ];
    for (name, attempts, after, expected) in rows {
        assert_eq!(record(attempts).judge(0, after), expected, "{name}");
    }
}

#[test]
fn failures_are_found_by_their_time() {
    let record = record(&[(0, 10, None), (0, 20, Some(1)), (5, 30, None)]);
    let millis = Duration::from_millis;
    assert_eq!(record.failed_within(millis(0), millis(30)), 1);
    assert_eq!(record.failed_within(millis(10), millis(31)), 2);
    assert_eq!(record.last_failure(), Some(millis(30)));
}
