//! What follows from what, without anything running.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use host::executor::Deployment;
use host::executor::parts::Memory;
use host::executor::state::{Effect, Event, PartId, PartName, Spec, State, step};
use host::limits::LOAD_RETRY_PAUSE_MAX;
use model::blueprint::{
    AdapterPlan, Blueprint, CompositePlan, LinkPlan, Member, ProviderPlan, Readiness, SenderPlan, Target, Wire, WireTo,
};
use model::contract::Contract;
use model::digest::Digest;
use model::manifest::{ConfigValue, Limits, Reach};
use model::placement::Share;

/// A state, and what has happened to it so far, in words.
#[derive(Default)]
struct Scene {
    state: State,
    story: String,
}

impl Scene {
    /// Asks for applications, each as `name version: parts`; a part is `actor=component>target…` or `@provider=config`,
    /// `@@provider` for one whose state is shared; an actor with a `?` is asked whether it is ready.
    fn want(mut self, wanted: &[&str]) -> Self {
        let deployments = wanted.iter().map(|text| deployment(text)).collect();
        self.story += &format!("want {}\n", if wanted.is_empty() { "nothing".to_owned() } else { wanted.join("; ") });
        self.on(Event::Assigned(deployments))
    }

    fn started(self, ids: &[u64]) -> Self {
        ids.iter().fold(self, |mut scene, id| {
            scene.story += &format!("started {id}\n");
            scene.on(Event::Started(PartId(*id)))
        })
    }

    fn failed(mut self, id: u64) -> Self {
        self.story += &format!("failed {id}\n");
        self.on(Event::Failed(PartId(id)))
    }

    fn proved(self, ids: &[u64]) -> Self {
        ids.iter().fold(self, |mut scene, id| {
            scene.story += &format!("ready {id}\n");
            scene.on(Event::Proved(PartId(*id)))
        })
    }

    fn unready(mut self, id: u64) -> Self {
        self.story += &format!("not ready {id}\n");
        self.on(Event::Unready { id: PartId(id), reason: "it says no".to_owned() })
    }

    fn retired(self, ids: &[u64]) -> Self {
        ids.iter().fold(self, |mut scene, id| {
            scene.story += &format!("retired {id}\n");
            scene.on(Event::Retired(PartId(*id)))
        })
    }

    /// Likewise, with versions that have a share of the calls until they are trusted.
    fn want_on_trial(mut self, wanted: &[&str]) -> Self {
        let on_trial = |(name, deployment)| (name, Deployment { trial: Share::per_mille(50), ..deployment });
        let deployments = wanted.iter().map(|text| on_trial(deployment(text))).collect();
        self.story += &format!("want on trial {}\n", wanted.join("; "));
        self.on(Event::Assigned(deployments))
    }

    fn judged(mut self, version: u64, refused: Option<&str>) -> Self {
        self.story += &format!("judged {version}: {}\n", refused.unwrap_or("good"));
        let app = "shop".parse().unwrap();
        self.on(Event::Judged { app, version, refused: refused.map(str::to_owned) })
    }

    fn pause_is_over(mut self) -> Self {
        self.story += "the pause is over\n";
        self.on(Event::RetryDue("shop".parse().unwrap()))
    }

    fn on(mut self, event: Event) -> Self {
        for effect in step(&mut self.state, event) {
            self.story += &format!("    {}\n", told(&effect));
        }
        self
    }

    fn view(mut self) -> Self {
        let view = self.state.view(&"shop".parse().unwrap());
        self.story += &format!("{view:?}\n");
        self
    }
}

fn told(effect: &Effect) -> String {
    let listed = |parts: &BTreeMap<PartName, PartId>| {
        parts.iter().map(|(name, id)| format!("{name} #{}", id.0)).collect::<Vec<_>>().join(", ")
    };
    match effect {
        Effect::Start { app, id, name, instead_of: None, .. } => format!("start {app} {name} #{}", id.0),
        Effect::Start { app, id, name, instead_of: Some(old), .. } => {
            format!("start {app} {name} #{} where #{} stands", id.0, old.0)
        }
        Effect::Abandon(id) => format!("abandon #{}", id.0),
        Effect::Serve { app, version, parts, tried, kept } => {
            let kept = kept.iter().map(|(version, parts)| format!("; kept {version}: {}", listed(parts)));
            let tried = tried.iter().map(|tried| format!("; tried {}: {}", tried.version, listed(&tried.parts)));
            format!("serve {app} {version}: {}{}", listed(parts), tried.chain(kept).collect::<String>())
        }
        Effect::Prove { app, version, parts, beside, asked } => {
            let beside = beside.iter().map(|(version, parts)| format!(" beside {version}: {}", listed(parts)));
            let asked: Vec<_> = asked.iter().map(|id| id.0).collect();
            format!("ask {asked:?} of {app} {version}: {}{}", listed(parts), beside.collect::<String>())
        }
        Effect::GoneBack(app, refusal) => format!("gone back: {app} {}, {}", refusal.version, refusal.reason),
        Effect::Withdraw(app) => format!("withdraw {app}"),
        Effect::Retire(ids) => format!("retire {:?}", ids.iter().map(|id| id.0).collect::<Vec<_>>()),
        Effect::RetryAfter(app, pause) => format!("retry {app} after {pause:?}"),
    }
}

