//! A secret is found nowhere: not in logs (of all there is, every crate's), errors, the store, `/proc`, answers of the
//! admin listener or what commands print, although the far side repeats it in every refusal.

mod echo;

use reqwest::Method;
use serde_json::{Value, json};
use switchhook::settings::{self, Environment};

use crate::harness::command::Said;
use crate::harness::letters::{chat, publication, ringing, sign};
use crate::harness::{PROGRAM, World, leaks, until};
use echo::{Echo, FORMS};

/// How every access token of this far side begins: with what forms, JSON and HTML write otherwise.
const TOKEN: &str = "acc/ess+tok=en<&~of-";
const REFRESH: &str = "ref/resh+tok=en<&~of-";
const SIP: &str = "sip/pass+word<&of-ada";
const NOTIFY: &str = "9f1c2b3a-1111-4000-8000-0000000000ab";
/// Secrets of the settings, by the variable that holds them.
const GIVEN: [(&str, &str); 9] = [
    ("CLIENT", "cli/ent+sec<r>et&\"ü\"%"),
    ("BEARER", "bea/rer+cre<d>&=1"),
    ("BASIC", "ba/sic+pass<&wörd"),
    ("KEY", "ke/y+in=a<header>&"),
    ("OAUTH", "oau/th+sec<r>et&ü"),
    ("PERSON", "per/sons+pass<&word"),
    ("FIRST", "fir/st+ref<re>sh&"),
    ("CODE", "acc/ess+co<d>e&"),
    ("APPLICATION", NOTIFY),
];

fn secrets() -> Vec<&'static str> {
    GIVEN.iter().map(|(_, secret)| *secret).chain([TOKEN, REFRESH, SIP]).collect()
}

const RULES: &str = r#"
[[rule]]
name = "redirect"
on = "call.ringing"
where = { call.endpoint = "3001" }
do = [{ redirect = { to = "4001" }, retry = false }]
[[rule]]
name = "answer"
on = "chat.message"
do = [{ reply = { text = "Hello, {{ message.name }}" }, retry = false }]
[[rule]]
name = "given up"
on = "call.ringing"
where = { call.endpoint = "3001" }
do = [{ cloudlink = { get = "/dead/{{ call.id }}", api = "admin" }, retry = false }]
[[rule]]
name = "user"
on = "user.*"
do = [{ log = { message = "{{ content }} {{ user }}" } }]
[[rule]]
name = "steps"
on = "call.ringing"
where = { call.endpoint = "3002" }
deadline = "1m"
STEPS
"#;

/// Steps that go on whatever becomes of them, each followed by one that logs all it returned.
fn rules() -> String {
    let steps = [
        r#"http = { get = "/contacts/{{ call.id }}", credential = "bearer" }"#,
        r#"http = { post = "/contacts/{{ call.id }}", credential = "basic", json = { from = "{{ call.from }}" } }"#,
        r#"http = { get = "/keys/{{ call.id }}", credential = "key" }"#,
        r#"http = { get = "/oauth/{{ call.id }}", credential = "oauth" }"#,
        r#"cloudlink = { get = "/users/{{ call.id }}", api = "admin" }"#,
        r#"cloudlink = { get = "/lists/{{ call.id }}", api = "media", paginate = true }"#,
        r#"cloudlink = { post = "/accounts/{{ call.id }}/users", api = "admin", json = { name = "Ada" } }"#,
        r#"lookup = { user = "{{ call.id }}" }"#,
        r#"lookup = { call = "/endpoints/3009/calls/{{ call.id }}" }"#,
    ];
    let step = |(number, step): (usize, &&str)| {
        let body = if step.starts_with("lookup") { String::new() } else { format!("{{{{ s{number}.body }}}}") };
        format!(
            "[[rule.do]]\n{step}\nas = \"s{number}\"\nretry = false\non_error = \"continue\"\n\
             [[rule.do]]\nlog = {{ message = \"{{{{ s{number} }}}} {body} {{{{ s{number}.error }}}}\" }}\n"
        )
    };
    let steps: String = steps.iter().enumerate().map(step).collect();
    RULES.replace("STEPS", &steps)
}

