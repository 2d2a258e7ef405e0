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
use crate::simulator::variants::{Variant, Variants};
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
    /// Not needed for a websocket.
    pub(crate) application_id: String,
    /// Where to send it: the `deviceId` of a webhook is its URL, that of a websocket the id of an MQTT client.
    pub(crate) device_id: String,
    /// Whether it goes to a webhook. To a websocket nothing is sent: there is no MQTT listener here.
    pub(crate) is_webhook: bool,
    pub(crate) topic: String,
    subject: (String, Regex),
    method: Option<(String, Regex)>,
    publication: Option<(String, Filter)>,
    expiry: Option<DateTime<Utc>>,
}

impl Wish {
    /// Reads the body of `POST /subscriptions`.
    pub(crate) fn read(map: &Map<String, Value>, now: DateTime<Utc>, variants: Variants) -> Result<Self, Refusal> {
        only(map, &KNOWN)?;
        let transport = required(map, "transport")?;
        let is_webhook = transport.eq_ignore_ascii_case("webhook");
        if !is_webhook && !transport.eq_ignore_ascii_case("websocket") {
            return Err(Refusal::bad(format!("transport should be webhook or websocket, not {transport}")));
        }
        let device_id = required(map, "deviceId")?;
        Ok(Self {
            application_id: if is_webhook {
                required(map, "applicationId")?
            } else {
                text(map, "applicationId")?.unwrap_or_default()
            },
            device_id: if is_webhook { web_address(device_id)? } else { client_id(device_id)? },
            is_webhook,
            topic: required(map, "topic")?,
            subject: pattern(required(map, "subjectFilter")?, variants.has(Variant::SubjectFilterStart))?,
            method: text(map, "methodFilter")?.map(|text| method(text, variants)).transpose()?,
            publication: text(map, "publicationFilter")?.map(evaluable).transpose()?,
            expiry: text(map, "expiryDateTime")?.map(|text| future(&text, now)).transpose()?,
        })
    }

    /// Whether it asks for the same, but for when it ends.
    fn is_like(&self, other: &Self) -> bool {
        let key = |wish: &Self| {
            let method = wish.method.as_ref().map(|(text, _)| text.clone());
            let publication = wish.publication.as_ref().map(|(text, _)| text.clone());
            (
                wish.application_id.clone(),
                wish.device_id.clone(),
                wish.topic.clone(),
                wish.subject.0.clone(),
                method,
                publication,
            )
        };
        self.is_webhook == other.is_webhook && key(self) == key(other)
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

/// The id of an MQTT client.
fn client_id(text: String) -> Result<String, Refusal> {
    let fits = text.len() <= 128 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    fits.then_some(text).ok_or_else(|| Refusal::bad("deviceId of a websocket should be the id of an MQTT client"))
}

fn pattern(text: String, from_start: bool) -> Result<(String, Regex), Refusal> {
    let wrong = |_| Refusal::bad("subjectFilter should be a regular expression");
    let regex = Regex::new(&text).map_err(wrong)?;
    let regex = if from_start { Regex::new(&format!(r"\A(?:{text})")).map_err(wrong)? } else { regex };
    Ok((text, regex))
}

/// A verb, or under a variant a regular expression.
fn method(text: String, variants: Variants) -> Result<(String, Regex), Refusal> {
    let inner = if variants.has(Variant::MethodFilterPattern) { text.clone() } else { regex::escape(&text) };
    let regex = Regex::new(&format!(r"(?i)\A(?:{inner})\z"));
    regex.map(|regex| (text, regex)).map_err(|_| Refusal::bad("methodFilter should be a regular expression"))
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

/// Whose a subscription is.
#[derive(Clone)]
pub(crate) struct Owner {
    pub(crate) account_id: String,
    pub(crate) principal_id: String,
    /// The number of the token that made it, if one did.
    pub(crate) token: Option<u64>,
}

/// A wish with a name, an owner and an end.
pub(crate) struct Subscription {
    pub(crate) id: String,
    pub(crate) owner: Owner,
    pub(crate) wish: Wish,
    pub(super) created_on: DateTime<Utc>,
    ended: Arc<AtomicBool>,
}

impl Subscription {
    /// A new one.
    pub(crate) fn new(owner: Owner, wish: Wish, created_on: DateTime<Utc>) -> Self {
        Self { id: plain_id(), owner, wish, created_on, ended: Arc::default() }
    }

    /// Whether it is the same owner's and asks for the same.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        self.owner.account_id == other.owner.account_id
            && self.owner.principal_id == other.owner.principal_id
            && self.wish.is_like(&other.wish)
    }

    /// The same one with another wish.
    pub(crate) fn with(&self, wish: Wish) -> Self {
        Self {
            wish,
            id: self.id.clone(),
            owner: self.owner.clone(),
            created_on: self.created_on,
            ended: Arc::clone(&self.ended),
        }
    }

    /// Whether this publication is for it.
    pub(crate) fn wants(&self, publication: &Publication, document: &Value) -> bool {
        let wish = &self.wish;
        wish.topic == publication.topic
            && self.owner.account_id == publication.account_id
            && wish.subject.1.is_match(&publication.subject)
            && wish.method.as_ref().is_none_or(|(_, method)| method.is_match(&publication.method))
            && wish.publication.as_ref().is_none_or(|(_, filter)| filter.passes(document))
            && publication.audience.as_ref().is_none_or(|audience| audience.contains(&self.owner.principal_id))
    }

    /// As the API answers it.
    pub(crate) fn document(&self, variants: Variants) -> Value {
        let (wish, id) = (&self.wish, &self.id);
        let key = if variants.has(Variant::SubscriptionId) { "id" } else { "subscriptionId" };
        let mut document = json!({
            key: id, "applicationId": wish.application_id, "deviceId": wish.device_id,
            "transport": if wish.is_webhook { "webhook" } else { "websocket" },
            "topic": wish.topic, "subjectFilter": wish.subject.0, "accountId": self.owner.account_id,
            "principalId": self.owner.principal_id, "createdOn": clock::iso(self.created_on),
            "_links": { "self": format!("{BASE}/subscriptions/{id}") },
        });
        let optional = [
            ("methodFilter", wish.method.as_ref().map(|(text, _)| text.clone())),
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
