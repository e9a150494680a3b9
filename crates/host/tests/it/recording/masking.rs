//! Values that are masked.

use host::limits::{MASK_BYTES_MAX, MASK_STEPS_MAX};
use host::record::{Bounds, Mask, RecordError};
use testkit::application::{example, root};

use super::same;
use super::scene::{kvcounter, recorder, replayed};

fn masks(rules: &[&str]) -> Vec<Mask> {
    rules.iter().map(|rule| rule.parse().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn masked_values_are_nowhere_in_the_file() {
    let plain = kvcounter(Vec::new()).await;
    assert!(plain.contains("alice") && plain.contains("4711") && plain.contains("2147483647"), "{plain}");
    let rules = [
        "lath:httpserver/handler#handle-request.req.path",
        "lath:httpserver/handler@0.1.0#handle-request.req.query-string",
        "lath:httpserver/handler#handle-request.result.ok.body",
        "lath:httpserver/handler#handle-request.req.header",
        "lath:keyvalue/counter#increment",
    ];
    let masked = kvcounter(masks(&rules)).await;
    for value in ["alice", "4711", "2147483647", "amount", "user-agent"] {
        assert!(!masked.contains(value), "{value} is in\n{masked}");
    }
    assert!(masked.contains("GET"), "{masked}");
    assert_eq!(masked.matches("\"call\":").count(), 3);
    // It is masked in what the component sends and answers as well, before that is compared.
    let whole = kvcounter(masks(&rules[2..])).await;
    let component = root().join("examples/kvcounter/target/wasm32-wasip2/release/kvcounter.wasm");
    let component = std::fs::read(component).unwrap();
    assert_eq!(replayed(&masked, &component).await.calls, 3);
    assert_eq!(replayed(&whole, &component).await, same(3));
}

#[test]
fn a_rule_that_means_nothing_is_refused() {
    let folder = example("kvcounter", &[]).unwrap();
    let known = "lath:keyvalue/counter#increment";
    let check = |rule: &str| recorder(folder.path(), "counter", masks(&[known, rule]), Bounds::default());
    for rule in [
        "lath:keyvalue/counter#increment.key",
        "lath:keyvalue/counter#increment.result.ok",
        "lath:keyvalue/counter#increment.result.err.other",
        "lath:httpserver/handler#handle-request.req.header.0",
        "lath:httpserver/handler#handle-request.result.ok.header",
    ] {
        assert!(check(rule).is_ok(), "{rule}: {:?}", check(rule));
    }
    for rule in [
        "lath:keyvalue/counter#increment.keys",
        "lath:keyvalue/counter#decrement",
        "lath:keyvalue/counter@9.0.0#increment",
        "lath:keyvalue/store#get",
        "lath:keyvalue/counter#increment.key.length",
        "lath:keyvalue/counter#increment.result.some",
        "lath:httpserver/handler#handle-request.req.header.9",
    ] {
        let refused = check(rule).unwrap_err();
        assert!(matches!(&refused, RecordError::UnknownMasks { masks, .. } if *masks == [rule]), "{refused}");
    }
}

#[test]
fn rules_are_bounded() {
    let long = format!("a:b/c#d.{}", "e".repeat(MASK_BYTES_MAX));
    let deep = format!("a:b/c#d{}", ".e".repeat(MASK_STEPS_MAX + 1));
    for text in [&long, &deep, "", "a:b/c", "#d", "a:b/c#", "a:b/c#d.", "a:b/c#d..e"] {
        assert!(text.parse::<Mask>().is_err(), "{text}");
    }
    assert!(format!("a:b/c#d{}", ".e".repeat(MASK_STEPS_MAX)).parse::<Mask>().is_ok());
}
