//! What 50,000 users cost: memory for each, the time to read them, to find one, to change one.
//!
//! `cargo bench --bench directory [-- USERS]`. A program, not a test: it prints.

use std::fs;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};
use switchhook::directory::{Key, Shelf, User};
use switchhook::numbers::Numbers;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Bytes of this process in memory.
fn resident() -> usize {
    let text = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * 4096
}

/// A user as CloudLink shows one, with all that is not kept too.
fn user(number: usize) -> Value {
    let id = format!("{number:08x}-1a2b-4c3d-8e4f-{:012x}", number.wrapping_mul(2_654_435_761));
    json!({
        "userId": id, "uniqueUserId": id, "accountId": "5b1f0c2e-0000-4000-8000-000000000001", "siteId": format!("9c2d0000-0000-4000-8000-{:012x}", number % 40),
        "name": format!("Given{} Family{}", number % 997, number), "displayName": format!("Given Family {number}"),
        "email": format!("given.family{number}@customer.example"), "role": "USER", "extension": format!("{}", 10_000 + number),
        "phone": format!("+1613555{:04}", number % 10_000), "mobile": format!("+1343{:07}", number % 10_000_000),
        "sipAddress": format!("sip:{number}@sip.example"), "sipPassword": "0123456789abcdef", "source": "PBX",
        "emailVerified": true, "createdOn": "2026-01-02T03:04:05Z", "_links": { "self": format!("/2017-09-01/users/{id}") }
    })
}

#[expect(clippy::print_stdout, reason = "it prints")]
fn main() {
    let count = std::env::args().find_map(|word| word.parse().ok()).unwrap_or(50_000);
    let numbers = Numbers::of(Some("CA"));
    let warm = |number: usize| User::read(&user(number), &numbers);
    black_box((0..1000).filter_map(warm).count());
    let before = resident();
    let began = Instant::now();
    let mut shelf = Shelf::of((0..count).filter_map(|number| User::read(&user(number), &numbers).map(Arc::new)));
    let took = began.elapsed();
    let bytes = resident().saturating_sub(before);
    println!("{} users, {} MB, {} bytes each, read in {took:?}", shelf.len(), bytes >> 20, bytes / shelf.len().max(1));

    let began = Instant::now();
    let mut found = 0;
    for number in (0..count).step_by(7) {
        found += usize::from(shelf.find(Key::Extension(&format!("{}", 10_000 + number))).is_some());
        found += usize::from(shelf.find(Key::Email(&format!("GIVEN.family{number}@customer.example"))).is_some());
    }
    println!("{found} found, {:?} each", began.elapsed() / u32::try_from(found.max(1)).unwrap_or(u32::MAX));

    let began = Instant::now();
    let mut copy = shelf.clone();
    if let Some(one) = User::read(&user(count / 2), &numbers) {
        copy.put(Arc::new(one));
    }
    shelf = copy;
    println!("one changed in a copy, in {:?}; {} users", began.elapsed(), shelf.len());
}
