//! What comes by itself: the times of rules with `every` and `cron`, and the clocks of calls.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Desk;
use super::own::Own;
use super::planning::Deciding;
use crate::event::Kind;
use crate::journal::{Timer, TimerChange};
use crate::memory::call::{CallMemory, Finished, Fired};
use crate::memory::schedule::{schedule_key, schedule_timer};
use crate::rules::RuleSet;

/// A call of which nothing was heard for long: CloudLink is asked which of its legs are gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) account: Arc<str>,
    /// Where the call is stored.
    pub(crate) home: Arc<str>,
    /// When it is looked at again if nothing came of it.
    pub(crate) again: crate::memory::Timer,
    /// Endpoint and call id of each leg that is not known to have ended.
    pub(crate) legs: Vec<(String, String)>,
}

/// The timer that publishes the next time of a rule.
pub(crate) fn next_tick(account: &str, rule: &str, due: i64, now: i64) -> TimerChange {
    let timer = schedule_timer(account, rule, due);
    let entry = Own::tick(account, rule, &timer, now);
    TimerChange::Set(Timer { id: timer.id, due: timer.due, entry })
}

/// The timer that a call asks for.
pub(super) fn call_timer(account: &str, home: &str, timer: crate::memory::Timer) -> TimerChange {
    let entry = Own::call(account, home, &timer, None);
    TimerChange::Set(Timer { id: timer.id, due: timer.due, entry })
}

impl Desk {
    /// The time of a rule has come: whether it is called now. What was due while nobody was there may be left out.
    pub(super) fn tick(deciding: &mut Deciding, rules: &RuleSet, rule: &str, stored: Option<&str>, now: i64) -> bool {
        let account = Arc::clone(&deciding.event.account);
        let Some((_, schedule)) = rules.schedules().find(|(known, _)| &*known.name == rule) else {
            deciding.note = Some("no rule of this name has `every` or `cron` any more: nothing is done".to_owned());
            return false;
        };
        let firing = schedule.due(stored, now);
        deciding.state.push(firing.stored.at(schedule_key(&account, rule)));
        deciding.timers.push(next_tick(&account, rule, firing.next, now));
        let Some(nominal) = firing.fire_now else {
            let why = if schedule.is_new(stored) {
                "the schedule was written anew since: it begins afresh, and this time of it is left out"
            } else if firing.missed {
                "this time of the schedule passed while the gateway was down: it is left out, as `missed` says"
            } else {
                "this time of the schedule was dealt with before: nothing is done"
            };
            deciding.note = Some(why.to_owned());
            return false;
        };
        deciding.happened(nominal);
        true
    }

    /// The clock of a call ran out, or it was asked at CloudLink which of its legs are gone.
    pub(super) fn call_clock(
        &self,
        deciding: &mut Deciding,
        home: &Arc<str>,
        stored: Option<&str>,
        due: i64,
        gone: Option<&[(String, String)]>,
        now: i64,
    ) {
        let account = Arc::clone(&deciding.event.account);
        let Some(mut memory) = CallMemory::of_timer(&account, home, stored) else {
            deciding.note = Some("nothing is known of this call any more: nothing is done".to_owned());
            return;
        };
        let note = if let Some(gone) = gone {
            let heard = memory.looked(gone, now);
            let over = heard.finished.is_some();
            deciding.timers.extend(heard.timer.map(|timer| call_timer(&account, home, timer)));
            deciding.events.extend(heard.finished.map(|finished| Self::finished(&account, home, &finished)));
            if over {
                "CloudLink knows no leg of this call any more: it is over, and `call.finished` follows"
            } else {
                "CloudLink was asked which legs of this call are gone: it goes on"
            }
        } else {
            match memory.fired(due, now) {
                Fired::Stale => "something was heard of this call meanwhile: nothing is done",
                Fired::Again(timer) => {
                    deciding.timers.push(call_timer(&account, home, timer));
                    "something was heard of this call meanwhile: it is looked at later"
                }
                Fired::Finished(finished) => {
                    deciding.events.push(Self::finished(&account, home, &finished));
                    "no further leg of this call came: it is over, and `call.finished` follows"
                }
                Fired::Look { legs, again } => {
                    deciding.timers.push(call_timer(&account, home, again.clone()));
                    let look = Look { account, home: Arc::clone(home), again, legs };
                    // It may be planned twice, and a look may get lost: then it is asked for again.
                    if let Some(looks) = self.looks.get() {
                        let _ = looks.try_send(look);
                    }
                    "nothing was heard of this call for long: CloudLink is asked which of its legs are gone"
                }
            }
        };
        deciding.note = Some(note.to_owned());
        deciding.state.extend(memory.changes());
    }

    /// The event that tells that a whole call is over.
    pub(super) fn finished(account: &str, home: &str, finished: &Finished) -> crate::journal::Entry {
        let name = finished.id.strip_prefix(account).and_then(|id| id.strip_prefix('/')).unwrap_or(&finished.id);
        let mut content = serde_json::Map::new();
        content.insert("call".into(), Value::Object(finished.fields.clone()));
        content.insert("timestamp".into(), json!(finished.time));
        Own::event(account, Kind::CallFinished, name, home, content)
    }
}
