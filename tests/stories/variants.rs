//! Whatever CloudLink turns out to be like: under every variant of the simulator the gateway does its jobs, its commands
//! work, and `doctor --live` says what it took otherwise.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use reqwest::Method;
use serde_json::{Value, json};
use switchhook::doctor::assumptions;
use switchhook::simulator::{Options, Variant};

use crate::harness::command::{self, Said};
use crate::harness::{APPLICATION, PROGRAM, World, leaks, until};
use crate::simulator::{Bench, hurried};

/// How many variants are played side by side.
const SIDE_BY_SIDE: usize = 4;

const RULES: &str = r#"
[[rule]]
name = "redirect"
on = "call.ringing"
where = { call.endpoint = "3001" }
do = [{ redirect = { to = "4001" } }]
[[rule]]
name = "arrived"
on = "call.ringing"
where = { call.endpoint = "4001" }
do = [{ http = { post = "FAR/arrived", json = { from = "{{ call.from }}", hops = "{{ call.hops }}" } } }]
[[rule]]
name = "over"
on = "call.finished"
where = { call.path = { contains = "4001" } }
do = [{ http = { post = "FAR/over", json = { path = "{{ call.path }}" } } }]
[[rule]]
name = "whoever is free"
on = "call.ringing"
where = { call.endpoint = "3100" }
[[rule.do]]
lookup = { group = "Service" }
as = "service"
[[rule.do]]
redirect = { to = "{{ service.available[0].extension or '5000' }}" }
[[rule]]
name = "answer"
on = "chat.message"
where = { message.body = { suffix = "?" } }
do = [{ reply = { text = "You, {{ message.name }}, said: {{ message.body }}" } }]
[[rule]]
name = "menu"
on = "chat.message"
where = { message.body = "menu" }
do = [{ reply = { card = { title = "Menu", body = "What?", buttons = [{ title = "Sales", action = "post-message", payload = "sales" }] } } }]
[[rule]]
name = "pressed"
on = "chat.message"
where = { message.body = ["sales", "Sales"] }
do = [{ http = { post = "FAR/pressed", json = { conversation = "{{ message.conversation }}" } } }]
[[rule]]
name = "busy"
on = "presence.changed"
where = { presence.status = "Busy" }
do = [{ http = { post = "FAR/busy", json = { who = "{{ presence.principal }}" } } }]
[[rule]]
name = "hired"
on = "user.created"
[[rule.do]]
cloudlink = { get = "/accounts/{{ account.id }}/users", api = "admin", paginate = true }
as = "all"
[[rule.do]]
http = { post = "FAR/hired", json = { id = "{{ user.id }}", users = "{{ all.body.items | length }}" } }
"#;

/// The longest first pause after a renewal that an API forced by 401.
const FORCED: Duration = Duration::from_millis(1100);

/// A running gateway at a simulator that plays a variant.
struct Stage {
    bench: Bench,
    world: World,
}

/// A user of the simulator's first account by number; the phone is 3001 and so on.
fn user(number: u32) -> String {
    format!("{}-05e4-4c00-8000-{number:012x}", &Options::default().account_id[..8])
}

impl Stage {
    async fn start(variant: Variant) -> Self {
        let bench = Bench::start(Options { variants: [variant].into_iter().collect(), ..hurried() }).await;
        let (api, account) = (bench.running.api_url(), Options::default().account_id);
        let sections = format!(
            "[[application]]\nname = \"main\"\nid = \"{APPLICATION}\"\n[cloudlink]\naccount_id = \"{account}\"\n\
             urls = {{ all = \"{api}\" }}\n\
             auth = {{ grant = \"client_credentials\", client_id = \"simulator\", client_secret = \"simulator\" }}\n"
        );
        let world = World::new(RULES).await.accounts(&sections).up().await;
        for topic in ["media", "conversations", "presence", "admin"] {
            bench.listen(&world.url("/notify"), &format!("platform-api-{topic}")).await;
        }
        Self { bench, world }
    }

