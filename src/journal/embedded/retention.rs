//! What the writer does when it has time: checkpoints, and deleting what is older than it should be or too much.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};

use super::super::{DEDUPE_WINDOW, Options};
use super::shared::Shared;
use super::transaction::{self, mark};
use crate::kit::clock::Clock;

/// Checkpoint when so much was written since the last one: then the log is used again from its beginning, and a sync
/// does not have to write down that it has grown.
const CHECKPOINT_BYTES: usize = 16 << 20;
/// What a commit of one event costs in pages of the log.
const COMMIT_BYTES: usize = 7 * 4096;
/// Checkpoint when so long nothing was asked.
const IDLE: Duration = Duration::from_secs(1);
/// How often to look for what is to be deleted.
const EVERY: Duration = Duration::from_mins(1);
/// How much is deleted at once, so that nobody waits long.
const CHUNK: usize = 500;
/// The most ids that are remembered.
const MOST_IDS: u64 = 20_000_000;

/// See the module.
pub(super) struct Retention {
    retain: i64,
    max_size: u64,
    written: usize,
    /// Written since the size was last looked at.
    unseen: u64,
    last_write: Instant,
    looked: Option<Instant>,
    /// Whether the last round left something to delete.
    more: bool,
    full: bool,
}

impl Retention {
    pub(super) fn new(options: &Options) -> Self {
        let retain = i64::try_from(options.retain.as_millis()).unwrap_or(i64::MAX);
        Self {
            retain,
            max_size: options.max_size,
            written: 0,
            unseen: 0,
            last_write: Instant::now(),
            looked: None,
            more: false,
            full: false,
        }
    }

    /// Whether the store has reached its largest size.
    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    /// Notes what a commit wrote: its bytes about twice, in whole pages.
    pub(super) fn wrote(&mut self, bytes: usize) {
        self.written += COMMIT_BYTES + bytes * 2;
        self.unseen += bytes as u64;
        self.last_write = Instant::now();
    }

    /// How long the writer may sleep before there is something to do here.
    pub(super) fn patience(&self) -> Duration {
        if self.more { Duration::from_millis(2) } else { IDLE }
    }

    /// A bounded piece of work. What fails here is tried again; it is no reason to refuse anything.
    pub(super) fn work(
        &mut self,
        connection: &Connection,
        shared: &Shared,
        clock: &Clock,
        done_to: u64,
        last_seq: u64,
        last_n: i64,
    ) {
        let idle = self.last_write.elapsed() >= IDLE;
        if self.written >= CHECKPOINT_BYTES || (idle && self.written > 0) {
            self.written = 0;
            report(connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())), "checkpoint");
        }
        let much = self.unseen > self.max_size / 16;
        if self.more || much || self.looked.is_none_or(|at| at.elapsed() >= EVERY) || self.full {
            self.looked = Some(Instant::now());
            self.unseen = 0;
            let worked = self.delete(connection, shared, clock.millis(), done_to, last_seq, last_n);
            self.more = worked.as_ref().is_ok_and(|deleted| *deleted >= CHUNK);
            report(worked.map(drop), "delete what is old from");
        }
    }

    fn delete(
        &mut self,
        connection: &Connection,
        shared: &Shared,
        now: i64,
        done_to: u64,
        last_seq: u64,
        last_n: i64,
    ) -> rusqlite::Result<usize> {
        let size = size(connection)?;
        shared.figures.bytes.store(size, Ordering::Relaxed);
        // Make room before it is needed: from nine tenths on the oldest that is done goes, whatever its age.
        let crowded = size > self.max_size / 10 * 9;
        self.full = size >= self.max_size;
        let older_than = if crowded { i64::MAX } else { now.saturating_sub(self.retain) };
        let forget = now.saturating_sub(i64::try_from(DEDUPE_WINDOW.as_millis()).unwrap_or(i64::MAX));
        let transaction = transaction::begin(connection)?;
        let mut letters = delete_letters(&transaction, now)?;
        let last: Option<u64> = transaction.query_row(
            "SELECT max(seq) FROM (SELECT seq, arrived FROM publication
             WHERE seq <= ?1 AND seq NOT IN (SELECT seq FROM letter) ORDER BY seq LIMIT ?2) WHERE arrived < ?3",
            params![done_to, CHUNK, older_than],
            |row| row.get(0),
        )?;
        let mut deleted = 0;
        if let Some(last) = last {
            // The numbers must not be given out again when the newest rows are gone.
            mark(&transaction, done_to, last_seq, last_n)?;
            let but_for_letters =
                |table: &str| format!("DELETE FROM {table} WHERE seq <= ?1 AND seq NOT IN (SELECT seq FROM letter)");
            deleted += transaction.execute(&but_for_letters("publication"), [last])?;
            transaction.execute(&but_for_letters("outcome"), [last])?;
        }
        // Crowded with nothing else to delete, the oldest of them go before their time.
        if crowded && deleted == 0 {
            letters += delete_letters(&transaction, i64::MAX)?;
        }
        if letters > 0 {
            shared.figures.letters.fetch_sub(letters as u64, Ordering::Relaxed);
        }
        deleted += letters;
        // Crowded, ids go with their publications and those go that have none any more.
        let kept: Option<u64> = transaction.query_row(
            "SELECT min(seq) FROM publication WHERE seq NOT IN (SELECT seq FROM letter)",
            [],
            |row| row.get(0),
        )?;
        let up_to = if crowded { kept.map_or(done_to, |seq| seq - 1) } else { done_to };
        let (before, oldest_kept) = (if crowded { i64::MAX } else { forget }, last_seq.saturating_sub(MOST_IDS));
        deleted += transaction.execute(
            "DELETE FROM seen WHERE seq IN (SELECT seq FROM seen WHERE seq <= ?1 AND (at < ?2 OR seq <= ?3) ORDER BY seq LIMIT ?4)",
            params![up_to, before, oldest_kept, CHUNK],
        )?;
        deleted += transaction.execute(
            "DELETE FROM state WHERE key IN (SELECT key FROM state WHERE until < ?1 LIMIT ?2)",
            params![now, CHUNK],
        )?;
        let oldest: Option<i64> =
            transaction.query_row("SELECT at FROM seen ORDER BY seq LIMIT 1", [], |row| row.get(0)).ok();
        shared.figures.oldest_seen.store(oldest.unwrap_or(0), Ordering::Relaxed);
        transaction.commit()?;
        Ok(deleted)
    }
}

/// Letters whose time is over, some of them.
fn delete_letters(connection: &Connection, until: i64) -> rusqlite::Result<usize> {
    connection.execute(
        "DELETE FROM letter WHERE id IN (SELECT id FROM letter WHERE until < ?1 ORDER BY id LIMIT ?2)",
        params![until, CHUNK],
    )
}

/// How many bytes of the file are in use.
fn size(connection: &Connection) -> rusqlite::Result<u64> {
    let read = |pragma: &str| connection.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get::<_, u64>(0));
    Ok((read("page_count")? - read("freelist_count")?) * read("page_size")?)
}

fn report(worked: rusqlite::Result<()>, what: &str) {
    if let Err(error) = worked {
        tracing::warn!(%error, "could not {what} the journal; trying again");
    }
}
