//! The breaker by itself, and against a model that is told in other words.

use proptest::prelude::*;

use super::*;
use crate::cloudlink::hosts::HostPolicy;

const POLICY: BreakerPolicy = BreakerPolicy {
    in_a_row: 3,
    last: 8,
    within: Duration::from_secs(10),
    least: 6,
    share: 0.5,
    open: Duration::from_secs(1),
    longest_open: Duration::from_secs(8),
};

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn open_at(now: Instant) -> Breaker {
    let mut breaker = Breaker::new(POLICY);
    for nth in 1..=3 {
        let pass = breaker.admit(now).unwrap();
        let turn = breaker.settle(pass, Verdict::Ill, now, 1.0);
        assert_eq!(turn, (nth == 3).then_some(Turn::Opened));
    }
    breaker
}

#[tokio::test(start_paused = true)]
async fn it_opens_is_probed_by_one_and_closes() {
    let now = Instant::now();
    let mut breaker = open_at(now);
    assert_eq!(breaker.admit(now + ms(400)), Err(ms(600)));
    let later = now + ms(1000);
    let probe = breaker.admit(later).unwrap();
    assert_eq!(breaker.admit(later), Err(Duration::ZERO), "one at a time");
    assert!(breaker.is_open());
    assert_eq!(breaker.settle(probe, Verdict::Well, later, 0.0), Some(Turn::Closed));
    assert!(breaker.admit(later).is_ok() && breaker.admit(later).is_ok() && breaker.is_at_rest());
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_fails_opens_it_for_twice_as_long_up_to_a_bound() {
    let mut now = Instant::now();
    let mut breaker = open_at(now);
    for period in [1, 2, 4, 8, 8, 8] {
        let period = Duration::from_secs(period);
        assert_eq!(breaker.look(now), Err(period));
        now += period;
        let probe = breaker.admit(now).unwrap();
        assert_eq!(breaker.settle(probe, Verdict::Ill, now, 1.0), None, "told once");
    }
    now += Duration::from_secs(8);
    let probe = breaker.admit(now).unwrap();
    breaker.settle(probe, Verdict::Well, now, 1.0);
    for _ in 0..3 {
        let pass = breaker.admit(now).unwrap();
        breaker.settle(pass, Verdict::Ill, now, 0.0);
    }
    assert_eq!(breaker.look(now), Err(ms(500)), "from the beginning again; at least half of the period");
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_says_nothing_makes_room_for_another() {
    let now = Instant::now();
    let mut breaker = open_at(now);
    let later = now + ms(1000);
    let probe = breaker.admit(later).unwrap();
    breaker.settle(probe, Verdict::Unsaid, later, 1.0);
    let second = breaker.admit(later).unwrap();
    assert_eq!(breaker.settle(probe, Verdict::Well, later, 1.0), None, "the first has no say any more");
    assert_eq!(breaker.settle(second, Verdict::Well, later, 1.0), Some(Turn::Closed));
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_before_it_opened_says_nothing_after() {
    let now = Instant::now();
    let mut breaker = Breaker::new(POLICY);
    let passes: Vec<Pass> = (0..10).map(|_| breaker.admit(now).unwrap()).collect();
    let turns: Vec<_> = passes.iter().map(|pass| breaker.settle(*pass, Verdict::Ill, now, 1.0)).collect();
    assert_eq!(turns.iter().filter(|turn| turn.is_some()).count(), 1);
    assert_eq!(breaker.look(now), Err(ms(1000)), "ten failures at once are one opening");
}

#[tokio::test(start_paused = true)]
async fn every_other_failure_opens_it_too_but_not_over_a_long_time() {
    let alternate = |gap: Duration| {
        let (mut breaker, mut now) = (Breaker::new(POLICY), Instant::now());
        (0..40).any(|nth| {
            now += gap;
            let Ok(pass) = breaker.admit(now) else { return true };
            let verdict = if nth % 2 == 0 { Verdict::Well } else { Verdict::Ill };
            breaker.settle(pass, verdict, now, 1.0).is_some()
        })
    };
    assert!(alternate(ms(100)));
    assert!(!alternate(ms(2500)), "four in ten seconds are too few to tell");
}

#[tokio::test(start_paused = true)]
async fn nobody_is_sent_away_for_longer_than_five_seconds_and_many_are_spread() {
    let now = Instant::now();
    let mut breaker = open_at(now);
    for fraction in [0.0, 0.5, 0.999_999] {
        for left in [ms(0), ms(700), ms(4000), ms(30_000)] {
            let hold = breaker.hold(left, fraction);
            assert!(hold >= SHORTEST_HOLD && hold <= LONGEST_HOLD, "{hold:?}");
            assert!(hold >= left.min(ms(3900)), "not before the open period is over: {hold:?} of {left:?}");
        }
    }
    assert!(breaker.hold(ms(0), 0.999_999) < ms(1100));
    for _ in 0..5000 {
        assert!(breaker.hold(ms(30_000), 0.999_999) <= LONGEST_HOLD);
    }
    assert!(breaker.hold(ms(0), 0.999_999) > ms(3500));
}

#[test]
fn the_policy_in_force_is_one_that_can_be_kept() {
    for policy in [HostPolicy::STEPS, HostPolicy::CLOUDLINK].map(|policy| policy.breaker) {
        assert!(policy.in_a_row > 1 && policy.least <= policy.last && policy.share > 0.0 && policy.share <= 1.0);
        assert!(policy.open > Duration::ZERO && policy.open <= policy.longest_open);
    }
}

/// The same in other words: everything that ever happened is kept, and looked through anew each time.
struct Model {
    /// Everything since it was last closed: when, and whether it failed.
    log: Vec<(Instant, bool)>,
    /// Open periods since then: their ends.
    periods: Vec<Instant>,
    /// The request that is the probe.
    probe: Option<usize>,
    /// The requests that still have a say.
    heard: Vec<usize>,
}

impl Model {
    fn may_go(&self, now: Instant) -> bool {
        self.probe.is_none() && self.periods.last().is_none_or(|end| *end <= now)
    }

    fn go(&mut self, request: usize) {
        if !self.periods.is_empty() {
            self.probe = Some(request);
        }
        self.heard.push(request);
    }

    fn came(&mut self, request: usize, verdict: Verdict, now: Instant) {
        let Some(at) = self.heard.iter().position(|heard| *heard == request) else { return };
        self.heard.remove(at);
        if self.probe == Some(request) {
            self.probe = None;
            match verdict {
                Verdict::Well => (self.log, self.periods) = (vec![], vec![]),
                Verdict::Ill => self.open(now),
                Verdict::Unsaid => {}
            }
        } else if verdict != Verdict::Unsaid {
            self.log.push((now, verdict == Verdict::Ill));
            let row = self.log.iter().rev().take_while(|(_, ill)| *ill).count();
            let recent: Vec<bool> = self.log[self.log.len().saturating_sub(POLICY.last)..]
                .iter()
                .filter(|(at, _)| now - *at <= POLICY.within)
                .map(|(_, ill)| *ill)
                .collect();
            let ill = recent.iter().filter(|ill| **ill).count();
            if row >= POLICY.in_a_row as usize || (recent.len() >= POLICY.least && 2 * ill >= recent.len()) {
                self.open(now);
            }
        }
    }

    fn open(&mut self, now: Instant) {
        let period = Duration::from_secs((1 << self.periods.len().min(10)).min(8));
        self.periods.push(now + period);
        self.heard.clear();
    }
}

#[derive(Clone, Debug)]
enum Act {
    Passes(u64),
    Asks,
    /// The nth of those under way.
    Comes(usize, Verdict),
}

fn act() -> impl Strategy<Value = Act> {
    let verdict = prop_oneof![3 => Just(Verdict::Well), 4 => Just(Verdict::Ill), 1 => Just(Verdict::Unsaid)];
    prop_oneof![
        2 => (0_u64..4000).prop_map(Act::Passes),
        4 => Just(Act::Asks),
        4 => (0_usize..8, verdict).prop_map(|(nth, verdict)| Act::Comes(nth, verdict)),
    ]
}

proptest! {
    #[test]
    fn it_does_as_the_model_does(acts in prop::collection::vec(act(), 1..300)) {
        let (mut breaker, mut now) = (Breaker::new(POLICY), Instant::now());
        let mut model = Model { log: vec![], periods: vec![], probe: None, heard: vec![] };
        let (mut under_way, mut number) = (Vec::<(usize, Pass)>::new(), 0);
        for act in acts {
            match act {
                Act::Passes(time) => now += ms(time),
                Act::Asks => {
                    let pass = breaker.admit(now);
                    prop_assert_eq!(pass.is_ok(), model.may_go(now));
                    if let Ok(pass) = pass {
                        number += 1;
                        model.go(number);
                        under_way.push((number, pass));
                    }
                }
                Act::Comes(nth, verdict) if !under_way.is_empty() => {
                    let (request, pass) = under_way.remove(nth % under_way.len());
                    let was = breaker.is_open();
                    let turn = breaker.settle(pass, verdict, now, 1.0);
                    model.came(request, verdict, now);
                    let wanted = match (was, !model.periods.is_empty()) {
                        (false, true) => Some(Turn::Opened),
                        (true, false) => Some(Turn::Closed),
                        _ => None,
                    };
                    prop_assert_eq!(turn, wanted);
                }
                Act::Comes(..) => {}
            }
            prop_assert_eq!(breaker.is_open(), !model.periods.is_empty());
            prop_assert_eq!(breaker.look(now).is_ok(), model.may_go(now));
        }
    }
}
