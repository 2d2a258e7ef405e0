//! Where the directory is read from: CloudLink's Admin, Conversations, Presence and Media APIs.
//!
//! Paths that Mitel does not document are assumed (wire reference, 7.1, 8, 9 \[A\]).

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::cloudlink::transport::Lost;
use crate::cloudlink::{Api, Class, CloudLink, Error};
use crate::directory::{List, One, Page, Source, Trouble, Why};

/// How many items a page is asked to have: an answer has at most 1 MiB.
const PAGE: &str = "$top=200";
const ID: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b':').remove(b'@');

/// See the module.
pub(crate) struct Far {
    cloudlink: CloudLink,
    /// As the settings name it, for when CloudLink does not say.
    account_id: String,
    account: OnceCell<String>,
}

impl Far {
    pub(crate) fn new(cloudlink: CloudLink, account_id: String) -> Self {
        Self { cloudlink, account_id, account: OnceCell::new() }
    }

    /// The account as CloudLink addresses it: what `GET /token` says, since live payloads carry that.
    async fn account(&self, timeout: Duration) -> Result<String, Trouble> {
        let known = self.account.get_or_try_init(|| async {
            match self.cloudlink.who_am_i(timeout).await {
                Ok(who) => match who.account_id.filter(|id| !id.is_empty()) {
                    Some(id) => Ok(id),
                    None if !self.account_id.is_empty() => Ok(self.account_id.clone()),
                    None => Err(Trouble::new(Why::Answer, "find out which account it is: nobody says")),
                },
                Err(error) if matches!(error.class(), Class::Final | Class::Moved) && !self.account_id.is_empty() => {
                    Ok(self.account_id.clone())
                }
                Err(error) => Err(trouble(&error)),
            }
        });
        known.await.and_then(|id| segment(id))
    }

    async fn get(&self, api: Api, path: &str, timeout: Duration) -> Result<Value, Trouble> {
        let answer = self.cloudlink.ask(Method::GET, api, path, None, timeout).await;
        answer.map(|(_, body)| body).map_err(|error| trouble(&error))
    }

    async fn read_page(&self, of: List, next: Option<String>, timeout: Duration) -> Result<Page, Trouble> {
        let api = if matches!(of, List::Participants(_)) { Api::Chat } else { Api::Admin };
        let path = match (next, of) {
            (Some(link), _) => link,
            (None, List::Participants(id)) => format!("/conversations/{}/participants?{PAGE}", segment(&id)?),
            (None, of) => {
                let account = self.account(timeout).await?;
                let below = match of {
                    List::Members(group) => format!("groups/{}/members", segment(&group)?),
                    of => of.name().to_owned(),
                };
                format!("/accounts/{account}/{below}?{PAGE}")
            }
        };
        Ok(page_of(self.get(api, &path, timeout).await?))
    }

    async fn read_one(&self, what: One, timeout: Duration) -> Result<Value, Trouble> {
        let (api, path) = match what {
            One::Me => {
                let who = self.cloudlink.who_am_i(timeout).await.map_err(|error| trouble(&error))?;
                return Ok(who.claims);
            }
            One::User(id) => {
                (Api::Admin, format!("/accounts/{}/users/{}", self.account(timeout).await?, segment(&id)?))
            }
            One::Contact(id) => {
                (Api::Admin, format!("/accounts/{}/contacts/{}", self.account(timeout).await?, segment(&id)?))
            }
            One::Conversation(id) => (Api::Chat, format!("/conversations/{}", segment(&id)?)),
            One::Presence(principal) => (Api::Presence, format!("/presentities/{}", segment(&principal)?)),
            One::Endpoint(endpoint) => (Api::Media, format!("/endpoints/{}", segment(&endpoint)?)),
            One::Call(path) => {
                let is_call = path.trim_start_matches('/').rsplit('/').nth(1) == Some("calls") && !path.contains('?');
                if !is_call {
                    return Err(Trouble::new(Why::Unknown, "its path is not that of a call"));
                }
                (Api::Media, path)
            }
        };
        self.get(api, &path, timeout).await
    }
}

impl Source for Far {
    fn page(&self, of: List, next: Option<String>, timeout: Duration) -> BoxFuture<'_, Result<Page, Trouble>> {
        self.read_page(of, next, timeout).boxed()
    }

    fn one(&self, what: One, timeout: Duration) -> BoxFuture<'_, Result<Value, Trouble>> {
        self.read_one(what, timeout).boxed()
    }
}

/// An id as one segment of a path.
fn segment(id: &str) -> Result<String, Trouble> {
    if id.is_empty() || id == "." || id == ".." || id.len() > 512 {
        return Err(Trouble::new(Why::Unknown, "its id is none"));
    }
    Ok(utf8_percent_encode(id, ID).to_string())
}

/// The items and the next link of a collection (11.1 \[C\]).
fn page_of(mut page: Value) -> Page {
    let next = match &page["_links"]["next"] {
        Value::String(link) => Some(link.clone()),
        link => link["href"].as_str().map(str::to_owned),
    };
    let found = match &mut page {
        Value::Array(_) => Some(&mut page),
        Value::Object(fields) if fields.contains_key("items") => fields.get_mut("items"),
        _ => page.pointer_mut("/_embedded/items"),
    };
    match found.map(Value::take) {
        Some(Value::Array(items)) => Page { items, next },
        _ => Page { items: Vec::new(), next },
    }
}

fn trouble(error: &Error) -> Trouble {
    let status = error.status().map(|status| status.as_u16());
    let (why, after) = match (error, error.class()) {
        (_, _) if status == Some(404) => (Why::Unknown, None),
        (Error::SignIn(_), Class::Retry { after }) => (Why::SignIn, after),
        (Error::SignIn(_), _) => (Why::SignIn, None),
        (Error::Lost { lost: Lost::TimedOut | Lost::NotSentInTime, .. }, _) => (Why::Timeout, None),
        (Error::Unreadable { .. }, _) => (Why::Answer, None),
        (Error::Address { .. }, _) => (Why::Unknown, None),
        (Error::Lost { lost: Lost::Held { .. }, .. }, Class::Retry { after }) => (Why::Busy, after),
        (_, Class::Retry { after }) => (Why::Unavailable, after),
        (_, Class::Unknown) => (Why::Unavailable, None),
        _ => (Why::Refused, None),
    };
    Trouble { why, text: error.to_string(), status, after }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn pages_are_read_in_every_shape() {
        let items = vec![json!({ "id": 1 })];
        for (page, next) in [
            (json!([{ "id": 1 }]), None),
            (json!({ "items": [{ "id": 1 }], "_links": { "next": "/n" } }), Some("/n")),
            (json!({ "_embedded": { "items": [{ "id": 1 }] }, "_links": { "next": { "href": "/n" } } }), Some("/n")),
        ] {
            assert_eq!(page_of(page), Page { items: items.clone(), next: next.map(str::to_owned) });
        }
        assert_eq!(page_of(json!({ "count": 0 })), Page::default());
        assert_eq!(page_of(json!(null)), Page::default());
    }

    #[test]
    fn an_id_is_one_segment() {
        assert_eq!(segment("a/b?c%41").unwrap(), "a%2Fb%3Fc%2541");
        assert!(segment("..").is_err() && segment("").is_err());
    }
}
