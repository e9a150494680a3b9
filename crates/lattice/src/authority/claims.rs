//! Claims: what a signed token says of an operator, an account or a user.
//!
//! The tokens are JSON Web Tokens of NATS, version 2: `base64url(header).base64url(claims).base64url(signature)`, the
//! signature an Ed25519 one over the text before it. See <https://docs.nats.io/running-a-nats-service/nats_admin/security/jwt>
//! and `github.com/nats-io/jwt/v2`, whose field names these are.

use std::collections::BTreeMap;

use data_encoding::{BASE32_NOPAD, BASE64URL_NOPAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha512_256};

use super::keys::{Key, PublicKey};
use super::permissions::Permissions;
use super::{AuthorityError, UnixSeconds};

const HEADER: &str = r#"{"typ":"JWT","alg":"ed25519-nkey"}"#;
const VERSION: u8 = 2;
const UNLIMITED: i64 = -1;

#[derive(Serialize)]
struct Claims<'a, N> {
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<u64>,
    iat: u64,
    iss: &'a str,
    /// The hash of the claims without it.
    jti: String,
    name: &'a str,
    nats: N,
    sub: &'a str,
}

/// A token to be signed: whom it is of, and from when until when it holds.
pub(super) struct Token<'a, N> {
    pub(super) name: &'a str,
    pub(super) subject: &'a PublicKey,
    pub(super) issued: UnixSeconds,
    pub(super) expires: Option<UnixSeconds>,
    pub(super) nats: N,
}

impl<N: Serialize> Token<'_, N> {
    /// The token, signed by `issuer`.
    pub(super) fn sign(self, issuer: &Key) -> Result<String, AuthorityError> {
        let Self { name, subject, issued, expires, nats } = self;
        let issuer_key = issuer.public();
        let mut claims = Claims {
            exp: expires.map(|UnixSeconds(seconds)| seconds),
            iat: issued.0,
            iss: issuer_key.as_str(),
            jti: String::new(),
            name,
            nats,
            sub: subject.as_str(),
        };
        claims.jti = BASE32_NOPAD.encode(&Sha512_256::digest(json(&claims)?));
        let signed =
            format!("{}.{}", BASE64URL_NOPAD.encode(HEADER.as_bytes()), BASE64URL_NOPAD.encode(&json(&claims)?));
        let signature = BASE64URL_NOPAD.encode(&issuer.sign(&signed)?);
        Ok(format!("{signed}.{signature}"))
    }
}

fn json<T: Serialize>(claims: &T) -> Result<Vec<u8>, AuthorityError> {
    serde_json::to_vec(claims).map_err(|error| AuthorityError::Sign { reason: error.to_string() })
}

/// What an operator's token says.
#[derive(Serialize)]
pub(super) struct OperatorClaims<'a> {
    r#type: &'static str,
    version: u8,
    system_account: &'a str,
}

