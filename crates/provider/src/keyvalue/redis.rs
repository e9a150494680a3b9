//! A store in Redis, or in whatever else speaks its protocol.
//!
//! One connection carries all operations; it is made when the first comes, and again when it broke. A key is kept as
//! `PREFIX:STORE:KEY` (counters: `PREFIX::KEY`), a plain string, so that other programs can read it. Changes that depend on
//! what is there run as scripts, which nothing else comes between. The configuration's `url` begins with `redis:` or, for
//! TLS, `rediss:`, which the certificates of the system vouch for, and those in the file `ca`. `prefix` is the
//! application's name and the provider's unless it is set.

use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Instant;

use bytes::Bytes;
use engine::keyvalue::{Answer, Operation, Page};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use model::failure::{Failure, RpcError};
use model::ids::ProviderName;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, ErrorKind, RedisError, Script, ServerErrorKind, TlsCertificates};

use super::store::{Done, Fault, Store, beyond};
use crate::error::ProviderError;
use crate::limits::{
    PAGE_KEYS_MAX, REDIS_CONNECT_TIMEOUT, REDIS_OPERATIONS_MAX, REDIS_RECONNECT_PAUSE_MAX, REDIS_RECONNECTS_MAX,
    REDIS_RESPONSE_TIMEOUT, REDIS_SCANS_MAX,
};

/// Adds within bounds. Redis itself adds, exactly; numbers of Lua are compared only, and may be rounded.
const ADD: &str = r"
local before = redis.call('GET', KEYS[1])
local after = redis.pcall('INCRBY', KEYS[1], ARGV[1])
if type(after) == 'table' then
  if string.find(after.err, 'overflow') then return {0, before or '0'} end
  if string.find(after.err, 'integer') then return {2, ''} end
  return after
end
if after < tonumber(ARGV[2]) or after > tonumber(ARGV[3]) then
  if before then redis.call('SET', KEYS[1], before, 'KEEPTTL') else redis.call('DEL', KEYS[1]) end
  return {0, before or '0'}
end
return {1, redis.call('GET', KEYS[1])}
";

/// Sets a key if its value is the expected one.
const SWAP: &str = r"
local before = redis.call('GET', KEYS[1])
if (ARGV[1] == '1' and before == ARGV[2]) or (ARGV[1] == '0' and not before) then
  redis.call('SET', KEYS[1], ARGV[3])
  return 1
end
return 0
";

/// A store in Redis.
pub(super) struct Redis {
    name: ProviderName,
    connection: ConnectionManager,
    prefix: String,
    add: Script,
    swap: Script,
}

impl Redis {
    /// The keys under `prefix` of the server at `url`; `ca` is a file of certificates, in PEM, that may vouch for it.
    pub(super) fn open(
        name: &ProviderName,
        url: &str,
        ca: Option<&Path>,
        prefix: String,
    ) -> Result<Self, ProviderError> {
        // The error itself quotes parts of the address, which may be a secret.
        let bad = |error: RedisError| {
            let source = error.category().to_owned().into();
            ProviderError::Server { provider: name.clone(), source }
        };
        let client = match ca {
            None => Client::open(url).map_err(bad)?,
            Some(ca) => {
                let folder = |source| ProviderError::File { provider: name.clone(), file: ca.to_owned(), source };
                let root_cert = Some(std::fs::read(ca).map_err(folder)?);
                Client::build_with_tls(url, TlsCertificates { client_tls: None, root_cert }).map_err(bad)?
            }
        };
        let settings = ConnectionManagerConfig::new()
            .set_number_of_retries(REDIS_RECONNECTS_MAX)
            .set_max_delay(REDIS_RECONNECT_PAUSE_MAX)
            .set_connection_timeout(Some(REDIS_CONNECT_TIMEOUT))
            .set_response_timeout(Some(REDIS_RESPONSE_TIMEOUT))
            .set_concurrency_limit(REDIS_OPERATIONS_MAX);
        let connection = ConnectionManager::new_lazy_with_config(client, settings).map_err(bad)?;
        Ok(Self { name: name.clone(), connection, prefix, add: Script::new(ADD), swap: Script::new(SWAP) })
    }

