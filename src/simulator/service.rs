//! The one table of all routes, and how a request gets from it to its handler. A family of resources has its own
//! `ROUTES`; this file joins them, and both the router and [`routes`] are made of the same table, so neither can lie about
//! the other.

use std::collections::HashMap;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{RawPathParams, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};

use super::answer::{Answer, BASE, Refusal};
use super::realm::Realm;
use super::tokens::Holder;
use super::variants::Variant;
use super::world::World;
use super::{admin, chat, delivery, gate, meetings, notify, phones, presence, recordings, spec, tokens};

/// One of CloudLink's services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// Tokens and applications.
    Authentication,
    /// Subscriptions and publications.
    Notifications,
    /// Phones, calls, conferences, recordings.
    Media,
    /// Chats; its host is `chat`.
    Conversations,
    /// Presentities.
    Presence,
    /// Accounts and what belongs to them.
    Admin,
    /// Agreements and products.
    ServiceDelivery,
}

impl Service {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Authentication,
        Self::Notifications,
        Self::Media,
        Self::Conversations,
        Self::Presence,
        Self::Admin,
        Self::ServiceDelivery,
    ];

    /// The first label of its host, and the folder under which the simulator serves it alone.
    pub const fn host(self) -> &'static str {
        match self {
            Self::Authentication => "authentication",
            Self::Notifications => "notifications",
            Self::Media => "media",
            Self::Conversations => "chat",
            Self::Presence => "presence",
            Self::Admin => "admin",
            Self::ServiceDelivery => "service-delivery",
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.host())
    }
}

/// A route that the simulator serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// The service that it belongs to.
    pub service: Service,
    /// `GET`, `POST`, …
    pub method: &'static str,
    /// The path below the version, with `{name}` for what varies.
    pub template: &'static str,
}

/// Every route that the simulator serves, sorted.
pub fn routes() -> &'static [Route] {
    static ALL: LazyLock<Vec<Route>> = LazyLock::new(|| {
        let mut all: Vec<Route> = served().map(|served| served.route).collect();
        all.sort_unstable();
        all
    });
    &ALL
}

/// What a handler is: one that needs no token, or one that is not reached without.
#[derive(Clone, Copy)]
pub(crate) enum Does {
    Open(fn(&Wire) -> Answer),
    Signed(fn(&Ask) -> Answer),
}

/// A route and what it does.
#[derive(Clone, Copy)]
pub(crate) struct Served {
    pub(crate) route: Route,
    does: Does,
}

/// A route that needs a token.
pub(crate) const fn signed(
    service: Service,
    method: &'static str,
    template: &'static str,
    does: fn(&Ask) -> Answer,
) -> Served {
    Served { route: Route { service, method, template }, does: Does::Signed(does) }
}

/// A route that needs none.
pub(crate) const fn open(
    service: Service,
    method: &'static str,
    template: &'static str,
    does: fn(&Wire) -> Answer,
) -> Served {
    Served { route: Route { service, method, template }, does: Does::Open(does) }
}

fn served() -> impl Iterator<Item = &'static Served> {
    let tables = [
        tokens::ROUTES,
        notify::ROUTES,
        phones::ROUTES,
        meetings::ROUTES,
        recordings::ROUTES,
        chat::ROUTES,
        presence::ROUTES,
        delivery::ROUTES,
    ];
    tables.into_iter().chain(admin::tables()).flatten()
}

/// All services behind one base, and each alone under `/HOST/2017-09-01`.
pub(crate) fn router() -> Router<Arc<World>> {
    let all = served().fold(Router::new(), mount).route("/_spec", spec::of_all());
    Service::ALL.into_iter().fold(Router::new().nest(BASE, all), |router, service| {
        let own = served().filter(|served| served.route.service == service);
        let alone = own.fold(Router::new(), mount).route("/_spec", spec::of(service));
        router.nest(&format!("/{}{BASE}", service.host()), alone)
    })
}

/// The part of a path below the version; none if it is not of an API.
pub(crate) fn below_base(path: &str) -> Option<&str> {
    let below = |path: &'_ str| path.starts_with(BASE) && path[BASE.len()..].bytes().next().is_none_or(|b| b == b'/');
    if below(path) {
        return Some(&path[BASE.len()..]);
    }
    let service = path.strip_prefix('/')?.split('/').next()?;
    let rest = &path[1 + service.len()..];
    let known = Service::ALL.iter().any(|known| known.host() == service);
    (known && below(rest)).then(|| &rest[BASE.len()..])
}

