//! Several accounts in one daemon: nothing of one is seen by another or done with its token, and one that is ill leaves
//! the others alone. Both have the same rules' names, the same calls, conversations, vars and publication ids.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::harness::letters::{chat, in_state, ringing, sign};
use crate::harness::{Far, World, until};

const IDS: [&str; 2] = ["9f1c2b3a-0000-4000-8000-00000000acme", "9f1c2b3a-0000-4000-8000-00000000beta"];
const NAMES: [&str; 2] = ["acme", "beta"];

/// Where the calls of each account go; all else is shared.
const RULES: &str = r#"
[vars.night]
values = ["off", "on"]
default = "off"
[[rule]]
name = "night on"
on = "chat.message"
where = { message.body = "night" }
do = [{ set = { night = "on" } }]
[[rule]]
name = "night off"
on = "chat.message"
where = { message.body = "day" }
do = [{ set = { night = "off" } }]
[[rule]]
name = "night call"
on = "call.ringing"
route = "calls"
where = { vars.night = "on" }
do = [{ redirect = { to = "4001" } }]
[[rule]]
name = "first two"
on = "call.ringing"
route = "calls"
limit = { per = "call.endpoint", max = 2, within = "day" }
do = [{ redirect = { to = "HOME" } }]
[[rule]]
name = "over"
on = "call.finished"
do = [{ http = { post = "FAR/over", json = { path = "{{ call.path }}", hops = "{{ call.hops }}" } } }]
"#;

const HOMES: [&str; 2] = ["7001", "8001"];

fn rules(far: &Far, home: &str) -> String {
    RULES.replace("HOME", home).replace("FAR", &far.url())
}

fn application(which: usize) -> String {
    format!("[[application]]\nname = \"{0}\"\nid = \"{1}\"\n", NAMES[which], IDS[which])
}

fn account(which: usize, far: &Far) -> String {
    let (name, url) = (NAMES[which], far.url());
    format!(
        "[[account]]\nname = \"{name}\"\naccount_id = \"1000{which}\"\nurls = {{ all = \"{url}/2017-09-01\" }}\n\
         auth = {{ grant = \"client_credentials\", client_id = \"{name}\", client_secret = {{ env = \"CLOUDLINK_SECRET\" }} }}\n\
         applications = [\"{name}\"]\nrules = [\"rules-{name}\"]\n"
    )
}

/// One daemon with both accounts; the second has a far side of its own.
struct Two {
    world: World,
    beta: Far,
}

impl Two {
    async fn start() -> Self {
        let (world, beta) = (World::new("").await, Far::start().await);
        for (which, far) in [&world.far, &beta].into_iter().enumerate() {
            write(&world, which, &rules(far, HOMES[which]));
        }
        let sections = [application(0), application(1), account(0, &world.far), account(1, &beta)].concat();
        Self { world: world.accounts(&sections).up().await, beta }
    }

    fn far(&self, which: usize) -> &Far {
        if which == 0 { &self.world.far } else { &self.beta }
    }
}

fn write(world: &World, which: usize, rules: &str) {
    let folder = world.path(&format!("rules-{}", NAMES[which]));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("all.toml"), rules).unwrap();
}

/// One of the two alone in a daemon of its own.
async fn alone(which: usize) -> World {
    let world = World::new("").await;
    write(&world, which, &rules(&world.far, HOMES[which]));
    let sections = [application(which), account(which, &world.far)].concat();
    world.accounts(&sections).up().await
}

async fn deliver(world: &World, which: usize, publication: &Value) {
    let body = publication.to_string();
    let request = world.request("POST", &format!("/notify/{}", NAMES[which]));
    let signature = sign(IDS[which], body.as_bytes());
    let answer = world.ask(request.header("x-notify-signature", signature).body(body)).await;
    assert_eq!((answer.status, &*answer.body), (200, ""));
}

/// What an account asked of its far side: each path with what was sent there, in order.
fn asked(far: &Far) -> BTreeMap<String, Vec<Value>> {
    let mut asked: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for seen in far.acts("/") {
        asked.entry(seen.path.clone()).or_default().push(seen.json());
    }
    // Different calls end in no particular order.
    asked.entry("/over".to_owned()).or_default().sort_by_key(Value::to_string);
    asked
}

