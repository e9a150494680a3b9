use lattice::limits::{PREFIX_BYTES_MAX, SUBJECT_BYTES_MAX, TOKEN_BYTES_MAX};
use lattice::subject::{ClientCall, HostCall, Reply, Subject, Subjects, Token};
use model::ids::{AppName, HostName, ProviderName};
use proptest::prelude::*;

fn name<T: std::str::FromStr>(text: &str) -> T {
    text.parse().unwrap_or_else(|_| panic!("{text}"))
}

fn subjects() -> Subjects {
    Subjects::new(&name("prod"))
}

#[test]
fn subjects_are_checked() {
    let good = ["a", "lath.l.call.h1.c-1", "a.*.b", "*", "A_z.0", "a.>", ">", "*.>"];
    for text in good {
        assert_eq!(text.parse::<Subject>().unwrap().to_string(), text);
    }
    for text in ["", ".", "a.", ".a", "a..b", "a b", "a.**", "a.*b", ">.a", "a.>.b", "a\n", "ä", "a.>>"] {
        let error = text.parse::<Subject>().unwrap_err();
        assert!(error.to_string().starts_with(&format!("`{text}` is not a subject: use tokens")), "{error}");
    }
    let longest = "a.".repeat(SUBJECT_BYTES_MAX / 2 - 1) + "bc";
    assert!(longest.parse::<Subject>().is_ok());
    assert!((longest + "d").parse::<Subject>().is_err());
}

#[test]
fn patterns_cover_what_nats_says() {
    for (pattern, subject, covered) in [
        ("a.b", "a.b", true),
        ("a.b", "a.b.c", false),
        ("a.*", "a.b", true),
        ("a.*", "a", false),
        ("a.*", "a.b.c", false),
        ("*.b", "a.b", true),
        ("*", "a", true),
        ("*", "a.b", false),
        ("a.*.c", "a.b.c", true),
        ("a.>", "a.b.c", true),
        ("a.>", "a.b", true),
        ("a.>", "a", false),
        (">", "a", true),
    ] {
        let (pattern, subject): (Subject, Subject) = (name(pattern), name(subject));
        assert_eq!(pattern.covers(&subject), covered, "{pattern} {subject}");
    }
}

#[test]
fn a_pattern_is_not_a_place_to_publish() {
    for (text, concrete) in [("a.b", true), ("a.*", false), ("a.>", false), (">", false)] {
        assert_eq!(name::<Subject>(text).concrete().is_ok(), concrete, "{text}");
    }
}

#[test]
fn tokens_bring_no_dot_and_no_wildcard() {
    let longest = "a".repeat(TOKEN_BYTES_MAX);
    for text in ["a", "A-z_0", &longest] {
        assert_eq!(text.parse::<Token>().unwrap().as_str(), text);
    }
    for text in ["", ".", "a.b", "*", "a*", ">", "a b", "a\r\nb", "ä", &(longest + "a")] {
        assert!(text.parse::<Token>().is_err(), "{text}");
    }
    let pair = Token::pair(&name("shop"), &name("rates"));
    assert_eq!(pair.as_str(), "shop_rates");
    assert!(pair.as_str().parse::<HostName>().is_err(), "no host can have the token of a provider");
    let most = "a".repeat(63);
    assert!(Token::pair(&name(&most), &name(&most)).as_str().parse::<Token>().is_ok());
}

/// What is made is what the table of the module says, and patterns cover it.
#[test]
fn each_subject_has_its_pattern() {
    let subjects = subjects();
    let (h1, h2): (HostName, HostName) = (name("h1"), name("h2"));
    let (app, rates): (AppName, ProviderName) = (name("shop"), name("rates"));
    let (cart, nightly, id) = (name("cart"), name("nightly"), name("7-1"));
    let rows = [
        (subjects.call(&h1, &h2), "lath.prod.call.h1.h2", vec![subjects.calls(&h1), subjects.calls_by(&h2)]),
        (
            subjects.reply(&h1, &Token::from(&h2), &id),
            "lath.prod.re.h1.h2.7-1",
            vec![subjects.replies(&h1), subjects.replies_by(&Token::from(&h2))],
        ),
        (
            subjects.reply(&h1, &Token::pair(&app, &rates), &id),
            "lath.prod.re.h1.shop_rates.7-1",
            vec![subjects.replies(&h1), subjects.replies_by(&Token::pair(&app, &rates))],
        ),
        (
            subjects.echo(&h1),
            "lath.prod.re.h1.h1.echo",
            vec![subjects.replies(&h1), subjects.replies_by(&Token::from(&h1))],
        ),
        (subjects.beat(&h1), "lath.prod.beat.h1", vec![subjects.beats()]),
        (
            subjects.client_call(&app, &cart, &nightly),
            "lath.prod.in.shop.cart.nightly",
            vec![subjects.client_calls(&app, &cart)],
        ),
    ];
    for (subject, text, patterns) in &rows {
        assert_eq!(subject.as_str(), *text);
        assert!(text.parse::<Subject>().unwrap().concrete().is_ok(), "{text}");
        for pattern in patterns {
            assert!(pattern.as_str().parse::<Subject>().is_ok(), "{pattern}");
            for (other, ..) in &rows {
                let same = patterns.iter().all(|pattern| pattern.covers(other));
                assert!(same == (other == subject) || text.contains(".re."), "{pattern} {other}");
            }
            assert!(pattern.covers(subject), "{pattern} {subject}");
        }
    }
}

