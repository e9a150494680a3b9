//! Identities, tokens and keys as values.

use std::collections::{BTreeMap, BTreeSet};

use lattice::authority::{Authority, AuthorityError, Credentials, Identity, Role, Scope, Seed, UnixSeconds};

use lattice::limits::CREDENTIALS_SECONDS_MAX;

use super::place::{client, deployer, host, operator, provider, scope, viewer};

#[test]
fn no_two_identities_share_a_user_or_an_inbox() {
    let identities = [
        operator("h1"),
        deployer("h1", &["shop"]),
        viewer("h1"),
        host("h1"),
        host("h1-h1"),
        provider("shop", "rates"),
        client("shop", "rates"),
        client("shop-rates", "rates"),
        client("rates", "shop"),
    ];
    let users: BTreeSet<_> = identities.iter().map(Identity::user).collect();
    assert_eq!(users.len(), identities.len());
    assert_eq!(client("shop", "nightly").inbox(), "_INBOX.client.shop.nightly");
    assert_eq!(host("h1").user(), "host.h1");
}

#[test]
fn roles_are_written_as_they_are_read() {
    for role in Role::ALL {
        assert_eq!(role.to_string().parse(), Ok(role));
    }
    assert!("admin".parse::<Role>().is_err());
}

#[test]
fn credentials_are_read_as_they_were_written() {
    let credentials = Authority::generate().grant(&scope(), &host("h1"), UnixSeconds(1), UnixSeconds(2)).unwrap();
    let read: Credentials = credentials.reveal().parse().unwrap();
    assert_eq!(read, credentials);
    assert_eq!((read.user(), read.inbox().as_str()), ("host.h1", "_INBOX.host.h1"));
    assert_eq!(read.expires(), Some(UnixSeconds(2)));
    assert!(!format!("{read:?}").contains(credentials.reveal().lines().nth(5).unwrap()), "a seed is never shown");
}

fn one_letter_changed(text: &str) -> String {
    let other = |letter| if letter == 'A' { 'B' } else { 'A' };
    text.char_indices().map(|(at, letter)| if at == 10 { other(letter) } else { letter }).collect()
}

#[test]
fn texts_that_are_no_credentials_are_refused() {
    let good = Authority::generate().grant(&scope(), &host("h1"), UnixSeconds(1), UnixSeconds(2)).unwrap().reveal();
    let lines: Vec<&str> = good.lines().collect();
    let (token, seed) = (lines[1], lines[5]);
    for text in [
        String::new(),
        "hello".to_owned(),
        lines[..4].join("\n"),
        good.replace(token, "a"),
        good.replace(token, "a.b.c"),
        good.replace(token, "a.e30.c"),
        good.replace(seed, "SU"),
        good.replace(seed, &one_letter_changed(seed)),
        good.replace(seed, &"Ü".repeat(29)),
    ] {
        assert!(text.parse::<Credentials>().is_err(), "{text}");
    }
}

#[test]
fn an_authority_is_made_again_of_its_seeds() {
    let authority = Authority::generate();
    let seeds = authority.seeds().unwrap();
    let again = Authority::of(&seeds).unwrap();
    let (none, made) = (BTreeMap::new(), UnixSeconds(7));
    let accounts = |authority: &Authority| authority.accounts(&scope(), made, &none).unwrap();
    assert_eq!(accounts(&again), accounts(&authority));

    let mut swapped = seeds.clone();
    swapped.operator = seeds.account.clone();
    assert!(matches!(Authority::of(&swapped), Err(AuthorityError::Seed { expected: "operator", .. })));
    let mut broken = seeds;
    broken.signing = Seed::new("SA");
    assert!(matches!(Authority::of(&broken), Err(AuthorityError::Seed { expected: "account", .. })));
}

#[test]
fn credentials_are_good_for_a_while_and_not_for_ever() {
    let authority = Authority::generate();
    let grant = |until| authority.grant(&scope(), &host("h1"), UnixSeconds(10), UnixSeconds(until));
    for (until, seconds) in
        [(9, 0), (10, 0), (11 + CREDENTIALS_SECONDS_MAX, CREDENTIALS_SECONDS_MAX + 1), (u64::MAX, u64::MAX - 10)]
    {
        assert_eq!(grant(until), Err(AuthorityError::Period { seconds }));
    }
    assert!(grant(11).is_ok() && grant(10 + CREDENTIALS_SECONDS_MAX).is_ok());
}

#[test]
fn only_the_account_changes_when_somebody_is_revoked() {
    let authority = Authority::generate();
    let key = authority.grant(&scope(), &host("h1"), UnixSeconds(1), UnixSeconds(2)).unwrap().key().clone();
    let before = authority.accounts(&scope(), UnixSeconds(1), &BTreeMap::new()).unwrap();
    let after = authority.accounts(&scope(), UnixSeconds(1), &BTreeMap::from([(key, UnixSeconds(9))])).unwrap();
    assert_eq!((before.operator, before.system_token), (after.operator, after.system_token));
    assert_ne!(before.account_token, after.account_token);
}

#[test]
fn a_prefix_and_a_domain_are_part_of_what_is_allowed() {
    let prefix = "acme.lath".parse().unwrap();
    let scope = Scope::with("demo".parse().unwrap(), Some(&prefix), Some("edge".parse().unwrap())).unwrap();
    let permissions = lattice::authority::permissions(&scope, &host("h1"));
    for subject in [
        "acme.lath.demo.call.*.h1",
        "$JS.edge.API.STREAM.MSG.GET.KV_lath-demo-hosts",
        "$JS.edge.API.$KV.lath-demo-hosts.h1",
        "$KV.lath-demo-hosts.h1",
    ] {
        assert!(permissions.publish.iter().any(|allowed| allowed == subject), "{subject}: {permissions:#?}");
    }
    let pattern = "acme.*".parse().unwrap();
    assert!(Scope::with("demo".parse().unwrap(), Some(&pattern), None).is_err());
}
