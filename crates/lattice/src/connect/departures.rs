//! Users whose connection ended, as the servers tell.

use async_nats::{Client, Subscriber};
use futures_util::StreamExt as _;
use serde::Deserialize;

use crate::authority::{self, DISCONNECTS};

/// A user whose connection ended. It is a hint: the user may have another connection, or be back by now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Departure {
    /// The user, as its credentials name it, such as `host.h1`.
    pub user: String,
    /// Why, in the server's words.
    pub reason: String,
}

/// Users whose connection ended, in the order in which the servers tell. There are none where they do not tell.
pub struct Departures(Subscriber);

#[derive(Deserialize)]
struct Event {
    client: Gone,
    #[serde(default)]
    reason: String,
}

/// The token that the server has verified; the client's own name for itself is not asked.
#[derive(Deserialize)]
struct Gone {
    jwt: String,
}

impl Departures {
    pub(super) async fn open(client: &Client) -> Option<Self> {
        client.subscribe(DISCONNECTS).await.ok().map(Self)
    }

    /// The next one; none once the connection has ended for good.
    pub async fn next(&mut self) -> Option<Departure> {
        loop {
            let message = self.0.next().await?;
            // Only the servers can publish here. What cannot be read, or had no token, is no hint.
            if let Ok(Event { client: Gone { jwt }, reason }) = serde_json::from_slice(&message.payload)
                && let Ok(user) = authority::user_of(&jwt)
            {
                return Some(Departure { user, reason });
            }
        }
    }
}
