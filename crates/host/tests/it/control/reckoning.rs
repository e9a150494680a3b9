//! What happens while it is reckoned, beside the loop, where everything is to run.

use host::control::{Effect, Event, Op, Reckoning};
use host::limits::{LEASE_RENEWAL, PLAN_RETRY_PAUSE};
use lattice::document::Root;

use super::scene::{Scene, count, document, free, on, reckoned};

impl Scene {
    /// A reckoning that is under way, of `shop` alone.
    fn reckoning(&mut self) -> (Op, Reckoning) {
        self.reckons = false;
        self.intend(1, &free("shop", document(1), 2));
        let effects = self.pass(LEASE_RENEWAL * 2, &["h2"]);
        let mut begun = begun(&effects);
        assert_eq!(begun.len(), 1, "nothing is begun beside it");
        begun.remove(0)
    }

    /// What became of it is told only now; what comes next is told at once.
    fn goes_on(&mut self, event: Event) -> Vec<Effect> {
        self.reckons = true;
        let mut effects = self.tell(event);
        effects.extend(self.pass(PLAN_RETRY_PAUSE * 3 + LEASE_RENEWAL, &["h2"]));
        effects
    }
}

fn begun(effects: &[Effect]) -> Vec<(Op, Reckoning)> {
    let one = |effect: &Effect| match effect {
        Effect::Reckon { op, reckoning } => Some((*op, reckoning.as_ref().clone())),
        _ => None,
    };
    effects.iter().filter_map(one).collect()
}

fn writes(effects: &[Effect]) -> usize {
    count(effects, |effect| matches!(effect, Effect::PutShard { .. } | Effect::ReplaceRoot { .. }))
}

#[test]
fn what_changes_meanwhile_is_planned_after_it() {
    let mut scene = Scene::joined(&["h2"]);
    let (op, reckoning) = scene.reckoning();
    scene.intend(1, &free("bank", document(2), 1));
    assert_eq!(begun(&scene.pass(LEASE_RENEWAL * 2, &["h2"])), []);
    let effects = scene.goes_on(reckoned(op, &reckoning));
    assert_eq!(count(&effects, |effect| matches!(effect, Effect::ReplaceRoot { .. })), 2);
    assert_eq!((on(&scene, "shop").len(), on(&scene, "bank").len()), (2, 1));
}

#[test]
fn what_was_reckoned_before_the_connection_was_lost_counts_no_more() {
    let mut scene = Scene::joined(&["h2"]);
    let (op, reckoning) = scene.reckoning();
    scene.tell(Event::Disconnected);
    assert_eq!(writes(&scene.goes_on(reckoned(op, &reckoning))), 0);
    scene.join(&["h2"]);
    scene.pass(LEASE_RENEWAL * 3, &["h2"]);
    assert_eq!(on(&scene, "shop").len(), 2);
}

#[test]
fn what_was_reckoned_over_another_root_counts_no_more() {
    let mut scene = Scene::joined(&["h2"]);
    let (op, reckoning) = scene.reckoning();
    let (revision, root) = (scene.next(), Root { generation: 5, buckets: Default::default() });
    let effects = scene.tell(Event::Root { revision, root: Some(root.into()) });
    let (next, upon) = begun(&effects).remove(0);
    assert_eq!(writes(&scene.tell(reckoned(op, &reckoning))), 0);
    let effects = scene.goes_on(reckoned(next, &upon));
    let generations = effects.iter().filter_map(|effect| match effect {
        Effect::ReplaceRoot { root, .. } => Some(root.generation),
        _ => None,
    });
    assert_eq!(generations.collect::<Vec<u64>>(), [6]);
}

#[test]
fn what_cannot_be_reckoned_is_tried_again() {
    let mut scene = Scene::joined(&["h2"]);
    let (op, _) = scene.reckoning();
    let effects = scene.goes_on(Event::Reckoned { op, reckoned: None });
    assert_eq!(begun(&effects).len(), 1);
    assert_eq!(on(&scene, "shop").len(), 2);
}
