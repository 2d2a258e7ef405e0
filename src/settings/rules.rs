//! `[rules]`: where rules are, and whether they act.

use super::section::Section;
use crate::rules::Options;

pub(super) fn settle(root: &mut Section<'_>) -> Options {
    root.table_or_empty("rules", |rules| Options {
        path: rules.path("path").unwrap_or_else(|| rules.context.folder().join("rules")),
        watch: rules.flag("watch", true),
        dry_run: rules.flag("dry_run", false),
    })
}
