//! The directory: names in events, lookups, the site's zone; and what can't be had in time holds nobody up.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::command::Said;
use crate::harness::letters::{chat, publication, ringing};
use crate::harness::{CLIENT_SECRET, Far, PROGRAM, World, until};

fn list(items: Value) -> Value {
    json!({ "count": 1, "_links": {}, "_embedded": { "items": items } })
}

fn user(id: &str, name: &str, extension: &str) -> Value {
    json!({ "userId": id, "accountId": "a", "name": name, "email": format!("{id}@Example.com"), "extension": extension,
            "sipPassword": "hunter2" })
}

/// Two users on two pages, a group of three, one site.
fn furnish(far: &Far) {
    let first = json!({
        "_links": { "next": "/2017-09-01/accounts/a/users/page 2?$skip=1" }, "_embedded": { "items": [user("max", "Max", "2001")] },
    });
    far.knows("accounts/a/users", first);
    far.knows("accounts/a/users/page%202", list(json!([user("eve", "Eve", "2002")])));
    far.knows(
        "accounts/a/contacts",
        list(json!([{ "contactId": "c-1", "name": "Ada", "email": "ada@customer.example" }])),
    );
    far.knows("accounts/a/groups", list(json!([{ "groupId": "g-1", "name": "Sales" }])));
    far.knows(
        "accounts/a/groups/g-1/members",
        list(json!([{ "userId": "max" }, { "userId": "eve" }, { "userId": "ghost" }])),
    );
    far.knows(
        "accounts/a/sites",
        list(json!([{
            "siteId": "s-1", "name": "Oslo", "timeZone": "Europe/Oslo", "address": { "country": "NO" },
            "diallingRules": { "outsideLinePrefix": "0", "nationalPrefix": "", "internationalPrefix": "00" },
        }])),
    );
}

fn from(conversation: &str, sender: &str, text: &str) -> Value {
    let mut letter = chat(conversation, text);
    letter["content"]["createdBy"] = sender.into();
    letter
}

fn texts(world: &World, conversation: &str) -> Vec<String> {
    world.far.messages(conversation).iter().map(|message| message["body"].as_str().unwrap().to_owned()).collect()
}

async fn wait_text(world: &World, conversation: &str, text: &str) {
    until(text, async || texts(world, conversation).iter().any(|one| one == text).then_some(())).await;
}

const LOCALE: &str = r#"
[locale]
timezone = "Europe/Oslo"
country = "NO"
dial = { outside = "0", national = "", international = "00" }
"#;

const MANAGERS: &str = r#"
[[rule]]
name = "managers only"
on = "chat.message"
where = { message.body = "/night", message.email = "max@Example.com" }
do = [{ reply = { text = "Good night, {{ message.name }}." } }]
"#;

#[tokio::test]
async fn who_writes_has_a_name_and_an_address() {
    let world = World::new(MANAGERS).await;
    furnish(&world.far);
    let world = world.up().await;
    world.wait_log("users are known").await;
    world.deliver(&from("c-1", "eve", "/night")).await;
    world.deliver(&from("c-1", "max", "hello")).await;
    world.deliver(&from("c-1", "max", "/night")).await;
    wait_text(&world, "c-1", "Good night, Max.").await;
    world.wait_idle().await;
    assert_eq!(texts(&world, "c-1"), ["Good night, Max."]);
    assert!(world.far.requests("/groups").is_empty(), "no rule asks for groups");
    assert!(world.far.requests("/conversations/c-1").iter().all(|seen| seen.method == "POST"), "nor for conversations");
    assert!(!world.log().contains("hunter2"));
    let metrics = world.admin("/metrics").await.body;
    assert!(metrics.contains("switchhook_directory_entries{account=\"main\",collection=\"users\"} 2"), "{metrics}");
}

