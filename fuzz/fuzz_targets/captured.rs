//! A captured request of any bytes is read or refused, and looked into, in bounded time.
#![no_main]

use libfuzzer_sys::fuzz_target;
use switchhook::ingest::Application;
use switchhook::ingest::diagnosis::captured::Captured;
use switchhook::ingest::diagnosis::{Setup, diagnose};
use switchhook::kit::secret::Secret;

fuzz_target!(|bytes: &[u8]| {
    let id = Secret::new("9f1c2b3a-0000-4000-8000-0000000000fe");
    let applications = vec![Application { name: "main".into(), account: "main".into(), id }];
    let setup = Setup { path: "/notify".to_owned(), max_body: 1 << 20, applications };
    for captured in Captured::read(bytes).unwrap_or_default() {
        let _ = diagnose(&captured, &setup);
    }
});
