//! Tables: CSV files that rules look things up in, by a key that is equal or by the longest one that a value begins with.
//!
//! Pure: text in, a [`Table`] out, and every mistake of the file with its place. Cells are text, an empty one is missing. A
//! table of a million rows is some text with the ends of its cells, and one hash for each key.

mod cells;
mod place;
mod read;
#[cfg(test)]
mod tests;

use std::hash::{BuildHasher, RandomState};
use std::ops::Range;
use std::sync::Arc;

use hashbrown::HashTable;
use serde_json::{Map, Value};

use crate::language::Source;
use crate::numbers::Numbers;

use cells::Cells;
pub use read::read;

/// How a value finds its row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Match {
    /// The key is equal.
    #[default]
    Exact,
    /// The value begins with the key; of several, the longest counts.
    LongestPrefix,
}

/// What a rule file says of a table.
#[derive(Clone, Copy, Debug)]
pub struct Shape<'a> {
    /// The column with the keys.
    pub key: &'a str,
    /// How a value finds its row.
    pub matching: Match,
    /// Keys are numbers, and this is how they are read.
    pub phone: Option<&'a Numbers>,
}

/// A table, ready to be looked things up in.
#[derive(Clone, Debug)]
pub struct Table {
    columns: Vec<Arc<str>>,
    key: usize,
    matching: Match,
    numbers: Option<Numbers>,
    /// All rows, one after the other, each as wide as the header.
    cells: Cells,
    /// The keys of a table of numbers, in E.164.
    keys: Option<Cells>,
    /// Rows by the hash of their key.
    index: HashTable<u32>,
    hasher: RandomState,
    /// How long keys are, the longest first.
    lengths: Vec<usize>,
}

/// A row of a table.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    table: &'a Table,
    at: usize,
}

/// A table with its file, for what is checked when rules are read.
#[derive(Clone, Debug)]
pub struct Sheet {
    /// The table.
    pub table: Arc<Table>,
    /// The file.
    pub source: Source,
    /// Byte and line of each row.
    rows: Vec<(u32, u32)>,
}

impl Table {
    /// The names of the columns; one that has none is empty.
    pub fn columns(&self) -> &[Arc<str>] {
        &self.columns
    }

    /// Whether there is such a column.
    pub fn has(&self, column: &str) -> bool {
        self.column(column).is_some()
    }

    /// How a value finds its row.
    pub fn matching(&self) -> Match {
        self.matching
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// There are none.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// All rows in the order of the file.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        (0..self.len()).map(|at| Row { table: self, at })
    }

    /// The row that a value finds.
    pub fn find(&self, value: &str) -> Option<Row<'_>> {
        let number = match &self.numbers {
            Some(numbers) => Some(numbers.normal(value)?),
            None => None,
        };
        let at = self.looked_up(number.as_deref().unwrap_or(value))?;
        Some(Row { table: self, at })
    }

    /// Whether its keys are numbers.
    pub fn is_of_numbers(&self) -> bool {
        self.numbers.is_some()
    }

    /// Whether no value finds a row in both. Of a table of numbers and another one that is not known. Takes as long as there
    /// are rows in both.
    pub fn is_apart_from(&self, other: &Self) -> bool {
        if self.is_of_numbers() != other.is_of_numbers() {
            return self.is_empty() || other.is_empty();
        }
        let none = |keys: &Self, table: &Self| keys.rows().all(|row| table.looked_up(row.key()).is_none());
        match (self.matching, other.matching) {
            (Match::Exact, _) => none(self, other),
            (_, Match::Exact) => none(other, self),
            // Whatever begins with a key of each begins with the longer of the two, which begins with the shorter.
            (Match::LongestPrefix, Match::LongestPrefix) => none(self, other) && none(other, self),
        }
    }

    /// The row of a value, which is in E.164 where keys are numbers.
    fn looked_up(&self, value: &str) -> Option<usize> {
        match self.matching {
            Match::Exact => self.with_key(value),
            Match::LongestPrefix => {
                let mut beginnings = self.lengths.iter().filter_map(|length| value.get(..*length));
                beginnings.find_map(|beginning| self.with_key(beginning))
            }
        }
    }

    fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| !column.is_empty() && **column == *name)
    }

    fn key(&self, row: usize) -> &str {
        match &self.keys {
            Some(keys) => keys.get(row),
            None => self.cells.get(row * self.columns.len() + self.key),
        }
    }

    fn with_key(&self, key: &str) -> Option<usize> {
        let hash = self.hasher.hash_one(key);
        self.index.find(hash, |row| self.key(*row as usize) == key).map(|row| *row as usize)
    }
}

impl<'a> Row<'a> {
    /// Its key: of a table of numbers in E.164, else as it is written.
    pub fn key(&self) -> &'a str {
        self.table.key(self.at)
    }

    /// Which row it is, counted from 0.
    pub fn place(&self) -> usize {
        self.at
    }

    /// What stands in a column. Missing is `None`: no such column, or an empty cell.
    pub fn cell(&self, column: &str) -> Option<&'a str> {
        let cell = self.table.column(column).map(|column| self.at(column))?;
        (!cell.is_empty()).then_some(cell)
    }

    fn at(&self, column: usize) -> &'a str {
        self.table.cells.get(self.at * self.table.columns.len() + column)
    }

    /// The cells that are not empty, by the names of their columns.
    pub fn to_json(&self) -> Value {
        let columns = self.table.columns.iter().enumerate().filter(|(_, name)| !name.is_empty());
        let cells = columns.map(|(column, name)| (name.to_string(), self.at(column)));
        Value::Object(
            cells.filter(|(_, cell)| !cell.is_empty()).map(|(name, cell)| (name, cell.into())).collect::<Map<_, _>>(),
        )
    }
}

impl Sheet {
    /// The line of a row.
    pub fn line(&self, row: &Row<'_>) -> usize {
        self.rows.get(row.at).map_or(1, |(_, line)| *line as usize)
    }

    /// Where a cell of a row stands in the file.
    pub fn span(&self, row: &Row<'_>, column: &str) -> Range<usize> {
        let start = self.rows.get(row.at).map_or(0, |(start, _)| *start as usize);
        place::cell(&self.source.text, start, self.table.column(column).unwrap_or_default())
    }
}
