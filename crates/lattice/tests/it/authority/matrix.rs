//! Role × verb × subject: each cell is tried on a real server.

use anyhow::Result;
use lattice::authority::{AuthorityError, Identity, Scope, UnixSeconds, permissions};
use lattice::limits::DEPLOYER_APPLICATIONS_MAX;
use model::limits::NAME_LEN_MAX;

use super::place::{Place, client, deployer, host, operator, provider, scope, viewer};
use super::raw::{Raw, Verdict};

/// One of each role, and the letter by which the tables name it.
fn everyone() -> [(char, Identity); 6] {
    [
        ('o', operator("alice")),
        ('d', deployer("dan", &["shop", "bank"])),
        ('v', viewer("vera")),
        ('h', host("h1")),
        ('p', provider("shop", "rates")),
        ('c', client("shop", "nightly")),
    ]
}

/// Who may publish where. Whoever is not named may not.
const PUBLISH: &[(&str, &str)] = &[
    // Calls: with one's own name last only.
    ("lath.demo.call.h2.h1", "h"),
    ("lath.demo.call.h1.h1", "h"),
    ("lath.demo.call.h1.h2", ""),
    ("lath.demo.call.h2.alice", ""),
    ("lath.demo.call.h2", ""),
    ("lath.demo.call.h2.h1.h1", ""),
    ("lath.other.call.h2.h1", ""),
    ("lath.call.h2.h1", ""),
    // Answers: with one's own name as the callee only.
    ("lath.demo.re.h2.h1.7", "h"),
    ("lath.demo.re.h1.h1.echo", "h"),
    ("lath.demo.re.h1.h2.7", ""),
    ("lath.demo.re.h3.h2.7", ""),
    ("lath.demo.re.h1.shop_rates.7", "p"),
    ("lath.demo.re.h1.shop_kv.7", ""),
    ("lath.demo.re.h1.bank_rates.7", ""),
    ("lath.demo.re.h1.rates.7", ""),
    // Signs of life.
    ("lath.demo.beat.h1", "h"),
    ("lath.demo.beat.h2", ""),
    ("lath.demo.beat.h1.h1", ""),
    ("lath.demo.extbeat.shop.rates.i1", "p"),
    ("lath.demo.extbeat.shop.kv.i1", ""),
    ("lath.demo.extbeat.bank.rates.i1", ""),
    // Outsiders.
    ("lath.demo.in.shop.cart.nightly", "c"),
    ("lath.demo.in.shop.tax.nightly", "c"),
    ("lath.demo.in.shop.cart.daily", ""),
    ("lath.demo.in.bank.cart.nightly", ""),
    ("lath.demo.ext.shop.rates.i1.h1", "h"),
    ("lath.demo.ext.shop.rates.i1.h2", ""),
    ("lath.demo.ext.shop.rates.i1.nightly", ""),
    // A process talks to itself, and to no other provider's.
    ("lath.demo.ext.shop.rates.i1.shop_rates", "p"),
    ("lath.demo.ext.shop.kv.i1.shop_rates", ""),
    ("lath.demo.ext.shop.kv.i1.shop_kv", ""),
    // Taps: asked for by those who may change the application, told by hosts with their own name last.
    ("lath.demo.tap.shop.cart", "od"),
    ("lath.demo.tap.bank._", "od"),
    ("lath.demo.tap.game.cart", "o"),
    ("lath.demo.tap.shop", ""),
    ("lath.other.tap.shop.cart", ""),
    ("lath.demo.tapped.shop.h1", "h"),
    ("lath.demo.tapped.shop.h2", ""),
    // Inboxes: nobody writes into another's, but hosts answer clients.
    ("_INBOX.client.shop.nightly.1", "h"),
    ("_INBOX.host.h1.1", ""),
    ("_INBOX.host.h2.1", ""),
    ("_INBOX.operator.alice.1", ""),
    ("_INBOX.provider.shop.rates.1", ""),
    ("_INBOX.1", ""),
    // Keys.
    ("$KV.lath-demo-intent.shop", "od"),
    ("$KV.lath-demo-intent.bank", "od"),
    ("$KV.lath-demo-intent.game", "o"),
    ("$KV.lath-demo-intent.shop.x", "o"),
    ("$KV.lath-demo-intent._platform.code", "o"),
    ("$KV.lath-demo-intent._host.h1", "o"),
    ("$KV.lath-demo-hosts.h1", "oh"),
    ("$KV.lath-demo-hosts.h2", "o"),
    ("$KV.lath-demo-leases.h1", "h"),
    ("$KV.lath-demo-leases.h2", ""),
    ("$KV.lath-demo-blueprint.root", "h"),
    ("$KV.lath-demo-blueprint.shard.00ff", "h"),
    ("$KV.lath-demo-blueprint.at.host.h2", "h"),
    ("$KV.lath-demo-state.shop.count", "h"),
    // Secrets: operators write them, hosts pass on what opens them, with their own name last.
    ("$KV.lath-demo-secrets.value.acme-key", "o"),
    ("$KV.lath-demo-secrets.key.acme-key.h2.h1", "oh"),
    ("$KV.lath-demo-secrets.key.acme-key.h1.h2", "o"),
    ("$KV.lath-demo-secrets.key.acme-key.h1", "o"),
    ("$KV.lath-other-secrets.value.acme-key", ""),
    ("$KV.lath-other-intent.shop", ""),
    ("$KV.lath-other-hosts.h1", ""),
    ("$KV.other.h1", ""),
    // Bytes.
    ("$O.lath-demo-bytes.C.nuid", "od"),
    ("$O.lath-demo-bytes.M.c2hh", "od"),
    ("$O.lath-other-bytes.M.c2hh", ""),
    // Reading, as JetStream has it.
    ("$JS.API.INFO", ""),
    ("$JS.API.STREAM.INFO.KV_lath-demo-intent", "odvh"),
    ("$JS.API.STREAM.INFO.KV_lath-demo-state", "oh"),
    ("$JS.API.STREAM.INFO.KV_lath-demo-secrets", "oh"),
    ("$JS.API.STREAM.MSG.GET.KV_lath-demo-secrets", "oh"),
    ("$JS.API.DIRECT.GET.KV_lath-demo-secrets.$KV.lath-demo-secrets.value.acme-key", ""),
    ("$JS.API.CONSUMER.CREATE.KV_lath-demo-secrets.x.$KV.lath-demo-secrets.>", "oh"),
    ("$JS.API.STREAM.CREATE.KV_lath-demo-secrets", "oh"),
    ("$JS.API.STREAM.PURGE.KV_lath-demo-secrets", ""),
    ("$JS.API.STREAM.INFO.KV_lath-other-intent", ""),
    ("$JS.API.STREAM.MSG.GET.KV_lath-demo-hosts", "odvh"),
    ("$JS.API.STREAM.MSG.GET.KV_lath-demo-state", "oh"),
    ("$JS.API.STREAM.MSG.GET.OBJ_lath-demo-bytes", "odvh"),
    ("$JS.API.DIRECT.GET.KV_lath-demo-intent.$KV.lath-demo-intent.shop", ""),
    ("$JS.API.DIRECT.GET.KV_lath-demo-blueprint", ""),
    ("$JS.API.CONSUMER.CREATE.KV_lath-demo-hosts.x.$KV.lath-demo-hosts.>", "odvh"),
    ("$JS.API.CONSUMER.CREATE.KV_lath-demo-state.x.$KV.lath-demo-state.>", "oh"),
    ("$JS.API.CONSUMER.CREATE.OBJ_lath-demo-bytes.x.$O.lath-demo-bytes.M.*", "odvh"),
    ("$JS.API.CONSUMER.CREATE.KV_lath-other-hosts.x.>", ""),
    ("$JS.API.CONSUMER.CREATE.KV_lath-demo-hosts", ""),
    ("$JS.API.CONSUMER.INFO.KV_lath-demo-hosts.x", "odvh"),
    ("$JS.API.CONSUMER.DELETE.KV_lath-demo-hosts.x", "odvh"),
    ("$JS.API.CONSUMER.MSG.NEXT.KV_lath-demo-hosts.x", "odvh"),
    ("$JS.API.CONSUMER.MSG.NEXT.KV_lath-demo-state.x", "oh"),
    ("$JS.FC.KV_lath-demo-hosts.x.1", ""),
    // Administration.
    ("$JS.API.STREAM.CREATE.KV_lath-demo-intent", "oh"),
    ("$JS.API.STREAM.CREATE.KV_lath-demo-leases", "oh"),
    ("$JS.API.STREAM.CREATE.OBJ_lath-demo-bytes", "oh"),
    ("$JS.API.STREAM.CREATE.mine", ""),
    ("$JS.API.STREAM.UPDATE.KV_lath-demo-intent", ""),
    ("$JS.API.STREAM.DELETE.KV_lath-demo-intent", ""),
    ("$JS.API.STREAM.PURGE.KV_lath-demo-intent", ""),
    ("$JS.API.STREAM.PURGE.OBJ_lath-demo-bytes", "o"),
    ("$JS.API.STREAM.MSG.DELETE.KV_lath-demo-intent", ""),
    ("$JS.API.STREAM.RESTORE.KV_lath-demo-intent", ""),
    ("$JS.API.STREAM.SNAPSHOT.KV_lath-demo-intent", ""),
    ("$JS.API.STREAM.LEADER.STEPDOWN.KV_lath-demo-intent", ""),
    ("$JS.API.STREAM.NAMES", ""),
    ("$JS.API.STREAM.LIST", ""),
    ("$JS.API.CONSUMER.NAMES.KV_lath-demo-intent", ""),
    ("$JS.API.CONSUMER.LIST.KV_lath-demo-intent", ""),
    ("$JS.API.CONSUMER.DURABLE.CREATE.KV_lath-demo-intent.x", ""),
    ("$JS.API.META.LEADER.STEPDOWN", ""),
    ("$JS.API.SERVER.REMOVE", ""),
    ("$JS.API.ACCOUNT.PURGE.X", ""),
    ("$JS.ACK.KV_lath-demo-intent.x.1.1.1.1.1", ""),
    // The server.
    ("$SYS.REQ.SERVER.PING.STATSZ", "odvh"),
    ("$SYS.REQ.SERVER.PING.JSZ", ""),
    ("$SYS.REQ.SERVER.PING.VARZ", ""),
    ("$SYS.REQ.SERVER.PING.CONNZ", ""),
    ("$SYS.REQ.ACCOUNT.PING.CONNZ", ""),
    ("$SYS.REQ.CLAIMS.UPDATE", ""),
    ("$SYS.ACCOUNT.X.DISCONNECT", ""),
    ("anything", ""),
];