    /// Runs a command with the gateway's settings, beside this runtime, on which the simulator lives.
    async fn run(&self, arguments: &[&str]) -> Said {
        let config = self.world.path("").display().to_string();
        let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let run = move || {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).chain(["--config", &config]).collect();
            command::run(PROGRAM, &arguments).unwrap()
        };
        let said = tokio::task::spawn_blocking(run).await.unwrap();
        let leaked = leaks::found_in(said.all().as_bytes(), &leaks::GIVEN);
        assert!(leaked.is_empty() && !said.all().contains("eyJ"), "a token is shown: {said:?}");
        said
    }

    /// A command that must do well.
    async fn good(&self, arguments: &[&str]) -> String {
        let said = self.run(arguments).await;
        assert_eq!(said.code, Some(0), "{arguments:?}: {said:?}");
        said.out
    }

    /// Where a phone rings, and whether it does so.
    async fn rings(&self, endpoint: &str) -> usize {
        let calls = self.bench.control(Method::GET, "/calls", Value::Null).await.1;
        let calls = calls["calls"].as_array().unwrap();
        calls.iter().filter(|leg| leg["endpoint"] == endpoint && leg["state"] == "ringing").count()
    }

    async fn says(&self, conversation: Option<&str>, text: &str) -> String {
        let mut said = json!({ "sender": user(2), "body": text });
        if let Some(conversation) = conversation {
            said["conversation"] = conversation.into();
        }
        let (status, said) = self.bench.control(Method::POST, "/messages", said).await;
        assert_eq!(status, 201, "{said}");
        said["conversation"].as_str().unwrap().to_owned()
    }

    /// All messages of a conversation, page by page, whatever form a page has.
    async fn messages(&self, conversation: &str) -> Vec<Value> {
        let mut all: Vec<Value> = Vec::new();
        loop {
            let path = format!("/conversations/{conversation}/messages?$top=100&$skip={}", all.len());
            let page = self.bench.api(Method::GET, &path, Value::Null).await.1;
            let items = page["_embedded"]["items"].as_array().cloned().unwrap_or_default();
            if items.is_empty() {
                return all;
            }
            all.extend(items);
        }
    }

    async fn texts(&self, conversation: &str, wanted: &str) -> usize {
        self.messages(conversation).await.iter().filter(|message| message["body"] == wanted).count()
    }

    /// Whether everything that came is done, and this many events came at least.
    async fn wait_done(&self) {
        until("all is done", async || {
            let said = self.run(&["events", "--json", "-n", "10000"]).await;
            said.out.lines().all(|line| line.contains("\"done\":true")).then_some(())
        })
        .await;
    }
}

/// A call that rings is redirected, also with a token that is worth nothing any more; its end is seen; and one goes to
/// whoever of a group is free.
async fn calls(stage: &Stage) {
    let Stage { bench, world } = stage;
    for number in 1..=2 {
        bench.ring("3001").await;
        let arrived = world.far.wait_acts("/arrived", number).await.pop().unwrap().json();
        assert_eq!(arrived, json!({ "from": "+16135550142", "hops": 1 }), "the redirected call");
        assert_eq!((stage.rings("3001").await, stage.rings("4001").await), (0, 1));
        let legs = bench.control(Method::GET, "/calls", Value::Null).await.1;
        let leg =
            legs["calls"].as_array().unwrap().iter().find(|leg| leg["endpoint"] == "4001" && leg["state"] == "ringing");
        let leg = leg.unwrap()["call"].as_str().unwrap().to_owned();
        // The first leg's end is heard before that of the second, or the call would be open for 30 s more.
        stage.wait_done().await;
        assert_eq!(bench.control(Method::POST, &format!("/calls/{leg}/end"), Value::Null).await.0, 200);
        let over = world.far.wait_acts("/over", number).await.pop().unwrap().json();
        assert_eq!(over["path"], json!(["3001", "4001"]), "the end of the call");
        // Renewals that refusals force have pauses between them.
        tokio::time::sleep(FORCED).await;
        assert_eq!(bench.control(Method::POST, "/tokens/revoke", json!({ "last": true })).await.1["revoked"], 1);
    }
    for number in [1, 4, 7] {
        let path = format!("/presentities/{}", user(number));
        assert_eq!(bench.api(Method::PUT, &path, json!({ "status": "Busy" })).await.0, 200);
    }
    let mut busy: Vec<Value> =
        world.far.wait_acts("/busy", 3).await.iter().map(|seen| seen.json()["who"].clone()).collect();
    busy.sort_by_key(Value::to_string);
    assert_eq!(busy, [1, 4, 7].map(|number| json!(user(number))), "who became busy");
    bench.ring("3100").await;
    until("the call is handed on to the fourth of Service, who alone is free", async || {
        (stage.rings("3100").await == 0 && stage.rings("3011").await == 1).then_some(())
    })
    .await;
}

