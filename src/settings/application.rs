//! `[[application]]`: whose notifications are believed.

use std::collections::BTreeSet;

use super::cloudlink::MAIN;
use super::secret::Found;
use super::section::{Mode, Section};
use crate::ingest::Application;

/// An id is a UUID; what is much shorter is easily guessed.
const SHORT: usize = 16;

pub(super) fn settle(root: &mut Section<'_>) -> Vec<Application> {
    let meant = root.has("application");
    let mut names = BTreeSet::new();
    let applications = root.tables("application", |application| {
        let name = name(application, &mut names);
        let id = application.needed_secret("id");
        if id.as_ref().and_then(Found::text).is_some_and(|id| id.chars().count() < SHORT) {
            application
                .warn("id", format!("is shorter than {SHORT} characters: who guesses it can forge notifications"));
        }
        let id = id.map(Found::into_secret)?;
        // Whose they are is settled with the accounts.
        Some(Application { name: name.into(), account: MAIN.into(), id })
    });
    let applications = applications.unwrap_or_default();
    if !meant && root.context.mode == Mode::Run {
        let remedy = "write [[application]] with name and id, the applicationId of the Notify subscription";
        root.problem("application", "there is none, so no notification could be believed", remedy);
    }
    applications.into_iter().flatten().collect()
}

/// The `name` of a section, which others of its kind must not have. One that is wrong counts as empty.
pub(super) fn name(section: &mut Section<'_>, taken: &mut BTreeSet<String>) -> String {
    let name = section.needed_text("name", "letters a to z, digits, - and _");
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    if !name.is_empty() && (!name.chars().all(plain) || name.len() > 64) {
        section.problem(
            "name",
            format!("`{name}` is not possible"),
            "letters a to z, digits, - and _, at most 64 of them",
        );
    } else if !name.is_empty() && !taken.insert(name.clone()) {
        section.wrong("name", format!("there is another `{name}`"));
    }
    name
}
