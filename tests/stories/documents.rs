//! What stands in the documents works: rules in README.md and docs/ are clean, the tests beside them pass.
//!
//! A block that begins with "toml" holds rules, or what rules name; one that begins with "toml NAME" or "csv NAME" is a file of
//! that name, which lies beside the rules of its document.

use std::path::Path;

use crate::harness::World;

/// For documents that have no settings of their own.
const SETTINGS: &str = r#"
[locale]
timezone = "America/Toronto"
country = "CA"
[[credential]]
name = "crm"
base = "https://crm.example.com/api"
"#;

/// In which mistakes are shown.
const OF_MISTAKES: &str = "docs/findings.md";

struct Block {
    document: String,
    line: usize,
    /// The words after the marks: the language, and the name of a file.
    words: Vec<String>,
    text: String,
}

impl Block {
    fn has(&self, line: &str) -> bool {
        self.text.lines().any(|found| found == line)
    }

    fn is_rules(&self) -> bool {
        self.words == ["toml"] && self.has("[[rule]]")
    }
}

fn blocks(document: &str) -> Vec<Block> {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(document)).unwrap();
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (at, line) in text.lines().enumerate() {
        match (&mut open, line.trim().strip_prefix("```")) {
            (Some(_), Some("")) => blocks.extend(open.take()),
            (Some(block), _) => block.text.extend([line, "\n"]),
            (None, Some(words)) => {
                let words = words.split_whitespace().map(str::to_owned).collect();
                open = Some(Block { document: document.to_owned(), line: at + 1, words, text: String::new() });
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "{document}: a block is not closed");
    blocks
}

/// README.md and all of docs/ but what shows mistakes.
fn documents() -> Vec<String> {
    let docs = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")).unwrap();
    let files = docs.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|end| end == "md"));
    let names = files.map(|path| format!("docs/{}", path.file_name().unwrap().to_string_lossy()));
    let mut documents: Vec<String> = names.filter(|name| name != OF_MISTAKES).collect();
    documents.push("README.md".to_owned());
    documents.sort();
    documents
}

/// A world with this block as its rules and the document's files beside them.
async fn world(rules: &Block, files: &[&Block]) -> World {
    let world = World::new(&rules.text).await.more(SETTINGS);
    world.write_settings();
    for file in files {
        let name = &file.words[1];
        assert!(!name.contains('/'), "{name}");
        let folder = if name == "switchhook.toml" { "" } else { "rules/" };
        std::fs::write(world.path(&format!("{folder}{name}")), &file.text).unwrap();
    }
    world
}

/// A rule may lean on the hours that its document shows elsewhere.
#[tokio::test]
async fn rules_in_the_documents_are_clean_and_their_tests_pass() {
    let mut tested = 0;
    for document in documents() {
        let blocks = blocks(&document);
        let files: Vec<&Block> = blocks.iter().filter(|block| block.words.len() == 2).collect();
        let hours = blocks.iter().filter(|block| block.words == ["toml"] && !block.is_rules());
        let hours: String = hours
            .filter(|block| block.text.starts_with("[hours") || block.text.starts_with("[calendars"))
            .map(|block| block.text.as_str())
            .collect();
        for rules in blocks.iter().filter(|block| block.is_rules()) {
            let world = world(rules, &files).await;
            let alone = world.cli(&["check"]);
            if alone.code != Some(0) {
                std::fs::write(world.path("rules/hours.toml"), &hours).unwrap();
                let beside = world.cli(&["check"]);
                let place = format!("{document}:{}", rules.line);
                assert_eq!(beside.code, Some(0), "{place}\n{}{}", alone.all(), beside.all());
            }
            if rules.has("[[test]]") {
                let said = world.cli(&["test"]);
                assert_eq!(said.code, Some(0), "{document}:{}\n{}", rules.line, said.all());
                tested += 1;
            }
        }
    }
    assert!(tested >= 14, "{tested}");
}

#[test]
fn each_recipe_has_a_test() {
    let recipes: Vec<Block> = blocks("docs/recipes.md").into_iter().filter(Block::is_rules).collect();
    assert!(recipes.len() >= 13, "{}", recipes.len());
    for recipe in recipes {
        assert!(recipe.has("[[test]]"), "{}:{}", recipe.document, recipe.line);
    }
}
