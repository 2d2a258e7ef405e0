//! The clocks of rules with `every` and `cron` are set when rules come into force. From then on each firing sets the next.

use std::sync::Arc;

use super::desk::next_tick;
use crate::journal::{Change, Error, Journal};
use crate::kit::clock::Clock;
use crate::memory::schedule::schedule_key;
use crate::rules::RuleSet;

/// Sets the clocks of these rules. A time that passed while nobody was there is due at once; whether it is left out is decided
/// then.
pub(crate) async fn set(journal: &impl Journal, rules: &RuleSet, account: &str, clock: &Clock) -> Result<(), Error> {
    let called: Vec<_> = rules.schedules().collect();
    if called.is_empty() {
        return Ok(());
    }
    let keys: Vec<Arc<str>> = called.iter().map(|(rule, _)| schedule_key(account, &rule.name)).collect();
    let stored = journal.load(&keys).await?;
    let now = clock.millis();
    let mut change = Change::default();
    for (((rule, schedule), key), stored) in called.into_iter().zip(keys).zip(stored) {
        let firing = schedule.due(stored.as_deref(), now);
        if schedule.is_new(stored.as_deref()) {
            // It is seen for the first time, or was written anew: from now on nothing is missed.
            change.state.push(firing.stored.at(key));
        }
        let due = firing.fire_now.unwrap_or(firing.next);
        change.timers.push(next_tick(account, &rule.name, due, now));
    }
    journal.attempt(change).await
}
