//! What the simulator does wrong on purpose, told from outside, and that its books tell it truly.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use switchhook::simulator::{Options, Redelivery};

use crate::harness::until;
use crate::simulator::{Bench, Receiver, hurried};

/// The status; none if there was no answer that could be read.
async fn ask(bench: &Bench, method: Method, path: &str, body: Value) -> Option<u16> {
    let request = bench.http.request(method, bench.running.api_url() + path).bearer_auth(&bench.token);
    let answer = request.json(&body).send().await.ok()?;
    let status = answer.status().as_u16();
    answer.bytes().await.ok().map(|_| status)
}

async fn mood(bench: &Bench, mood: Value) {
    let (status, said) = bench.control(Method::POST, "/moods", mood).await;
    assert_eq!(status, 200, "{said}");
}

async fn effects(bench: &Bench, part: &str) -> Vec<(String, u64)> {
    let book = bench.control(Method::GET, &format!("/books/effects?contains={part}"), Value::Null).await.1;
    let effect = |effect: &Value| (effect["key"].as_str().unwrap().to_owned(), effect["count"].as_u64().unwrap());
    book["effects"].as_array().unwrap().iter().map(effect).collect()
}

#[tokio::test]
async fn a_reset_is_a_reset_and_a_drop_is_a_close() {
    let bench = Bench::start(Options::default()).await;
    for (fault, reset) in [("reset", true), ("drop", false)] {
        mood(&bench, json!({ "path_contains": "/token", fault: true, "times": 1 })).await;
        let address = bench.running.addr;
        let answer = tokio::task::spawn_blocking(move || {
            use std::io::{Read, Write};
            let mut stream = std::net::TcpStream::connect(address).unwrap();
            stream.write_all(b"GET /2017-09-01/token HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
            stream.read(&mut [0; 100])
        });
        let answer = answer.await.unwrap().map_err(|error| error.kind());
        let wanted = if reset { Err(std::io::ErrorKind::ConnectionReset) } else { Ok(0) };
        assert_eq!(answer, wanted, "{fault}");
    }
}

#[tokio::test]
async fn the_books_tell_what_was_done_whatever_became_of_the_answer() {
    let bench = Bench::start(Options::default()).await;
    let path = bench.conversation().await;
    for (faults, answered) in [
        (json!({ "reset": true }), None),
        (json!({ "drop": true }), None),
        (json!({ "status": 500 }), Some(500)),
        (json!({ "spoil": "cut_off" }), None),
        (json!({ "spoil": "reset_in_body" }), None),
    ] {
        for after in [false, true] {
            let mut faults = faults.clone();
            (faults["after"], faults["times"], faults["method"]) = (after.into(), 1.into(), "POST".into());
            mood(&bench, faults.clone()).await;
            assert_eq!(ask(&bench, Method::POST, &path, json!({ "body": "x" })).await, answered, "{faults}");
            let book = bench.control(Method::GET, "/books/requests?path_contains=/messages", Value::Null).await.1;
            let last = book["requests"].as_array().unwrap().last().unwrap().clone();
            assert_eq!(last["carried_out"], after, "{faults} {last}");
            assert!(last["mood"].as_str().unwrap().starts_with("after") == after, "{last}");
        }
    }
    assert_eq!(bench.api(Method::GET, &path, Value::Null).await.1["count"], 1 + 5, "the guest's and what was done");
}

#[tokio::test]
async fn an_effect_is_counted_by_what_it_did_to_whom() {
    let bench = Bench::start(Options::default()).await;
    let call = bench.ring("3001").await;
    let path = format!("/endpoints/3001/calls/{call}");
    mood(&bench, json!({ "method": "PUT", "reset": true, "after": true, "times": 1 })).await;
    let redirect = json!({ "action": "redirect", "destination": "4001" });
    for answered in [None, Some(404)] {
        assert_eq!(ask(&bench, Method::PUT, &path, redirect.clone()).await, answered);
    }
    assert_eq!(effects(&bench, "redirect").await, [(format!("redirect endpoints/3001/calls/{call}"), 1)]);
    let messages = bench.conversation().await;
    for tag in ["t1", "t2", "t1"] {
        assert_eq!(bench.api(Method::POST, &messages, json!({ "body": "x", "tag": tag })).await.0, 201);
    }
    let counts: Vec<u64> = effects(&bench, "message").await.into_iter().map(|(_, count)| count).collect();
    assert_eq!(counts, [2, 1]);
    bench.control(Method::DELETE, "/books", Value::Null).await;
    assert_eq!(effects(&bench, "").await, []);
}

#[tokio::test]
async fn answers_can_be_what_they_do_not_say() {
    let bench = Bench::start(Options::default()).await;
    for (spoil, kind, is_json) in [
        ("not_json", "application/json", false),
        ("half_json", "application/json", false),
        ("wrong_type", "text/html", true),
    ] {
        mood(&bench, json!({ "path_contains": "/token", "spoil": spoil, "after": true, "times": 1 })).await;
        let answer = bench.http.get(bench.running.api_url() + "/token").bearer_auth(&bench.token).send().await.unwrap();
        assert_eq!((answer.status().as_u16(), &answer.headers()["content-type"]), (200, &kind.parse().unwrap()));
        let body = answer.bytes().await.unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&body).is_ok(), is_json, "{spoil}");
    }
    mood(&bench, json!({ "path_contains": "/token", "spoil": "cut_off", "after": true, "times": 1 })).await;
    let answer = bench.http.get(bench.running.api_url() + "/token").bearer_auth(&bench.token).send().await.unwrap();
    assert!(answer.content_length().is_some_and(|length| length > 0));
    assert!(answer.bytes().await.is_err(), "it ends before its end");
    assert_eq!(bench.control(Method::POST, "/moods", json!({ "drop": true, "status": 500 })).await.0, 400);
}

