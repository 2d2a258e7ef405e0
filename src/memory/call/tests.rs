//! A call's memory against a store of its own, as the dispatcher uses it.

use std::collections::HashMap;

use proptest::prelude::*;
use serde_json::json;

use super::keys::Kept;
use super::*;
use crate::memory::spans::{LEGS, PATH};
use crate::memory::stored::read;

const SECOND: i64 = 1000;
const BEGAN: i64 = 1_770_106_530_000;

/// What the journal would hold, and what came of it.
#[derive(Default)]
struct World {
    state: HashMap<Arc<str>, Arc<str>>,
    timers: HashMap<Arc<str>, i64>,
    finished: Vec<Finished>,
    now: i64,
}

#[derive(Clone, Debug)]
struct Wire {
    endpoint: String,
    call: String,
    tracking: Option<String>,
    other: Option<String>,
    state: Option<State>,
    cause: Option<&'static str>,
    at: i64,
    outbound: bool,
}

fn wire(endpoint: &str, state: State, at: i64) -> Wire {
    let (tracking, other) = (Some("t#7".to_owned()), Some("+16135550142".to_owned()));
    let (endpoint, call) = (endpoint.to_owned(), format!("c{endpoint}"));
    Wire { endpoint, call, tracking, other, state: Some(state), cause: None, at: at * SECOND, outbound: false }
}

impl Wire {
    fn because(self, cause: &'static str) -> Self {
        Self { cause: Some(cause), ..self }
    }

    fn untracked(self) -> Self {
        Self { tracking: None, ..self }
    }
}

