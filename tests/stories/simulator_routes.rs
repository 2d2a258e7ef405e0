//! Stories of the simulator's APIs, in plain HTTP: phones, meetings, chats, presence, and that every listed route is there. No
//! code of the gateway is used.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};
use switchhook::simulator::{Options, Service, routes};

use super::simulator::{Bench, Receiver};
use super::simulator_signin::items;

#[tokio::test]
async fn a_phone_is_set_and_its_history_is_kept() {
    let (bench, receiver) = (Bench::start(Options::default()).await, Receiver::start(0).await);
    bench.listen(&receiver.url, "platform-api-media").await;
    let dnd = json!({ "action": "dnd", "enabled": true, "userAvailability": "dnd" });
    for on in [true, false] {
        let (status, phone) = bench.api(Method::PUT, "/endpoints/3001", dnd.clone()).await;
        assert_eq!((status, &phone["dnd"]), (200, &json!(on)), "dnd is a toggle");
    }
    assert_eq!(bench.api(Method::PUT, "/endpoints/3001", json!({ "action": "sleep" })).await.0, 400);
    let call = json!({ "to": "3002", "record": true, "originateTimeout": "20", "associatedCallId": "mine" });
    let made = bench.api(Method::POST, "/endpoints/3001/calls", call).await.1;
    assert_eq!(made["associatedCallId"], "mine");
    let there = items(&bench.api(Method::GET, "/endpoints/3002/calls", Value::Null).await.1)[0]["callId"].clone();
    let answer = bench.api(Method::PUT, &format!("/{}", there.as_str().unwrap()), json!({ "action": "answer" })).await;
    assert_eq!(answer.0, 202);
    let path = format!("/endpoints/3001/calls/{}", made["callId"].as_str().unwrap());
    for (body, status) in [
        (json!({ "action": "dtmf", "args": "12#" }), 202),
        (json!({ "action": "dtmf" }), 400),
        (json!({ "action": "tagRecording", "args": "{\"a\":1}" }), 202),
        (json!({ "action": "tagRecording", "args": "plain" }), 400),
        (json!({ "action": "hangup" }), 400),
        (json!({ "action": "end", "why": "x" }), 400),
        (json!({ "action": "end" }), 202),
        (json!({ "action": "end" }), 404),
    ] {
        assert_eq!(bench.api(Method::PUT, &path, body.clone()).await.0, status, "{body}");
    }
    let owner = items(&bench.api(Method::GET, "/calls/records", Value::Null).await.1)[0]["principal"].clone();
    let of_owner = format!("/calls/records?$filter=contains(principal, '{}')", owner.as_str().unwrap());
    let records = items(&bench.api(Method::GET, &of_owner, Value::Null).await.1);
    assert_eq!((records.len(), &records[0]["completed"]), (1, &json!(true)));
    let guid = records[0]["callId"].as_str().unwrap();
    assert_eq!(items(&bench.api(Method::GET, &format!("/calls/{guid}/records"), Value::Null).await.1).len(), 2);
    assert_eq!(bench.api(Method::PUT, &of_owner, json!({ "hide": true })).await.1["hidden"], 1);
    // What was recorded can be fetched for a while, without a token.
    let recordings = items(&bench.api(Method::GET, "/recordings?$expand=media", Value::Null).await.1);
    let media =
        recordings.iter().find(|recording| recording["callId"] == guid).unwrap()["_embedded"]["media"]["url"].clone();
    let fetched = bench.http.get(media.as_str().unwrap()).send().await.unwrap();
    assert_eq!((fetched.status().as_u16(), &fetched.bytes().await.unwrap()[..4]), (200, &b"RIFF"[..]));
    let with_token = bench.http.get(media.as_str().unwrap()).bearer_auth(&bench.token);
    assert_eq!(bench.send(with_token).await.0, 400);
}

