//! What people read.

use chrono::DateTime;
use serde_json::Value;

use crate::rules::Failure;

/// The longest value that is shown.
const SHOWN: usize = 200;

/// An event in lines. `all` lists what does not concern its kind, too.
pub(super) fn for_people(told: &Value, all: bool) -> String {
    let mut lines = vec![format!("{} at {}", text(&told["kind"]), text(&told["local_time"]))];
    for (name, view) in told["views"].as_object().into_iter().flatten() {
        let fields = view.as_object().into_iter().flatten();
        lines.extend(fields.map(|(key, value)| format!("  {name}.{key} = {}", short(value))));
    }
    if told["kind"] == "publication" {
        let of = |key: &str| format!("  event.{key} = {}", short(&told["event"][key]));
        lines.extend(["topic", "method", "subject"].map(of));
    }
    let vars = told["vars"].as_object().into_iter().flatten();
    lines.extend(vars.map(|(name, value)| format!("  vars.{name} = {}", short(value))));
    section(&mut lines, "hours:", hours(told, all));
    section(&mut lines, "rules:", rules(told, all));
    outcome(told, &mut lines);
    for follows in list(&told["follows"]) {
        lines.extend([String::new(), "from it follows:".to_owned()]);
        lines.extend(for_people(follows, all).lines().map(indented));
    }
    lines.join("\n")
}

fn indented(line: &str) -> String {
    if line.is_empty() { String::new() } else { format!("  {line}") }
}

