//! Whole files: what they settle to, and everything that is said of those that don't.

mod accounts;
mod assumed;
mod auth;
mod laws;
mod overrides;
mod problems;
mod secrets;

use std::path::Path;

use tempfile::TempDir;

use super::*;

/// The least that a daemon can run with.
const LEAST: &str = r#"
[[application]]
name = "main"
id = "9f1c2b3a-0000-4000-8000-000000000001"
[cloudlink]
account_id = "10000495"
auth = { grant = "client_credentials", client_id = "gateway", client_secret = "s3cret" }
"#;

/// A folder with a `switchhook.toml`.
struct Folder(TempDir);

impl Folder {
    fn with(settings: &str) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.write("switchhook.toml", settings);
        folder
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).unwrap();
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn load(&self, variables: &[(&str, &str)]) -> Result<Settings, Problems> {
        load(self.path(), &variables.iter().copied().collect())
    }

    /// What is said, with the folder left out.
    fn said(&self, variables: &[(&str, &str)]) -> String {
        let said = self.load(variables).map(|_| ()).unwrap_err().to_string();
        said.replace(&format!("{}/", self.path().display()), "")
    }

    fn warned(&self, variables: &[(&str, &str)]) -> String {
        let warnings = self.load(variables).unwrap().warnings.into_iter().map(|warning| warning.to_string());
        warnings.collect::<Vec<_>>().join("\n").replace(&format!("{}/", self.path().display()), "")
    }
}

/// What is said of the least file with something more.
fn said(more: &str) -> String {
    Folder::with(&format!("{LEAST}{more}")).said(&[])
}

fn settings(more: &str) -> Settings {
    Folder::with(&format!("{LEAST}{more}")).load(&[]).unwrap()
}

