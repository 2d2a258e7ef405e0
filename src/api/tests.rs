use futures_util::future::BoxFuture;
use futures_util::future::ready;
use serde_json::json;

use super::*;

struct Stub(bool);

impl Faces for Stub {
    fn readiness(&self) -> Readiness {
        Readiness { ready: self.0, reasons: vec!["the journal can't commit".into()], ..Readiness::default() }
    }

    fn metrics(&self) -> String {
        "# EOF\n".into()
    }
}

impl Operations for Stub {
    fn letters(&self, after: u64) -> BoxFuture<'_, Done> {
        Box::pin(ready(Ok(json!({ "after": after }))))
    }

    fn retry(&self, letter: u64, again: bool) -> BoxFuture<'_, Done> {
        Box::pin(ready(if again { Ok(json!({ "letter": letter })) } else { Err(Refusal::Conflict("\"no\"".into())) }))
    }

    fn discard(&self, letter: u64) -> BoxFuture<'_, Done> {
        Box::pin(ready(Err(Refusal::Gone(format!("there is no letter {letter}")))))
    }

    fn replay(&self, replay: Replay) -> BoxFuture<'_, Done> {
        Box::pin(ready(Ok(json!({ "replayed": replay.seqs.len(), "rules": replay.rules }))))
    }

    fn vars(&self, account: Option<String>, per: Option<String>) -> BoxFuture<'_, Done> {
        Box::pin(ready(Ok(json!({ "account": account, "per": per }))))
    }

    fn set_var(&self, account: Option<String>, name: String, set: SetVar) -> BoxFuture<'_, Done> {
        Box::pin(ready(Ok(
            json!({ "account": account, "name": name, "value": set.value, "until": set.until, "for": set.lasts }),
        )))
    }

    fn fire(
        &self,
        account: Option<String>,
        hook: String,
        body: Value,
        query: Map<String, Value>,
    ) -> BoxFuture<'_, Done> {
        Box::pin(ready(Ok(json!({ "account": account, "hook": hook, "body": body, "query": query }))))
    }
}

async fn ask(token: Option<&str>, ready: bool, request: Request) -> (u16, String) {
    let options = Options { listen: ([127, 0, 0, 1], 9180).into(), token: token.map(Secret::new) };
    let stub = Arc::new(Stub(ready));
    let response = Api::new(&options, Arc::clone(&stub) as Arc<dyn Faces>, stub).handle(request).await;
    let status = response.status().as_u16();
    let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, String::from_utf8(body.into()).unwrap())
}

fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Request {
    let mut request = axum::http::Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::from(body.to_owned())).unwrap()
}

async fn status(token: Option<&str>, ready: bool, path: &str, given: Option<&str>) -> u16 {
    let bearer = given.map(|given| format!("Bearer {given}"));
    let headers: Vec<(&str, &str)> = bearer.iter().map(|bearer| ("authorization", &**bearer)).collect();
    ask(token, ready, request("GET", path, &headers, "")).await.0
}