#[tokio::test]
async fn a_share_is_drawn_by_its_seed_and_an_outage_ends_by_itself() {
    let mut runs = vec![];
    for _ in 0..2 {
        let bench = Bench::start(Options::default()).await;
        mood(&bench, json!({ "path_contains": "/endpoints/", "status": 500, "share": 0.2, "seed": 4 })).await;
        let mut statuses = vec![];
        for _ in 0..60 {
            statuses.push(bench.api(Method::GET, "/endpoints/3001", Value::Null).await.0);
        }
        assert!(statuses.contains(&500) && statuses.contains(&200));
        runs.push(statuses);
    }
    assert_eq!(runs[0], runs[1]);

    let bench = Bench::start(Options::default()).await;
    let away = json!({ "seconds": 1, "path_contains": "/endpoints/", "status": 503 });
    let (_, set) = bench.control(Method::POST, "/outages", away).await;
    assert!((1..=1000).contains(&set["moods"][0]["for_ms"].as_u64().unwrap()), "{set}");
    assert_eq!(bench.api(Method::GET, "/endpoints/3001", Value::Null).await.0, 503);
    assert_eq!(bench.api(Method::GET, "/token", Value::Null).await.0, 200);
    bench.control(Method::POST, "/outages", json!({ "seconds": 1 })).await;
    assert!(bench.http.get(bench.running.api_url() + "/token").send().await.is_err());
    until("the outage is over", async || {
        let answer = bench.http.get(bench.running.api_url() + "/endpoints/3001").bearer_auth(&bench.token).send().await;
        answer.is_ok_and(|answer| answer.status() == 200).then_some(())
    })
    .await;
    let moods = bench.control(Method::GET, "/moods", Value::Null).await.1;
    assert_eq!(moods["moods"], json!([]));
}

#[tokio::test]
async fn one_token_can_end_early() {
    let bench = Bench::start(Options::default()).await;
    let other = bench.fetch_token().await["access_token"].as_str().unwrap().to_owned();
    let good = async |token: &str| {
        let answer = bench.http.get(bench.running.api_url() + "/token").bearer_auth(token).send().await.unwrap();
        answer.status() == 200
    };
    let revoked = bench.control(Method::POST, "/tokens/revoke", json!({ "last": true })).await.1;
    assert_eq!(revoked["revoked"], 1);
    assert_eq!((good(&bench.token).await, good(&other).await), (true, false));
    let revoked = bench.control(Method::POST, "/tokens/revoke", json!({ "token": bench.token })).await.1;
    assert_eq!((revoked["revoked"].as_u64(), good(&bench.token).await), (Some(1), false));
}

#[tokio::test]
async fn deliveries_come_twice_and_out_of_order() {
    let (bench, receiver) = (Bench::start(hurried()).await, Receiver::start(0).await);
    bench.listen(&receiver.url, "platform-api-media").await;
    let whim = json!({ "subject_contains": "/endpoints/3001/", "duplicates": 1.0, "reorder": 1.0, "hold_ms": 10_000 });
    assert_eq!(bench.control(Method::POST, "/whims", whim).await.0, 200);
    bench.ring("3001").await;
    bench.ring("3002").await;
    let came = receiver.wait(3).await;
    let endpoints: Vec<&Value> = came.iter().map(|publication| &publication["content"]["endpointId"]).collect();
    assert_eq!(endpoints, ["3002", "3001", "3001"], "the first was held back until the second had passed");
    assert_eq!(came[1]["publicationId"], came[2]["publicationId"]);
    let moods = until("all are written down", async || {
        let book = bench.control(Method::GET, "/books/deliveries", Value::Null).await.1;
        let moods: Vec<Value> = book["deliveries"].as_array().unwrap().iter().map(|d| d["mood"].clone()).collect();
        (moods.len() == 3).then_some(moods)
    })
    .await;
    assert_eq!(moods, [Value::Null, "held back".into(), "duplicate".into()]);
    bench.control(Method::DELETE, "/whims", Value::Null).await;
    bench.ring("3001").await;
    assert_eq!(receiver.wait(4).await.len(), 4);
    assert_eq!(bench.control(Method::POST, "/whims", json!({ "duplicates": 2.0 })).await.0, 400);
}

#[tokio::test]
async fn a_schedule_says_how_often_and_when_a_delivery_comes_again() {
    let redelivery = Redelivery { schedule: vec![Duration::from_mins(5)], ..Redelivery::default() };
    let options = Options { redelivery, ..Options::default() };
    let (bench, receiver) = (Bench::start(options).await, Receiver::start(usize::MAX).await);
    let (_, now) = bench.control(Method::GET, "/redelivery", Value::Null).await;
    assert_eq!((&now["schedule_ms"], &now["first_pause_ms"]), (&json!([300_000]), &json!(500)));
    let (_, now) = bench.control(Method::PUT, "/redelivery", json!({ "schedule_ms": [10, 40] })).await;
    assert_eq!((&now["schedule_ms"], &now["give_up_after_ms"]), (&json!([10, 40]), &json!(600_000)));
    bench.listen(&receiver.url, "platform-api-media").await;
    bench.ring("3001").await;
    receiver.wait(3).await;
    // A second call shows that the first was given up: nothing of it comes after this one's.
    bench.control(Method::POST, "/whims", json!({ "duplicates": 1.0 })).await;
    bench.ring("3002").await;
    let came = receiver.wait(9).await;
    let count = |endpoint: &str| came.iter().filter(|came| came["content"]["endpointId"] == endpoint).count();
    assert_eq!((count("3001"), count("3002")), (3, 6));
}
