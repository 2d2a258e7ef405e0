//! A collection, page after page: bounded in items and time.

use std::time::Duration;

use futures_util::StreamExt as _;
use serde_json::Value;
use tokio::time::Instant;

use super::source::{List, Source, Trouble, Why};

/// How many items of a collection are read.
const MOST_ITEMS: usize = 250_000;

/// Reads a collection, and hands on its items. Whether it was read to its end.
pub async fn all(
    source: &dyn Source,
    list: &List,
    within: Duration,
    mut take: impl FnMut(Value) + Send,
) -> Result<bool, Trouble> {
    let until = Instant::now() + within;
    let (mut pages, mut items) = (source.pages(list.clone(), within), 0);
    loop {
        match tokio::time::timeout_at(until, pages.next()).await {
            Ok(None) => return Ok(true),
            Ok(Some(Ok(_))) if items >= MOST_ITEMS => return Ok(false),
            Ok(Some(Ok(page))) => {
                items += page.len();
                page.into_iter().for_each(&mut take);
            }
            // What was read of it counts: a far side whose last page leads back to the first is not one without users.
            Ok(Some(Err(trouble))) if trouble.why == Why::Cut => return Ok(false),
            Ok(Some(Err(trouble))) => return Err(trouble),
            Err(_) => return Err(Trouble::new(Why::Timeout, format!("read the {} in time", list.name()))),
        }
    }
}