fn deployment(text: &str) -> (model::ids::AppName, Deployment) {
    let (head, parts) = text.split_once(':').unwrap();
    let (name, version) = head.split_once(' ').unwrap();
    let (mut composites, mut providers) = (BTreeMap::new(), BTreeMap::new());
    let parts: Vec<&str> = parts.split_whitespace().collect();
    for part in &parts {
        let (name, made_of) = part.split_once('=').unwrap();
        if let Some(provider) = name.strip_prefix('@') {
            let (kind, provider) = match provider.strip_prefix('@') {
                Some(shared) => ("keyvalue/nats", shared),
                None => ("keyvalue/embedded", provider),
            };
            let config = [("c".to_owned(), ConfigValue::Text(made_of.to_owned()))].into();
            let plan = ProviderPlan { kind: kind.to_owned(), config, external: None };
            providers.insert(provider.parse().unwrap(), plan);
            continue;
        }
        let ready = made_of.contains('?').then(|| Readiness {
            receiver: "receive0".to_owned(),
            function: "ready".to_owned(),
            within: Duration::from_secs(2),
        });
        let made_of = made_of.replace('?', "");
        let mut made_of = made_of.split('>');
        let component = Digest::of(made_of.next().unwrap().as_bytes());
        let wires = made_of.map(|target| wire(name, target, &parts)).collect();
        let member = Member {
            actor: name.parse().unwrap(),
            component,
            wires,
            env: BTreeMap::new(),
            http: Vec::new(),
            network: Vec::new(),
            folders: Vec::new(),
            config: BTreeMap::new(),
        };
        let plan =
            CompositePlan { members: vec![member], receivers: vec![], http: vec![], limits: Limits::default(), ready };
        composites.insert(name.parse().unwrap(), plan);
    }
    let application: model::ids::AppName = name.parse().unwrap();
    let blueprint = Blueprint {
        generation: 1,
        application: application.clone(),
        composites,
        providers,
        routes: vec![],
        clients: [].into(),
        wire: model::wire::WireVersion::V1,
    };
    let memory = Arc::new(Memory::default());
    (application, Deployment::whole(version.parse().unwrap(), Arc::new(blueprint), memory))
}

fn wire(actor: &str, target: &str, parts: &[&str]) -> Wire {
    let provider = ["@", "@@"].iter().any(|at| parts.iter().any(|part| part.starts_with(&format!("{at}{target}="))));
    let contract = Contract { name: "acme:shop/api@1.0.0".parse().unwrap(), functions: BTreeMap::new() };
    let link = LinkPlan {
        actor: actor.parse().unwrap(),
        import: "acme:shop/api".to_owned(),
        contract: contract.name.clone(),
        target: match provider {
            true => Target::Provider(target.parse().unwrap()),
            false => Target::Actor { actor: target.parse().unwrap(), receiver: "receive0".to_owned() },
        },
        reach: Reach::Host,
        deadline: Duration::from_secs(5),
        idempotent: [].into(),
    };
    let sender = SenderPlan {
        label: "send0".to_owned(),
        contract: Arc::new(contract),
        adapter: AdapterPlan::Generated(model::wire::WireVersion::V1),
        link,
        open: BTreeSet::new(),
    };
    Wire { import: "acme:shop/api".to_owned(), to: WireTo::Sender(sender) }
}

#[test]
fn parts_start_side_by_side_and_serve_with_what_they_need() {
    let scene = Scene::default().want(&["shop 1: web=a>cart cart=b>kv @kv=x"]).started(&[1, 2]).view().started(&[3]);
    insta::assert_snapshot!(scene.view().story);
}

