//! The durable store: an answer means that the change was synced. Beside the store in memory and the disk itself.

use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::time::Instant;

use anyhow::Result;

use crate::lab::Lab;
use crate::load::{Served, percentiles};
use crate::report::{Row, Section};
use crate::rounds::{Measure, alternate_all};
use crate::web::{CONNECTIONS, host, loaded, values};

/// What a small transaction writes before it syncs.
const PAGE_BYTES: usize = 4 << 10;

pub(crate) fn measure(lab: &Lab) -> Result<Section> {
    let memory = host(lab, "store-memory", "keyvalue/memory", 1)?;
    let durable = host(lab, "store-durable", "keyvalue/embedded", 1)?;
    let subjects = [
        syncs(lab)?,
        loaded(lab, &memory, 1),
        loaded(lab, &durable, 1),
        loaded(lab, &memory, CONNECTIONS),
        loaded(lab, &durable, CONNECTIONS),
    ];
    let [disk, memory_1, durable_1, memory_64, durable_64] = alternate_all(lab.rounds.min(3), subjects)?;
    let rate = |served: &[Served]| values(served, |served| served.requests_per_s);
    let row = |what: String, served: &[Served]| Row::new(what, "/s", &rate(served));
    let latency = |served: &[Served]| values(served, |served| served.p50_us);
    let delay = |what: &str, served: &[Served]| Row::new(format!("latency p50: {what}"), "µs", &latency(served));
    let rows = vec![
        row("requests, 1 connection: memory".to_owned(), &memory_1),
        row("requests, 1 connection: durable".to_owned(), &durable_1).beside("memory", &rate(&memory_1), None),
        row(format!("requests, {CONNECTIONS} connections: memory"), &memory_64),
        row(format!("requests, {CONNECTIONS} connections: durable"), &durable_64).beside(
            "memory",
            &rate(&memory_64),
            None,
        ),
        delay("a page written and synced, no store", &disk),
        delay("1 connection, memory", &memory_1),
        delay("1 connection, durable", &durable_1).beside("a page synced", &latency(&disk), None),
    ];
    let notes = vec![
        "keyvalue/embedded, durability \"commit\": answered after fsync, waiting changes share one; fresh instances"
            .to_owned(),
        "other programs that write to the disk make every sync slower: compare within a round".to_owned(),
    ];
    Ok(Section { rows, notes })
}

/// Writes a page and syncs it, again and again, in the folder where the stores are.
fn syncs(lab: &Lab) -> Result<Measure<'_, Served>> {
    let mut file = File::create(lab.folder("store-durable-data")?.join("page"))?;
    Ok(Box::new(move || {
        let begun = Instant::now();
        let mut latencies_ns = Vec::new();
        while begun.elapsed() < lab.serving / 3 {
            let sent = Instant::now();
            file.seek(SeekFrom::Start(0))?;
            file.write_all(&[7; PAGE_BYTES])?;
            file.sync_data()?;
            latencies_ns.push(u64::try_from(sent.elapsed().as_nanos())?);
        }
        let requests_per_s = latencies_ns.len() as f64 / begun.elapsed().as_secs_f64();
        let [p50_us, p99_us] = percentiles(latencies_ns);
        Ok(Served { requests_per_s, cpu_us: 0.0, both_cpu_us: 0.0, p50_us, p99_us })
    }))
}
