//! `switchhook schema`: a JSON Schema of rule files, for editors.

use std::process::ExitCode;

use super::say;
use crate::rules::schema;

/// Prints the schema.
pub(super) fn run() -> ExitCode {
    say(&format!("{:#}", schema::schema()));
    ExitCode::SUCCESS
}
