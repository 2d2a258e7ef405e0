//! The schema of rule files, by a validator that knows nothing of us.

use std::path::{Path, PathBuf};

use super::*;
use crate::rules::read::{FILE_KEYS, FILE_KEYS_LATER, RULE_KEYS};
use crate::rules::schema::schema;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

struct Validator {
    schemas: boon::Schemas,
    index: boon::SchemaIndex,
}

impl Validator {
    fn new() -> Self {
        let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
        let at = "https://rules.invalid/rules.schema.json";
        compiler.add_resource(at, schema()).unwrap();
        let index = compiler.compile(at, &mut schemas).unwrap_or_else(|error| panic!("{error:#}"));
        Self { schemas, index }
    }

    fn complaint(&self, text: &str) -> Option<String> {
        let file: Value = toml::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        self.schemas.validate(&file, self.index).err().map(|error| format!("{error:#}"))
    }
}

fn rule_files() -> Vec<PathBuf> {
    let folders = ["tests/fixtures/jobs", "config/rules"];
    let files = folders.iter().flat_map(|folder| std::fs::read_dir(root().join(folder)).unwrap());
    let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    files.retain(|path| {
        path.extension().is_some_and(|extension| extension == "toml") && !path.ends_with("settings.toml")
    });
    files.sort();
    files
}

#[test]
fn rule_files_fit_the_schema() {
    let (validator, files) = (Validator::new(), rule_files());
    assert!(files.len() >= 16, "{files:?}");
    let complaints = files.iter().filter_map(|path| {
        let text = std::fs::read_to_string(path).unwrap();
        Some(format!("{}: {}", path.display(), validator.complaint(&text)?))
    });
    let complaints: Vec<String> = complaints.collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// Whatever compiles without a finding fits: the schema asks for nothing that the language does not.
#[test]
fn each_example_of_an_action_fits() {
    let validator = Validator::new();
    for spec in catalogue::ACTIONS {
        let text = format!("[[rule]]\nname = \"r\"\non = \"call.ringing\"\ndo = [{{ {} }}]\n", spec.example());
        assert_eq!(validator.complaint(&text), None, "{text}");
    }
}

#[test]
fn mistakes_do_not_fit() {
    let validator = Validator::new();
    let rule = |line: &str, step: &str| {
        format!("[[rule]]\nname = \"r\"\non = \"call.ringing\"\n{line}\ndo = [{{ {step} }}]\n")
    };
    let (fine, redirect) = ("where = { call.endpoint = \"3001\" }", "redirect = { to = \"4001\" }");
    assert_eq!(validator.complaint(&rule(fine, redirect)), None);
    for (line, step) in [
        ("wehre = { call.endpoint = \"3001\" }", redirect),
        ("where = { call.endpoint = 3001 }", redirect),
        ("where = { call.form = \"3001\" }", redirect),
        ("where = { call.from = { prefx = \"+1\" } }", redirect),
        ("where = { call.outside = \"yes\" }", redirect),
        ("for = \"soon\"", redirect),
        ("for = 12", redirect),
        ("enabled = \"no\"", redirect),
        ("limit = { max = 3 }", redirect),
        ("limit = { max = 0, within = \"day\" }", redirect),
        (fine, "redirct = { to = \"4001\" }"),
        (fine, "redirect = { to = 4001 }"),
        (fine, "redirect = { two = \"4001\" }"),
        (fine, "redirect = {}"),
        (fine, "redirect = { to = \"4001\" }, answer = {}"),
        (fine, "send = { to = \"u\", text = \"a\", html = \"b\" }"),
        (fine, "availability = { status = \"bussy\" }"),
        (fine, "log = { message = \"x\" }, on_error = \"go on\""),
        (fine, "log = { message = \"x\" }, as = \"a b\""),
    ] {
        assert!(validator.complaint(&rule(line, step)).is_some(), "{line} {step}");
    }
    for text in [
        "[[rule]]\nname = \"r\"\n",
        "[[rule]]\nname = \"r\"\non = \"call.rining\"\ndo = [{ log = { message = \"x\" } }]\n",
        "[hours.x]\ntimezone = \"UTC\"\n",
        "[tables.x]\nfile = \"x.csv\"\nkey = \"a\"\nmatch = \"longest\"\n",
        "[calendars.x]\ncountry = \"Canada\"\n",
        "[vars.x]\nvalues = []\n",
        "[[test]]\nexpect = [{ redirct = {} }]\n",
        "rules = []\n",
    ] {
        assert!(validator.complaint(text).is_some(), "{text}");
    }
}

/// Each key of the language is told: an editor that completes it shows what it is for.
#[test]
fn every_key_is_told() {
    fn untold(at: &str, value: &Value, found: &mut Vec<String>) {
        for (name, property) in value["properties"].as_object().into_iter().flatten() {
            if property.get("description").is_none() && property.get("$ref").is_none() {
                found.push(format!("{at}.{name}"));
            }
        }
    }
    let (schema, mut found) = (schema(), Vec::new());
    untold("", &schema, &mut found);
    for name in ["rule", "hours", "calendar", "table", "var", "limit", "test", "test_step", "step"] {
        untold(name, &schema["$defs"][name], &mut found);
    }
    assert!(found.is_empty(), "{found:?}");
    let keys = |value: &Value| value["properties"].as_object().unwrap().len();
    assert_eq!(keys(&schema), FILE_KEYS.len() + FILE_KEYS_LATER.len());
    assert_eq!(keys(&schema["$defs"]["rule"]), RULE_KEYS.len());
}

/// What editors read; `switchhook schema > docs/rules.schema.json` makes it anew.
#[test]
fn the_file_in_the_documents_is_the_schema() {
    let path = root().join("docs/rules.schema.json");
    let made = format!("{:#}\n", schema());
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == made, "write it anew: switchhook schema > docs/rules.schema.json");
}
