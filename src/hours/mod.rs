//! Opening hours: OpenStreetMap's `opening_hours`, a time zone, public holidays.
//!
//! Pure: asked with a time, answers open or closed, and when that changes. Nothing here reads a clock, a file or the
//! environment, and nothing knows of rules or events.
//!
//! Hours are what a clock on the wall of the office says. Rules are therefore evaluated in wall time only
//! (`table`, over the crate `opening-hours`), and `wall` alone knows how wall time runs in UTC: it repeats an hour
//! when clocks are set back, and misses one when they are set forward. Hours that lie in a missing hour do not take
//! place; hours that lie in a repeated one take place twice.

mod almanac;
mod calendar;
mod error;
mod feed;
mod hidden;
mod holidays;
mod locale;
pub mod moment;
mod notation;
mod table;
mod wall;

pub use almanac::{Day, Times, Unusual, Year};
pub use calendar::{Holiday, known_countries, knows_country};
pub use error::Error;
pub use feed::{Feed, FeedError};
pub use holidays::{DateSpan, DateSpanError, Holidays};
pub use locale::{Dial, Locale};
pub use table::Hours;

#[cfg(test)]
mod tests;
