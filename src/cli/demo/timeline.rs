//! What a person sees of the demo: one line per happening, the time since the start, who, and what. It prints and
//! counts; it decides nothing.

use std::io::{Stdout, Write};
use std::time::Instant;

/// Prints the demo's lines. Colour is only an ornament: without it nothing is missing.
pub(super) struct Timeline {
    began: Instant,
    colour: bool,
    out: Stdout,
}

const DIM: &str = "2";
const BOLD: &str = "1";
const CYAN: &str = "36";
const GREEN: &str = "32";
const RED: &str = "31";

impl Timeline {
    /// Begins now.
    pub(super) fn begin(colour: bool) -> Self {
        Self { began: Instant::now(), colour, out: std::io::stdout() }
    }

    /// Seconds since it began.
    pub(super) fn seconds(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    /// A line of its own without a time.
    pub(super) fn line(&self, text: &str) {
        // Whoever closes the pipe has seen enough; the exit code still says how it ended.
        let _ = writeln!(self.out.lock(), "{text}");
    }

    /// A heading after an empty line.
    pub(super) fn heading(&self, text: &str) {
        self.line(&format!("\n{}", self.paint(BOLD, text)));
    }

    /// Something happened.
    pub(super) fn say(&self, who: &str, what: &str) {
        let time = format!("{:>7.2} s", self.seconds());
        self.line(&format!("{}  {}  {what}", self.paint(DIM, &time), self.paint(CYAN, &format!("{who:<9}"))));
    }

    /// A story ended as it was told.
    pub(super) fn as_told(&self) {
        self.line(&format!("           {}", self.paint(GREEN, "✓ as told")));
    }

    /// A story ended otherwise.
    pub(super) fn otherwise(&self, why: &str) {
        self.line(&format!("           {}", self.paint(RED, "✗ not as told")));
        for line in why.lines() {
            self.line(&format!("             {line}"));
        }
    }

    /// How it went in all.
    pub(super) fn verdict(&self, good: bool, text: &str) {
        self.line(&format!("\n{}", self.paint(if good { GREEN } else { RED }, text)));
    }

    fn paint(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}
