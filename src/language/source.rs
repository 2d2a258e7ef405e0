//! Reading the files that rules are written in: one file, or every `*.toml` below a folder, in path order.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

use super::diagnostic::{Finding, Report};

/// The largest file that is read.
pub const MAX_FILE: u64 = 32 << 20;
/// The most that is read of all files together.
pub const MAX_TOTAL: u64 = 64 << 20;
/// The most files that are read.
pub const MAX_FILES: usize = 10_000;
/// The deepest folder that is looked into: what bounds a loop of symbolic links.
const MAX_DEPTH: usize = 16;

/// One text with the name that findings show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Which of several folders it is from, counted from 0: what later ones declare overrules what earlier ones do.
    pub layer: usize,
    /// The path as it was given, or as it was found below the folder that was given.
    pub name: Arc<str>,
    /// What it says.
    pub text: Arc<str>,
}

impl Source {
    /// A text that has a name.
    pub fn new(name: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> Self {
        Self { name: name.into(), text: text.into(), layer: 0 }
    }
}

/// Reads each file in `paths`, and every `*.toml` below each folder in it, in path order. What can't be read is a finding;
/// the other files are returned all the same.
pub fn read(paths: &[impl AsRef<Path>]) -> (Vec<Source>, Report) {
    let mut reading = Reading::default();
    for (layer, path) in paths.iter().enumerate() {
        reading.layer = layer;
        reading.path(path.as_ref());
    }
    (reading.sources, reading.report)
}

#[derive(Default)]
struct Reading {
    layer: usize,
    files: Vec<PathBuf>,
    sources: Vec<Source>,
    total: u64,
    entries: usize,
    report: Report,
}

impl Reading {
    fn path(&mut self, path: &Path) {
        match fs::metadata(path) {
            Err(error) => self.refuse(path, &format!("{} cannot be read: {error}", path.display())),
            Ok(found) if found.is_dir() => {
                self.list(path, 0);
                self.files.sort();
                for file in std::mem::take(&mut self.files) {
                    self.file(&file);
                }
            }
            Ok(_) => self.file(path),
        }
    }

    fn refuse(&mut self, path: &Path, message: &str) {
        let source = Source::new(path.display().to_string(), "");
        self.report.push(Finding::error("unreadable", &source, 0..0, message));
    }

    fn list(&mut self, folder: &Path, depth: usize) {
        if depth > MAX_DEPTH {
            return self
                .refuse(folder, &format!("folders are nested more than {MAX_DEPTH} deep; is this a loop of links?"));
        }
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => return self.refuse(folder, &format!("the folder cannot be read: {error}")),
        };
        for entry in entries.flatten() {
            self.entries += 1;
            if self.files.len() >= MAX_FILES || self.entries > 10 * MAX_FILES {
                return self.refuse(folder, &format!("there are more than {MAX_FILES} files below the rules folder"));
            }
            let path = entry.path();
            let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
            if hidden {
                continue;
            }
            let toml = path.extension().is_some_and(|extension| extension == "toml");
            match fs::metadata(&path) {
                Ok(found) if found.is_dir() => self.list(&path, depth + 1),
                Ok(_) if toml => self.files.push(path),
                Err(error) if toml => self.refuse(&path, &format!("the file cannot be read: {error}")),
                Ok(_) | Err(_) => {}
            }
        }
    }

    fn file(&mut self, path: &Path) {
        match self.text(path) {
            Ok(text) => {
                let source = Source::new(path.display().to_string(), text);
                self.sources.push(Source { layer: self.layer, ..source });
            }
            Err(message) => self.refuse(path, &message),
        }
    }

    fn text(&mut self, path: &Path) -> Result<String, String> {
        let text = text_of(path, MAX_FILE)?;
        self.total += text.len() as u64;
        if self.total > MAX_TOTAL {
            return Err(format!("the files of the rules folder are larger than {} MiB together", MAX_TOTAL >> 20));
        }
        Ok(text)
    }
}

/// A file of at most that many bytes as text.
pub(super) fn text_of(path: &Path, limit: u64) -> Result<String, String> {
    let bytes = read_at_most(path, limit).map_err(|error| format!("the file cannot be read: {error}"))?;
    if bytes.len() as u64 > limit {
        return Err(format!("the file is larger than {} MiB", limit >> 20));
    }
    String::from_utf8(bytes).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..offset].split(|byte| *byte == b'\n').count();
        format!("the file is not UTF-8 text: line {line} holds other bytes")
    })
}

/// Reads one byte more than allowed at most, so that the size seen is the size read.
fn read_at_most(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    use io::Read as _;
    // Before it is opened: opening a pipe waits for somebody to write into it.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let file = fs::File::open(path)?;
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_refused_and_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe.toml");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let (sources, report) = read(&[folder.path()]);
        assert!(sources.is_empty());
        assert!(report.render(false).contains("no regular file"), "{report}");
    }

    #[test]
    fn a_folder_is_read_in_path_order() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.toml", "a/z.toml", "a.toml", "note.txt", ".hidden.toml"] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
        let (sources, report) = read(&[folder.path()]);
        assert!(report.is_empty());
        let texts: Vec<_> = sources.iter().map(|source| &*source.text).collect();
        assert_eq!(texts, ["a/z.toml", "a.toml", "b.toml"]);
    }

    #[test]
    fn what_is_no_text_is_a_finding() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.toml"), b"x = 1\n\xff").unwrap();
        fs::write(folder.path().join("b.toml"), "y = 1").unwrap();
        let (sources, report) = read(&[folder.path()]);
        assert_eq!(sources.len(), 1);
        assert!(report.to_string().contains("line 2"), "{report}");
        assert_eq!(read(&[folder.path().join("none")]).1.len(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_loop_of_links_ends() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(folder.path(), folder.path().join("again")).unwrap();
        fs::write(folder.path().join("a.toml"), "x = 1").unwrap();
        let (_, report) = read(&[folder.path()]);
        assert!(report.to_string().contains("loop of links"), "{report}");
    }
}
