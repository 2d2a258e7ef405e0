//! A second interpreter of rules, as plain as can be, that must always agree with [`RuleSet::plan`]: which rules act, what they
//! bind, and the first condition that fails. It walks what was written from top to bottom, asks every rule in file order, and
//! shares nothing with the matcher and the index; its regexes are functions written by hand.

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{RngAlgorithm, TestError, TestRng, TestRunner};

use super::*;
use crate::rules::index::Index;
use crate::rules::index::planted::Bug;
use crate::rules::plan::RECORDED;

/// One matcher word, or equality where the word is empty, with its values.
#[derive(Clone, Debug)]
enum Ask {
    Values(&'static str, Vec<Value>),
    Exists(bool),
    /// Numbers of [`REGEXES`].
    Regex(Vec<usize>),
    Not(Vec<Ask>),
}

#[derive(Clone, Debug)]
enum Clause {
    Field(&'static str, Vec<Ask>),
    Any(Vec<Vec<Clause>>),
    All(Vec<Vec<Clause>>),
    Not(Vec<Vec<Clause>>),
}

#[derive(Clone, Debug)]
enum On {
    Kinds(Vec<&'static str>),
    Envelope { topic: Option<Vec<&'static str>>, method: Option<&'static str>, subject: bool },
}

#[derive(Clone, Debug)]
struct Twin {
    on: On,
    clauses: Vec<Clause>,
    /// `when = "call.from_name"`.
    when: bool,
    route: Option<&'static str>,
    redirects: bool,
    enabled: bool,
    dry_run: bool,
    /// Paths are written as nested tables, in quotes, or with dots.
    style: u8,
}

type Bound = Vec<(&'static str, String)>;
/// A pattern, and whether a text matches with what its groups catch.
type Regex = (&'static str, fn(&str) -> Option<Bound>);

const REGEXES: [Regex; 7] = [
    ("^30", |text| text.starts_with("30").then(Vec::new)),
    ("^30(?<rest>.*)$", |text| Some(vec![("rest", text.strip_prefix("30")?.to_owned())])),
    ("01$", |text| text.ends_with("01").then(Vec::new)),
    ("00|x", |text| (text.contains("00") || text.contains('x')).then(Vec::new)),
    ("(?<part>00|x)", |text| {
        let at = [text.find("00"), text.find('x')].into_iter().flatten().min()?;
        Some(vec![("part", if text[at..].starts_with('x') { "x".to_owned() } else { "00".to_owned() })])
    }),
    ("^[0-9]{2}$", |text| (text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit())).then(Vec::new)),
    ("(?i)^X", |text| text.starts_with(['x', 'X']).then(Vec::new)),
];
const TEXTS: [&str; 8] = ["3001", "30", "3002", "01", "x", "300", "Xy", "xx00"];
const TYPED: [&str; 3] = ["call.endpoint", "call.from", "call.from_name"];
const OPEN: [&str; 4] = ["content.a", "content.b.c", "content.list", "content.list.0"];

fn texts() -> impl Strategy<Value = Vec<Value>> {
    proptest::collection::vec(select(TEXTS.as_slice()).prop_map(Value::from), 1..3)
}

fn plain() -> impl Strategy<Value = Value> {
    prop_oneof![
        (-1..3_i64).prop_map(Value::from),
        select(vec![0.0, 1.0, 1.5]).prop_map(Value::from),
        any::<bool>().prop_map(Value::from)
    ]
}

fn ask(open: bool) -> BoxedStrategy<Vec<Ask>> {
    let values =
        || if open { prop_oneof![texts(), proptest::collection::vec(plain(), 1..3)].boxed() } else { texts().boxed() };
    let word = |words: Vec<&'static str>, values: BoxedStrategy<Vec<Value>>| {
        (select(words), values).prop_map(|(word, values)| Ask::Values(word, values))
    };
    let regex = || proptest::collection::vec(0..REGEXES.len(), 1..3).prop_map(Ask::Regex);
    let parts = || word(vec!["prefix", "suffix", "contains"], texts().boxed());
    let single = move || {
        prop_oneof![
            3 => parts(),
            2 => word(vec!["not", "gt", "gte", "lt", "lte"], values()),
            1 => any::<bool>().prop_map(Ask::Exists),
            2 => regex(),
        ]
    };
    let several = proptest::collection::vec(single(), 1..3).prop_map(distinct);
    let inner = proptest::collection::vec(single(), 1..3).prop_map(distinct);
    let equal =
        if open { prop_oneof![texts(), proptest::collection::vec(plain(), 1..3)].boxed() } else { texts().boxed() };
    prop_oneof![
        5 => equal.prop_map(|values| vec![Ask::Values("", values)]),
        4 => several,
        1 => inner.prop_map(|inner| vec![Ask::Not(inner)]),
    ]
    .boxed()
}

/// A word is written once in a matcher.
fn distinct(asks: Vec<Ask>) -> Vec<Ask> {
    let mut kept: Vec<Ask> = Vec::new();
    for ask in asks {
        if kept.iter().all(|other| word(other) != word(&ask)) {
            kept.push(ask);
        }
    }
    kept
}

fn word(ask: &Ask) -> &'static str {
    match ask {
        Ask::Values(word, _) => word,
        Ask::Exists(_) => "exists",
        Ask::Regex(_) => "regex",
        Ask::Not(_) => "not",
    }
}

fn group(depth: u32) -> BoxedStrategy<Vec<Clause>> {
    let field = prop_oneof![
        3 => (select(TYPED.as_slice()), ask(false)),
        2 => (select(OPEN.as_slice()), ask(true)),
    ]
    .prop_map(|(path, asks)| Clause::Field(path, asks));
    let clause = if depth == 0 {
        field.boxed()
    } else {
        let groups = || proptest::collection::vec(group(depth - 1), 1..3);
        prop_oneof![
            6 => field,
            1 => groups().prop_map(Clause::Any),
            1 => groups().prop_map(Clause::All),
            1 => groups().prop_map(Clause::Not),
        ]
        .boxed()
    };
    proptest::collection::vec(clause, 1..3).prop_map(once).boxed()
}

/// A field, and each of `any`, `all`, `not`, is named once in a group.
fn once(clauses: Vec<Clause>) -> Vec<Clause> {
    let mut kept: Vec<Clause> = Vec::new();
    for clause in clauses {
        if kept.iter().all(|other| key(other) != key(&clause)) {
            kept.push(clause);
        }
    }
    // `content.list` and what is below it can't both be written as tables.
    let list = kept.iter().any(|clause| key(clause) == "content.list");
    kept.retain(|clause| !(list && key(clause) == "content.list.0"));
    kept
}

fn key(clause: &Clause) -> &'static str {
    match clause {
        Clause::Field(path, _) => path,
        Clause::Any(_) => "any",
        Clause::All(_) => "all",
        Clause::Not(_) => "not",
    }
}

fn on() -> impl Strategy<Value = On> {
    let kinds = select(vec![
        vec!["call.ringing"],
        vec!["call.ringing"],
        vec!["call.*"],
        vec!["call.ended"],
        vec!["call.ended", "call.ringing"],
    ]);
    let topics = proptest::option::of(select(vec![vec!["calls"], vec!["chat"], vec!["chat", "calls"]]));
    let envelope = (topics, proptest::option::of(select(vec!["PUT", "post"])), any::<bool>());
    prop_oneof![
        4 => kinds.prop_map(On::Kinds),
        1 => envelope.prop_map(|(topic, method, subject)| {
            let subject = subject || (topic.is_none() && method.is_none());
            On::Envelope { topic, method, subject }
        }),
    ]
}

fn twin() -> impl Strategy<Value = Twin> {
    let flags = (proptest::bool::weighted(0.15), proptest::bool::weighted(0.4), proptest::bool::weighted(0.9));
    let more = (proptest::bool::weighted(0.15), 0..3_u8);
    (
        on(),
        proptest::option::weighted(0.9, group(2)),
        proptest::option::weighted(0.3, select(vec!["one", "two"])),
        flags,
        more,
    )
        .prop_map(|(on, clauses, route, (when, redirects, enabled), (dry_run, style))| Twin {
            on,
            clauses: clauses.unwrap_or_default(),
            when,
            route,
            redirects,
            enabled,
            dry_run,
            style,
        })
}

fn toml_of_ask(ask: &Ask) -> String {
    let list =
        |values: &[Value]| if let [one] = values { one.to_string() } else { Value::from(values.to_vec()).to_string() };
    match ask {
        Ask::Values(word, values) => format!("{word} = {}", list(values)),
        Ask::Exists(exists) => format!("exists = {exists}"),
        Ask::Regex(regexes) => {
            let regexes: Vec<String> = regexes.iter().map(|at| format!("'{}'", REGEXES[*at].0)).collect();
            format!("regex = [{}]", regexes.join(", "))
        }
        Ask::Not(asks) => {
            format!("not = {{ {} }}", asks.iter().map(toml_of_ask).collect::<Vec<_>>().join(", "))
        }
    }
}

fn toml_of(clauses: &[Clause], style: u8) -> String {
    let groups = |groups: &[Vec<Clause>]| {
        let groups: Vec<String> = groups.iter().map(|group| format!("{{ {} }}", toml_of(group, style))).collect();
        groups.join(", ")
    };
    let clauses = clauses.iter().map(|clause| match clause {
        Clause::Any(inner) => format!("any = [{}]", groups(inner)),
        Clause::All(inner) => format!("all = [{}]", groups(inner)),
        Clause::Not(inner) if inner.len() == 1 => format!("not = {}", groups(inner)),
        Clause::Not(inner) => format!("not = [{}]", groups(inner)),
        Clause::Field(path, asks) => {
            let value = match &asks[..] {
                [Ask::Values("", values)] => Value::from(values.clone()).to_string(),
                asks => format!("{{ {} }}", asks.iter().map(toml_of_ask).collect::<Vec<_>>().join(", ")),
            };
            if style == 1 { format!("\"{path}\" = {value}") } else { format!("{path} = {value}") }
        }
    });
    clauses.collect::<Vec<_>>().join(", ")
}

impl Twin {
    fn toml(&self, name: &str) -> String {
        let on = match &self.on {
            On::Kinds(kinds) => json!(kinds).to_string(),
            On::Envelope { topic, method, subject } => {
                let topic = topic.as_ref().map(|topic| format!("topic = {}", json!(topic)));
                let method = method.map(|method| format!("method = \"{method}\""));
                let subject = subject.then(|| "subject = '^/calls/(?<leg>.)'".to_owned());
                let parts: Vec<String> = [topic, method, subject].into_iter().flatten().collect();
                format!("{{ {} }}", parts.join(", "))
            }
        };
        let when = if self.when { "when = \"call.from_name\"\n" } else { "" };
        let route = self.route.map_or(String::new(), |route| format!("route = \"{route}\"\n"));
        let action = if self.redirects { "redirect = { to = \"9\" }" } else { "log = { message = \"x\" }" };
        let conditions = match (&self.clauses[..], self.style) {
            ([], _) => String::new(),
            // One field alone, as nested tables.
            ([Clause::Field(path, asks)], 2) if !matches!(asks[..], [Ask::Values("", _)]) => {
                let asks = asks.iter().map(toml_of_ask).collect::<Vec<_>>().join(", ");
                let inner =
                    path.rsplit('.').fold(format!("{{ {asks} }}"), |inner, key| format!("{{ {key} = {inner} }}"));
                format!("where = {inner}\n")
            }
            (clauses, style) => format!("where = {{ {} }}\n", toml_of(clauses, style)),
        };
        format!(
            "[[rule]]\nname = \"{name}\"\non = {on}\nenabled = {}\ndry_run = {}\n{route}{when}{conditions}do = [{{ {action} }}]\n",
            self.enabled, self.dry_run
        )
    }