/// A thing that happens in an account.
#[derive(Clone, Copy, Debug)]
enum Happening {
    Night,
    Day,
    Rings(u8),
    Ends(u8),
}

fn happenings() -> impl Strategy<Value = Vec<(usize, Happening)>> {
    let one = prop_oneof![
        1 => Just(Happening::Night),
        1 => Just(Happening::Day),
        4 => (0_u8..6).prop_map(Happening::Rings),
        2 => (0_u8..6).prop_map(Happening::Ends),
    ];
    prop::collection::vec((0_usize..2, one), 20..40)
}

/// The same publication, with the same id, in whichever account it happens.
fn letter(happening: Happening, number: usize) -> Value {
    let mut letter = match happening {
        Happening::Night => chat("c-1", "night"),
        Happening::Day => chat("c-1", "day"),
        Happening::Rings(call) => ringing(&format!("300{}", call % 2), &format!("call-{call}")),
        Happening::Ends(call) => in_state(&format!("300{}", call % 2), &format!("call-{call}"), "completed"),
    };
    letter["publicationId"] = json!(format!("p-{number}"));
    letter
}

async fn play(world: &World, story: &[(usize, Happening)], only: Option<usize>) {
    let mut numbers = [0_usize; 2];
    for (which, happening) in story {
        numbers[*which] += 1;
        if only.is_none_or(|only| only == *which) {
            deliver(world, *which, &letter(*happening, numbers[*which])).await;
            // What is set counts for what comes after it is set.
            world.wait_idle().await;
        }
    }
}

/// The oracle is the daemon that knows one account only.
#[test]
fn in_company_each_account_does_what_it_does_alone() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut runner =
        TestRunner::new(Config { cases: 4, max_shrink_iters: 0, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&happenings(), |story| {
        runtime.block_on(async {
            let two = Two::start().await;
            play(&two.world, &story, None).await;
            for (which, name) in NAMES.into_iter().enumerate() {
                let world = alone(which).await;
                play(&world, &story, Some(which)).await;
                let expected = asked(&world.far);
                prop_assert_eq!(&expected, &asked(two.far(which)), "{} alone and in company", name);
            }
            Ok(())
        })
    });
    outcome.unwrap();
}

#[tokio::test]
async fn tokens_vars_and_events_are_each_accounts_own() {
    let two = Two::start().await;
    let call = ringing("3001", "call-1");
    for (which, home) in HOMES.into_iter().enumerate() {
        deliver(&two.world, which, &call).await;
        let act = &two.far(which).wait_acts("/calls/call-1", 1).await[0];
        assert_eq!(act.json()["destination"], home);
        let (token, port) = (act.headers["authorization"].to_str().unwrap(), two.far(which).url());
        assert!(token.contains(port.rsplit(':').next().unwrap()), "the token of the other account: {token}");
    }
    let said = two.world.cli(&["vars", "set", "night", "on"]);
    assert!(said.code == Some(1) && said.err.contains("several accounts (acme, beta)"), "{said:?}");
    assert_eq!(two.world.cli(&["vars", "set", "night", "on", "--account", "beta"]).code, Some(0));
    let of = |account: &str| two.world.cli(&["vars", "list", "--account", account]).out;
    assert!(of("acme").contains("night = \"off\"") && of("beta").contains("night = \"on\""));
    assert_eq!(two.world.admin("/api/v1/vars").await.status, 422);
    assert_eq!(two.world.admin("/api/v1/accounts/none/vars").await.status, 404);
    let readiness = two.world.admin("/readyz").await.json();
    let names: Vec<_> = readiness["accounts"].as_array().unwrap().iter().map(|account| &account["name"]).collect();
    assert_eq!(names, ["acme", "beta"]);
    // The key of the other account's application proves nothing here.
    let body = call.to_string();
    let forged = two.world.request("POST", "/notify/acme").header("x-notify-signature", sign(IDS[1], body.as_bytes()));
    assert_eq!(two.world.ask(forged.body(body)).await.status, 401);
}

