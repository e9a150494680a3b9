//! Who is not let in, or is shown out: no credentials, expired, revoked, forged, of another lattice.

use std::collections::BTreeMap;

use anyhow::Result;
use lattice::authority::{Authority, AuthorityError, Credentials, Scope, UnixSeconds, accounts_text};

use lattice::limits::REVOCATIONS_MAX;

use super::place::{Place, YEAR, host, now, operator};
use super::raw::{Raw, Verdict};

async fn refusal(place: &Place, credentials: &Credentials) -> String {
    match Raw::connect(place.server.port(), credentials).await {
        Ok(_) => panic!("{} was let in", credentials.user()),
        Err(error) => format!("{error:#}"),
    }
}

#[tokio::test]
async fn nobody_comes_in_without_good_credentials() -> Result<()> {
    let place = Place::start().await?;
    let refused = Raw::anonymous(place.server.port()).await.err().map(|error| error.to_string());
    assert_eq!(refused.as_deref(), Some("Authorization Violation"));

    let h1 = host("h1");
    let expired = place.grant_until(&h1, UnixSeconds(now().0 - 1));
    assert!(refusal(&place, &expired).await.contains("Authorization Violation"));
    let stranger = Authority::generate().grant(&place.scope, &h1, now(), UnixSeconds(now().0 + YEAR))?;
    assert!(refusal(&place, &stranger).await.contains("Authorization Violation"));

    // The token of one with the seed of another.
    let (one, other) = (place.grant(&h1).reveal(), place.grant(&h1).reveal());
    let (token, _) = one.split_once("\n\n").unwrap();
    let (_, seed) = other.split_once("\n\n").unwrap();
    let mixed: Credentials = format!("{token}\n\n{seed}").parse()?;
    assert!(refusal(&place, &mixed).await.contains("Authorization Violation"));

    // A token that says more than was signed.
    let good = place.grant(&h1);
    let text = good.reveal();
    let claims = text.lines().nth(1).unwrap().split('.').nth(1).unwrap().to_owned();
    let json = String::from_utf8(data_encoding::BASE64URL_NOPAD.decode(claims.as_bytes())?)?;
    let more = data_encoding::BASE64URL_NOPAD.encode(json.replace("beat.h1", "beat.h2").as_bytes());
    assert_ne!(more, claims);
    let forged: Credentials = text.replace(&claims, &more).parse()?;
    assert!(refusal(&place, &forged).await.contains("Authorization Violation"));

    Raw::connect(place.server.port(), &good).await?;
    Ok(())
}

#[tokio::test]
async fn credentials_that_expire_end_the_connection() -> Result<()> {
    let place = Place::start().await?;
    let soon = place.grant_until(&host("h1"), UnixSeconds(now().0 + 3));
    let mut raw = Raw::connect(place.server.port(), &soon).await?;
    assert_eq!(raw.publish("lath.demo.beat.h1", "").await?, Verdict::Allowed);
    assert_eq!(raw.closed().await, "User Authentication Expired");
    // Within the second in which it expires it may be let in, to be shown out at once.
    if let Ok(mut again) = Raw::connect(place.server.port(), &soon).await {
        assert_eq!(again.closed().await, "User Authentication Expired");
    }
    Ok(())
}

#[tokio::test]
async fn the_revoked_are_dropped_and_the_others_stay() -> Result<()> {
    let mut place = Place::start().await?;
    let (stolen, kept, other) = (place.grant(&host("h1")), place.grant(&host("h1")), place.grant(&host("h2")));
    let port = place.server.port();
    let mut thief = Raw::connect(port, &stolen).await?;
    let mut still = [Raw::connect(port, &kept).await?, Raw::connect(port, &other).await?];
    place.revoke(&[stolen.key()]).await?;
    assert_eq!(thief.closed().await, "User Authentication Revoked");
    assert!(refusal(&place, &stolen).await.contains("Authorization Violation"));
    for raw in &mut still {
        raw.drain().await?;
    }
    // It stays revoked when the server starts again.
    place.server.restart().await?;
    assert!(refusal(&place, &stolen).await.contains("Authorization Violation"));
    Raw::connect(port, &kept).await?;
    Ok(())
}

