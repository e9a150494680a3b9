//! Credentials: a user's token and the seed that proves it, as one text.

use std::str::FromStr;

use super::claims;
use super::identity;
use super::keys::{Key, Kind, PublicKey, Seed};
use super::{AuthorityError, UnixSeconds};

const TOKEN_BEGIN: &str = "-----BEGIN NATS USER JWT-----";
const TOKEN_END: &str = "------END NATS USER JWT------";
const SEED_BEGIN: &str = "-----BEGIN USER NKEY SEED-----";
const SEED_END: &str = "------END USER NKEY SEED------";

/// What a user shows to the servers. Its text is that of a `.creds` file, as every NATS client reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    token: String,
    seed: Seed,
    key: PublicKey,
    user: String,
    expires: Option<UnixSeconds>,
}

impl Credentials {
    pub(super) fn new(token: String, seed: Seed, key: PublicKey, user: String, expires: Option<UnixSeconds>) -> Self {
        Self { token, seed, key, user, expires }
    }

    /// The user's public key, by which it is revoked.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }

    /// The user, such as `host.h1`.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The prefix of the inboxes to which this user's answers go. A client must use it, for it may subscribe to no other.
    pub fn inbox(&self) -> String {
        identity::inbox(&self.user)
    }

    /// From when on the servers refuse it.
    pub fn expires(&self) -> Option<UnixSeconds> {
        self.expires
    }

    /// What is shown to a server that sent `nonce`: the token, and the proof that this is its user.
    pub(crate) fn answer(&self, nonce: &[u8]) -> Result<(String, Vec<u8>), AuthorityError> {
        let key = Key::of(Kind::User, &self.seed)?;
        Ok((self.token.clone(), key.sign_bytes(nonce)?))
    }

    /// The secret text of the file.
    pub fn reveal(&self) -> String {
        let Self { token, seed, .. } = self;
        format!("{TOKEN_BEGIN}\n{token}\n{TOKEN_END}\n\n{SEED_BEGIN}\n{}\n{SEED_END}\n", seed.reveal())
    }
}

impl FromStr for Credentials {
    type Err = AuthorityError;

    fn from_str(text: &str) -> Result<Self, AuthorityError> {
        let token = between(text, TOKEN_BEGIN, TOKEN_END)?.to_owned();
        let seed = Seed::new(between(text, SEED_BEGIN, SEED_END)?);
        let key = Key::of(Kind::User, &seed)?.public();
        let claims = claims::read_user(&token)?;
        Ok(Self { token, seed, key, user: claims.name, expires: claims.exp.map(UnixSeconds) })
    }
}

fn between<'a>(text: &'a str, begin: &'static str, end: &'static str) -> Result<&'a str, AuthorityError> {
    let missing = || AuthorityError::Credentials { reason: format!("`{begin}` and what follows it is missing") };
    let (_, rest) = text.split_once(begin).ok_or_else(missing)?;
    let (inside, _) = rest.split_once(end).ok_or_else(missing)?;
    Ok(inside.trim())
}