#[tokio::test]
async fn an_account_that_is_ill_leaves_the_others_calls_alone() {
    let two = Two::start().await;
    two.world.far.when("PUT", "/calls/").hangs();
    for number in 0..300 {
        deliver(&two.world, 0, &ringing(&format!("5{number:03}"), &format!("ill-{number}"))).await;
    }
    until("calls hang", async || (!two.world.far.requests("/calls/ill").is_empty()).then_some(())).await;
    for number in 0..20 {
        deliver(&two.world, 1, &ringing(&format!("6{number:03}"), &format!("well-{number}"))).await;
    }
    two.beta.wait_acts("/calls/well", 20).await;
    let done = two.world.events().into_iter().filter(|event| event["done"] == true);
    assert!(
        done.filter(|event| event.to_string().contains("/calls/ill")).count() == 0,
        "none of the others is done yet"
    );
    two.world.far.let_go();
}

#[tokio::test]
async fn a_reload_of_one_account_leaves_the_other_as_it_is_and_a_shared_folder_is_each_ones() {
    let two = Two::start().await;
    let before = two.world.admin("/readyz").await.json()["accounts"].clone();
    write(&two.world, 1, &rules(&two.beta, "9001"));
    until("the second has other rules", async || {
        let now = two.world.admin("/readyz").await.json()["accounts"].clone();
        (now[1]["rules"] != before[1]["rules"]).then_some(())
    })
    .await;
    let now = two.world.admin("/readyz").await.json()["accounts"].clone();
    assert_eq!(now[0], before[0]);
    deliver(&two.world, 1, &ringing("3001", "new")).await;
    assert_eq!(two.beta.wait_acts("/calls/new", 1).await[0].json()["destination"], "9001");
    let said = two.world.cli(&["check"]);
    assert!(said.out.contains("acme: ") && said.out.contains("beta: "), "{said:?}");
}

#[tokio::test]
async fn what_is_left_of_an_account_that_is_gone_ends_in_the_records() {
    let mut two = Two::start().await;
    two.beta.when("PUT", "/calls/").hangs();
    deliver(&two.world, 1, &ringing("3001", "left")).await;
    until("it hangs", async || (!two.beta.requests("/calls/left").is_empty()).then_some(())).await;
    two.world.kill().await;
    let only = [application(0), account(0, &two.world.far)].concat();
    let Two { world, beta } = two;
    let mut world = world.accounts(&only);
    world.restart().await;
    world.wait_log("an account that is not in the settings").await;
    world.wait_idle().await;
    assert_eq!(beta.requests("/calls/left").len(), 1, "nobody signs in for it any more");
    deliver(&world, 0, &ringing("3001", "stays")).await;
    world.far.wait_acts("/calls/stays", 1).await;
}

/// Both have rules for what the gateway tells of itself.
const TELLS: &str = r#"
[[rule]]
name = "ticket"
on = "call.ringing"
do = [{ http = { put = "CRM/crm/{{ call.id }}", json = {} }, retry = false }]
[[rule]]
name = "told"
on = ["gateway.dead_letter", "gateway.breaker"]
do = [{ http = { put = "TOLD/{{ account.name }}/{{ content.dead_letter.rule or content.breaker.state }}", json = {} } }]
"#;

#[tokio::test]
async fn a_letter_and_a_breaker_are_told_to_the_rules_of_their_account() {
    let (world, beta) = (World::new("").await, Far::start().await);
    for (which, far) in [&world.far, &beta].into_iter().enumerate() {
        write(&world, which, &TELLS.replace("CRM", &far.url()).replace("TOLD", &beta.url()));
    }
    let sections = [application(0), application(1), account(0, &world.far), account(1, &beta)].concat();
    let world = world.accounts(&sections).up().await;
    world.far.when("PUT", "/crm/").answers(500);
    for call in 0..10 {
        deliver(&world, 0, &ringing("3001", &format!("a{call}"))).await;
        deliver(&world, 1, &ringing("3001", &format!("b{call}"))).await;
    }
    beta.wait_acts("/acme/ticket", 10).await;
    beta.wait_acts("/acme/open", 1).await;
    world.wait_idle().await;
    assert_eq!((beta.acts("/beta/").len(), beta.effects("/crm/").len()), (0, 10));
}
