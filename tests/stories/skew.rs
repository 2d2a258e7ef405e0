//! A PBX whose clock is wrong: its calls are acted on all the same, once that is known.

use std::time::Duration;

use serde_json::Value;

use crate::harness::World;
use crate::harness::letters::{aged, ringing};

const RULES: &str = r#"
[[rule]]
name = "to the lobby"
on = "call.ringing"
do = [{ redirect = { to = "4001" } }]
"#;
const SLOW: Duration = Duration::from_mins(10);

fn of_site(site: &str, call: &str, slow: Duration) -> Value {
    let mut call = aged(ringing("3001", call), slow);
    call["content"]["siteId"] = site.into();
    call
}

fn fate(event: &Value) -> &str {
    event["outcomes"].as_array().unwrap().last().unwrap()["fate"].as_str().unwrap()
}

#[tokio::test]
async fn a_slow_pbx_is_learnt_for_its_site_and_known_after_a_restart() {
    let mut world = World::start(RULES).await;
    for call in 0..20 {
        world.deliver(&of_site("slow", &format!("slow-{call}"), SLOW)).await;
    }
    world.deliver(&of_site("right", "in-time", Duration::ZERO)).await;
    world.far.wait_acts("/calls/in-time", 1).await;
    world.wait_idle().await;
    assert!(world.events()[..19].iter().all(|event| fate(event) == "expired"), "it takes twenty to be believed");
    world.kill().await;
    world.restart().await;
    world.deliver(&of_site("slow", "after", SLOW)).await;
    world.far.wait_acts("/calls/after", 1).await;
    // Late by its own clock is late.
    world.deliver(&of_site("slow", "late", SLOW + Duration::from_mins(1))).await;
    world.deliver(&of_site("right", "late-too", Duration::from_mins(1))).await;
    world.wait_idle().await;
    assert!(world.far.acts("/calls/late").is_empty());
    assert_eq!(world.far.acts("/calls/").len(), 3, "the twentieth made it known: {:?}", world.far.acts("/calls/"));
}
