//! Where the directory is read from: CloudLink's Admin, Conversations, Presence and Media APIs.
//!
//! Routes are the client's places, so that a setting can move those that are assumed (wire reference, 7.1, 8, 9 \[A\]).

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{StreamExt, TryStreamExt};
use futures_util::{FutureExt, TryFutureExt};
use reqwest::Method;
use serde_json::Value;
use tokio::sync::OnceCell;
use tokio::time::Instant;

use crate::cloudlink::transport::Lost;
use crate::cloudlink::{Api, Auth, Class, CloudLink, Error, Options, Paging, Place, Query};
use crate::directory::{List, One, Pages, Source, Trouble, Why};

/// How many items a page is asked to have.
const PAGE: Query<'static> = Query { top: Some(200), ..Query::ALL };
/// How long one page may take, and how often it is asked for.
const PATIENCE: Duration = Duration::from_secs(20);
const ATTEMPTS: u32 = 4;
/// How many pages of a collection are read.
const MOST_PAGES: usize = 5000;
/// How long it is remembered that CloudLink does not say who we are.
const REFUSED: Duration = Duration::from_mins(1);
/// The longest id.
const MOST_ID: usize = 512;

/// See the module.
pub(crate) struct Far {
    cloudlink: CloudLink,
    /// As the settings name it, for when CloudLink does not say.
    written: Option<String>,
    account: OnceCell<String>,
    /// Until when CloudLink is not asked again who we are.
    refused: Mutex<Option<Instant>>,
}

impl Far {
    pub(crate) fn new(cloudlink: CloudLink, options: &Options) -> Self {
        let written = Some(options.account_id.clone()).filter(|id| !id.is_empty());
        // The role's account is the one that is acted in; the token may say the partner's own.
        let assumed = match &options.auth {
            Auth::Assumed { role, .. } => role.account_id.clone().filter(|id| !id.is_empty()),
            _ => None,
        };
        Self { cloudlink, written, account: OnceCell::new_with(assumed), refused: Mutex::default() }
    }

    /// The account as CloudLink addresses it: what `GET /token` says, since live payloads carry that. What the settings
    /// say is taken as long as CloudLink refuses to say, and not remembered.
    async fn account(&self, timeout: Duration) -> Result<String, Trouble> {
        let refused = *self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some(written), true) = (&self.written, refused.is_some_and(|until| Instant::now() < until)) {
            return Ok(written.clone());
        }
        let known = self.account.get_or_try_init(|| async {
            let who = self.cloudlink.who_am_i(timeout).await?;
            Ok::<_, Error>(
                who.account_id.filter(|id| !id.is_empty()).or_else(|| self.written.clone()).unwrap_or_default(),
            )
        });
        match known.await {
            Ok(id) if id.is_empty() => Err(Trouble::new(Why::Answer, "find out which account it is: nobody says")),
            Ok(id) => Ok(id.clone()),
            Err(error @ Error::SignIn(_)) => Err(trouble(&error)),
            Err(error) => match &self.written {
                Some(written) if matches!(error.class(), Class::Final | Class::Moved) => {
                    let until = Instant::now() + REFUSED;
                    *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
                    Ok(written.clone())
                }
                _ => Err(trouble(&error)),
            },
        }
    }

    async fn read_pages(&self, of: List, within: Duration) -> Result<Pages<'_>, Trouble> {
        let until = Instant::now() + within;
        let (place, id) = match of {
            List::Users => (Place::AccountUsers, None),
            List::Contacts => (Place::Contacts, None),
            List::Groups => (Place::Groups, None),
            List::Sites => (Place::Sites, None),
            List::Members(group) => (Place::Members, Some(group)),
            List::Participants(conversation) => (Place::Participants, Some(conversation)),
        };
        if let Some(id) = &id {
            check(id)?;
        }
        let account = if place.api() == Api::Admin { Some(self.account(within.min(PATIENCE)).await?) } else { None };
        let ids: Vec<&str> = account.iter().chain(&id).map(String::as_str).collect();
        let within = until.saturating_duration_since(Instant::now());
        let paging = Paging { timeout: within.min(PATIENCE), ..Paging::within(within) };
        let pages = self.cloudlink.pages_of(place, &ids, &PAGE, paging.at_most(MOST_PAGES).trying(ATTEMPTS));
        Ok(pages.map_ok(|page| page.items).map_err(|error| trouble(&error)).boxed())
    }

    async fn read_one(&self, what: One, timeout: Duration) -> Result<Value, Trouble> {
        let (place, id) = match what {
            One::Me => {
                let who = self.cloudlink.who_am_i(timeout).await.map_err(|error| trouble(&error))?;
                return Ok(who.claims);
            }
            One::Call(path) => return self.read_call(&path, timeout).await,
            One::User(id) => (Place::AccountUser, id),
            One::Contact(id) => (Place::Contact, id),
            One::Conversation(id) => (Place::Conversation, id),
            One::Presence(principal) => (Place::Presentity, principal),
            One::Endpoint(endpoint) => (Place::Endpoint, endpoint),
        };
        check(&id)?;
        let account = if place.api() == Api::Admin { Some(self.account(timeout).await?) } else { None };
        let ids: Vec<&str> = account.iter().chain([&id]).map(String::as_str).collect();
        self.cloudlink.object_at(place, &ids, timeout).await.map_err(|error| trouble(&error))
    }

    /// A call lies where its own path says.
    async fn read_call(&self, path: &str, timeout: Duration) -> Result<Value, Trouble> {
        let is_call = path.trim_start_matches('/').rsplit('/').nth(1) == Some("calls") && !path.contains('?');
        if !is_call {
            return Err(Trouble::new(Why::Unknown, "its path is not that of a call"));
        }
        let answer = self.cloudlink.ask(Method::GET, Api::Media, path, None, timeout).await;
        answer.map(|(_, body)| body).map_err(|error| trouble(&error))
    }
}