#[tokio::test]
async fn a_user_who_changes_is_known_anew() {
    // With a country of one's own nobody is read anew for the site's.
    let world = World::new(MANAGERS).await.more(LOCALE);
    furnish(&world.far);
    let world = world.up().await;
    world.wait_log("users are known").await;
    let mut changed = user("eve", "Eva", "2002");
    changed["email"] = "max@Example.com".into();
    // Whether the user comes with it is not known: both must do.
    world.far.knows("accounts/a/users/eve", changed);
    world.deliver(&publication("platform-api-admin", "PUT", "/accounts/a/users/eve", Value::Null)).await;
    until("eve is asked for", async || (!world.far.requests("/users/eve").is_empty()).then_some(())).await;
    until("eve is a manager", async || {
        world.deliver(&from("c-1", "eve", "/night")).await;
        world.wait_idle().await;
        (texts(&world, "c-1").last().map(String::as_str) == Some("Good night, Eva.")).then_some(())
    })
    .await;
    world
        .deliver(&publication("platform-api-admin", "PUT", "/accounts/a/users/max", user("max", "Maxine", "2001")))
        .await;
    until("max has another name", async || {
        world.deliver(&from("c-2", "max", "/night")).await;
        world.wait_idle().await;
        // The address is as it was written there.
        texts(&world, "c-2").iter().any(|text| text == "Good night, Maxine.").then_some(())
    })
    .await;
}

const FRONT_DESK: &str = r#"
[[rule]]
name = "front desk"
on = "chat.message"
where = { conversation.tag = { contains = "frontdesk" }, message.body = { prefix = "hello" } }
do = [{ reply = { text = { en = "Hello!", fr = "Bonjour !" } } }]
[[rule]]
name = "anybody"
on = "chat.message"
where = { message.body = { prefix = "ping" } }
do = [{ reply = { text = "pong {{ message.body }}" } }]
"#;

#[tokio::test]
async fn a_conversation_is_fetched_for_a_rule_that_can_still_match() {
    let world = World::new(FRONT_DESK).await;
    world
        .far
        .knows("conversations/c-1", json!({ "conversationId": "c-1", "tag": "x frontdesk", "languageCode": "fr-CA" }));
    world.far.knows("conversations/c-2", json!({ "conversationId": "c-2", "tag": "other" }));
    let world = world.up().await;
    world.deliver(&chat("c-1", "ping")).await;
    world.deliver(&chat("c-2", "hello")).await;
    world.deliver(&chat("c-1", "hello")).await;
    world.deliver(&chat("c-1", "hello again")).await;
    wait_text(&world, "c-1", "Bonjour !").await;
    world.wait_idle().await;
    assert_eq!(texts(&world, "c-1"), ["pong ping", "Bonjour !", "Bonjour !"]);
    assert_eq!(texts(&world, "c-2"), Vec::<String>::new());
    let looks = |conversation: &str| {
        let seen = world.far.requests(conversation);
        seen.iter().filter(|seen| seen.method == "GET" && seen.path.ends_with(conversation)).count()
    };
    assert_eq!((looks("c-1"), looks("c-2")), (1, 1), "it is kept for a while");
    let told = &world.events()[2];
    assert_eq!(told["decision"]["told"]["conversation"]["tag"], "x frontdesk", "{told}");
}

#[tokio::test]
async fn a_conversation_that_does_not_come_holds_up_its_own_lane_only() {
    let world = World::new(FRONT_DESK).await;
    world.far.knows("conversations/c-1", json!({ "conversationId": "c-1", "tag": "frontdesk" }));
    let world = world.up().await;
    world.far.when("GET", "conversations/c-1").hangs();
    world.deliver(&chat("c-1", "hello")).await;
    world.deliver(&chat("c-1", "ping behind it")).await;
    until("it is asked for", async || (!world.far.requests("conversations/c-1").is_empty()).then_some(())).await;
    world.deliver(&chat("c-2", "ping beside it")).await;
    wait_text(&world, "c-2", "pong ping beside it").await;
    assert_eq!(texts(&world, "c-1"), Vec::<String>::new(), "what is behind it waits");
    wait_text(&world, "c-1", "pong ping behind it").await;
    world.wait_idle().await;
    assert_eq!(texts(&world, "c-1"), ["pong ping behind it"], "what can't be had is missing");
    world.far.let_go();
}

