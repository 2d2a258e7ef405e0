//! What a visit came to, for people and for programs.

use serde_json::{Value, json};

use crate::doctor::assumptions::{self, By};
use crate::doctor::{Grade, Held, Learnt, Line};

/// For people: a line for each check, what to do below it, then the assumptions.
pub(super) fn text(lines: &[Line], learnt: Option<&[Learnt]>, colour: bool) -> String {
    let width = lines.iter().map(|line| line.check.len()).max().unwrap_or(0);
    let mut out = Vec::new();
    for line in lines {
        let word = paint(&format!("{:4}", line.grade.word()), shade(line.grade), colour);
        out.push(format!("{word}  {:width$}  {}", line.check, line.says));
        out.extend(line.todo.iter().map(|todo| format!("      {:width$}  > {todo}", "")));
    }
    if let Some(learnt) = learnt {
        out.extend([String::new(), "assumptions (docs/assumptions.md):".to_owned()]);
        for one in learnt {
            let word = paint(one.held.word(), hue(one.held), colour);
            out.push(format!("  {}: {word}: {}", one.id, one.saw));
            let setting = assumptions::named(one.id).and_then(|known| known.setting);
            out.extend(
                setting.filter(|_| one.held != Held::Yes).map(|setting| format!("    > overridden by {setting}")),
            );
        }
        out.push(untried(learnt));
    }
    let count = |grade| lines.iter().filter(|line| line.grade == grade).count();
    let (ok, warn, fail) = (count(Grade::Ok), count(Grade::Warn), count(Grade::Fail));
    out.extend([String::new(), format!("{ok} ok, {warn} warning(s), {fail} failure(s)")]);
    out.join("\n")
}

/// How the rest is learnt.
fn untried(learnt: &[Learnt]) -> String {
    let asked: Vec<&str> = learnt.iter().map(|one| one.id).collect();
    let left = |by: &[By]| {
        let of = assumptions::ALL.iter().filter(|known| by.contains(&known.by) && !asked.contains(&known.id));
        of.count()
    };
    format!(
        "  not asked: {} by --connections or --subscriptions, {} by `switchhook verify`, {} that only events show",
        left(&[By::Connections, By::Subscriptions]),
        left(&[By::Verify]),
        left(&[By::Life])
    )
}

fn shade(grade: Grade) -> u8 {
    match grade {
        Grade::Ok => 32,
        Grade::Warn => 33,
        Grade::Fail => 31,
    }
}

fn hue(held: Held) -> u8 {
    match held {
        Held::Yes => 32,
        Held::Tolerated | Held::Unclear => 33,
        Held::No => 31,
    }
}

fn paint(text: &str, colour: u8, wanted: bool) -> String {
    if wanted { format!("\u{1b}[{colour}m{text}\u{1b}[0m") } else { text.to_owned() }
}

/// For programs.
pub(super) fn json(lines: &[Line], learnt: Option<&[Learnt]>) -> Value {
    let checks = lines
        .iter()
        .map(|line| json!({ "check": line.check, "grade": line.grade.word(), "says": line.says, "todo": line.todo }));
    let assumption = |one: &Learnt| {
        let held = match one.held {
            Held::Yes => "yes",
            Held::Tolerated => "tolerated",
            Held::No => "no",
            Held::Unclear => "unclear",
        };
        let setting = assumptions::named(one.id).and_then(|known| known.setting);
        json!({ "id": one.id, "held": held, "saw": one.saw, "setting": setting })
    };
    let mut told = json!({ "checks": checks.collect::<Vec<_>>() });
    if let Some(learnt) = learnt {
        told["assumptions"] = learnt.iter().map(assumption).collect();
    }
    told
}
