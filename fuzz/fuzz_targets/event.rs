//! A body of any bytes becomes publications or is refused; each publication becomes an event.
#![no_main]

use libfuzzer_sys::fuzz_target;
use switchhook::event::{Opened, publication};
use switchhook::numbers::Numbers;

fuzz_target!(|body: &[u8]| {
    let numbers = Numbers::of(Some("CA"));
    for publication in publication::decode(body).unwrap_or_default() {
        let opened = Opened::new(1, &"main".into(), &publication.id, &publication.lane, 0, &publication.body);
        let _ = (opened.key(), opened.lag());
        let _ = opened.resolve(None, &numbers);
    }
});
