//! A captured request of any bytes is read or refused, and looked into, in bounded time.
#![no_main]

use libfuzzer_sys::fuzz_target;
use switchhook::ingest::diagnosis::captured::Captured;
use switchhook::ingest::diagnosis::{Setup, diagnose};

fuzz_target!(|bytes: &[u8]| {
    let setup = Setup { path: "/notify".to_owned(), max_body: 1 << 20, applications: Vec::new() };
    for captured in Captured::read(bytes).unwrap_or_default() {
        let _ = diagnose(&captured, &setup);
    }
});
