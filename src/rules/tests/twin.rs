//! A second interpreter of matchers, as plain as can be, that must always agree with [`RuleSet::plan`].

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::select;

use super::*;

/// A matcher: values for each word; the word "" is equality.
type Words = BTreeMap<&'static str, Vec<Value>>;

#[derive(Clone, Debug)]
struct Twin {
    kind: Kind,
    fields: BTreeMap<&'static str, Words>,
    any: Vec<BTreeMap<&'static str, Words>>,
    not: Option<BTreeMap<&'static str, Words>>,
    route: Option<&'static str>,
    redirects: bool,
    enabled: bool,
}

const TEXTS: [&str; 6] = ["3001", "30", "3002", "01", "x", "300"];

fn words(text_only: bool) -> BoxedStrategy<Words> {
    let texts = proptest::collection::vec(select(TEXTS.as_slice()).prop_map(Value::from), 1..3);
    let numbers = proptest::collection::vec((0..4_i64).prop_map(Value::from), 1..3);
    let values = if text_only { texts.clone().boxed() } else { prop_oneof![texts.clone(), numbers].boxed() };
    let equals = values.clone().prop_map(|values| Words::from([("", values)]));
    let parts = proptest::collection::btree_map(select(vec!["prefix", "suffix", "contains"]), texts, 1..3);
    let others = proptest::collection::btree_map(select(vec!["not", "gt", "gte", "lt", "lte"]), values, 1..3);
    let exists = any::<bool>().prop_map(|exists| Words::from([("exists", vec![Value::from(exists)])]));
    prop_oneof![4 => equals, 2 => parts, 2 => others, 1 => exists].boxed()
}

fn fields() -> impl Strategy<Value = BTreeMap<&'static str, Words>> {
    let text = (select(vec!["call.endpoint", "call.from", "call.from_name"]), words(true));
    let open = (select(vec!["content.a", "content.b.c"]), words(false));
    proptest::collection::vec(prop_oneof![3 => text, 1 => open], 0..3).prop_map(|pairs| pairs.into_iter().collect())
}

fn filled() -> impl Strategy<Value = BTreeMap<&'static str, Words>> {
    fields().prop_filter("not empty", |fields| !fields.is_empty())
}

fn twin() -> impl Strategy<Value = Twin> {
    (
        prop_oneof![4 => Just(Kind::CallRinging), 1 => Just(Kind::CallEnded)],
        fields(),
        proptest::collection::vec(filled(), 0..3),
        proptest::option::of(filled()),
        proptest::option::weighted(0.3, select(vec!["one", "two"])),
        proptest::bool::weighted(0.4),
        proptest::bool::weighted(0.9),
    )
        .prop_map(|(kind, fields, any, not, route, redirects, enabled)| Twin {
            kind,
            fields,
            any,
            not,
            route,
            redirects,
            enabled,
        })
}

fn toml_of(fields: &BTreeMap<&'static str, Words>) -> String {
    let list = |values: &[Value]| Value::from(values.to_vec()).to_string();
    let fields: Vec<String> = fields
        .iter()
        .map(|(path, words)| {
            if let Some(values) = words.get("") {
                format!("{path} = {}", list(values))
            } else {
                let words: Vec<String> = words
                    .iter()
                    .map(|(word, values)| match *word {
                        "exists" => format!("exists = {}", values[0]),
                        word => format!("{word} = {}", list(values)),
                    })
                    .collect();
                format!("{path} = {{ {} }}", words.join(", "))
            }
        })
        .collect();
    fields.join(", ")
}

impl Twin {
    fn toml(&self, name: &str) -> String {
        let mut parts = vec![toml_of(&self.fields)];
        if !self.any.is_empty() {
            let groups: Vec<String> = self.any.iter().map(|group| format!("{{ {} }}", toml_of(group))).collect();
            parts.push(format!("any = [{}]", groups.join(", ")));
        }
        parts.extend(self.not.iter().map(|group| format!("not = {{ {} }}", toml_of(group))));
        parts.retain(|part| !part.is_empty());
        let route = self.route.map_or(String::new(), |route| format!("route = \"{route}\"\n"));
        let action = if self.redirects { "redirect = { to = \"9\" }" } else { "log = { message = \"x\" }" };
        format!(
            "[[rule]]\nname = \"{name}\"\non = \"{}\"\nenabled = {}\n{route}where = {{ {} }}\ndo = [{{ {action} }}]\n",
            self.kind,
            self.enabled,
            parts.join(", ")
        )
    }

