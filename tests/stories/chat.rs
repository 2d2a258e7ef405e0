//! Answers in a chat: each is there once, whatever happens on the way, and none answers itself.

use crate::harness::World;
use crate::harness::letters::chat;

const RULES: &str = r#"
[[rule]]
name = "answer"
on = "chat.message"
where = { message.body = { suffix = "?" } }
[[rule.do]]
reply = { text = "You said: {{ message.body }}" }
timeout = "400ms"
[[rule]]
name = "thanks"
on = "chat.message"
where = { message.body = { contains = "thank" } }
do = [{ reply = { text = "You are welcome." } }]
"#;

fn texts(world: &World, conversation: &str) -> Vec<String> {
    world.far.messages(conversation).iter().map(|message| message["body"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn the_message_is_as_the_wire_wants_it_and_carries_its_tag() {
    let world = World::start(RULES).await;
    world.deliver(&chat("c 1+2", "what are your \"hours\"?")).await;
    let post = &world.far.wait_acts("/conversations/", 1).await[0];
    assert_eq!(post.path, "/2017-09-01/conversations/c%201%2B2/messages");
    let message = post.json();
    let keys: Vec<_> = message.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["body", "contentType", "tag"], "unknown fields are refused by CloudLink");
    assert_eq!(message["body"], "You said: what are your \"hours\"?");
    let tag: serde_json::Value = serde_json::from_str(message["tag"].as_str().unwrap()).unwrap();
    assert_eq!(tag["swh"].as_str().unwrap().len(), 32);
}

#[tokio::test]
async fn our_own_message_that_comes_back_is_not_answered() {
    let world = World::start(RULES).await;
    world.deliver(&chat("c-1", "thanks, and you?")).await;
    world.far.wait_acts("/conversations/c-1", 2).await;
    for message in world.far.messages("c-1") {
        let mut back = chat("c-1", "thank me?");
        back["content"]["tag"] = message["tag"].clone();
        back["content"]["createdBy"] = "gateway".into();
        world.deliver(&back).await;
    }
    world.wait_idle().await;
    assert_eq!(world.far.messages("c-1").len(), 2);
    let why = "the gateway itself wrote this message: only rules with `event.own = true` may act on it";
    assert_eq!(world.events()[1]["decision"]["note"], why);
    let shown = world.cli(&["events"]).out;
    assert_eq!(shown.matches(&format!("\n    {why}\n")).count(), 2, "{shown}");
}

#[tokio::test]
async fn after_a_504_or_a_time_out_it_is_looked_for_before_it_is_sent_again() {
    let world = World::start(RULES).await;
    for (number, (mood, stored)) in
        [("504", true), ("504", false), ("hangs", true), ("hangs", false)].into_iter().enumerate()
    {
        let conversation = format!("c-{number}");
        let when = world.far.when("POST", &conversation).times(1);
        let when = if stored { when.though_done() } else { when };
        if mood == "504" {
            when.answers(504);
        } else {
            when.hangs();
        }
        world.deliver(&chat(&conversation, "there?")).await;
        world.wait_idle().await;
        assert_eq!(texts(&world, &conversation), ["You said: there?"], "{mood}, stored {stored}");
        let posts = world.far.acts(&conversation).len();
        assert_eq!(posts, if stored { 1 } else { 2 }, "{mood}, stored {stored}");
    }
}

#[tokio::test]
async fn without_a_look_nothing_is_sent_again() {
    let world = World::start(RULES).await;
    world.far.when("POST", "c-1").times(1).though_done().answers(504);
    world.far.when("GET", "c-1").times(3).answers(503);
    world.deliver(&chat("c-1", "there?")).await;
    world.wait_fate("answer", "done").await;
    let methods: Vec<_> = world.far.requests("c-1").into_iter().map(|seen| seen.method).collect();
    assert_eq!(methods, ["POST", "GET", "GET", "GET", "GET"]);
    assert_eq!(texts(&world, "c-1").len(), 1);
}

#[tokio::test]
async fn questions_of_one_conversation_are_answered_in_order_and_others_do_not_wait() {
    let world = World::start(RULES).await;
    // Without a word about when to come again: that would hold all of the host.
    world.far.when("POST", "slow").times(5).answers(503);
    for number in 0..4 {
        world.deliver(&chat("slow", &format!("{number}?"))).await;
        world.deliver(&chat(&format!("quick-{number}"), "and I?")).await;
    }
    world.far.wait_acts("quick", 4).await;
    assert!(texts(&world, "slow").is_empty());
    world.wait_idle().await;
    assert_eq!(texts(&world, "slow"), ["0", "1", "2", "3"].map(|n| format!("You said: {n}?")));
}

#[tokio::test]
async fn what_a_guest_writes_is_data() {
    let world = World::start(RULES).await;
    for text in ["{{ account.id }}{% for x in range(9) %}?", "\u{202e}\u{0}\n?", "<b>ü</b> \u{1f600}?"] {
        let conversation = format!("c-{}", text.len());
        world.deliver(&chat(&conversation, text)).await;
        world.far.wait_acts(&conversation, 1).await;
        assert_eq!(texts(&world, &conversation), [format!("You said: {text}")]);
    }
}
