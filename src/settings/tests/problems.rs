//! Everything that is wrong is said at once, with its line and what to do.

use super::*;

#[test]
fn a_file_full_of_mistakes() {
    let folder = Folder::with(
        r#"
[server]
listen = "0.0.0.0:8080"
path = "notify/"
max_bdy = "1MiB"
max_body = "1 megabyte"
drain = 5
tls = { crt = "x" }

[admin]
listen = "0.0.0.0:9180"

[[application]]
name = "Main Office"
id = ""

[[application]]
name = "second"

[[application]]
name = "second"
id = { env = "NOT_SET" }

[cloudlink]
cloud = "europe"
urls = { all = "http://cloudlink.example.com/2017-09-01", medai = "https://x.example.com/v" }
auth = { grant = "password", user = "me" }

[notify]
transport = "websocket"
canary = "5m"

[journal]
url = "postgres://user:hunter2@db/x"
retain = "forever"
max_size = "1MiB"

[rules]
watch = "yes"

[locale]
timezone = "America/Torronto"
country = "ca"
dial = { outside = 9, national = "one" }

[[credential]]
name = "crm"
base = "ftp://hunter2.example.com"
bearer = { file = "missing.txt" }
basic = { user = "a:b" }

[[credential]]
base = "https://crm.example.com"
header = { name = "X Key", value = "two\nlines" }
hmac = "hunter2"

[loacle]
timezone = "UTC"
"#,
    );
    let said = folder.said(&[]);
    insta::assert_snapshot!(said, @r#"
        switchhook.toml:4: server.path: must begin with a slash (such as /notify)
        switchhook.toml:5: server.max_bdy: no such key (did you mean `max_body`?)
        switchhook.toml:6: server.max_body: expected a size such as 1048576, 1MiB or 4GiB (KiB MiB GiB TiB, kB MB GB TB), found `1 megabyte`
        switchhook.toml:7: server.drain: `5` has no unit: write 5ms, 5s, 5m, 5h or 5d
        switchhook.toml:8: server.tls.cert: is missing (the path of a PEM file)
        switchhook.toml:8: server.tls.key: is missing (the path of a PEM file)
        switchhook.toml:8: server.tls.crt: no such key (did you mean `cert`?)
        switchhook.toml:10: admin.token: is missing, and 0.0.0.0:9180 can be reached from elsewhere (give [admin] token = { env = "NAME" }, or listen on 127.0.0.1)
        switchhook.toml:14: application[0].name: `Main Office` is not possible (letters a to z, digits, - and _, at most 64 of them)
        switchhook.toml:15: application[0].id: is empty
        switchhook.toml:17: application[1].id: is missing (text, { env = "NAME" } or { file = "PATH" })
        switchhook.toml:21: application[2].name: there is another `second`
        switchhook.toml:22: application[2].id: the environment variable NOT_SET is not set
        switchhook.toml:24: cloudlink.account_id: is missing (the id or number of the account)
        switchhook.toml:25: cloudlink.cloud: `europe` is no cloud (possible: global, us, eu, ap, or what follows `media.` in the host, such as us.api.mitel.io)
        switchhook.toml:26: cloudlink.urls.all: secrets would be sent unencrypted (write https; http is for loopback addresses only)
        switchhook.toml:26: cloudlink.urls.medai: no such key (did you mean `media`?)
        switchhook.toml:27: cloudlink.auth.username: is missing (the user's e-mail address or id)
        switchhook.toml:27: cloudlink.auth.password: is missing (text, { env = "NAME" } or { file = "PATH" })
        switchhook.toml:27: cloudlink.auth.user: no such key (possible: grant, assume_role, username, password)
        switchhook.toml:30: notify.transport: `websocket` is not supported by this version yet (use webhook)
        switchhook.toml:31: notify.canary: a canary is not supported by this version yet (write "off", or leave it out)
        switchhook.toml:34: journal.url: a journal in PostgreSQL is not supported by this version yet (use path, a folder of this machine)
        switchhook.toml:35: journal.retain: expected a duration such as 500ms, 20s, 5m, 1h30m or 7d, found `forever`
        switchhook.toml:36: journal.max_size: is possible from 16MiB to 16TiB
        switchhook.toml:39: rules.watch: expected true or false, found text
        switchhook.toml:42: locale.timezone: there is no time zone `America/Torronto` (did you mean `America/Toronto`?)
        switchhook.toml:43: locale.country: expected the two capital letters of ISO 3166, found `ca` (write CA)
        switchhook.toml:44: locale.dial.outside: expected text, found a number (put it in quotes)
        switchhook.toml:44: locale.dial.national: expected what a phone can dial, digits, * and #, found `one`
        switchhook.toml:48: credential[0].base: must begin with https:// or http:// or postgres:// or postgresql://
        switchhook.toml:49: credential[0].bearer: missing.txt cannot be read: No such file or directory (os error 2)
        switchhook.toml:50: credential[0].basic: a credential carries one thing (there is bearer too)
        switchhook.toml:50: credential[0].basic.user: must not contain a colon
        switchhook.toml:50: credential[0].basic.password: is missing (text, { env = "NAME" } or { file = "PATH" })
        switchhook.toml:52: credential[1].name: is missing (letters a to z, digits, - and _)
        switchhook.toml:54: credential[1].header.name: `X Key` cannot be the name of a header
        switchhook.toml:54: credential[1].header.value: contains a line break or another character that a header cannot carry
        switchhook.toml:55: credential[1].hmac: a credential carries one thing (there is header too)
        switchhook.toml:55: credential[1].hmac: is not supported by this version yet
        switchhook.toml:57: loacle: no such key (did you mean `locale`?)
    "#);
    assert!(!said.contains("hunter2"), "secrets are not repeated");
}

#[test]
fn what_is_missing_to_run() {
    insta::assert_snapshot!(Folder::with("[server]\n").said(&[]), @r#"
        switchhook.toml: application: there is none, so no notification could be believed (write [[application]] with name and id, the applicationId of the Notify subscription)
        switchhook.toml: cloudlink: is missing (write [cloudlink] with account_id and auth: redirects and replies go there)
    "#);
    insta::assert_snapshot!(Folder::with("[[application]]\n[cloudlink]\n[[credential]]\n").said(&[]), @r#"
        switchhook.toml:1: application[0].name: is missing (letters a to z, digits, - and _)
        switchhook.toml:1: application[0].id: is missing (text, { env = "NAME" } or { file = "PATH" })
        switchhook.toml:2: cloudlink.account_id: is missing (the id or number of the account)
        switchhook.toml:2: cloudlink.auth: is missing ({ grant = "client_credentials", client_id, client_secret })
        switchhook.toml:3: credential[0].name: is missing (letters a to z, digits, - and _)
        switchhook.toml:3: credential[0].base: is missing (text, { env = "NAME" } or { file = "PATH" })
    "#);
}

#[test]
fn sections_of_the_wrong_shape() {
    insta::assert_snapshot!(
        Folder::with("server = 5\ncloudlink = []\ncredential = [1, 2026-01-01]\nx = 99999999999999999999\n\"a[7]\" = 1\n[application]\nname = \"x\"\n[[account]]\nname = \"acme\"\n").said(&[]),
        @r#"
        switchhook.toml:1: server: expected a table, found a number
        switchhook.toml:2: cloudlink: stands beside [[account]] (move it into an [[account]] of its own: [cloudlink] is the shorthand for a single account)
        switchhook.toml:2: cloudlink: expected a table, found a list
        switchhook.toml:3: credential[1]: a date is not possible here
        switchhook.toml:3: credential[0]: expected a table, found a number
        switchhook.toml:4: x: no such key (possible: application, rules, journal, locale, notify, cloudlink, account, server, credential, admin, directory)
        switchhook.toml:5: a[7]: no such key
        switchhook.toml:6: application: this is a list of sections (write [[application]])
        switchhook.toml:8: account[0].account_id: is missing (the id or number of the account)
        switchhook.toml:8: account[0].auth: is missing ({ grant = "client_credentials", client_id, client_secret })
    "#
    );
}

#[test]
fn no_toml() {
    insta::assert_snapshot!(Folder::with("[server]\nlisten = 127.0.0.1:8080\n\n[admin\nx = \"\n").said(&[]), @r#"
        switchhook.toml:2: invalid float (text needs quotes)
        switchhook.toml:4: unclosed table, expected `]`
    "#);
    insta::assert_snapshot!(Folder::with("[server]\npath = \"/a\"\npath = \"/b\"\n").said(&[]), @"switchhook.toml:3: duplicate key");
}

#[test]
fn no_file() {
    let folder = tempfile::tempdir().unwrap();
    let said = load(folder.path(), &Environment::default()).unwrap_err().to_string();
    assert!(said.ends_with("switchhook.toml: cannot be read: No such file or directory (os error 2)"), "{said}");
    let folder = Folder::with("");
    std::fs::write(folder.path().join("switchhook.toml"), b"\xff\xfe").unwrap();
    assert!(folder.said(&[]).contains("cannot be read"));
}

#[test]
fn paths_of_the_listener() {
    for path in ["", "/", "notify", "/notify/", "/a//b", "/healthz", "/a b", "/a?b", "/{x}", "/a/../b"] {
        assert!(said(&format!("[server]\npath = \"{path}\"\n")).contains("switchhook.toml:9: server.path: "), "{path}");
    }
    assert_eq!(settings("[server]\npath = \"/a/b.c_d~e-1\"\n").server.path, "/a/b.c_d~e-1");
}

#[test]
fn listeners() {
    let open = said("[server]\nlisten = \"[::]:8080\"\n");
    assert!(open.contains("server.listen: notifications would come unencrypted to [::]:8080"), "{open}");
    assert!(settings("[server]\nlisten = \"[::1]:8080\"\n").server.listen.is_ipv6());
    assert!(settings("[server]\nlisten = \"0.0.0.0:80\"\nbehind_proxy = true\n").behind_proxy);
    let twice = said("[admin]\nlisten = \"127.0.0.1:8080\"\n");
    assert!(twice.contains("admin.listen: 127.0.0.1:8080 is taken by server.listen"), "{twice}");
    let name = said("[server]\nlisten = \"localhost:8080\"\n");
    assert!(name.contains("expected an IP address and a port, found `localhost:8080`"), "{name}");
}

#[test]
fn addresses_of_cloudlink() {
    for url in [
        "http://media.example.com/v",
        "https://media.example.com",
        "ftp://x/v",
        "media",
        "https://a:b@x.example/v",
        "https://x.example/v?a",
    ] {
        let text = LEAST.replace("[cloudlink]", &format!("[cloudlink]\nurls = {{ media = \"{url}\" }}"));
        assert!(Folder::with(&text).said(&[]).contains("cloudlink.urls.media: "), "{url}");
    }
    for cloud in ["gobal", "https://us.api.mitel.io", "us..mitel", "us.mitel/"] {
        let text = LEAST.replace("[cloudlink]", &format!("[cloudlink]\ncloud = \"{cloud}\""));
        assert!(Folder::with(&text).said(&[]).contains("cloudlink.cloud: "), "{cloud}");
    }
    let dev = LEAST.replace("[cloudlink]", "[cloudlink]\ncloud = \"us.dev.api.mitel.io\"");
    let dev = Folder::with(&dev).load(&[]).unwrap();
    assert_eq!(
        dev.accounts[0].cloudlink.as_ref().unwrap().urls.media.as_str(),
        "https://media.us.dev.api.mitel.io/2017-09-01"
    );
}

#[test]
fn bounds_are_said() {
    assert!(said("[server]\nmax_body = 10\n").contains("server.max_body: is possible from 1KiB to 16MiB"));
    assert!(said("[journal]\nretain = \"5m\"\n").contains("journal.retain: is possible from 1h to 3650d"));
    assert!(said("[journal]\nretain = 7\n").contains("journal.retain: `7` has no unit: write 7ms, 7s, 7m, 7h or 7d"));
}

#[test]
fn warnings() {
    let folder = Folder::with(&format!(
        "{}[server]\npublic_url = \"http://hooks.example.com\"\n[locale]\ndial = {{ outside = \"9\" }}\n[[credential]]\nname = \"crm\"\nbase = \"http://crm.example.com\"\nbearer = \"x \"\n",
        LEAST.replace("9f1c2b3a-0000-4000-8000-000000000001", "short")
    ));
    insta::assert_snapshot!(folder.warned(&[]), @r#"
        switchhook.toml:4: application[0].id: is shorter than 16 characters: who guesses it can forge notifications
        switchhook.toml:9: server.public_url: notifications would travel unencrypted to an http address
        switchhook.toml:11: locale.dial: without `country` no number is of the own country: all are dialled as international ones
        switchhook.toml:14: credential[0].base: what the credential carries is sent unencrypted to an http address
        switchhook.toml:15: credential[0].bearer: begins or ends with a space or a line break, which counts
    "#);
}