    /// What is bound, or the name of what fails first.
    fn asked(&self, event: &Event) -> Result<Bound, &'static str> {
        let mut bound = Bound::new();
        if !self.enabled {
            return Err("enabled");
        }
        match &self.on {
            On::Kinds(kinds) => {
                let kind = event.kind.to_string();
                let family = kind.split('.').next().unwrap_or_default();
                if !kinds.iter().any(|one| *one == kind || *one == format!("{family}.*")) {
                    return Err("on");
                }
            }
            On::Envelope { topic, method, subject } => {
                if topic.as_ref().is_some_and(|topic| !topic.contains(&event.topic.as_str())) {
                    return Err("event.topic");
                }
                if method.is_some_and(|method| !method.eq_ignore_ascii_case(&event.method)) {
                    return Err("event.method");
                }
                if *subject {
                    let leg = event.subject.strip_prefix("/calls/").and_then(|rest| rest.chars().next());
                    bound.push(("leg", leg.ok_or("event.subject")?.to_string()));
                }
            }
        }
        for clause in &self.clauses {
            let more = holds(clause, event).ok_or(if let Clause::Field(path, _) = clause { path } else { "where" })?;
            bound.extend(more);
        }
        if self.when && value(event, "call.from_name").is_none_or(|name| name == "") {
            return Err("when");
        }
        Ok(bound)
    }
}

