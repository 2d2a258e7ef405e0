//! Variants: for what nobody public says about the wire, the other ways in which CloudLink may be. A simulator plays the
//! plain way of each unless it was told otherwise; a gateway that takes the wire as it must be taken works under all of them.
//! Here is only the list; each variant is played where the fact lives.

use std::fmt;
use std::str::FromStr;

macro_rules! variants {
    ($($variant:ident = $name:literal, $section:literal, $line:literal;)*) => {
        /// One way in which CloudLink may be different from what the simulator plays plainly.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Variant {
            $(#[doc = $line] $variant,)*
        }

        impl Variant {
            /// All of them, in the order of the sections of the public facts.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// As it is named on the command line.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The section of the collected public facts that it plays.
            pub const fn section(self) -> &'static str {
                match self { $(Self::$variant => $section,)* }
            }

            /// What is different, in one line.
            pub const fn line(self) -> &'static str {
                match self { $(Self::$variant => $line,)* }
            }
        }
    };
}

variants! {
    Envelope = "envelope", "2.1", "a delivery is an object with a list, \"publications\"";
    EnvelopeArray = "envelope-array", "2.1", "a delivery is a list of publications";
    EnvelopeOne = "envelope-one", "2.1", "a delivery is an object with one \"publication\"";
    NoPublicationId = "no-publication-id", "2.1", "a delivery has no publicationId";
    PbxDataText = "pbx-data-text", "2.1", "extraPbxData is a text that holds JSON";
    MediaBare = "media-bare", "2.2", "subjects of calls, conferences and recordings have no version";
    ChatVersioned = "chat-versioned", "2.2", "subjects of conversations begin with the version";
    AdminVersioned = "admin-versioned", "2.2", "subjects of Admin begin with the version";
    PresenceVersioned = "presence-versioned", "2.2", "subjects of presence begin with the version";
    SubjectApi = "subject-api", "2.2", "subjects with a version have /api before it";
    SignatureUpper = "signature-HEX", "2.3", "x-notify-signature is upper-case hex";
    SignaturePrefixed = "signature-prefixed", "2.3", "x-notify-signature is sha256= and hex";
    SignatureBase64 = "signature-base64", "2.3", "x-notify-signature is base64";
    SignatureBase64Url = "signature-base64url", "2.3", "x-notify-signature is base64url without padding";
    DeliveryOnce = "delivery-once", "2.4", "a delivery that fails is not repeated";
    DeliveryProbe = "delivery-probe", "2.4", "a new webhook is asked with GET once";
    SubscriptionsArray = "subscriptions-array", "3.2", "the list of subscriptions is a bare array";
    SubscriptionsItems = "subscriptions-items", "3.2", "the list of subscriptions is {\"items\": []}";
    SubscriptionsRefused = "subscriptions-refused", "3.2", "the list of subscriptions is refused with 403";
    SubscriptionsMissing = "subscriptions-missing", "3.2", "there is no list of subscriptions: 404";
    SubscriptionId = "subscription-id", "3.2", "a subscription's id is `id`, not `subscriptionId`";
    SubscriptionBare = "subscription-bare", "3.2", "the answer to a new subscription is its id and nothing else";
    SubscriptionUnique = "subscription-unique", "3.2", "the same subscription again answers the one that exists";
    SubscriptionSecret = "subscription-secret", "2.3", "lists of subscriptions do not show the applicationId";
    SubscriptionsDie = "subscriptions-die", "3.2", "a subscription ends with the token that made it";
    SubscriptionNoPut = "subscription-no-put", "3.1", "a subscription can't be changed: PUT is no route";
    SubjectFilterStart = "subject-filter-start", "3.2", "a subjectFilter without ^ is found only at the start";
    MethodFilterPattern = "method-filter-pattern", "3.2", "methodFilter is a regular expression";
    PublicationAccepted = "publication-accepted", "3.4", "a publication is answered with 202 and an empty body";
    ConnectionNested = "connection-nested", "4", "the answer of /connections holds its URL deep in an object";
    ConnectionList = "connection-list", "4", "the answer of /connections is an array";
    ConnectionText = "connection-text", "4", "the answer of /connections is the URL as a JSON text";
    Ok200 = "ok-200", "3.2, 7", "what was made is answered with 200 in the place of 201, but for tokens";
    ExpiresInText = "expires-in-text", "5.1", "expires_in is a text";
    NoRefreshToken = "no-refresh-token", "5.1", "a token comes without a refresh token";
    RefreshReusable = "refresh-reusable", "5.1", "an old refresh token stays good after its use";
    RefreshKept = "refresh-kept", "5.1", "a refresh answers no new refresh token; the old one stays good";
    ClaimsTyped = "claims-typed", "5.2", "claims are numbers and booleans, not texts";
    CorrelationAdopted = "correlation-adopted", "5.5", "an answer has the correlation id of its request";
    ControlDone = "control-done", "6.1", "controlling a call is answered with 200, not 202";
    EndpointAccepted = "endpoint-accepted", "6.1", "changing an endpoint is answered with 202 and an empty body";
    HoldSets = "hold-sets", "6.2", "hold is no toggle: a second hold changes nothing";
    DndSets = "dnd-sets", "6.3", "dnd is no toggle: it does what `enabled` says";
    EndpointStrict = "endpoint-strict", "6.3", "changing an endpoint needs both action and userAvailability";
    StateEnded = "state-ended", "6.3", "a call that is over is `ended`, not `completed`";
    StateIdle = "state-idle", "6.3", "a call that is over is `idle`, not `completed`";
    ConferenceTags = "conference-tags", "6.4", "$expand=tags embeds `tags`, not `conferenceTags`";
    DirectReused = "direct-reused", "7.2", "a second direct conversation of the same people is the first";
    OldestFirst = "oldest-first", "7.2", "messages are listed oldest first";
    TagFilter = "tag-filter", "7.2", "messages can be filtered by their tag";
    UserIdOnly = "user-id-only", "7.2", "participants have a userId and no participantId";
    ParticipantIds = "participant-ids", "7.2", "a participantId is not the userId";
    Attachments2017 = "attachments-2017", "7.1", "attachments are at …/content, their metadata at the plain path";
    MessageNested = "message-nested", "7.4", "content.body of a message's notification is the whole message";
    SenderUserId = "sender-user-id", "7.4", "a message's notification names its sender `userId`";
    SenderPublisher = "sender-publisher", "7.4", "a message's notification names its sender only as publisher";
    NoOwnMessages = "no-own-messages", "7.4", "who sends a message is not notified of it";
    ButtonTitle = "button-title", "7.3", "a pressed button comes as its title, not as its payload";
    PresenceFlat = "presence-flat", "8", "a presentity has aggregatePresence beside presences";
    PresenceShort = "presence-short", "8", "a presentity has presences.aggregate and presences.principal";
    PresenceArray = "presence-array", "8", "a presentity has presences as an array with types";
    PresenceSingle = "presence-single", "8", "a notification of presence has one `presence`";
    PresenceBare = "presence-bare", "8", "a notification of presence is the presence itself";
    PresenceUpper = "presence-upper", "8", "the keys and values of a presence are written in capitals: Status, BUSY";
    AdminNumber = "admin-number", "9", "subjects of Admin have the account's number, not its GUID";
    AdminShort = "admin-short", "9", "subjects of Admin end in /users, the id is in the content only";
    AdminIdOnly = "admin-id-only", "9", "the content of a notification of Admin is the userId and nothing else";
    DeliveryGuide = "delivery-guide", "10", "agreements are written as in the guide: Id, Status, agreementItems";
    CountTotal = "count-total", "11.1", "count is that of the whole collection";
    SmallPages = "small-pages", "11.1", "a page has at most 3 items, whatever was asked for";
    EmptyBare = "empty-bare", "11.1", "an empty collection has no _embedded";
    EmptyListed = "empty-listed", "11.1", "an empty collection has _embedded.items";
    NextAbsolute = "next-absolute", "11.1", "_links.next is an absolute URL";
    NextEscaped = "next-escaped", "11.1", "_links.next is percent-encoded";
    MessageOnly = "message-only", "11.2", "an error has only a message";
    ErrorWords = "error-words", "11.2", "an error has error and error_description";
    ErrorEmpty = "error-empty", "11.2", "an error has no body";
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Variant {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|variant| variant.name() == text);
        found
            .copied()
            .ok_or_else(|| format!("`{text}` is no variant; `switchhook simulate --list-variants` lists them"))
    }
}

/// The variants that a simulator plays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Variants(u128);

impl Variants {
    /// Whether this one is played.
    pub const fn has(self, variant: Variant) -> bool {
        self.0 & (1 << variant as u32) != 0
    }
}

impl FromIterator<Variant> for Variants {
    fn from_iter<I: IntoIterator<Item = Variant>>(variants: I) -> Self {
        Self(variants.into_iter().fold(0, |set, variant| set | 1 << variant as u32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variant_is_found_by_its_own_name_and_told_from_the_others() {
        assert!(Variant::ALL.len() <= 128);
        for variant in Variant::ALL {
            assert_eq!(variant.name().parse(), Ok(*variant), "the name is not unique");
            let set: Variants = [*variant].into_iter().collect();
            let played: Vec<_> = Variant::ALL.iter().filter(|other| set.has(**other)).collect();
            assert_eq!(played, [variant]);
            assert!(!variant.section().is_empty() && !variant.line().is_empty());
        }
        assert!("nothing".parse::<Variant>().is_err());
    }
}
