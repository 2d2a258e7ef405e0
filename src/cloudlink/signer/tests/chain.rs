//! Refresh tokens: each is good once, so that every new one must be on disk before the next is asked for.

use futures_util::future::join_all;

use super::*;

#[tokio::test]
async fn what_comes_is_on_disk_before_the_access_token_is_used() {
    let (_folder, store) = place();
    let (issuer, seen) = (Issuer::knows(&["rt-0"]), Arc::new(Mutex::new(Vec::new())));
    let far = Far::start({
        let (issuer, store, seen) = (issuer.clone(), store.clone(), seen.clone());
        move |request| {
            if request.method == "GET" {
                let number = request.headers["authorization"].rsplit('-').next().unwrap();
                seen.lock().unwrap().push((format!("rt-{number}"), on_disk(&store)));
            }
            issuer.answer(request)
        }
    })
    .await;
    log_in(&store, &login(&far, "rt-0", "l1"));
    let cloudlink = client(&far, &application(&store));
    for round in 1..4 {
        let who = cloudlink.who_am_i(SOON).await.unwrap();
        assert_eq!(who.principal_id, Some(format!("p-{round}")));
        cloudlink.0.tokens.forget();
    }
    let seen = seen.lock().unwrap().clone();
    assert!(seen.len() == 3 && seen.iter().all(|(expected, there)| expected == there), "{seen:?}");
    let stored = store.read().unwrap().unwrap();
    assert_eq!((&*stored.login, stored.client_id.as_deref()), ("l1", Some("app")), "the login's story goes on");
    assert_eq!(issuer.refused(), 0);
}

#[tokio::test]
async fn many_processes_pass_one_chain_on() {
    let (_folder, store) = place();
    let issuer = Issuer::knows(&["rt-0"]);
    let far = issuer.start().await;
    log_in(&store, &login(&far, "rt-0", "l1"));
    let processes: Vec<_> = (0..8).map(|_| client(&far, &application(&store))).collect();
    for _ in 0..3 {
        let answers = join_all(processes.iter().map(|process| process.who_am_i(SOON))).await;
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
        for process in &processes {
            process.0.tokens.forget();
        }
    }
    assert_eq!((issuer.refused(), on_disk(&store)), (0, "rt-24".to_owned()));
}

#[tokio::test]
async fn who_was_refused_says_what_to_run_and_takes_a_new_login_over() {
    let (_folder, store) = place();
    let issuer = Issuer::knows(&["rt-good", "rt-better"]);
    let far = issuer.start().await;
    let cloudlink = client(&far, &application(&store));
    let error = cloudlink.who_am_i(SOON).await.unwrap_err().to_string();
    assert!(error.ends_with("nobody has logged in; run `switchhook login --account main`"), "{error}");
    let _task = testing::spawn(cloudlink.clone().keep_signed_in());
    log_in(&store, &login(&far, "rt-bad-token", "l1"));
    until("the bad one is tried", || issuer.refused() > 0).await;
    until("it is said", || cloudlink.token_state().last_error.is_some()).await;
    let error = cloudlink.token_state().last_error.unwrap();
    assert!(error.contains("run `switchhook login") && !error.contains("rt-bad-token"), "{error}");
    log_in(&store, &login(&far, "rt-good", "l2"));
    until("the good one is taken", || on_disk(&store) == "rt-1").await;
    assert_eq!(cloudlink.who_am_i(SOON).await.unwrap().principal_id.as_deref(), Some("p-1"));
    // Somebody else logs in while the token is still good.
    log_in(&store, &login(&far, "rt-better", "l3"));
    until("the better one is taken", || on_disk(&store) == "rt-2").await;
    // And out again.
    assert!(store.lock().await.unwrap().unwrap().remove().unwrap());
    until("nobody is logged in", || cloudlink.token_state().last_error.is_some()).await;
    assert!(cloudlink.who_am_i(SOON).await.unwrap_err().to_string().contains("nobody has logged in"));
}

#[tokio::test]
async fn a_token_that_cannot_be_written_is_not_lost() {
    let (_folder, store) = place();
    let issuer = Issuer::knows(&["rt-0"]);
    let far = issuer.start().await;
    log_in(&store, &login(&far, "rt-0", "l1"));
    // Something in the way that can't be removed like a file.
    let hindrance = store.path().with_extension("new");
    std::fs::create_dir(&hindrance).unwrap();
    let cloudlink = client(&far, &application(&store));
    for _ in 0..3 {
        cloudlink.who_am_i(SOON).await.unwrap();
        assert_eq!(on_disk(&store), "rt-0");
        cloudlink.0.tokens.forget();
    }
    std::fs::remove_dir(&hindrance).unwrap();
    cloudlink.who_am_i(SOON).await.unwrap();
    assert_eq!((on_disk(&store), issuer.refused()), ("rt-4".to_owned(), 0));
    // A login on the disk is newer than what could not be written.
    std::fs::create_dir(&hindrance).unwrap();
    cloudlink.0.tokens.forget();
    cloudlink.who_am_i(SOON).await.unwrap();
    std::fs::remove_dir(&hindrance).unwrap();
    issuer.0.lock().unwrap().good.push("rt-new".into());
    log_in(&store, &login(&far, "rt-new", "l2"));
    cloudlink.0.tokens.forget();
    cloudlink.who_am_i(SOON).await.unwrap();
    assert_eq!((store.read().unwrap().unwrap().login, issuer.refused()), ("l2".to_owned(), 0));
}

