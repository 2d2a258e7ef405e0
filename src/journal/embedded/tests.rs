//! What the laws don't ask of every engine: the lock, the format, retention, the largest size.

use std::path::Path;
use std::time::Duration;

use chrono::DateTime;
use rusqlite::Connection;

use super::super::{Accepted, Change, Entry, Error, Journal, KEEP_DEAD, Letter, Line, Options, Range};
use super::{Embedded, OpenError};
use crate::kit::clock::Clock;

fn options(path: &Path) -> Options {
    Options { path: path.to_owned(), retain: Duration::from_hours(1), max_size: 1 << 30, keep_dead: KEEP_DEAD }
}

fn entry(id: &str, body: &str) -> Entry {
    Entry { id: id.into(), lane: "l".into(), source: "s".into(), body: body.into() }
}

fn last(seq: u64) -> Line {
    Line { seq, run: "".into(), fate: "done".into(), at: 0, due: None, last: true, bytes: "{}".into() }
}

#[test]
fn a_folder_is_for_one_daemon() {
    let folder = tempfile::tempdir().unwrap();
    let first = Embedded::open(&options(folder.path()), Clock::system()).unwrap();
    let second = Embedded::open(&options(folder.path()), Clock::system()).unwrap_err();
    assert!(matches!(second, OpenError::Locked(_)), "{second}");
    drop(first);
    Embedded::open(&options(folder.path()), Clock::system()).unwrap();
}

#[tokio::test]
async fn what_was_stored_before_a_restart_is_not_offered_early() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Embedded::open(&options(folder.path()), Clock::system()).unwrap();
    let early = |journal: &Embedded| journal.early().into_iter().map(|claim| claim.entry.id.to_string()).collect();
    journal.accept(vec![entry("a", "{}")]).await.unwrap();
    let offered: Vec<String> = early(&journal);
    assert_eq!(offered, ["a"]);
    drop(journal);
    let journal = Embedded::open(&options(folder.path()), Clock::system()).unwrap();
    assert_eq!(journal.accept(vec![entry("a", "{}")]).await.unwrap(), [Accepted::Known]);
    assert_eq!(journal.accept(vec![entry("b", "{}")]).await.unwrap(), [Accepted::New(3)]);
    let offered: Vec<String> = early(&journal);
    assert_eq!(offered, ["b"]);
}

#[tokio::test]
async fn what_is_left_for_whoever_waits_is_written_when_that_one_claims() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Embedded::open(&options(folder.path()), Clock::system()).unwrap();
    let waits = async {
        journal.wake().await;
        let offered = journal.early().len();
        journal.claim(1).await.unwrap();
        offered
    };
    let (offered, accepted) = tokio::join!(waits, journal.accept(vec![entry("a", "{}")]));
    assert_eq!(accepted.unwrap(), [Accepted::New(1)]);
    assert_eq!(offered, 1);
}

#[test]
fn nobody_else_may_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("state");
    let _journal = Embedded::open(&options(&folder), Clock::system()).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(
        (mode(&folder), mode(&folder.join("journal.db")), mode(&folder.join("journal.db-wal"))),
        (0o700, 0o600, 0o600)
    );
}

#[test]
fn a_newer_format_and_a_foreign_file_are_refused() {
    for (ours, version) in [(true, 99), (false, 1)] {
        let folder = tempfile::tempdir().unwrap();
        let file = Connection::open(folder.path().join("journal.db")).unwrap();
        file.pragma_update(None, "user_version", version).unwrap();
        file.pragma_update(None, "application_id", if ours { 0x5357_484b } else { 7 }).unwrap();
        drop(file);
        let refused = Embedded::open(&options(folder.path()), Clock::system()).unwrap_err();
        assert!(matches!(
            (ours, &refused),
            (true, OpenError::Newer { found: 99, .. }) | (false, OpenError::Foreign(_))
        ));
    }
}