fn value<'e>(event: &'e Event, path: &str) -> Option<&'e Value> {
    event.fields.pointer(&format!("/{}", path.replace('.', "/"))).filter(|value| !value.is_null())
}

/// Whether a clause holds, and what it binds then.
fn holds(clause: &Clause, event: &Event) -> Option<Bound> {
    let all = |group: &Vec<Clause>| {
        let bound: Option<Vec<Bound>> = group.iter().map(|clause| holds(clause, event)).collect();
        bound.map(|bound| bound.concat())
    };
    match clause {
        Clause::Field(path, asks) => stands(asks, value(event, path)),
        Clause::Any(groups) => groups.iter().find_map(all),
        Clause::All(groups) => groups.iter().map(all).collect::<Option<Vec<Bound>>>().map(|bound| bound.concat()),
        Clause::Not(groups) => groups.iter().all(|group| all(group).is_none()).then(Bound::new),
    }
}

fn stands(asks: &[Ask], value: Option<&Value>) -> Option<Bound> {
    let mut bound = Bound::new();
    for ask in asks {
        match ask {
            Ask::Exists(exists) => (*exists == value.is_some()).then_some(())?,
            Ask::Not(inner) => stands(inner, value).is_none().then_some(())?,
            Ask::Values("not", values) => (!values.iter().any(|one| said("", one, value))).then_some(())?,
            Ask::Values(word, values) => values.iter().any(|one| said(word, one, value)).then_some(())?,
            Ask::Regex(regexes) => {
                let text = value?.as_str()?;
                bound.extend(regexes.iter().find_map(|at| REGEXES[*at].1(text))?);
            }
        }
    }
    Some(bound)
}

