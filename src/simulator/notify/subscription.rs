//! A subscription: the wish as it was sent, read into what can be evaluated. Deciding whether a publication fits it is
//! pure; where subscriptions are kept and served is elsewhere.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, Utc};
use regex::Regex;
use serde_json::{Map, Value, json};

use super::filter::Filter;
use super::publication::Publication;
use crate::simulator::answer::{BASE, Refusal, only, required, text};
use crate::simulator::clock;
use crate::simulator::world::plain_id;

/// What may be sent; the last ones are the service's own and are ignored.
const KNOWN: [&str; 13] = [
    "applicationId",
    "deviceId",
    "transport",
    "topic",
    "subjectFilter",
    "methodFilter",
    "publicationFilter",
    "expiryDateTime",
    "subscriptionId",
    "createdOn",
    "accountId",
    "principalId",
    "_links",
];

/// What a subscriber wants, proven to be evaluable.
pub(crate) struct Wish {
    pub(crate) application_id: String,
    /// Where to send it: the `deviceId` of a webhook.
    pub(crate) url: String,
    pub(crate) topic: String,
    subject: (String, Regex),
    method: Option<String>,
    publication: Option<(String, Filter)>,
    expiry: Option<DateTime<Utc>>,
}

impl Wish {
    /// Reads the body of `POST /subscriptions`.
    pub(crate) fn read(map: &Map<String, Value>, now: DateTime<Utc>) -> Result<Self, Refusal> {
        only(map, &KNOWN)?;
        let transport = required(map, "transport")?;
        if transport.eq_ignore_ascii_case("websocket") {
            return Err(Refusal::bad("the simulator has no websocket transport yet; use webhook"));
        }
        if !transport.eq_ignore_ascii_case("webhook") {
            return Err(Refusal::bad(format!("transport should be webhook, not {transport}")));
        }
        Ok(Self {
            application_id: required(map, "applicationId")?,
            url: web_address(required(map, "deviceId")?)?,
            topic: required(map, "topic")?,
            subject: pattern(required(map, "subjectFilter")?)?,
            method: text(map, "methodFilter")?,
            publication: text(map, "publicationFilter")?.map(evaluable).transpose()?,
            expiry: text(map, "expiryDateTime")?.map(|text| future(&text, now)).transpose()?,
        })
    }

    /// Whether it has expired.
    pub(crate) fn is_over(&self, now: DateTime<Utc>) -> bool {
        self.expiry.is_some_and(|expiry| expiry <= now)
    }
}

fn web_address(text: String) -> Result<String, Refusal> {
    match url::Url::parse(&text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(text),
        _ => Err(Refusal::bad("deviceId of a webhook should be an http or https URL")),
    }
}

fn pattern(text: String) -> Result<(String, Regex), Refusal> {
    match Regex::new(&text) {
        Ok(regex) => Ok((text, regex)),
        Err(_) => Err(Refusal::bad("subjectFilter should be a regular expression")),
    }
}

fn evaluable(text: String) -> Result<(String, Filter), Refusal> {
    let filter = Filter::parse(&text).map_err(Refusal::bad)?;
    Ok((text, filter))
}

fn future(text: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, Refusal> {
    let at = DateTime::parse_from_rfc3339(text).map_err(|_| Refusal::bad("expiryDateTime should be date-time"))?;
    if at <= now {
        return Err(Refusal::bad("expiryDateTime should be in the future"));
    }
    Ok(at.to_utc())
}

/// A wish with a name, an owner and an end.
pub(crate) struct Subscription {
    pub(crate) id: String,
    pub(crate) principal_id: String,
    pub(crate) wish: Wish,
    created_on: DateTime<Utc>,
    ended: Arc<AtomicBool>,
}

impl Subscription {
    /// A new one, of this principal.
    pub(crate) fn new(principal_id: String, wish: Wish, created_on: DateTime<Utc>) -> Self {
        Self { id: plain_id(), principal_id, wish, created_on, ended: Arc::default() }
    }

    /// The same one with another wish.
    pub(crate) fn with(&self, wish: Wish) -> Self {
        Self {
            wish,
            id: self.id.clone(),
            principal_id: self.principal_id.clone(),
            created_on: self.created_on,
            ended: Arc::clone(&self.ended),
        }
    }

    /// Whether this publication is for it.
    pub(crate) fn wants(&self, publication: &Publication, document: &Value) -> bool {
        let wish = &self.wish;
        wish.topic == publication.topic
            && wish.subject.1.is_match(&publication.subject)
            && wish.method.as_ref().is_none_or(|method| method.eq_ignore_ascii_case(&publication.method))
            && wish.publication.as_ref().is_none_or(|(_, filter)| filter.passes(document))
            && publication.audience.as_ref().is_none_or(|audience| audience.contains(&self.principal_id))
    }

    /// As the API answers it.
    pub(crate) fn document(&self, account_id: &str) -> Value {
        let wish = &self.wish;
        let mut document = json!({
            "subscriptionId": self.id, "applicationId": wish.application_id, "deviceId": wish.url,
            "transport": "webhook", "topic": wish.topic, "subjectFilter": wish.subject.0,
            "accountId": account_id, "principalId": self.principal_id, "createdOn": clock::iso(self.created_on),
            "_links": { "self": format!("{BASE}/subscriptions/{}", self.id) },
        });
        let optional = [
            ("methodFilter", wish.method.clone()),
            ("publicationFilter", wish.publication.as_ref().map(|(text, _)| text.clone())),
            ("expiryDateTime", wish.expiry.map(clock::iso)),
        ];
        for (key, value) in optional.into_iter().filter_map(|(key, value)| Some((key, value?))) {
            document[key] = value.into();
        }
        document
    }

    /// From now on nothing more is sent.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Relaxed);
    }

    /// Whether it was ended.
    pub(crate) fn is_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }
}