#[tokio::test]
async fn a_conference_is_held_and_attended() {
    let bench = Bench::start(Options::default()).await;
    assert_eq!(bench.api(Method::POST, "/conferences", json!({ "topic": "x" })).await.0, 400);
    let wish = json!({ "name": "Weekly numbers", "accessCodeLength": 6, "participants": [{ "participantId": "p-1" }] });
    let (status, made) = bench.api(Method::POST, "/conferences", wish).await;
    assert_eq!((status, made["accessCode"].as_str().unwrap().len()), (200, 6));
    assert_eq!(items(&made["_embedded"]["participants"])[0]["state"], "invited");
    let path = format!("/conferences/{}", made["id"].as_str().unwrap());
    assert_eq!(bench.api(Method::POST, &path, json!({ "action": "record" })).await.0, 409);
    let me = bench.api(Method::POST, &format!("{path}/participants"), json!({ "participantId": "me" })).await.1;
    assert_eq!(me["state"], "active");
    for (action, status) in
        [("record", 200), ("pause-record", 200), ("resume-record", 200), ("stop-record", 200), ("x", 400)]
    {
        assert_eq!(bench.api(Method::POST, &path, json!({ "action": action })).await.0, status, "{action}");
    }
    let mine = format!("{path}/participants/{}", me["participantId"].as_str().unwrap());
    assert_eq!(bench.api(Method::PUT, &mine, json!({ "muted": true })).await.1["muted"], true);
    assert_eq!(bench.api(Method::PUT, &mine, json!({ "action": "leave" })).await.1["state"], "inactive");
    assert_eq!(bench.api(Method::GET, &path, Value::Null).await.1["state"], "inactive");
    let attended = items(&bench.api(Method::GET, "/users/me/attendances", Value::Null).await.1);
    assert!(attended[0]["leaveTimeStamp"].is_string());
    let instance = attended[0]["conferenceInstanceId"].as_str().unwrap();
    assert_eq!(bench.api(Method::GET, &format!("{path}/instances/{instance}"), Value::Null).await.0, 200);
    let found = bench.api(Method::GET, "/conferences/content?$search=numbers weekly", Value::Null).await.1;
    assert_eq!(items(&found)[0]["id"], made["id"]);
    let with_both = "/conferences?containsAllParticipants=me,p-1&$top=1";
    assert_eq!(items(&bench.api(Method::GET, with_both, Value::Null).await.1)[0]["id"], made["id"]);
    let first = bench.api(Method::GET, "/conferences?$top=1", Value::Null).await.1;
    assert!(first["_links"]["next"].as_str().unwrap().contains("$skiptoken="));
    assert_eq!(bench.api(Method::DELETE, &path, Value::Null).await.0, 200);
    assert_eq!(bench.api(Method::GET, &path, Value::Null).await.0, 404);
}

#[tokio::test]
async fn a_conversation_has_reactions_attachments_and_tags() {
    let (bench, receiver) = (Bench::start(Options::default()).await, Receiver::start(0).await);
    bench.listen(&receiver.url, "platform-api-conversations").await;
    let opening = json!({ "stream": true, "name": "Team", "languageCode": "en-US",
        "originalParticipants": [{ "type": "USER", "participantId": "guest-1" }] });
    let wrong = json!({ "languageCode": "english" });
    assert_eq!(bench.api(Method::POST, "/conversations", wrong).await.0, 400);
    let (status, made) = bench.api(Method::POST, "/conversations", opening).await;
    assert_eq!((status, items(&made["_embedded"]["participants"]).len()), (201, 2));
    let path = format!("/conversations/{}", made["conversationId"].as_str().unwrap());
    let message = bench.api(Method::POST, &format!("{path}/messages"), json!({ "body": "hi" })).await.1;
    let message = format!("{path}/messages/{}", message["messageId"].as_str().unwrap());
    let (status, reaction) =
        bench.api(Method::POST, &format!("{message}/reactions"), json!({ "reaction": "👍" })).await;
    assert_eq!((status, &reaction["reaction"]), (201, &json!("👍")));
    assert_eq!(bench.api(Method::PUT, &message, json!({ "body": "hello" })).await.1["body"], "hello");
    assert_eq!(
        bench.api(Method::POST, &format!("{path}/participants/me/typing"), json!({ "action": "START" })).await.0,
        204
    );
    assert_eq!(
        bench.api(Method::POST, &format!("{path}/participants/me/typing"), json!({ "action": "on" })).await.0,
        400
    );
    let read = json!({ "lastReadMessageDate": "2026-02-03T08:15:30.120Z", "status": "ACCEPTED" });
    assert_eq!(bench.api(Method::PUT, &format!("{path}/participants/guest-1"), read).await.0, 200);
    assert_eq!(bench.api(Method::PUT, &format!("{path}/tags/topic"), json!({ "value": "a" })).await.0, 200);
    let own = bench.api(Method::GET, "/users/me/conversations", Value::Null).await.1;
    assert_eq!(items(&own)[0]["unreadCount"], 0);
    let subjects: BTreeSet<String> =
        receiver.wait(5).await.iter().map(|publication| publication["subject"].as_str().unwrap().to_owned()).collect();
    assert!(subjects.contains(&path) && subjects.contains(&message));
    assert!(subjects.iter().any(|subject| subject.ends_with("/typing")));
    assert!(subjects.iter().any(|subject| subject.starts_with(&format!("{message}/reactions/"))));
    // Attachments are raw bytes, of at most 10 MB.
    let url = bench.running.api_url() + &format!("{path}/attachments/a-1");
    let put = async |size: usize| {
        let request = bench.http.put(&url).bearer_auth(&bench.token).header("content-type", "application/pdf");
        bench.send(request.body(vec![7; size])).await.0
    };
    assert_eq!((put(10 * 1024 * 1024 + 1).await, put(3_000_000).await, put(5).await), (413, 201, 200));
    let metadata = bench.api(Method::GET, &format!("{path}/attachments/a-1/metadata"), Value::Null).await.1;
    assert_eq!((&metadata["size"], &metadata["contentType"]), (&json!(5), &json!("application/pdf")));
    let got = bench.http.get(&url).bearer_auth(&bench.token).send().await.unwrap();
    assert_eq!(&*got.bytes().await.unwrap(), [7; 5]);
    assert_eq!(bench.api(Method::DELETE, &path, Value::Null).await.1["conversationId"], made["conversationId"]);
}

