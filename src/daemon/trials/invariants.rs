//! What must hold when a run is over, judged by the books, the ledger of the senders and the journal alone.

mod remembered;

use std::collections::{BTreeMap, BTreeSet};

use super::books::{Deed, Entry};
use super::sender::Sent;
use super::world::Ran;
use crate::journal::{Claim, Line};
use crate::record::{self, Decision};

/// The longest chain of redirects that the gateway may make of a call.
pub(super) const HOPS: u32 = crate::memory::spans::HOPS;

/// Rules whose steps (by number) must not be done twice and can't be looked for.
const NEVER: [(&str, &[&str]); 2] = [("book", &["1", "2"]), ("ticket", &["0a", "0b", "0c"])];
/// Rules whose steps are looked for before they are done again.
const CHECK: [(&str, &[&str]); 1] = [("bot", &["0", "1"])];
/// Rules whose steps may be done again.
const REPEAT: [(&str, &[&str]); 4] =
    [("first hop", &["0"]), ("second hop", &["0"]), ("tell", &["0"]), ("presence", &["0", "1"])];
/// Rules that control a call.
const CONTROLS: [&str; 2] = ["first hop", "second hop"];

/// How old an event may be for each rule, in milliseconds.
fn allowance(rule: &str) -> i64 {
    match rule {
        "tell" | "first hop" | "second hop" => 20_000,
        "presence" => 90_000,
        "book" | "ticket" => 180_000,
        _ => 300_000,
    }
}

/// An invariant that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Broken {
    pub(super) name: &'static str,
    pub(super) what: String,
}

/// Everything that is wrong with a run.
pub(super) fn check(ran: &Ran) -> Vec<Broken> {
    let mut court = Court::new(ran);
    court.ended();
    court.stored();
    court.classes();
    court.order();
    court.moved();
    court.on_time();
    court.edges();
    court.rendered();
    court.own_and_forged();
    court.rest();
    court.remembered();
    court.broken
}

/// A publication in the journal, with what is known of it.
struct Stored<'a> {
    claim: &'a Claim,
    sent: Option<&'a Sent>,
    kind: String,
    /// What was decided.
    decision: Decision,
    /// Whether a loop was ended there.
    left_alone: bool,
    /// How each of its runs ended, in the order of the lines.
    ends: BTreeMap<&'a str, Vec<&'a str>>,
}

struct Court<'a> {
    ran: &'a Ran,
    stored: Vec<Stored<'a>>,
    sent: BTreeMap<&'a str, &'a Sent>,
    effects: BTreeMap<&'a Deed, Vec<(usize, i64)>>,
    broken: Vec<Broken>,
}

fn is_end(line: &Line) -> bool {
    !line.run.is_empty() && !["attempt", "step", "retry"].contains(&&*line.fate)
}

/// The publication's own id, without the account.
fn id(claim: &Claim) -> &str {
    let id = claim.entry.id.strip_prefix("main/").unwrap_or(&claim.entry.id);
    id.split('\u{1}').next().unwrap_or(id)
}

impl<'a> Court<'a> {
    fn new(ran: &'a Ran) -> Self {
        let sent: BTreeMap<&str, &Sent> = ran.sent.iter().map(|sent| (sent.id.as_str(), sent)).collect();
        let stored = ran.journal.iter().map(|claim| {
            let decision = claim.history.iter().rev().find(|line| line.run.is_empty());
            let decision = decision.map(|line| record::read::<Decision>(&line.bytes)).unwrap_or_default();
            let (kind, left_alone) = (decision.kind.clone(), decision.left_alone);
            let mut ends: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
            for line in claim.history.iter().filter(|line| is_end(line)) {
                ends.entry(&line.run).or_default().push(&line.fate);
            }
            Stored { claim, sent: sent.get(id(claim)).copied(), kind, decision, left_alone, ends }
        });
        let mut effects: BTreeMap<&Deed, Vec<(usize, i64)>> = BTreeMap::new();
        for (_, entry) in &ran.books {
            if let Entry::Effect { number, sent, deed } = entry {
                effects.entry(deed).or_default().push((*number, *sent));
            }
        }
        Self { stored: stored.collect(), sent, effects, ran, broken: Vec::new() }
    }

    fn broken(&mut self, name: &'static str, what: String) {
        self.broken.push(Broken { name, what });
    }

