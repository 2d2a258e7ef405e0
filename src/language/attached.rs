//! Files that a rule file names, beside which they are looked for: tables, calendars.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::Source;
use super::source::text_of;

/// The largest file that is read.
pub(super) const MAX_ATTACHED: u64 = 64 << 20;

/// Where the files are that rule files name.
#[derive(Clone, Debug, Default)]
pub enum Attached {
    /// There are none.
    #[default]
    None,
    /// On disk, relative to the folder of the file that names them.
    Disk,
    /// These, by name, whoever names them.
    Given(Arc<BTreeMap<String, Source>>),
}

impl Attached {
    /// The file that the file `by` calls `name`, or why it can't be read.
    pub fn read(&self, by: &Source, name: &str) -> Result<Source, String> {
        match self {
            Self::None => Err("there is no folder to look for it".to_owned()),
            Self::Given(files) => files.get(name).cloned().ok_or_else(|| "there is no such file".to_owned()),
            Self::Disk => {
                let path = Path::new(&*by.name).parent().unwrap_or(Path::new("")).join(name);
                let text = text_of(&path, MAX_ATTACHED)?;
                Ok(Source::new(path.display().to_string(), text))
            }
        }
    }
}
