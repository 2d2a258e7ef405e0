//! A publication is acted on once, however often and however it comes.

use futures_util::future::join_all;
use serde_json::json;

use crate::harness::World;
use crate::harness::letters::ringing;

const REDIRECT: &str = r#"
[[rule]]
name = "redirect"
on = "call.ringing"
do = [{ redirect = { to = "4001" } }]
"#;

#[tokio::test]
async fn three_times_and_across_restarts() {
    let mut world = World::start(REDIRECT).await;
    let publication = ringing("3001", "1");
    for _ in 0..3 {
        world.deliver(&publication).await;
    }
    world.far.wait_acts("/calls/1", 1).await;
    world.wait_idle().await;
    for clean in [true, false] {
        if clean {
            assert_eq!(world.stop().await.0, 0);
        } else {
            world.kill().await;
        }
        world.restart().await;
        world.deliver(&publication).await;
    }
    world.deliver(&ringing("3001", "2")).await;
    world.far.wait_acts("/calls/2", 1).await;
    assert_eq!((world.far.acts("/calls/1").len(), world.events().len()), (1, 2));
    let metrics = world.admin("/metrics").await.body;
    assert!(metrics.contains("switchhook_publications_known_total 1"), "{metrics}");
}

#[tokio::test]
async fn while_the_first_is_being_committed() {
    let world = World::start(REDIRECT).await;
    for round in 0..5 {
        let call = format!("1{round}");
        let publication = ringing("3001", &call);
        let others: Vec<_> = (0..10).map(|n| ringing("3002", &format!("{n}-{round}"))).collect();
        join_all((0..20).map(|_| world.deliver(&publication)).chain(others.iter().map(|other| world.deliver(other))))
            .await;
        world.far.wait_acts(&format!("/calls/{call}"), 1).await;
    }
    world.wait_idle().await;
    assert_eq!((world.far.acts("/endpoints/3001/").len(), world.events().len()), (5, 55));
}

#[tokio::test]
async fn what_is_new_beside_what_is_known() {
    let world = World::start(REDIRECT).await;
    let (known, new) = (ringing("3001", "1"), ringing("3001", "2"));
    world.deliver(&known).await;
    world.deliver(&json!([known, new, new])).await;
    world.deliver(&json!({ "publications": [new, known, ringing("3001", "3")] })).await;
    world.far.wait_acts("/calls/3", 1).await;
    world.wait_idle().await;
    assert_eq!((world.far.acts("").len(), world.events().len()), (3, 3));
}

#[tokio::test]
async fn one_publication_by_two_subscriptions_and_one_without_an_id() {
    let world = World::start(REDIRECT).await;
    let mut publication = ringing("3001", "1");
    world.deliver(&publication).await;
    publication["subscription"]["subscriptionId"] = "ffffffffffffffffffffffffffffffff".into();
    world.deliver(&publication).await;
    let mut nameless = ringing("3001", "2");
    nameless.as_object_mut().unwrap().remove("publicationId");
    world.deliver(&nameless).await;
    world.deliver(&nameless).await;
    world.far.wait_acts("/calls/2", 1).await;
    world.wait_idle().await;
    assert_eq!((world.far.acts("").len(), world.events().len()), (2, 2));
}
