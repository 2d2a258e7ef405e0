//! A rule file of any text is compiled or refused with findings that can be drawn; what compiles decides about an event,
//! and its steps become requests.
#![no_main]

use libfuzzer_sys::fuzz_target;
use switchhook::event::{Opened, publication};
use switchhook::language::Source;
use switchhook::rules::{Scope, World, compile};

const RINGING: &str = include_str!("../../tests/fixtures/ringing.json");

fuzz_target!(|text: &str| {
    match compile(&[Source::new("fuzz.toml", text)], &World::default()) {
        Err(report) => drop((report.render(false), report.to_json())),
        Ok(rules) => {
            for publication in publication::decode(RINGING.as_bytes()).unwrap_or_default() {
                let opened = Opened::new(1, &"main".into(), &publication.id, &publication.lane, 0, &publication.body);
                let event = opened.resolve(None, rules.numbers()).event;
                let _ = rules.explain(&event);
                for run in rules.plan(&event).runs {
                    let scope = Scope::new(&rules, &event, &run.bindings, &serde_json::Map::new(), event.time);
                    for step in &run.rule.steps {
                        let _ = (step.items(&scope), step.render(&scope));
                    }
                }
            }
        }
    }
});