#[test]
fn what_is_equal_stays_over_versions() {
    let scene = Scene::default().want(&["shop 1: web=a>cart cart=b @kv=x"]).started(&[1, 2, 3]);
    // Only the link of `web` changes, then only the component of `cart`.
    let scene = scene.want(&["shop 2: web=a>kv cart=b @kv=x"]);
    insta::assert_snapshot!(
        scene.want(&["shop 3: web=a>kv cart=c @kv=x"]).view().started(&[4]).retired(&[2]).view().story
    );
}

#[test]
fn a_new_version_takes_over_as_one() {
    let scene = Scene::default().want(&["shop 1: web=a cart=b"]).started(&[1, 2]);
    insta::assert_snapshot!(
        scene.want(&["shop 2: web=x cart=y"]).started(&[3]).started(&[4]).retired(&[1, 2]).view().story
    );
}

#[test]
fn a_version_that_does_not_start_leaves_the_one_that_runs() {
    let scene = Scene::default().want(&["shop 1: web=a"]).started(&[1]);
    let scene = scene.want(&["shop 2: web=bad cart=b"]).started(&[2]).failed(3).view();
    let scene = scene.pause_is_over().failed(3).pause_is_over().failed(3);
    insta::assert_snapshot!(scene.want(&["shop 3: web=c"]).view().started(&[4]).retired(&[2, 1]).view().story);
}

#[test]
fn parts_that_are_added_join_as_soon_as_they_can() {
    let scene = Scene::default().want(&["shop 1: web=a"]).started(&[1]);
    let scene = scene.want(&["shop 1: web=a cart=b tax=c"]).started(&[2]).failed(3).view();
    insta::assert_snapshot!(scene.pause_is_over().started(&[3]).view().story);
}

#[test]
fn what_is_asked_serves_once_it_says_that_it_is_ready() {
    // `web` calls `cart`, so nobody is asked before both have started.
    let scene = Scene::default().want(&["shop 1: web=a?>cart cart=b?>kv @kv=x tax=c"]).started(&[1, 3, 4]).view();
    let scene = scene.started(&[2]).proved(&[1]).view().proved(&[2]).view();
    // Equal in all but what it is asked: it has to say it anew.
    insta::assert_snapshot!(scene.want(&["shop 2: web=a>cart cart=b?>kv @kv=x tax=c"]).started(&[5]).view().story);
}

#[test]
fn what_is_not_ready_is_asked_again_where_nothing_ran_before() {
    let scene = Scene::default().want(&["shop 1: web=a? cart=b"]).started(&[2, 1]).unready(2).view();
    // What is withdrawn meanwhile ends like all else, and nobody waits for what it says.
    let scene = scene.pause_is_over().unready(2).pause_is_over().want(&["shop 1: cart=b"]).proved(&[2]).view();
    insta::assert_snapshot!(scene.retired(&[2]).view().story);
}

#[test]
fn a_version_that_is_not_ready_is_refused_before_it_has_any_calls() {
    let scene = Scene::default().want(&["shop 1: web=a? cart=b?"]).started(&[1, 2]).proved(&[1, 2]);
    let scene = scene.want_on_trial(&["shop 2: web=x? cart=y?"]).started(&[3, 4]).proved(&[4]).unready(3).view();
    let scene = scene.retired(&[3, 4]).want_on_trial(&["shop 2: web=x? cart=y?"]).view();
    // Without a trial, as what was gone back to, it is asked again and again, and what serves goes on.
    insta::assert_snapshot!(scene.want(&["shop 3: web=z? cart=b?"]).started(&[5]).unready(5).view().story);
}

#[test]
fn a_part_that_is_added_is_asked_beside_what_serves() {
    let scene = Scene::default().want(&["shop 1: web=a"]).started(&[1]);
    let scene = scene.want_on_trial(&["shop 1: web=a cart=b? tax=c?"]).started(&[2, 3]).unready(2).proved(&[3]).view();
    insta::assert_snapshot!(scene.pause_is_over().proved(&[2]).view().story);
}

#[test]
fn a_version_on_trial_has_a_share_then_all_calls_and_then_the_one_before_ends() {
    let scene = Scene::default().want(&["shop 1: web=a cart=b>kv @kv=x"]).started(&[1, 2, 3]);
    // `web` stays as it is: only `cart` is another.
    let scene = scene.want_on_trial(&["shop 2: web=a cart=c>kv @kv=x"]).started(&[4]).view();
    let scene = scene.judged(2, None).view().judged(2, None);
    insta::assert_snapshot!(scene.retired(&[2]).view().story);
}

