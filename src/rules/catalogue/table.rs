//! The actions, in the order of the reference.

use super::Needs::{Event, May, MayEvent, Must, One, OneAtMost, Written};
use super::Repeats::{ByMethod, Checked, Harmless, Never};
use super::Takes::{
    Bool, Credential, Data, Digits, Duration, Htmls, Name, Number, Pairs, Path, Recipient, Target, Targets, Text,
    Texts, Time, Url, Word,
};
use super::{Argument, Needs, PRESENCES, Returns, Spec, Takes};

/// The call that the event is about.
const CALL: Argument = argument("call", Target, Event(&["call.link"]));
/// The phone that the event is about.
const ENDPOINT: Argument = argument("endpoint", Target, Event(&["call.endpoint", "user.extension"]));
/// The conversation that the event is about.
const CONVERSATION: Argument = argument("conversation", Target, Event(&["message.conversation"]));
/// The message that the event is about.
const MESSAGE: Argument = argument("message", Target, Event(&["message.id"]));
/// The person that the event is about.
const USER: Argument =
    argument("user", Target, Event(&["user.id", "call.user", "message.sender", "presence.principal"]));
const TEXT: Argument = argument("text", Texts, One);
const HTML: Argument = argument("html", Htmls, One);
const CARD: Argument = argument("card", Data, One);
const TO: Argument = argument("to", Target, Must);
const ON: Argument = argument("on", Bool, Must);
const CONFERENCE: Argument = argument("conference", Target, Must);
const GET: Argument = argument("get", Url, One);
const POST: Argument = argument("post", Url, One);
const PUT: Argument = argument("put", Url, One);
const PATCH: Argument = argument("patch", Url, One);
const DELETE: Argument = argument("delete", Url, One);

/// The APIs of CloudLink.
const APIS: &[&str] =
    &["media", "chat", "conversations", "presence", "admin", "notifications", "authentication", "service_delivery"];

const fn argument(name: &'static str, takes: Takes, needs: Needs) -> Argument {
    Argument { name, takes, needs }
}

const PLAIN: Spec = Spec {
    name: "",
    does: "",
    arguments: &[],
    alone: None,
    repeats: Harmless,
    timeout: 5,
    controls: false,
    urgent: false,
    returns: Returns::Outcome,
    carried_out: false,
    example: "",
};
/// Takes hold of a call.
const CONTROL: Spec = Spec { arguments: &[CALL], repeats: Checked, controls: true, urgent: true, ..PLAIN };