    async fn apply(&self, space: &str, operation: Operation) -> Done {
        let mut connection = self.connection.clone();
        match operation {
            Operation::Read(keys) => {
                let mut command = redis::cmd("MGET");
                command.arg(keys.iter().map(|key| self.placed(space, key)).collect::<Vec<_>>());
                let values = command.query_async::<Vec<Option<Vec<u8>>>>(&mut connection).await;
                let values = values.map_err(|error| self.unread(&error))?;
                Ok(Answer::Values(values.into_iter().map(|value| value.map(Bytes::from)).collect()))
            }
            Operation::Exists(key) => {
                let found =
                    redis::cmd("EXISTS").arg(self.placed(space, &key)).query_async::<bool>(&mut connection).await;
                found.map(Answer::Exists).map_err(|error| self.unread(&error))
            }
            Operation::List { cursor } => self.list(space, cursor, &mut connection).await.map(Answer::Page),
            Operation::Write(changes) => {
                let mut all = redis::pipe();
                for (key, value) in changes {
                    let key = self.placed(space, &key);
                    match value {
                        Some(value) => all.cmd("SET").arg(key).arg(&value[..]).ignore(),
                        None => all.cmd("DEL").arg(key).ignore(),
                    };
                }
                let written = all.query_async::<()>(&mut connection).await;
                written.map(|()| Answer::Done).map_err(|error| self.unwritten(&error))
            }
            Operation::Add { key, delta, bounds } => self.add(space, &key, delta, &bounds, &mut connection).await,
            Operation::Swap { key, expected, value } => {
                let mut swap = self.swap.key(self.placed(space, &key));
                swap.arg(u8::from(expected.is_some())).arg(expected.as_deref().unwrap_or_default()).arg(&value[..]);
                let swapped = swap.invoke_async::<bool>(&mut connection).await;
                swapped.map(Answer::Swapped).map_err(|error| self.unwritten(&error))
            }
        }
    }

    async fn add(
        &self,
        space: &str,
        key: &str,
        delta: i64,
        bounds: &RangeInclusive<i64>,
        connection: &mut ConnectionManager,
    ) -> Done {
        let mut add = self.add.key(self.placed(space, key));
        add.arg(delta).arg(*bounds.start()).arg(*bounds.end());
        let added = add.invoke_async::<(u8, String)>(connection).await;
        match added.map_err(|error| self.unwritten(&error))? {
            (1, sum) => match sum.parse() {
                Ok(sum) => Ok(Answer::Number(sum)),
                Err(_) => Err(Fault::Failed(Failure::unknown(RpcError::HostError(self.told("it gave no number"))))),
            },
            (0, before) => Err(Fault::Refused(beyond(key, &before, delta, bounds))),
            _ => {
                let text = format!("the value of `{key}` is no number, nothing was changed");
                Err(Fault::Refused(RpcError::InvalidParameter(text)))
            }
        }
    }

    /// A page: what the server comes upon as it goes through all its keys, some of each time.
    async fn list(
        &self,
        space: &str,
        cursor: Option<String>,
        connection: &mut ConnectionManager,
    ) -> Result<Page, Fault> {
        let unknown = |_| {
            let text = "the cursor is none that this store gave; begin again without one".to_owned();
            Fault::Refused(RpcError::InvalidParameter(text))
        };
        let mut cursor: u64 = cursor.as_deref().unwrap_or("0").parse().map_err(unknown)?;
        let prefix = self.placed(space, "");
        let mut keys = Vec::new();
        for _ in 0..REDIS_SCANS_MAX {
            let mut scan = redis::cmd("SCAN");
            scan.arg(cursor).arg("MATCH").arg(format!("{prefix}*")).arg("COUNT").arg(PAGE_KEYS_MAX);
            let scanned = scan.query_async::<(u64, Vec<Vec<u8>>)>(connection).await;
            let (next, found) = scanned.map_err(|error| self.unread(&error))?;
            let own = |key| String::from_utf8(key).ok()?.strip_prefix(&prefix).map(ToOwned::to_owned);
            keys.extend(found.into_iter().filter_map(own));
            cursor = next;
            if cursor == 0 || keys.len() >= PAGE_KEYS_MAX {
                break;
            }
        }
        keys.sort_unstable();
        keys.dedup();
        Ok(Page { keys, cursor: (cursor != 0).then(|| cursor.to_string()) })
    }

    fn placed(&self, space: &str, key: &str) -> String {
        format!("{}:{space}:{key}", self.prefix)
    }

    fn unread(&self, error: &RedisError) -> Fault {
        self.fault(error, Failure::not_started)
    }

    /// What the server answered with an error was not done; without an answer that is not known.
    fn unwritten(&self, error: &RedisError) -> Fault {
        let known =
            error.is_connection_refusal() || matches!(error.kind(), ErrorKind::Server(_) | ErrorKind::Extension);
        self.fault(error, if known { Failure::not_started } else { Failure::unknown })
    }

    fn fault(&self, error: &RedisError, failure: fn(RpcError) -> Failure) -> Fault {
        let text = self.told(&error.to_string());
        match error.kind() {
            ErrorKind::AuthenticationFailed | ErrorKind::Server(ServerErrorKind::NoPerm) => Fault::Denied(text),
            ErrorKind::Extension if matches!(error.code(), Some("NOAUTH" | "WRONGPASS")) => Fault::Denied(text),
            ErrorKind::Server(_) | ErrorKind::Extension => Fault::Failed(failure(RpcError::HostError(text))),
            _ => Fault::Failed(failure(RpcError::Transport(text))),
        }
    }

    fn told(&self, text: &str) -> String {
        format!("store `{}`: {text}", self.name)
    }
}

impl Store for Redis {
    fn run<'a>(&'a self, space: &'a str, operation: Operation, deadline: Instant) -> BoxFuture<'a, Done> {
        super::store::before(&self.name, deadline, self.apply(space, operation)).boxed()
    }
}