#[tokio::test]
async fn an_account_that_changed_while_the_server_ran_is_taken_without_a_restart() -> Result<()> {
    let mut place = Place::start().await?;
    let operator = place.grant(&operator("alice"));
    let mut raw = Raw::connect(place.server.port(), &operator).await?;
    for _ in 0..3 {
        place.revoke(&[]).await?;
    }
    raw.drain().await?;
    Ok(())
}

/// Two lattices with the same name and the same hosts, as two accounts of one server.
#[tokio::test]
async fn another_lattice_on_the_server_sees_and_reaches_nothing() -> Result<()> {
    let ours = Place::start().await?;
    let theirs = ours.authority.beside();
    let accounts = theirs.accounts(&ours.scope, now(), &BTreeMap::new())?;
    let text = accounts_text(&accounts);
    let line = text.lines().find(|line| line.trim_start().starts_with(accounts.account.as_str())).unwrap();
    let mut place = ours;
    place.add_account(line).await?;
    let grant =
        |identity| theirs.grant(&Scope::new("demo".parse().unwrap()), &identity, now(), UnixSeconds(now().0 + YEAR));
    let port = place.server.port();

    let mut we = [Raw::connect(port, &place.grant(&host("h1"))).await?, place.join(&operator("alice")).await?];
    let mut they =
        [Raw::connect(port, &grant(host("h1"))?).await?, Raw::connect(port, &grant(operator("alice"))?).await?];
    for raw in [&mut we[0], &mut they[0]] {
        for subject in ["lath.demo.call.h1.*", "lath.demo.beat.*", "lath.demo.re.h1.*.*"] {
            assert_eq!(raw.subscribe(subject).await?, Verdict::Allowed);
        }
    }
    let stream = r#"{"name":"KV_lath-demo-intent","subjects":["$KV.lath-demo-intent.>"],"storage":"memory"}"#;
    for raw in [&mut we[1], &mut they[1]] {
        let made = raw.request("$JS.API.STREAM.CREATE.KV_lath-demo-intent", stream).await?.unwrap();
        assert!(made.payload.contains("\"did_create\":true"), "{made:?}");
    }
    let written = they[1].request("$KV.lath-demo-intent.shop", "theirs").await?.unwrap();
    assert!(written.payload.contains("\"seq\":1"), "{written:?}");
    assert_eq!(they[0].publish("lath.demo.call.h1.h1", "theirs").await?, Verdict::Allowed);
    assert_eq!(they[0].publish("lath.demo.beat.h1", "theirs").await?, Verdict::Allowed);
    // What is sent in an account arrives there, before the answer to a ping.
    assert_eq!(they[0].drain().await?.len(), 2);
    assert_eq!(we[0].drain().await?.len(), 0);
    let last = r#"{"last_by_subj":"$KV.lath-demo-intent.shop"}"#;
    let read = we[1].request("$JS.API.STREAM.MSG.GET.KV_lath-demo-intent", last).await?.unwrap();
    assert!(read.payload.contains("no message found"), "{read:?}");
    Ok(())
}

#[tokio::test]
async fn as_many_as_may_be_revoked_are_taken_by_the_server() -> Result<()> {
    let mut place = Place::start().await?;
    let stolen = place.grant(&host("h1"));
    // Made only to be revoked; the server does not ask whether they ever connected.
    let keys = (0..REVOCATIONS_MAX).map(|_| place.grant(&host("h2")).key().clone());
    let mut keys: Vec<_> = keys.collect();
    let all: Vec<_> = keys.iter().skip(1).chain([stolen.key()]).collect();
    place.revoke(&all).await?;
    assert!(refusal(&place, &stolen).await.contains("Authorization Violation"));
    keys.push(stolen.key().clone());
    let more = keys.into_iter().map(|key| (key, now())).collect();
    let refused = place.authority.accounts(&place.scope, now(), &more);
    assert_eq!(refused, Err(AuthorityError::Revocations { count: REVOCATIONS_MAX + 1 }));
    Ok(())
}
