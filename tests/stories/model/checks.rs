//! The design holds, and each rule of it is needed.

use std::collections::BTreeSet;

use stateright::{Checker, HasDiscoveries, Model};

use super::engine::Action;
use super::guard::{Class, Design, Guard, Scenario};
use super::laws;

/// Two publications of one lane, where nothing goes wrong.
const CALM: Scenario = Scenario {
    class: Class::Repeat,
    lanes: &[0, 0],
    copies: 2,
    failures: 0,
    crashes: 0,
    stops: 0,
    mishaps: 0,
    deadlines: false,
    supersedes: false,
};

/// No law is broken in any state that the world can come to, and every state that the laws speak of is reached.
#[expect(clippy::print_stdout, reason = "the size of what was checked belongs to the result")]
fn holds(scenario: Scenario, at_least: usize) {
    let checker = Design { scenario, without: None }.checker().spawn_bfs().join();
    println!("{} states, {} steps deep", checker.unique_state_count(), checker.max_depth());
    checker.assert_properties();
    assert!(checker.unique_state_count() >= at_least, "{} states", checker.unique_state_count());
}

#[test]
fn the_design_holds_when_acts_overlap_commits_that_fail_and_the_process_crashes() {
    holds(Scenario { failures: 1, crashes: 1, mishaps: 1, ..CALM }, 200_000);
}

#[test]
fn the_design_holds_when_acts_overlap_commits_that_fail_and_the_process_is_stopped() {
    holds(Scenario { failures: 1, stops: 1, mishaps: 1, ..CALM }, 70_000);
}

#[test]
fn the_design_holds_when_two_commits_fail_and_everything_is_sent_three_times() {
    holds(Scenario { copies: 3, failures: 2, ..CALM }, 30_000);
}

#[test]
fn the_design_holds_for_two_lanes() {
    holds(Scenario { lanes: &[0, 0, 1], copies: 1, failures: 1, mishaps: 1, ..CALM }, 50_000);
}

#[test]
fn the_design_holds_for_what_is_looked_up() {
    let class = Class::Check;
    holds(Scenario { class, copies: 1, failures: 1, crashes: 1, stops: 1, mishaps: 1, ..CALM }, 50_000);
}

#[test]
fn the_design_holds_for_what_must_not_be_repeated() {
    let class = Class::Never;
    holds(Scenario { class, failures: 1, crashes: 1, stops: 1, mishaps: 1, ..CALM }, 80_000);
}

#[test]
fn the_design_holds_for_what_can_be_late_or_superseded() {
    for class in [Class::Repeat, Class::Check, Class::Never] {
        holds(Scenario { class, copies: 1, crashes: 1, mishaps: 1, deadlines: true, supersedes: true, ..CALM }, 5_000);
    }
}

/// Worlds in which more goes wrong at once, millions of states each.
#[test]
#[ignore = "takes minutes, and gigabytes of memory"]
fn the_design_holds_in_larger_worlds() {
    for class in [Class::Never, Class::Check, Class::Repeat] {
        let worst = Scenario { class, failures: 1, crashes: 1, stops: 1, mishaps: 1, deadlines: true, ..CALM };
        holds(worst, 500_000);
        holds(Scenario { lanes: &[0, 0, 0], copies: 1, crashes: 0, deadlines: false, ..worst }, 10_000);
    }
}

/// A small world in which taking a rule away breaks a law, and that law.
fn needed(guard: Guard) -> (Scenario, &'static str) {
    let check = Scenario { class: Class::Check, ..CALM };
    let never = Scenario { class: Class::Never, ..CALM };
    match guard {
        Guard::Dedupe | Guard::DedupeAtAdmission => (CALM, laws::COPIES),
        Guard::KnownWaits | Guard::AckAfterCommit => (Scenario { failures: 1, ..CALM }, laws::DURABLE),
        Guard::OverlapOnlyIdle | Guard::OrderInBackoff => (Scenario { mishaps: 1, ..CALM }, laws::ORDER),
        Guard::OverlapNotInDoubt => (Scenario { failures: 1, mishaps: 1, ..CALM }, laws::ORDER),
        Guard::Rollback => (Scenario { failures: 1, ..CALM }, laws::EDGE),
        Guard::ActedRemembered | Guard::ActedKnownAtReopen => (Scenario { failures: 1, ..CALM }, laws::COPIES),
        Guard::ActedWrittenAtStop => (Scenario { failures: 1, stops: 1, ..CALM }, laws::CLEAN),
        Guard::NothingWithoutPublication => (Scenario { failures: 1, ..CALM }, laws::BELONGS),
        Guard::SettledTriedAgain => (Scenario { failures: 1, ..CALM }, laws::ANSWERED_FOR),
        Guard::HandedOutAgain => (Scenario { crashes: 1, ..CALM }, laws::ANSWERED_FOR),
        Guard::OverStaysOver => (Scenario { crashes: 1, ..CALM }, laws::REPEAT),
        Guard::DecisionWithState => (Scenario { crashes: 1, ..CALM }, laws::EDGE),
        Guard::AttemptFirst | Guard::UnfinishedNeverStays => (Scenario { crashes: 1, ..never }, laws::NEVER),
        Guard::FailedAttemptTakenBack => (Scenario { failures: 1, stops: 1, ..never }, laws::CLEAN),
        Guard::OverlapOnlyRepeat | Guard::LookFirst => (Scenario { crashes: 1, ..check }, laws::CHECK),
        Guard::Deadline => (Scenario { deadlines: true, ..CALM }, laws::ON_TIME),
        Guard::DeadlineAfterAttempt => (Scenario { deadlines: true, ..never }, laws::ON_TIME),
        Guard::StopWaits => (Scenario { stops: 1, ..CALM }, laws::CLEAN),
        Guard::CleanMark => (Scenario { stops: 1, ..check }, laws::CLEAN),
        Guard::DoubtKept | Guard::MarkTakenAway => (Scenario { crashes: 1, stops: 1, ..check }, laws::CHECK),
        Guard::DoubtRecorded => (Scenario { deadlines: true, mishaps: 1, ..CALM }, laws::TRUTH),
    }
}

