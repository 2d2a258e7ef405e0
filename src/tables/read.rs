//! Reading a CSV file: the header, then row by row into a table, with all that is wrong.

use std::hash::{BuildHasher, RandomState};
use std::ops::Range;
use std::sync::Arc;

use csv::{ReaderBuilder, StringRecord, Trim};
use hashbrown::HashTable;

use crate::language::{Finding, Report, Source, suggest};
use crate::numbers::Never;

use super::cells::Cells;
use super::{Match, Shape, Sheet, Table, place};

/// The most rows of a table.
const MAX_ROWS: usize = 1_000_000;
/// The most columns of a table.
const MAX_COLUMNS: usize = 1000;
/// The most cells of a table.
const MAX_CELLS: usize = 16 << 20;
/// The longest key: what bounds a search for the longest beginning.
const MAX_KEY: usize = 256;
/// The most findings in one file.
const MAX_FINDINGS: usize = 1000;
/// What some programs write in front of UTF-8.
const BOM: char = '\u{feff}';

/// Reads a table. What is found is put into `report`; without a header that holds together there is no table.
pub fn read(source: &Source, shape: &Shape<'_>, report: &mut Report) -> Option<Sheet> {
    let base = if source.text.starts_with(BOM) { BOM.len_utf8() } else { 0 };
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(Trim::All)
        .from_reader(source.text.get(base..).unwrap_or_default().as_bytes());
    let mut record = StringRecord::new();
    let mut reading = Reading { source, shape, base, report, found: 0 };
    // Text that is UTF-8 and has rows of any length can be read; were it not so, the file would end there.
    let mut next = |record: &mut StringRecord| reader.read_record(record).unwrap_or(false);
    if !next(&mut record) {
        reading.error("no-header", 0..0, "the table is empty: its first row names the columns", None);
        return None;
    }
    let mut table = reading.header(&record)?;
    let mut rows = Vec::new();
    while next(&mut record) {
        if table.cells.len() + table.columns.len() > MAX_CELLS || rows.len() >= MAX_ROWS {
            let message =
                format!("a table has at most {MAX_ROWS} rows and {MAX_CELLS} cells; the rows from here on are more");
            reading.error("table-too-large", reading.line(&record), message, None);
            break;
        }
        reading.row(&record, &mut table, &mut rows);
    }
    table.finish();
    rows.shrink_to_fit();
    Some(Sheet { table: Arc::new(table), source: source.clone(), rows })
}

struct Reading<'a> {
    source: &'a Source,
    shape: &'a Shape<'a>,
    base: usize,
    report: &'a mut Report,
    found: usize,
}

