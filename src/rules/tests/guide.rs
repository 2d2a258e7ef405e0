//! docs/findings.md: each code has its section, and each example of a section brings its code and no other.

use std::collections::BTreeSet;

use super::*;
use crate::language::codes::CODES;

const GUIDE: &str = include_str!("../../../docs/findings.md");
/// Codes without an example: what brings them is no text of one file, or too long for a page.
const WITHOUT: &[&str] = &["route-in-two-files", "table-too-large", "too-large", "too-many", "unreadable"];

struct Section {
    code: String,
    text: String,
    /// What stands after the three ticks, and the block.
    blocks: Vec<(String, String)>,
}

fn sections() -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    let mut block: Option<(String, String)> = None;
    for line in GUIDE.lines() {
        if let Some((_, text)) = &mut block {
            if line == "```" {
                let section = sections.last_mut().unwrap();
                section.blocks.extend(block.take());
            } else {
                text.extend([line, "\n"]);
            }
        } else if let Some(code) = line.strip_prefix("### ") {
            sections.push(Section { code: code.to_owned(), text: String::new(), blocks: Vec::new() });
        } else if let Some(info) = line.strip_prefix("```") {
            block = Some((info.to_owned(), String::new()));
        } else if let Some(section) = sections.last_mut() {
            section.text.extend([line, "\n"]);
        }
    }
    assert!(block.is_none());
    sections
}

#[test]
fn each_code_has_its_section() {
    let told: Vec<String> = sections().into_iter().map(|section| section.code).collect();
    let once: BTreeSet<&str> = told.iter().map(String::as_str).collect();
    assert_eq!(once.len(), told.len(), "a section stands twice");
    assert_eq!(once.into_iter().collect::<Vec<_>>(), CODES, "sections and codes differ");
    let manual = include_str!("../../../docs/rules.md");
    for code in CODES {
        assert!(manual.contains(&format!("`{code}`")), "{code} is not in docs/rules.md");
    }
}

/// The list is not longer than what the source can say.
#[test]
fn each_code_is_said_somewhere() {
    fn read(folder: &std::path::Path, text: &mut String) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.file_name().and_then(|name| name.to_str()) {
                Some("tests" | "tests.rs" | "codes.rs") => {}
                _ if path.is_dir() => read(&path, text),
                _ => text.push_str(&std::fs::read_to_string(&path).unwrap()),
            }
        }
    }
    let mut source = String::new();
    read(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut source);
    let unsaid: Vec<&&str> = CODES.iter().filter(|code| !source.contains(&format!("\"{code}\""))).collect();
    assert!(unsaid.is_empty(), "{unsaid:?}");
}

#[test]
fn each_example_brings_its_code() {
    let mut wrong = Vec::new();
    for Section { code, text, blocks } in sections() {
        assert!(text.contains("Instead: "), "{code}: what to write instead?");
        let warning = text.trim_start().starts_with("Warning.");
        assert!(warning || text.trim_start().starts_with("Error."), "{code}");
        let Some(((info, example), files)) = blocks.split_first() else {
            assert!(WITHOUT.contains(&&*code), "{code} has no example");
            continue;
        };
        let files = files.iter().map(|(info, text)| {
            let (_, name) = info.split_once(' ').unwrap();
            (name.to_owned(), Source::new(name, text.as_str()))
        });
        let mut world = World { attached: Attached::Given(Arc::new(files.collect())), ..world() };
        if info == "toml without-locale" {
            world.locale = Locale::default();
        }
        let report = match compile(&[Source::new("all.toml", example.as_str())], &world) {
            Ok(rules) => rules.warnings().clone(),
            Err(report) => report,
        };
        let codes: BTreeSet<&str> = report.findings().iter().map(|finding| finding.code).collect();
        if codes.into_iter().ne([&*code]) || report.has_errors() == warning {
            wrong.push(format!("{code}:\n{example}{report}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What the sections' examples are told, of what is looked at beyond the form of a file.
#[test]
fn words_of_findings() {
    let told = [
        "value-never-there",
        "never-matches",
        "for-without-effect",
        "limit-without-effect",
        "call-is-over",
        "nothing-removed",
        "override-per",
        "never-reached",
        "two-rules-one-call",
    ];
    let sections = sections();
    let shown = told.map(|code| {
        let section = sections.iter().find(|section| section.code == code).unwrap();
        found(&section.blocks[0].1).to_string()
    });
    insta::assert_snapshot!(shown.concat());
}
