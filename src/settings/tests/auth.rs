//! Ways to sign in: what each needs, what none has.

use super::*;
use crate::cloudlink::Auth;
use crate::cloudlink::auth::Role;

/// The least file with another way to sign in.
fn with(auth: &str, more: &str) -> Folder {
    let before = LEAST.split("auth = ").next().unwrap();
    Folder::with(&format!("{before}auth = {{ {auth} }}\n{more}"))
}

fn auth(text: &str) -> (Folder, Auth) {
    let folder = with(text, "");
    let auth = folder.load(&[]).unwrap().accounts.remove(0).cloudlink.unwrap().auth;
    (folder, auth)
}

fn refused(text: &str) -> String {
    with(text, "").said(&[]).replace("switchhook.toml:7: cloudlink.auth.", "")
}

#[test]
fn a_login_needs_an_application_only() {
    let (folder, auth) = auth("grant = \"authorization_code\", client_id = \"app\"");
    let application = auth.application().unwrap();
    assert_eq!(application.client_id, "app");
    assert_eq!(application.redirect_uri.as_str(), "http://127.0.0.1/callback");
    assert_eq!(application.portal.as_str(), "https://auth.mitel.io/authorize");
    assert_eq!(application.scope, None);
    assert_eq!(application.store.path(), folder.path().join("state/sign-in/main.json"));
}

#[test]
fn portal_redirect_and_state_folder_can_be_others() {
    let folder = with(
        "grant = \"authorization_code\", client_id = \"app\", scope = \"openid\", redirect_uri = \"http://localhost:8765/\"",
        "urls = { portal = \"http://127.0.0.1:9090/portal/authorize\" }\n[journal]\npath = \"/var/lib/x\"",
    );
    let account = folder.load(&[]).unwrap().accounts.remove(0).cloudlink.unwrap();
    let application = account.auth.application().unwrap();
    assert_eq!(application.redirect_uri.as_str(), "http://localhost:8765/");
    assert_eq!(application.portal.as_str(), "http://127.0.0.1:9090/portal/authorize");
    assert_eq!(application.scope.as_deref(), Some("openid"));
    assert_eq!(application.store.path(), Path::new("/var/lib/x/sign-in/main.json"));
}

#[test]
fn the_other_grants() {
    let of = |text: &str| auth(text).1;
    let Auth::RefreshToken { first, store } = of("grant = \"refresh_token\", refresh_token = \"rt\"") else { panic!() };
    assert_eq!(first.expose(), "rt");
    assert!(store.path().ends_with("state/sign-in/main.json"));
    let Auth::Guest(guest) = of("grant = \"guest\", name = \"Ada\", email = \"ada@example.com\"") else { panic!() };
    assert_eq!((guest.name.as_deref(), guest.email.as_deref()), (Some("Ada"), Some("ada@example.com")));
    assert!(guest.access_code.is_none() && guest.principal_id.is_none() && guest.client_id.is_none());
    let Auth::Guest(guest) = of("grant = \"guest\", access_code = \"1234\", client_id = \"app\"") else { panic!() };
    assert_eq!(guest.access_code.unwrap().expose(), "1234");
    let role = "assume_role = { role = \"ACCOUNT_ADMIN\", account_id = \"c1\", policy_id = \"p1\" }";
    let assumed = of(&format!("grant = \"client_credentials\", client_id = \"c\", client_secret = \"s\", {role}"));
    let (account_id, policy_id) = (Some("c1".into()), Some("p1".into()));
    assert_eq!(assumed.role(), Some(&Role { role: "ACCOUNT_ADMIN".into(), account_id, policy_id }));
    assert!(matches!(assumed.own(), Auth::ClientCredentials { .. }) && assumed.grant() == "client_credentials");
}

#[test]
fn a_password_is_warned_of_at_each_start() {
    let folder = with("grant = \"password\", username = \"ada\", password = \"hunter2\"", "");
    let settings = folder.load(&[]).unwrap();
    let Auth::Password { username, password } = &settings.accounts[0].cloudlink.as_ref().unwrap().auth else {
        panic!()
    };
    assert_eq!((username.as_str(), password.expose()), ("ada", "hunter2"));
    assert_eq!(
        folder.warned(&[]),
        "switchhook.toml:7: cloudlink.auth.grant: `password` is for development only: Mitel allows it nowhere else"
    );
    assert!(!format!("{settings:?}").contains("hunter2"));
}

#[test]
fn what_is_wrong_or_missing_is_said() {
    assert_eq!(
        refused("grant = \"client_credential\""),
        "grant: `client_credential` is no grant (did you mean `client_credentials`?)"
    );
    let possible = "client_credentials, authorization_code, refresh_token, guest, password";
    assert_eq!(refused("grant = \"saml\""), format!("grant: `saml` is no grant (possible: {possible})"));
    assert_eq!(refused("client_id = \"x\""), format!("grant: is missing ({possible})"));
    for (grant, missing) in [
        ("authorization_code", "client_id: is missing (the id of the application in CloudLink)"),
        ("refresh_token", "refresh_token: is missing (text, { env = \"NAME\" } or { file = \"PATH\" })"),
    ] {
        assert_eq!(refused(&format!("grant = \"{grant}\"")), missing);
    }
    assert_eq!(
        refused("grant = \"authorization_code\", client_id = \"app\", client_secret = \"hunter2\""),
        "client_secret: does not belong to the grant authorization_code (it belongs to client_credentials)"
    );
    assert_eq!(
        refused("grant = \"guest\", assume_role = { account = \"c1\" }"),
        "assume_role.role: is missing (such as ACCOUNT_ADMIN)\nassume_role.account: no such key (possible: role, account_id, policy_id)"
    );
    for uri in ["", "callback", "http://example.com/cb", "https://example.com/cb#x", "app://cb"] {
        let said = refused(&format!("grant = \"authorization_code\", client_id = \"app\", redirect_uri = \"{uri}\""));
        assert!(said.starts_with("redirect_uri: "), "{uri}: {said}");
    }
}

#[test]
fn the_portal_is_asked_for_secrets_and_so_not_in_the_clear() {
    let said = with(
        "grant = \"authorization_code\", client_id = \"app\"",
        "urls = { portal = \"http://auth.example.com/authorize\" }",
    );
    assert!(said.said(&[]).contains("cloudlink.urls.portal: secrets would be sent unencrypted"));
}

#[test]
fn the_desk_reads_no_secret_of_any_grant() {
    let desk = with("grant = \"refresh_token\", refresh_token = { env = \"NOT_SET\" }", "");
    assert!(load_for_desk(desk.path(), &Environment::default()).is_ok());
    let said = load_for_account(desk.path(), &Environment::default()).unwrap_err().to_string();
    assert!(said.ends_with("refresh_token: the environment variable NOT_SET is not set"), "{said}");
}
