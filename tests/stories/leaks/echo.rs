//! A far side that refuses in many ways and repeats what it was sent each time: headers, body, and what is encoded in
//! them, as careless services do.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{REFRESH, TOKEN};

/// A way to refuse: the status, and how the request is repeated.
pub(super) type Form = (u16, Style);

/// How a request is repeated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Style {
    /// CloudLink's words about an equal-sign.
    Misleading,
    /// As JSON.
    Json,
    /// JSON in a text of JSON.
    Nested,
    /// JSON that escapes more than it must.
    Careful,
    /// An HTML page.
    Html,
    /// As it came.
    Text,
    /// As a form.
    Form,
    /// JSON that breaks off.
    Broken,
    /// Far more than anybody keeps.
    Long,
    /// Only in headers.
    Headers,
}

/// All that is tried; those after which a host is left alone are last, and never many one after the other.
pub(super) const FORMS: [Form; 15] = [
    (403, Style::Misleading),
    (400, Style::Json),
    (401, Style::Json),
    (403, Style::Text),
    (404, Style::Html),
    (409, Style::Nested),
    (422, Style::Careful),
    (400, Style::Broken),
    (413, Style::Long),
    (302, Style::Headers),
    (500, Style::Html),
    (200, Style::Json),
    (503, Style::Form),
    (200, Style::Text),
    (429, Style::Json),
];

#[derive(Default)]
struct Books {
    /// What is answered to what names no form itself; none: as it should be.
    calls: Option<usize>,
    /// The same for requests for tokens and codes.
    tokens: Option<usize>,
    number: usize,
    /// What was answered, by what was asked.
    told: BTreeSet<(String, usize)>,
}

/// See the module.
pub(super) struct Echo {
    pub(super) url: String,
    books: Arc<Mutex<Books>>,
}

impl Echo {
    #[expect(clippy::disallowed_methods, reason = "the far side of a story ends with its runtime")]
    pub(super) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (url, books) = (format!("http://{}", listener.local_addr().unwrap()), Arc::<Mutex<Books>>::default());
        let router = Router::new().fallback(answer).with_state(Arc::clone(&books));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, books }
    }

    /// From now on calls and requests for tokens are answered so.
    pub(super) fn answers(&self, calls: Option<usize>, tokens: Option<usize>) {
        let mut books = self.books.lock().unwrap();
        (books.calls, books.tokens) = (calls, tokens);
    }

    /// The forms in which a request whose method and path begin so was never refused.
    pub(super) fn untried(&self, beginning: &str) -> Vec<usize> {
        let books = self.books.lock().unwrap();
        let tried = |form: &usize| books.told.iter().any(|(asked, told)| told == form && asked.starts_with(beginning));
        (0..FORMS.len()).filter(|form| !tried(form)).collect()
    }
}

async fn answer(State(books): State<Arc<Mutex<Books>>>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = String::from_utf8(to_bytes(body, 1 << 20).await.unwrap().into()).unwrap();
    let path = parts.uri.path().strip_prefix("/2017-09-01").unwrap_or(parts.uri.path()).to_owned();
    let asked = format!("{} {path}", parts.method);
    // A path part such as `f07` names the form.
    let named = path.split('/').find_map(|part| part.strip_prefix('f')?.parse::<usize>().ok());
    let of_tokens = parts.method == "POST" && (path.ends_with("/token") || path == "/authorize");
    let (form, number) = {
        let mut books = books.lock().unwrap();
        let form = named.or(if of_tokens { books.tokens } else { books.calls });
        books.told.extend(form.map(|form| (asked.clone(), form)));
        books.number += 1;
        (form, books.number)
    };
    match form {
        Some(form) => refuse(FORMS[form], &Sent { asked, headers: parts.headers, body }),
        None => json_of(if of_tokens { 201 } else { 200 }, &good(&path, of_tokens, number)),
    }
}

/// What there is if nothing is wrong.
fn good(path: &str, of_tokens: bool, number: usize) -> Value {
    match path {
        _ if of_tokens => json!({
            "access_token": format!("{TOKEN}{number}"), "refresh_token": format!("{REFRESH}{number}"),
            "token_type": "bearer", "expires_in": 3600, "code": format!("{REFRESH}code-{number}"),
        }),
        "/token" => json!({ "principalId": "gateway", "accountId": "a", "role": "USER" }),
        _ if path.ends_with("/users") => json!({ "_embedded": { "items": [{ "userId": "u-1", "name": "Ada",
            "email": "ada@example.com", "extension": "2001", "sipPassword": super::SIP }] } }),
        _ => json!({ "count": 0, "_links": {} }),
    }
}

