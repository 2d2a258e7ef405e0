//! Each way to sign in on the wire, and refresh tokens that must not be lost.

mod chain;
mod ways;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::cloudlink::CloudLink;
use crate::cloudlink::auth::Application;
use crate::cloudlink::testing::{self, Far, Reply, Seen, client_of, clock};
use crate::cloudlink::transport::Wire;

const SOON: Duration = Duration::from_secs(10);

/// Hands out tokens with a running number; a refresh token is good once. An access token is good until it is revoked.
#[derive(Clone, Default)]
struct Issuer(Arc<Mutex<Books>>);

#[derive(Default)]
struct Books {
    /// Refresh tokens that are good.
    good: Vec<String>,
    given: usize,
    revoked: usize,
    /// How many were refused.
    refused: usize,
}

impl Issuer {
    /// With refresh tokens that somebody else was given.
    fn knows(tokens: &[&str]) -> Self {
        let issuer = Self::default();
        issuer.0.lock().unwrap().good = tokens.iter().map(|token| (*token).to_owned()).collect();
        issuer
    }

    async fn start(&self) -> Far {
        let issuer = self.clone();
        Far::start(move |seen| issuer.answer(seen)).await
    }

    fn answer(&self, seen: &Seen) -> Reply {
        let mut books = self.0.lock().unwrap();
        if seen.method == "POST" {
            let refresh = field(seen, "refresh_token");
            if let Some(refresh) = refresh {
                let Some(at) = books.good.iter().position(|good| *good == refresh) else {
                    books.refused += 1;
                    let said = json!({ "name": "InvalidLoginCredentials", "message": seen.body });
                    return Reply::Json(401, said);
                };
                books.good.remove(at);
            }
            books.given += 1;
            let (access, refresh) = (format!("at-{}", books.given), format!("rt-{}", books.given));
            books.good.push(refresh.clone());
            return Reply::Json(201, json!({ "access_token": access, "refresh_token": refresh, "expires_in": 3600 }));
        }
        let number: usize = seen.headers["authorization"].rsplit('-').next().unwrap().parse().unwrap();
        if number <= books.revoked {
            return Reply::Json(401, json!({ "name": "Unauthorized", "message": seen.headers["authorization"] }));
        }
        Reply::Json(200, json!({ "principalId": format!("p-{number}") }))
    }

    fn revoke(&self) {
        let mut books = self.0.lock().unwrap();
        books.revoked = books.given;
    }

    fn refused(&self) -> usize {
        self.0.lock().unwrap().refused
    }
}

fn fields(seen: &Seen) -> HashMap<String, String> {
    url::form_urlencoded::parse(seen.body.as_bytes()).into_owned().collect()
}

fn field(seen: &Seen, name: &str) -> Option<String> {
    fields(seen).remove(name)
}

fn application(store: &Store) -> Auth {
    Auth::AuthorizationCode(Box::new(Application {
        client_id: "app".into(),
        redirect_uri: "http://127.0.0.1/callback".parse().unwrap(),
        scope: None,
        portal: "http://127.0.0.1:1/authorize".parse().unwrap(),
        store: store.clone(),
    }))
}

/// A store in a folder of its own.
fn place() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(folder.path(), "main");
    (folder, store)
}

/// What a login to `application` at `far` would have stored.
fn login(far: &Far, token: &str, login: &str) -> Stored {
    Stored {
        refresh_token: Secret::new(token),
        issuer: format!("{}/2017-09-01", far.url),
        client_id: Some("app".into()),
        seed: None,
        login: login.into(),
        signed_in: clock().now(),
        stored: clock().now(),
    }
}

fn client(far: &Far, auth: &Auth) -> CloudLink {
    client_of(Options { auth: auth.clone(), ..testing::options(&far.url) }, Wire::new(), &clock())
}

fn on_disk(store: &Store) -> String {
    store.read().unwrap().unwrap().refresh_token.expose().to_owned()
}

async fn until(what: &str, mut look: impl FnMut() -> bool) {
    let began = std::time::Instant::now();
    while !look() {
        assert!(began.elapsed() < SOON, "waited in vain: {what}");
        sleep(Duration::from_millis(5)).await;
    }
}

fn log_in(store: &Store, stored: &Stored) {
    let began = std::time::Instant::now();
    loop {
        if let Some(lock) = store.try_lock().unwrap() {
            return lock.write(stored).unwrap();
        }
        assert!(began.elapsed() < SOON, "the lock is never free");
        std::thread::sleep(Duration::from_millis(2));
    }
}
