//! Reading a little of each API: the subscriptions, one user, one site, our own presence, our own phone.

use serde_json::Value;

use super::{Visit, short};
use crate::cloudlink::{Api, Error};
use crate::doctor::{Held, shape};

impl Visit<'_> {
    /// The form of `GET /subscriptions` (3.1 \[P\]).
    pub(super) async fn subscription_list(&mut self) {
        let answer = match self.get(Api::Notifications, "/subscriptions").await {
            Ok(answer) => answer.json().unwrap_or_default(),
            Err(error) => {
                let held = if matches!(error, Error::Answered(_)) { Held::Tolerated } else { Held::Unclear };
                self.learn("subscription-list", held, format!("it can't be read: {}", short(&error)));
                return;
            }
        };
        let Some((form, items)) = shape::List::of(&answer) else {
            let keys = shape::keys(&answer);
            self.learn("subscription-list", Held::No, format!("it is no list that the gateway reads: {keys}"));
            return;
        };
        let has = |name: &str| items.first().is_some_and(|item| item.get(name).is_some());
        let id = match items.first() {
            None => "none there to look at",
            Some(_) if has("subscriptionId") => "ids are called subscriptionId",
            Some(_) if has("id") => "ids are called id",
            Some(_) => "ids are called otherwise",
        };
        let secret = if has("applicationId") { "; it shows applicationIds to whoever may read it" } else { "" };
        let held =
            if form == shape::List::Embedded || form == shape::List::Empty { Held::Yes } else { Held::Tolerated };
        let saw = format!("it is {}, {} on the first page; {id}{secret}", form.words(), items.len());
        self.learn("subscription-list", held, saw);
        if has("applicationId") {
            let todo = "who reads subscriptions can forge notifications: give administrators' roles to few";
            self.warn("subscriptions", "the list shows the keys of signatures", todo);
        }
    }

    /// One user, to see a page (9 \[P\], 11.1).
    pub(super) async fn users(&mut self) {
        let path = format!("/accounts/{}/users?$top=1", self.account);
        match self.get(Api::Admin, &path).await {
            Ok(answer) => self.page(&answer.json().unwrap_or_default()),
            Err(error) => self.learn("pages", Held::Unclear, format!("users can't be read: {}", short(&error))),
        }
    }

    fn page(&mut self, answer: &Value) {
        let Some((form, items)) = shape::List::of(answer) else {
            let keys = shape::keys(answer);
            self.learn("pages", Held::No, format!("the users are no collection that the gateway reads: {keys}"));
            return;
        };
        let next = shape::Next::of(answer);
        let count = match answer["count"].as_u64() {
            Some(count) if count > items.len() as u64 => "count is the total's",
            Some(_) => "count may be the page's or the total's",
            None => "there is no count",
        };
        let top = if items.len() > 1 { "; $top is not heeded" } else { "" };
        let usual = form == shape::List::Embedded && matches!(next, shape::Next::Versioned | shape::Next::Missing);
        let held = if usual { Held::Yes } else { Held::Tolerated };
        self.learn("pages", held, format!("it is {} with {}; {count}{top}", form.words(), next.words()));
    }

    /// What a site tells (9: the names are \[A\]).
    pub(super) async fn sites(&mut self) {
        let path = format!("/accounts/{}/sites?$top=1", self.account);
        let answer = match self.get(Api::Admin, &path).await {
            Ok(answer) => answer.json().unwrap_or_default(),
            Err(error) => {
                self.learn("site-fields", Held::Unclear, format!("sites can't be read: {}", short(&error)));
                return;
            }
        };
        match shape::List::of(&answer).and_then(|(_, items)| items.first()) {
            None => self.learn("site-fields", Held::Unclear, "there is no site to look at"),
            Some(site) => {
                let keys = shape::keys(site);
                let zone = ["timezone", "timeZone", "timeZoneId"].iter().find(|name| site[**name].is_string());
                match zone {
                    Some(name) => self.learn(
                        "site-fields",
                        Held::Yes,
                        format!("the time zone is called {name}; a site has {keys}"),
                    ),
                    None => self.learn("site-fields", Held::No, format!("no time zone is found; a site has {keys}")),
                }
            }
        }
    }

    /// Our own presence (8: the names are \[A\]).
    pub(super) async fn presence(&mut self) {
        let Some(me) = self.me.clone() else { return };
        let answer = match self.get(Api::Presence, &format!("/presentities/{me}")).await {
            Ok(answer) => answer.json().unwrap_or_default(),
            Err(error) => {
                self.learn("presence-shape", Held::Unclear, format!("our own can't be read: {}", short(&error)));
                return;
            }
        };
        match shape::aggregate(&answer) {
            Some("presences.aggregatePresence") if answer.pointer("/presences/aggregatePresence/status").is_none() => {
                let saw = "the aggregate is presences.aggregatePresence, but its keys are in capitals";
                self.learn("presence-shape", Held::Tolerated, saw);
            }
            Some("presences.aggregatePresence") => {
                self.learn("presence-shape", Held::Yes, "the aggregate is presences.aggregatePresence");
            }
            Some(place) => self.learn("presence-shape", Held::Tolerated, format!("the aggregate is {place}")),
            None => {
                let keys = shape::keys(&answer);
                self.learn("presence-shape", Held::No, format!("no aggregate is found in {keys}"));
            }
        }
    }

    /// Our own phone, if we have one (6.3).
    pub(super) async fn endpoint(&mut self) {
        let Some(extension) = self.extension.clone() else {
            self.learn("endpoint-fields", Held::Unclear, "this identity has no extension");
            return;
        };
        match self.get(Api::Media, &format!("/endpoints/{extension}")).await {
            Err(error) => {
                self.learn("endpoint-fields", Held::Unclear, format!("ours can't be read: {}", short(&error)));
            }
            Ok(answer) => {
                let phone = answer.json().unwrap_or_default();
                let wanted = ["state", "userAvailability", "dnd", "messageWaiting"];
                let lacks: Vec<&str> = wanted.into_iter().filter(|name| phone.get(*name).is_none()).collect();
                if lacks.is_empty() {
                    self.learn(
                        "endpoint-fields",
                        Held::Yes,
                        "a phone tells state, userAvailability, dnd, messageWaiting",
                    );
                } else {
                    self.learn(
                        "endpoint-fields",
                        Held::Tolerated,
                        format!("a phone does not tell {}", lacks.join(", ")),
                    );
                }
            }
        }
    }
}
