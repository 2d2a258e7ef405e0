//! Two bots that answer each other: a bot stops after [`TURNS`] replies to one peer in one conversation
//! within [`TALK`], and talks again once it was quiet there for as long.
//!
//! Replies are counted when they are planned. As long as the peer goes on, a stopped bot stays stopped: each message that it
//! would have answered begins the quiet anew. Stored are at most [`TURNS`] times, below 200 bytes.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Stored;
use super::key::key;
use super::spans::{FOREVER, TALK, TURNS};
use super::stored::read;

/// Whether a bot may reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It may, and the reply is counted.
    Allowed {
        /// What is to be stored.
        stored: Stored,
    },
    /// It may not.
    Stopped {
        /// When it may again if it is quiet until then, in milliseconds since 1970.
        until: i64,
        /// What is to be stored.
        stored: Stored,
    },
}

/// What is known of a conversation with a peer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Talk {
    /// When we replied within the last [`TALK`], oldest first.
    turns: Vec<i64>,
    /// When the last reply was held back, if we are stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped: Option<i64>,
}

/// The key of a conversation with a peer.
pub fn talk_key(account: &str, conversation: &str, peer: &str) -> Arc<str> {
    key(account, "talk", &[conversation, peer])
}

impl Talk {
    /// A reply is wanted at `now`, in milliseconds since 1970.
    pub fn turn(stored: Option<&str>, now: i64) -> Turn {
        let mut talk: Self = read(stored).unwrap_or_default();
        // What lies ahead was counted by a clock that was ahead: it counts from now on.
        let counts = |at: &i64| (*at).min(now).saturating_add(TALK) > now;
        let stopped = talk.stopped.as_ref().is_some_and(counts);
        if !stopped {
            talk.turns.retain(counts);
            if talk.turns.len() < TURNS {
                talk.stopped = None;
                for at in &mut talk.turns {
                    *at = (*at).min(now);
                }
                talk.turns.push(now);
                return Turn::Allowed { stored: talk.stored(now) };
            }
        }
        talk.turns.clear();
        talk.stopped = Some(now);
        Turn::Stopped { until: now.saturating_add(TALK), stored: talk.stored(now) }
    }

    fn stored(&self, now: i64) -> Stored {
        Stored::new(self, now.saturating_add(TALK).min(FOREVER))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Takes turns at these times.
    fn turns(times: &[i64]) -> Vec<bool> {
        let mut stored: Option<Arc<str>> = None;
        let mut allowed = Vec::new();
        for now in times {
            let (may, new) = match Talk::turn(stored.as_deref(), *now) {
                Turn::Allowed { stored } => (true, stored),
                Turn::Stopped { stored, until } => {
                    assert_eq!(until, now + TALK);
                    (false, stored)
                }
            };
            let talk: Talk = read(Some(&new.bytes)).unwrap();
            assert!(talk.turns.len() <= TURNS);
            assert_eq!(talk.stored(*now), new, "what is written reads back");
            allowed.push(may);
            stored = Some(new.bytes);
        }
        allowed
    }

    #[test]
    fn a_bot_that_answers_a_bot_stops_until_it_is_quiet() {
        let times: Vec<i64> = (0..12).map(|at| at * 1000).chain([69_999, 129_999, 189_998]).collect();
        let allowed = turns(&times);
        assert_eq!(allowed[..12], [[true; 10].as_slice(), &[false; 2]].concat());
        assert_eq!(allowed[12..], [false, true, true], "quiet for a minute after the last that was held back");
        assert_eq!(&*talk_key("main", "c/1", "ann"), "main/talk/c%2F1/ann");
    }

    #[test]
    fn a_person_is_always_answered() {
        let times: Vec<i64> = (0..100).map(|at| at * 6_001).collect();
        assert!(turns(&times).iter().all(|allowed| *allowed));
    }

    #[test]
    fn a_stopped_bot_stays_stopped_while_the_peer_goes_on() {
        let times: Vec<i64> = (0..200).map(|at| at * 3_000).collect();
        assert_eq!(turns(&times).iter().filter(|allowed| **allowed).count(), TURNS);
    }

    proptest! {
        /// Never more than the turns within the time, and never stopped without that many just before or a stop within the time.
        #[test]
        fn turns_are_counted(gaps in prop::collection::vec(prop_oneof![0..10_000_i64, 50_000..70_000_i64], 1..80)) {
            let mut now = 1_770_106_530_000;
            let times: Vec<i64> = gaps.iter().map(|gap| { now += gap; now }).collect();
            let allowed = turns(&times);
            for (at, may) in allowed.iter().enumerate() {
                let recent = |kind: bool| (0..at).filter(|i| allowed[*i] == kind && times[*i] + TALK > times[at]).count();
                if *may {
                    prop_assert!(recent(true) < TURNS && recent(false) == 0);
                } else {
                    prop_assert!(recent(true) >= TURNS || recent(false) > 0);
                }
            }
        }

        #[test]
        fn broken_text_is_no_turn(text in ".{0,30}", now in any::<i64>()) {
            let allowed = matches!(Talk::turn(Some(&text), now), Turn::Allowed { .. });
            prop_assert!(allowed);
            Talk::turn(Some(&format!("{{\"turns\":[{now}],\"stopped\":{}}}", i64::MAX)), now.wrapping_mul(3));
        }
    }
}