fn said(word: &str, wanted: &Value, value: Option<&Value>) -> bool {
    let Some(value) = value else { return false };
    let pair = value.as_str().zip(wanted.as_str());
    let order = match (value, wanted) {
        (Value::Number(a), Value::Number(b)) => a.as_f64().partial_cmp(&b.as_f64()),
        _ => pair.map(|(a, b)| a.cmp(b)),
    };
    match word {
        "" if value.is_number() && wanted.is_number() => value.as_f64() == wanted.as_f64(),
        "" => value == wanted,
        "prefix" => pair.is_some_and(|(text, part)| text.starts_with(part)),
        "suffix" => pair.is_some_and(|(text, part)| text.ends_with(part)),
        "contains" => match value {
            Value::Array(items) => items.contains(wanted),
            _ => pair.is_some_and(|(text, part)| text.contains(part)),
        },
        "gt" => order.is_some_and(std::cmp::Ordering::is_gt),
        "gte" => order.is_some_and(std::cmp::Ordering::is_ge),
        "lt" => order.is_some_and(std::cmp::Ordering::is_lt),
        "lte" => order.is_some_and(std::cmp::Ordering::is_le),
        other => panic!("{other}"),
    }
}

fn fields_of_event() -> impl Strategy<Value = Value> {
    let text = || proptest::option::of(select(TEXTS.as_slice()));
    let list = proptest::collection::vec(prop_oneof![select(TEXTS.as_slice()).prop_map(Value::from), plain()], 0..3);
    let open =
        || prop_oneof![3 => select(TEXTS.as_slice()).prop_map(Value::from), 3 => plain(), 1 => Just(Value::Null)];
    (text(), text(), text(), open(), open(), list).prop_map(|(endpoint, from, name, a, c, list)| {
        let call: serde_json::Map<String, Value> = [("endpoint", endpoint), ("from", from), ("from_name", name)]
            .into_iter()
            .filter_map(|(key, value)| Some((key.to_owned(), Value::from(value?))))
            .collect();
        json!({ "call": call, "content": { "a": a, "b": { "c": c }, "list": list } })
    })
}