#[tokio::test]
async fn what_waits_for_a_conversation_is_not_lost_by_a_kill() {
    let world = World::new(FRONT_DESK).await;
    world.far.knows("conversations/c-1", json!({ "conversationId": "c-1", "tag": "frontdesk" }));
    let mut world = world.up().await;
    world.far.when("GET", "conversations/c-1").hangs();
    world.deliver(&chat("c-1", "hello")).await;
    world.deliver(&chat("c-1", "ping")).await;
    until("it is asked for", async || (!world.far.requests("conversations/c-1").is_empty()).then_some(())).await;
    world.kill().await;
    world.far.let_go();
    world.restart().await;
    wait_text(&world, "c-1", "pong ping").await;
    world.wait_idle().await;
    let mut texts = texts(&world, "c-1");
    texts.sort();
    assert_eq!(texts, ["Hello!", "pong ping"], "each once; different rules do not wait for each other");
}

const SALES: &str = r#"
[[rule]]
name = "first available of Sales"
on = "call.ringing"
where = { call.endpoint = "3100" }
[[rule.do]]
lookup = { group = "sales" }
as = "sales"
timeout = "1500ms"
on_error = "continue"
[[rule.do]]
redirect = { to = "{{ sales.available[0].extension or '5000' }}" }
"#;

fn present(far: &Far, who: &str, extension: &str, status: &str, state: &str) {
    far.knows(
        &format!("presentities/{who}"),
        json!({ "principalId": who, "presences": { "aggregatePresence": { "status": status } } }),
    );
    far.knows(&format!("endpoints/{extension}"), json!({ "endpointId": extension, "state": state, "dnd": false }));
}

#[tokio::test]
async fn a_call_goes_to_the_first_of_a_group_who_is_free() {
    let world = World::new(SALES).await;
    furnish(&world.far);
    let world = world.up().await;
    world.wait_log("groups are known").await;
    world.wait_log("users are known").await;
    for (call, max, eve, to) in [
        ("1", ("Available", "idle"), ("Available", "idle"), "2001"),
        ("2", ("Busy", "idle"), ("Available", "idle"), "2002"),
        ("3", ("Available", "connected"), ("Available", "idle"), "2002"),
        ("4", ("Available", "ringing"), ("DoNotDisturb", "idle"), "5000"),
    ] {
        present(&world.far, "max", "2001", max.0, max.1);
        present(&world.far, "eve", "2002", eve.0, eve.1);
        world.deliver(&ringing("3100", call)).await;
        let acts = world.far.wait_acts(&format!("/calls/{call}"), 1).await;
        assert_eq!(acts[0].json()["destination"], to, "call {call}");
    }
    // Nobody says whether they are there: the caller does not wait longer than the step may take.
    world.far.when("GET", "presentities").hangs();
    world.deliver(&ringing("3100", "5")).await;
    let acts = world.far.wait_acts("/calls/5", 1).await;
    assert_eq!(acts[0].json()["destination"], "5000");
    world.far.let_go();
    world.wait_idle().await;
    let steps = world.events().pop().unwrap();
    assert!(steps.to_string().contains("timeout"), "{steps}");
}

#[tokio::test]
async fn a_directory_that_hangs_delays_neither_the_start_nor_a_call() {
    let rules = format!(
        "{MANAGERS}{SALES}[[rule]]\nname = \"plain\"\non = \"call.ringing\"\nwhere = {{ call.endpoint = \"3001\" }}\ndo = [{{ redirect = {{ to = \"4001\" }} }}]\n"
    );
    let world = World::new(&rules).await;
    for list in ["users", "groups", "sites", "contacts"] {
        world.far.when("GET", &format!("/accounts/a/{list}")).hangs();
    }
    let world = world.up().await;
    world.deliver(&ringing("3001", "1")).await;
    let acts = world.far.wait_acts("/calls/1", 1).await;
    assert_eq!(acts[0].json()["destination"], "4001");
    world.deliver(&ringing("3100", "2")).await;
    let acts = world.far.wait_acts("/calls/2", 1).await;
    assert_eq!(acts[0].json()["destination"], "5000", "in the step's time nothing is known of Sales");
    world.far.let_go();
}

