//! Where a cell stands in the text of its file. Only asked for what is wrong, so nothing is kept of it.

use std::ops::Range;

/// Where a row begins: behind empty lines.
pub(super) fn row(text: &str, start: usize) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    start + rest.len() - rest.trim_start_matches(['\r', '\n']).len()
}

/// The line that begins there, without its end.
pub(super) fn line(text: &str, start: usize) -> Range<usize> {
    let rest = text.get(start..).unwrap_or_default();
    start..start + rest.find(['\r', '\n']).unwrap_or(rest.len())
}

/// The cell of a row, without the blanks around it; of a row that is shorter, its end.
pub(super) fn cell(text: &str, start: usize, column: usize) -> Range<usize> {
    let bytes = text.as_bytes();
    let mut at = row(text, start);
    for nth in 0..=column {
        let end = cell_end(bytes, at);
        if nth == column {
            let cell = text.get(at..end).unwrap_or_default();
            let blank = cell.len() - cell.trim_start().len();
            return at + blank..(at + cell.trim_end().len()).max(at + blank);
        }
        if bytes.get(end) != Some(&b',') {
            return end..end;
        }
        at = end + 1;
    }
    at..at
}

/// Where the row that begins there ends.
pub(super) fn row_end(text: &str, start: usize) -> usize {
    let bytes = text.as_bytes();
    let mut at = cell_end(bytes, row(text, start));
    while bytes.get(at) == Some(&b',') {
        at = cell_end(bytes, at + 1);
    }
    at
}

/// The comma or the line's end behind a cell. Quotes count where a cell begins with one.
fn cell_end(bytes: &[u8], mut at: usize) -> usize {
    if bytes.get(at) == Some(&b'"') {
        at += 1;
        while let Some(byte) = bytes.get(at) {
            at += 1;
            if *byte == b'"' {
                if bytes.get(at) != Some(&b'"') {
                    break;
                }
                at += 1;
            }
        }
    }
    while bytes.get(at).is_some_and(|byte| !matches!(byte, b',' | b'\r' | b'\n')) {
        at += 1;
    }
    at
}