#[tokio::test]
async fn presence_is_overridden_and_told() {
    let (bench, receiver) = (Bench::start(Options::default()).await, Receiver::start(0).await);
    bench.listen(&receiver.url, "platform-api-presence").await;
    let user = items(&bench.api(Method::GET, "/presentities?$top=1", Value::Null).await.1)[0]["principalId"].clone();
    let path = format!("/presentities/{}", user.as_str().unwrap());
    let status =
        async || bench.api(Method::GET, &path, Value::Null).await.1["presences"]["aggregatePresence"]["status"].clone();
    assert_eq!(status().await, "Available");
    let source = json!({ "sourceId": "s-1", "presence": { "status": "Away" } });
    assert_eq!(bench.api(Method::POST, &format!("{path}/categories/calendar"), source).await.0, 201);
    assert_eq!(status().await, "Away");
    let change = format!("{path}/categories/calendar/s-1");
    assert_eq!(
        bench.api(Method::PUT, &change, json!({ "presence": { "status": "Busy" } })).await.0,
        400,
        "a change is flat"
    );
    assert_eq!(bench.api(Method::PUT, &change, json!({ "status": "Busy", "reason": "meeting" })).await.0, 200);
    assert_eq!(bench.api(Method::PUT, &path, json!({ "status": "DoNotDisturb" })).await.0, 200);
    assert_eq!(status().await, "DoNotDisturb");
    bench.api(Method::PUT, &path, json!({ "status": "Available" })).await;
    assert_eq!(status().await, "Busy");
    let came = receiver.wait(4).await;
    assert!(came.iter().all(|publication| publication["subject"] == path && publication["method"] == "PUT"));
    assert_eq!(bench.api(Method::PUT, &path, json!({ "status": "Asleep" })).await.0, 400);
    assert_eq!(bench.api(Method::GET, "/presentities/nobody", Value::Null).await.0, 404);
}

#[tokio::test]
async fn every_route_of_the_list_is_served_and_refuses_without_a_token() {
    let bench = Bench::start(Options::default()).await;
    let open =
        ["POST /token", "POST /authorize", "GET /authorize", "POST /guest/token", "PUT /users/{userId}/password"];
    for route in routes() {
        let path: Vec<&str> =
            route.template.split('/').map(|part| if part.starts_with('{') { "x" } else { part }).collect();
        let method: Method = route.method.parse().unwrap();
        for base in [bench.running.api_url(), bench.running.service_url(route.service)] {
            let request = bench.http.request(method.clone(), base + &path.join("/"));
            let answer = request.send().await.unwrap();
            let status = answer.status().as_u16();
            assert!(answer.headers().contains_key("x-mitel-correlation-id"));
            let title = format!("{} {}", route.method, route.template);
            let wanted: &[u16] = if open.contains(&&*title) { &[400, 404] } else { &[401] };
            assert!(wanted.contains(&status), "{title} {status}");
        }
    }
    for service in Service::ALL {
        let spec = bench.send(bench.http.get(bench.running.service_url(service) + "/_spec")).await.1;
        let paths: usize =
            spec["paths"].as_object().unwrap().values().map(|path| path.as_object().unwrap().len()).sum();
        assert_eq!(paths, routes().iter().filter(|route| route.service == service).count(), "{service}");
    }
    let alone = bench.running.service_url(Service::Conversations) + "/subscriptions";
    let (status, error) = bench.send(bench.http.get(alone).bearer_auth(&bench.token)).await;
    assert!(
        status == 403 && error["message"].as_str().unwrap().contains(&bench.token),
        "another service's route is none"
    );
}