#[test]
fn what_subjects_say_is_read_back() {
    let subjects = subjects();
    let call: Subject = name("lath.prod.call.h1.h2");
    assert_eq!(subjects.read_call(&call), Some(HostCall { to: "h1", from: "h2" }));
    let reply: Subject = name("lath.prod.re.h1.h2.7-1");
    assert_eq!(subjects.read_reply(&reply), Some(Reply { caller: "h1", callee: "h2", id: "7-1" }));
    assert_eq!(subjects.read_beat(&name("lath.prod.beat.h1")), Some("h1"));
    let client = ClientCall { app: name("shop"), actor: name("cart"), client: name("nightly") };
    assert_eq!(subjects.read_client_call(&name("lath.prod.in.shop.cart.nightly")), Some(client));
    for other in [
        "lath.prod.call.h1",
        "lath.prod.call.h1.h2.h3",
        "lath.test.call.h1.h2",
        "lath.prod.re.h1.h2",
        "lath.prod.re.h1.h2.7.1",
        "lath.prod.beat",
        "lath.prod.beat.h1.h2",
        "lath.prod.in.shop.cart",
        "lath.prod.in.shop.cart.nightly.x",
        "lath.prod.in.shop.Cart.nightly",
        "lath.production.beat.h1",
        "x.lath.prod.beat.h1",
    ] {
        let other: Subject = name(other);
        assert_eq!(subjects.read_call(&other), None, "{other}");
        assert_eq!(subjects.read_reply(&other), None, "{other}");
        assert_eq!(subjects.read_beat(&other), None, "{other}");
        assert_eq!(subjects.read_client_call(&other), None, "{other}");
    }
}

#[test]
fn a_prefix_is_configurable() {
    let subjects = Subjects::with_prefix(&name("acme.edge-1"), &name("prod")).unwrap();
    assert_eq!(subjects.beat(&name("h1")).as_str(), "acme.edge-1.prod.beat.h1");
    assert_eq!(subjects.read_beat(&name("acme.edge-1.prod.beat.h1")), Some("h1"));
    assert_eq!(subjects.read_beat(&name("lath.prod.beat.h1")), None);
    let longest = "a".repeat(PREFIX_BYTES_MAX);
    let with = |prefix: &str| Subjects::with_prefix(&name(prefix), &name(&"l".repeat(63)));
    for refused in ["*", "acme.*", ">", &format!("{longest}a")] {
        assert!(with(refused).is_err(), "{refused}");
    }
    // The longest names of all give subjects that are still allowed.
    let subjects = with(&longest).unwrap();
    let most = "a".repeat(63);
    let call = subjects.provider_call(&name(&most), &name(&most), &name(&"a".repeat(TOKEN_BYTES_MAX)), &name(&most));
    assert!(call.as_str().parse::<Subject>().is_ok(), "{} bytes", call.as_str().len());
}

proptest! {
    #[test]
    fn names_never_change_what_a_subject_means(to in "[a-z][a-z0-9]{0,8}(-[a-z][a-z0-9]{0,3}){0,2}", from in "[a-z]{1,9}") {
        let subjects = subjects();
        let subject = subjects.call(&name(&to), &name(&from));
        prop_assert_eq!(subjects.read_call(&subject), Some(HostCall { to: &to, from: &from }));
        prop_assert!(subjects.calls(&name(&to)).covers(&subject));
        prop_assert!(subject.concrete().is_ok());
    }
}
