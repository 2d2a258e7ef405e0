//! `[directory]`: what of CloudLink's directory is kept in memory, and how fresh.

use std::time::Duration;

use super::section::Section;
use crate::directory::{Load, Options};

pub(super) fn settle(root: &mut Section<'_>) -> Options {
    root.table_or_empty("directory", |directory| {
        let load = directory.word("load", &["needed", "always", "never"], |word| match word {
            "needed" => Some(Load::Needed),
            "always" => Some(Load::Always),
            "never" => Some(Load::Never),
            _ => None,
        });
        Options {
            load: load.unwrap_or_default(),
            refresh: directory.duration("refresh", Duration::from_hours(1), ["1m", "7d"]),
        }
    })
}
