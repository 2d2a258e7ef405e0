//! Collections, page after page (wire reference, 11.1 \[C, SW, AS, SD\]).
//!
//! One page is in memory at a time. A stream that ends without an error has told all there is; one that had to stop
//! before the end says so with [`Error::Cut`]. What is done with the items is the caller's.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use reqwest::{Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use super::client::{Api, Call, CloudLink};
use super::error::{Class, Error};
use super::path;
use super::scrub::{without_keys, without_secrets};
use super::transport::BodyError;

/// How many pages are read if nothing else is said.
pub const MAX_PAGES: usize = 10_000;

/// The most that is read of one page, in bytes: some thousands of users.
const MAX_PAGE: usize = 4 * 1024 * 1024;

/// Half the pause after the first attempt, and the longest that a far side may ask for.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How a collection is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paging {
    /// How long each page may take.
    pub timeout: Duration,
    /// When all must be over, however long a page may take.
    pub deadline: Option<Instant>,
    /// How many pages are read at most.
    pub max_pages: usize,
    /// Whether secrets stay in the items, for somebody who asked for them.
    pub with_secrets: bool,
    /// How often a page is asked for that does not come, with pauses between.
    pub attempts: u32,
}

impl Paging {
    /// So long for each page, and [`MAX_PAGES`] of them.
    pub const fn each(timeout: Duration) -> Self {
        Self { timeout, deadline: None, max_pages: MAX_PAGES, with_secrets: false, attempts: 1 }
    }

    /// So long for all of them together.
    pub fn within(timeout: Duration) -> Self {
        Self { deadline: Some(Instant::now() + timeout), ..Self::each(timeout) }
    }

    /// At most so many pages.
    pub const fn at_most(self, max_pages: usize) -> Self {
        Self { max_pages, ..self }
    }

    /// With the secrets in the items.
    #[must_use]
    pub const fn with_secrets(self, with_secrets: bool) -> Self {
        Self { with_secrets, ..self }
    }

    /// So many attempts for each page.
    pub const fn trying(self, attempts: u32) -> Self {
        Self { attempts, ..self }
    }

    /// The pause after a failed attempt, unless it was the last.
    fn pause(&self, attempt: u32, error: &Error) -> Option<Duration> {
        let after = match (error, error.class()) {
            (Error::SignIn(_), _) => return None,
            (_, Class::Retry { after }) => after,
            // To read twice does no harm.
            (_, Class::Unknown) => None,
            _ => return None,
        };
        let pause = after.unwrap_or(FIRST_PAUSE * 2u32.saturating_pow(attempt.min(8))).min(LONGEST_PAUSE);
        let in_time = self.deadline.is_none_or(|deadline| Instant::now() + pause < deadline);
        (attempt < self.attempts && in_time).then_some(pause)
    }

    fn of_next(&self) -> Duration {
        let left = self.deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        left.map_or(self.timeout, |left| left.min(self.timeout))
    }
}

/// One page of a collection.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The status of the answer.
    pub status: StatusCode,
    /// Its items, secrets taken out unless [`Paging::with_secrets`] is set.
    pub items: Vec<Value>,
}

/// Pages as they come.
pub type Pages = BoxStream<'static, Result<Page, Error>>;
/// Items as they come.
pub type Items<T> = BoxStream<'static, Result<T, Error>>;

impl CloudLink {
    /// The pages of a collection; the next is asked for when the last is taken. `path` is as in [`CloudLink::ask`]. Ends
    /// with an error at the first page that can't be had, and with [`Error::Cut`] where `next` leads in a circle or to
    /// another host, and after the last page that `paging` allows.
    pub fn pages(&self, api: Api, path: &str, paging: Paging) -> Pages {
        let pages = self.pages_at(api, self.any_url(api, path), paging, "a page of any route");
        if api != Api::Notifications || paging.with_secrets {
            return pages;
        }
        let keyless = |mut page: Page| {
            page.items.iter_mut().for_each(without_keys);
            page
        };
        pages.map_ok(keyless).boxed()
    }

    /// The items of a collection, one by one; ends as [`CloudLink::pages`] does. An item that can't be read as `T` is an
    /// error of its own, after which the others follow.
    pub fn items<T: DeserializeOwned + Send + 'static>(&self, api: Api, path: &str, paging: Paging) -> Items<T> {
        items(api, self.pages(api, path, paging))
    }

    /// The pages from a URL on.
    pub(super) fn pages_at(&self, api: Api, first: Result<Url, Error>, paging: Paging, what: &'static str) -> Pages {
        let next = first.map_or_else(Next::Failed, Next::Page);
        let (cloudlink, marks, seen) = (self.clone(), RandomState::new(), HashSet::new());
        let reader = Reader { cloudlink, api, paging, what, next, seen, marks };
        stream::unfold(reader, |mut reader| async move {
            let page = reader.turn().await?;
            Some((page, reader))
        })
        .boxed()
    }
}

