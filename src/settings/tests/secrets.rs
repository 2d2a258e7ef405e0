//! Secrets from text, variables and files.

use super::*;

/// What the id of the application settles to, or what is said of it.
fn id(folder: &Folder, variables: &[(&str, &str)]) -> Result<String, String> {
    let variables: Environment = variables.iter().copied().collect();
    match load(folder.path(), &variables) {
        Ok(settings) => Ok(settings.server.applications[0].id.expose().to_owned()),
        Err(problems) => Err(problems.iter().map(|problem| problem.message.clone()).collect::<Vec<_>>().join("; ")),
    }
}

fn folder(id: &str) -> Folder {
    Folder::with(&LEAST.replace("\"9f1c2b3a-0000-4000-8000-000000000001\"", id))
}

#[test]
fn from_a_variable() {
    let folder = folder("{ env = \"APP\" }");
    assert_eq!(id(&folder, &[("APP", "0123456789abcdef")]), Ok("0123456789abcdef".into()));
    assert_eq!(id(&folder, &[]), Err("the environment variable APP is not set".into()));
    assert_eq!(id(&folder, &[("APP", "")]), Err("the environment variable APP is empty".into()));
}

#[test]
fn from_a_file_beside_the_settings() {
    let folder = folder("{ file = \"application-id\" }");
    assert!(
        id(&folder, &[])
            .unwrap_err()
            .ends_with("application-id cannot be read: No such file or directory (os error 2)")
    );
    for (text, read) in [
        ("secret", "secret"),
        ("secret\n", "secret"),
        ("secret\r\n", "secret"),
        ("secret\n\n", "secret\n"),
        (" s ", " s "),
    ] {
        folder.write("application-id", text);
        assert_eq!(id(&folder, &[]).as_deref(), Ok(read), "{text:?}");
    }
    for text in ["", "\n", "\r\n"] {
        folder.write("application-id", text);
        assert!(id(&folder, &[]).unwrap_err().ends_with("application-id is empty"));
    }
    std::fs::write(folder.path().join("application-id"), [0xff, 0xfe]).unwrap();
    assert!(id(&folder, &[]).unwrap_err().contains("application-id cannot be read"));
    folder.write("application-id", &"x".repeat(65_537));
    assert!(id(&folder, &[]).unwrap_err().ends_with("is too large for a secret"));
}

#[test]
fn from_nowhere_or_two_places() {
    for (text, message) in [
        ("{}", "names no place: write { env = \"NAME\" } or { file = \"PATH\" }"),
        ("{ env = \"A\", file = \"b\" }", "names two places: write either env or file"),
        ("{ env = \"\" }", "is empty; names no place: write { env = \"NAME\" } or { file = \"PATH\" }"),
        (
            "{ env = 5 }",
            "expected text, found a number; names no place: write { env = \"NAME\" } or { file = \"PATH\" }",
        ),
        ("{ vault = \"x\", env = \"A\" }", "no such key"),
        ("5", "expected text, { env = \"NAME\" } or { file = \"PATH\" }, found a number"),
        ("\"\"", "is empty"),
    ] {
        assert_eq!(id(&folder(text), &[("A", "0123456789abcdef")]), Err(message.into()), "{text}");
    }
}

#[test]
fn a_secret_is_never_shown() {
    let folder = Folder::with(&format!("{LEAST}[[credential]]\nname = \"crm\"\nbase = \"https://x:hunter2@crm.example.com\"\nbearer = \"hunter2\"\n").replace("s3cret", "hunter2"));
    let settings = folder.load(&[("HUNTER", "hunter2")]).unwrap();
    assert!(!format!("{settings:?}").contains("hunter2"));
    let environment: Environment = [("HUNTER", "hunter2")].into_iter().collect();
    assert_eq!(format!("{environment:?}"), "{\"HUNTER\"}");
}

#[test]
fn a_base_that_is_a_secret_is_checked_and_not_repeated() {
    for base in ["hunter2", "ftp://hunter2.example.com/", "https://", "https://crm.example.com/#hunter2"] {
        let folder = Folder::with(&format!("{LEAST}[[credential]]\nname = \"chat\"\nbase = {{ env = \"HOOK\" }}\n"));
        let said = folder.said(&[("HOOK", base)]);
        assert!(said.contains("credential[0].base: ") && !said.contains("hunter2"), "{said}");
    }
}

#[test]
fn who_asks_a_running_gateway_needs_its_token_and_no_other_secret() {
    let least = LEAST.replace("\"s3cret\"", "{ env = \"CLIENT_SECRET\" }");
    let folder = Folder::with(&format!(
        "{least}[admin]\ntoken = {{ env = \"TOKEN\" }}\n[[credential]]\nname = \"crm\"\nbase = \"https://crm.example.com\"\n\
         bearer = {{ file = \"none\" }}\n"
    ));
    let variables: Environment = [("TOKEN", "t0ken")].into_iter().collect();
    let admin = load_for_admin(folder.path(), &variables).unwrap();
    assert_eq!(admin.token.unwrap().expose(), "t0ken");
    let missing = load_for_admin(folder.path(), &Environment::default()).unwrap_err().to_string();
    assert!(missing.contains("admin.token: the environment variable TOKEN is not set"), "{missing}");
    assert!(!missing.contains("CLIENT_SECRET") && !missing.contains("none"), "{missing}");
    assert!(load_for_desk(folder.path(), &Environment::default()).is_ok());
}