/// With the rule the law holds in that world, and without it it does not.
#[expect(clippy::print_stdout, reason = "how a law is broken is worth reading")]
fn is_needed(guard: Guard) {
    let (scenario, law) = needed(guard);
    assert_eq!(breach(scenario, None, law), None, "{law}");
    let breach = breach(scenario, Some(guard), law);
    println!("{law}: {breach:?}");
    assert!(breach.is_some(), "without {guard:?} it still holds that {law}");
}

/// A way in which `law` is broken, if there is one.
fn breach(scenario: Scenario, without: Option<Guard>, law: &'static str) -> Option<Vec<Action>> {
    let found = HasDiscoveries::AnyOf(BTreeSet::from([law]));
    let checker = Design { scenario, without }.checker().finish_when(found).spawn_bfs().join();
    checker.discovery(law).map(stateright::Path::into_actions)
}

/// No law is there for show: for each there is a rule without which it does not hold.
#[test]
fn each_law_can_be_broken() {
    let broken: BTreeSet<&str> = RULES.iter().map(|rule| needed(*rule).1).collect();
    assert_eq!(broken, BTreeSet::from(laws::LAWS));
}

macro_rules! each_rule_is_needed {
    ($($test:ident: $guard:ident),* $(,)?) => {
        const RULES: &[Guard] = &[$(Guard::$guard),*];
        $(#[test]
        fn $test() {
            is_needed(Guard::$guard);
        })*
    };
}

each_rule_is_needed! {
    what_is_known_is_not_stored_again: Dedupe,
    dedupe_is_decided_at_admission: DedupeAtAdmission,
    a_repeat_waits_for_the_commit_under_way: KnownWaits,
    the_answer_comes_after_the_commit: AckAfterCommit,
    only_what_may_be_repeated_overlaps: OverlapOnlyRepeat,
    only_an_idle_lane_overlaps: OverlapOnlyIdle,
    nothing_overlaps_while_the_file_is_in_doubt: OverlapNotInDoubt,
    memory_is_rolled_back_with_its_commit: Rollback,
    what_acted_is_remembered: ActedRemembered,
    what_acted_is_known_when_the_file_has_it_after_all: ActedKnownAtReopen,
    what_acted_is_written_before_a_stop: ActedWrittenAtStop,
    nothing_is_written_without_its_publication: NothingWithoutPublication,
    what_was_settled_is_written_in_the_end: SettledTriedAgain,
    what_is_not_over_is_handed_out_again: HandedOutAgain,
    what_is_over_stays_over: OverStaysOver,
    decision_and_state_are_one: DecisionWithState,
    an_attempt_is_durable_first: AttemptFirst,
    an_unfinished_attempt_is_not_repeated: UnfinishedNeverStays,
    an_attempt_that_could_not_be_written_is_taken_back: FailedAttemptTakenBack,
    one_looks_before_one_repeats: LookFirst,
    what_backs_off_keeps_its_place: OrderInBackoff,
    deadlines_are_checked: Deadline,
    deadlines_are_checked_after_the_attempt_is_durable: DeadlineAfterAttempt,
    a_stop_waits_for_what_is_under_way: StopWaits,
    a_clean_stop_leaves_a_mark: CleanMark,
    doubt_outlives_a_clean_stop: DoubtKept,
    the_mark_is_taken_away: MarkTakenAway,
    doubt_is_recorded: DoubtRecorded,
}
