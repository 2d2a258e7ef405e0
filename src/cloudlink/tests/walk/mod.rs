//! From the name of a recorded exchange to the call of the client that it records.

mod admin;
mod chat;
mod media;
mod small;

use std::collections::BTreeSet;
use std::future::Future;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use serde::Serialize;
use serde_json::Value;

use super::SOON;
use crate::cloudlink::notifications::Connection;
use crate::cloudlink::object::Kept;
use crate::cloudlink::service_delivery::Document;
use crate::cloudlink::{CloudLink, Error, Items, Message, Paging, Place, Query};
use crate::kit::secret::Secret;

const ACCOUNT: &str = "5b1f7c1e-0d52-4c0b-9a57-2f4d5a9e1b01";
const USER: &str = "e3a0b6d2-5a41-4a0c-8c0e-77d1f2a90311";
const ALL: &Query<'static> = &Query::ALL;
const EACH: Paging = Paging::each(SOON);

/// What was read: as it would be written, and the fields that no type knows.
#[derive(Debug, PartialEq)]
pub(super) struct Told {
    pub(super) value: Value,
    pub(super) rest: BTreeSet<String>,
}

trait Tell {
    fn tell(&self) -> Told;
}

impl<T: Kept + Serialize> Tell for T {
    fn tell(&self) -> Told {
        Told { value: serde_json::to_value(self).unwrap(), rest: self.kept().keys().cloned().collect() }
    }
}

fn plain(value: Value) -> Told {
    Told { value, rest: BTreeSet::new() }
}

impl Tell for Value {
    fn tell(&self) -> Told {
        plain(self.clone())
    }
}

impl Tell for () {
    fn tell(&self) -> Told {
        plain(Value::Null)
    }
}

impl Tell for Message {
    fn tell(&self) -> Told {
        assert!(self.id.is_some() && self.created_on.is_some() && self.is_tagged("01J9"));
        plain(self.raw.clone())
    }
}

impl Tell for Document {
    fn tell(&self) -> Told {
        assert!(self.id().is_some() && self.status().as_deref() == Some("active"));
        plain(self.0.clone())
    }
}

impl Tell for Secret {
    fn tell(&self) -> Told {
        plain(serde_json::from_str(self.expose()).unwrap_or_else(|_| self.expose().into()))
    }
}

impl Tell for Connection {
    fn tell(&self) -> Told {
        self.url.tell()
    }
}

impl Tell for reqwest::StatusCode {
    fn tell(&self) -> Told {
        plain(self.as_u16().into())
    }
}

type Answer<'a> = BoxFuture<'a, Result<Told, Error>>;

fn one<'a, T: Tell + 'a>(call: impl Future<Output = Result<T, Error>> + Send + 'a) -> Answer<'a> {
    Box::pin(async move { Ok(call.await?.tell()) })
}

fn all<'a, T: Tell + Send + 'a>(mut items: Items<T>) -> Answer<'a> {
    Box::pin(async move {
        let (mut values, mut rest) = (Vec::new(), BTreeSet::new());
        while let Some(item) = items.next().await {
            let told = item?.tell();
            values.push(told.value);
            rest.extend(told.rest);
        }
        Ok(Told { value: values.into(), rest })
    })
}

pub(super) async fn call(cloudlink: &CloudLink, name: &str) -> Result<Told, Error> {
    let route = name.split(':').next().unwrap();
    let api = route_api(route);
    match api {
        "authentication" | "notifications" | "presence" | "service_delivery" => small::call(cloudlink, route).await,
        "media" => media::call(cloudlink, name).await,
        "chat" => chat::call(cloudlink, name).await,
        _ => admin::call(cloudlink, route).await,
    }
}

fn route_api(name: &str) -> &'static str {
    let place = name.split(' ').nth(1).unwrap();
    Place::named(place).unwrap_or_else(|| panic!("{name}: no such place")).api().name()
}