/// Who may subscribe to what, alone and, where that differs, in a queue group.
const SUBSCRIBE: &[(&str, &str)] = &[
    ("lath.demo.call.h1.*", "h"),
    ("lath.demo.call.h1.h2", "h"),
    ("lath.demo.call.h2.*", ""),
    ("lath.demo.call.*.h1", ""),
    ("lath.demo.call.*.*", ""),
    ("lath.demo.call.>", ""),
    ("lath.demo.re.h1.*.*", "h"),
    ("lath.demo.re.h2.*.*", ""),
    ("lath.demo.re.*.h1.*", ""),
    ("lath.demo.re.>", ""),
    ("lath.demo.beat.*", "odvh"),
    ("lath.demo.beat.h2", "odvh"),
    ("lath.other.beat.*", ""),
    ("lath.demo.extbeat.*.*.*", "odvh"),
    ("lath.demo.in.shop.cart.*", ""),
    ("lath.demo.in.*.*.*", ""),
    ("lath.demo.in.>", ""),
    ("lath.demo.ext.shop.rates.i1.*", "p"),
    ("lath.demo.ext.shop.kv.*.*", ""),
    ("lath.demo.ext.bank.rates.*.*", ""),
    ("lath.demo.ext.*.rates.*.*", ""),
    ("lath.demo.tap.*.*", "h"),
    ("lath.demo.tap.shop.cart", "h"),
    ("lath.demo.tapped.shop.*", "od"),
    ("lath.demo.tapped.shop.h1", "od"),
    ("lath.demo.tapped.game.*", "o"),
    ("lath.demo.tapped.*.*", "o"),
    ("lath.other.tapped.shop.*", ""),
    ("lath.demo.>", ""),
    ("lath.>", ""),
    (">", ""),
    ("*.*.*.*", ""),
    ("_INBOX.operator.alice.>", "o"),
    ("_INBOX.deployer.dan.1", "d"),
    ("_INBOX.viewer.vera.1.2", "v"),
    ("_INBOX.host.h1.>", "h"),
    ("_INBOX.host.h2.>", ""),
    ("_INBOX.provider.shop.rates.>", "p"),
    ("_INBOX.client.shop.nightly.>", "c"),
    ("_INBOX.client.shop.daily.>", ""),
    ("_INBOX.client.>", ""),
    ("_INBOX.>", ""),
    ("_INBOX.*.*.*", ""),
    ("$KV.lath-demo-intent.>", ""),
    ("$KV.lath-demo-secrets.>", ""),
    ("$KV.lath-demo-secrets.key.*.h1.*", ""),
    ("$KV.>", ""),
    ("$O.>", ""),
    ("$JS.API.>", ""),
    ("$JS.ACK.>", ""),
    ("$JS.EVENT.ADVISORY.>", ""),
    ("$SYS.ACCOUNT.*.DISCONNECT", "h"),
    ("$SYS.ACCOUNT.*.CONNECT", ""),
    ("$SYS.>", ""),
    ("$SYS.REQ.>", ""),
];

