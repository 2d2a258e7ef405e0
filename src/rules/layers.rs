//! Folders over folders: what a later folder of an account declares overrules what earlier ones declare under the same
//! name. Rules are never overruled: their names are unique.

use std::collections::HashMap;

use crate::language::Source;
use crate::language::document::{Item, Table};

/// The sections whose entries can be overruled.
const SECTIONS: [&str; 4] = ["hours", "calendars", "tables", "vars"];

/// Takes away what is overruled.
pub(super) fn overrule(files: &mut [(&Source, Table<'_>)]) {
    if files.iter().all(|(source, _)| source.layer == 0) {
        return;
    }
    let mut last: HashMap<(&str, String), usize> = HashMap::new();
    for (source, file) in files.iter() {
        for section in SECTIONS {
            let Some(Item::Table(table)) = file.get(section).map(|entry| &entry.node.value) else { continue };
            for entry in &table.entries {
                let layer = last.entry((section, entry.key.to_string())).or_insert(source.layer);
                *layer = source.layer.max(*layer);
            }
        }
    }
    for (source, file) in files {
        for entry in &mut file.entries {
            let Some(section) = SECTIONS.into_iter().find(|section| *section == entry.key) else { continue };
            let Item::Table(table) = &mut entry.node.value else { continue };
            table.entries.retain(|entry| last.get(&(section, entry.key.to_string())) == Some(&source.layer));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::language::Source;
    use crate::rules::{World, compile};

    fn layered(texts: &[&str]) -> Vec<Source> {
        let source = |(layer, text): (usize, &&str)| Source { layer, ..Source::new(format!("{layer}.toml"), *text) };
        texts.iter().enumerate().map(source).collect()
    }

    const COMMON: &str = r#"
        [hours.office]
        open = "Mo-Fr 09:00-17:00"
        timezone = "UTC"
        [vars.night]
        values = ["auto", "closed"]
        default = "auto"
        [[rule]]
        name = "night"
        on = "call.ringing"
        where = { call.endpoint = "3001" }
        while_closed = "office"
        do = [{ redirect = { to = "4001" } }]
    "#;

    #[test]
    fn a_later_folder_overrules_what_an_earlier_one_declares() {
        let own = "[hours.office]\nopen = \"24/7\"\ntimezone = \"UTC\"\n[vars.night]\nvalues = [\"on\", \"off\"]\ndefault = \"off\"";
        let rules = compile(&layered(&[COMMON, own]), &World::default()).unwrap();
        let sunday: chrono::DateTime<chrono::Utc> = "2026-12-06T03:00:00Z".parse().unwrap();
        let (name, office) = rules.hours().next().unwrap();
        assert!(name == "office" && office.is_open(sunday, None), "the hours of the later folder are in force");
        let rules = compile(&layered(&[COMMON, "[vars.night]\ndefault = \"off\""]), &World::default()).unwrap();
        assert_eq!(rules.vars()["night"].default.as_deref(), Some("off"));
        assert_eq!(rules.rules().len(), 1);
    }

    #[test]
    fn in_one_folder_a_name_stands_once_and_a_rule_is_never_overruled() {
        let twice = [Source::new("a.toml", COMMON), Source::new("b.toml", "[vars.night]\ndefault = \"x\"")];
        assert!(compile(&twice, &World::default()).is_err());
        let rule = "[[rule]]\nname = \"night\"\non = \"hook\"\ndo = [{ log = { message = \"x\" } }]";
        assert!(compile(&layered(&[COMMON, rule]), &World::default()).is_err());
    }
}
