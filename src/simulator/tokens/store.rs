//! What was given out: access tokens, refresh tokens and codes, and whom they stand for. All are opaque. Bounded: of each
//! kind so many are remembered.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::simulator::clock::Clock;
use crate::simulator::options::Options;
use crate::simulator::realm::Realm;
use crate::simulator::variants::{Variant, Variants};
use crate::simulator::world::plain_id;

/// Tokens of one kind that are remembered; beyond that the first to expire goes.
const MOST: usize = 10_000;

/// What a principal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Client,
    Anonymous,
    User,
    Guest,
}

/// Whom a token stands for.
#[derive(Clone)]
pub(crate) struct Holder {
    pub(crate) realm: Arc<Realm>,
    pub(crate) principal_id: String,
    pub(crate) role: String,
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) scope: String,
    /// What GET /token says beyond that.
    pub(crate) claims: Map<String, Value>,
    pub(crate) issued_ms: i64,
    pub(crate) expires_ms: i64,
    /// Counts the tokens that were given out.
    pub(crate) number: u64,
}

impl Holder {
    /// One who has no token yet.
    pub(crate) fn new(realm: &Arc<Realm>, principal_id: &str, role: &str, name: &str, kind: Kind) -> Self {
        Self {
            realm: Arc::clone(realm),
            principal_id: principal_id.to_owned(),
            role: role.to_owned(),
            name: name.to_owned(),
            kind,
            scope: "read write".to_owned(),
            claims: Map::new(),
            issued_ms: 0,
            expires_ms: 0,
            number: 0,
        }
    }

    /// Whether it acts for a partner.
    pub(crate) fn is_partner(&self) -> bool {
        matches!(&*self.role, "PARTNER_ADMIN" | "GLOBAL_ADMIN")
    }

    /// Whether it may change what belongs to the account.
    pub(crate) fn is_admin(&self) -> bool {
        self.is_partner() || self.role == "ACCOUNT_ADMIN"
    }

    /// Whether the account and the user behind it are still there and active.
    pub(crate) fn is_good(&self) -> bool {
        self.realm.is_active() && (self.kind != Kind::User || self.realm.directory.user(&self.principal_id).is_some())
    }
}

/// What a code stands for until it is used.
pub(crate) struct Code {
    pub(crate) holder: Holder,
    pub(crate) client_id: String,
    pub(crate) redirect_uri: Option<String>,
    pub(crate) challenge: Option<String>,
    pub(crate) expires_ms: i64,
}

/// All tokens and codes that were given out. A refresh token and a code are good once.
pub(crate) struct Tokens {
    clock: Clock,
    lifetime: Duration,
    refresh_lifetime: Duration,
    code_lifetime: Duration,
    variants: Variants,
    given: Mutex<Given>,
}

#[derive(Default)]
struct Given {
    access: HashMap<String, Arc<Holder>>,
    refresh: HashMap<String, Arc<Holder>>,
    codes: HashMap<String, Code>,
    last: u64,
}

impl Tokens {
    /// None given out yet.
    pub(crate) fn new(clock: Clock, options: &Options) -> Self {
        Self {
            clock,
            lifetime: options.token_lifetime,
            refresh_lifetime: options.refresh_lifetime,
            code_lifetime: options.code_lifetime,
            variants: options.variants,
            given: Mutex::default(),
        }
    }

