//! The fault matrix: each class of action meets each fault on the real program, and the far side's books are compared
//! with what the journal says. The table in docs/reliability.md is what was measured here; UPDATE_DOCS=1 writes it anew.

mod cell;
mod promises;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use futures_util::stream::{self, StreamExt};

use promises::{Class, End, Fault, promised};

/// Cells that run at a time, each with a daemon of its own.
const AT_A_TIME: usize = 8;
const BEGIN: &str = "<!-- The fault matrix begins. -->\n";
const FINISH: &str = "<!-- The fault matrix ends. -->";

type Matrix = BTreeMap<(Fault, Class), End>;

async fn measured() -> Matrix {
    let cells = Fault::ALL.into_iter().flat_map(|fault| Class::ALL.map(|class| (fault, class)));
    let run = |(fault, class)| async move { ((fault, class), cell::run(class, fault).await) };
    stream::iter(cells).map(run).buffer_unordered(AT_A_TIME).collect().await
}

/// The table: a dagger behind what is a dead letter.
fn table(matrix: &Matrix) -> String {
    let mut text = "| what goes wrong |".to_owned();
    for class in Class::ALL {
        write!(text, " {} |", class.title()).unwrap();
    }
    text += "\n|---|---|---|---|---|\n";
    for fault in Fault::ALL {
        write!(text, "| {} |", fault.title()).unwrap();
        for class in Class::ALL {
            let End { effects, fate, dead_letter } = &matrix[&(fault, class)];
            let dagger = if *dead_letter { " †" } else { "" };
            write!(text, " {effects}, {fate}{dagger} |").unwrap();
        }
        text.push('\n');
    }
    text
}

/// Compares the table in the docs with this one, or puts it there.
fn compare_with_the_docs(table: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reliability.md");
    let docs = std::fs::read_to_string(&path).unwrap();
    let (head, rest) = docs.split_once(BEGIN).unwrap();
    let (kept, tail) = rest.split_once(FINISH).unwrap();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, format!("{head}{BEGIN}{table}{FINISH}{tail}")).unwrap();
    } else {
        assert_eq!(kept, table, "docs/reliability.md is not what was measured; UPDATE_DOCS=1 writes it anew");
    }
}

/// No action both succeeds and is told as given up, but for what nobody can know: never for what can be looked at.
fn holds_the_law((fault, class): (Fault, Class), end: &End) -> bool {
    let given_up = end.dead_letter || end.fate == "expired";
    let can_be_known = matches!(class, Class::Check | Class::Repeat);
    let can_not_be_known = end.fate == "unknown" && fault != Fault::Refused && !can_be_known;
    end.effects <= 1 && (end.effects == 0 || !given_up || can_not_be_known)
}

/// The far sides have threads beside this one, which waits for the programs that it runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_class_of_action_keeps_its_promise_under_each_fault() {
    let matrix = measured().await;
    let table = table(&matrix);
    println!("{table}");
    let mut broken = String::new();
    for (&(fault, class), end) in &matrix {
        let promised = promised(class, fault);
        assert!(holds_the_law((fault, class), &promised), "{fault:?} {class:?}");
        if *end != promised {
            writeln!(broken, "{fault:?}, {class:?}: {end:?} in the place of {promised:?}").unwrap();
        }
    }
    assert!(broken.is_empty(), "{broken}");
    compare_with_the_docs(&table);
}
