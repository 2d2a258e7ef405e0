//! Clients: identities of servers.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Map, Value};

use crate::cloudlink::client::{Api, CloudLink};
use crate::cloudlink::error::Error;
use crate::cloudlink::object::{Field as _, object};
use crate::cloudlink::paging::{Items, Paging};
use crate::cloudlink::places::Place;
use crate::cloudlink::query::Query;
use crate::cloudlink::scrub::without_secrets;
use crate::cloudlink::verbs;
use crate::kit::secret::Secret;

object! {
    /// A client \[C, G, F91, SH\].
    Client {
        client_id: String = "clientId",
        /// Only of one that was just made.
        client_secret: Secret = "clientSecret",
        name: String = "name",
        role: String = "role",
        kind: String = "type",
        active: bool = "active",
    }

    /// What a new client is to be \[C, G, F91\].
    NewClient {
        name: String = "name",
        role: String = "role",
        /// `DEFAULT` in the guide, `APP` in the forum.
        kind: String = "type",
        active: bool = "active",
        client_id: String = "clientId",
    }
}

impl CloudLink {
    /// Makes a client; its secret is told this once \[C, G\].
    pub async fn create_client(&self, account: &str, new: &NewClient, timeout: Duration) -> Result<Client, Error> {
        let (place, query) = (Place::Clients, Query::ALL);
        let answer = self.exchange(Method::POST, place, &[account], &query, new, timeout).await?;
        let mut value = verbs::json(Api::Admin, answer, true)?;
        let secret = value.get_mut("clientSecret").map(Value::take).and_then(|secret| Secret::read(secret).ok());
        without_secrets(&mut value);
        let fields = match value {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        Ok(Client { client_secret: secret, ..fields.into() })
    }

    /// The clients of an account \[C, G\].
    pub fn clients(&self, account: &str, query: &Query<'_>, paging: Paging) -> Items<Client> {
        self.list(Place::Clients, &[account], query, paging)
    }

    /// One client \[C, G\].
    pub async fn client(&self, account: &str, client: &str, timeout: Duration) -> Result<Client, Error> {
        self.get(Place::Client, &[account, client], &Query::ALL, timeout).await
    }
}
