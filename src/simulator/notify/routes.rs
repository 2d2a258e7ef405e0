//! `/subscriptions`, `/connections` and `/publications`.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::{Owner, Publication, Subscription, Wish};
use crate::simulator::answer::{self, Answer, Refusal, object, only, required, text};
use crate::simulator::gate::unrouted;
use crate::simulator::page::Page;
use crate::simulator::service::Service::Notifications;
use crate::simulator::service::{Ask, Served, signed};
use crate::simulator::variants::Variant;
use crate::simulator::world::plain_id;

/// The routes of the Notifications API.
pub(crate) static ROUTES: &[Served] = &[
    signed(Notifications, "GET", "/subscriptions", list),
    signed(Notifications, "POST", "/subscriptions", subscribe),
    signed(Notifications, "GET", "/subscriptions/{subscriptionId}", one),
    signed(Notifications, "PUT", "/subscriptions/{subscriptionId}", change),
    signed(Notifications, "DELETE", "/subscriptions/{subscriptionId}", unsubscribe),
    signed(Notifications, "POST", "/connections", connect),
    signed(Notifications, "POST", "/publications", publish),
];

fn subscribe(ask: &Ask) -> Answer {
    let (now, variants) = (ask.world.clock.now(), ask.world.options.variants);
    let wish = Wish::read(&object(&ask.body)?, now, variants)?;
    let owner = Owner {
        account_id: ask.realm().account.id.clone(),
        principal_id: ask.by().to_owned(),
        token: Some(ask.holder.number),
    };
    let made = ask.world.notify.subscribe(Subscription::new(owner, wish, now))?;
    let mut document = made.document(variants);
    if let (true, Some(fields)) = (ask.plays(Variant::SubscriptionBare), document.as_object_mut()) {
        fields.retain(|key, _| matches!(&**key, "subscriptionId" | "id"));
    }
    answer::created(document)
}

/// One subscription of the caller's account.
fn held(ask: &Ask) -> Result<Arc<Subscription>, Refusal> {
    ask.world.notify.bury(&ask.world.tokens);
    let id = ask.part("subscriptionId");
    let held = ask.world.notify.get(id)?;
    let own = held.owner.account_id == ask.realm().account.id;
    own.then_some(held).ok_or_else(|| Refusal::missing("SubscriptionNotFound", format!("no subscription {id}")))
}

fn shown(ask: &Ask, held: &Subscription) -> Value {
    let mut document = held.document(ask.world.options.variants);
    if let (true, Some(fields)) = (ask.plays(Variant::SubscriptionSecret), document.as_object_mut()) {
        fields.shift_remove("applicationId");
    }
    document
}

fn list(ask: &Ask) -> Answer {
    if ask.plays(Variant::SubscriptionsRefused) {
        return Err(Refusal::forbidden("subscriptions are not listed"));
    }
    if ask.plays(Variant::SubscriptionsMissing) {
        return Err(Refusal::missing("UnregisteredRoute", "there is no such route"));
    }
    ask.world.notify.bury(&ask.world.tokens);
    let own = |held: &Arc<Subscription>| held.owner.account_id == ask.realm().account.id;
    let items = ask.world.notify.all().into_iter().filter(own).map(|held| shown(ask, &held));
    if ask.plays(Variant::SubscriptionsArray) {
        return answer::ok(items.collect());
    }
    if ask.plays(Variant::SubscriptionsItems) {
        return answer::ok(json!({ "items": items.collect::<Vec<_>>() }));
    }
    answer::ok(Page::of(ask)?.always_listed().collection(items))
}

fn one(ask: &Ask) -> Answer {
    answer::ok(shown(ask, &*held(ask)?))
}

fn change(ask: &Ask) -> Answer {
    if ask.plays(Variant::SubscriptionNoPut) {
        return Ok(unrouted(&ask.headers));
    }
    held(ask)?;
    let wish = Wish::read(&object(&ask.body)?, ask.world.clock.now(), ask.world.options.variants)?;
    let changed = ask.world.notify.change(ask.part("subscriptionId"), wish)?;
    answer::ok(shown(ask, &changed))
}

fn unsubscribe(ask: &Ask) -> Answer {
    held(ask)?;
    ask.world.notify.unsubscribe(ask.part("subscriptionId"))?;
    answer::nothing()
}

/// An address at which an MQTT client would be taken. Nobody listens there.
fn connect(ask: &Ask) -> Answer {
    let map = object(&ask.body)?;
    only(&map, &["transport", "deviceId"])?;
    if !required(&map, "transport")?.eq_ignore_ascii_case("websocket") {
        return Err(Refusal::bad("transport should be websocket"));
    }
    let host = ask.header("host").unwrap_or("127.0.0.1");
    let url = format!("ws://{host}/mqtt?X-Sim-Credential=a%2Fb%2Bc&X-Sim-Signature={}", plain_id());
    answer::created(if ask.plays(Variant::ConnectionNested) {
        json!({ "connectionId": plain_id(), "endpoints": [{ "kind": "mqtt", "address": { "href": url } }] })
    } else if ask.plays(Variant::ConnectionList) {
        json!([{ "websocketUrl": url }])
    } else if ask.plays(Variant::ConnectionText) {
        url.into()
    } else {
        json!({ "connectionId": plain_id(), "transport": "websocket", "url": url })
    })
}

fn publish(ask: &Ask) -> Answer {
    let map = object(&ask.body)?;
    only(&map, &["topic", "method", "subject", "content", "accountId", "principalId", "principalFilter"])?;
    let content = map.get("content").cloned().ok_or_else(|| Refusal::bad("should have required property 'content'"))?;
    let by = text(&map, "principalId")?.unwrap_or_else(|| ask.by().to_owned());
    let account = &ask.realm().account;
    if text(&map, "accountId")?.is_some_and(|id| !account.is_named(&id)) {
        return Err(Refusal::forbidden("the account is not yours"));
    }
    let whose = (&*account.id, &*by);
    let (topic, method) = (required(&map, "topic")?, required(&map, "method")?);
    let mut publication = Publication::new(&topic, &method, required(&map, "subject")?, content, whose);
    publication.audience = principals(&map)?;
    ask.world.notify.publish(&publication);
    tracing::info!(target: "simulator", topic = publication.topic, subject = publication.subject, "published");
    if ask.plays(Variant::PublicationAccepted) {
        return Ok::<Response, _>(StatusCode::ACCEPTED.into_response());
    }
    answer::created(publication.document())
}

/// `principalFilter`: one principal or several.
fn principals(map: &Map<String, Value>) -> Result<Option<Vec<String>>, Refusal> {
    match map.get("principalFilter") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(one)) => Ok(Some(vec![one.clone()])),
        Some(several) => serde_json::from_value(several.clone())
            .map(Some)
            .map_err(|_| Refusal::bad("principalFilter should be string or array of string")),
    }
}