impl Source for Far {
    fn pages(&self, of: List, within: Duration) -> Pages<'_> {
        self.read_pages(of, within).try_flatten_stream().boxed()
    }

    fn one(&self, what: One, timeout: Duration) -> BoxFuture<'_, Result<Value, Trouble>> {
        self.read_one(what, timeout).boxed()
    }
}

/// Nobody has an id that no path can hold.
fn check(id: &str) -> Result<(), Trouble> {
    if id.is_empty() || id == "." || id == ".." || id.len() > MOST_ID {
        return Err(Trouble::new(Why::Unknown, "it is no id"));
    }
    Ok(())
}

fn trouble(error: &Error) -> Trouble {
    let status = error.status().map(|status| status.as_u16());
    let (why, after) = match (error, error.class()) {
        (_, _) if status == Some(404) => (Why::Unknown, None),
        (Error::SignIn(_), Class::Retry { after }) => (Why::SignIn, after),
        (Error::SignIn(_), _) => (Why::SignIn, None),
        (Error::Lost { lost: Lost::TimedOut | Lost::NotSentInTime, .. }, _) => (Why::Timeout, None),
        (Error::Unreadable { .. }, _) => (Why::Answer, None),
        (Error::Cut { .. }, _) => (Why::Cut, None),
        (Error::Lost { lost: Lost::Held { .. }, .. }, Class::Retry { after }) => (Why::Busy, after),
        (_, Class::Retry { after }) => (Why::Unavailable, after),
        (_, Class::Unknown) => (Why::Unavailable, None),
        _ => (Why::Refused, None),
    };
    Trouble { why, text: error.to_string(), status, after }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use serde_json::json;

    use super::*;
    use crate::cloudlink::testing::{self, Reply, client, options, token_or};
    use crate::directory::all;

    const SOON: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn pages_follow_links_of_every_form_and_a_refusal_to_say_who_we_are_passes() {
        let asked = AtomicUsize::new(0);
        let far = testing::Far::start(move |seen| {
            token_or(seen, || {
                let first = |path: &str| seen.path.starts_with(path);
                if first("/2017-09-01/token") {
                    return match asked.fetch_add(1, Ordering::Relaxed) {
                        0 => Reply::Json(403, json!({ "message": "not yet" })),
                        _ => Reply::Json(200, json!({ "accountId": "theirs" })),
                    };
                }
                if seen.path.contains("skip=") {
                    return Reply::Json(200, json!([{ "id": 2 }]));
                }
                Reply::Json(200, json!({ "items": [{ "id": 1 }], "_links": { "next": "?$skip=200" } }))
            })
        })
        .await;
        let options = options(&far.url);
        let written = options.account_id.clone();
        let source = Far::new(client(&far.url), &options);
        let mut items = Vec::new();
        let whole = all(&source, &List::Users, SOON, |item| items.push(item["id"].clone())).await;
        assert_eq!((whole, items), (Ok(true), vec![json!(1), json!(2)]));
        assert_eq!(source.account(SOON).await.unwrap(), written);
        *source.refused.lock().unwrap() = None;
        assert_eq!(source.account(SOON).await.unwrap(), "theirs");
        assert_eq!(source.account(SOON).await.unwrap(), "theirs");
    }

    #[test]
    fn only_ids_that_are_some_are_asked_for() {
        assert!(check("a/b").is_ok() && check("..").is_err() && check("").is_err());
    }
}