/// A question is answered once, also when the answer's own answer is lost, and the gateway does not answer itself.
async fn chats(stage: &Stage, variant: Variant) {
    let Stage { bench, world } = stage;
    let talk = stage.says(None, "open?").await;
    let name = until("the question is answered", async || {
        let messages = stage.messages(&talk).await;
        let bodies = messages.iter().filter_map(|message| message["body"].as_str());
        bodies.filter_map(|body| body.strip_prefix("You, ")?.strip_suffix(", said: open?")).map(str::to_owned).next()
    })
    .await;
    assert!(name.starts_with("Clara"), "who asks is known: {name}");
    for text in ["one", "two", "three", "four"] {
        stage.says(Some(&talk), text).await;
    }
    let lost = json!({ "method": "POST", "path_contains": "/messages", "status": 504, "after": true, "times": 1 });
    assert_eq!(bench.control(Method::POST, "/moods", lost).await.0, 200);
    stage.says(Some(&talk), "there?").await;
    let answer = format!("You, {name}, said: there?");
    until("the second is answered", async || (stage.texts(&talk, &answer).await > 0).then_some(())).await;
    stage.says(Some(&talk), "menu").await;
    let card = until("the menu is there", async || {
        let messages = stage.messages(&talk).await;
        let card =
            messages.iter().find(|message| message["body"].as_str().is_some_and(|body| body.contains("buttons")));
        card.map(|card| card["messageId"].as_str().unwrap().to_owned())
    })
    .await;
    let press = json!({ "conversation": talk, "sender": user(2), "message": card });
    assert_eq!(bench.control(Method::POST, "/presses", press).await.0, 201);
    world.far.wait_acts("/pressed", 1).await;
    if variant != Variant::NoOwnMessages {
        until("our own messages came back", async || {
            let said = stage.run(&["events", "--json", "-n", "10000"]).await;
            (said.out.matches("the gateway itself wrote this message").count() == 3).then_some(())
        })
        .await;
    }
    stage.wait_done().await;
    assert_eq!(stage.messages(&talk).await.len(), 8 + 3, "each is answered once, and no answer is");
}

/// A user whom Admin made is noticed, and a list is read to its end.
async fn hires(stage: &Stage) {
    let made = json!({ "name": "Nora New", "extension": "3050", "sipPassword": "hunter2-of-nora" });
    let path = format!("/accounts/{}/users", Options::default().account_id);
    let made = stage.bench.api(Method::POST, &path, made).await.1;
    let hired = stage.world.far.wait_acts("/hired", 1).await.pop().unwrap().json();
    assert_eq!(hired, json!({ "id": made["userId"], "users": 13 }));
}

/// What commands tell without the gateway.
async fn commands(stage: &Stage) {
    let who: Value = serde_json::from_str(&stage.good(&["whoami", "--json"]).await).unwrap();
    assert_eq!(who["account_id"], json!(Options::default().account_id), "{who}");
    for (list, number) in [("users", 13), ("contacts", 6), ("groups", 3), ("sites", 2)] {
        let out = stage.good(&["directory", list, "--json"]).await;
        assert_eq!(out.lines().count(), number, "{list}: {out}");
        assert!(!out.contains("hunter2"), "{out}");
    }
    let none = stage.good(&["directory", "users", "--search", "nobody of this name"]).await;
    assert_eq!(none.trim(), "");
    let users = stage.good(&["api", "admin", "/accounts/{account}/users", "--paginate"]).await;
    let users: Value = serde_json::from_str(&users).unwrap();
    assert_eq!(users.as_array().map(Vec::len), Some(13), "{users}");
    let empty = stage.good(&["api", "media", "/endpoints/3999/calls", "--paginate"]).await;
    assert_eq!(serde_json::from_str::<Value>(&empty).unwrap(), json!([]), "an empty list");
    for wrong in [["api", "media", "/endponts/3001"], ["api", "chat", "/conversations/none"]] {
        let said = stage.run(&wrong).await;
        assert!(said.code == Some(1) && !said.err.trim().is_empty(), "{said:?}");
    }
}

