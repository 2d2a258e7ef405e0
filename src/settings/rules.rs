//! `[rules]`: where rules are, and whether they act.

use std::path::PathBuf;

use super::section::Section;
use crate::rules::Options;

/// What `[rules]` says.
pub(super) struct Rules {
    /// Where the rules are of accounts that name no folders of their own.
    pub(super) path: PathBuf,
    pub(super) options: Options,
}

pub(super) fn settle(root: &mut Section<'_>) -> Rules {
    root.table_or_empty("rules", |rules| Rules {
        path: rules.path("path").unwrap_or_else(|| rules.context.folder().join("rules")),
        options: Options { watch: rules.flag("watch", true), dry_run: rules.flag("dry_run", false) },
    })
}