#[test]
fn a_version_that_is_refused_on_trial_ends_and_is_not_begun_again() {
    let scene = Scene::default().want(&["shop 1: web=a"]).started(&[1]);
    let scene = scene.want_on_trial(&["shop 2: web=b"]).started(&[2]).judged(2, Some("it traps")).view();
    let scene = scene.retired(&[2]).want_on_trial(&["shop 2: web=b"]).view();
    // The lattice agrees to the one before, then asks for a mended one.
    let scene = scene.want(&["shop 1: web=a"]).view();
    insta::assert_snapshot!(scene.want_on_trial(&["shop 3: web=c"]).started(&[3]).view().story);
}

#[test]
fn a_version_that_is_refused_after_it_took_over_gives_back_all_calls() {
    let scene = Scene::default().want(&["shop 1: web=a"]).started(&[1]);
    let scene = scene.want_on_trial(&["shop 2: web=b"]).started(&[2]).judged(2, None);
    insta::assert_snapshot!(scene.judged(2, Some("it traps")).view().retired(&[2]).view().story);
}

#[test]
fn two_versions_live_at_most() {
    let scene = Scene::default().want(&["shop 1: web=a"]).started(&[1]);
    let scene = scene.want_on_trial(&["shop 2: web=b"]).started(&[2]);
    // Another comes while one is tried, and one more while what was before is kept.
    let scene = scene.want_on_trial(&["shop 3: web=c"]).retired(&[2]).started(&[3]).judged(3, None);
    insta::assert_snapshot!(scene.want_on_trial(&["shop 4: web=d"]).retired(&[1]).started(&[4]).view().story);
}

/// Whoever tells goes by another version than is tried by now.
#[test]
fn a_judgement_of_another_version_says_nothing() {
    let scene = Scene::default().want(&["shop 1: web=a"]).started(&[1]);
    let scene = scene.judged(1, Some("it traps")).want_on_trial(&["shop 2: web=b"]).judged(2, None).started(&[2]);
    insta::assert_snapshot!(scene.judged(3, None).judged(1, Some("it traps")).view().story);
}

/// Another host refused it, and the lattice goes back.
#[test]
fn what_is_on_trial_ends_where_the_version_before_is_wanted_again() {
    let scene = Scene::default().want(&["shop 1: web=a"]).started(&[1]);
    let scene = scene.want_on_trial(&["shop 2: web=b"]).started(&[2]).want(&["shop 1: web=a"]).view();
    let scene = scene.retired(&[2]).want_on_trial(&["shop 3: web=c"]).started(&[3]).judged(3, None);
    insta::assert_snapshot!(scene.want(&["shop 1: web=a"]).retired(&[3]).view().story);
}

/// There is nothing of an actor to compare.
#[test]
fn a_version_on_trial_that_changes_only_links_takes_over_at_once() {
    let scene = Scene::default().want(&["shop 1: web=a>cart cart=b @@kv=x"]).started(&[1, 2, 3]);
    insta::assert_snapshot!(scene.want_on_trial(&["shop 2: web=a>kv cart=b @@kv=y"]).started(&[4]).view().story);
}

#[test]
fn what_leaves_is_withdrawn_first_and_providers_end_last() {
    let scene = Scene::default().want(&["shop 1: web=a>kv @kv=x", "tax 1: tax=a"]).started(&[1, 2, 3]);
    insta::assert_snapshot!(
        scene.want(&["tax 1: tax=a"]).retired(&[2]).retired(&[1]).want(&[]).retired(&[3]).view().story
    );
}

#[test]
fn a_start_that_nobody_waits_for_any_more_is_given_up() {
    let scene = Scene::default().want(&["shop 1: web=a @kv=x"]).want(&[]).view();
    let scene = scene.want(&["shop 2: web=a @kv=x"]);
    // The store of the first start is open until its end: the second waits.
    insta::assert_snapshot!(scene.failed(1).started(&[2]).retired(&[2]).view().story);
}

#[test]
fn a_store_that_is_configured_anew_opens_where_the_old_one_stood_as_the_last_thing() {
    let scene = Scene::default().want(&["shop 1: web=a>kv @kv=x @@nats=x"]).started(&[1, 2, 3]);
    let scene = scene.want(&["shop 2: web=b>kv @kv=y @@nats=y"]).view();
    let scene = scene.started(&[6]).failed(5).view().pause_is_over().started(&[5]).failed(4).view();
    insta::assert_snapshot!(scene.pause_is_over().started(&[4]).retired(&[3, 2]).view().story);
}