fn mount(router: Router<Arc<World>>, served: &'static Served) -> Router<Arc<World>> {
    let filter = match served.route.method {
        "GET" => MethodFilter::GET,
        "POST" => MethodFilter::POST,
        "PUT" => MethodFilter::PUT,
        "PATCH" => MethodFilter::PATCH,
        _ => MethodFilter::DELETE,
    };
    let handle = async move |State(world): State<Arc<World>>, params: RawPathParams, request: Request| {
        answer(served, world, &params, request).await
    };
    router.route(served.route.template, on(filter, handle))
}

async fn answer(served: &'static Served, world: Arc<World>, params: &RawPathParams, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    // The gate has read the body and kept it to its limit.
    let Ok(body) = to_bytes(body, usize::MAX).await else { return Refusal::bad("no body").into_response() };
    let wire = Wire {
        params: params.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
        query: parts.uri.query().map(read_query).unwrap_or_default(),
        path: parts.uri.path().to_owned(),
        headers: parts.headers,
        body,
        world,
    };
    let variants = wire.world.options.variants;
    let answer = match served.does {
        Does::Open(handler) => handler(&wire),
        Does::Signed(handler) => {
            gate::holder(&wire.world, &wire.headers).and_then(|holder| handler(&Ask { wire, holder }))
        }
    };
    match answer {
        Ok(response) => made(response, variants.has(Variant::Ok200) && served.route.service != Service::Authentication),
        Err(refusal) => refusal.shaped(variants),
    }
}

/// What was made is answered with 201, or under a variant with 200.
fn made(mut response: Response, plainly: bool) -> Response {
    if plainly && response.status() == StatusCode::CREATED {
        *response.status_mut() = StatusCode::OK;
    }
    response
}

fn read_query(query: &str) -> HashMap<String, String> {
    url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

/// A request as it came.
pub(crate) struct Wire {
    pub(crate) world: Arc<World>,
    /// Within its router: below the version.
    pub(crate) path: String,
    params: Vec<(String, String)>,
    pub(crate) query: HashMap<String, String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Wire {
    /// What stands for `{key}` of the template, percent-decoded.
    pub(crate) fn part(&self, key: &str) -> &str {
        self.params.iter().find(|(name, _)| name == key).map_or("", |(_, value)| value)
    }

    /// Whether a variant is played.
    pub(crate) fn plays(&self, variant: Variant) -> bool {
        self.world.options.variants.has(variant)
    }

    /// A header's text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Where the caller found the simulator.
    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.header("host").unwrap_or("127.0.0.1"))
    }
}

/// A request with a valid token.
pub(crate) struct Ask {
    wire: Wire,
    pub(crate) holder: Arc<Holder>,
}

impl Ask {
    /// The account that the token is good for; a handler sees no other one's things.
    pub(crate) fn realm(&self) -> &Realm {
        &self.holder.realm
    }

    /// The principal who asks.
    pub(crate) fn by(&self) -> &str {
        &self.holder.principal_id
    }

    /// A part of the path that names a principal, in which `me` is the caller.
    pub(crate) fn principal(&self, key: &str) -> &str {
        match self.part(key) {
            "me" => self.by(),
            other => other,
        }
    }
}

impl Deref for Ask {
    type Target = Wire;

    fn deref(&self) -> &Wire {
        &self.wire
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_route_is_served_twice_and_every_service_has_some() {
        let distinct: BTreeSet<&Route> = routes().iter().collect();
        assert_eq!(distinct.len(), routes().len());
        for service in Service::ALL {
            assert!(routes().iter().any(|route| route.service == service), "{service}");
        }
        // Building it panics if two templates exclude each other.
        drop(router());
    }

    #[test]
    fn what_is_below_the_version_is_found_under_each_base() {
        assert_eq!(below_base("/2017-09-01/token"), Some("/token"));
        assert_eq!(below_base("/2017-09-01"), Some(""));
        assert_eq!(below_base("/chat/2017-09-01/conversations/1"), Some("/conversations/1"));
        assert_eq!(below_base("/service-delivery/2017-09-01/products"), Some("/products"));
        for other in ["/2017-09-012/token", "/control/calls", "/chats/2017-09-01/x", "/authorize", "/", ""] {
            assert_eq!(below_base(other), None, "{other}");
        }
    }
}