struct Sent {
    asked: String,
    headers: HeaderMap,
    body: String,
}

impl Sent {
    fn authorization(&self) -> String {
        self.headers
            .get("authorization")
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .unwrap_or_default()
    }

    /// All of it in plain text: the header, what it says, what is secret in the body, the body.
    fn parts(&self) -> Vec<(&'static str, String)> {
        let authorization = self.authorization();
        let inner = authorization.split(' ').next_back().unwrap_or_default().to_owned();
        let basic = authorization.strip_prefix("Basic ").and_then(|text| STANDARD.decode(text).ok());
        let basic = basic.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
        let password = basic.split_once(':').map_or(String::new(), |(_, password)| password.to_owned());
        let fields: Vec<String> = match serde_json::from_str::<Value>(&self.body) {
            Ok(Value::Object(map)) => {
                map.values().map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)).collect()
            }
            _ => url::form_urlencoded::parse(self.body.as_bytes()).map(|(_, value)| value.into_owned()).collect(),
        };
        let mut parts = vec![
            ("request", self.asked.clone()),
            ("authorization", authorization),
            ("credentials", inner),
            ("basic", basic),
            ("of", password),
            ("key", self.headers.get("x-api-key").map_or(String::new(), |key| key.to_str().unwrap().to_owned())),
            ("body", self.body.clone()),
        ];
        parts.extend(fields.into_iter().map(|field| ("field", field)));
        parts
    }

    fn text(&self) -> String {
        let lines: Vec<String> = self.parts().into_iter().map(|(name, value)| format!("{name}: {value}")).collect();
        lines.join("\n") + "\n"
    }
}

fn json_of(status: u16, value: &Value) -> Response<Body> {
    let response = Response::builder().status(status).header("content-type", "application/json");
    response.body(Body::from(value.to_string())).unwrap()
}

fn refuse((status, style): Form, sent: &Sent) -> Response<Body> {
    let (kind, body) = written(style, sent);
    let mut response = Response::builder().status(status).header("content-type", kind);
    let credentials = sent.authorization().split(' ').next_back().unwrap_or_default().to_owned();
    let echo = if credentials.is_empty() {
        url::form_urlencoded::byte_serialize(sent.body.as_bytes()).collect()
    } else {
        credentials
    };
    for name in ["x-mitel-correlation-id", "www-authenticate", "x-echo", "set-cookie"] {
        response = response.header(name, HeaderValue::from_str(&echo).unwrap());
    }
    if style == Style::Headers {
        let location: String = url::form_urlencoded::byte_serialize(echo.as_bytes()).collect();
        response = response.header("location", format!("http://127.0.0.1:1/{location}?token={location}"));
    }
    response.body(Body::from(body)).unwrap()
}

fn written(style: Style, sent: &Sent) -> (&'static str, String) {
    let object = |parts: Vec<(&'static str, String)>| {
        let echoed: Vec<Value> = parts.into_iter().map(|(name, value)| json!({ name: value })).collect();
        json!({ "name": "Refused", "message": format!("no: {}", sent.text()), "sent": echoed })
    };
    match style {
        Style::Misleading => {
            let (token, whole) = (&sent.parts()[2].1, sent.authorization());
            let text = format!(
                "'{token}' not a valid key=value pair (missing equal-sign) in Authorization header: '{whole}'."
            );
            ("application/json", json!({ "message": text, "of": sent.text() }).to_string())
        }
        Style::Json => ("application/json", object(sent.parts()).to_string()),
        Style::Nested => ("application/json", json!({ "error": object(sent.parts()).to_string() }).to_string()),
        Style::Careful => {
            let text = object(sent.parts()).to_string().replace('/', "\\/").replace('<', "\\u003c");
            ("application/json", text.replace('>', "\\u003e").replace('&', "\\u0026"))
        }
        Style::Html => {
            let text =
                sent.text().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
            ("text/html", format!("<html><body><h1>No</h1><pre>{text}</pre></body></html>"))
        }
        Style::Text => ("text/plain", sent.text()),
        Style::Form => {
            let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(sent.parts()).finish();
            ("application/x-www-form-urlencoded", form)
        }
        Style::Broken => {
            let mut text = object(sent.parts()).to_string();
            text.truncate(text.len() - 3);
            ("application/json", text)
        }
        Style::Long => {
            // Where what is kept ends stands some part of it.
            let text = sent.text();
            ("text/plain", format!("{text}{}", text.repeat(200_000 / text.len().max(1))))
        }
        Style::Headers => ("text/plain", String::new()),
    }
}
