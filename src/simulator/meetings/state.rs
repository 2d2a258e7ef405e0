//! The meetings of an account.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::simulator::answer::Refusal;
use crate::simulator::clock::Clock;
use crate::simulator::realm::Account;
use crate::simulator::world::guid;

/// Meetings that may exist, participants of each, and attendances that are remembered of each.
pub(super) const MOST: (usize, usize, usize) = (10_000, 1000, 1000);

/// Who takes part, or may.
#[derive(Clone)]
pub(super) struct Participant {
    pub(super) id: String,
    /// invited, accepted, rejected, active, inactive.
    pub(super) state: &'static str,
    pub(super) muted: bool,
    pub(super) associated: Option<String>,
    pub(super) onetime: bool,
}

/// Somebody was there.
#[derive(Clone)]
pub(super) struct Attendance {
    pub(super) id: String,
    pub(super) participant: String,
    pub(super) instance: String,
    pub(super) joined: DateTime<Utc>,
    pub(super) left: Option<DateTime<Utc>>,
}

/// A conference.
#[derive(Clone)]
pub(super) struct Meeting {
    pub(super) id: String,
    pub(super) number: u64,
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) lobby: String,
    pub(super) access_code: String,
    pub(super) expiry: Option<String>,
    pub(super) active: bool,
    /// Not at all, on, or paused.
    pub(super) recording: Option<bool>,
    pub(super) instance: String,
    pub(super) participants: Vec<Participant>,
    pub(super) attendances: Vec<Attendance>,
    pub(super) tags: Vec<(String, Value)>,
    pub(super) created: (DateTime<Utc>, String),
    pub(super) modified: Option<(DateTime<Utc>, String)>,
}

impl Meeting {
    /// One participant.
    pub(super) fn participant(&mut self, id: &str) -> Result<&mut Participant, Refusal> {
        let found = self.participants.iter_mut().find(|participant| participant.id == id);
        found.ok_or_else(|| Refusal::missing("ParticipantNotFound", format!("no participant {id}")))
    }

    /// Adds somebody who is not there yet.
    pub(super) fn invite(&mut self, id: &str) -> Result<bool, Refusal> {
        if self.participants.iter().any(|participant| participant.id == id) {
            return Ok(false);
        }
        if self.participants.len() >= MOST.1 {
            return Err(Refusal::bad("the conference has too many participants"));
        }
        let (id, state) = (id.to_owned(), "invited");
        self.participants.push(Participant { id, state, muted: false, associated: None, onetime: false });
        Ok(true)
    }

    /// Somebody comes in; the first lets the conference begin.
    pub(super) fn enter(&mut self, id: &str, now: DateTime<Utc>) {
        if !self.active {
            (self.active, self.instance) = (true, guid());
        }
        if self.attendances.len() >= MOST.2 {
            self.attendances.remove(0);
        }
        let instance = self.instance.clone();
        self.attendances.push(Attendance { id: guid(), participant: id.to_owned(), instance, joined: now, left: None });
    }

    /// Somebody goes; the last lets the conference end.
    pub(super) fn leave(&mut self, id: &str, now: DateTime<Utc>) {
        let open = |attendance: &&mut Attendance| attendance.participant == id && attendance.left.is_none();
        for attendance in self.attendances.iter_mut().filter(open) {
            attendance.left = Some(now);
        }
        if !self.participants.iter().any(|participant| participant.state == "active") {
            (self.active, self.recording) = (false, None);
        }
    }
}

/// The conferences of an account.
pub(crate) struct Meetings {
    pub(super) clock: Clock,
    by_id: Mutex<BTreeMap<String, Meeting>>,
}

impl Meetings {
    /// One meeting is planned.
    pub(crate) fn new(account: &Account, clock: Clock) -> Self {
        let meetings = Self { clock, by_id: Mutex::default() };
        let id = format!("{}-c0f0-4a00-8000-000000000001", account.id.get(..8).unwrap_or("00000000"));
        let mut standup = meetings.meeting(&id, &account.principal_id, 9);
        "Monday stand-up".clone_into(&mut standup.name);
        standup.access_code = format!("{:0>9}", account.number);
        standup.tags.push(("room".to_owned(), json!({ "floor": 2 })));
        meetings.all().insert(id, standup);
        meetings
    }

    /// All of them.
    pub(super) fn all(&self) -> MutexGuard<'_, BTreeMap<String, Meeting>> {
        self.by_id.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new one that is not among them yet.
    pub(super) fn meeting(&self, id: &str, by: &str, digits: usize) -> Meeting {
        Meeting {
            id: id.to_owned(),
            number: fastrand::u64(1_000_000..10_000_000),
            name: String::new(),
            kind: "everyoneAllowed".to_owned(),
            lobby: "noLobby".to_owned(),
            access_code: (0..digits).map(|_| fastrand::digit(10)).collect(),
            expiry: None,
            active: false,
            recording: None,
            instance: guid(),
            participants: vec![],
            attendances: vec![],
            tags: vec![],
            created: (self.clock.now(), by.to_owned()),
            modified: None,
        }
    }

    /// The id of the one with this access code.
    pub(crate) fn with_access_code(&self, code: &str) -> Option<String> {
        self.all().values().find(|meeting| meeting.access_code == code).map(|meeting| meeting.id.clone())
    }

    /// Reads or changes one.
    pub(super) fn with<T>(&self, id: &str, act: impl FnOnce(&mut Meeting) -> Result<T, Refusal>) -> Result<T, Refusal> {
        act(self.all().get_mut(id).ok_or_else(|| no_such(id))?)
    }
}

/// 404 for a conference.
pub(super) fn no_such(id: &str) -> Refusal {
    Refusal::missing("ConferenceNotFound", format!("no conference {id}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_begins_it_and_the_last_ends_it() {
        let account = Account {
            id: "5b1f7f04-9c3d".to_owned(),
            number: "10000495".to_owned(),
            name: String::new(),
            partner_id: String::new(),
            principal_id: "p".to_owned(),
        };
        let clock = Clock::default();
        let meetings = Meetings::new(&account, clock);
        let id = meetings.with_access_code("010000495").unwrap();
        meetings
            .with(&id, |meeting| {
                for who in ["a", "b"] {
                    assert!(meeting.invite(who)? && !meeting.invite(who)?);
                    meeting.participant(who)?.state = "active";
                    meeting.enter(who, clock.now());
                }
                let instance = meeting.instance.clone();
                assert!(meeting.active && meeting.attendances.iter().all(|there| there.instance == instance));
                for (who, still) in [("a", true), ("b", false)] {
                    meeting.participant(who)?.state = "inactive";
                    meeting.leave(who, clock.now());
                    assert_eq!(meeting.active, still);
                }
                assert!(meeting.attendances.iter().all(|there| there.left.is_some()));
                Ok(())
            })
            .unwrap();
    }
}