/// Each rule with what becomes of it: what it binds, what supersedes it, or what fails first.
fn outcomes(twins: &[Twin], event: &Event) -> Vec<Value> {
    let (mut routes, mut held): (Vec<(&str, usize)>, Option<usize>) = (Vec::new(), None);
    let mut outcomes = Vec::new();
    for (at, twin) in twins.iter().enumerate() {
        let bound = match twin.asked(event) {
            Ok(bound) => bound,
            Err(path) => {
                outcomes.push(json!({ "failed": path }));
                continue;
            }
        };
        let of_route = routes.iter().find(|(route, _)| twin.route == Some(*route)).map(|(_, by)| *by);
        if let Some(by) = of_route.or(held.filter(|_| twin.redirects)) {
            outcomes.push(json!({ "superseded": format!("r{by}") }));
            continue;
        }
        if !twin.dry_run {
            routes.extend(twin.route.map(|route| (route, at)));
            held = held.or(twin.redirects.then_some(at));
        }
        let mut first = serde_json::Map::new();
        for (name, text) in bound {
            first.entry(name).or_insert(Value::from(text));
        }
        outcomes.push(json!({ "binds": first }));
    }
    outcomes
}

type Case = (Vec<Twin>, Vec<Value>);

fn case() -> impl Strategy<Value = Case> {
    (proptest::collection::vec(twin(), 1..16), proptest::collection::vec(fields_of_event(), 1..5))
}

/// Whether both say the same; with a bug, of a rule set whose index has it.
fn agree((twins, events): Case, bug: Option<Bug>) -> Result<(), TestCaseError> {
    let text: String = twins.iter().enumerate().map(|(at, twin)| twin.toml(&format!("r{at}"))).collect();
    let mut rules = rules(&text);
    if let Some(bug) = bug {
        rules.index = Index::with(bug, &rules.rules, RECORDED);
    }
    for fields in events {
        let event = event(Kind::CallRinging, fields);
        let wanted = outcomes(&twins, &event);
        let plan = rules.plan(&event);
        let acts: Vec<Value> = plan.runs.iter().map(|run| json!([run.rule.name, { "binds": run.bindings }])).collect();
        let wanted_acts: Vec<Value> = (0..)
            .zip(&wanted)
            .filter(|(_, outcome)| outcome.get("binds").is_some())
            .map(|(at, outcome): (usize, &Value)| json!([format!("r{at}"), outcome]))
            .collect();
        prop_assert_eq!(acts, wanted_acts, "{}", text);
        let told = |verdict: &Verdict| match &verdict.finding {
            Finding::Matched => "matched".to_owned(),
            Finding::Waits => "waits".to_owned(),
            Finding::Superseded { by } => format!("superseded {by}"),
            Finding::Failed(failure) => format!("failed {}", failure.path),
        };
        let explained: Vec<String> = rules.explain(&event).iter().map(told).collect();
        let wanted: Vec<String> = wanted
            .iter()
            .map(|outcome| match (outcome["superseded"].as_str(), outcome["failed"].as_str()) {
                (Some(by), _) => format!("superseded {by}"),
                (_, Some(path)) => format!("failed {path}"),
                _ => "matched".to_owned(),
            })
            .collect();
        prop_assert_eq!(&explained, &wanted, "{}", text);
        // What is planned is told as it is explained.
        for verdict in &plan.verdicts {
            let at: usize = verdict.rule[1..].parse().unwrap();
            prop_assert_eq!(&told(verdict), &wanted[at]);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_agree(case in case()) {
        agree(case, None)?;
    }
}

/// Such a test proves nothing that could not fail.
#[test]
fn they_do_not_when_a_bug_is_planted_in_the_index() {
    for bug in Bug::ALL {
        let config =
            ProptestConfig { cases: 400, max_shrink_iters: 0, failure_persistence: None, ..ProptestConfig::default() };
        let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
        let found = runner.run(&case(), |case| agree(case, Some(bug)));
        assert!(matches!(found, Err(TestError::Fail(..))), "{bug:?}: {found:?}");
    }
}