/// The items of pages.
pub(super) fn items<T: DeserializeOwned + Send + 'static>(api: Api, pages: Pages) -> Items<T> {
    let read = move |item| serde_json::from_value(item).map_err(|error| Error::unreadable(api, error));
    pages.map_ok(move |page| stream::iter(page.items).map(read)).try_flatten().boxed()
}

struct Reader {
    cloudlink: CloudLink,
    api: Api,
    paging: Paging,
    what: &'static str,
    next: Next,
    /// The URLs that were asked for, by mark: a number for each, whatever their length.
    seen: HashSet<u64>,
    marks: RandomState,
}

enum Next {
    Page(Url),
    Failed(Error),
    End,
}

impl Reader {
    async fn turn(&mut self) -> Option<Result<Page, Error>> {
        match std::mem::replace(&mut self.next, Next::End) {
            Next::Page(url) => Some(self.read_patiently(url).await),
            Next::Failed(error) => Some(Err(error)),
            Next::End => None,
        }
    }

    async fn read_patiently(&mut self, url: Url) -> Result<Page, Error> {
        let mut attempt = 1;
        loop {
            let error = match self.read(url.clone()).await {
                Ok(page) => return Ok(page),
                Err(error) => error,
            };
            let Some(pause) = self.paging.pause(attempt, &error) else { return Err(error) };
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    async fn read(&mut self, url: Url) -> Result<Page, Error> {
        let (api, timeout) = (self.api, self.paging.of_next());
        self.seen.insert(self.marks.hash_one(&url));
        let call = Call { api, method: Method::GET, url: url.clone(), body: None, timeout, what: self.what };
        let answer = self.cloudlink.call_api_for(call, MAX_PAGE).await?;
        let body = answer.body.map_err(|error| match error {
            BodyError::TooLarge { limit } => {
                Error::unreadable(api, format!("a page is larger than {limit} bytes: ask for fewer items by $top"))
            }
            error => Error::body(api, error),
        })?;
        let page = if body.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(&body) };
        let (mut items, link) = page_of(page.map_err(|error| Error::unreadable(api, error))?);
        if !self.paging.with_secrets {
            items.iter_mut().for_each(without_secrets);
        }
        if let Some(link) = link {
            self.next = match self.follow(&url, &link) {
                Ok(next) => Next::Page(next),
                Err(why) => Next::Failed(Error::Cut { api, why }),
            };
        }
        Ok(Page { status: answer.status, items })
    }

    fn follow(&self, page: &Url, link: &str) -> Result<Url, &'static str> {
        if self.seen.len() >= self.paging.max_pages {
            return Err("it has more pages than are read");
        }
        let base = self.cloudlink.base(self.api).map_err(|_| "its API has no base URL")?;
        let next = path::next(base, page, link)?;
        if self.seen.contains(&self.marks.hash_one(&next)) {
            return Err("its pages lead in a circle");
        }
        Ok(next)
    }
}