#[test]
fn the_least_file_gets_every_default() {
    let folder = Folder::with(LEAST);
    let settings = folder.load(&[]).unwrap();
    assert_eq!(settings.file, folder.path().join("switchhook.toml"));
    assert_eq!(settings.server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!((settings.server.path.as_str(), settings.server.max_body), ("/notify", 1_048_576));
    assert_eq!(settings.server.drain, std::time::Duration::ZERO);
    assert!(settings.server.tls.is_none() && !settings.behind_proxy && settings.public_url.is_none());
    assert_eq!(settings.admin.listen.to_string(), "127.0.0.1:9180");
    assert_eq!(settings.admin.token, None);
    assert_eq!(settings.accounts[0].notify.transport, Transport::Webhook);
    assert_eq!(settings.journal.path, folder.path().join("state"));
    assert_eq!((settings.journal.retain.as_secs(), settings.journal.max_size), (604_800, 4_294_967_296));
    assert_eq!(settings.accounts[0].rules, [folder.path().join("rules")]);
    assert!(settings.rules.watch && !settings.rules.dry_run);
    assert_eq!(settings.accounts[0].locale, crate::hours::Locale::default());
    assert!(settings.credentials.is_empty() && settings.warnings.is_empty());
    let [account] = &settings.accounts[..] else { panic!("one account") };
    let [application] = &settings.server.applications[..] else { panic!("one application") };
    assert_eq!((&*account.name, &*application.account, &*application.name), ("main", "main", "main"));
    assert_eq!(application.id.expose(), "9f1c2b3a-0000-4000-8000-000000000001");
    let urls = &account.cloudlink.as_ref().unwrap().urls;
    assert_eq!(urls.chat.as_str(), "https://chat.api.mitel.io/2017-09-01");
    assert_eq!(urls.media.as_str(), "https://media.api.mitel.io/2017-09-01");
    assert_eq!(urls.service_delivery, None, "no host is known that it could be at");
}

#[test]
fn a_full_file_is_understood() {
    let folder = Folder::with(
        r#"
[server]
listen = "0.0.0.0:8443"
path = "/in/cloudlink"
max_body = 65536
drain = "1m30s"
public_url = "https://hooks.example.com/"
tls = { cert = "cert.pem", key = "key.pem" }
[admin]
listen = "192.0.2.1:9180"
token = "a-long-admin-token"
[[application]]
name = "main"
id = "9f1c2b3a-0000-4000-8000-000000000001"
[[application]]
name = "next"
id = "9f1c2b3a-0000-4000-8000-000000000002"
[cloudlink]
cloud = "eu"
account_id = "10000495"
urls = { media = "http://127.0.0.1:9090/2017-09-01/", conversations = "https://chat.example.com/v1", service_delivery = "https://sd.example.com/v1" }
[cloudlink.auth]
grant = "client_credentials"
client_id = "gateway"
client_secret = "s3cret"
[notify]
transport = "none"
canary = "off"
[journal]
path = "/var/lib/switchhook"
retain = "30d"
max_size = "1GB"
[rules]
path = "rules/main.toml"
watch = false
dry_run = true
[locale]
timezone = "Europe/Berlin"
country = "DE"
dial = { outside = "0", national = "0", international = "00" }
[[credential]]
name = "crm"
base = "https://crm.example.com/api"
bearer = "token"
[[credential]]
name = "pbx"
base = "http://127.0.0.1:8000"
header = { name = "X-Key", value = "k" }
[[credential]]
name = "cdr"
base = "postgres://cdr@db.example.com/cdr"
"#,
    );
    folder.write("cert.pem", "");
    folder.write("key.pem", "");
    let settings = folder.load(&[]).unwrap();
    assert_eq!((settings.server.max_body, settings.server.drain.as_secs()), (65_536, 90));
    assert_eq!(settings.server.tls.unwrap().key, folder.path().join("key.pem"));
    assert_eq!(settings.server.applications.len(), 2);
    assert_eq!(settings.journal.path, Path::new("/var/lib/switchhook"));
    let urls = &settings.accounts[0].cloudlink.as_ref().unwrap().urls;
    assert_eq!(urls.media.as_str(), "http://127.0.0.1:9090/2017-09-01");
    assert_eq!(urls.chat.as_str(), "https://chat.example.com/v1");
    assert_eq!(urls.presence.as_str(), "https://presence.eu.api.mitel.io/2017-09-01");
    assert_eq!(urls.service_delivery.as_ref().unwrap().as_str(), "https://sd.example.com/v1");
    assert_eq!(settings.accounts[0].locale.timezone, Some(chrono_tz::Europe::Berlin));
    assert_eq!(settings.accounts[0].locale.dial.as_ref().unwrap().international, "00");
    assert_eq!(settings.credentials.len(), 3);
    assert!(settings.warnings.is_empty(), "{:?}", settings.warnings);
}

#[test]
fn one_address_serves_all_and_one_by_one_wins() {
    let urls = |text: &str| {
        let all = format!("{}urls = {{ {text} }}", LEAST.replace("[cloudlink]", "[cloudlink]\n#"));
        Folder::with(&all.replace("#\n", "")).load(&[]).unwrap().accounts.remove(0).cloudlink.unwrap().urls
    };
    let all = urls("all = \"http://127.0.0.1:9090/2017-09-01\"");
    assert_eq!((all.admin.as_str(), &all.admin), ("http://127.0.0.1:9090/2017-09-01", &all.chat));
    let mixed = urls("all = \"http://localhost:9090/v\", chat = \"https://chat.example.com/w\"");
    assert_eq!((mixed.media.as_str(), mixed.chat.as_str()), ("http://localhost:9090/v", "https://chat.example.com/w"));
}

/// As the acceptance kit writes it.
#[test]
fn the_acceptance_kit_is_understood() {
    let folder = Folder::with(
        r#"
[server]
listen = "127.0.0.1:20001"
path   = "/notify"
[admin]
listen = "127.0.0.1:20002"
[[application]]
name = "main"
id   = "9f1c2b3a-0000-4000-8000-000000000001"
[cloudlink]
account_id = "10000495"
urls = { all = "http://127.0.0.1:20003/2017-09-01" }
auth = { grant = "client_credentials", client_id = "acceptance", client_secret = { env = "CLOUDLINK_SECRET" } }
[journal]
path = "state"
[rules]
path = "rules"
"#,
    );
    let settings = folder.load(&[("CLOUDLINK_SECRET", "s3cret-acceptance")]).unwrap();
    assert!(settings.warnings.is_empty());
    let crate::cloudlink::Auth::ClientCredentials { client_secret, .. } =
        &settings.accounts[0].cloudlink.as_ref().unwrap().auth
    else {
        panic!("another grant")
    };
    assert_eq!(client_secret.expose(), "s3cret-acceptance");
}

/// As the jobs that measure the language are run with.
const JOBS: &str = r#"
[server]
listen = "127.0.0.1:8080"
[admin]
listen = "127.0.0.1:9180"
[[application]]
name = "main"
id   = { env = "NOTIFY_APPLICATION_ID" }
[cloudlink]
account_id = "10000495"
auth = { grant = "client_credentials", client_id = "gateway", client_secret = { env = "CLOUDLINK_CLIENT_SECRET" } }
[locale]
timezone = "America/Toronto"
country  = "CA"
dial     = { outside = "9", national = "1", international = "011" }
[rules]
path = "01-after-hours.toml"
[[credential]]
name   = "crm"
base   = "https://crm.example.com/api"
bearer = { env = "CRM_TOKEN" }
[[credential]]
name   = "desk"
base   = "https://desk.example.com/api"
oauth2 = { token_url = "https://desk.example.com/oauth/token", client_id = "gateway", client_secret = { env = "DESK_SECRET" } }
[[credential]]
name = "team_chat"
base = { env = "TEAM_CHAT_WEBHOOK" }
[[credential]]
name = "cdr"
base = { env = "CDR_DATABASE" }
[[credential]]
name   = "hr"
base   = "https://hr.example.com"
basic  = { user = "gateway", password = { env = "HR_PASSWORD" } }
"#;

#[test]
fn the_desk_needs_no_secrets_and_no_account() {
    let folder = Folder::with(JOBS);
    let desk = load_for_desk(folder.path(), &Environment::default()).unwrap();
    assert_eq!(desk.credentials, ["crm", "desk", "team_chat", "cdr", "hr"]);
    assert_eq!(desk.accounts[0].rules, [folder.path().join("01-after-hours.toml")]);
    assert_eq!(desk.accounts[0].locale.country.as_deref(), Some("CA"));
    assert_eq!(desk.unread_secrets, 7);
    assert_eq!(folder.load(&[]).unwrap_err().iter().count(), 7, "to run, each secret is needed");
    let bare = Folder::with("[locale]\ntimezone = \"America/Toronto\"\n");
    assert_eq!(load_for_desk(bare.path(), &Environment::default()).unwrap().unread_secrets, 0);
    assert!(load(bare.path(), &Environment::default()).is_err());
    let wrong = Folder::with("[[application]]\nname = \"main\"\nid = { evn = \"X\" }\n");
    let said = load_for_desk(wrong.path(), &Environment::default()).unwrap_err().to_string();
    assert!(said.contains("application[0].id.evn: no such key (did you mean `env`?)"), "{said}");
}

#[test]
fn an_account_needs_its_own_secrets_and_no_others() {
    let folder = Folder::with(JOBS);
    let load = |variables: &[(&str, &str)]| load_for_account(folder.path(), &variables.iter().copied().collect());
    let accounts = load(&[("CLOUDLINK_CLIENT_SECRET", "s3cret")]).unwrap();
    assert_eq!((accounts.accounts.len(), accounts.state), (1, folder.path().join("state")));
    let said = load(&[]).unwrap_err().to_string();
    assert!(said.ends_with("client_secret: the environment variable CLOUDLINK_CLIENT_SECRET is not set"), "{said}");
    let bare = Folder::with("[server]\n");
    let said = load_for_account(bare.path(), &Environment::default()).unwrap_err().to_string();
    assert!(said.contains("cloudlink: is missing") && said.lines().count() == 1, "{said}");
}

#[test]
fn the_jobs_are_understood() {
    let variables = [
        ("NOTIFY_APPLICATION_ID", "9f1c2b3a-0000-4000-8000-000000000001"),
        ("CLOUDLINK_CLIENT_SECRET", "x"),
        ("CRM_TOKEN", "x"),
        ("DESK_SECRET", "x"),
        ("TEAM_CHAT_WEBHOOK", "https://chat.example.com/hook/x"),
        ("CDR_DATABASE", "postgres://cdr:x@db.example.com/cdr"),
        ("HR_PASSWORD", "x"),
    ];
    let settings = Folder::with(JOBS).load(&variables).unwrap();
    assert_eq!(settings.credentials.len(), 5);
    assert_eq!(settings.credentials[3].base.expose(), "postgres://cdr:x@db.example.com/cdr");
}
