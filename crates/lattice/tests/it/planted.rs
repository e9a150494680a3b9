//! Bugs that are planted are found: each by a test that fails with it.

use std::error::Error;

use rig::planted::is_found;

#[test]
fn planted_bugs_are_found() -> Result<(), Box<dyn Error>> {
    is_found("drops-call-id", "calls::window::a_number_is_new_once")?;
    is_found("skips-checksum", "calls::large::a_lost_doubled_overtaken_or_damaged_chunk_is_an_error")?;
    Ok(())
}