    /// Every publication has its last line, every run its end, the dispatcher counts nothing any more.
    fn ended(&mut self) {
        let mut wrong = Vec::new();
        if !self.ran.ended || self.ran.open > 0 {
            wrong.push(format!("{} runs are open when everything should be over", self.ran.open));
        }
        // A clock may have run out just when the journal was read.
        let just_now = |claim: &Claim| claim.arrived > self.ran.read - 2_000;
        for Stored { claim, sent, left_alone, ends, .. } in self.stored.iter().filter(|one| !just_now(one.claim)) {
            let history = &claim.history;
            let lasts = history.iter().filter(|line| line.last).count();
            if lasts != 1 || !history.last().is_some_and(|line| line.last) {
                wrong.push(format!("{} has {lasts} last lines: {:?}", id(claim), fates(history)));
            }
            let runs: BTreeSet<&str> =
                history.iter().map(|line| &*line.run).filter(|run| !run.is_empty()).chain(due(*sent)).collect();
            for run in runs.into_iter().filter(|run| !left_alone || *run != "bot") {
                if ends.get(run).map_or(0, Vec::len) != 1 {
                    wrong.push(format!("{} of {} has not one end: {:?}", run, id(claim), fates(history)));
                }
            }
        }
        for what in wrong {
            self.broken("ended", what);
        }
    }

    /// What was acknowledged is there, each once; what is not there was not acted on.
    fn stored(&mut self) {
        let mut there: BTreeMap<&str, usize> = BTreeMap::new();
        for stored in &self.stored {
            *there.entry(id(stored.claim)).or_default() += 1;
        }
        let twice: Vec<String> = there.iter().filter(|(_, n)| **n > 1).map(|(id, n)| format!("{id}: {n}")).collect();
        let lost: Vec<&str> = self
            .ran
            .sent
            .iter()
            .filter(|sent| sent.acknowledged.is_some() && !there.contains_key(&*sent.id))
            .map(|sent| &*sent.id)
            .collect();
        let unknown: Vec<&Deed> = self
            .effects
            .keys()
            .copied()
            .filter(|deed| deed.publication.starts_with('p') && !there.contains_key(&*deed.publication))
            .filter(|deed| !may_be_early(deed))
            .collect();
        if !twice.is_empty() {
            self.broken("known", format!("stored more than once: {twice:?}"));
        }
        if !lost.is_empty() {
            self.broken("acknowledged", format!("acknowledged and not there: {lost:?}"));
        }
        if !unknown.is_empty() {
            self.broken("acted on unaccepted", format!("{unknown:?}"));
        }
    }

    /// What each class of action promises.
    fn classes(&mut self) {
        let mut wrong = Vec::new();
        let lone: BTreeSet<&str> = NEVER.iter().chain(&CHECK).map(|(rule, _)| *rule).collect();
        for (deed, effects) in self.effects.iter().filter(|(deed, _)| lone.contains(&*deed.rule)) {
            if effects.len() > 1 {
                let name = if CHECK.iter().any(|(rule, _)| *rule == deed.rule) { "check" } else { "never" };
                wrong.push((name, format!("{deed:?} was done by the requests {effects:?}")));
            }
        }
        for (name, rules) in [("never", &NEVER[..]), ("check", &CHECK[..]), ("repeat", &REPEAT[..])] {
            for stored in &self.stored {
                for (rule, steps) in rules {
                    let done = stored.ends.get(rule).is_some_and(|ends| ends.contains(&"done"));
                    let deed = |step: &&&str| deed(stored, rule, step);
                    let missing: Vec<_> = steps.iter().filter(|step| !self.effects.contains_key(&deed(step))).collect();
                    if done && !missing.is_empty() {
                        wrong.push((name, format!("{rule} of {} is done, {missing:?} is not", id(stored.claim))));
                    }
                }
            }
        }
        wrong.extend(self.sent_after_success().into_iter().map(|what| ("repeat", what)));
        for (name, what) in wrong {
            self.broken(name, what);
        }
    }

    /// What was answered by yes is not asked for again in the same life.
    fn sent_after_success(&self) -> Vec<String> {
        let mut asked: BTreeMap<usize, (u32, &Deed)> = BTreeMap::new();
        let mut answered: BTreeSet<(u32, &Deed)> = BTreeSet::new();
        let mut wrong = Vec::new();
        for (at, entry) in &self.ran.books {
            match entry {
                Entry::Asked { life, number, deed, method, .. } if method != "GET" && !deed.rule.is_empty() => {
                    if answered.contains(&(*life, deed)) {
                        wrong.push(format!("{deed:?} is asked for again at {at} by request {number}"));
                    }
                    asked.insert(*number, (*life, deed));
                }
                Entry::Answered { number, status, .. } if (200..300).contains(status) => {
                    answered.extend(asked.get(number));
                }
                _ => {}
            }
        }
        wrong
    }