    fn given(&self) -> MutexGuard<'_, Given> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn until(&self, lifetime: Duration) -> i64 {
        self.clock.epoch_ms().saturating_add(i64::try_from(lifetime.as_millis()).unwrap_or(i64::MAX / 2))
    }

    /// Who holds this access token, if it is valid now.
    pub(crate) fn holder(&self, token: &str) -> Option<Arc<Holder>> {
        self.given().access.get(token).filter(|holder| holder.expires_ms > self.clock.epoch_ms()).cloned()
    }

    /// Whether the access token with this number is valid now.
    pub(crate) fn is_held(&self, number: u64) -> bool {
        let now = self.clock.epoch_ms();
        self.given().access.values().any(|holder| holder.number == number && holder.expires_ms > now)
    }

    /// Makes every token worthless, refresh tokens and codes too. Answers how many access tokens that were.
    pub(crate) fn revoke_all(&self) -> usize {
        let mut given = self.given();
        given.refresh.clear();
        given.codes.clear();
        std::mem::take(&mut given.access).len()
    }

    /// Makes one token worthless: this one, be it for access or refresh, or the access token that was given out last.
    /// Whether there was one.
    pub(crate) fn revoke_one(&self, token: Option<&str>) -> bool {
        let mut given = self.given();
        let last = given.access.iter().max_by_key(|(_, holder)| holder.number).map(|(token, _)| token.clone());
        let token = token.map(str::to_owned).or(last);
        token.is_some_and(|token| given.access.remove(&token).or_else(|| given.refresh.remove(&token)).is_some())
    }

    /// Uses a refresh token up, unless a variant lets it stay good.
    pub(super) fn spend(&self, refresh: &str) -> Option<Arc<Holder>> {
        let mut given = self.given();
        let stays = self.variants.has(Variant::RefreshReusable) || self.variants.has(Variant::RefreshKept);
        let held = if stays { given.refresh.get(refresh).cloned() } else { given.refresh.remove(refresh) };
        held.filter(|holder| holder.expires_ms > self.clock.epoch_ms())
    }

    /// A new pair of tokens as the service answers it.
    pub(super) fn issue(&self, holder: Holder, with_refresh: bool) -> Value {
        let (access, refresh) = (opaque("sim-access-"), opaque("sim-refresh-"));
        let (access_until, refresh_until) = (self.until(self.lifetime), self.until(self.refresh_lifetime));
        let (mut given, now) = (self.given(), self.clock.epoch_ms());
        given.last += 1;
        let scope = holder.scope.clone();
        let holder = Holder { number: given.last, issued_ms: now, ..holder };
        let until = |expires_ms| Arc::new(Holder { expires_ms, ..holder.clone() });
        remember(&mut given.access, access.clone(), until(access_until), now, |holder| holder.expires_ms);
        let seconds = self.lifetime.as_secs();
        let expires_in =
            if self.variants.has(Variant::ExpiresInText) { seconds.to_string().into() } else { Value::from(seconds) };
        let mut answer =
            json!({ "token_type": "bearer", "expires_in": expires_in, "access_token": access, "scope": scope });
        if with_refresh && !self.variants.has(Variant::NoRefreshToken) {
            remember(&mut given.refresh, refresh.clone(), until(refresh_until), now, |holder| holder.expires_ms);
            answer["refresh_token"] = refresh.into();
        }
        answer
    }

    /// A new code.
    pub(super) fn give_code(&self, code: Code) -> String {
        let text = opaque("sim-code-");
        let code = Code { expires_ms: self.until(self.code_lifetime), ..code };
        let now = self.clock.epoch_ms();
        remember(&mut self.given().codes, text.clone(), code, now, |code| code.expires_ms);
        text
    }

    /// Uses a code up, whatever becomes of it.
    pub(super) fn spend_code(&self, code: &str) -> Option<Code> {
        self.given().codes.remove(code).filter(|code| code.expires_ms > self.clock.epoch_ms())
    }
}

fn opaque(prefix: &str) -> String {
    format!("{prefix}{}{}", plain_id(), plain_id())
}

fn remember<K: Hash + Eq + Clone, V>(held: &mut HashMap<K, V>, key: K, value: V, now: i64, until: impl Fn(&V) -> i64) {
    if held.len() >= MOST {
        held.retain(|_, value| until(value) > now);
        let first = held.iter().min_by_key(|(_, value)| until(value)).map(|(key, _)| key.clone());
        first.filter(|_| held.len() >= MOST).map(|key| held.remove(&key));
    }
    held.insert(key, value);
}
