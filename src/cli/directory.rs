//! `switchhook directory`: users, contacts, groups and sites, as CloudLink has them now. No gateway has to run.

use std::process::ExitCode;
use std::time::Duration;

use serde_json::{Map, Value};

use super::account::{Account, Ready};
use super::{complain, say};
use crate::daemon::Far;
use crate::directory::{Contact, Group, List, Site, User, all};
use crate::numbers::Numbers;

/// How long the whole may take.
const PATIENCE: Duration = Duration::from_mins(10);
/// The widest column of a table, in characters.
const WIDEST: usize = 44;

/// What is listed.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// The account's users
    Users(Args),
    /// The account's contacts
    Contacts(Args),
    /// The account's groups
    Groups(Args),
    /// The account's sites, with time zone and dialling rules
    Sites(Args),
}

/// Arguments of each.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    account: Account,
    /// Only those with this text in one of the fields that are shown, without regard to case
    #[arg(long, value_name = "TEXT")]
    search: Option<String>,
    /// Print one JSON object per line
    #[arg(long)]
    json: bool,
}

/// Lists them. 0: all were listed; 1: CloudLink did not answer, or not to the end; 2: bad settings.
pub(super) fn run(command: &Command) -> ExitCode {
    let (list, columns, args): (_, &[&str], _) = match command {
        Command::Users(args) => (List::Users, &["name", "extension", "email", "phone", "mobile", "role", "id"], args),
        Command::Contacts(args) => (List::Contacts, &["name", "type", "email", "phone", "id"], args),
        Command::Groups(args) => (List::Groups, &["name", "id"], args),
        Command::Sites(args) => (List::Sites, &["name", "timezone", "country", "dial", "id"], args),
    };
    args.account.with(async |Ready { cloudlink, options, .. }| {
        let far = Far::new(cloudlink, &options);
        let (wanted, mut rows) = (args.search.as_deref().map(str::to_lowercase), Vec::new());
        let read = all(&far, &list, PATIENCE, |item| {
            let view = view(&list, &item);
            let meant = |text: &String| view.values().any(|value| shown(value).to_lowercase().contains(text));
            if view.is_empty() || !wanted.as_ref().is_none_or(meant) {
                return;
            }
            if args.json {
                say(&Value::Object(view).to_string());
            } else {
                rows.push(columns.iter().map(|column| view.get(*column).map(shown).unwrap_or_default()).collect());
            }
        });
        let read = read.await;
        if !args.json && !rows.is_empty() {
            for line in table(columns, &rows) {
                say(&line);
            }
        }
        match read {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => {
                complain("there are more than are read: this is not all");
                ExitCode::from(1)
            }
            Err(trouble) => {
                complain(&format!("could not {trouble}"));
                ExitCode::from(1)
            }
        }
    })
}

/// What is shown of an object: no field of it that may be secret.
fn view(list: &List, item: &Value) -> Map<String, Value> {
    let numbers = Numbers::default();
    match list {
        List::Users => User::read(item, &numbers).map(|user| user.view()),
        List::Contacts => Contact::read(item, &numbers).map(|contact| contact.view()),
        List::Sites => Site::read(item).map(|site| site.view()),
        _ => Group::of(item).map(|group| group.view()),
    }
    .unwrap_or_default()
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect(),
        Value::Object(fields) => {
            let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name} {}", shown(value))).collect();
            fields.join(", ")
        }
        Value::Array(items) => items.len().to_string(),
        other => other.to_string(),
    }
}

/// Columns as wide as what stands in them.
fn table(columns: &[&str], rows: &[Vec<String>]) -> Vec<String> {
    let long = |text: &str| text.chars().count();
    let widths: Vec<usize> = (0..columns.len())
        .map(|at| rows.iter().map(|row| long(&row[at])).max().unwrap_or(0).min(WIDEST).max(long(columns[at])))
        .collect();
    let line = |cells: &[&str]| {
        let padded: Vec<String> =
            cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}", width = *width)).collect();
        padded.join("  ").trim_end().to_owned()
    };
    let rows = rows.iter().map(|row| line(&row.iter().map(String::as_str).collect::<Vec<_>>()));
    std::iter::once(line(columns)).chain(rows).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn columns_stand_below_each_other() {
        let rows = vec![vec!["Zoë".to_owned(), "2001".to_owned()], vec![String::new(), "20".to_owned()]];
        assert_eq!(table(&["name", "extension"], &rows), ["name  extension", "Zoë   2001", "      20"]);
    }

    #[test]
    fn a_line_is_a_line_and_no_secret_stands_in_it() {
        let user = json!({ "userId": "u", "name": "a\nb\u{1b}[31m", "sipPassword": "hunter2" });
        let view = view(&List::Users, &user);
        assert_eq!(shown(&view["name"]), "a b [31m");
        assert!(!Value::Object(view).to_string().contains("hunter2"));
    }
}
