//! Vars from outside of rules: what they are, and setting them by the command line and the admin API; hooks, which come the same
//! way. What a rule sets goes through [`Desk::change_of_var`] too.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value, json};

use super::Desk;
use super::own::Own;
use super::run::Run;
use crate::actions::Outcome;
use crate::api::SetVar;
use crate::dispatch::Carried;
use crate::event::Kind;
use crate::journal::{Change, Entry};
use crate::language::suggest;
use crate::memory::vars::{Audit, Lasts, Var};
use crate::rules::request::{self, Request, Setting, VarChange};
use crate::rules::{RuleSet, duration, time};

/// Why there is no such var.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoVar {
    /// None is called so.
    Unknown(String),
    /// It is kept for each value of a field, and none was given, or the other way round.
    Unfit(String),
}

impl Desk {
    /// The declared vars with their keys; those that are kept for each value of a field have one if that value is given.
    pub(crate) fn vars(&self, per: Option<&str>) -> Vec<(Arc<str>, Option<Arc<str>>)> {
        let rules = self.rules.load();
        let declared = rules.vars().iter();
        declared
            .map(|(name, declaration)| {
                let per = per.filter(|_| declaration.per.is_some());
                (Arc::clone(name), self.var_key(name, per).ok())
            })
            .collect()
    }

    /// Where a var is stored.
    pub(crate) fn var_key(&self, name: &str, per: Option<&str>) -> Result<Arc<str>, NoVar> {
        let rules = self.rules.load();
        let Some(declaration) = rules.vars().get(name) else {
            let near = suggest::did_you_mean(name, rules.vars().keys().map(|name| &**name).collect::<Vec<_>>());
            let near = near.map(|near| format!("; {near}")).unwrap_or_default();
            return Err(NoVar::Unknown(format!("no var is called `{name}`{near}")));
        };
        if declaration.per.is_none() && per.is_some() {
            return Err(NoVar::Unfit(format!("there is one `{name}` for the account: leave `per` out")));
        }
        let var = Var::of(&self.account, name, declaration, per).map_err(|error| NoVar::Unfit(error.to_string()))?;
        Ok(var.key())
    }

    /// What is known of a var, as JSON.
    pub(crate) fn tell_var(&self, name: &str, per: Option<&str>, stored: Option<&str>) -> Value {
        let rules = self.rules.load();
        let Some(declaration) = rules.vars().get(name) else { return Value::Null };
        let mut told = Map::new();
        if let Some(field) = &declaration.per {
            told.insert("per".into(), json!(&**field));
        }
        if !declaration.values.is_empty() {
            told.insert("values".into(), json!(declaration.values));
        }
        if let Some(default) = &declaration.default {
            told.insert("default".into(), json!(&**default));
        }
        if let Ok(var) = Var::of(&self.account, name, declaration, per.filter(|_| declaration.per.is_some())) {
            let now = self.clock.millis();
            told.insert("value".into(), json!(var.get(stored, now).as_deref()));
            for (key, value) in var.told(stored, now) {
                told.insert(key.to_owned(), value);
            }
        }
        Value::Object(told)
    }

    /// Sets a var for somebody outside.
    pub(crate) fn set_var(&self, name: &str, set: &SetVar, stored: Option<&str>) -> Result<(Change, Audit), String> {
        let rules = self.rules.load();
        let now = self.clock.now();
        let lasts = match (&set.until, &set.lasts) {
            (Some(_), Some(_)) => return Err("either `until` or `for`, not both".to_owned()),
            (Some(until), None) => Lasts::Until(self::until(until, now, rules.zone())?),
            (None, Some(span)) => {
                let span = duration::parse(span).ok_or_else(|| {
                    format!("`for` is a duration such as \"2h\" or \"1h30m\"; \"{}\" is none", span.escape_debug())
                })?;
                Lasts::For(i64::try_from(span.as_millis()).unwrap_or(i64::MAX))
            }
            (None, None) => Lasts::Declared,
        };
        let who = set.who.as_deref().unwrap_or("the admin API");
        let asked = Asked { name, per: set.per.as_deref(), value: &set.value, lasts, who, tells: true };
        self.change_of_var(&rules, &asked, stored, now.timestamp_millis())
    }