impl World {
    fn with<T>(&mut self, wire: &Wire, act: impl FnOnce(&mut CallMemory, &LegHeard<'_>, &Self) -> T) -> T {
        let view = json!({ "id": wire.call, "endpoint": wire.endpoint, "from_raw": wire.other, "user": wire.endpoint,
                           "direction": if wire.outbound { "outbound" } else { "inbound" }, "cause": wire.cause });
        let heard = LegHeard {
            endpoint: &wire.endpoint,
            call: &wire.call,
            tracking: wire.tracking.as_deref(),
            other: wire.other.as_deref(),
            state: wire.state,
            cause: wire.cause,
            time: BEGAN + wire.at,
            now: self.now,
            view: &view,
            keep: true,
        };
        let keys = CallKeys::of(&"main".into(), &heard);
        let values: Vec<_> = keys.keys().iter().map(|key| self.state.get(key).cloned()).collect();
        let mut memory = match keys.find(&values) {
            Found::Here(memory) => *memory,
            Found::Elsewhere(elsewhere) => {
                let key = elsewhere.key();
                elsewhere.read(self.state.get(&key).map(|value| &**value))
            }
        };
        let result = act(&mut memory, &heard, self);
        self.store(memory);
        result
    }

    fn store(&mut self, memory: CallMemory) {
        for change in memory.changes() {
            assert!(change.key.starts_with("main/"), "{}", change.key);
            if let Some(kept) = read::<Kept<Record>>(Some(&change.bytes)) {
                assert_eq!(*write(&kept), *change.bytes, "what is written reads back");
                if let Kept::Call(record) = kept {
                    assert!(record.legs.len() <= LEGS && record.path.len() <= PATH);
                }
            }
            self.state.insert(change.key, change.bytes);
        }
    }

    fn took(&mut self, timer: Option<Timer>, finished: Option<Finished>) {
        self.timers.extend(timer.map(|timer| (timer.id, timer.due)));
        self.finished.extend(finished);
    }

    /// Timers that are due fire first, then the event is heard.
    fn hear(&mut self, wire: &Wire) -> CallView {
        self.clock(wire.at);
        let heard = self.with(wire, |memory, heard, _| memory.hear(heard));
        self.took(heard.timer, heard.finished);
        heard.view
    }

    fn redirect(&mut self, wire: &Wire, target: &str) -> Result<(), TooManyHops> {
        self.with(wire, |memory, heard, world| {
            let waiting = world.state.get(&memory.waiting_key(heard, target)).cloned();
            memory.redirect_planned(heard, target, waiting.as_deref(), heard.now)
        })
    }

    /// Lets timers fire until then; a look finds nothing there any more.
    fn clock(&mut self, at: i64) {
        self.now = self.now.max(BEGAN + at);
        while let Some((id, due)) = self.timers.clone().into_iter().find(|(_, due)| *due <= self.now) {
            self.timers.remove(&id);
            let home = CallMemory::key_of_timer(&id).unwrap();
            let value = self.state.get(&home).cloned();
            let mut memory = CallMemory::of_timer(&"main".into(), &home, value.as_deref()).unwrap();
            match memory.fired(due, self.now) {
                Fired::Stale => {}
                Fired::Again(timer) => self.took(Some(timer), None),
                Fired::Finished(finished) => self.took(None, Some(finished)),
                Fired::Look { legs, again } => {
                    self.took(Some(again), None);
                    let heard = memory.looked(&legs, self.now);
                    self.took(heard.timer, heard.finished);
                }
            }
            self.store(memory);
        }
    }
}

use State::{Connected, Ended, Held, Ringing};

#[test]
fn rung_redirected_answered_ended_is_one_call() {
    let mut world = World::default();
    let ringing = wire("2001", Ringing, 0);
    assert_eq!(world.hear(&ringing).hops, 0);
    world.redirect(&ringing, "2002").unwrap();
    world.hear(&wire("2001", Ended, 3).because("redirected"));
    assert_eq!(world.hear(&wire("2002", Ringing, 4)).path, ["2001", "2002"]);
    world.hear(&wire("2002", Connected, 9));
    let held = world.hear(&wire("2002", Held, 30));
    assert_eq!((held.hops, held.answered_by.as_deref(), held.talk_seconds), (1, Some("2002"), 21));
    assert!(world.finished.is_empty());
    world.hear(&wire("2002", Ended, 69).because("callCancelled"));
    let [finished] = &*world.finished else { panic!("{:?}", world.finished) };
    assert_eq!(&*finished.id, "main/call-tracked/t#7/finished@1770106530000");
    assert_eq!(finished.time, BEGAN + 69 * SECOND);
    let expected = json!({ "id": "c2002", "endpoint": "2002", "user": "2002", "from_raw": "+16135550142", "direction": "inbound",
        "cause": "callCancelled", "state": "ended", "hops": 1, "path": ["2001", "2002"], "answered": true,
        "answered_by": "2002", "ring_seconds": 8, "talk_seconds": 60 });
    assert_eq!(Value::Object(finished.fields.clone()), expected);
    let bytes: usize = world.state.values().map(|value| value.len()).sum();
    assert!(bytes < 1200, "{bytes}");
}

#[test]
fn a_redirect_of_ours_ties_legs_without_tracking_ids() {
    let mut world = World::default();
    let ringing = wire("2001", Ringing, 0).untracked();
    world.hear(&ringing);
    world.redirect(&ringing, "2002").unwrap();
    let stranger =
        Wire { other: Some("2009".to_owned()), call: "x".to_owned(), ..wire("2002", Ringing, 1).untracked() };
    assert_eq!(world.hear(&stranger).hops, 0, "another other end is another call");
    let next = world.hear(&wire("2002", Ringing, 2).untracked());
    assert_eq!((next.hops, next.path.len()), (1, 2));
    let second = Wire { call: "y".to_owned(), ..wire("2002", Ringing, 3).untracked() };
    assert_eq!(world.hear(&second).hops, 0, "the next leg was there already");
    world.hear(&wire("2001", Ended, 4).untracked());
    assert!(world.finished.is_empty());
    world.hear(&wire("2002", Ended, 10).untracked());
    assert_eq!(world.finished.len(), 1);
    assert_eq!(world.finished[0].fields["hops"], 1);
}

#[test]
fn what_rings_too_late_is_another_call_and_the_first_is_finished() {
    let mut world = World::default();
    let ringing = wire("2001", Ringing, 0).untracked();
    world.hear(&ringing);
    world.redirect(&ringing, "2002").unwrap();
    world.hear(&wire("2001", Ended, 1).untracked());
    world.clock(30_999);
    assert!(world.finished.is_empty());
    assert_eq!(world.hear(&wire("2002", Ringing, 31).untracked()).hops, 0);
    assert_eq!(world.finished.len(), 1);
    assert_eq!(world.finished[0].time, BEGAN + SECOND, "it ended when its leg did");
}

#[test]
fn withheld_callers_at_one_target_are_taken_in_turn() {
    let mut world = World::default();
    for call in ["a", "b"] {
        let ringing = Wire { call: call.to_owned(), other: None, ..wire("2001", Ringing, 0).untracked() };
        world.hear(&ringing);
        world.redirect(&ringing, "2002").unwrap();
    }
    let hops: Vec<u32> = ["c", "d", "e"]
        .map(|call| {
            world.hear(&Wire { call: call.to_owned(), other: None, ..wire("2002", Ringing, 1).untracked() }).hops
        })
        .to_vec();
    assert_eq!(hops, [1, 1, 0]);
}

#[test]
fn a_loop_ends_with_its_budget() {
    let mut world = World::default();
    let mut hops = 0;
    for at in 0.. {
        let (here, there) = if at % 2 == 0 { ("2001", "2002") } else { ("2002", "2001") };
        let ringing = Wire { call: format!("c{at}"), ..wire(here, Ringing, at).untracked() };
        world.hear(&ringing);
        if let Err(error) = world.redirect(&ringing, there) {
            assert_eq!(error, TooManyHops { hops });
            break;
        }
        hops += 1;
        world.hear(&Wire { state: Some(Ended), cause: Some("redirected"), ..ringing });
    }
    assert_eq!(hops, HOPS);
}

#[test]
fn a_call_that_is_handed_on_from_one_of_two_phones_is_not_over_when_the_other_one_stops() {
    let mut world = World::default();
    let first = wire("2001", Ringing, 0);
    world.hear(&first);
    world.hear(&wire("2002", Ringing, 0));
    world.redirect(&first, "4001").unwrap();
    world.hear(&wire("2001", Ended, 1));
    world.hear(&wire("2002", Ended, 1));
    assert!(world.finished.is_empty());
    world.hear(&wire("4001", Ringing, 2));
    world.hear(&wire("4001", Connected, 3));
    world.hear(&wire("4001", Ended, 9));
    assert_eq!(world.finished.len(), 1);
    assert_eq!(world.finished[0].fields["answered_by"], "4001");
}

#[test]
fn a_leg_stays_in_its_call_when_an_event_leaves_the_tracking_id_out() {
    let mut world = World::default();
    world.hear(&wire("2001", Ringing, 0));
    world.hear(&wire("2001", Ended, 5).untracked());
    assert_eq!(world.finished.len(), 1);
    assert_eq!(&*world.finished[0].id, "main/call-tracked/t#7/finished@1770106530000");
    // And one that has it only later leads others to the same call.
    let mut world = World::default();
    world.hear(&wire("2001", Ringing, 0).untracked());
    world.hear(&wire("2001", Connected, 1));
    assert_eq!(world.hear(&wire("2002", Ringing, 2)).path, ["2001", "2002"]);
    world.hear(&wire("2001", Ended, 3).because("transfer"));
    world.hear(&wire("2002", Ended, 3));
    assert_eq!(world.finished.len(), 1);
}

#[test]
fn a_call_between_two_phones_counts_each_second_once() {
    let mut world = World::default();
    let caller = |state, at| Wire { outbound: true, other: Some("2002".to_owned()), ..wire("2001", state, at) };
    world.hear(&caller(Ringing, 0));
    world.hear(&wire("2002", Ringing, 0));
    world.hear(&caller(Connected, 5));
    assert_eq!(world.hear(&wire("2002", Connected, 5)).answered_by.as_deref(), Some("2002"));
    world.hear(&wire("2002", Ended, 15));
    assert!(world.finished.is_empty());
    world.hear(&caller(Ended, 16));
    let fields = &world.finished[0].fields;
    assert_eq!((&fields["ring_seconds"], &fields["talk_seconds"]), (&json!(5), &json!(11)));
}

#[test]
fn who_is_not_heard_of_is_looked_for() {
    let mut world = World::default();
    world.hear(&wire("2001", Ringing, 0));
    world.hear(&wire("2001", Connected, 3600));
    world.clock(QUIET);
    assert!(world.finished.is_empty(), "it was heard of an hour later");
    world.clock(QUIET + 3600 * SECOND);
    assert_eq!(world.finished.len(), 1);
    assert_eq!(world.finished[0].fields["answered"], true);
    world.hear(&wire("2001", Ended, 6 * 3600));
    assert_eq!(world.finished.len(), 1);
}

#[test]
fn a_look_that_finds_the_leg_lets_it_live() {
    let mut world = World::default();
    world.hear(&wire("2001", Connected, 0));
    let (id, due) = world.timers.drain().next().unwrap();
    let home = CallMemory::key_of_timer(&id).unwrap();
    let mut memory = CallMemory::of_timer(&"main".into(), &home, world.state.get(&home).map(|text| &**text)).unwrap();
    let Fired::Look { legs, again } = memory.fired(due, due) else { panic!("no look") };
    assert_eq!(legs, [("2001".to_owned(), "c2001".to_owned())]);
    assert_eq!(again.due, due + QUIET);
    assert_eq!(memory.looked(&[], due).finished, None);
    assert_eq!(memory.fired(due, due), Fired::Stale, "each firing counts once");
}

#[test]
fn an_update_alone_begins_nothing() {
    let mut world = World::default();
    let view = world.hear(&Wire { state: None, ..wire("2001", Ringing, 0) });
    assert_eq!((view.path.len(), view.answered), (0, false));
    assert!(world.state.is_empty() && world.timers.is_empty());
}

#[test]
fn an_id_that_is_used_again_is_another_call() {
    let mut world = World::default();
    for at in [0, 60] {
        let ringing = wire("2001", Ringing, at).untracked();
        world.hear(&ringing);
        world.redirect(&ringing, "2002").unwrap();
        world.hear(&wire("2001", Connected, at + 1).untracked());
        world.hear(&wire("2001", Ended, at + 2).untracked());
    }
    let ids: Vec<_> = world.finished.iter().map(|finished| &*finished.id).collect();
    assert_eq!(ids, ["main/call/2001/c2001/finished@1770106530000", "main/call/2001/c2001/finished@1770106590000"],);
    assert_eq!(world.finished[1].fields["hops"], 1);
}

#[test]
fn an_event_is_read_as_what_it_says_of_a_leg() {
    let document = json!({ "topic": "platform-api-media", "method": "PUT", "subject": "/endpoints/3001/calls/7",
        "content": { "state": "connected", "timestamp": BEGAN, "from": "3001", "to": "+16135550142", "direction": "outbound",
                     "cause": "newCall", "extraPbxData": { "callTrackingID": "t#7" } } });
    let opened = crate::event::Opened::new(1, &"main".into(), "main/p", &"l".into(), BEGAN + 5, &document.to_string());
    let event = opened.resolve(None, &crate::event::Numbers::default()).event;
    let heard = LegHeard::of(&event).unwrap();
    assert_eq!((heard.endpoint, heard.call, heard.tracking), ("3001", "7", Some("t#7")));
    assert_eq!((heard.other, heard.state, heard.cause), (Some("+16135550142"), Some(Connected), Some("newCall")));
    assert_eq!((heard.time, heard.now), (BEGAN, BEGAN + 5));
    assert!(heard.is_outbound());
}

#[test]
fn many_legs_are_bounded_and_their_seconds_kept() {
    let mut world = World::default();
    let count = LEGS as i64 + 20;
    for at in 0..count {
        let endpoint = format!("{}", 3000 + at);
        world.hear(&wire(&endpoint, Ringing, at));
        world.hear(&wire(&endpoint, Ended, at + 1).because("callForwardNoAnswer"));
    }
    world.clock((count + 60) * SECOND);
    assert_eq!(world.finished.len(), 1);
    assert_eq!(world.finished[0].fields["ring_seconds"], json!(count));
    assert_eq!(world.finished[0].fields["path"].as_array().unwrap().len(), PATH);
}

fn any_wire() -> impl Strategy<Value = Wire> {
    let state =
        prop_oneof![Just(None), Just(Some(Ringing)), Just(Some(Connected)), Just(Some(Held)), Just(Some(Ended))];
    let cause = prop_oneof![Just(None), Just(Some("redirected")), Just(Some("newCall")), Just(Some("callForwardBusy"))];
    (0..3_u8, 0..3_u8, any::<bool>(), state, cause, 0..120_i64, any::<bool>()).prop_map(
        |(endpoint, call, tracked, state, cause, at, outbound)| Wire {
            endpoint: format!("200{endpoint}"),
            call: format!("{endpoint}-{call}"),
            tracking: tracked.then(|| format!("t{call}")),
            other: Some(format!("+1613555000{call}")),
            state,
            cause,
            at: at * SECOND,
            outbound,
        },
    )
}

proptest! {
    /// Whatever comes, in whatever order and however often: one end for each call, and hops only grow.
    #[test]
    fn a_call_is_finished_at_most_once(
        wires in prop::collection::vec((any_wire(), prop::option::of(0..3_u8), 1..3_usize), 1..30),
    ) {
        let mut world = World::default();
        let mut hops: HashMap<Arc<str>, u32> = HashMap::new();
        for (wire, redirect, times) in &wires {
            for _ in 0..*times {
                world.hear(wire);
            }
            if let Some(target) = redirect {
                let _ = world.redirect(wire, &format!("200{target}"));
            }
            for (key, text) in &world.state {
                if let Some(Kept::Call(record)) = read::<Kept<Record>>(Some(text)) {
                    let name: Arc<str> = format!("{key}@{}", record.began).into();
                    let known = hops.entry(name).or_default();
                    prop_assert!(record.hops >= *known && record.hops <= HOPS);
                    *known = record.hops;
                }
            }
        }
        world.clock(3 * QUIET);
        let ids: std::collections::HashSet<_> = world.finished.iter().map(|finished| &finished.id).collect();
        prop_assert_eq!(ids.len(), world.finished.len());
        // Nobody is forgotten: each call that was heard of is finished by then.
        for text in world.state.values() {
            if let Some(Kept::Call(record)) = read::<Kept<Record>>(Some(text)) {
                prop_assert!(record.finished.is_some() || !record.is_known());
            }
        }
    }

    /// A leg's own events, shuffled and repeated, finish its call exactly once.
    #[test]
    fn shuffled_and_repeated_events_finish_one_call(
        order in Just(vec![0, 0, 1, 1, 2, 2, 3, 3]).prop_shuffle(),
        tracked in any::<bool>(),
    ) {
        let mut wires = vec![wire("2001", Ringing, 0), wire("2001", Connected, 4), wire("2001", Held, 5), wire("2001", Ended, 9)];
        if !tracked {
            wires = wires.into_iter().map(Wire::untracked).collect();
        }
        let mut world = World::default();
        for at in order {
            world.hear(&wires[at]);
        }
        prop_assert_eq!(world.finished.len(), 1);
    }

    #[test]
    fn broken_text_is_nothing_known(text in ".{0,40}|\\{\"(call|at)\":\\{?\"(legs|hops|seen|armed)\":-?[0-9]{1,19}\\}\\}") {
        let wire = wire("2001", Connected, 1);
        let mut world = World::default();
        for key in ["main/call/2001/c2001", "main/call-tracked/t#7", "main/call-next/2001/+16135550142"] {
            world.state.insert(key.into(), text.as_str().into());
        }
        world.hear(&wire);
        world.hear(&Wire { call: "n".to_owned(), ..wire.clone() }.untracked());
        world.redirect(&wire, "2001").ok();
        world.clock(2 * QUIET);
    }
}
