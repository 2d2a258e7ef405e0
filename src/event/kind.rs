//! The kinds of events, their families, and the fields of their typed views.

use std::fmt;
use std::str::FromStr;

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $text:literal),* $(,)?) => {
        /// What happened, as rules name it. A kind is an edge: `call.ringing` comes once for a leg.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Kind { $($(#[$doc])* $name),* }

        impl Kind {
            /// Every kind, in the order of the reference.
            pub const ALL: &'static [Kind] = &[$(Kind::$name),*];

            /// The kind as rules write it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Kind::$name => $text),* }
            }
        }
    };
}

kinds! {
    /// A leg's state became ringing.
    CallRinging = "call.ringing",
    /// A leg was answered.
    CallConnected = "call.connected",
    /// A leg was put on hold.
    CallHeld = "call.held",
    /// A leg ended (`completed`, `ended` or `idle` on the wire).
    CallEnded = "call.ended",
    /// A whole call ended, with its last leg. Made here, not heard.
    CallFinished = "call.finished",
    /// Any further publication of a leg in the state it already had.
    CallUpdated = "call.updated",
    /// A new message in a conversation.
    ChatMessage = "chat.message",
    /// A message was changed.
    ChatEdited = "chat.edited",
    /// A message was deleted.
    ChatDeleted = "chat.deleted",
    /// A reaction to a message.
    ChatReaction = "chat.reaction",
    /// Somebody types.
    ChatTyping = "chat.typing",
    /// A participant came, changed or left.
    ChatParticipant = "chat.participant",
    /// A conversation was created or changed.
    ChatConversation = "chat.conversation",
    /// Status or override differ from what was known.
    PresenceChanged = "presence.changed",
    /// Any further presence publication.
    PresenceUpdated = "presence.updated",
    /// A user was created.
    UserCreated = "user.created",
    /// A user was changed.
    UserUpdated = "user.updated",
    /// A user was deleted.
    UserDeleted = "user.deleted",
    /// A phone's line state changed.
    EndpointChanged = "endpoint.changed",
    /// Any further publication of a phone.
    EndpointUpdated = "endpoint.updated",
    /// A conference was created.
    ConferenceCreated = "conference.created",
    /// A conference was changed.
    ConferenceUpdated = "conference.updated",
    /// A conference was deleted.
    ConferenceDeleted = "conference.deleted",
    /// A participant of a conference came, changed or left.
    ConferenceParticipant = "conference.participant",
    /// A recording is ready.
    RecordingReady = "recording.ready",
    /// A run was given up and lies with the dead letters.
    GatewayDeadLetter = "gateway.dead_letter",
    /// A circuit breaker opened or closed.
    GatewayBreaker = "gateway.breaker",
    /// A subscription came, changed or went.
    GatewaySubscription = "gateway.subscription",
    /// A var was set.
    GatewayVar = "gateway.var",
    /// Other rules are in force, or those on disk can't be.
    GatewayReload = "gateway.reload",
    /// A canary did not come back, or came back again.
    GatewayCanary = "gateway.canary",
    /// Somebody called a hook of ours.
    Hook = "hook",
    /// The time of a rule with `every` or `cron` came.
    Timer = "timer",
    /// Anything else.
    Publication = "publication",
}

/// The fields of the view `call`.
pub const CALL: &[&str] = &[
    "id",
    "endpoint",
    "user",
    "from",
    "from_raw",
    "from_name",
    "to",
    "to_raw",
    "to_name",
    "state",
    "cause",
    "direction",
    "outside",
    "tracking_id",
    "link",
    "hops",
    "path",
    "answered",
    "answered_by",
    "ring_seconds",
    "talk_seconds",
];
/// The fields of the view `message`.
pub const MESSAGE: &[&str] =
    &["conversation", "id", "body", "content_type", "sender", "name", "email", "tag", "language"];
