//! `[journal]`: where publications are kept, how many and how long.

use std::time::Duration;

use super::section::Section;
use crate::journal::{KEEP_DEAD, Options};

pub(super) fn settle(root: &mut Section<'_>) -> Options {
    root.table_or_empty("journal", |journal| {
        if journal.take("url").is_some() {
            let remedy = "use path, a folder of this machine";
            journal.problem("url", "a journal in PostgreSQL is not supported by this version yet", remedy);
        }
        Options {
            path: journal.path("path").unwrap_or_else(|| journal.context.folder().join("state")),
            retain: journal.duration("retain", Duration::from_hours(7 * 24), ["1h", "3650d"]),
            keep_dead: journal.duration("keep_dead", KEEP_DEAD, ["1h", "3650d"]),
            max_size: journal.size("max_size", 4 << 30, ["16MiB", "16TiB"]),
        }
    })
}
