use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

use super::super::super::{Accepted, Change, Entry, Journal, KEEP_DEAD, Letter, Line, Options, Timer, TimerChange};
use super::super::{Embedded, Reader};
use crate::kit::clock::Clock;

fn options(path: &Path) -> Options {
    Options { path: path.to_owned(), retain: Duration::from_hours(1), max_size: 1 << 30, keep_dead: KEEP_DEAD }
}

fn entry(id: &str) -> Entry {
    Entry { id: id.into(), lane: "l".into(), source: "s".into(), body: "{}".into() }
}

fn line(seq: u64, run: &str, fate: &str, last: bool) -> Line {
    Line { seq, run: run.into(), fate: fate.into(), at: 1, due: None, last, bytes: "{}".into() }
}

/// A store with something of everything: two that are done, one of them given up, one that is open, and a timer.
async fn store(folder: &Path) {
    let journal = Embedded::open(&options(folder), Clock::system()).unwrap();
    journal.accept(vec![entry("a"), entry("b"), entry("c")]).await.unwrap();
    let letter = Letter { id: 0, seq: 2, run: "r".into(), fate: "failed".into(), at: 1, until: i64::MAX };
    let timer = Timer { id: "t".into(), due: i64::MAX, entry: entry("later") };
    let change = Change {
        lines: vec![line(1, "", "planned", true), line(2, "", "planned", false), line(2, "r", "failed", true)],
        letters: vec![letter],
        timers: vec![TimerChange::Set(timer)],
        ..Change::default()
    };
    journal.attempt(change).await.unwrap();
    journal.rest().await.unwrap();
}

#[tokio::test]
async fn each_planted_damage_is_found_and_a_sound_store_has_none() {
    let folder = tempfile::tempdir().unwrap();
    let sound = folder.path().join("sound");
    store(&sound).await;
    assert_eq!(Reader::open(&sound).unwrap().verify(), []);
    for (number, (damage, wanted)) in [
        ("DELETE FROM mark", "the mark, which tells what is done, is gone"),
        (
            "INSERT INTO outcome VALUES (99, 7, 'r', 'done', 1, NULL, 0, '{}')",
            "an outcome of r belongs to publication 7, which never was: the newest is 3",
        ),
        ("UPDATE mark SET done_to = 3", "publication 3 counts as done and has no line that ends it"),
        ("INSERT INTO outcome VALUES (99, 1, 'r', 'done', 1, NULL, 1, '{}')", "publication 1 has 2 lines that end it"),
        (
            "UPDATE outcome SET bytes = '{\"cut off' WHERE n = 1",
            "outcome 1 (publication 1, planned) has a record that is no JSON",
        ),
        (
            "UPDATE outcome SET bytes = x'7b7d' WHERE n = 2",
            "outcome 2 (publication 2, planned) has a record that is no JSON",
        ),
        ("UPDATE publication SET body = '' WHERE seq = 1", "publication 1 is no JSON"),
        ("INSERT INTO state VALUES ('main/leg/1', 1, 'x')", "what is remembered as main/leg/1 is no JSON"),
        ("DELETE FROM publication WHERE seq = 2", "letter 1 is about publication 2, which is not there"),
        (
            "UPDATE outcome SET fate = 'done' WHERE run = 'r'",
            "letter 1 says that r of publication 2 ended as failed, and no line of it does",
        ),
        ("UPDATE timer SET body = 'x'", "timer t can't be read"),
        ("UPDATE timer SET due = 'soon'", "timer t can't be read"),
    ]
    .into_iter()
    .enumerate()
    {
        let copy = folder.path().join(number.to_string());
        Reader::open(&sound).unwrap().backup(&copy).unwrap();
        let file = Connection::open(copy.join("journal.db")).unwrap();
        assert_eq!(file.execute(damage, []).unwrap(), 1, "{damage}");
        drop(file);
        let findings = Reader::open(&copy).unwrap().verify();
        let told: Vec<&str> = findings.iter().map(|finding| &*finding.what).collect();
        assert_eq!(told, [wanted], "{damage}");
        assert!(!findings[0].remedy.is_empty());
    }
}

#[tokio::test]
async fn damaged_pages_are_found() {
    let folder = tempfile::tempdir().unwrap();
    store(folder.path()).await;
    let file = folder.path().join("journal.db");
    let mut bytes = std::fs::read(&file).unwrap();
    assert!(bytes.len() > 3 * 4096);
    // The first page holds the schema: left alone, the file opens.
    bytes[2 * 4096..].fill(0xa5);
    std::fs::write(&file, bytes).unwrap();
    let findings = Reader::open(folder.path()).unwrap().verify();
    assert!(!findings.is_empty() && findings.iter().all(|finding| finding.remedy == super::DAMAGED), "{findings:?}");
}

#[tokio::test]
async fn many_of_a_kind_are_told_in_few_lines() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Embedded::open(&options(folder.path()), Clock::system()).unwrap();
    journal.accept((0..50).map(|n| entry(&n.to_string())).collect()).await.unwrap();
    drop(journal);
    Connection::open(folder.path().join("journal.db"))
        .unwrap()
        .execute("UPDATE publication SET body = ''", [])
        .unwrap();
    let findings = Reader::open(folder.path()).unwrap().verify();
    assert_eq!((findings.len(), &*findings[20].what), (21, "… and more like these"));
}

#[tokio::test]
async fn the_figures_are_those_of_the_store() {
    let folder = tempfile::tempdir().unwrap();
    store(folder.path()).await;
    let stat = Reader::open(folder.path()).unwrap().stat().unwrap();
    assert_eq!((stat.publications, stat.outcomes, stat.last_seq, stat.done_to), (3, 3, 3, 2));
    assert_eq!((stat.ids.count, stat.open.count, stat.open.oldest), (3, 1, Some(3)));
    assert_eq!((stat.timers.count, stat.timers.next, stat.dead_letters, stat.clean), (1, Some(i64::MAX), 1, true));
    assert!(stat.bytes > 0 && stat.ids.since.is_some() && stat.open.since.is_some());
}

#[tokio::test]
async fn a_copy_is_made_beside_a_writer_and_opens_as_a_store_that_is_unsure() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let (state, copy) = (folder.path().join("state"), folder.path().join("copies/one"));
    store(&state).await;
    let running = Embedded::open(&options(&state), Clock::system()).unwrap();
    running.accept(vec![entry("d")]).await.unwrap();
    let made = Reader::open(&state).unwrap().backup(&copy).unwrap();
    assert_eq!((made.last_seq, made.open), (4, 2));
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&copy), mode(&copy.join("journal.db"))), (0o700, 0o600));
    assert_eq!(std::fs::read_dir(&copy).unwrap().count(), 1, "nothing but the file");
    running.accept(vec![entry("e")]).await.unwrap();

    let again = Reader::open(&state).unwrap().backup(&copy).unwrap_err();
    assert!(again.to_string().contains("not empty"), "{again}");
    let restored = Embedded::open(&options(&copy), Clock::system()).unwrap();
    let claims = restored.claim(9).await.unwrap();
    assert_eq!(claims.iter().map(|claim| claim.seq).collect::<Vec<_>>(), [3, 4]);
    assert!(claims.iter().all(|claim| claim.recovered), "what became of them after the copy is not known");
    assert_eq!(restored.letters(0, 9).await.unwrap().len(), 1);
    let known = restored.accept(vec![entry("d"), entry("e")]).await.unwrap();
    assert!(matches!(known[..], [Accepted::Known, Accepted::New(_)]), "{known:?}");
}