#[tokio::test]
async fn an_older_format_is_migrated_with_all_that_is_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = Connection::open(folder.path().join("journal.db")).unwrap();
    file.execute_batch(super::schema::STEPS[0]).unwrap();
    file.pragma_update(None, "user_version", 1).unwrap();
    file.pragma_update(None, "application_id", 0x5357_484b).unwrap();
    file.execute_batch(
        "INSERT INTO publication VALUES (1, 5, 'a', 'l', 's', '{}'); INSERT INTO seen VALUES (1, 5, 'a')",
    )
    .unwrap();
    drop(file);
    let journal = Embedded::open(&options(folder.path()), Clock::system()).unwrap();
    let claims = journal.claim(9).await.unwrap();
    assert_eq!((claims.len(), claims[0].recovered), (1, true));
    assert_eq!(journal.accept(vec![entry("a", "{}")]).await.unwrap(), [Accepted::Known]);
    assert!(journal.letters(0, 9).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_a_letter_is_about_outlives_its_time() {
    let (folder, start) = (tempfile::tempdir().unwrap(), DateTime::UNIX_EPOCH);
    let clock = Clock::manual(start);
    let journal = Embedded::open(&options(folder.path()), clock.clone()).unwrap();
    journal.accept(vec![entry("a", "{}"), entry("b", "{}")]).await.unwrap();
    let until = 3 * 3_600_000;
    let letter = Letter { id: 0, seq: 1, run: "r".into(), fate: "failed".into(), at: 0, until };
    let done = Change { lines: vec![last(1), last(2)], letters: vec![letter], ..Change::default() };
    journal.attempt(done).await.unwrap();
    drop(journal);
    for (hours, left) in [(2, vec![1]), (4, vec![])] {
        clock.set(start + Duration::from_hours(hours));
        let journal = Embedded::open(&options(folder.path()), clock.clone()).unwrap();
        assert_eq!(journal.figures().letters.load(std::sync::atomic::Ordering::Relaxed), left.len().max(1) as u64);
        let scan =
            async || journal.scan(Range::Newest(9)).await.unwrap().iter().map(|claim| claim.seq).collect::<Vec<_>>();
        for _ in 0..100 {
            journal.flush().await.unwrap();
            if scan().await == left {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(scan().await, left);
    }
}

#[tokio::test]
async fn what_is_done_and_old_goes_what_is_not_done_stays_and_no_number_comes_twice() {
    let (folder, start) = (tempfile::tempdir().unwrap(), DateTime::UNIX_EPOCH);
    let clock = Clock::manual(start);
    let journal = Embedded::open(&options(folder.path()), clock.clone()).unwrap();
    journal.accept((0..4).map(|n| entry(&n.to_string(), "{}")).collect()).await.unwrap();
    journal.attempt(Change::lines(vec![last(1), last(2), last(4)])).await.unwrap();
    drop(journal);
    clock.set(start + Duration::from_hours(2));
    // The first look at what is old comes after the first command of a new start.
    let journal = Embedded::open(&options(folder.path()), clock.clone()).unwrap();
    journal.flush().await.unwrap();
    let left = async || journal.scan(Range::Newest(9)).await.unwrap().iter().map(|claim| claim.seq).collect::<Vec<_>>();
    for _ in 0..100 {
        if left().await == [3, 4] {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(left().await, [3, 4], "the third is not done, and what comes after it waits for it");
    assert_eq!(
        journal.accept(vec![entry("0", "{}")]).await.unwrap(),
        [Accepted::Known],
        "the id outlives its publication"
    );
    let new = journal.accept(vec![entry("new", "{}")]).await.unwrap();
    assert!(matches!(new[..], [Accepted::New(seq)] if seq > 4), "{new:?}");
}

#[tokio::test]
async fn a_full_store_refuses_until_something_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let small = Options { max_size: 400 << 10, ..options(folder.path()) };
    let journal = Embedded::open(&small, Clock::system()).unwrap();
    let body = "x".repeat(20_000);
    let mut stored = 0;
    let refusal = loop {
        match journal.accept(vec![entry(&stored.to_string(), &body)]).await {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
        assert!(stored < 40, "twice the largest size was taken");
    };
    assert!(matches!(refusal, Error::Full(_)), "{refusal}");
    let done = (1..=stored).map(last).collect();
    journal.attempt(Change::lines(done)).await.unwrap();
    for n in 0..200 {
        if journal.accept(vec![entry(&format!("again {n}"), "{}")]).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("what is done did not make room");
}

#[tokio::test]
async fn what_comes_after_a_refusal_and_a_restart_is_handed_out() {
    let folder = tempfile::tempdir().unwrap();
    let small = Options { max_size: 400 << 10, ..options(folder.path()) };
    let journal = Embedded::open(&small, Clock::system()).unwrap();
    let body = "x".repeat(20_000);
    let mut stored = 0;
    while journal.accept(vec![entry(&stored.to_string(), &body)]).await.is_ok() {
        stored += 1;
    }
    // Positions were spent on what was refused, and nothing is stored behind them.
    journal.attempt(Change::lines((1..=stored).map(last).collect())).await.unwrap();
    drop(journal);
    let journal = Embedded::open(&options(folder.path()), Clock::system()).unwrap();
    let accepted = journal.accept(vec![entry("after", "{}")]).await.unwrap();
    assert!(matches!(accepted[..], [Accepted::New(_)]));
    let claims = journal.claim(9).await.unwrap();
    assert_eq!(claims.iter().map(|claim| &*claim.entry.id).collect::<Vec<_>>(), ["after"]);
}
