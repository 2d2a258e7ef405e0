//! The simulated world: everything that handlers share. Each part guards itself; there is no lock over all.

use std::sync::Arc;

use super::books::Books;
use super::chat::Chats;
use super::clock::Clock;
use super::moods::Moods;
use super::notify::Notify;
use super::options::Options;
use super::phones::Phones;
use super::tasks::Tasks;
use super::tokens::Tokens;

/// The state of one simulator.
pub(crate) struct World {
    pub(crate) options: Options,
    pub(crate) clock: Clock,
    pub(crate) tokens: Tokens,
    pub(crate) notify: Notify,
    pub(crate) phones: Phones,
    pub(crate) chats: Chats,
    pub(crate) books: Arc<Books>,
    pub(crate) moods: Moods,
}

impl World {
    /// A world in which nothing has happened yet.
    pub(crate) fn new(options: Options, tasks: Tasks) -> std::io::Result<Arc<Self>> {
        let books = Arc::new(Books::default());
        let clock = Clock::ahead_by(options.clock_offset);
        let notify = Notify::new(&options, clock, tasks, Arc::clone(&books))?;
        Ok(Arc::new(Self {
            clock,
            notify,
            books,
            options,
            tokens: Tokens::new(clock),
            phones: Phones::new(clock),
            chats: Chats::new(clock),
            moods: Moods::default(),
        }))
    }
}

/// A new GUID.
pub(crate) fn guid() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// A new id of 32 hex digits without dashes.
pub(crate) fn plain_id() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}