/// Settings that name their secrets, and keep none.
fn sections(url: &str, grant: &str) -> String {
    format!(
        r#"
[[application]]
name = "main"
id = {{ env = "APPLICATION" }}
[cloudlink]
account_id = "a"
urls = {{ all = "{url}/2017-09-01", portal = "{url}/portal" }}
auth = {{ {grant} }}
[[credential]]
name = "bearer"
base = "{url}/bearer"
bearer = {{ env = "BEARER" }}
[[credential]]
name = "basic"
base = "{url}/basic"
basic = {{ user = "ada", password = {{ env = "BASIC" }} }}
[[credential]]
name = "key"
base = "{url}/key"
header = {{ name = "x-api-key", value = {{ env = "KEY" }} }}
[[credential]]
name = "oauth"
base = "{url}/oauth"
oauth2 = {{ token_url = "{url}/oauth/token", client_id = "steps", client_secret = {{ env = "OAUTH" }} }}
"#
    )
}

const CLIENT: &str = r#"grant = "client_credentials", client_id = "stories", client_secret = { env = "CLIENT" }"#;
const GRANTS: [&str; 5] = [
    CLIENT,
    r#"grant = "password", username = "ada@example.com", password = { env = "PERSON" }"#,
    r#"grant = "refresh_token", refresh_token = { env = "FIRST" }"#,
    r#"grant = "guest", access_code = { env = "CODE" }, name = "Ada""#,
    r#"grant = "authorization_code", client_id = "stories""#,
];

/// What was said by commands, with what they were asked.
#[derive(Default)]
struct Heard(Vec<(String, Vec<u8>)>);

impl Heard {
    fn add(&mut self, what: &str, bytes: impl Into<Vec<u8>>) {
        self.0.push((what.to_owned(), bytes.into()));
    }

    /// Runs a command with all secrets in its environment and the whole log on its standard error.
    async fn run(&mut self, world: &World, arguments: &[&str], input: &str) -> Said {
        use tokio::io::AsyncWriteExt;
        let mut command = tokio::process::Command::new(PROGRAM);
        command.args(arguments).arg("--config").arg(world.path("")).env_clear().envs(GIVEN);
        command.env("SWITCHHOOK_LOG", "trace").kill_on_drop(true);
        command.stdin(std::process::Stdio::piped());
        let mut child =
            command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
        // One that does not listen has ended.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes()).await;
        let output = child.wait_with_output().await.unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let said = Said { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) };
        self.add(&arguments.join(" "), said.all());
        said
    }

    /// All places in which a secret stands.
    fn found(&self) -> Vec<String> {
        let secrets = secrets();
        let found = |(what, bytes): &(String, Vec<u8>)| {
            let spelt = leaks::found_in(bytes, &secrets);
            (!spelt.is_empty()).then(|| format!("{what}: {spelt:?}{}", around(bytes, spelt.first())))
        };
        self.0.iter().filter_map(found).collect()
    }
}

/// What stands around a secret.
fn around(bytes: &[u8], spelt: Option<&String>) -> String {
    let text = String::from_utf8_lossy(bytes);
    let Some(at) = spelt.and_then(|spelt| text.find(spelt.as_str())) else { return String::new() };
    let (from, to) = (text.floor_char_boundary(at.saturating_sub(160)), text.floor_char_boundary(at + 120));
    format!("\n    …{}…", &text[from..to])
}

async fn world(echo: &Echo, grant: &str) -> World {
    let mut world =
        World::new(&rules()).await.accounts(&sections(&echo.url, grant)).variable("SWITCHHOOK_LOG", "trace");
    for (name, secret) in GIVEN {
        world = world.variable(name, secret);
    }
    world.write_settings();
    world
}

/// A genuine post to the gateway.
async fn deliver(world: &World, publication: &Value) {
    let body = publication.to_string();
    let post = world.request("POST", "/notify").header("x-notify-signature", sign(NOTIFY, body.as_bytes())).body(body);
    assert_eq!(world.ask(post).await.status, 200);
}