/// What `doctor --live` says of each assumption.
async fn verdicts(stage: &Stage) -> BTreeMap<String, (String, String)> {
    let said = stage.run(&["doctor", "--live", "--connections", "--subscriptions", "--json"]).await;
    let told: Value = serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"));
    let live = ["sign in", "_spec", "hosts", "subscription", "who am I", "clock"];
    for line in told["checks"].as_array().unwrap() {
        assert!(line["grade"] != "fail" || !live.contains(&line["check"].as_str().unwrap()), "{line}");
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let learnt = told["assumptions"].as_array().unwrap().iter();
    learnt.map(|one| (text(&one["id"]), (text(&one["held"]), text(&one["saw"])))).collect()
}

/// What an account that was asked shows of a variant, where that is another word than the plain way's.
const SEEN: &[(Variant, &str)] = &[
    (Variant::SubscriptionsArray, "tolerated"),
    (Variant::SubscriptionsItems, "tolerated"),
    (Variant::SubscriptionsRefused, "tolerated"),
    (Variant::SubscriptionsMissing, "tolerated"),
    (Variant::SubscriptionId, "tolerated"),
    (Variant::CorrelationAdopted, "tolerated"),
    (Variant::PresenceFlat, "tolerated"),
    (Variant::PresenceShort, "tolerated"),
    (Variant::PresenceArray, "tolerated"),
    (Variant::PresenceUpper, "tolerated"),
    (Variant::NextAbsolute, "tolerated"),
];

async fn asked(stage: &Stage, variant: Variant) {
    let verdicts = verdicts(stage).await;
    let seen = SEEN.iter().find(|(other, _)| *other == variant).map(|(_, held)| *held);
    let breaks = |id: &str| {
        let assumption = assumptions::named(id).unwrap_or_else(|| panic!("{id} is in no list"));
        assumption.variants.contains(&variant.name())
    };
    for (id, (held, saw)) in &verdicts {
        let wanted = seen.filter(|_| breaks(id));
        assert!(wanted.map_or(held != "no", |wanted| held == wanted), "{id} is told as {held}: {saw}");
    }
    assert!(seen.is_none() || verdicts.keys().any(|id| breaks(id)), "the doctor does not ask for it");
}

async fn play(variant: Variant) -> Vec<PathBuf> {
    let mut stage = Stage::start(variant).await;
    calls(&stage).await;
    chats(&stage, variant).await;
    hires(&stage).await;
    commands(&stage).await;
    asked(&stage, variant).await;
    assert_eq!(stage.world.stop().await.0, 0);
    let log = stage.world.log();
    assert!(!log.contains("panicked") && !log.contains("hunter2"), "{log}");
    leaks::found_below(&stage.world.path(""), &[&leaks::GIVEN[..], &["hunter2-of-nora"]].concat(), &[])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_gateway_does_its_jobs_under_every_variant() {
    let playing = futures_util::stream::iter(Variant::ALL.iter().copied()).map(async |variant| {
        // What fails in one variant must not end the others.
        let failed = match AssertUnwindSafe(play(variant)).catch_unwind().await {
            Ok(found) if found.is_empty() => None,
            Ok(found) => Some(format!("a secret stands in {found:?}")),
            Err(panic) => Some(why(&*panic)),
        };
        failed.map(|why| format!("--- {} ({}): {why}", variant.name(), variant.line()))
    });
    let failed: Vec<String> = playing.buffer_unordered(SIDE_BY_SIDE).filter_map(std::future::ready).collect().await;
    assert!(failed.is_empty(), "the gateway fails {} variant(s):\n{}", failed.len(), failed.join("\n"));
}

/// What a story said when it failed.
fn why(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned())).unwrap_or_default()
}
