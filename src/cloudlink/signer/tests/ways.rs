//! Each way: the fields that are sent, one request for a hundred callers, and nothing secret in what is said.

use futures_util::future::join_all;

use super::*;

type Fields = Vec<(&'static str, &'static str)>;

/// Every way, with the route and the fields of its request.
fn ways(store: &Store) -> Vec<(Auth, &'static str, Fields)> {
    let text = |text: &str| Some(text.to_owned());
    let (ada, email) = (text("Ada"), text("ada@example.com"));
    let guest = Guest { name: ada, email, principal_id: text("g1"), ..Guest::default() };
    let invited = Guest {
        access_code: Some(Secret::new("s3cret & more")),
        principal_id: text("g1"),
        client_id: text("app"),
        ..Guest::default()
    };
    vec![
        (
            Auth::ClientCredentials { client_id: "cid".into(), client_secret: Secret::new("s3cret & more") },
            "/token",
            vec![
                ("grant_type", "client_credentials"),
                ("client_id", "cid"),
                ("client_secret", "s3cret & more"),
                ("account_id", "10000495"),
            ],
        ),
        (
            Auth::Password { username: "ada@example.com".into(), password: Secret::new("s3cret & more") },
            "/token",
            vec![
                ("grant_type", "password"),
                ("username", "ada@example.com"),
                ("password", "s3cret & more"),
                ("account_id", "10000495"),
            ],
        ),
        (
            Auth::Guest(guest),
            "/guest/token",
            vec![("accountId", "10000495"), ("principalId", "g1"), ("name", "Ada"), ("guestEmail", "ada@example.com")],
        ),
        (
            Auth::Guest(invited),
            "/guest/token",
            vec![("accessCode", "s3cret & more"), ("principalId", "g1"), ("client_id", "app")],
        ),
        (
            Auth::RefreshToken { first: Secret::new("s3cret & more"), store: store.clone() },
            "/token",
            vec![("grant_type", "refresh_token"), ("refresh_token", "s3cret & more")],
        ),
        (application(store), "/token", vec![("grant_type", "refresh_token"), ("refresh_token", "s3cret & more")]),
    ]
}

fn asked(far: &Far) -> Vec<Seen> {
    far.seen("token").into_iter().filter(|seen| seen.method == "POST").collect()
}

#[tokio::test]
async fn a_hundred_callers_make_one_request_by_every_way() {
    for at in 0..6 {
        let (_folder, store) = place();
        let issuer = Issuer::knows(&["s3cret & more"]);
        let far = issuer.start().await;
        let (auth, route, sent) = ways(&store).swap_remove(at);
        if auth.application().is_some() {
            log_in(&store, &login(&far, "s3cret & more", "l1"));
        }
        let cloudlink = client(&far, &auth);
        let answers = join_all((0..100).map(|_| cloudlink.who_am_i(SOON))).await;
        assert!(answers.iter().all(Result::is_ok), "{auth:?}: {:?}", answers[0]);
        assert_eq!(asked(&far).len(), 1, "{auth:?}");
        assert_eq!(asked(&far)[0].path, format!("/2017-09-01{route}"));
        let sent: HashMap<_, _> = sent.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        assert_eq!(fields(&asked(&far)[0]), sent, "{auth:?}");
        // Revoked, it costs each caller one attempt more at most, and all of them one renewal.
        issuer.revoke();
        let answers = join_all((0..100).map(|_| cloudlink.who_am_i(SOON))).await;
        assert!(answers.iter().all(Result::is_ok), "{auth:?}: {:?}", answers[0]);
        assert_eq!(asked(&far).len(), 2, "{auth:?}");
    }
}

#[tokio::test]
async fn a_refusal_that_repeats_the_request_gives_nothing_away() {
    let far = Far::start(|seen: &Seen| {
        let echo = format!("{} {} s3cret & more", seen.body, seen.body.replace('+', "%20"));
        Reply::Json(400, json!({ "name": "MissingParameters", "message": echo }))
    })
    .await;
    // All but the guest who needs no secret.
    for at in [0, 1, 3, 4, 5] {
        let (_folder, store) = place();
        let auth = ways(&store).swap_remove(at).0;
        if auth.application().is_some() {
            log_in(&store, &login(&far, "s3cret & more", "l1"));
        }
        let cloudlink = client(&far, &auth);
        let error = cloudlink.who_am_i(SOON).await.unwrap_err();
        let state = cloudlink.token_state();
        let shown = format!("{error} {error:?} {state:?} {auth:?} {cloudlink:?}");
        assert!(shown.contains("[secret]") && !shown.contains("s3cret"), "{shown}");
        assert!(shown.contains("correlation id answered-correlation"), "{shown}");
    }
}

#[tokio::test]
async fn a_guest_without_an_id_keeps_the_one_it_got() {
    let issuer = Issuer::default();
    let far = issuer.start().await;
    let cloudlink = client(&far, &Auth::Guest(Guest::default()));
    cloudlink.who_am_i(SOON).await.unwrap();
    issuer.revoke();
    cloudlink.who_am_i(SOON).await.unwrap();
    let ids: Vec<_> = far.seen("/guest/token").iter().map(|seen| field(seen, "principalId").unwrap()).collect();
    assert_eq!((ids.len(), ids[0].len()), (2, 36));
    assert_eq!(ids[0], ids[1]);
}

#[tokio::test]
async fn a_role_is_assumed_with_ones_own_token_and_renewed_with_it() {
    let issuer = Issuer::default();
    let far = issuer.start().await;
    let own = Auth::ClientCredentials { client_id: "cid".into(), client_secret: Secret::new("s3cret") };
    let role = Role { role: "ACCOUNT_ADMIN".into(), account_id: Some("c1".into()), policy_id: Some("p1".into()) };
    let cloudlink = client(&far, &Auth::Assumed { by: Box::new(own), role });
    for (round, principal) in [(1, "p-2"), (2, "p-4")] {
        let answers = join_all((0..100).map(|_| cloudlink.who_am_i(SOON))).await;
        let principals = answers.iter().map(|answer| answer.as_ref().unwrap().principal_id.as_deref());
        assert!(principals.into_iter().all(|seen| seen == Some(principal)), "calls go by the role: {answers:?}");
        let assumed = far.seen("/assume-role/token");
        assert_eq!(assumed.len(), round);
        assert_eq!(assumed[round - 1].headers["authorization"], format!("Bearer at-{}", round * 2 - 1));
        assert_eq!(assumed[round - 1].headers["content-type"], "application/json");
        assert_eq!(assumed[round - 1].body, r#"{"role":"ACCOUNT_ADMIN","accountId":"c1","policyId":"p1"}"#);
        issuer.revoke();
    }
}

#[tokio::test]
async fn a_role_that_is_refused_names_the_setting_and_not_the_token() {
    let far = Far::start(|seen: &Seen| match seen.headers.get("authorization") {
        Some(bearer) => Reply::Json(403, json!({ "name": "FailedImpersonation", "message": format!("no: {bearer}") })),
        None => Reply::Json(201, json!({ "access_token": "partner-token-1", "expires_in": 60 })),
    })
    .await;
    let own = Auth::Password { username: "ada".into(), password: Secret::new("pw") };
    let role = Role { role: "ACCOUNT_ADMIN".into(), account_id: None, policy_id: None };
    let error = client(&far, &Auth::Assumed { by: Box::new(own), role }).who_am_i(SOON).await.unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(shown.contains("check auth.assume_role") && shown.contains("FailedImpersonation"), "{shown}");
    assert!(!shown.contains("partner-token-1"), "{shown}");
}