#[tokio::test]
async fn probes_are_open_and_the_rest_wants_the_token() {
    assert_eq!(status(Some("t"), true, "/livez", None).await, 200);
    assert_eq!(status(Some("t"), true, "/readyz", None).await, 200);
    assert_eq!(status(Some("t"), false, "/readyz", None).await, 503);
    for path in ["/metrics", "/api/v1/dead"] {
        assert_eq!(status(Some("t"), true, path, None).await, 401);
        assert_eq!(status(Some("t"), true, path, Some("x")).await, 401);
        assert_eq!(status(Some("t"), true, path, Some("t")).await, 200);
        assert_eq!(status(None, true, path, None).await, 200);
    }
    for path in ["/elsewhere", "/api/v1/dead/", "/api/v1/dead/x/retry", "/api/v1/dead/1/burn", "/livez/"] {
        assert_eq!(status(None, true, path, None).await, 404, "{path}");
    }
}

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn what_is_asked_for_is_carried_out_or_refused_with_the_reason() {
    let post = async |path: &str, body: &str| ask(None, true, request("POST", path, &[JSON], body)).await;
    assert_eq!(post("/api/v1/dead/7/retry", r#"{"again":true}"#).await, (200, r#"{"letter":7}"#.into()));
    let (code, body) = post("/api/v1/dead/7/retry", "").await;
    assert_eq!((code, serde_json::from_str::<Value>(&body).unwrap()["detail"].clone()), (409, "\"no\"".into()));
    assert_eq!(post("/api/v1/dead/7/discard", "{}").await.0, 404);
    let replayed = post("/api/v1/replay", r#"{"seqs":[1,2],"rules":["a"]}"#).await;
    assert_eq!(replayed, (200, r#"{"replayed":2,"rules":["a"]}"#.into()));
    for body in ["", "{}", "[]", "x", r#"{"seqs":[-1]}"#, r#"{"seqs":[],"rule":"a"}"#] {
        assert_eq!(post("/api/v1/replay", body).await.0, 400, "{body}");
    }
    assert_eq!(post("/api/v1/dead/7/retry", r#"{"agian":true}"#).await.0, 400);
    let large = format!(r#"{{"seqs":[{}1]}}"#, "1,".repeat(MAX_BODY / 2));
    assert_eq!(post("/api/v1/replay", &large).await.0, 413);
    let listed = ask(None, true, request("GET", "/api/v1/dead?after=12", &[], "")).await;
    assert_eq!(listed, (200, r#"{"after":12}"#.into()));
    for (method, path) in
        [("GET", "/api/v1/replay"), ("PUT", "/api/v1/dead/7/retry"), ("POST", "/livez"), ("OPTIONS", "/api/v1/replay")]
    {
        assert_eq!(ask(None, true, request(method, path, &[JSON], "{}")).await.0, 405, "{method} {path}");
    }
}

#[tokio::test]
async fn a_page_in_a_browser_can_change_nothing() {
    let path = "/api/v1/dead/7/retry";
    let code =
        async |headers: &[(&str, &str)]| ask(None, true, request("POST", path, headers, r#"{"again":true}"#)).await.0;
    for origin in
        ["https://evil.example", "null", "http://127.0.0.1:9181", "http://127.0.0.1:9180.evil.example", "\u{e9}"]
    {
        assert_eq!(code(&[JSON, ("origin", origin)]).await, 403, "{origin}");
    }
    for origin in ["http://127.0.0.1:9180", "http://localhost:9180"] {
        assert_eq!(code(&[JSON, ("origin", origin)]).await, 200, "{origin}");
    }
    for media in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonp", ""] {
        assert_eq!(code(&[("content-type", media)]).await, 415, "{media}");
    }
    assert_eq!(code(&[]).await, 415);
    assert_eq!(code(&[("content-type", "Application/JSON; charset=utf-8")]).await, 200);
    // A name that was made to lead here.
    for host in
        ["evil.example", "evil.example:9180", "127.0.0.1.evil.example:9180", "10.0.0.1:9180", "localhost.evil.example"]
    {
        assert_eq!(code(&[JSON, ("host", host)]).await, 403, "{host}");
        let read = request("GET", "/api/v1/dead", &[("host", host)], "");
        assert_eq!(ask(None, true, read).await.0, 403, "{host}");
        let headers = [JSON, ("host", host), ("authorization", "Bearer t")];
        assert_eq!(ask(Some("t"), true, request("POST", path, &headers, r#"{"again":true}"#)).await.0, 200, "{host}");
    }
    for host in ["127.0.0.1:9180", "localhost", "LocalHost:9180", "[::1]:9180", "[::1]", "127.0.0.2"] {
        assert_eq!(code(&[JSON, ("host", host)]).await, 200, "{host}");
    }
}