/// The gateway meets every refusal, in every kind of step, and is looked at from all sides.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_gateway_that_is_refused_with_its_own_words_repeats_none_of_them() {
    let (echo, mut heard) = (Echo::start().await, Heard::default());
    echo.answers(Some(1), Some(0));
    let mut world = world(&echo, CLIENT).await.up().await;
    until("it is told why there is no token", async || {
        let ready = world.admin("/readyz").await.body;
        ready.contains("403").then_some(())
    })
    .await;
    look(&world, &mut heard).await;
    echo.answers(Some(1), None);
    until("it is signed in", async || (!world.admin("/readyz").await.body.contains("403")).then_some(())).await;
    let user = json!({ "userId": "u-9", "name": "Ada", "sipPassword": SIP, "more": { "sippassword": SIP } });
    deliver(&world, &publication("platform-api-admin", "POST", "/accounts/a/users/u-9", user)).await;
    for form in 0..FORMS.len() {
        let id = format!("f{form:02}");
        deliver(&world, &ringing("3001", &id)).await;
        deliver(&world, &ringing("3002", &id)).await;
        deliver(&world, &chat(&id, "hello")).await;
        done(&world, &mut heard).await;
        if form == 7 {
            look(&world, &mut heard).await;
        }
    }
    for what in [
        "PUT /endpoints/3001/calls/",
        "POST /conversations/",
        "GET /bearer/contacts/",
        "POST /basic/contacts/",
        "GET /key/keys/",
        "GET /oauth/oauth/",
        "GET /users/",
        "GET /lists/",
        "POST /accounts/",
        "GET /dead/",
        "GET /endpoints/3009/calls/",
    ] {
        let mut untried = echo.untried(what);
        // A host that says 429 is not asked again at once, for whatever it is.
        untried.retain(|form| FORMS[*form].0 != 429);
        assert_eq!(untried, Vec::<usize>::new(), "{what} was never refused in these forms");
    }
    look(&world, &mut heard).await;
    let pid = world.daemon().pid();
    for (what, bytes) in leaks::of_process(pid) {
        let given = |entry: &&[u8]| GIVEN.iter().any(|(name, secret)| *entry == format!("{name}={secret}").as_bytes());
        let others = bytes.split(|byte| *byte == 0).filter(|entry| !given(entry)).collect::<Vec<_>>();
        heard.add(&format!("/proc/PID/{what}"), others.join(&0));
    }
    world.stop().await;
    let log = world.log();
    assert!(log.contains("TRACE") && !log.contains("panicked"), "the whole log is wanted");
    heard.add("the log", log);
    assert_eq!(heard.found(), Vec::<String>::new());
    let below = leaks::found_below(&world.path(""), &secrets(), &[]);
    assert!(below.is_empty() && leaks::files(&world.path("state")).len() > 1, "a secret stands in {below:?}");
}

