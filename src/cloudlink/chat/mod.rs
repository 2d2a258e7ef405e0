//! The Conversations API; its host is `chat` (wire reference, 7).

mod attachments;
mod conversations;
mod messages;
mod participants;

pub use conversations::{Conversation, ConversationChange, NewConversation};
pub use messages::{Content, Message, MessageChange, Reaction, Recent, message_tag};
pub use participants::{Participant, Typing};