/// The fields of the view `conversation`.
pub const CONVERSATION: &[&str] = &["id", "name", "tag", "stream", "participants"];
/// The fields of the view `hook`.
pub const HOOK: &[&str] = &["name", "body", "query"];
/// The fields of the view `timer`.
pub const TIMER: &[&str] = &["rule"];
/// The fields of the view `presence`.
pub const PRESENCE: &[&str] = &["principal", "status", "override", "was", "reason"];
/// The fields of the view `user`.
pub const USER: &[&str] = &["id", "name", "email", "extension"];
/// The statuses of a presence (wire reference, 8 \[C\] G), as rules write them.
pub const PRESENCES: &[&str] = &["Available", "Unknown", "Offline", "Busy", "DoNotDisturb", "Away"];
/// The fields of `content.dead_letter`.
pub const DEAD_LETTER: &[&str] = &["rule", "fate", "why", "action", "at", "seq", "kind", "subject", "untold"];
/// The fields of `content.breaker`.
pub const BREAKER: &[&str] = &["host", "whose", "state", "why", "failures", "until", "seconds"];
/// The fields of the view `event`, which every kind has.
pub const EVENT: &[&str] = &["id", "kind", "time", "own", "topic", "method", "subject"];
/// The fields of the view `account`, which every kind has.
pub const ACCOUNT: &[&str] = &["id", "name"];

impl Kind {
    /// What stands before the dot: `call`, `chat`, …
    pub fn family(self) -> &'static str {
        let text = self.as_str();
        text.split_once('.').map_or(text, |(family, _)| family)
    }

    /// Whether the gateway itself makes such events: nothing from outside is ever one.
    pub fn is_own(self) -> bool {
        matches!(self, Self::CallFinished | Self::Hook | Self::Timer) || self.is_gateway()
    }

    /// Whether it tells of the gateway itself. What such an event causes never causes one again.
    pub fn is_gateway(self) -> bool {
        self.family() == "gateway"
    }

    /// Whether it tells of a state that may last: that of a leg, a conversation or a person.
    pub fn tells_a_state(self) -> bool {
        matches!(self.family(), "call" | "chat" | "presence") && !self.is_own()
    }

    /// Whether it may be how such a state begins: what is a mere update of it is none.
    pub fn begins_a_state(self) -> bool {
        self.tells_a_state() && !matches!(self, Self::CallUpdated | Self::PresenceUpdated)
    }

    /// Whether a leg came into another state.
    pub fn is_edge_of_call(self) -> bool {
        matches!(self, Self::CallRinging | Self::CallConnected | Self::CallHeld | Self::CallEnded)
    }

    /// The typed views of this kind beside `event`, `account` and the open `content`: name and fields of each.
    pub fn views(self) -> &'static [(&'static str, &'static [&'static str])] {
        match self.family() {
            "call" => &[("call", CALL)],
            "chat" => &[("message", MESSAGE), ("conversation", CONVERSATION)],
            "hook" => &[("hook", HOOK)],
            "timer" => &[("timer", TIMER)],
            "presence" => &[("presence", PRESENCE)],
            "user" => &[("user", USER)],
            _ => &[],
        }
    }

    /// What `content` has, where that is known: the name of the one thing in it, and its fields.
    pub fn content(self) -> Option<(&'static str, &'static [&'static str])> {
        match self {
            Self::GatewayDeadLetter => Some(("dead_letter", DEAD_LETTER)),
            Self::GatewayBreaker => Some(("breaker", BREAKER)),
            _ => None,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A status of a presence as rules write it, whatever its case on the wire; one that is not known stays as it came.
pub fn presence_status(text: &str) -> &str {
    PRESENCES.iter().find(|known| known.eq_ignore_ascii_case(text)).copied().unwrap_or(text)
}

/// A text that names no kind.
#[derive(Clone, Debug, thiserror::Error)]
#[error("no kind of event is called `{0}`")]
pub struct UnknownKind(pub String);

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, UnknownKind> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == text).ok_or_else(|| UnknownKind(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_read_back() {
        for kind in Kind::ALL {
            assert_eq!(kind.as_str().parse::<Kind>().unwrap(), *kind);
        }
    }
}
