//! Names, digests, sizes.

use model::contract::ContractName;
use model::digest::Digest;
use model::ids::{ActorName, ByteSize};
use model::limits::NAME_LEN_MAX;

#[test]
fn names_are_kebab_case() {
    for (text, good) in [
        ("cart", true),
        ("price-list", true),
        ("a1-b2", true),
        ("", false),
        ("Cart", false),
        ("1cart", false),
        ("cart-", false),
        ("cart--list", false),
        ("cart_list", false),
        ("cart/list", false),
        ("kärt", false),
    ] {
        assert_eq!(text.parse::<ActorName>().is_ok(), good, "{text:?}");
    }
    assert!("a".repeat(NAME_LEN_MAX).parse::<ActorName>().is_ok());
    let error = "a".repeat(NAME_LEN_MAX + 1).parse::<ActorName>().unwrap_err();
    assert!(error.to_string().contains("63 characters at most"), "{error}");
}

#[test]
fn contract_names_are_read_and_written() {
    for text in ["lath:keyvalue/counter@0.1.0", "a:b/c", "my-org:HTTP-server/x1@1.0.0-rc.1+build", "a:b/plot-2d-X1"] {
        assert_eq!(text.parse::<ContractName>().unwrap().to_string(), text);
    }
    for text in
        ["", "a", "a:b", "a/b", "a:b/", "a:b/c@", "a:b/c@1", "a:b/c@1.0", "A b:c/d", "a:b/c/d", "a:b/cD", "a:b/2d"]
    {
        let error = text.parse::<ContractName>().unwrap_err();
        assert!(error.to_string().contains("namespace:package/interface@version"), "{text}: {error}");
    }
}

#[test]
fn a_provider_serves_its_own_track_and_older() {
    for (provider, consumer, serves) in [
        ("a:b/c@1.2.0", "a:b/c@1.2.0", true),
        ("a:b/c@1.3.0", "a:b/c@1.2.5", true),
        ("a:b/c@1.1.0", "a:b/c@1.2.0", false),
        ("a:b/c@2.0.0", "a:b/c@1.2.0", false),
        ("a:b/c@0.2.3", "a:b/c@0.2.1", true),
        ("a:b/c@0.3.0", "a:b/c@0.2.1", false),
        ("a:b/c@0.0.2", "a:b/c@0.0.1", false),
        ("a:b/c@0.0.1", "a:b/c@0.0.1", true),
        ("a:b/c@1.0.0-rc.1", "a:b/c@1.0.0-rc.1", true),
        ("a:b/c@1.0.0", "a:b/c@1.0.0-rc.1", false),
        ("a:b/c@1.2.0+first", "a:b/c@1.2.0+second", true),
        ("a:b/c", "a:b/c", true),
        ("a:b/c@1.0.0", "a:b/c", false),
        ("a:b/d@1.0.0", "a:b/c@1.0.0", false),
    ] {
        let (provider, consumer): (ContractName, ContractName) = (provider.parse().unwrap(), consumer.parse().unwrap());
        assert_eq!(provider.serves(&consumer), serves, "{provider} for {consumer}");
    }
}

#[test]
fn digests_are_sha_256() {
    let digest = Digest::of(b"abc").to_string();
    assert_eq!(digest, "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

#[test]
fn sizes_are_written_in_the_largest_whole_unit() {
    for (bytes, text) in [(0, "0B"), (1023, "1023B"), (1024, "1KiB"), (64 << 20, "64MiB"), (3 << 30, "3GiB")] {
        assert_eq!(ByteSize(bytes).to_string(), text);
    }
}

#[test]
fn shares_of_calls() {
    let rows = [
        ("5%", Some("5%")),
        ("100%", Some("100%")),
        ("0.1%", Some("0.1%")),
        ("12.5%", Some("12.5%")),
        ("05.0%", Some("5%")),
        ("0%", None),
        ("100.1%", None),
        ("5", None),
        ("%", None),
        (".5%", None),
        ("5.%", None),
        ("5.25%", None),
        ("-5%", None),
        ("+5%", None),
        ("99999999%", None),
    ];
    for (text, expected) in rows {
        let share = text.parse::<model::placement::Share>();
        assert_eq!(share.as_ref().ok().map(ToString::to_string).as_deref(), expected, "{text}: {share:?}");
    }
    for calls in [1, 50, 333, 500, 999, 1_000] {
        let share = model::placement::Share::per_mille(calls).unwrap();
        let picked: Vec<u64> = (0..3_000).filter(|earlier| share.picks(*earlier)).collect();
        assert_eq!((picked.len(), picked.first()), (usize::from(calls) * 3, Some(&0)), "{share}");
        let widest = picked.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default();
        assert!(widest <= 1_000_u64.div_ceil(u64::from(calls)), "{share} is uneven: {widest}");
    }
}
