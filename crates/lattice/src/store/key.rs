//! Keys, patterns and sizes of values, the same in every bucket.

use super::StoreError;
use crate::limits::{KEY_BYTES_MAX, VALUE_BYTES_MAX};

const KEY_RULE: &str = "a key is made of tokens of letters, digits, `-`, `_`, `=` and `/`, joined by dots";
const PATTERN_RULE: &str = "a pattern is a key in which `*` stands for a token and a last `>` for all that follow";

fn is_token(token: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'=' | b'/');
    !token.is_empty() && token.bytes().all(allowed)
}

fn refused(bucket: &str, key: &str, reason: String) -> StoreError {
    let key = super::nats::excerpt(key);
    StoreError::Refused { bucket: bucket.to_owned(), key, reason }
}

/// Refuses what is not a key.
pub(crate) fn check_key(bucket: &str, key: &str) -> Result<(), StoreError> {
    if key.len() > KEY_BYTES_MAX {
        return Err(refused(bucket, key, format!("keys have {KEY_BYTES_MAX} bytes at most; use a shorter one")));
    }
    if key.split('.').all(is_token) { Ok(()) } else { Err(refused(bucket, key, KEY_RULE.to_owned())) }
}

/// Refuses what is not a pattern.
pub(super) fn check_pattern(bucket: &str, pattern: &str) -> Result<(), StoreError> {
    let (front, last) = pattern.rsplit_once('.').map_or((None, pattern), |(front, last)| (Some(front), last));
    let good = |token: &str| token == "*" || is_token(token);
    let front_is_good = front.is_none_or(|front| front.split('.').all(good));
    if pattern.len() <= KEY_BYTES_MAX && front_is_good && (last == ">" || good(last)) {
        Ok(())
    } else {
        Err(refused(bucket, pattern, PATTERN_RULE.to_owned()))
    }
}

/// Refuses a value that is too long.
pub(super) fn check_value(bucket: &str, key: &str, value: &[u8]) -> Result<(), StoreError> {
    if value.len() > VALUE_BYTES_MAX {
        let reason = format!("the value has {} bytes, {VALUE_BYTES_MAX} are the most; make it smaller", value.len());
        return Err(refused(bucket, key, reason));
    }
    Ok(())
}

/// True where `pattern` covers `key`.
pub(super) fn covers(pattern: &str, key: &str) -> bool {
    let (mut wanted, mut tokens) = (pattern.split('.'), key.split('.'));
    loop {
        match (wanted.next(), tokens.next()) {
            (None, None) | (Some(">"), Some(_)) => return true,
            (Some(wanted), Some(token)) if wanted == "*" || wanted == token => {}
            _ => return false,
        }
    }
}