/// Waits until all that came is done.
async fn done(world: &World, heard: &mut Heard) {
    let began = std::time::Instant::now();
    loop {
        let said = heard.run(world, &["events", "--json", "-n", "1000"], "").await;
        if said.code == Some(0) && said.out.lines().all(|line| line.contains("\"done\":true")) {
            return;
        }
        assert!(began.elapsed().as_secs() < 60, "something is never done: {said:?}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

/// Whatever shows anything of a running gateway.
async fn look(world: &World, heard: &mut Heard) {
    for path in ["/readyz", "/livez", "/metrics", "/api/v1/dead", "/api/v1/vars", "/elsewhere"] {
        let answer = world.admin(path).await;
        heard.add(path, format!("{:?} {}", answer.headers, answer.body));
    }
    for arguments in [
        &["status"][..],
        &["status", "--json"],
        &["events", "-n", "1000"],
        &["explain", "1"],
        &["explain", "5"],
        &["dead", "list"],
        &["dead", "list", "--json"],
        &["dead", "show", "1"],
        &["vars", "list"],
        &["check"],
        &["doctor"],
    ] {
        heard.run(world, arguments, "").await;
    }
}

/// Commands that ask CloudLink themselves.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn commands_that_are_refused_repeat_no_secret() {
    let (echo, mut heard) = (Echo::start().await, Heard::default());
    let world = world(&echo, CLIENT).await;
    let user = json!({ "name": "Ada", "sipPassword": SIP, "password": SIP }).to_string();
    for form in 0..FORMS.len() {
        echo.answers(Some(form), None);
        for arguments in [
            &["whoami"][..],
            &["api", "media", "/endpoints/3001", "--include", "--timeout", "2"],
            &["api", "admin", "POST", "/accounts/a/users", "--data", &user, "--include", "--timeout", "2"],
            &["api", "admin", "/accounts/a/users", "--paginate", "--timeout", "2"],
            &["directory", "users"],
            &["doctor", "--live", "--connections", "--subscriptions"],
        ] {
            let said = heard.run(&world, arguments, "").await;
            assert!(!said.err.contains("panicked"), "{said:?}");
        }
    }
    for what in ["GET /token", "GET /endpoints/3001", "POST /accounts/a/users", "GET /accounts/a/users"] {
        assert_eq!(echo.untried(what), Vec::<usize>::new(), "{what} was never refused in these forms");
    }
    assert_eq!(heard.found(), Vec::<String>::new());
}

/// Every way to sign in.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_sign_in_that_is_refused_repeats_no_secret() {
    let (echo, mut heard) = (Echo::start().await, Heard::default());
    for grant in GRANTS {
        let world = world(&echo, grant).await;
        let person = GIVEN[5].1;
        for form in 0..FORMS.len() {
            echo.answers(None, Some(form));
            if grant.contains("authorization_code") {
                heard.run(&world, &["login", "--username", "ada@example.com"], &format!("{person}\n")).await;
            }
            heard.run(&world, &["whoami"], "").await;
        }
        assert_eq!(echo.untried("POST "), Vec::<usize>::new(), "{grant}");
        echo.answers(None, None);
        if grant.contains("authorization_code") {
            let said = heard.run(&world, &["login", "--username", "ada@example.com"], &format!("{person}\n")).await;
            assert_eq!(said.code, Some(0), "{said:?}");
        }
        let said = heard.run(&world, &["whoami", "--json"], "").await;
        assert_eq!(said.code, Some(0), "{said:?}");
        let below = leaks::found_below(&world.path(""), &secrets(), &["sign-in/main.json"]);
        assert!(below.is_empty(), "{grant}: a secret stands in {below:?}");
    }
    assert_eq!(heard.found(), Vec::<String>::new());
}

/// A task that panics, and whoever prints what it works with, shows no secret.
#[test]
fn what_is_printed_for_programmers_has_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("switchhook.toml");
    for grant in GRANTS {
        let mut text = format!("{}\n[admin]\ntoken = {{ env = \"KEY\" }}\n", sections("http://127.0.0.1:1", grant));
        for (name, secret) in GIVEN {
            text = text.replace(&format!("{{ env = \"{name}\" }}"), &Value::from(secret).to_string());
        }
        std::fs::write(&file, text).unwrap();
        let environment = Environment::process();
        let settings = settings::load(&file, &environment).unwrap_or_else(|problems| panic!("{problems:?}"));
        let desk = settings::load_for_desk(&file, &environment).unwrap_or_else(|problems| panic!("{problems:?}"));
        let printed = format!("{settings:?}\n{settings:#?}\n{desk:?}");
        assert!(printed.contains("stories") || printed.contains("ada") || printed.contains("Ada"), "{printed}");
        assert_eq!(leaks::found_in(printed.as_bytes(), &secrets()), Vec::<String>::new(), "{printed}");
    }
}

/// The search finds what it looks for: without this the stories above would prove nothing.
#[tokio::test]
async fn the_far_side_repeats_what_it_is_sent() {
    let echo = Echo::start().await;
    rustls::crypto::ring::default_provider().install_default().ok();
    let stays = reqwest::redirect::Policy::none();
    let http = reqwest::Client::builder().no_proxy().redirect(stays).build().unwrap();
    for (number, form) in FORMS.iter().enumerate() {
        echo.answers(Some(number), None);
        let sent = http.request(Method::GET, format!("{}/x", echo.url)).bearer_auth(format!("{TOKEN}1"));
        let answer = sent.send().await.unwrap();
        let headers = format!("{:?}", answer.headers());
        let text = format!("{headers}\n{}", answer.text().await.unwrap());
        assert!(!leaks::found_in(text.as_bytes(), &[TOKEN]).is_empty(), "{form:?}: {text}");
    }
}