impl<'a> OperatorClaims<'a> {
    pub(super) fn new(system_account: &'a PublicKey) -> Self {
        Self { r#type: "operator", version: VERSION, system_account: system_account.as_str() }
    }
}

/// What an account's token says.
#[derive(Serialize)]
pub(super) struct AccountClaims {
    r#type: &'static str,
    version: u8,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    imports: Vec<Import>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    exports: Vec<Export>,
    limits: AccountLimits,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    signing_keys: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    revocations: BTreeMap<String, u64>,
    default_permissions: DefaultPermissions,
    authorization: Authorization,
}

/// Something of another account that this one sees.
#[derive(Serialize)]
pub(super) struct Import {
    pub(super) name: &'static str,
    pub(super) subject: String,
    pub(super) account: String,
    pub(super) r#type: &'static str,
}

/// Something that other accounts may see.
#[derive(Serialize)]
pub(super) struct Export {
    pub(super) name: &'static str,
    pub(super) subject: &'static str,
    pub(super) r#type: &'static str,
    /// The token, counted from one, that must be the account which imports it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) account_token_position: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) response_type: Option<&'static str>,
}

#[derive(Serialize)]
struct AccountLimits {
    subs: i64,
    data: i64,
    payload: i64,
    imports: i64,
    exports: i64,
    wildcards: bool,
    conn: i64,
    leaf: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    mem_storage: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disk_storage: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    streams: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    consumer: Option<i64>,
}

impl AccountLimits {
    /// No limit but those of the server; streams only where the account stores something.
    fn new(has_streams: bool) -> Self {
        let storage = has_streams.then_some(UNLIMITED);
        Self {
            subs: UNLIMITED,
            data: UNLIMITED,
            payload: UNLIMITED,
            imports: UNLIMITED,
            exports: UNLIMITED,
            wildcards: true,
            conn: UNLIMITED,
            leaf: UNLIMITED,
            mem_storage: storage,
            disk_storage: storage,
            streams: storage,
            consumer: storage,
        }
    }
}

#[derive(Serialize)]
struct DefaultPermissions {
    r#pub: Empty,
    sub: Empty,
}

#[derive(Serialize)]
struct Authorization {}

#[derive(Serialize)]
struct Empty {}

impl AccountClaims {
    /// The system account: it stores nothing and shows `exports` to others.
    pub(super) fn system(exports: Vec<Export>) -> Self {
        Self::new(AccountLimits::new(false), Vec::new(), exports)
    }

    /// The account of a lattice, whose users are signed with `signing` and revoked by `revocations`.
    pub(super) fn lattice(
        signing: &PublicKey,
        imports: Vec<Import>,
        revocations: &BTreeMap<PublicKey, UnixSeconds>,
    ) -> Self {
        Self {
            signing_keys: vec![signing.to_string()],
            revocations: revocations.iter().map(|(key, at)| (key.to_string(), at.0)).collect(),
            ..Self::new(AccountLimits::new(true), imports, Vec::new())
        }
    }

    fn new(limits: AccountLimits, imports: Vec<Import>, exports: Vec<Export>) -> Self {
        Self {
            r#type: "account",
            version: VERSION,
            imports,
            exports,
            limits,
            signing_keys: Vec::new(),
            revocations: BTreeMap::new(),
            default_permissions: DefaultPermissions { r#pub: Empty {}, sub: Empty {} },
            authorization: Authorization {},
        }
    }
}

/// What a user's token says.
#[derive(Serialize)]
pub(super) struct UserClaims<'a> {
    r#type: &'static str,
    version: u8,
    issuer_account: &'a str,
    r#pub: Allowed<'a>,
    sub: Allowed<'a>,
    subs: i64,
    data: i64,
    payload: i64,
    /// Connections of programs only: nobody joins as a leaf node with a user's credentials.
    allowed_connection_types: [&'static str; 1],
}

/// A list of what is allowed, and nothing else is. An absent list would allow everything, so it is always written.
#[derive(Serialize)]
struct Allowed<'a> {
    allow: &'a [String],
}

impl<'a> UserClaims<'a> {
    pub(super) fn new(account: &'a PublicKey, permissions: &'a Permissions) -> Self {
        Self {
            r#type: "user",
            version: VERSION,
            issuer_account: account.as_str(),
            r#pub: Allowed { allow: &permissions.publish },
            sub: Allowed { allow: &permissions.subscribe },
            subs: UNLIMITED,
            data: UNLIMITED,
            payload: UNLIMITED,
            allowed_connection_types: ["STANDARD"],
        }
    }
}

/// What can be read of a user's token without knowing its issuer.
#[derive(Deserialize)]
pub(super) struct UserRead {
    pub(super) name: String,
    pub(super) exp: Option<u64>,
}

/// Reads a user's token; its signature is the server's to check.
pub(super) fn read_user(token: &str) -> Result<UserRead, AuthorityError> {
    let refused = |reason: String| AuthorityError::Credentials { reason };
    let claims = token.split('.').nth(1).ok_or_else(|| refused("the token has no claims".to_owned()))?;
    let claims = BASE64URL_NOPAD.decode(claims.as_bytes()).map_err(|error| refused(error.to_string()))?;
    serde_json::from_slice(&claims).map_err(|error| refused(error.to_string()))
}
