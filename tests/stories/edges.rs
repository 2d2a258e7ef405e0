//! Which room may know which: every `crate::room` in the source is an arrow, and each must be in the table.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// For each room the rooms that it may know. `daemon` and `cli` wire and may know all.
const EDGES: &[(&str, &[&str])] = &[
    ("kit", &[]),
    ("telemetry", &["kit"]),
    ("language", &["kit"]),
    ("hours", &["kit", "language"]),
    ("cloudlink", &["kit", "language"]),
    ("numbers", &["kit"]),
    ("tables", &["kit", "language", "numbers"]),
    ("event", &["kit", "numbers"]),
    ("journal", &["kit"]),
    ("memory", &["event", "journal", "kit"]),
    ("ingest", &["event", "journal", "kit", "telemetry"]),
    ("rules", &["event", "hours", "kit", "language", "memory", "numbers", "tables"]),
    ("directory", &["kit", "numbers"]),
    ("actions", &["cloudlink", "directory", "kit", "language", "numbers", "rules"]),
    ("dispatch", &["journal", "kit", "telemetry"]),
    ("record", &["dispatch", "journal", "rules"]),
    ("api", &["kit"]),
    ("settings", &["actions", "api", "cloudlink", "directory", "hours", "ingest", "journal", "kit", "rules"]),
    ("doctor", &["cloudlink", "kit"]),
    ("simulator", &[]),
];
const WIRE: &[&str] = &["daemon", "cli", "lib.rs", "main.rs"];

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The rooms that a text names: after `crate::`, also in a group `crate::{a, b::c}`.
fn named(text: &str) -> BTreeSet<String> {
    let mut rooms = BTreeSet::new();
    for (at, _) in text.match_indices("crate::") {
        if text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &text[at + "crate::".len()..];
        let group = rest.strip_prefix('{').map_or(rest, |group| group.split('}').next().unwrap_or_default());
        let parts: Vec<&str> = if rest.starts_with('{') { group.split(',').collect() } else { vec![rest] };
        for part in parts {
            let name: String = part.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            rooms.insert(name);
        }
    }
    rooms
}

#[test]
fn rooms_know_only_whom_they_may() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let allowed: BTreeMap<&str, &[&str]> = EDGES.iter().copied().collect();
    let mut found = Vec::new();
    files(&src, &mut found);
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for file in found {
        let path = file.strip_prefix(&src).unwrap();
        let room = path.components().next().unwrap().as_os_str().to_str().unwrap().to_owned();
        seen.insert(room.clone());
        if WIRE.contains(&room.as_str()) {
            continue;
        }
        let Some(may) = allowed.get(room.as_str()) else {
            wrong.push(format!("{room} is in no line of the table"));
            continue;
        };
        for other in named(&std::fs::read_to_string(&file).unwrap()) {
            if other != room && !may.contains(&other.as_str()) {
                wrong.push(format!("{}: {room} may not know {other}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(allowed.keys().all(|room| seen.contains(*room)), "the table names rooms that are gone");
}

#[test]
fn arrows_are_found_wherever_they_stand() {
    let text = "use crate::event::Event; use crate::{journal, kit::clock}; fn f() { crate::rules::plan() } mycrate::x";
    assert_eq!(named(text), ["event", "journal", "kit", "rules"].map(str::to_owned).into());
}