impl Reading<'_> {
    fn header(&mut self, record: &StringRecord) -> Option<Table> {
        if record.len() > MAX_COLUMNS {
            let message = format!("a table has at most {MAX_COLUMNS} columns; this header names {}", record.len());
            self.error("table-too-large", self.line(record), message, Some("is a line break missing?".to_owned()));
            return None;
        }
        let columns: Vec<Arc<str>> = record.iter().map(Arc::from).collect();
        let mut sound = true;
        for (at, column) in columns.iter().enumerate() {
            if !column.is_empty() && columns[..at].contains(column) {
                let help = Some("give one of them another name".to_owned());
                let message = format!("two columns are called `{column}`");
                self.error("duplicate-column", self.cell(record, at), message, help);
                sound = false;
            }
        }
        let wanted = self.shape.key;
        let key = columns.iter().position(|column| !wanted.is_empty() && **column == *wanted);
        if key.is_none() {
            let semicolons = columns.len() == 1 && columns.iter().any(|column| column.contains(';'));
            let help = if semicolons {
                Some("cells are separated by commas; this file seems to use semicolons".to_owned())
            } else {
                let columns = columns.iter().map(|column| &**column).filter(|column| !column.is_empty());
                suggest::did_you_mean(wanted, columns.collect::<Vec<_>>())
            };
            let message = format!("the table has no column `{wanted}`, which its key is said to be");
            self.error("unknown-column", self.line(record), message, help);
        }
        Some(Table {
            columns,
            key: key.filter(|_| sound)?,
            matching: self.shape.matching,
            numbers: self.shape.phone.cloned(),
            cells: Cells::default(),
            keys: self.shape.phone.map(|_| Cells::default()),
            index: HashTable::new(),
            hasher: RandomState::new(),
            lengths: Vec::new(),
        })
    }

    fn row(&mut self, record: &StringRecord, table: &mut Table, rows: &mut Vec<(u32, u32)>) {
        let width = table.columns.len();
        // What a spreadsheet leaves of a row that was emptied.
        if record.iter().all(str::is_empty) {
            return;
        }
        if record.iter().skip(width).any(|cell| !cell.is_empty()) {
            let message = format!("this row has {} cells, and the header names {width}", record.len());
            let help = "a cell with a comma in it stands in quotes: \"…, …\"".to_owned();
            return self.error("long-row", self.cell(record, width), message, Some(help));
        }
        if record.len() < width {
            self.short(record, table);
        }
        let cell = record.get(table.key).unwrap_or_default();
        if cell.is_empty() {
            let message = format!("the key `{}` of this row is empty", self.shape.key);
            return self.error("empty-key", self.cell(record, table.key), message, None);
        }
        if cell.len() > MAX_KEY {
            let message = format!("this key is longer than {MAX_KEY} bytes");
            return self.error(
                "empty-key",
                self.cell(record, table.key),
                message,
                Some("is a quote missing?".to_owned()),
            );
        }
        let Some(key) = self.key(record, table.key, cell) else { return };
        let row = table.index.len();
        let hash = table.hasher.hash_one(&*key);
        if let Some(earlier) = table.with_key(&key) {
            return self.twice(record, table, rows, earlier);
        }
        for column in 0..width {
            table.cells.push(record.get(column).unwrap_or_default());
        }
        if let Some(keys) = &mut table.keys {
            keys.push(&key);
        }
        table.insert(hash, row as u32);
        let start = self.start(record);
        let line = record.position().map_or(1, csv::Position::line) + skipped(&self.source.text, record, self.base);
        rows.push((start as u32, line as u32));
    }

    fn short(&mut self, record: &StringRecord, table: &Table) {
        let (start, width) = (self.start(record), table.columns.len());
        let end = place::row_end(&self.source.text, start);
        let missing: Vec<&str> = table.columns.iter().skip(record.len()).map(|column| &**column).collect();
        let message =
            format!("this row has {} cells, and the header names {width}: {} missing", record.len(), are(&missing));
        let text = self.source.text.get(start..end).unwrap_or_default();
        let help = if text.contains('\n') {
            "a cell in quotes may go over several lines; is a closing quote missing?"
        } else {
            "write a comma for each cell that is empty"
        };
        let span = place::line(&self.source.text, start);
        self.note(Finding::warning("short-row", self.source, span, message).help(help));
    }

    /// The key that is looked for: of a table of numbers in the form that calls have.
    fn key(&mut self, record: &StringRecord, column: usize, cell: &str) -> Option<Arc<str>> {
        let Some(numbers) = self.shape.phone else { return Some(cell.into()) };
        let (key, why) = match self.shape.matching {
            Match::LongestPrefix => (numbers.prefix(cell).map(Arc::from), "is not how numbers begin"),
            Match::Exact => match numbers.never(cell) {
                Some(Never::Incomplete) => (None, "is too short or too long for a number, or of no country"),
                Some(Never::NoNumber) => (None, "is no number"),
                Some(Never::Withheld) => (None, "stands for a caller who does not say; such a number is missing"),
                Some(Never::Written(_)) | None => (numbers.normal(cell), ""),
            },
        };
        if key.is_none() {
            let message = format!("the key `{cell}` can never equal a number: it {why}");
            let help = "write numbers such as +16135550142, or with [locale] country as they are dialled there";
            let span = self.cell(record, column);
            self.note(Finding::warning("key-never-matches", self.source, span, message).help(help));
        }
        key
    }

    fn twice(&mut self, record: &StringRecord, table: &Table, rows: &[(u32, u32)], earlier: usize) {
        let cell = record.get(table.key).unwrap_or_default();
        let line = rows.get(earlier).map_or(1, |(_, line)| *line);
        let other = table.cells.get(earlier * table.columns.len() + table.key);
        let message = if other == cell {
            format!("the key `{cell}` is also that of line {line}")
        } else {
            format!("the key `{cell}` is the same number as `{other}` in line {line}")
        };
        let help = Some("each key has one row; take one of the two out".to_owned());
        self.error("duplicate-key", self.cell(record, table.key), message, help);
    }

    fn error(&mut self, code: &'static str, span: Range<usize>, message: impl Into<String>, help: Option<String>) {
        self.note(Finding::error(code, self.source, span, message).maybe_help(help));
    }

    fn note(&mut self, finding: Finding) {
        self.found += 1;
        if self.found <= MAX_FINDINGS {
            self.report.push(finding);
        }
    }

    fn start(&self, record: &StringRecord) -> usize {
        place::row(&self.source.text, self.base + record.position().map_or(0, |at| at.byte() as usize))
    }

    fn line(&self, record: &StringRecord) -> Range<usize> {
        place::line(&self.source.text, self.start(record))
    }

    fn cell(&self, record: &StringRecord, column: usize) -> Range<usize> {
        place::cell(&self.source.text, self.start(record), column)
    }
}

/// How many line breaks stand between the place that the reader tells and the row.
fn skipped(text: &str, record: &StringRecord, base: usize) -> u64 {
    let from = base + record.position().map_or(0, |at| at.byte() as usize);
    let blank = text.get(from..place::row(text, from)).unwrap_or_default();
    blank.bytes().filter(|byte| *byte == b'\n').count() as u64
}

fn are(names: &[&str]) -> String {
    let verb = if names.len() == 1 { "is" } else { "are" };
    format!("{} {verb}", suggest::list(names))
}

impl Table {
    /// Adds a row whose key is in no other.
    fn insert(&mut self, hash: u64, row: u32) {
        let Self { index, hasher, keys, cells, columns, key, .. } = self;
        let (width, key) = (columns.len(), *key);
        let of = |row: u32| match &keys {
            Some(keys) => keys.get(row as usize),
            None => cells.get(row as usize * width + key),
        };
        index.insert_unique(hash, row, |row| hasher.hash_one(of(*row)));
    }

    fn finish(&mut self) {
        self.cells.shrink();
        if let Some(keys) = &mut self.keys {
            keys.shrink();
        }
        let mut seen = [false; MAX_KEY + 1];
        for row in 0..self.len() {
            if let Some(seen) = seen.get_mut(self.key(row).len()) {
                *seen = true;
            }
        }
        self.lengths = (0..seen.len()).rev().filter(|length| seen[*length]).collect();
    }
}
