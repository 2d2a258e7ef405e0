//! What must hold for every file and every variable.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;

const SECTIONS: &[&str] = &[
    "server",
    "server.tls",
    "admin",
    "cloudlink",
    "cloudlink.auth",
    "cloudlink.urls",
    "notify",
    "journal",
    "rules",
    "locale",
    "locale.dial",
    "[application]",
    "[credential]",
    "[account]",
    "servr",
];
const KEYS: &[&str] = &[
    "listen",
    "path",
    "max_body",
    "drain",
    "tls",
    "public_url",
    "token",
    "name",
    "id",
    "auth",
    "urls",
    "all",
    "grant",
    "client_id",
    "cloud",
    "retain",
    "watch",
    "timezone",
    "country",
    "dial",
    "base",
    "bearer",
    "basic",
    "oauth2",
    "\"a[999999999999]\"",
    "\"a.b\"",
    "x",
];

fn value() -> impl Strategy<Value = String> {
    let flat = prop_oneof![
        select(
            &[
                "true",
                "5",
                "-1",
                "1e400",
                "99999999999999999999",
                "2026-01-01",
                "\"\"",
                "\"main\"",
                "\"1MiB\"",
                "\"5s\"",
                "\"https://x.example/v\"",
                "\"127.0.0.1:0\""
            ][..]
        )
        .prop_map(str::to_owned),
        "[a-z0-9:/.]{0,12}".prop_map(|text| format!("\"{text}\"")),
    ];
    flat.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(|items| format!("[{}]", items.join(", "))),
            prop::collection::btree_map(select(KEYS), inner, 0..3).prop_map(|entries| {
                let entries: Vec<_> = entries.into_iter().map(|(key, value)| format!("{key} = {value}")).collect();
                format!("{{ {} }}", entries.join(", "))
            }),
        ]
    })
}

fn file() -> impl Strategy<Value = String> {
    let section = (select(SECTIONS), prop::collection::btree_map(select(KEYS), value(), 0..5));
    prop::collection::vec(section, 0..6).prop_map(|sections| {
        let text = sections.into_iter().map(|(name, entries)| {
            entries.into_iter().fold(format!("[{name}]\n"), |text, (key, value)| text + key + " = " + &value + "\n")
        });
        text.collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn no_file_is_a_panic(file in file(), name in "[A-Z_0-9\\[\\].]{0,20}", value in ".{0,8}") {
        let folder = Folder::with(&file);
        let variables: Environment = [(format!("SWITCHHOOK__{name}"), value)].into_iter().collect();
        for problems in [load(folder.path(), &variables).err(), load_for_desk(folder.path(), &variables).err()].into_iter().flatten() {
            prop_assert!(problems.iter().count() > 0);
            prop_assert!(!problems.to_string().is_empty());
        }
    }

    #[test]
    fn no_text_is_a_panic(text in "(?s).{0,200}") {
        let folder = Folder::with(&text);
        let _ = folder.load(&[]);
    }

    #[test]
    fn an_unknown_key_is_found_wherever_it_is(section in select(&["server", "admin", "notify", "journal", "rules", "locale"][..]), key in "[a-z]{4,12}zz") {
        let said = said(&format!("[{section}]\n{key} = 1\n"));
        prop_assert!(said.contains(&format!("switchhook.toml:9: {section}.{key}: no such key")), "{}", said);
    }
}