    fn matches(&self, event: &Event) -> bool {
        let group = |fields: &BTreeMap<&'static str, Words>| {
            fields.iter().all(|(path, words)| {
                let pointer = format!("/{}", path.replace('.', "/"));
                let value = event.fields.pointer(&pointer).filter(|value| !value.is_null());
                words.iter().all(|(word, wanted)| holds(word, wanted, value))
            })
        };
        self.enabled
            && self.kind == event.kind
            && group(&self.fields)
            && (self.any.is_empty() || self.any.iter().any(group))
            && !self.not.as_ref().is_some_and(group)
    }
}

fn holds(word: &str, wanted: &[Value], value: Option<&Value>) -> bool {
    let pair =
        |one: &Value| -> Option<(String, String)> { Some((value?.as_str()?.to_owned(), one.as_str()?.to_owned())) };
    let order = |one: &Value| match (value?, one) {
        (Value::Number(a), Value::Number(b)) => a.as_f64()?.partial_cmp(&b.as_f64()?),
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        _ => None,
    };
    wanted_any(word, wanted, |one| match word {
        "" => value == Some(one),
        "prefix" => pair(one).is_some_and(|(text, part)| text.starts_with(&part)),
        "suffix" => pair(one).is_some_and(|(text, part)| text.ends_with(&part)),
        "contains" => pair(one).is_some_and(|(text, part)| text.contains(&part)),
        "exists" => one.as_bool() == Some(value.is_some()),
        "not" => value != Some(one),
        "gt" => order(one).is_some_and(std::cmp::Ordering::is_gt),
        "gte" => order(one).is_some_and(std::cmp::Ordering::is_ge),
        "lt" => order(one).is_some_and(std::cmp::Ordering::is_lt),
        "lte" => order(one).is_some_and(std::cmp::Ordering::is_le),
        other => panic!("{other}"),
    })
}

fn wanted_any(word: &str, wanted: &[Value], holds: impl Fn(&Value) -> bool) -> bool {
    if word == "not" { wanted.iter().all(holds) } else { wanted.iter().any(holds) }
}

fn fields_of_event() -> impl Strategy<Value = Value> {
    let text = || proptest::option::of(select(TEXTS.as_slice()));
    let open = || {
        prop_oneof![select(TEXTS.as_slice()).prop_map(Value::from), (0..4_i64).prop_map(Value::from), Just(Value::Null)]
    };
    (text(), text(), text(), open(), open()).prop_map(|(endpoint, from, name, a, c)| {
        let call: serde_json::Map<String, Value> = [("endpoint", endpoint), ("from", from), ("from_name", name)]
            .into_iter()
            .filter_map(|(key, value)| Some((key.to_owned(), Value::from(value?))))
            .collect();
        json!({ "call": call, "content": { "a": a, "b": { "c": c } } })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_agree(twins in proptest::collection::vec(twin(), 1..12), fields in fields_of_event()) {
        let text: String = twins.iter().enumerate().map(|(at, twin)| twin.toml(&format!("r{at}"))).collect();
        let rules = rules(&text);
        let event = event(Kind::CallRinging, fields);
        let (mut wanted, mut routes, mut held) = (Vec::new(), Vec::new(), false);
        for (at, twin) in twins.iter().enumerate() {
            let taken = twin.route.is_some_and(|route| routes.contains(&route)) || (twin.redirects && held);
            if !twin.matches(&event) || taken {
                continue;
            }
            wanted.push(format!("r{at}"));
            routes.extend(twin.route);
            held |= twin.redirects;
        }
        prop_assert_eq!(names(&rules.plan(&event)), wanted.clone());
        let explained: Vec<String> = rules
            .explain(&event)
            .into_iter()
            .filter(|verdict| verdict.finding == Finding::Matched)
            .map(|verdict| verdict.rule.to_string())
            .collect();
        prop_assert_eq!(explained, wanted);
    }
}