    /// What setting a var writes.
    pub(crate) fn change_of_var(
        &self,
        rules: &RuleSet,
        asked: &Asked<'_>,
        stored: Option<&str>,
        now: i64,
    ) -> Result<(Change, Audit), String> {
        let declaration = rules.vars().get(asked.name).ok_or_else(|| format!("no var is called `{}`", asked.name))?;
        let var = Var::of(&self.account, asked.name, declaration, asked.per).map_err(|error| error.to_string())?;
        let set = var.set(asked.value, asked.lasts, asked.who, stored, now).map_err(|error| error.to_string())?;
        let mut change = Change { state: vec![set.stored.at(var.key())], ..Change::default() };
        let audit = set.audit;
        tracing::info!(
            var = asked.name,
            per = audit.per,
            who = asked.who,
            from = audit.from,
            to = audit.to,
            "a var is set"
        );
        if asked.tells && rules.listens(Kind::GatewayVar) {
            let mut content = Map::new();
            content.insert("var".into(), json!(audit));
            let (id, lane) = (format!("var:{}:{}", asked.name, uuid::Uuid::new_v4()), var.key());
            change.events.push(Own::event(&self.account, Kind::GatewayVar, &id, &lane, content));
        }
        Ok((change, audit))
    }

    /// Where the vars that a step sets are stored.
    pub(super) fn keys_of(&self, rules: &RuleSet, setting: &Setting) -> Result<Vec<Arc<str>>, String> {
        let key = |change: &VarChange| {
            let declaration = rules.vars().get(&*change.name);
            let declaration = declaration.ok_or_else(|| format!("no var is called `{}`", change.name))?;
            let var = Var::of(&self.account, &change.name, declaration, change.per.as_deref());
            var.map(|var| var.key()).map_err(|error| error.to_string())
        };
        setting.changes.iter().map(key).collect()
    }

    /// Does a `set`: all of its vars or none.
    pub(super) fn set_vars(&self, run: &mut Run, stored: &[Option<Arc<str>>]) -> (Carried, Change) {
        let Some(Request::Set(setting)) = run.progress.request.clone() else {
            return (run.nothing_left(), Change::default());
        };
        let lasts = match setting.lasts {
            request::Lasts::Declared => Lasts::Declared,
            request::Lasts::Until(at) => Lasts::Until(at),
            request::Lasts::For(span) => Lasts::For(span),
        };
        let (mut with, now) = (Change::default(), self.clock.millis());
        for (change, stored) in setting.changes.iter().zip(stored) {
            let VarChange { name, per, value } = change;
            let (who, per) = (&*run.rule.name, per.as_deref());
            let asked = Asked { name, per, value, lasts, who, tells: !run.event.kind.is_gateway() };
            match self.change_of_var(&run.rules, &asked, stored.as_deref(), now) {
                Ok((change, _)) => with.extend(change),
                Err(why) => return (run.not_set(&why), Change::default()),
            }
        }
        let result = json!({ "ok": true });
        (run.settle(Outcome::Done { result }, 0, false, Duration::ZERO), with)
    }

    /// The hooks that rules are for.
    pub(crate) fn hooks(&self) -> Vec<String> {
        self.rules.load().hooks().into_iter().map(str::to_owned).collect()
    }

    /// Whether a rule is for every hook.
    pub(crate) fn listens_to_all_hooks(&self) -> bool {
        self.rules.load().listens_to_all_hooks()
    }

    /// The event that a hook is; none if it is nested too deep to be read again.
    pub(crate) fn hook(&self, name: &str, body: Value, query: Map<String, Value>, id: &str) -> Option<Entry> {
        let mut content = Map::new();
        content.insert("hook".into(), json!({ "name": name, "body": body, "query": query }));
        let lane = format!("{}/hook/{name}", self.account);
        let entry = Own::event(&self.account, Kind::Hook, &format!("hook:{name}:{id}"), &lane, content);
        serde_json::from_str::<Value>(&entry.body).is_ok().then_some(entry)
    }
}

/// What a var is to become.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) name: &'a str,
    /// The value of the field that it is kept for each of.
    pub(crate) per: Option<&'a str>,
    pub(crate) value: &'a str,
    pub(crate) lasts: Lasts,
    pub(crate) who: &'a str,
    /// Whether it is an event; not so when an event of the gateway itself brought it about.
    pub(crate) tells: bool,
}

/// A time that a person or a rule wrote, in milliseconds since 1970: a time of day is the next such time.
pub(crate) fn until(text: &str, now: DateTime<Utc>, zone: Tz) -> Result<i64, String> {
    time::point(text, now, zone).map(|at| at.timestamp_millis()).ok_or_else(|| {
        let shown = text.chars().take(40).collect::<String>();
        format!(
            "`until` is a time of day such as \"08:00\", a local time such as \"2026-12-24 12:00\", or one with its offset; \"{}\" is none",
            shown.escape_debug()
        )
    })
}
