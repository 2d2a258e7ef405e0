//! What must hold in every state, and what must be reachable, so that the laws speak of something.

use stateright::Property;

use super::guard::{Class, Design};
use super::state::{Fate, Publication, State, Turn};

pub(super) const DURABLE: &str = "what is acknowledged is in the durable store";
pub(super) const ANSWERED_FOR: &str = "at rest everything durable was acted on, or it is recorded why not";
pub(super) const NEVER: &str = "class never takes effect at most once";
pub(super) const CHECK: &str = "class check takes effect at most once";
pub(super) const REPEAT: &str = "class repeat takes effect again only if an answer or a crash left it open";
pub(super) const COPIES: &str = "without a crash neither a copy nor a failed commit makes anything act again";
pub(super) const ORDER: &str = "one lane takes effect in order";
pub(super) const ON_TIME: &str = "nothing is sent after its deadline";
pub(super) const TRUTH: &str = "what is recorded is what was done";
pub(super) const CLEAN: &str = "after a clean stop nothing repeats and nothing is in doubt";
pub(super) const BELONGS: &str = "nothing is durable without its publication";
pub(super) const EDGE: &str = "no publication is taken for a repeat of itself";

/// The laws.
pub(super) const LAWS: [&str; 12] =
    [DURABLE, ANSWERED_FOR, NEVER, CHECK, REPEAT, COPIES, ORDER, ON_TIME, TRUTH, CLEAN, BELONGS, EDGE];

/// The laws, and the states that a scenario must reach.
pub(super) fn all(design: &Design) -> Vec<Property<Design>> {
    let mut all = vec![
        Property::always(DURABLE, |_, state: &State| each(state, |of| !of.acknowledged || of.disk.publication)),
        Property::always(ANSWERED_FOR, |design: &Design, state: &State| {
            let settled = |of: &Publication| !of.disk.publication || of.disk.outcome.is_some();
            each(state, settled) || !design.is_at_rest(state)
        }),
        Property::always(NEVER, |design: &Design, state: &State| effects_at_most_once(design, state, Class::Never)),
        Property::always(CHECK, |design: &Design, state: &State| effects_at_most_once(design, state, Class::Check)),
        Property::always(REPEAT, |_, state: &State| each(state, is_excused)),
        Property::always(COPIES, |_, state: &State| state.used.crashes > 0 || each(state, is_excused)),
        Property::always(ORDER, |_, state: &State| !state.broken.order),
        Property::always(ON_TIME, |_, state: &State| !state.broken.deadline),
        Property::always(TRUTH, |_, state: &State| each(state, is_true)),
        Property::always(CLEAN, |_, state: &State| {
            state.used.stops == 0 || state.used.crashes > 0 || (each(state, is_excused) && !state.broken.groundless)
        }),
        Property::always(BELONGS, |_, state: &State| each(state, |of| of.disk.publication || of.disk.is_empty())),
        Property::always(EDGE, |_, state: &State| each(state, |of| fate(of) != Some(Fate::NoEdge))),
        Property::sometimes("everything is acknowledged and done", |design: &Design, state: &State| {
            design.ids().all(|id| state.of[id].acknowledged && fate(&state.of[id]) == Some(Fate::Done))
        }),
    ];
    let scenario = &design.scenario;
    if scenario.class == Class::Repeat {
        all.push(Property::sometimes("something acts before it is durable", |_, state: &State| {
            state.of.iter().any(|of| of.effects > 0 && !of.disk.publication)
        }));
        if scenario.failures > 0 && scenario.copies > 1 {
            all.push(Property::sometimes("a redelivery is journaled without acting", |_, state: &State| {
                state.of.iter().any(|of| of.disk.outcome.is_some_and(|outcome| outcome.out_of_turn))
            }));
        }
        if scenario.crashes > 0 {
            all.push(Property::sometimes("a crash repeats", |_, state: &State| {
                state.of.iter().any(|of| of.effects > 1)
            }));
        }
    }
    if scenario.class == Class::Never && scenario.crashes > 0 {
        all.push(Property::sometimes("what a crash left open is unknown", |_, state: &State| {
            state.of.iter().any(|of| fate(of) == Some(Fate::Unknown) && of.effects == 0)
        }));
    }
    if scenario.deadlines {
        all.push(Property::sometimes("something is too late", |_, state: &State| {
            state.of.iter().any(|of| fate(of) == Some(Fate::Expired))
        }));
    }
    if scenario.supersedes {
        all.push(Property::sometimes("something is superseded", |_, state: &State| {
            state.of.iter().any(|of| fate(of) == Some(Fate::Superseded))
        }));
    }
    all
}

impl Design {
    fn is_at_rest(&self, state: &State) -> bool {
        let mut actions = Vec::new();
        self.progress(state, &mut actions);
        actions.is_empty()
    }
}

fn each(state: &State, holds: impl FnMut(&Publication) -> bool) -> bool {
    state.of.iter().all(holds)
}

fn effects_at_most_once(design: &Design, state: &State, class: Class) -> bool {
    design.scenario.class != class || each(state, |of| of.effects <= 1)
}

fn is_excused(of: &Publication) -> bool {
    of.effects <= 1 + of.excuses
}

fn fate(of: &Publication) -> Option<Fate> {
    of.disk.outcome.map(|outcome| outcome.fate)
}

/// Done was done. What was not done was not, unless the record leaves it open; a crash between an early act and its
/// commit takes the knowledge of it too, that is its price.
fn is_true(of: &Publication) -> bool {
    let Some(outcome) = of.disk.outcome else { return true };
    let consistent = of.run.is_none_or(|run| run.turn == Turn::Over(outcome.fate));
    consistent
        && match outcome.fate {
            Fate::Done => of.effects > 0,
            Fate::Unknown => true,
            Fate::Expired | Fate::Superseded | Fate::NoEdge => of.effects == 0 || outcome.doubt || of.forgotten,
        }
}