/// The items and the next link of a collection: a bare array, `items`, or `_embedded.items` (11.1 \[C\]).
fn page_of(mut page: Value) -> (Vec<Value>, Option<String>) {
    let next = match &page["_links"]["next"] {
        Value::String(link) => Some(link.clone()),
        link => link["href"].as_str().map(str::to_owned),
    };
    let found = match &mut page {
        Value::Array(_) => Some(&mut page),
        Value::Object(fields) if fields.contains_key("items") => fields.get_mut("items"),
        _ => page.pointer_mut("/_embedded/items"),
    };
    let items = match found.map(Value::take) {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    };
    (items, next)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cloudlink::testing::{Far, Reply, Seen, client, token_or};

    const SOON: Duration = Duration::from_secs(5);

    async fn read(far: &Far, path: &str, paging: Paging) -> (Vec<Value>, Option<String>) {
        let mut pages = client(&far.url).items(Api::Admin, path, paging);
        let (mut items, mut error) = (Vec::new(), None);
        while let Some(item) = pages.next().await {
            match item {
                Ok(item) => items.push(item),
                Err(failed) => error = Some(failed.to_string()),
            }
        }
        (items, error)
    }

    /// Page `n` of `/2017-09-01/list` links to the next in the form that `link` makes.
    async fn list(pages: usize, link: fn(usize) -> Value) -> Far {
        Far::start(move |seen: &Seen| {
            token_or(seen, || {
                let page = seen.path.split("page=").nth(1).map_or(1, |page| page.parse().unwrap());
                let mut body = json!({ "count": 1, "_embedded": { "items": [{ "id": page, "sipPassword": "x" }] } });
                if page < pages {
                    body["_links"] = json!({ "next": link(page + 1) });
                }
                Reply::Json(200, body)
            })
        })
        .await
    }

    #[tokio::test]
    async fn links_of_every_form_are_followed() {
        let forms: [fn(usize) -> Value; 5] = [
            |page| json!(format!("/2017-09-01/list?$filter=name eq \"O'Hara\"&page={page}")),
            |page| json!({ "href": format!("/2017-09-01/list?page={page}") }),
            |page| json!(format!("?page={page}")),
            |page| json!(format!("/list?page={page}")),
            |page| json!(format!("/2017-09-01/list?a=%20%2b&page={page}#top")),
        ];
        for form in forms {
            let far = list(3, form).await;
            let (items, error) = read(&far, "/list", Paging::each(SOON)).await;
            assert_eq!((items, error), (vec![json!({ "id": 1 }), json!({ "id": 2 }), json!({ "id": 3 })], None));
        }
        let far = list(2, forms[0]).await;
        read(&far, "/list", Paging::each(SOON)).await;
        let second = &far.seen("page=2")[0].path;
        assert_eq!(second, "/2017-09-01/list?$filter=name%20eq%20%22O%27Hara%22&page=2");
    }

    #[tokio::test]
    async fn a_list_that_is_cut_says_so() {
        let next: fn(usize) -> Value = |page| json!(format!("/2017-09-01/list?page={page}"));
        let far = list(5, next).await;
        let (items, error) = read(&far, "/list", Paging::each(SOON).at_most(2)).await;
        assert_eq!((items.len(), far.seen("/list").len()), (2, 2));
        assert!(error.unwrap().contains("more pages"));
        let circle: fn(usize) -> Value = |page| json!(format!("/2017-09-01/list?page={}", page % 3 + 1));
        let far = list(9, circle).await;
        let (items, error) = read(&far, "/list?page=1", Paging::each(SOON)).await;
        assert_eq!((items.len(), far.seen("/list").len()), (3, 3));
        assert!(error.unwrap().contains("circle"));
        let elsewhere: fn(usize) -> Value = |_| json!("https://evil.example/2017-09-01/list");
        let (items, error) = read(&list(2, elsewhere).await, "/list", Paging::each(SOON)).await;
        assert!(items.len() == 1 && error.unwrap().contains("another host"));
        let (items, error) = read(&far, "/../list", Paging::each(SOON)).await;
        assert!(items.is_empty() && error.unwrap().contains("leads elsewhere"));
    }

    #[tokio::test]
    async fn a_page_is_bounded() {
        let far = Far::start(|seen: &Seen| {
            let size = if seen.path.ends_with("most") { MAX_PAGE - 2 } else { MAX_PAGE };
            token_or(seen, || Reply::Text(200, "application/json", format!("[{}]", " ".repeat(size))))
        })
        .await;
        let (items, error) = read(&far, "/too-much", Paging::each(SOON)).await;
        assert!(items.is_empty() && error.unwrap().contains("fewer items by $top"));
        assert_eq!(read(&far, "/most", Paging::each(SOON)).await, (vec![], None));
    }

    #[test]
    fn pages_of_every_form_are_read() {
        for (body, number) in [
            (json!([{ "id": 1 }, { "id": 2 }]), 2),
            (json!({ "items": [{ "id": 1 }] }), 1),
            (json!({ "_embedded": { "items": [{ "id": 1 }] } }), 1),
            (json!({ "count": 0, "_links": { "next": null } }), 0),
            (json!({ "_embedded": {} }), 0),
            (Value::Null, 0),
        ] {
            assert_eq!(page_of(body.clone()).0.len(), number, "{body}");
            assert_eq!(page_of(body).1, None);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn every_page_has_its_own_time_unless_there_is_a_deadline() {
        let (each, all) = (Paging::each(SOON), Paging::within(SOON));
        tokio::time::sleep(SOON / 4 * 3).await;
        assert_eq!((each.of_next(), all.of_next()), (SOON, SOON / 4));
        tokio::time::sleep(SOON).await;
        assert_eq!((each.of_next(), all.of_next()), (SOON, Duration::ZERO));
    }
}