const OFFICE: &str = r#"
[hours.office]
open = "Mo-Su 00:00-24:00"
[[rule]]
name = "where"
on = "call.ringing"
where = { call.endpoint = "3001" }
do = [{ http = { post = "FAR/zone", json = { at = "{{ now | date('%Z') }}", from = "{{ call.from }}" } } }]
[[rule]]
name = "out"
on = "call.ringing"
where = { call.endpoint = "3002" }
do = [{ redirect = { to = "+442079460018" } }]
"#;

#[tokio::test]
async fn without_a_locale_the_sites_is_taken_and_remembered() {
    let world = World::new(OFFICE).await;
    furnish(&world.far);
    let mut world = world.up().await;
    world.wait_log("other rules are in force").await;
    assert!(world.log().contains("UTC is taken until CloudLink's site is known"));
    world.deliver(&ringing("3001", "1")).await;
    let zone = world.far.wait_acts("/zone", 1).await[0].json()["at"].as_str().unwrap().to_owned();
    assert!(zone == "CET" || zone == "CEST", "{zone}");
    world.deliver(&ringing("3002", "2")).await;
    let acts = world.far.wait_acts("/calls/2", 1).await;
    assert_eq!(acts[0].json()["destination"], "000442079460018", "what a phone there dials");
    world.stop().await;
    world.far.when("GET", "/accounts/a/sites").hangs();
    world.restart().await;
    assert!(world.log().contains("that of the site that was known last is taken"));
    world.deliver(&ringing("3001", "3")).await;
    let acts = world.far.wait_acts("/zone", 2).await;
    assert_eq!(acts[1].json()["at"], zone);
    world.far.let_go();
}

#[tokio::test]
async fn with_a_whole_locale_nothing_is_asked_of_sites() {
    let world = World::new(OFFICE).await.more(LOCALE);
    furnish(&world.far);
    let world = world.up().await;
    world.deliver(&ringing("3002", "2")).await;
    world.far.wait_acts("/calls/2", 1).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(world.far.requests("/accounts/").is_empty());
}

/// `switchhook directory …` with the secret in its environment.
fn listed(world: &World, arguments: &[&str]) -> Said {
    let mut command = std::process::Command::new(PROGRAM);
    command.arg("directory").args(arguments).arg("--config").arg(world.path("switchhook.toml"));
    let said = command.env("CLOUDLINK_SECRET", CLIENT_SECRET).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { code: said.status.code(), out: text(said.stdout), err: text(said.stderr) }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_directory_is_listed_without_a_gateway() {
    let world = World::new(OFFICE).await;
    furnish(&world.far);
    world.write_settings();
    let said = listed(&world, &["users"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let lines: Vec<&str> = said.out.lines().collect();
    assert!(lines[0].starts_with("name  extension  email"), "{said:?}");
    assert!(lines[1].starts_with("Max   2001       max@Example.com") && lines[2].starts_with("Eve   2002"), "{said:?}");
    assert!(!said.out.contains("hunter2"));
    let said = listed(&world, &["users", "--search", "eve@", "--json"]);
    let only: Value = serde_json::from_str(said.out.trim()).unwrap();
    assert_eq!(only, json!({ "id": "eve", "name": "Eve", "email": "eve@Example.com", "extension": "2002" }));
    let said = listed(&world, &["sites"]);
    assert!(said.out.contains("Oslo  Europe/Oslo  NO"), "{said:?}");
    let said = listed(&world, &["groups", "--search", "nothing"]);
    assert_eq!((said.code, said.out.trim()), (Some(0), ""), "{said:?}");
    world.far.when("GET", "/contacts").answers(403);
    let said = listed(&world, &["contacts"]);
    assert_eq!(said.code, Some(1), "{said:?}");
}
