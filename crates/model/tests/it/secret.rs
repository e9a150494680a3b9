//! Secrets: what a value may be, and that it is not shown.

use model::ids::SecretName;
use model::limits::SECRET_BYTES_MAX;
use model::secret::{SecretValue, SecretValueError, Setting};

#[test]
fn values_are_bounded_texts_without_a_lines_end() {
    let check = |bytes: &[u8], expected: Result<&str, SecretValueError>| {
        let read = SecretValue::from_written(bytes.to_vec());
        assert_eq!(read.as_ref().map(SecretValue::expose), expected.as_ref().copied());
    };
    check(b"hunter2", Ok("hunter2"));
    check(b"hunter2\n", Ok("hunter2"));
    check(b"hunter2\r\n", Ok("hunter2"));
    check(b"hunter2\n\n", Ok("hunter2\n"));
    check(b" a\rb ", Ok(" a\rb "));
    check("süß".as_bytes(), Ok("süß"));
    check(b"", Err(SecretValueError::Empty));
    check(b"\n", Err(SecretValueError::Empty));
    check(b"a\0b", Err(SecretValueError::Zero));
    check(b"\xff", Err(SecretValueError::NotText));
    let longest = vec![b'x'; SECRET_BYTES_MAX];
    assert_eq!(SecretValue::from_written([&longest[..], b"\n"].concat()).unwrap().expose().len(), SECRET_BYTES_MAX);
    check(&[&longest[..], b"x"].concat(), Err(SecretValueError::TooLong));
}

#[test]
fn values_are_not_shown() {
    let value = SecretValue::new("hunter2".to_owned()).unwrap();
    let setting = Setting::Secret(value.clone());
    for told in [format!("{value:?}"), format!("{value:#?}"), format!("{setting:?}")] {
        assert!(!told.contains("hunter2") && told.contains("a secret"), "{told}");
    }
    assert_eq!(setting.expose(), "hunter2");
}

#[test]
fn references_are_written_as_in_a_manifest() {
    let name: SecretName = "acme-key".parse().unwrap();
    assert_eq!(Setting::Secret(name.clone()).to_string(), "{ secret = \"acme-key\" }");
    assert_eq!(Setting::<SecretName>::from("EUR").to_string(), "\"EUR\"");
    assert_eq!(Setting::Secret(name.clone()).secret(), Some(&name));
    for text in ["Acme", "acme_key", "", "a.b", &"x".repeat(64)] {
        text.parse::<SecretName>().unwrap_err();
    }
}
