//! The text of the language: sources, spanned TOML, findings with their place, templates, expressions and regexes.
//!
//! Everything that is written by hand (rules now, dialogs and tables later) is read through this room, so that each
//! mistake is shown in one way, with its line and a caret. Nothing here knows what a call, an event or an hour is,
//! nothing is matched or decided here, and no text that came from outside is ever evaluated.

mod attached;
pub mod codes;
mod compare;
pub mod diagnostic;
pub mod document;
mod functions;
mod pattern;
pub mod render;
mod scan;
pub mod source;
pub mod suggest;
pub mod template;
mod tongue;
pub mod values;

pub use attached::Attached;
pub use diagnostic::{Finding, Report, Severity};
pub use pattern::{Captures, Pattern};
pub use scan::compared;
pub use source::Source;
pub use template::{Condition, Engine, Place, Template};
pub use values::{Fields, Values};
