//! Any route of any API, as a rule names it.

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use url::Url;

use super::client::{Api, Call, CloudLink};
use super::error::Error;
use super::paging::Paging;
use super::path;
use super::scrub::{without_keys, without_secrets};

/// How many pages of a collection are read, and how many items.
const MAX_PAGES: usize = 100;
const MAX_ITEMS: usize = 10_000;
impl CloudLink {
    /// Makes a request. `path` is below the API's version, or a link that CloudLink gave, with a query that is encoded.
    /// Answers status and body; what can't be read as JSON is text, nothing is null.
    pub async fn ask(
        &self,
        method: Method,
        api: Api,
        path: &str,
        json: Option<&Value>,
        timeout: Duration,
    ) -> Result<(StatusCode, Value), Error> {
        let url = self.any_url(api, path)?;
        let body = json.map(serde_json::to_vec).transpose().map_err(|error| Error::unreadable(api, error))?;
        let call = Call { api, method, url, body: body.map(Bytes::from), timeout, what: "any route" };
        let answer = self.call_api(call).await?;
        let body = answer.body.map_err(|error| Error::body(api, error))?;
        let mut body = serde_json::from_slice(&body).unwrap_or_else(|_| match String::from_utf8_lossy(&body) {
            text if text.trim().is_empty() => Value::Null,
            text => Value::from(text),
        });
        without_secrets(&mut body);
        if api == Api::Notifications {
            without_keys(&mut body);
        }
        Ok((answer.status, body))
    }

    /// Reads a collection, page after page: `{ "items": […], "complete": true }`. Never to another host and never in a
    /// circle.
    pub async fn ask_all(&self, api: Api, path: &str, timeout: Duration) -> Result<(StatusCode, Value), Error> {
        let mut pages = self.pages(api, path, Paging::within(timeout).at_most(MAX_PAGES));
        let (mut items, mut status, mut complete) = (Vec::new(), StatusCode::OK, true);
        while let Some(page) = pages.next().await {
            match page {
                Ok(page) => {
                    status = page.status;
                    items.extend(page.items);
                }
                Err(Error::Cut { .. }) => complete = false,
                Err(error) => return Err(error),
            }
            if items.len() > MAX_ITEMS {
                items.truncate(MAX_ITEMS);
                complete = false;
                break;
            }
        }
        Ok((status, json!({ "items": items, "complete": complete })))
    }

    pub(super) fn any_url(&self, api: Api, path: &str) -> Result<Url, Error> {
        let address = |why| Error::Address { what: "the path", why };
        let path = path.split('#').next().unwrap_or_default();
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        let mut url = path::below(self.base(api)?, path).map_err(address)?;
        url.set_query(query.map(path::encode_query).as_deref());
        Ok(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloudlink::testing::{Far, Reply, Seen, client, token_or};

    const SOON: Duration = Duration::from_secs(3);

    async fn far() -> Far {
        Far::start(|seen: &Seen| {
            token_or(seen, || match (seen.method.as_str(), seen.path.as_str()) {
                ("GET", "/2017-09-01/users/u%2F1/attendances?$top=2") => Reply::Json(
                    200,
                    json!({
                        "_embedded": { "items": [{ "id": 1, "sipPassword": "x" }] },
                        "_links": { "next": "/2017-09-01/more" },
                    }),
                ),
                ("GET", "/2017-09-01/more") => {
                    Reply::Json(200, json!({ "items": [{ "id": 2 }], "_links": { "next": "/2017-09-01/more" } }))
                }
                ("GET", "/2017-09-01/users/u-1") => {
                    Reply::Json(200, json!({ "name": "Ada", "list": [{ "clientSecret": "x", "sipPassword": "y" }] }))
                }
                ("DELETE", _) => Reply::Text(204, "text/plain", String::new()),
                ("POST", _) => Reply::Text(201, "text/plain", "made".to_owned()),
                _ => Reply::Json(404, json!({ "name": "NotFound" })),
            })
        })
        .await
    }

    #[tokio::test]
    async fn any_route_is_reached() {
        let far = far().await;
        let cloudlink = client(&far.url);
        let ask = |method, path| cloudlink.ask(method, Api::Admin, path, None, SOON);
        let found = ask(Method::GET, "/users/u-1").await.unwrap();
        assert_eq!(found, (StatusCode::OK, json!({ "name": "Ada", "list": [{}] })));
        assert_eq!(ask(Method::DELETE, "/2017-09-01/users/u-1").await.unwrap(), (StatusCode::NO_CONTENT, Value::Null));
        let body = json!({ "a": 1 });
        let made = cloudlink.ask(Method::POST, Api::Admin, "/users", Some(&body), SOON).await.unwrap();
        assert_eq!(made, (StatusCode::CREATED, json!("made")));
        assert_eq!(far.seen("/users").last().unwrap().body, r#"{"a":1}"#);
        for path in ["/users/../clients", "/users/%2e%2e/clients", "http://127.0.0.1:1/x", "/a\\b", "/"] {
            assert!(matches!(ask(Method::GET, path).await, Err(Error::Address { .. })), "{path}");
        }
    }

    #[tokio::test]
    async fn pages_are_one_list() {
        let far = far().await;
        let all = client(&far.url).ask_all(Api::Media, "/users/u%2F1/attendances?$top=2", SOON).await.unwrap();
        assert_eq!(all, (StatusCode::OK, json!({ "items": [{ "id": 1 }, { "id": 2 }], "complete": false })));
        assert_eq!(far.seen("/more").len(), 1, "a link that leads in a circle is not followed");
    }
}
