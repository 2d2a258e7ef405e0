//! Every route of the APIs, and how surely it is known: the one table that the client, the settings and the tests share.
//!
//! A place is a path below an API's version, with the ids that it takes in braces. A route is a method of a place.
//! Places that Mitel does not confirm can be moved by a setting (see [`Paths`](super::Paths)).

use super::client::Api;

/// How sure a fact of the wire is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// Stated by Mitel.
    Confirmed,
    /// Seen in a working client, an older version, or one sample.
    Probable,
    /// Said by nobody public.
    Assumed,
}

use Mark::{Assumed as A, Confirmed as C, Probable as P};

/// One route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The HTTP method.
    pub method: &'static str,
    /// Where.
    pub place: Place,
    /// How sure it is.
    pub mark: Mark,
    /// The function of the client that calls it.
    pub function: &'static str,
}

macro_rules! places {
    ($($place:ident $api:ident $name:literal $template:literal [$($method:ident $mark:ident $function:literal),+])+) => {
        /// A path of an API.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "the table says where each is")]
        pub enum Place { $($place),+ }

        impl Place {
            /// All of them, by API.
            pub const ALL: &'static [Self] = &[$(Self::$place),+];

            /// Its name in settings.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$place => $name),+ }
            }

            /// Whose it is.
            pub const fn api(self) -> Api {
                match self { $(Self::$place => Api::$api),+ }
            }

            /// Its path, unless a setting says another.
            pub const fn template(self) -> &'static str {
                match self { $(Self::$place => $template),+ }
            }
        }

        /// Every route of the wire reference.
        pub const ROUTES: &[Route] = &[
            $($(Route { method: stringify!($method), place: Place::$place, mark: $mark, function: $function }),+),+
        ];
    };
}

