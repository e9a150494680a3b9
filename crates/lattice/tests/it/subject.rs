use lattice::limits::SUBJECT_BYTES_MAX;
use lattice::subject::Subject;

#[test]
fn subjects_are_dotted_tokens() {
    for (text, good) in [
        ("lath.local.call.h1.h2", true),
        ("one", true),
        ("a.*.c", true),
        ("", false),
        ("a..b", false),
        (".a", false),
        ("a.b.", false),
        ("a b", false),
        ("a.>", false),
        ("a.*b", false),
        ("a.b\r\nPUB x", false),
    ] {
        assert_eq!(text.parse::<Subject>().is_ok(), good, "{text:?}");
    }
    assert!("a".repeat(SUBJECT_BYTES_MAX).parse::<Subject>().is_ok());
    assert!("a".repeat(SUBJECT_BYTES_MAX + 1).parse::<Subject>().is_err());
}

#[test]
fn patterns_cover_whole_subjects() {
    for (pattern, subject, covered) in [
        ("a.b", "a.b", true),
        ("a.*", "a.b", true),
        ("a.*", "a.b.c", false),
        ("a.*", "a", false),
        ("*.*", "a.b", true),
        ("a.b", "a.c", false),
    ] {
        let (pattern, subject): (Subject, Subject) = (pattern.parse().unwrap(), subject.parse().unwrap());
        assert_eq!(pattern.covers(&subject), covered, "{pattern} {subject}");
    }
}

#[test]
fn a_pattern_is_not_a_place_to_publish() {
    assert!(Subject::calls("local", "h1").unwrap().concrete().is_err());
    let call = Subject::call("local", "h1", "cli").unwrap().concrete().unwrap();
    assert_eq!((call.as_str(), call.sender()), ("lath.local.call.h1.cli", "cli"));
    assert!(Subject::call("lo.cal", "h 1", "x").is_err());
}

#[test]
fn a_name_is_one_token_and_no_pattern() {
    for (lattice, to, from) in
        [("*", "h", "c"), ("a.b", "h", "c"), ("l", "*", "c"), ("l", "h.x", "c"), ("l", "h", "c.d")]
    {
        assert!(Subject::call(lattice, to, from).is_err(), "{lattice} {to} {from}");
    }
    assert!(Subject::call("l", "h", "*").is_err());
    assert!(Subject::calls("l", "*").is_err());
    assert!(Subject::calls("*", "h").is_err());
    assert!(Subject::calls("l", "h").is_ok());
}