#[tokio::test]
async fn a_stored_token_goes_nowhere_but_where_it_came_from() {
    let (_folder, store) = place();
    let far = Issuer::knows(&["rt-0"]).start().await;
    let mitel = "https://authentication.api.mitel.io/2017-09-01".to_owned();
    let elsewhere = Stored { issuer: mitel, ..login(&far, "rt-0", "l1") };
    let another = Stored { client_id: Some("other".into()), ..login(&far, "rt-0", "l1") };
    for stored in [elsewhere, another] {
        log_in(&store, &stored);
        let error = client(&far, &application(&store)).who_am_i(SOON).await.unwrap_err().to_string();
        assert!(error.contains("another application or address; run `switchhook login"), "{error}");
    }
    assert!(far.seen("").is_empty());
}

#[tokio::test]
async fn a_first_token_begins_a_chain_and_another_one_begins_anew() {
    let (_folder, store) = place();
    let issuer = Issuer::knows(&["first", "second"]);
    let far = issuer.start().await;
    let by = |first: &str| Auth::RefreshToken { first: Secret::new(first), store: store.clone() };
    // A restart goes on with what is stored, not with what is spent.
    for token in ["rt-1", "rt-2"] {
        client(&far, &by("first")).who_am_i(SOON).await.unwrap();
        assert_eq!(on_disk(&store), token);
    }
    client(&far, &by("second")).who_am_i(SOON).await.unwrap();
    assert_eq!((on_disk(&store), issuer.refused()), ("rt-3".to_owned(), 0));
    let error = client(&far, &by("third")).who_am_i(SOON).await.unwrap_err().to_string();
    assert!(error.contains("put a new one into auth.refresh_token") && !error.contains("third"), "{error}");
    assert_eq!(on_disk(&store), "rt-3", "what is good is not lost to a mistake");
    let text = std::fs::read_to_string(store.path()).unwrap();
    assert!(!text.contains("second"), "a first token is not copied: {text}");
}

#[tokio::test]
async fn a_file_that_others_can_read_is_not_used() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, store) = place();
    let far = Issuer::knows(&["rt-0"]).start().await;
    log_in(&store, &login(&far, "rt-0", "l1"));
    std::fs::set_permissions(store.path(), std::fs::Permissions::from_mode(0o644)).unwrap();
    let error = client(&far, &application(&store)).who_am_i(SOON).await.unwrap_err().to_string();
    assert!(error.contains("can be read by others than its owner (mode 0644)"), "{error}");
    assert!(far.seen("").is_empty());
}

#[tokio::test]
async fn a_logout_holds_after_a_write_that_failed() {
    let (_folder, store) = place();
    let issuer = Issuer::knows(&["rt-0"]);
    let far = issuer.start().await;
    log_in(&store, &login(&far, "rt-0", "l1"));
    let hindrance = store.path().with_extension("new");
    std::fs::create_dir(&hindrance).unwrap();
    let cloudlink = client(&far, &application(&store));
    let _task = testing::spawn(cloudlink.clone().keep_signed_in());
    cloudlink.who_am_i(SOON).await.unwrap();
    assert_eq!(on_disk(&store), "rt-0", "what came could not be written");
    std::fs::remove_dir(&hindrance).unwrap();
    assert!(store.lock().await.unwrap().unwrap().remove().unwrap());
    until("nobody is logged in", || cloudlink.token_state().last_error.is_some()).await;
    assert!(cloudlink.who_am_i(SOON).await.unwrap_err().to_string().contains("nobody has logged in"));
    assert!(store.read().unwrap().is_none(), "and nobody comes back");
}

#[tokio::test]
async fn who_we_are_is_learnt_anew_with_each_login() {
    let (_folder, store) = place();
    let issuer = Issuer::knows(&["rt-one", "rt-other"]);
    let far = issuer.start().await;
    let cloudlink = client(&far, &application(&store));
    let _kept = testing::spawn(cloudlink.clone().keep_signed_in());
    let _learnt = testing::spawn(cloudlink.clone().learn_who_we_are());
    until("nobody has logged in", || cloudlink.token_state().last_error.is_some()).await;
    assert_eq!(cloudlink.principal(), None);
    log_in(&store, &login(&far, "rt-one", "l1"));
    until("the one is known", || cloudlink.principal().as_deref() == Some("p-1")).await;
    // A new token by the same login is the same principal: nobody is asked.
    cloudlink.0.tokens.forget();
    until("a new token", || on_disk(&store) == "rt-2").await;
    log_in(&store, &login(&far, "rt-other", "l2"));
    until("the other is known", || cloudlink.principal().as_deref() == Some("p-3")).await;
    let asked = far.seen("/token").into_iter().filter(|seen| seen.method == "GET").count();
    assert_eq!(asked, 2, "once for each login");
}
