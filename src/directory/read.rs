//! A collection, page after page: bounded in pages, items and time, and never in a circle.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::source::{List, Source, Trouble, Why};

/// How many pages of a collection are read, and how many items.
const MOST_PAGES: usize = 5000;
const MOST_ITEMS: usize = 250_000;
/// How long one page may take.
const PAGE: Duration = Duration::from_secs(20);
/// How often a page is asked for that did not come.
const ATTEMPTS: u32 = 4;
/// The longest pause that a far side may ask for between two of them.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Reads a collection, and hands on its items. Whether it was read to its end.
pub async fn all(
    source: &dyn Source,
    list: &List,
    within: Duration,
    mut take: impl FnMut(Value) + Send,
) -> Result<bool, Trouble> {
    let until = Instant::now() + within;
    let (mut next, mut seen, mut items) = (None::<String>, HashSet::new(), 0);
    for _ in 0..MOST_PAGES {
        let page = page(source, list, next.take(), until).await?;
        items += page.items.len();
        page.items.into_iter().for_each(&mut take);
        match page.next {
            None => return Ok(true),
            // A link that leads in a circle ends it.
            Some(link) if !seen.insert(link.clone()) => return Ok(true),
            Some(_) if items >= MOST_ITEMS => return Ok(false),
            Some(link) => next = Some(link),
        }
    }
    Ok(false)
}

async fn page(
    source: &dyn Source,
    list: &List,
    next: Option<String>,
    until: Instant,
) -> Result<super::source::Page, Trouble> {
    let mut attempt = 0;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Trouble::new(Why::Timeout, format!("read the {} in time", list.name())));
        }
        let asked = tokio::time::timeout(left.min(PAGE), source.page(list.clone(), next.clone(), left.min(PAGE)));
        let trouble = match asked.await {
            Ok(Ok(page)) => return Ok(page),
            Ok(Err(trouble)) => trouble,
            Err(_) => Trouble::new(Why::Timeout, format!("read a page of the {}: no answer in time", list.name())),
        };
        attempt += 1;
        let may_come = matches!(trouble.why, Why::Timeout | Why::Busy | Why::Unavailable);
        if attempt >= ATTEMPTS || !may_come {
            return Err(trouble);
        }
        let pause = trouble.after.unwrap_or(Duration::from_millis(500) * 2u32.pow(attempt)).min(LONGEST_PAUSE);
        tokio::time::sleep_until((Instant::now() + pause).min(until)).await;
    }
}
