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
use model::failure::{Failure, Progress, RpcError};
use model::ids::ProviderName;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, ErrorKind, RedisError, Script, ServerErrorKind, TlsCertificates};

use super::store::{Done, Fault, Store, beyond, strange_cursor};
use crate::error::ProviderError;
use crate::limits::{
    PAGE_KEYS_MAX, REDIS_CONNECT_TIMEOUT, REDIS_OPERATIONS_MAX, REDIS_RECONNECT_PAUSE_MAX, REDIS_RECONNECTS_MAX,
    REDIS_RESPONSE_TIMEOUT, REDIS_SCANS_MAX,
};

/// Adds within bounds. Redis itself adds, exactly; a number of Lua may be rounded, so that numbers are compared as texts.
const ADD: &str = r"
local function less(a, b)
  local below = string.sub(a, 1, 1) == '-'
  if below ~= (string.sub(b, 1, 1) == '-') then return below end
  if below then a, b = b, a end
  if #a ~= #b then return #a < #b end
  return a < b
end
local before = redis.call('GET', KEYS[1])
local added = redis.pcall('INCRBY', KEYS[1], ARGV[1])
if type(added) == 'table' then
  if string.find(added.err, 'overflow') then return {0, before or '0'} end
  if string.find(added.err, 'integer') then return {2, ''} end
  return added
end
local after = redis.call('GET', KEYS[1])
if less(after, ARGV[2]) or less(ARGV[3], after) then
  if before then redis.call('SET', KEYS[1], before, 'KEEPTTL') else redis.call('DEL', KEYS[1]) end
  return {0, before or '0'}
end
return {1, after}
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
            Operation::Write(changes) => self.write(space, changes, &mut connection).await,
            Operation::Add { key, delta, bounds } => self.add(space, &key, delta, &bounds, &mut connection).await,
            Operation::Swap { key, expected, value } => {
                let mut swap = self.swap.key(self.placed(space, &key));
                swap.arg(u8::from(expected.is_some())).arg(expected.as_deref().unwrap_or_default()).arg(&value[..]);
                let swapped = swap.invoke_async::<bool>(&mut connection).await;
                swapped.map(Answer::Swapped).map_err(|error| self.unwritten(&error, 1))
            }
        }
    }

    /// All changes or none: several are a transaction.
    async fn write(
        &self,
        space: &str,
        changes: Vec<(String, Option<Bytes>)>,
        connection: &mut ConnectionManager,
    ) -> Done {
        let (mut all, count) = (redis::pipe(), changes.len());
        if count > 1 {
            all.atomic();
        }
        for (key, value) in changes {
            let key = self.placed(space, &key);
            match value {
                Some(value) => all.cmd("SET").arg(key).arg(&value[..]).ignore(),
                None => all.cmd("DEL").arg(key).ignore(),
            };
        }
        let written = all.query_async::<()>(connection).await;
        written.map(|()| Answer::Done).map_err(|error| self.unwritten(&error, count))
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
        match added.map_err(|error| self.unwritten(&error, 1))? {
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
        let mut cursor: u64 = cursor.as_deref().unwrap_or("0").parse().map_err(|_| strange_cursor())?;
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
        self.fault(error, Progress::NotStarted)
    }

    /// What the server answered with an error was not done; without an answer that is not known. Of several changes none was
    /// done where the server did not begin with them; another error may be one of several answers.
    fn unwritten(&self, error: &RedisError, changes: usize) -> Fault {
        let is_undone = match error.kind() {
            ErrorKind::Server(ServerErrorKind::ExecAbort) => is_aborted(error, changes),
            ErrorKind::Server(_) | ErrorKind::Extension => changes == 1,
            ErrorKind::AuthenticationFailed => true,
            _ => error.is_connection_refusal(),
        };
        self.fault(error, if is_undone { Progress::NotStarted } else { Progress::Unknown })
    }

    fn fault(&self, error: &RedisError, progress: Progress) -> Fault {
        let is_undone = progress == Progress::NotStarted;
        let text = self.told(&format!("{error}{}", if is_undone { "" } else { "; the change may have been made" }));
        match error.kind() {
            _ if is_undone && is_denied(error) => Fault::Denied(text),
            ErrorKind::Server(_) | ErrorKind::Extension => {
                Fault::Failed(Failure { error: RpcError::HostError(text), progress })
            }
            _ => Fault::Failed(Failure { error: RpcError::Transport(text), progress }),
        }
    }

    fn told(&self, text: &str) -> String {
        format!("store `{}`: {text}", self.name)
    }
}

/// Whether the server began with none of a transaction's changes. A server that takes no transactions does them one by one
/// all the same, and gives an error before the first of them.
fn is_aborted(error: &RedisError, changes: usize) -> bool {
    let errors = error.clone().into_server_errors();
    errors.is_some_and(|errors| errors.iter().all(|(at, _)| *at < changes))
}

/// Whether the server refuses this user.
fn is_denied(error: &RedisError) -> bool {
    let errors = error.clone().into_server_errors();
    let refused = |code: &str| matches!(code, "NOPERM" | "NOAUTH" | "WRONGPASS");
    matches!(error.kind(), ErrorKind::AuthenticationFailed)
        || errors.is_some_and(|errors| errors.iter().all(|(_, error)| refused(error.code())))
}

impl Store for Redis {
    fn run<'a>(&'a self, space: &'a str, operation: Operation, deadline: Instant) -> BoxFuture<'a, Done> {
        super::store::before(&self.name, deadline, self.apply(space, operation)).boxed()
    }
}