fn section(lines: &mut Vec<String>, head: &str, of: Vec<String>) {
    if !of.is_empty() {
        lines.extend([String::new(), head.to_owned()]);
        lines.extend(of);
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A value in one line that is not too long.
fn short(value: &Value) -> String {
    let text = match value {
        Value::String(text) if !text.contains(char::is_control) => text.clone(),
        other => other.to_string(),
    };
    match text.char_indices().nth(SHOWN) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text,
    }
}

fn hours(told: &Value, all: bool) -> Vec<String> {
    let shown = list(&told["hours"]).filter(|hours| all || hours["asked"] == true);
    let one = |hours: &Value| {
        let word = |open: &Value| if *open == true { "open" } else { "closed" };
        let (name, is, what) = (text(&hours["hours"]), word(&hours["open"]), text(&hours["what"]));
        match hours["by"].as_str() {
            Some("var") => {
                let schedule = word(&hours["schedule_open"]);
                format!("  {name}: {is} by {what}, until that is changed; the schedule says {schedule}")
            }
            by => {
                let by = match by {
                    Some("holiday") => format!(", a holiday ({what})"),
                    _ if what.is_empty() => String::new(),
                    _ => format!(" by `{what}`"),
                };
                let until = moment(&hours["until"], &hours["timezone"]);
                format!(
                    "  {name}: {is}{by}, {}",
                    until.map_or("for as long as can be seen".to_owned(), |at| format!("until {at}"))
                )
            }
        }
    };
    shown.map(one).collect()
}

fn moment(value: &Value, zone: &Value) -> Option<String> {
    let at = DateTime::parse_from_rfc3339(value.as_str()?).ok()?;
    let zone: chrono_tz::Tz = zone.as_str()?.parse().ok()?;
    Some(at.with_timezone(&zone).format("%a %Y-%m-%d %H:%M %Z").to_string())
}

fn rules(told: &Value, all: bool) -> Vec<String> {
    let (shown, others): (Vec<&Value>, Vec<&Value>) =
        list(&told["rules"]).partition(|rule| all || rule["for_this_kind"] == true);
    let mut lines: Vec<String> = shown.into_iter().map(verdict).collect();
    match others.len() {
        0 => {}
        1 => lines.push("  1 rule is for other events (--all lists it)".to_owned()),
        count => lines.push(format!("  {count} rules are for other events (--all lists them)")),
    }
    lines
}

fn verdict(verdict: &Value) -> String {
    let rule = text(&verdict["rule"]);
    let mut more = String::new();
    if let Some(bound) = verdict["bound"].as_object() {
        let bound: Vec<String> = bound.iter().map(|(name, value)| format!("{name} = {}", short(value))).collect();
        more = format!(", with {}", bound.join(", "));
    }
    if let Some(limit) = verdict["limit"].as_str() {
        more = format!("{more}; its limit, {limit}, is taken to be unused");
    }
    if verdict["dry_run"] == true {
        more.push_str("; it is a dry run");
    }
    match verdict["verdict"].as_str() {
        Some("matched") => format!("+ {rule}: matches{more}"),
        Some("waits") => {
            let at = DateTime::parse_from_rfc3339(verdict["acts_at"].as_str().unwrap_or_default());
            let at = at.map(|at| format!(" at {}", at.format("%H:%M:%S"))).unwrap_or_default();
            format!("+ {rule}: begins to wait, acts when its `for` is over{at}{more}")
        }
        Some("superseded") => format!("- {rule}: matches, but {} acts in its place", text(&verdict["by"])),
        _ => {
            let [condition, wanted, got] = ["condition", "wanted", "got"].map(|key| text(&verdict[key]));
            format!("- {rule}: {}", Failure::in_words(&condition, &wanted, &got))
        }
    }
}

/// What would be done, now and later, or why nothing.
fn outcome(told: &Value, lines: &mut Vec<String>) {
    lines.push(String::new());
    match told["nothing"].as_str() {
        Some(why) => lines.push(why.to_owned()),
        None if told["dry_run"] == true => lines.push("would be done, were `[rules] dry_run` not on:".to_owned()),
        None => lines.push("would be done:".to_owned()),
    }
    lines.extend(acts(told));
    if let Some(note) = told["note"].as_str().filter(|_| told["nothing"].is_null()) {
        lines.push(format!("left alone: {note}"));
    }
    for later in list(&told["later"]) {
        lines.extend([String::new(), format!("at {}, if it lasts:", text(&later["local_time"]))]);
        let failed = list(&later["rules"]).filter(|rule| rule["verdict"] != "matched");
        lines.extend(failed.map(|rule| format!("  {}", verdict(rule))));
        lines.extend(acts(later));
        lines.extend(supposed(later));
    }
    lines.extend(supposed(told));
    lines.extend(list(&told["trouble"]).map(|trouble| format!("not told to the end: {}", text(trouble))));
}

fn supposed(told: &Value) -> Option<String> {
    let names: Vec<String> = list(&told["supposed"]).map(text).collect();
    (!names.is_empty()).then(|| {
        format!("later steps are shown as if {} had returned nothing (--given {}=JSON)", names.join(", "), names[0])
    })
}

/// The steps by rule, in order.
fn acts(told: &Value) -> Vec<String> {
    let (mut lines, mut last) = (Vec::new(), &Value::Null);
    for act in list(&told["acts"]) {
        if act["rule"] != *last {
            last = &act["rule"];
            lines.push(format!("  {}", text(last)));
        }
        lines.push(format!("    {}", step(act)));
    }
    lines
}

/// A step in a line.
pub(in crate::cli) fn step(act: &Value) -> String {
    let number = text(&act["number"]);
    let mut line = match act["written"].as_str() {
        Some(written) => format!("{number}  {written}"),
        None => format!("{number}  {}", text(&act["step"])),
    };
    if let Some(name) = act["as"].as_str() {
        line = format!("{line} as {name}");
    }
    if let Some(dials) = act["dials"].as_str() {
        line = format!("{line}, dials {dials}");
    }
    if let Some(why) = act["skipped"].as_str() {
        line = format!("{line}: not done, {why}");
    }
    if let Some(why) = act["failed"].as_str() {
        let then = if act["goes_on"] == true { "the next step comes all the same" } else { "nothing more is done" };
        line = format!("{line}: fails, {why}; {then}");
    }
    line
}
