//! A template or expression of any text is compiled or refused; what compiles ends, in bounded time and size.
#![no_main]

use libfuzzer_sys::fuzz_target;
use switchhook::language::{Engine, Place, Values};

fuzz_target!(|text: &str| {
    let mut engine = Engine::new(chrono_tz::Tz::UTC);
    let condition = engine.condition(text);
    let template = engine.template(text, Place::Url);
    engine.finish();
    let mut values = Values::default();
    values.set("call", &serde_json::json!({ "from": text, "path": [text], "hops": 1 }));
    if let Ok(condition) = condition {
        let _ = condition.holds(&values);
    }
    if let Ok(template) = template {
        let _ = (template.text(&values), template.value(&values));
    }
});
