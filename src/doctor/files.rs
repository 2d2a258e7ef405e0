//! The file of the settings and the files of secrets that it names: who may read them. Nothing of their content is told.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::Line;
use super::machine::mode;

const CHECK: &str = "secrets";
/// Keys whose text is a secret.
const SECRET: [&str; 8] = ["client_secret", "token", "bearer", "password", "refresh_token", "secret", "basic", "hmac"];

/// What a settings file says about secrets.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    /// The files that hold secrets.
    files: Vec<PathBuf>,
    /// The keys whose secret is written in the settings themselves.
    written: Vec<String>,
}

/// Looks at a settings file. What can't be read is told by whoever reads settings.
pub fn look(file: &Path) -> Vec<Line> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let Ok(table) = text.parse::<Table>() else { return Vec::new() };
    let folder = file.parent().unwrap_or(Path::new(""));
    let mut found = Found::default();
    walk(&table, "", folder, &mut found);
    let mut lines: Vec<Line> = found.files.iter().filter_map(|path| of_file(path)).collect();
    let open = mode(file).is_some_and(|mode| mode & 0o004 != 0);
    if !found.written.is_empty() && open {
        let keys = found.written.join(", ");
        let todo = format!("put them in files of their own ({{ file = … }}), or chmod o-r {}", file.display());
        lines.push(Line::warn(CHECK, format!("{} can be read by everybody and holds {keys}", file.display()), todo));
    }
    if lines.is_empty() {
        let files = found.files.len();
        lines.push(Line::ok(CHECK, format!("{files} in files of their own, {} in the settings", found.written.len())));
    }
    lines
}

fn of_file(path: &Path) -> Option<Line> {
    let open = mode(path)? & 0o077;
    let shown = path.display();
    match open {
        open if open & 0o007 != 0 => Some(Line::warn(
            CHECK,
            format!("{shown} can be read by everybody on this machine"),
            format!("chmod 600 {shown}"),
        )),
        open if open & 0o020 != 0 => {
            Some(Line::warn(CHECK, format!("{shown} can be written by its group"), format!("chmod g-w {shown}")))
        }
        _ => None,
    }
}

fn walk(table: &Table, place: &str, folder: &Path, found: &mut Found) {
    for (key, value) in table {
        let here = if place.is_empty() { key.clone() } else { format!("{place}.{key}") };
        let of_application = key == "id" && (place == "application" || place.starts_with("application["));
        match value {
            Value::Table(inner) => match (inner.get("file").and_then(Value::as_str), inner.len()) {
                (Some(path), 1) => found.files.push(folder.join(path)),
                _ => walk(inner, &here, folder, found),
            },
            Value::Array(items) => {
                for (at, item) in items.iter().enumerate() {
                    if let Value::Table(inner) = item {
                        walk(inner, &format!("{here}[{at}]"), folder, found);
                    }
                }
            }
            Value::String(_) if SECRET.contains(&key.as_str()) || of_application => found.written.push(here),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::super::Grade;
    use super::*;

    #[test]
    fn files_are_found_and_their_modes_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str, mode: u32| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            path
        };
        let settings = r#"
[[application]]
name = "main"
id = { file = "id" }
[cloudlink]
auth = { grant = "client_credentials", client_id = "c", client_secret = { file = "secret" } }
[[credential]]
bearer = { env = "X" }
"#;
        let file = write("switchhook.toml", settings, 0o644);
        write("id", "x", 0o600);
        write("secret", "x", 0o640);
        assert_eq!(look(&file), [Line::ok(CHECK, "2 in files of their own, 0 in the settings")]);
        write("secret", "x", 0o644);
        let lines = look(&file);
        assert!(lines.len() == 1 && lines[0].grade == Grade::Warn && lines[0].says.contains("secret can be read"));
        write("secret", "x", 0o660);
        assert!(look(&file)[0].says.contains("by its group"));
        write("secret", "x", 0o600);
        let plain =
            settings.replace("{ file = \"secret\" }", "\"hunter2\"").replace("{ file = \"id\" }", "\"hunter3\"");
        let file = write("switchhook.toml", &plain, 0o644);
        let lines = look(&file);
        assert!(lines[0].says.contains("application[0].id, cloudlink.auth.client_secret"), "{lines:?}");
        assert!(!format!("{lines:?}").contains("hunter"));
        let file = write("switchhook.toml", &plain, 0o640);
        assert_eq!(look(&file)[0].grade, Grade::Ok);
    }

    #[test]
    fn what_is_no_settings_file_is_left_to_others() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(look(&folder.path().join("none")), [Line::ok(CHECK, "0 in files of their own, 0 in the settings")]);
        let broken = folder.path().join("broken");
        std::fs::write(&broken, "[").unwrap();
        assert_eq!(look(&broken), []);
    }
}
