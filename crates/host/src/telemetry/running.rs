//! What runs on a host, read when it is asked for.

use engine::{ActorStats, Engine};
use provider::Health;

use super::metrics::{LabelPairs, Samples};
use crate::router::Switchboard;

/// The values of actors, of providers and of the engine.
pub(crate) fn sample(switchboard: &Switchboard, engine: &Engine, samples: &mut Samples) {
    samples.add("lath.engine.instances", Vec::new(), engine.stats().instances as f64);
    for (application, targets) in switchboard.table().iter() {
        for (name, stats) in targets.stats() {
            let labels = vec![("lath_application", application.clone()), ("lath_actor", name.to_string())];
            sample_actor(&stats, &labels, samples);
        }
    }
    for (application, name, health) in switchboard.health() {
        let labels = vec![("lath_application", application.to_string()), ("lath_provider", name.to_string())];
        samples.add("lath.provider.well", labels, f64::from(u8::from(health == Health::Well)));
    }
}

fn sample_actor(stats: &ActorStats, labels: &LabelPairs, samples: &mut Samples) {
    let ActorStats { running, waiting, idle, calls, refused, traps, limited, late } = *stats;
    let with = |name: &'static str, value: &str| -> LabelPairs {
        labels.iter().cloned().chain([(name, value.to_owned())]).collect()
    };
    for (state, count) in [("running", running), ("idle", idle)] {
        samples.add("lath.actor.instances", with("lath_state", state), count as f64);
    }
    samples.add("lath.actor.calls.queued", labels.clone(), waiting as f64);
    samples.add("lath.actor.calls", labels.clone(), calls as f64);
    samples.add("lath.actor.calls.refused", labels.clone(), refused as f64);
    for (reason, count) in [("trap", traps), ("limit", limited), ("deadline", late)] {
        samples.add("lath.actor.calls.stopped", with("lath_reason", reason), count as f64);
    }
}
