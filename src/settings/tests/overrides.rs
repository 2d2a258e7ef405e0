//! Variables of the environment over the file.

use super::*;

#[test]
fn text_fills_every_type() {
    let settings = Folder::with(LEAST).load(&[
        ("SWITCHHOOK__SERVER__LISTEN", "0.0.0.0:8080"),
        ("SWITCHHOOK__SERVER__BEHIND_PROXY", "true"),
        ("SWITCHHOOK__SERVER__MAX_BODY", "2048"),
        ("SWITCHHOOK__SERVER__DRAIN", "5s"),
        ("SWITCHHOOK__RULES__WATCH", "0"),
        ("SWITCHHOOK__JOURNAL__PATH", "/var/lib/switchhook"),
        ("SWITCHHOOK__LOCALE__TIMEZONE", "America/Toronto"),
        ("SWITCHHOOK__CLOUDLINK__AUTH__CLIENT_SECRET", "0123"),
        ("SWITCHHOOK__CLOUDLINK__URLS__ALL", "http://127.0.0.1:9090/2017-09-01"),
        ("SWITCHHOOK_CONFIG", "/etc/switchhook"),
        ("PATH", "/usr/bin"),
    ]);
    let settings = settings.unwrap();
    assert_eq!(settings.server.listen.to_string(), "0.0.0.0:8080");
    assert!(settings.behind_proxy && !settings.rules.watch);
    assert_eq!((settings.server.max_body, settings.server.drain.as_secs()), (2048, 5));
    assert_eq!(settings.journal.path, Path::new("/var/lib/switchhook"));
    let crate::cloudlink::Auth::ClientCredentials { client_secret, client_id } =
        &settings.accounts[0].cloudlink.as_ref().unwrap().auth
    else {
        panic!("another grant")
    };
    assert_eq!((client_secret.expose(), client_id.as_str()), ("0123", "gateway"), "text stays what it is");
    assert_eq!(
        settings.accounts[0].cloudlink.as_ref().unwrap().urls.media.as_str(),
        "http://127.0.0.1:9090/2017-09-01"
    );
}

#[test]
fn a_variable_takes_the_place_of_a_table() {
    let with_env = LEAST.replace("\"s3cret\"", "{ env = \"NOT_SET\" }");
    let settings = Folder::with(&with_env).load(&[("SWITCHHOOK__CLOUDLINK__AUTH__CLIENT_SECRET", "direct")]).unwrap();
    let crate::cloudlink::Auth::ClientCredentials { client_secret, .. } =
        &settings.accounts[0].cloudlink.as_ref().unwrap().auth
    else {
        panic!("another grant")
    };
    assert_eq!(client_secret.expose(), "direct");
}

#[test]
fn problems_name_the_variable() {
    let said = Folder::with(LEAST).said(&[
        ("SWITCHHOOK__SERVER__LISTN", "0.0.0.0:8080"),
        ("SWITCHHOOK__SERVER__MAX_BODY", "lots"),
        ("SWITCHHOOK__SERVR__PATH", "/x"),
        ("SWITCHHOOK__RULES__WATCH", "maybe"),
        ("SWITCHHOOK__APPLICATION__0__ID", "hunter2"),
        ("SWITCHHOOK__JOURNAL", "hunter2"),
        ("SWITCHHOOK__ADMIN__LISTEN[9999999999]", "x"),
        ("SWITCHHOOK__", "x"),
    ]);
    insta::assert_snapshot!(said, @r#"
        SWITCHHOOK__: no such key
        SWITCHHOOK__ADMIN__LISTEN[9999999999]: admin.listen[9999999999]: no such key
        SWITCHHOOK__APPLICATION__0__ID: application.0.id: a variable cannot reach into a list; write { env = "NAME" } in the file
        SWITCHHOOK__JOURNAL: journal: expected a table, found text
        SWITCHHOOK__RULES__WATCH: rules.watch: expected true or false, found `maybe`
        SWITCHHOOK__SERVER__LISTN: server.listn: no such key (did you mean `listen`?)
        SWITCHHOOK__SERVER__MAX_BODY: server.max_body: expected a size such as 1048576, 1MiB or 4GiB (KiB MiB GiB TiB, kB MB GB TB), found `lots`
        SWITCHHOOK__SERVR__PATH: servr: no such key (did you mean `server`?)
    "#);
    assert!(!said.contains("hunter2"));
}

#[test]
fn a_flag_in_the_file_is_no_text() {
    assert!(said("[rules]\nwatch = \"true\"\n").contains("rules.watch: expected true or false, found text"));
}