    /// In the journal as they were sent, and carried out one after the other, for each lane and rule.
    fn order(&mut self) {
        let mut wrong = Vec::new();
        let mut newest: BTreeMap<&str, usize> = BTreeMap::new();
        let place: BTreeMap<&str, usize> =
            self.ran.sent.iter().enumerate().map(|(place, sent)| (sent.id.as_str(), place)).collect();
        for sent in self.stored.iter().filter_map(|stored| stored.sent) {
            let (place, newest) = (place[sent.id.as_str()], newest.entry(&sent.lane).or_default());
            // What was refused until its sender gave up has no place: what it did is stored when there is room again.
            if place < *newest && sent.acknowledged.is_some() {
                wrong.push(format!("{} is stored after a later one of its lane", sent.id));
            }
            *newest = place.max(*newest);
        }
        let lanes: BTreeMap<u64, &str> =
            self.stored.iter().filter_map(|stored| Some((stored.claim.seq, stored.sent?.lane.as_str()))).collect();
        // The run that is, or was last, carried out of each queue in each life, and whether it is now.
        let mut now: BTreeMap<(u32, &str, &str), (u64, bool)> = BTreeMap::new();
        let mut first: BTreeMap<(&str, &str), BTreeSet<u64>> = BTreeMap::new();
        for (at, entry) in &self.ran.books {
            match entry {
                Entry::Began { life, seq, rule, .. } => {
                    let Some(lane) = lanes.get(seq) else { continue };
                    if let Some((before, busy)) = now.insert((*life, rule, lane), (*seq, true))
                        && (before > *seq || busy)
                    {
                        wrong.push(format!("{rule} takes up {seq} at {at}, after or during {before} of its lane"));
                    }
                    let begun = first.entry((rule, lane)).or_default();
                    if !begun.contains(seq) && begun.last().is_some_and(|last| last > seq) {
                        wrong.push(format!("{rule} takes up {seq} at {at} for the first time, after a later one"));
                    }
                    begun.insert(*seq);
                }
                Entry::Came { life, seq, rule, .. } => {
                    if let Some(lane) = lanes.get(seq) {
                        now.insert((*life, rule, lane), (*seq, false));
                    }
                }
                _ => {}
            }
        }
        for what in wrong {
            self.broken("order", what);
        }
    }

    /// No attempt to control a call begins when a later state of it was planned in the same life.
    fn moved(&mut self) {
        let by_seq: BTreeMap<u64, &Stored<'_>> = self.stored.iter().map(|stored| (stored.claim.seq, stored)).collect();
        let mut known: BTreeMap<(u32, &str), (u64, i64)> = BTreeMap::new();
        let mut wrong = Vec::new();
        for (at, entry) in &self.ran.books {
            match entry {
                Entry::Planned { life, seq } => {
                    let edge = |stored: &&&Stored<'_>| ["call.connected", "call.ended"].contains(&&*stored.kind);
                    if let Some(sent) = by_seq.get(seq).filter(edge).and_then(|stored| stored.sent) {
                        known.entry((*life, &sent.lane)).or_insert((*seq, *at));
                    }
                }
                Entry::Began { life, seq, rule, .. } if CONTROLS.contains(&&**rule) => {
                    let lane = by_seq.get(seq).and_then(|stored| stored.sent).map(|sent| sent.lane.as_str());
                    let later = lane.and_then(|lane| known.get(&(*life, lane)));
                    if let Some((later, since)) = later.filter(|(later, since)| later > seq && since < at) {
                        wrong.push(format!("{rule} of {seq} begins at {at}, when {later} was known since {since}"));
                    }
                }
                _ => {}
            }
        }
        for what in wrong {
            self.broken("moved", what);
        }
    }

    /// Nothing takes effect by a request that was sent after the deadline.
    fn on_time(&mut self) {
        let mut wrong = Vec::new();
        // Redirects are known by the leg that rang.
        let rang = self.stored.iter().filter(|stored| stored.kind == "call.ringing");
        let by_leg: BTreeMap<&str, &Stored<'_>> = rang.map(|stored| (leg(stored), stored)).collect();
        let by_id: BTreeMap<&str, &Stored<'_>> = self.stored.iter().map(|stored| (id(stored.claim), stored)).collect();
        for (deed, effects) in &self.effects {
            let controls = CONTROLS.contains(&&*deed.rule);
            let found = if controls { &by_leg } else { &by_id }.get(&*deed.publication);
            let Some(stored) = found else { continue };
            let (arrived, time) = (stored.claim.arrived, stored.sent.and_then(|sent| sent.time));
            let deadline = time.map_or(arrived, |time| time.min(arrived)) + allowance(&deed.rule);
            if let Some((number, sent)) = effects.iter().find(|(_, sent)| *sent > deadline) {
                wrong.push(format!("{deed:?} was due at {deadline}, request {number} was sent at {sent}"));
            }
        }
        for what in wrong {
            self.broken("late", what);
        }
    }