places! {
    Token Authentication "token" "/token" [POST C "sign in", GET C "who_am_i"]
    Authorize Authentication "authorize" "/authorize" [POST C "sign in"]
    GuestToken Authentication "guest_token" "/guest/token" [POST C "sign in"]
    AssumedRole Authentication "assume_role" "/assume-role/token" [POST C "sign in"]
    Applications Authentication "applications" "/applications" [GET C "applications", POST C "create_application"]
    Application Authentication "application" "/applications/{application}"
        [GET C "application", PUT C "change_application"]

    Subscriptions Notifications "subscriptions" "/subscriptions" [POST C "subscribe", GET P "subscriptions"]
    Subscription Notifications "subscription" "/subscriptions/{subscription}"
        [GET A "subscription", PUT A "change_subscription", DELETE P "unsubscribe"]
    Connections Notifications "connections" "/connections" [POST C "connect"]
    Publications Notifications "publications" "/publications" [POST A "publish"]

    Endpoint Media "endpoint" "/endpoints/{endpoint}" [GET C "endpoint", PUT C "change_endpoint"]
    EndpointCalls Media "endpoint_calls" "/endpoints/{endpoint}/calls" [GET C "calls", POST C "make_call"]
    Call Media "call" "/endpoints/{endpoint}/calls/{call}" [GET C "call", PUT C "control"]
    CallRecords Media "call_records" "/calls/records" [GET C "call_records", PUT C "hide_call_records"]
    RecordsOfCall Media "records_of_call" "/calls/{call}/records"
        [GET C "records_of_call", PUT C "hide_records_of_call"]
    Calls Media "calls" "/calls" [GET P "all_calls"]
    Conferences Media "conferences" "/conferences" [GET C "conferences", POST C "create_conference"]
    ConferenceContent Media "conference_content" "/conferences/content" [GET C "search_conferences"]
    Conference Media "conference" "/conferences/{conference}"
        [GET C "conference", PUT C "change_conference", DELETE C "delete_conference", POST C "control_conference"]
    ConferenceParticipants Media "conference_participants" "/conferences/{conference}/participants"
        [GET C "conference_participants", POST C "add_conference_participant"]
    ConferenceParticipant Media "conference_participant" "/conferences/{conference}/participants/{participant}"
        [GET C "conference_participant", PUT C "change_conference_participant", DELETE C "remove_conference_participant"]
    ParticipantConnections Media "participant_connections"
        "/conferences/{conference}/participants/{participant}/connections" [POST C "connect_conference_participant"]
    ConferenceInstance Media "conference_instance" "/conferences/{conference}/instances/{instance}"
        [GET C "conference_instance"]
    UserConferences Media "user_conferences" "/users/{user}/conferences" [GET C "conferences_of_user"]
    UserAttendances Media "user_attendances" "/users/{user}/attendances" [GET C "attendances_of_user"]
    Recordings Media "recordings" "/recordings" [GET C "recordings"]
    Recording Media "recording" "/recordings/{recording}"
        [GET C "recording", PUT C "label_recording", DELETE C "delete_recording"]

    Conversations Chat "conversations" "/conversations" [POST C "create_conversation", GET P "conversations"]
    Conversation Chat "conversation" "/conversations/{conversation}"
        [DELETE C "delete_conversation", GET A "conversation", PUT A "change_conversation"]
    Messages Chat "messages" "/conversations/{conversation}/messages" [POST C "send_message", GET P "messages"]
    Message Chat "message" "/conversations/{conversation}/messages/{message}"
        [GET A "message", PUT A "change_message", DELETE A "delete_message"]
    Reactions Chat "reactions" "/conversations/{conversation}/messages/{message}/reactions"
        [POST C "react", GET A "reactions"]
    Reaction Chat "reaction" "/conversations/{conversation}/messages/{message}/reactions/{reaction}"
        [GET A "reaction", DELETE A "delete_reaction"]
    Participants Chat "participants" "/conversations/{conversation}/participants"
        [GET P "participants", POST A "add_participant"]
    Participant Chat "participant" "/conversations/{conversation}/participants/{participant}"
        [GET A "participant", PUT A "change_participant", DELETE A "remove_participant"]
    Typing Chat "typing" "/conversations/{conversation}/participants/{participant}/typing" [POST C "typing"]
    Attachment Chat "attachment" "/conversations/{conversation}/attachments/{attachment}"
        [PUT A "put_attachment", GET A "attachment", DELETE A "delete_attachment"]
    AttachmentMetadata Chat "attachment_metadata"
        "/conversations/{conversation}/attachments/{attachment}/metadata" [GET A "attachment_metadata"]
    ConversationTags Chat "conversation_tags" "/conversations/{conversation}/tags" [GET A "conversation_tags"]
    ConversationTag Chat "conversation_tag" "/conversations/{conversation}/tags/{tag}"
        [GET A "conversation_tag", PUT A "set_conversation_tag", DELETE A "delete_conversation_tag"]
    Commands Chat "commands" "/commands" [GET A "commands"]
    UserConversations Chat "user_conversations" "/users/{user}/conversations" [GET C "conversations_of_user"]

    Presentities Presence "presentities" "/presentities" [GET C "presentities"]
    Presentity Presence "presentity" "/presentities/{principal}" [GET C "presentity", PUT C "set_presence"]
    PresenceCategory Presence "presence_category" "/presentities/{principal}/categories/{category}"
        [GET C "presence_category", POST C "create_presence_source"]
    PresenceSource Presence "presence_source" "/presentities/{principal}/categories/{category}/{source}"
        [PUT C "set_presence_source", GET A "presence_source", DELETE A "delete_presence_source"]

    Accounts Admin "accounts" "/accounts" [GET P "accounts"]
    Account Admin "account" "/accounts/{account}" [GET C "account", PUT C "change_account"]
    AccountTag Admin "account_tag" "/accounts/{account}/tags/{tag}"
        [GET P "account_tag", PUT P "set_account_tag", DELETE P "delete_account_tag"]
    AccountUsers Admin "account_users" "/accounts/{account}/users"
        [GET P "users", POST P "create_user", PATCH P "change_users"]
    AccountUser Admin "account_user" "/accounts/{account}/users/{user}"
        [GET P "user", PUT P "change_user", DELETE P "delete_user"]
    UserTag Admin "user_tag" "/accounts/{account}/users/{user}/tags/{tag}"
        [GET P "user_tag", PUT P "set_user_tag", DELETE P "delete_user_tag"]
    WelcomeMail Admin "welcome_mail" "/accounts/{account}/users/{user}/welcome" [POST A "send_welcome_mail"]
    AccessCode Admin "access_code" "/accounts/{account}/users/{user}/accesscode" [POST A "create_access_code"]
    UserPhoto Admin "user_photo" "/accounts/{account}/users/{user}/photo" [PUT A "put_user_photo"]
    Users Admin "users" "/users" [GET P "all_users"]
    User Admin "user" "/users/{user}" [GET P "user_anywhere"]
    Password Admin "password" "/users/{email}/password" [PUT C "send_password_mail"]
    Clients Admin "clients" "/accounts/{account}/clients" [POST C "create_client", GET C "clients"]
    Client Admin "client" "/accounts/{account}/clients/{client}" [GET C "client"]
    Groups Admin "groups" "/accounts/{account}/groups" [GET P "groups", POST P "create_group"]
    Group Admin "group" "/accounts/{account}/groups/{group}"
        [GET P "group", PUT P "change_group", DELETE P "delete_group"]
    Members Admin "members" "/accounts/{account}/groups/{group}/members" [GET A "members", POST A "add_member"]
    Member Admin "member" "/accounts/{account}/groups/{group}/members/{member}"
        [GET A "member", DELETE A "remove_member"]
    GroupPhoto Admin "group_photo" "/accounts/{account}/groups/{group}/photo" [PUT A "put_group_photo"]
    Contacts Admin "contacts" "/accounts/{account}/contacts" [GET P "contacts", POST P "create_contact"]
    Contact Admin "contact" "/accounts/{account}/contacts/{contact}"
        [GET P "contact", PUT P "change_contact", DELETE P "delete_contact"]
    ContactPhoto Admin "contact_photo" "/accounts/{account}/contacts/{contact}/photo" [PUT A "put_contact_photo"]
    Sites Admin "sites" "/accounts/{account}/sites" [GET A "sites"]
    Site Admin "site" "/accounts/{account}/sites/{site}" [GET A "site"]
    Entities Admin "entities" "/accounts/{account}/entities" [GET A "entities"]
    Entity Admin "entity" "/accounts/{account}/entities/{entity}" [GET A "entity"]
    ScimKey Admin "scim_key" "/accounts/{account}/scimkey" [POST C "create_scim_key"]
    Policies Admin "policies" "/accounts/{account}/policies" [GET P "policies", POST P "create_policy"]
    Policy Admin "policy" "/accounts/{account}/policies/{policy}"
        [GET P "policy", PUT P "change_policy", DELETE P "delete_policy"]
    Statements Admin "statements" "/accounts/{account}/policies/{policy}/statements"
        [GET P "statements", POST P "create_statement"]
    Statement Admin "statement" "/accounts/{account}/policies/{policy}/statements/{statement}"
        [GET P "statement", PUT P "change_statement", DELETE P "delete_statement"]
    Partners Admin "partners" "/partners" [GET P "partners"]
    Partner Admin "partner" "/partners/{partner}" [GET P "partner"]

    Agreements ServiceDelivery "agreements" "/agreements" [GET A "agreements"]
    Agreement ServiceDelivery "agreement" "/agreements/{agreement}" [GET A "agreement"]
    Products ServiceDelivery "products" "/products" [GET A "products"]
    Product ServiceDelivery "product" "/products/{product}" [GET A "product"]
}

impl Place {
    /// How sure its path is: as sure as the surest of its routes.
    pub fn mark(self) -> Mark {
        ROUTES.iter().filter(|route| route.place == self).map(|route| route.mark).min().unwrap_or(A)
    }

    /// The place with that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|place| place.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_paths_and_functions_are_told_apart() {
        let names: HashSet<_> = Place::ALL.iter().map(|place| place.name()).collect();
        let paths: HashSet<_> = Place::ALL.iter().map(|place| (place.api(), place.template())).collect();
        assert!(names.len() == Place::ALL.len() && paths.len() == Place::ALL.len());
        let called: Vec<_> = ROUTES.iter().filter(|route| route.function != "sign in").collect();
        let functions: HashSet<_> = called.iter().map(|route| route.function).collect();
        assert_eq!(functions.len(), called.len());
        for (at, place) in Place::ALL.iter().enumerate() {
            assert_eq!(*place as usize, at);
            assert_eq!(Place::named(place.name()), Some(*place));
        }
        assert_eq!((Place::Participants.mark(), Place::Messages.mark(), Place::Attachment.mark()), (P, C, A));
    }
}