fn expected(allowed: &str, letter: char) -> Verdict {
    if allowed.contains(letter) { Verdict::Allowed } else { Verdict::Denied }
}

#[tokio::test]
async fn publishing_is_allowed_where_the_table_says_so_and_nowhere_else() -> Result<()> {
    let place = Place::start().await?;
    let mut wrong = Vec::new();
    for (letter, identity) in everyone() {
        let mut raw = place.join(&identity).await?;
        for (subject, allowed) in PUBLISH {
            let verdict = raw.publish(subject, "").await?;
            if verdict != expected(allowed, letter) {
                wrong.push(format!("{} publishes {subject}: {verdict:?}", identity.user()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    Ok(())
}

#[tokio::test]
async fn subscribing_is_allowed_where_the_table_says_so_and_nowhere_else() -> Result<()> {
    let place = Place::start().await?;
    let mut wrong = Vec::new();
    for (letter, identity) in everyone() {
        let mut raw = place.join(&identity).await?;
        for (subject, allowed) in SUBSCRIBE {
            let verdicts = [raw.subscribe(subject).await?, raw.queue_subscribe(subject, "lath").await?];
            if verdicts != [expected(allowed, letter); 2] {
                wrong.push(format!("{} subscribes to {subject}: {verdicts:?}", identity.user()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    Ok(())
}

#[test]
fn permissions_are_allowances() {
    let lists: String = everyone()
        .iter()
        .map(|(_, identity)| {
            let permissions = permissions(&scope(), identity);
            assert!(!permissions.publish.is_empty() && !permissions.subscribe.is_empty(), "{permissions:?}");
            let lines = |list: &[String]| list.iter().map(|subject| format!("  {subject}\n")).collect::<String>();
            let (publish, subscribe) = (lines(&permissions.publish), lines(&permissions.subscribe));
            format!("{} publishes\n{publish}and subscribes to\n{subscribe}\n", identity.user())
        })
        .collect();
    insta::assert_snapshot!("permissions", lists);
}

/// Hosts take the calls of clients in one group: none sees what another takes.
#[tokio::test]
async fn calls_of_clients_are_taken_as_one_of_the_hosts() -> Result<()> {
    let place = Place::start().await?;
    for (letter, identity) in everyone() {
        let mut raw = place.join(&identity).await?;
        for pattern in ["lath.demo.in.shop.*.*", "lath.demo.in.*.*.*"] {
            assert_eq!(raw.queue_subscribe(pattern, "hosts").await?, expected("h", letter), "{}", identity.user());
        }
        assert_eq!(raw.queue_subscribe("lath.demo.>", "hosts").await?, Verdict::Denied, "{}", identity.user());
    }
    Ok(())
}

/// A deployer of nothing may still look, and write no intent at all.
#[tokio::test]
async fn a_deployer_of_no_application_writes_no_intent() -> Result<()> {
    let place = Place::start().await?;
    let mut raw: Raw = place.join(&deployer("nobody", &[])).await?;
    assert_eq!(raw.publish("$KV.lath-demo-intent.shop", "").await?, Verdict::Denied);
    assert_eq!(raw.publish("$JS.API.STREAM.INFO.KV_lath-demo-intent", "").await?, Verdict::Allowed);
    Ok(())
}

/// The longest names, and the most applications: the token still fits into what the servers take.
#[tokio::test]
async fn the_longest_tokens_are_taken() -> Result<()> {
    let long = |at: usize| format!("{}{at:02}", "n".repeat(NAME_LEN_MAX - 2));
    let scope = Scope::new(long(0).parse()?);
    let place = Place::with(scope, None, |text| text).await?;
    let applications: Vec<String> = (0..DEPLOYER_APPLICATIONS_MAX).map(long).collect();
    let applications: Vec<&str> = applications.iter().map(String::as_str).collect();
    place.join(&deployer(&long(0), &applications)).await?;
    for identity in [operator(&long(0)), viewer(&long(0)), host(&long(0)), provider(&long(0), &long(1))] {
        place.join(&identity).await?;
    }
    let more: Vec<String> = (0..=DEPLOYER_APPLICATIONS_MAX).map(long).collect();
    let more: Vec<&str> = more.iter().map(String::as_str).collect();
    let refused = place.authority.grant(&place.scope, &deployer("dan", &more), UnixSeconds(0), UnixSeconds(1));
    assert!(matches!(refused, Err(AuthorityError::Applications { count: 65, .. })), "{refused:?}");
    Ok(())
}