/// The old configuration is wanted again while the new one is just being opened.
#[test]
fn a_store_comes_back_when_its_new_configuration_is_taken_back_while_it_opens() {
    let scene = Scene::default().want(&["shop 1: web=a>kv @kv=x"]).started(&[1, 2]);
    let scene = scene.want(&["shop 2: web=a>kv @kv=y"]).want(&["shop 3: web=a>kv @kv=x"]).view();
    insta::assert_snapshot!(scene.started(&[3]).view().started(&[4]).view().story);
}

#[test]
fn a_store_comes_back_when_its_new_configuration_is_taken_back_and_did_not_open() {
    let scene = Scene::default().want(&["shop 1: web=a>kv @kv=x"]).started(&[1, 2]);
    let scene = scene.want(&["shop 2: web=a>kv @kv=y"]).want(&["shop 3: web=a>kv @kv=x"]);
    insta::assert_snapshot!(scene.failed(3).view().started(&[4]).view().story);
}

/// A store and an actor change at once. The store is that of the version before until the actor is trusted.
#[test]
fn a_store_that_is_configured_anew_opens_after_the_trial() {
    let scene = Scene::default().want(&["shop 1: web=a>kv @kv=x"]).started(&[1, 2]);
    let scene = scene.want_on_trial(&["shop 2: web=b>kv @kv=y"]).started(&[4]).view().judged(2, None).view();
    let scene = scene.failed(3).pause_is_over().started(&[3]).view();
    insta::assert_snapshot!(scene.judged(2, None).retired(&[2]).view().story);
}

#[test]
fn a_store_stays_as_it_is_where_the_actor_beside_it_is_refused_on_trial() {
    let scene = Scene::default().want(&["shop 1: web=a>kv @kv=x"]).started(&[1, 2]);
    let scene =
        scene.want_on_trial(&["shop 2: web=b>kv @kv=y"]).started(&[4]).judged(2, Some("it traps")).retired(&[4]);
    insta::assert_snapshot!(scene.view().story);
}

#[test]
fn a_store_is_configured_as_it_was_where_the_version_is_refused_later() {
    let scene = Scene::default().want(&["shop 1: web=a>kv @kv=x"]).started(&[1, 2]);
    let scene = scene.want_on_trial(&["shop 2: web=b>kv @kv=y"]).started(&[4]).judged(2, None).started(&[3]);
    let scene = scene.judged(2, Some("it traps")).view().retired(&[4]).started(&[5]);
    insta::assert_snapshot!(scene.view().story);
}

/// What is gone back to had a part that did not start: it is tried again.
#[test]
fn what_does_not_start_is_tried_again_after_going_back() {
    let scene = Scene::default().want(&["shop 1: web=a tax=t"]).started(&[2]).failed(1);
    let scene = scene.want_on_trial(&["shop 2: web=b"]).started(&[3]).judged(2, Some("it traps")).view();
    insta::assert_snapshot!(scene.pause_is_over().view().story);
}

#[test]
fn the_pause_grows_up_to_its_bound() {
    let mut scene = Scene::default().want(&["shop 1: web=bad"]);
    for _ in 0..9 {
        scene = scene.failed(1).pause_is_over();
    }
    assert!(scene.story.contains(&format!("after {LOAD_RETRY_PAUSE_MAX:?}")), "{}", scene.story);
    insta::assert_snapshot!(scene.story);
}

#[test]
fn news_of_parts_that_are_not_known_change_nothing() {
    let scene = Scene::default().started(&[1]).failed(2).retired(&[3]).pause_is_over();
    assert!(scene.state.is_empty() && !scene.story.contains("    "), "{}", scene.story);
}

#[test]
fn specs_differ_where_code_does() {
    let parts = |text: &str| deployment(text).1.blueprint.composites.clone();
    let (one, other) = (parts("shop 1: web=a>kv @kv=x"), parts("shop 1: web=a>tax"));
    assert_ne!(one, other, "their links differ, but they are one composite: see `what_is_equal_stays_over_versions`");
    let spec = |plans: &BTreeMap<_, CompositePlan>| Spec::Actor(Arc::new(plans.values().next().unwrap().clone()), None);
    assert_eq!(spec(&one), spec(&one));
}

#[test]
fn what_was_refused_may_run_where_the_application_comes_anew() {
    let scene = Scene::default().want(&["shop 1: web=a"]).started(&[1]);
    let scene = scene.want_on_trial(&["shop 2: web=b"]).started(&[2]).judged(2, Some("it traps"));
    let scene = scene.want(&[]).want_on_trial(&["shop 2: web=b"]).started(&[3]).view();
    assert!(scene.story.contains("serve shop 2: actor web #3"));
    insta::assert_snapshot!(scene.story);
}
