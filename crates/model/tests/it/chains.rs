//! The labels of what stands behind a chain of middleware.

use model::blueprint::{behind, chain_of};
use model::ids::ActorName;

#[test]
fn a_label_names_its_chain_and_no_other() {
    let chain = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect::<Vec<ActorName>>();
    let chains = [&[][..], &["a"], &["b"], &["a", "b"], &["b", "a"], &["a-b"], &["a-via-b"], &["a", "via", "b"]];
    let labels: Vec<_> = chains.iter().map(|names| behind("receive", &chain(names))).collect();
    for (at, label) in labels.iter().enumerate() {
        assert!(!labels[..at].contains(label), "{label}");
        assert!(!labels[..at].iter().any(|other| chain_of(other) == chain_of(label)), "{label}");
    }
    assert_eq!((labels[0].as_str(), chain_of(&labels[0])), ("receive", ""));
    assert_eq!((labels[3].as_str(), chain_of(&labels[3])), ("receive-VIA-a-VIA-b", "a-VIA-b"));
    assert_eq!(chain_of("receive0"), "");
}
