//! Service Delivery: agreements and products, which are only read, by a partner who signed in as a user. Collections are
//! paged by `offset` and `limit` too.

use serde_json::{Map, Value, json};

use super::answer::{self, Answer, BASE, Refusal};
use super::clock::{Clock, iso};
use super::page::Page;
use super::realm::Account;
use super::service::Service::ServiceDelivery;
use super::service::{Ask, Served, signed};
use super::shelf::Shelf;
use super::variants::Variant;

/// The routes of the Service Delivery API.
pub(crate) static ROUTES: &[Served] = &[
    signed(ServiceDelivery, "GET", "/agreements", |ask| list(ask, &ask.realm().delivery.agreements, true)),
    signed(ServiceDelivery, "GET", "/agreements/{agreementId}", |ask| {
        answer::ok(written(ask, ask.realm().delivery.agreements.get(ask.part("agreementId"))?))
    }),
    signed(ServiceDelivery, "GET", "/products", |ask| list(ask, &ask.realm().delivery.products, false)),
    signed(ServiceDelivery, "GET", "/products/{productId}", |ask| {
        answer::ok(ask.realm().delivery.products.get(ask.part("productId"))?)
    }),
];

/// What an account has bought.
pub(crate) struct Delivery {
    agreements: Shelf,
    products: Shelf,
}

impl Delivery {
    /// Two agreements on three products.
    pub(crate) fn new(account: &Account, clock: Clock) -> Self {
        let now = iso(clock.now());
        let product = |(number, name, price): (u32, &str, f64)| {
            let id = format!("P-{}-{number}", account.number);
            let value = json!({
                "id": id, "name": name, "productSerialNumber": format!("SIM{number:06}"), "status": "active",
                "productPrices": [{
                    "priceType": "recurring", "price": { "amount": price, "units": "USD" },
                    "productPriceAlterations": [{ "name": "Partner", "percentage": -10 }],
                }],
                "_links": { "self": format!("{BASE}/products/{id}") },
            });
            (id, value)
        };
        let agreement = |(number, status): (u32, &str)| {
            let id = format!("A-{}-{number}", account.number);
            let value = json!({
                "id": id, "status": status, "initialDate": now,
                "agreementPeriod": { "startDateTime": now, "endDateTime": "2999-01-01T00:00:00.000Z" },
                "agreementItem": [{
                    "product": [{ "id": format!("P-{}-{number}", account.number) }], "licenseCount": 25 * number,
                }],
                "engagedParty": [{ "id": account.id, "name": account.name, "role": "customer" }],
                "_links": { "self": format!("{BASE}/agreements/{id}") },
            });
            (id, value)
        };
        let products = [(1, "Premier user", 17.5), (2, "Essentials user", 9.0), (3, "Desk phone", 4.25)].map(product);
        Self {
            agreements: Shelf::with("AgreementNotFound", [(1, "active"), (2, "expired")].map(agreement)),
            products: Shelf::with("ProductNotFound", products),
        }
    }
}

fn list(ask: &Ask, shelf: &Shelf, agreements: bool) -> Answer {
    let number = |key: &str, usual: usize| match ask.query.get(key) {
        None => Ok(usual),
        Some(text) => text.parse::<usize>().map_err(|_| Refusal::bad(format!("{key} should be number"))),
    };
    let (offset, limit) = (number("offset", 0)?, number("limit", usize::MAX)?);
    let items = shelf.all().into_iter().skip(offset).take(limit);
    answer::ok(Page::of(ask)?.collection(items.map(|item| if agreements { written(ask, item) } else { item })))
}

/// An agreement as TM Forum names its parts, or as the guide prints them.
fn written(ask: &Ask, agreement: Value) -> Value {
    if !ask.plays(Variant::DeliveryGuide) {
        return agreement;
    }
    let Value::Object(fields) = agreement else { return agreement };
    let renamed = fields.into_iter().map(|(key, value)| {
        let name = match &*key {
            "id" => "Id",
            "status" => "Status",
            "agreementItem" => "agreementItems",
            "engagedParty" => "engagedParties",
            other => other,
        };
        (name.to_owned(), value)
    });
    Value::Object(renamed.collect::<Map<_, _>>())
}
