//! An .ics file of any text is read or refused, in bounded time.
#![no_main]

use libfuzzer_sys::fuzz_target;
use switchhook::hours::Feed;

fuzz_target!(|text: &str| {
    let _ = Feed::read(text, "2026-12-01T00:00:00Z".parse().unwrap_or_default());
});
