//! What has to be known of an event before the rules decide: the whole call, the vars that hold, the clocks that run.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::event::{Event, Kind};
use crate::memory::call::{CallKeys, LegHeard};
use crate::memory::clocks::Clocks;
use crate::memory::vars::Var;
use crate::rules::RuleSet;

/// What is to be loaded for an event, in the order of [`Facts::keys`].
pub(super) struct Facts {
    pub(super) leg: Option<CallKeys>,
    /// The vars that hold for it, each with the value of its `per`.
    vars: Vec<(Arc<str>, Option<String>)>,
    /// The leg, conversation or presentity whose clocks may run.
    resource: Option<String>,
}

impl Facts {
    /// What an event needs under these rules. `due`: a clock ran out, which has to be found whatever the rules are.
    pub(super) fn of(rules: &RuleSet, event: &Event, due: bool) -> Self {
        let leg = LegHeard::of(event).map(|leg| CallKeys::of(&event.account, &leg));
        let vars = rules.vars().iter().filter_map(|(name, declaration)| {
            let per = declaration.per.as_ref().map(|path| text(event, path));
            match per {
                None => Some((Arc::clone(name), None)),
                Some(value) => Some((Arc::clone(name), Some(value?))),
            }
        });
        let vars = vars.collect();
        let resource = if due || rules.has_clocks(event.kind) { resource(event) } else { None };
        Self { leg, vars, resource }
    }

    /// What to load.
    pub(super) fn keys(&self, rules: &RuleSet, account: &str) -> Vec<Arc<str>> {
        let mut keys = self.leg.as_ref().map(CallKeys::keys).unwrap_or_default();
        let vars = self.vars.iter().filter_map(|(name, per)| var(rules, account, name, per.as_deref()));
        keys.extend(vars.map(|var| var.key()));
        keys.extend(self.resource.as_ref().map(|resource| Clocks::key(account, resource)));
        keys
    }

    /// Puts the vars into the event; the clocks, if there may be some, and the values that tell of the call.
    pub(super) fn take_in<'v>(
        &self,
        rules: &RuleSet,
        event: &mut Event,
        values: &'v [Option<Arc<str>>],
        now: i64,
    ) -> (Option<Clocks>, &'v [Option<Arc<str>>]) {
        let (of_call, rest) = values.split_at(self.leg.as_ref().map_or(0, |leg| leg.keys().len()).min(values.len()));
        let mut rest = rest.iter().map(Option::as_deref);
        let account = Arc::clone(&event.account);
        let mut vars = Map::new();
        for (name, per) in &self.vars {
            let Some(var) = var(rules, &account, name, per.as_deref()) else { continue };
            if let Some(value) = var.get(rest.next().flatten(), now) {
                vars.insert(name.to_string(), Value::from(&*value));
            }
        }
        know_vars(event, vars);
        let clocks = self.resource.as_ref().map(|resource| Clocks::read(&account, resource, rest.next().flatten()));
        (clocks, of_call)
    }
}

/// Puts the vars that hold into an event.
pub(super) fn know_vars(event: &mut Event, vars: Map<String, Value>) {
    if let Value::Object(fields) = &mut event.fields
        && (!vars.is_empty() || fields.contains_key("vars"))
    {
        fields.insert("vars".to_owned(), Value::Object(vars));
    }
}

/// Notes in an event that it shows what a step of ours did.
pub(super) fn know_own(event: &mut Event) {
    if let Some(Value::Object(of_event)) = event.fields.get_mut("event") {
        of_event.insert("own".to_owned(), Value::Bool(true));
    }
}

fn var<'a>(rules: &'a RuleSet, account: &'a str, name: &'a str, per: Option<&'a str>) -> Option<Var<'a>> {
    Var::of(account, name, rules.vars().get(name)?, per).ok()
}

/// The text of a field; numbers and truth values as they are written.
pub(super) fn text(event: &Event, path: &str) -> Option<String> {
    let value = event.field(path.split('.'))?;
    Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

/// What has a state that may last: a leg, a conversation, a presentity.
fn resource(event: &Event) -> Option<String> {
    let text = |view: &str, field: &str| event.field([view, field]).and_then(Value::as_str);
    match event.kind.family() {
        "call" if event.kind != Kind::CallFinished => {
            Some(format!("leg/{}/{}", text("call", "endpoint")?, text("call", "id")?))
        }
        "chat" => Some(format!("conversation/{}", text("message", "conversation")?)),
        "presence" => Some(format!("presence/{}", text("presence", "principal")?)),
        _ => None,
    }
}
