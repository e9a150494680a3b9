//! Settings of a host: what they mean, which goes first, and what is told of those that mean nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use engine::EngineSettings;
use host::Sources;
use host::executor::{Deployment, Executor, ExecutorSettings, Status, Tenancy};
use host::settings::{Given, Settings, Source, setting_of_variable, setting_variable};
use model::blueprint::Member;
use model::ids::{ActorName, AppName};
use model::secret::SecretValue;
use testkit::application::folder;
use testkit::caller::word;
use testkit::lattice::AMPLE;

fn given(app: &str, actor: &str, key: &str, source: Source, value: &str) -> Given {
    let value = SecretValue::new(value.to_owned()).unwrap();
    Given { app: word(app), actor: word(actor), key: key.to_owned(), source, value }
}

#[test]
fn variables_name_an_application_an_actor_and_a_key() {
    let check = |rest: &str, expected: Option<(&str, &str, &str)>| {
        let expected =
            expected.map(|(app, actor, key)| (word::<AppName>(app), word::<ActorName>(actor), key.to_owned()));
        assert_eq!(setting_of_variable(rest), expected, "{rest}");
    };
    check("SHOP__CART__CURRENCY", Some(("shop", "cart", "CURRENCY")));
    check("MY_SHOP__PRICE_LIST__API_KEY", Some(("my-shop", "price-list", "API_KEY")));
    check("SHOP__CART__a__b", Some(("shop", "cart", "a__b")));
    for rest in
        ["", "SHOP", "SHOP__CART", "SHOP__CART__", "__CART__KEY", "SHOP___CART__KEY", "1__CART__KEY", "SHOP_CART_KEY"]
    {
        check(rest, None);
    }
    assert_eq!(setting_variable(&word("my-shop"), &word("cart"), "api.key"), "LATH_CONFIG_MY_SHOP__CART__API_KEY");
}

#[test]
fn the_environment_goes_before_the_file() {
    use Source::{Environment, File};
    let settings = Settings {
        given: vec![
            given("shop", "cart", "CURRENCY", Environment, "environment"),
            given("shop", "cart", "currency", File, "file"),
            given("shop", "cart", "api-key", File, "file"),
            given("shop", "cart", "a.b", Environment, "as written"),
            given("shop", "cart", "A_B", Environment, "either"),
            given("shop", "tax", "rate", File, "another actor"),
            given("bank", "cart", "limit", File, "another application"),
        ],
        unread: Vec::new(),
    };
    let declared = BTreeSet::from(["currency", "api-key", "a.b", "a-b", "limit", "rate"]);
    let found = settings.of(&word("shop"), &word("cart"), &declared);
    let found: BTreeMap<_, _> =
        found.into_iter().map(|(key, (source, value))| (key, (source, value.expose()))).collect();
    let expected =
        [("currency", (Environment, "environment")), ("api-key", (File, "file")), ("a.b", (Environment, "as written"))];
    assert_eq!(found, expected.into());
}

/// The application of the guest `settings`, with this configuration.
fn application(config: &str) -> host::application::Application {
    let text = format!(
        "manifest = 1\n[application]\nname = \"shop\"\n[actors.cart]\n\
         component = \"{{root}}/crates/testkit/guests/target/wasm32-wasip2/release/settings.wasm\"\n\
         config = {{ {config} }}\nlinks.\"lath:keyvalue/counter\" = {{ to = \"kv\" }}\n\
         [providers]\nkv = {{ use = \"keyvalue/memory\" }}\n"
    );
    host::application::Application::open(folder(&text).unwrap().path(), &mut |_| {}).unwrap()
}

#[test]
fn what_is_given_to_nobody_is_told() {
    use Source::{Environment, File};
    let settings = Settings {
        given: vec![
            given("shop", "cart", "currency", File, "1"),
            given("shop", "cart", "curency", File, "2"),
            given("shop", "cart", "CURRENCY", Environment, "3"),
            given("shop", "cart", "Currency", Environment, "4"),
            given("shop", "cart", "A_B", Environment, "5"),
            given("shop", "card", "currency", File, "6"),
            given("bank", "cart", "currency", File, "7"),
        ],
        unread: Vec::new(),
    };
    let blueprint = application("currency = \"EUR\", a-b = \"\", \"a.b\" = \"\"").plan(None).unwrap().blueprint;
    let told = settings.strangers(&blueprint).into_iter().chain(settings.of_others(&word("shop")));
    insta::assert_snapshot!(told.map(|stranger| stranger.to_string()).collect::<Vec<_>>().join("\n"));
    let blueprint = application("").plan(None).unwrap().blueprint;
    assert_eq!(settings.strangers(&blueprint).len(), 6);
}

/// Actors that are fused have one configuration, so a host cannot give them different ones.
#[tokio::test]
async fn fused_actors_are_given_the_same_or_nothing() {
    let application = application("currency = \"EUR\"");
    let mut blueprint = application.plan(None).unwrap().blueprint;
    let members = &mut blueprint.composites.get_mut(&word("cart")).unwrap().members;
    let second = Member { actor: word("tax"), ..members[0].clone() };
    members.push(second);
    let given = vec![given("shop", "tax", "currency", Source::File, "CHF")];
    let data = tempfile::tempdir().unwrap();
    let settings = ExecutorSettings {
        tenancy: Tenancy::Many { data: data.path().to_owned() },
        engine: EngineSettings { instances_max: 4, ..EngineSettings::default() },
        loads: 1,
        telemetry: host::telemetry::Telemetry::default(),
        state: None,
        sources: Sources { settings: Settings { given, unread: Vec::new() }, ..Sources::default() },
    };
    let executor = Executor::start(settings, Box::new(|_| {})).unwrap();
    let deployment = Deployment::whole(1, Arc::new(blueprint), application.parts());
    executor.assign([(word("shop"), deployment)].into());
    let mut status = executor.status();
    let told = |status: &Status| {
        let failing = status.apps.values().flat_map(|app| app.failing.values());
        failing.map(|reason| reason.to_string()).find(|reason| reason.contains("fused"))
    };
    let status = tokio::time::timeout(AMPLE, status.wait_for(|status| told(status).is_some())).await.unwrap().unwrap();
    assert_eq!(
        told(&status).unwrap(),
        "actor cart cannot be started: this host sets `currency` of its fused actor tax to something else than of \
         another, and they share their configuration; set it for all of them"
    );
}
