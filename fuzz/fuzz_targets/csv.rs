//! A CSV file of any text becomes a table or findings.
#![no_main]

use libfuzzer_sys::fuzz_target;
use switchhook::language::{Report, Source};
use switchhook::numbers::Numbers;
use switchhook::tables::{Match, Shape, read};

fuzz_target!(|text: &str| {
    let numbers = Numbers::of(Some("CA"));
    for (matching, phone) in [(Match::Exact, false), (Match::LongestPrefix, true)] {
        let shape = Shape { key: "k", matching, phone: phone.then_some(&numbers) };
        let mut report = Report::default();
        if let Some(sheet) = read(&Source::new("fuzz.csv", text), &shape, &mut report) {
            let _ = sheet.table.find(text);
        }
        let _ = report.render(false);
    }
});