/// Every action there is.
pub const ACTIONS: &[Spec] = &[
    Spec {
        name: "redirect",
        does: "redirects a ringing call",
        arguments: &[TO, CALL],
        repeats: Harmless,
        carried_out: true,
        example: "to = \"4001\"",
        ..CONTROL
    },
    Spec {
        name: "blind_transfer",
        does: "transfers a call without asking",
        arguments: &[TO, CALL],
        example: "to = \"4001\"",
        ..CONTROL
    },
    Spec {
        name: "consult",
        does: "calls somebody while a call waits",
        arguments: &[TO, CALL],
        example: "to = \"4001\"",
        ..CONTROL
    },
    Spec {
        name: "supervised_transfer",
        does: "transfers a call to the one that was consulted",
        arguments: &[argument("other", Target, Must), CALL],
        example: "other = \"{{ consulted.body.callId }}\"",
        ..CONTROL
    },
    Spec {
        name: "join",
        does: "joins a call and the one that was consulted",
        arguments: &[argument("other", Target, May), CALL],
        ..CONTROL
    },
    Spec { name: "answer", does: "answers a call", ..CONTROL },
    Spec { name: "end", does: "ends a call", repeats: Harmless, ..CONTROL },
    Spec { name: "hold", does: "holds a call", ..CONTROL },
    Spec { name: "retrieve", does: "takes a call off hold", ..CONTROL },
    Spec { name: "pause_recording", does: "pauses a call's recording", controls: false, repeats: Harmless, ..CONTROL },
    Spec {
        name: "resume_recording",
        does: "resumes a call's recording",
        controls: false,
        repeats: Harmless,
        ..CONTROL
    },
    Spec {
        name: "dtmf",
        does: "sends digits into a call",
        arguments: &[argument("digits", Digits, Must), CALL],
        repeats: Never,
        controls: false,
        example: "digits = \"1#\"",
        ..CONTROL
    },
    Spec {
        name: "tag_recording",
        does: "tags a call's recording",
        arguments: &[argument("tag", Data, Must), CALL],
        repeats: Harmless,
        controls: false,
        example: "tag = \"sales\"",
        ..CONTROL
    },
    Spec {
        name: "make",
        does: "makes a call",
        arguments: &[
            argument("from", Target, Event(&["call.endpoint", "user.extension"])),
            TO,
            argument("timeout", Duration(120), May),
        ],
        repeats: Never,
        returns: Returns::Answer,
        example: "from = \"3001\", to = \"+16135550142\"",
        ..PLAIN
    },
    Spec {
        name: "do_not_disturb",
        does: "sets a phone's do not disturb",
        arguments: &[ENDPOINT, ON],
        repeats: Checked,
        example: "endpoint = \"2001\", on = true",
        ..PLAIN
    },
    Spec {
        name: "message_waiting",
        does: "sets a phone's message lamp",
        arguments: &[ENDPOINT, ON],
        repeats: Checked,
        example: "endpoint = \"2001\", on = true",
        ..PLAIN
    },
    Spec {
        name: "availability",
        does: "sets a phone's availability",
        arguments: &[ENDPOINT, argument("status", Word(&["available", "busy", "dnd", "away"]), Must)],
        repeats: Checked,
        example: "endpoint = \"2001\", status = \"away\"",
        ..PLAIN
    },
    Spec {
        name: "reply",
        does: "answers a message",
        arguments: &[TEXT, HTML, CARD, CONVERSATION],
        repeats: Checked,
        returns: Returns::Open,
        carried_out: true,
        example: "text = \"…\"",
        ..PLAIN
    },
    Spec {
        name: "send",
        does: "sends a message",
        arguments: &[argument("to", Recipient, Must), TEXT, HTML, CARD],
        repeats: Checked,
        returns: Returns::Open,
        example: "to = \"{{ call.user }}\", text = \"…\"",
        ..PLAIN
    },
    Spec {
        name: "react",
        does: "reacts to a message",
        arguments: &[argument("emoji", Text, Must), MESSAGE, CONVERSATION],
        repeats: Checked,
        example: "emoji = \"👍\"",
        ..PLAIN
    },
    Spec {
        name: "typing",
        does: "shows in a conversation that somebody types",
        arguments: &[ON, CONVERSATION],
        example: "on = true",
        ..PLAIN
    },
    Spec {
        name: "mark_read",
        does: "marks a conversation as read up to a message",
        arguments: &[CONVERSATION, argument("until", Time, Event(&["event.time"]))],
        ..PLAIN
    },
    Spec {
        name: "edit_message",
        does: "changes a message",
        arguments: &[TEXT, HTML, CARD, MESSAGE, CONVERSATION],
        example: "message = \"{{ sent.body.messageId }}\", text = \"…\"",
        ..PLAIN
    },
    Spec { name: "delete_message", does: "deletes a message", arguments: &[MESSAGE, CONVERSATION], ..PLAIN },
    Spec {
        name: "attach",
        does: "attaches a file to a conversation",
        arguments: &[
            argument("file", Name, One),
            argument("url", Url, One),
            argument("name", Target, May),
            argument("credential", Credential, May),
            CONVERSATION,
        ],
        repeats: Checked,
        timeout: 30,
        example: "url = \"https://…\", name = \"offer.pdf\"",
        ..PLAIN
    },
    Spec {
        name: "create_conversation",
        does: "creates a conversation",
        arguments: &[
            argument("name", Text, May),
            argument("participants", Targets, Must),
            argument("stream", Bool, May),
            argument("language", Target, May),
            argument("visibility", Word(&["PUBLIC", "PRIVATE"]), May),
            argument("tag", Target, May),
        ],
        repeats: Never,
        returns: Returns::Answer,
        example: "name = \"Sales\", participants = [\"…\"]",
        ..PLAIN
    },
    Spec {
        name: "add_participant",
        does: "adds somebody to a conversation",
        arguments: &[argument("user", Target, Must), CONVERSATION],
        example: "user = \"…\"",
        ..PLAIN
    },
    Spec {
        name: "remove_participant",
        does: "takes somebody out of a conversation",
        arguments: &[argument("user", Target, Must), CONVERSATION],
        example: "user = \"…\"",
        ..PLAIN
    },
    Spec {
        name: "set_presence",
        does: "sets somebody's presence",
        arguments: &[
            argument("of", Target, Event(&["presence.principal", "user.id", "call.user", "message.sender"])),
            argument("status", Word(PRESENCES), Must),
            argument("reason", Text, May),
        ],
        example: "of = \"{{ call.user }}\", status = \"Busy\"",
        ..PLAIN
    },
    Spec {
        name: "publish",
        does: "publishes a notification",
        arguments: &[
            argument("topic", Target, Must),
            argument("method", Target, May),
            argument("subject", Target, Must),
            argument("content", Data, Written),
            argument("to", Targets, May),
        ],
        repeats: Never,
        returns: Returns::Answer,
        example: "topic = \"App-Cards\", subject = \"/cards/3001\", content = { title = \"…\" }",
        ..PLAIN
    },
    Spec {
        name: "welcome",
        does: "sends a user the welcome mail",
        arguments: &[USER],
        repeats: Never,
        timeout: 10,
        example: "user = \"{{ user.id }}\"",
        ..PLAIN
    },
    Spec {
        name: "add_to_group",
        does: "puts a user into a group",
        arguments: &[USER, argument("group", Target, Must)],
        timeout: 10,
        example: "group = \"All staff\"",
        ..PLAIN
    },
    Spec {
        name: "remove_from_group",
        does: "takes a user out of a group",
        arguments: &[USER, argument("group", Target, Must)],
        timeout: 10,
        example: "group = \"All staff\"",
        ..PLAIN
    },
    Spec {
        name: "create_conference",
        does: "creates a conference",
        arguments: &[
            argument("name", Text, Must),
            argument("type", Word(&["everyoneAllowed", "inviteOnly"]), May),
            argument("lobby", Word(&["pstnLobby", "guestLobby", "nonOwnerLobby", "noLobby"]), May),
            argument("access_code_length", Number(1, 99), May),
            argument("expires", Time, May),
            argument("participants", Targets, May),
        ],
        repeats: Never,
        timeout: 10,
        returns: Returns::Answer,
        example: "name = \"Weekly\"",
        ..PLAIN
    },
    Spec {
        name: "invite",
        does: "invites people to a conference",
        arguments: &[CONFERENCE, argument("users", Targets, Must)],
        repeats: Checked,
        timeout: 10,
        example: "conference = \"{{ meeting.body.id }}\", users = [\"…\"]",
        ..PLAIN
    },
    Spec {
        name: "end_conference",
        does: "ends a conference",
        arguments: &[CONFERENCE],
        timeout: 10,
        example: "conference = \"{{ meeting.body.id }}\"",
        ..PLAIN
    },
    Spec {
        name: "record_conference",
        does: "records a conference",
        arguments: &[CONFERENCE, argument("action", Word(&["start", "stop", "pause", "resume"]), May)],
        timeout: 10,
        example: "conference = \"{{ meeting.body.id }}\"",
        ..PLAIN
    },
    Spec {
        name: "lookup",
        does: "looks something up",
        arguments: &[
            argument("user", Target, One),
            argument("users", Target, One),
            argument("group", Target, One),
            argument("contact", Target, One),
            argument("site", Target, One),
            argument("number", Target, One),
            argument("call", Target, One),
        ],
        returns: Returns::Open,
        carried_out: true,
        example: "group = \"Sales\"",
        ..PLAIN
    },
    Spec {
        name: "http",
        does: "makes an HTTP request",
        arguments: &[
            GET,
            POST,
            PUT,
            PATCH,
            DELETE,
            argument("credential", Credential, May),
            argument("json", Data, OneAtMost),
            argument("form", Pairs, OneAtMost),
            argument("body", Text, OneAtMost),
            argument("headers", Pairs, May),
        ],
        repeats: ByMethod,
        timeout: 10,
        returns: Returns::Answer,
        carried_out: true,
        example: "get = \"https://…\"",
        ..PLAIN
    },
    Spec {
        name: "pop",
        does: "shows a card on somebody's screen",
        arguments: &[
            argument("to", Targets, Event(&["call.endpoint"])),
            argument("title", Text, Written),
            argument("text", Text, May),
            argument("url", Url, May),
            argument("once", Bool, May),
            argument("call", Target, MayEvent(&["call.tracking_id", "call.link"])),
        ],
        example: "to = \"{{ call.endpoint }}\", title = \"{{ call.from }}\"",
        ..PLAIN
    },
    Spec {
        name: "log_call",
        does: "writes a call into the call log",
        arguments: &[argument("credential", Credential, May), argument("call", Data, Event(&["call"]))],
        ..PLAIN
    },
    Spec {
        name: "set",
        does: "sets vars",
        carried_out: true,
        arguments: &[argument("until", Time, OneAtMost), argument("for", Duration(31_622_400), OneAtMost)],
        example: "night = \"closed\", until = \"08:00\"",
        ..PLAIN
    },
    Spec {
        name: "dialog",
        does: "leads through a dialog",
        arguments: &[argument("name", Name, Must), CONVERSATION],
        alone: Some("name"),
        repeats: Checked,
        example: "\"frontdesk\"",
        ..PLAIN
    },
    Spec {
        name: "cloudlink",
        does: "calls any route of CloudLink",
        arguments: &[
            argument("get", Path, One),
            argument("post", Path, One),
            argument("put", Path, One),
            argument("patch", Path, One),
            argument("delete", Path, One),
            argument("api", Word(APIS), Must),
            argument("json", Data, May),
            argument("paginate", Bool, May),
        ],
        repeats: ByMethod,
        timeout: 10,
        returns: Returns::Answer,
        carried_out: true,
        example: "get = \"/users/{{ call.user }}/attendances\", api = \"media\"",
        ..PLAIN
    },
    Spec {
        name: "log",
        does: "writes into the daemon's log",
        arguments: &[
            argument("message", Text, Written),
            argument("level", Word(&["error", "warn", "info", "debug"]), May),
        ],
        carried_out: true,
        example: "message = \"…\"",
        ..PLAIN
    },
];
