//! What the gateway tells of itself: that a run was given up, that a circuit breaker opened or closed.

use serde_json::{Value, json};

use crate::harness::letters::ringing;
use crate::harness::{World, port, until};

/// DEAD is where nobody listens.
const LETTERS: &str = r#"
[vars.trouble]
[[rule]]
name = "ticket"
on = "call.ringing"
where = { call.endpoint = "3001" }
do = [{ http = { put = "DEAD/ticket/{{ call.id }}", json = {} }, retry = { max = 1 } }]
[[rule]]
name = "alert"
on = "gateway.dead_letter"
[[rule.do]]
log = { message = "LOST {{ content.dead_letter.rule }} of {{ content.dead_letter.kind }}" }
[[rule.do]]
set = { trouble = "{{ content.dead_letter.fate }}" }
[[rule.do]]
http = { put = "FAR/alert/{{ content.dead_letter.seq }}", json = "{{ content.dead_letter }}" }
[[rule.do]]
http = { post = "DEAD/alert", json = {} }
retry = false
[[rule]]
name = "var"
on = "gateway.var"
do = [{ http = { put = "FAR/var", json = {} } }]
"#;

fn letters_to(port: u16) -> String {
    LETTERS.replace("DEAD", &format!("http://127.0.0.1:{port}"))
}

/// The events of a kind that came.
fn of_kind(world: &World, kind: &str) -> Vec<Value> {
    world.events().into_iter().filter(|event| event["decision"]["kind"] == kind).collect()
}

fn letters(world: &World) -> Vec<Value> {
    let said = world.cli(&["dead", "list", "--json"]);
    said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn what_is_given_up_is_told_once_and_what_that_causes_is_not() {
    let world = World::start(&letters_to(port())).await;
    let checked = world.cli(&["check"]);
    assert!(checked.code == Some(0) && !checked.all().contains("not-made-yet"), "{checked:?}");
    world.deliver(&ringing("3001", "1")).await;
    let told = world.far.wait_acts("/alert/1", 1).await.remove(0).json();
    // The rule that tells of it is given up itself, which is a letter and no event.
    world.wait_fate("alert", "failed").await;
    world.wait_idle().await;
    let rules: Vec<Value> = letters(&world).iter().map(|letter| letter["rule"].clone()).collect();
    assert_eq!(rules, ["ticket", "alert"]);
    let shown = &letters(&world)[0];
    for field in ["rule", "fate", "why", "action", "at", "seq", "kind", "subject"] {
        assert_eq!(told[field], shown[field], "{field} of {told}");
    }
    assert_eq!((&told["fate"], &told["kind"], &told["untold"]), (&json!("failed"), &json!("call.ringing"), &json!(0)));
    // Nor is it one when it is tried again.
    let again = world.cli(&["dead", "retry", "2", "--again"]);
    assert_eq!(again.code, Some(0), "{again:?}");
    until("it was given up again", async || letters(&world).iter().any(|letter| letter["id"] == 3).then_some(())).await;
    world.wait_idle().await;
    let events: Vec<Value> = world.events().iter().map(|event| event["again"].is_object().into()).collect();
    assert_eq!(events, [false, false, true], "the call, what tells of its run, and that once more");
    assert_eq!((world.log().matches("LOST ticket of call.ringing").count(), world.far.acts("/var").len()), (1, 0));
    assert!(world.cli(&["vars", "list"]).out.contains("trouble = \"failed\""), "it was set all the same");
}

#[tokio::test]
async fn what_tells_of_a_letter_outlives_kill_9() {
    let mut world = World::start(&letters_to(port())).await;
    world.far.when("PUT", "/alert/").hangs();
    for call in 1..=3 {
        world.deliver(&ringing("3001", &call.to_string())).await;
        if call < 3 {
            world.wait_fate("ticket", "failed").await;
        }
    }
    world.far.wait_acts("/alert/", 1).await;
    world.kill().await;
    world.far.let_go();
    let before = letters(&world).iter().filter(|letter| letter["rule"] == "ticket").count();
    assert_eq!(stored(&world), before, "no letter without its event, nor the other way round");
    world.restart().await;
    let ids = |world: &World| {
        let of = |part: &str| world.far.acts(part).iter().any(|seen| seen.status == Some(200));
        world
            .events()
            .iter()
            .filter(|event| event["decision"]["kind"] == "call.ringing")
            .all(|event| of(&format!("/alert/{}", event["seq"])))
    };
    until("each of the three is told", async || ids(&world).then_some(())).await;
    world.wait_idle().await;
    let tickets: Vec<Value> = letters(&world).into_iter().filter(|letter| letter["rule"] == "ticket").collect();
    assert_eq!((tickets.len(), of_kind(&world, "gateway.dead_letter").len()), (3, 3));
}

/// How many of those that tell of letters are stored, planned or not.
fn stored(world: &World) -> usize {
    world.events().iter().filter(|event| event["publication"]["subject"] == "/gateway.dead_letter").count()
}

const BREAKER: &str = r#"
[[rule]]
name = "card"
on = "call.ringing"
deadline = "60s"
do = [{ http = { put = "FAR/crm/{{ call.id }}", json = {} } }]
[[rule]]
name = "lamp"
on = "gateway.breaker"
do = [{ log = { message = "LAMP {{ content.breaker.state }} {{ content.breaker.whose }} {{ content.breaker.host }}: {{ content.breaker.why }}" } }]
"#;

#[tokio::test]
async fn an_outage_is_told_when_it_begins_and_when_it_is_over() {
    let world = World::start(BREAKER).await;
    world.far.when("PUT", "/crm/").answers(500);
    for call in 0..12 {
        world.deliver(&ringing("3001", &call.to_string())).await;
    }
    let far = world.far.url();
    world.wait_log(&format!("LAMP open other {far}: 10 requests in a row failed")).await;
    // It is tried in vain, which is no news.
    let tried = world.far.acts("/crm/").len();
    until("it is tried again", async || (world.far.acts("/crm/").len() >= tried + 2).then_some(())).await;
    world.far.calm();
    world.wait_log(&format!("LAMP closed other {far}: it answers")).await;
    until("all cards are there", async || (world.far.effects("/crm/").len() == 12).then_some(())).await;
    world.wait_idle().await;
    let breakers: Vec<Value> = of_kind(&world, "gateway.breaker");
    let states: Vec<&Value> =
        breakers.iter().map(|event| &event["publication"]["content"]["breaker"]["state"]).collect();
    assert_eq!((states, world.log().matches("LAMP ").count()), (vec![&json!("open"), &json!("closed")], 2));
}