    /// A call rings once at a phone, and ends once.
    fn edges(&mut self) {
        let mut edges: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
        for stored in self.stored.iter().filter(|stored| ["call.ringing", "call.ended"].contains(&&*stored.kind)) {
            let Some(lane) = stored.sent.map(|sent| sent.lane.as_str()) else { continue };
            edges.entry((lane, &stored.kind)).or_default().push(id(stored.claim));
        }
        let twice: Vec<_> = edges.iter().filter(|(_, ids)| ids.len() > 1).collect();
        let calm = twice.is_empty();
        let twice = format!("{twice:?}");
        if !calm {
            self.broken("edge", twice);
        }
        if let Some(most) = self.ran.hops.iter().max().filter(|most| **most > HOPS) {
            self.broken("loop", format!("a call was redirected {most} times"));
        }
    }

    /// A step is rendered once, however often it is tried.
    fn rendered(&mut self) {
        let mut texts: BTreeMap<(u32, &Deed), &str> = BTreeMap::new();
        let mut wrong = Vec::new();
        for (_, entry) in &self.ran.books {
            let Entry::Asked { life, deed, text, method, .. } = entry else { continue };
            if method != "GET" && !deed.rule.is_empty() && **texts.entry((*life, deed)).or_insert(text) != **text {
                wrong.push(format!("{deed:?} is {text:?} now"));
            }
        }
        for what in wrong {
            self.broken("rendered", what);
        }
    }

    fn own_and_forged(&mut self) {
        let sent = |deed: &Deed| self.sent.get(deed.publication.as_str()).copied();
        let echoes = self.effects.keys().filter(|deed| deed.rule == "bot" && sent(deed).is_some_and(|sent| sent.own));
        let signed = self.stored.iter().filter(|stored| !stored.claim.entry.source.ends_with("@switchhook"));
        let forged = signed.filter(|stored| stored.sent.is_none_or(|sent| sent.forged));
        let (echoes, forged) = (echoes.count(), forged.count());
        if echoes > 0 {
            self.broken("echo", format!("{echoes} messages of ours were answered"));
        }
        if forged > 0 {
            self.broken("genuine", format!("{forged} publications are stored that nobody signed"));
        }
    }

    /// When everything is over nothing is done again, also after another start.
    fn rest(&mut self) {
        let rests = |entry: &(i64, Entry)| matches!(entry.1, Entry::Process { what: "rests", .. });
        let after = self.ran.books.iter().skip_while(|entry| !rests(entry));
        let done: Vec<_> = after
            .filter(|(_, entry)| match entry {
                // What a clock brings about may come at any time.
                Entry::Began { rule, .. } => !remembered::CLOCKS.contains(&&**rule),
                Entry::Effect { .. } => true,
                Entry::Asked { deed, .. } => !deed.rule.is_empty(),
                _ => false,
            })
            .collect();
        if let Some(first) = done.first() {
            let what = format!("{first:?} and {} more", done.len() - 1);
            self.broken("rest", what);
        }
    }
}

/// What may be done while its publication is being committed: nobody is promised that it will be stored.
fn may_be_early(deed: &Deed) -> bool {
    deed.step == "0" && REPEAT.iter().any(|(rule, _)| *rule == deed.rule)
}

/// The rules that must have something to say about a publication.
fn due(sent: Option<&Sent>) -> Vec<&'static str> {
    match sent {
        Some(sent) if sent.lane.contains("conversations") && !sent.own => vec!["bot", "ticket"],
        _ => Vec::new(),
    }
}

/// Redirects are known by the leg, everything else by the publication.
fn deed(stored: &Stored<'_>, rule: &str, step: &str) -> Deed {
    let publication = if CONTROLS.contains(&rule) { leg(stored) } else { id(stored.claim) };
    Deed { publication: publication.to_owned(), rule: rule.to_owned(), step: step.to_owned() }
}

fn leg<'a>(stored: &Stored<'a>) -> &'a str {
    stored.sent.map_or("", |sent| sent.lane.trim_start_matches("/2017-09-01/"))
}

fn fates(history: &[Line]) -> Vec<String> {
    history.iter().map(|line| format!("{}:{}{}", line.run, line.fate, if line.last { "!" } else { "" })).collect()
}
