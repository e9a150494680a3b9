//! Calls that compute, and who waits for them.

use std::time::Duration;

use lattice::limits::BEGINNING_MEAN_MAX;

use super::scene::Scene;

/// Longer than any call may take that is begun where it arrives.
const LONG: Duration = Duration::from_micros(8 * BEGINNING_MEAN_MAX.as_micros() as u64);
/// So many of them change the mean for certain.
const ENOUGH: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn calls_that_compute_run_side_by_side() {
    for (scene, _twin) in Scene::both().await {
        for _ in 0..ENOUGH {
            scene.call("compute", LONG.as_micros().to_string()).await.unwrap();
        }
        // Each keeps its thread until the other has begun.
        let (one, other) = tokio::join!(scene.call("meet", ""), scene.call("meet", ""));
        assert_eq!((&one.unwrap()[..], &other.unwrap()[..]), (&b"met"[..], &b"met"[..]));
        scene.drain().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_waits_holds_up_nobody() {
    for (scene, _twin) in Scene::both().await {
        let answers = async {
            crate::twin::until("it waits", || scene.echo.begun() == 1).await;
            scene.call("echo", "x").await.unwrap();
            scene.echo.release.notify_one();
        };
        let (waited, ()) = tokio::join!(scene.call("wait", ""), answers);
        assert_eq!(waited.unwrap(), "done");
        scene.drain().await;
    }
}
