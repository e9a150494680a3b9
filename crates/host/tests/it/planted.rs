//! Bugs that are planted are found: each by a test that fails with it.

use std::error::Error;

use rig::planted::is_found;

#[test]
fn planted_bugs_are_found() -> Result<(), Box<dyn Error>> {
    is_found("accepts-stale", "control::following::a_stale_generation_is_refused")?;
    is_found("forgets-refusal", "executor::script::a_version_that_is_refused_on_trial_ends_and_is_not_begun_again")?;
    is_found("ignores-places", "authority_of_calls::all_else_is_refused")?;
    is_found("never-judges", "executor::judging::a_version_is_refused_before_its_time_is_over")?;
    is_found("retries-unknown", "retries::what_is_tried_again")?;
    is_found("runs-late", "routing::quarantined_and_draining_hosts_start_nothing")?;
    is_found("skips-drain", "wasi_http::what_follows_an_answer_is_finished_before_the_host_ends")?;
    is_found("switches-early", "executor::script::a_version_that_is_refused_after_it_took_over_gives_back_all_calls")?;
    is_found("wire-at-once", "operate::platform::the_wire_changes_in_steps_that_meet")?;
    Ok(())
}
