//! The executor with real parts, and its bounds.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use engine::EngineSettings;
use futures_util::future::BoxFuture;
use host::LoadError;
use host::application::Application;
use host::executor::parts::{Memory, Parts, PartsError, Stored};
use host::executor::{Deployment, Executor, ExecutorSettings, Spare, Status, Tenancy};
use host::limits::{FETCH_TIME_MAX, LOADS_MAX, RETIRE_GRACE, SPARES_MAX};
use lattice::objects::MemoryObjects;
use model::blueprint::{Blueprint, ProviderPlan};
use model::digest::Digest;
use model::ids::AppName;
use testkit::application::root;

fn app() -> AppName {
    "shop".parse().unwrap()
}

fn start(data: &std::path::Path) -> Executor {
    let settings = ExecutorSettings {
        tenancy: Tenancy::Many { data: data.to_owned() },
        engine: EngineSettings { instances_max: 4, ..EngineSettings::default() },
        loads: LOADS_MAX,
        telemetry: host::telemetry::Telemetry::default(),
        state: None,
        sources: host::Sources::default(),
    };
    Executor::start(settings, Box::new(|_| {})).unwrap()
}

/// The counter, as many times as there are names, its components from `parts`.
fn counters(version: u64, names: &[&str], parts: Arc<dyn Parts>) -> Deployment {
    let application = Application::open(&root().join("examples/kvcounter"), &mut |_| {}).unwrap();
    let mut blueprint = application.plan(None).unwrap().blueprint;
    let plan = blueprint.composites.values().next().unwrap().clone();
    blueprint.composites = names.iter().map(|name| (name.parse().unwrap(), plan.clone())).collect();
    blueprint.providers.clear();
    Deployment::whole(version, Arc::new(blueprint), parts)
}

/// Only a store in memory, called `name`.
fn store(version: u64, name: &str) -> Deployment {
    let plan = ProviderPlan { kind: "keyvalue/memory".to_owned(), config: BTreeMap::new(), external: None };
    let blueprint = Blueprint {
        generation: 1,
        application: app(),
        composites: BTreeMap::new(),
        providers: [(name.parse().unwrap(), plan)].into(),
        routes: vec![],
        clients: BTreeMap::new(),
        wire: model::wire::WireVersion::V1,
    };
    Deployment::whole(version, Arc::new(blueprint), Arc::new(Memory::default()))
}

/// Components that come late, or never; how many were waited for at once.
#[derive(Default)]
struct Late {
    after: Option<Duration>,
    asked: AtomicUsize,
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Parts for Late {
    fn fetch(&self, digest: Digest) -> BoxFuture<'_, Result<Arc<[u8]>, PartsError>> {
        Box::pin(async move {
            self.asked.fetch_add(1, Ordering::SeqCst);
            self.most.fetch_max(self.now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            match self.after {
                Some(after) => tokio::time::sleep(after).await,
                None => std::future::pending().await,
            }
            self.now.fetch_sub(1, Ordering::SeqCst);
            Err(PartsError::Missing { digest })
        })
    }

    fn verify(&self, _: Digest, _: &[u8]) -> Result<(), PartsError> {
        Ok(())
    }
}

async fn failing(executor: &Executor, count: usize) -> Vec<Arc<LoadError>> {
    let mut status = executor.status();
    let fails = |status: &Status| status.apps.get(&app()).is_some_and(|app| app.failing.len() == count);
    let status = status.wait_for(fails).await.unwrap();
    status.apps[&app()].failing.values().cloned().collect()
}

#[tokio::test(start_paused = true)]
async fn components_that_never_come_are_given_up() {
    let data = tempfile::tempdir().unwrap();
    let executor = start(data.path());
    executor.assign([(app(), counters(1, &["a"], Arc::new(Late::default())))].into());
    let reasons = failing(&executor, 1).await;
    assert!(matches!(*reasons[0], LoadError::Slow { after, .. } if after == FETCH_TIME_MAX), "{reasons:?}");
}

#[tokio::test(start_paused = true)]
async fn only_so_many_are_loaded_at_once() {
    let data = tempfile::tempdir().unwrap();
    let executor = start(data.path());
    let late = Arc::new(Late { after: Some(Duration::from_millis(100)), ..Late::default() });
    executor.assign([(app(), counters(1, &["a", "b", "c", "d", "e"], late.clone()))].into());
    let reasons = failing(&executor, 5).await;
    assert!(reasons.iter().all(|reason| matches!(**reason, LoadError::Fetch { .. })), "{reasons:?}");
    assert_eq!(late.most.load(Ordering::SeqCst), LOADS_MAX);
}

#[tokio::test(start_paused = true)]
async fn only_so_many_are_compiled_ahead() {
    let data = tempfile::tempdir().unwrap();
    let executor = start(data.path());
    let late = Arc::new(Late { after: Some(Duration::from_millis(1)), ..Late::default() });
    let names: Vec<String> = (0..SPARES_MAX + 5).map(|n| format!("a{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let deployment = counters(1, &names, late.clone());
    let spare = |name: &&str| Spare { deployment: deployment.clone(), actor: name.parse().unwrap() };
    executor.keep_compiled(names.iter().map(spare).collect());
    // One after the other, each for a moment of virtual time; then nothing more comes.
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!((late.asked.load(Ordering::SeqCst), late.most.load(Ordering::SeqCst)), (SPARES_MAX, 1));
}

#[tokio::test(start_paused = true)]
async fn what_was_replaced_stays_open_for_a_moment() {
    let data = tempfile::tempdir().unwrap();
    let executor = start(data.path());
    let mut status = executor.status();
    executor.assign([(app(), store(1, "one"))].into());
    status.wait_for(|status| status.apps.get(&app()).is_some_and(|app| app.is_whole())).await.unwrap();
    executor.assign([(app(), store(2, "two"))].into());
    let switched = |status: &Status| status.apps.get(&app()).is_some_and(|app| app.version == Some(2));
    status.wait_for(switched).await.unwrap();
    let begun = tokio::time::Instant::now();
    status.wait_for(|status| status.apps.get(&app()).is_some_and(|app| app.retiring == 0)).await.unwrap();
    assert!(begun.elapsed() >= RETIRE_GRACE, "{:?}", begun.elapsed());
    executor.clear(Duration::from_secs(5));
    status.wait_for(|status| status.apps.is_empty()).await.unwrap();
    assert!(begun.elapsed() < RETIRE_GRACE * 2, "with the doors closed nothing is waited for");
}

#[tokio::test]
async fn components_that_are_not_as_planned_are_refused() {
    let path = root().join("examples/kvcounter/target/wasm32-wasip2/release/kvcounter.wasm");
    let bytes = std::fs::read(path).unwrap();
    let view = adapter::view::view("kvcounter", &bytes).unwrap();
    let objects = Arc::new(MemoryObjects::new());
    let stored = |view| Stored::new(objects.clone(), None, [view]);
    stored(view.clone()).verify(view.digest, &bytes).unwrap();
    let mut forged = view.clone();
    forged.imports.clear();
    let refused = [(forged, view.digest), (view.clone(), Digest::of(b"another"))];
    for (view, digest) in refused {
        let error = stored(view).verify(digest, &bytes).unwrap_err();
        assert!(matches!(error, PartsError::Forged { .. }), "{error}");
    }
    let missing = stored(view.clone()).fetch(view.digest).await.unwrap_err();
    assert!(matches!(missing, PartsError::Missing { .. }), "{missing}");
}
