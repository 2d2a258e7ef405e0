//! Tables and numbers through the front door: a redirect by table, a table that changes while the gateway runs, numbers
//! that come without country code and leave as a phone dials them.

use std::time::Duration;

use serde_json::Value;

use crate::harness::letters::ringing;
use crate::harness::{World, until};

const RULES: &str = r#"
[tables.ext]
file = "../tables/ext.csv"
key = "extension"
[tables.vip]
file = "vip.csv"
key = "phone"
phone = true

[[rule]]
name = "known callers"
on = "call.ringing"
route = "calls"
where = { call.endpoint = "3001", call.from = { table = "vip" } }
do = [{ redirect = { to = "{{ vip.mobile }}" } }]
[[rule]]
name = "by extension"
on = "call.ringing"
route = "calls"
where = { call.endpoint = { table = "ext" } }
do = [{ redirect = { to = "{{ ext.night }}" } }]
"#;
const LOCALE: &str = r#"
[locale]
timezone = "America/Toronto"
country = "CA"
dial = { outside = "9", national = "1", international = "011" }
"#;

/// A world with its tables: one beside the rules, the other elsewhere.
async fn world() -> World {
    let world = World::new(RULES).await.more(LOCALE);
    std::fs::create_dir(world.path("tables")).unwrap();
    std::fs::write(world.path("tables/ext.csv"), "extension,night\n2001,4001\n2002,4002\n").unwrap();
    std::fs::write(
        world.path("rules/vip.csv"),
        "phone,mobile\n+1 613 555 0142,613 555 0199\n(613) 555-0143,+16135550188\n+1 613 555 0144,+442079460018\n",
    )
    .unwrap();
    world.up().await
}

fn from(endpoint: &str, call: &str, number: &str) -> Value {
    let mut letter = ringing(endpoint, call);
    letter["content"]["from"] = number.into();
    letter
}

async fn destination(world: &World, call: &str) -> String {
    let acts = world.far.wait_acts(&format!("/calls/{call}"), 1).await;
    acts[0].json()["destination"].as_str().unwrap().to_owned()
}

/// Delivers calls until one is redirected there.
async fn until_redirected(world: &World, to: &str) {
    let mut number = 0;
    until("the changed table", async || {
        number += 1;
        let call = format!("{to}-{number}");
        world.deliver(&ringing("2001", &call)).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        (destination(world, &call).await == to).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_table_says_where_and_a_changed_one_says_other() {
    let world = world().await;
    world.deliver(&ringing("2001", "one")).await;
    assert_eq!(destination(&world, "one").await, "4001");
    world.deliver(&ringing("2009", "none")).await;
    // It lies elsewhere, and is written anew as by an editor.
    std::fs::write(world.path("tables/ext.new"), "extension,night\n2001,4011\n").unwrap();
    std::fs::rename(world.path("tables/ext.new"), world.path("tables/ext.csv")).unwrap();
    until_redirected(&world, "4011").await;
    // What does not hold together leaves the tables of before in force, and is mended.
    std::fs::write(world.path("tables/ext.csv"), "extension,night\n2001,4021\n2001,4022\n").unwrap();
    until("the trouble", async || {
        world.admin("/metrics").await.body.contains("switchhook_rules_reload_failed 1").then_some(())
    })
    .await;
    world.deliver(&ringing("2001", "meanwhile")).await;
    assert_eq!(destination(&world, "meanwhile").await, "4011");
    std::fs::write(world.path("tables/ext.csv"), "extension,night\n2001,4031\n").unwrap();
    until_redirected(&world, "4031").await;
    world.wait_idle().await;
    assert!(world.far.acts("/calls/none").is_empty());
}

#[tokio::test]
async fn numbers_are_known_without_country_code_and_leave_as_a_phone_dials_them() {
    let world = world().await;
    for (call, number, wanted) in [
        // The rule wrote no E.164: it is sent as it is.
        ("a", "6135550142", "613 555 0199"),
        ("b", "16135550143", "916135550188"),
        ("c", "+1 613 555 0144", "9011442079460018"),
    ] {
        world.deliver(&from("3001", call, number)).await;
        assert_eq!(destination(&world, call).await, wanted, "{number}");
    }
    world.deliver(&from("3001", "stranger", "6135550177")).await;
    world.wait_idle().await;
    assert!(world.far.acts("/calls/stranger").is_empty());
    // What is recorded is what the rule wrote.
    let request = &world.events()[1]["outcomes"][0]["record"]["request"]["redirect"];
    assert_eq!(request["to"], "+16135550188", "{}", world.events()[1]);
}
