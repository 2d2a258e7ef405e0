//! One cell of the matrix: a world of its own in which one action meets one fault.

use std::time::Duration;

use serde_json::Value;

use super::promises::{Class, End, Fault};
use crate::harness::letters::{chat, ringing};
use crate::harness::{World, until};

/// TIMEOUT is short only where no answer comes, DEADLINE only where the fault lasts.
const RULES: &str = r#"
[[rule]]
name = "repeat"
on = "call.ringing"
deadline = "DEADLINE"
where = { call.endpoint = "3001" }
do = [{ redirect = { to = "4001" }, timeout = "TIMEOUT" }]
[[rule]]
name = "check"
on = "chat.message"
deadline = "DEADLINE"
do = [{ reply = { text = "Good day." }, timeout = "TIMEOUT" }]
[[rule]]
name = "never"
on = "call.ringing"
deadline = "DEADLINE"
where = { call.endpoint = "3002" }
do = [{ http = { post = "FAR/ticket/{{ call.id }}", json = { from = "{{ call.from }}" } }, timeout = "TIMEOUT" }]
[[rule]]
name = "by key"
on = "call.ringing"
deadline = "DEADLINE"
where = { call.endpoint = "3003" }
[[rule.do]]
http = { post = "FAR/keyed/{{ call.id }}", json = { at = "{{ now }}" }, headers = { Idempotency-Key = "{{ event.id }}" } }
timeout = "TIMEOUT"
"#;

impl Class {
    fn method(self) -> &'static str {
        if self == Self::Repeat { "PUT" } else { "POST" }
    }

    fn path(self) -> &'static str {
        match self {
            Self::Repeat => "/endpoints/3001/calls/1",
            Self::Check => "/conversations/c-1/messages",
            Self::Never => "/ticket/1",
            Self::ByKey => "/keyed/1",
        }
    }

    fn letter(self) -> Value {
        match self {
            Self::Repeat => ringing("3001", "1"),
            Self::Check => chat("c-1", "hello?"),
            Self::Never => ringing("3002", "1"),
            Self::ByKey => ringing("3003", "1"),
        }
    }
}

/// Runs the cell to its end.
pub(super) async fn run(class: Class, fault: Fault) -> End {
    let timeout = if fault.times_out() { "1s" } else { "20s" };
    let deadline = if matches!(fault, Fault::LastingTimeOut | Fault::Lasting500) { "4s" } else { "2m" };
    let rules = RULES.replace("TIMEOUT", timeout).replace("DEADLINE", deadline);
    let mut world = World::start(&rules).await;
    // With a token in its hand, so that the fault meets the action and not the signing in.
    until("the daemon is signed in", async || (!world.far.requests("/token").is_empty()).then_some(())).await;
    set(&world, class, fault);
    match fault {
        Fault::Refused => {
            world.far.down().await;
            // An idle connection is seen to be closed before it is used.
            tokio::time::sleep(Duration::from_millis(200)).await;
            world.deliver(&class.letter()).await;
            until("it is tried", async || was_put_off(&world).then_some(())).await;
            world.far.up().await;
        }
        Fault::Kill { done } => {
            world.deliver(&class.letter()).await;
            world.far.wait_acts(class.path(), 1).await;
            until("it is done", async || (effects(&world, class) == usize::from(done)).then_some(())).await;
            world.kill().await;
            world.restart().await;
        }
        _ => world.deliver(&class.letter()).await,
    }
    let last = until("the publication is done", async || ended(&world).await).await;
    assert_met(&world, class, fault, &last);
    let fate = last["fate"].as_str().unwrap();
    End::new(effects(&world, class), fate, is_dead_letter(&world))
}

/// The far side's mood for this fault.
fn set(world: &World, class: Class, fault: Fault) {
    let when = world.far.when(class.method(), class.path());
    let when = if fault.lasting() { when } else { when.times(1) };
    let when = if fault.done() { when.though_done() } else { when };
    match fault {
        Fault::Refused => {}
        Fault::TimeOut { .. } | Fault::LastingTimeOut | Fault::Kill { .. } => when.hangs(),
        Fault::Reset { .. } => when.resets(),
        Fault::Status500 { .. } | Fault::Lasting500 => when.answers(500),
        Fault::Status429 => when.answers_wait(429, Duration::from_secs(1)),
        Fault::Status401 => when.answers(401),
        Fault::Status404 => when.answers(404),
        Fault::Status409 => when.answers(409),
        Fault::Malformed => when.garbles(),
        Fault::BrokenOff => when.breaks_off(),
    }
}

/// The first attempt that came met the fault: a cell in which nothing went wrong shows nothing.
fn assert_met(world: &World, class: Class, fault: Fault, last: &Value) {
    let status = world.far.acts(class.path())[0].status;
    let met = match fault {
        Fault::Refused => was_put_off(world),
        Fault::TimeOut { .. } | Fault::LastingTimeOut | Fault::Reset { .. } | Fault::Kill { .. } => status.is_none(),
        Fault::Status500 { .. } | Fault::Lasting500 => status == Some(500),
        Fault::Status429 => status == Some(429),
        Fault::Status401 => status == Some(401),
        Fault::Status404 => status == Some(404),
        Fault::Status409 => status == Some(409),
        // An http step keeps the body; this one never came.
        Fault::BrokenOff if matches!(class, Class::Never | Class::ByKey) => last["record"]["result"]["body"].is_null(),
        Fault::Malformed | Fault::BrokenOff => status == Some(200),
    };
    assert!(met, "{fault:?}, {class:?}: {:?}, {last}", world.far.acts(class.path()));
}

fn effects(world: &World, class: Class) -> usize {
    world.far.effects(class.path()).values().sum()
}

/// Whether an attempt failed and another is due.
fn was_put_off(world: &World) -> bool {
    let events = world.events();
    let outcomes = events.first().and_then(|event| event["outcomes"].as_array());
    outcomes.is_some_and(|outcomes| outcomes.iter().any(|outcome| outcome["fate"] == "retry"))
}

/// The last outcome, once the publication is done.
async fn ended(world: &World) -> Option<Value> {
    // Each look is a process of its own.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let events = world.events();
    let event = events.first().filter(|event| event["done"] == true)?;
    event["outcomes"].as_array()?.last().cloned()
}

/// Whether it is in the list of dead letters, which holds nothing else.
fn is_dead_letter(world: &World) -> bool {
    let said = world.cli(&["dead", "list", "--json"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let letters = said.out.lines().filter(|line| !line.is_empty()).count();
    assert!(letters <= 1, "{said:?}");
    letters == 1
}
