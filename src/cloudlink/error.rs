//! What can go wrong with a call to CloudLink, and what follows from it.

use std::time::Duration;

use reqwest::StatusCode;

use super::client::Api;
use super::token::SignInError;
use super::transport::{BodyError, Lost};

/// A call to CloudLink that failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// CloudLink said no.
    #[error("use the {0}")]
    Answered(Box<Answered>),
    /// There is no token to call with; the call was not sent.
    #[error(transparent)]
    SignIn(#[from] SignInError),
    /// There was no answer.
    #[error("reach the {api} API: could not {lost}")]
    Lost {
        /// Which API.
        api: Api,
        /// Why not.
        #[source]
        lost: Lost,
    },
    /// The answer says yes but cannot be read.
    #[error("understand the {api} API's answer: {why}")]
    Unreadable {
        /// Which API.
        api: Api,
        /// Why not.
        why: String,
    },
    /// A list was read, but not to its end.
    #[error("read all of a list of the {api} API: {why}")]
    Cut {
        /// Which API.
        api: Api,
        /// Why not.
        why: &'static str,
    },
    /// More bytes than may be sent, or than are taken. Nothing was sent, or not all of it.
    #[error("{way} the {api} API: there are more than {limit} bytes")]
    TooLarge {
        /// Which API.
        api: Api,
        /// `send to` or `receive from`.
        way: &'static str,
        /// The most there may be, in bytes.
        limit: u64,
    },
    /// What is asked for has no address at CloudLink.
    #[error("address {what}: {why}")]
    Address {
        /// What was to be addressed.
        what: &'static str,
        /// Why not.
        why: &'static str,
    },
}

/// An answer outside 2xx: what is kept of it.
#[derive(Debug)]
pub struct Answered {
    /// Which API.
    pub api: Api,
    /// The status.
    pub status: StatusCode,
    /// CloudLink's `name` for the error, if it gave one.
    pub name: Option<String>,
    /// The body, scrubbed of tokens and cut.
    pub body: String,
    /// How long CloudLink asks to wait.
    pub retry_after: Option<Duration>,
    /// The `x-mitel-correlation-id` that CloudLink answered with; Mitel's support asks for it \[C, U\].
    pub correlation: Option<String>,
    /// The one that was sent.
    pub sent_correlation: String,
    /// Where a redirect leads (scheme, host and port). None is followed: it would be another region's host, and the
    /// token is for the one that is set.
    pub moved_to: Option<String>,
    /// A wrong path or method: CloudLink answers it by 403 with a misleading message \[C, F103\].
    pub no_route: bool,
}

impl std::fmt::Display for Answered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} API: it answered {}", self.api, self.status.as_u16())?;
        if self.no_route {
            f.write_str(", which here means that it has no such route")?;
        }
        if let Some(host) = &self.moved_to {
            write!(f, ", which leads to {host} and is not followed; if that is the account's region, set cloud or ")?;
            write!(f, "urls.{} in [cloudlink]", self.api.name())?;
        }
        if self.status == StatusCode::PAYLOAD_TOO_LARGE {
            f.write_str(", which means that more was sent than it takes")?;
        }
        if !self.body.is_empty() {
            write!(f, ": {}", self.body)?;
        }
        write!(f, " (correlation id {})", self.correlation.as_deref().unwrap_or(&self.sent_correlation))
    }
}

/// What follows from a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// It had no effect and may succeed later.
    Retry {
        /// Not before this time has passed.
        after: Option<Duration>,
    },
    /// It may have taken effect.
    Unknown,
    /// The call that was addressed is gone or has changed.
    Moved,
    /// It will fail again.
    Final,
}

impl Error {
    /// What follows from the failure (wire reference, 6.2 and 11.2).
    pub fn class(&self) -> Class {
        match self {
            Self::Answered(answered) => answered.class(),
            Self::SignIn(SignInError::Unavailable { after, .. }) => Class::Retry { after: *after },
            Self::Lost { lost, .. } if lost.may_be_done() => Class::Unknown,
            Self::Lost { lost: Lost::Held { after, .. }, .. } => Class::Retry { after: Some(*after) },
            Self::Lost { lost: Lost::NotConnected(_) | Lost::NotSentInTime, .. } => Class::Retry { after: None },
            Self::Lost { .. }
            | Self::SignIn(_)
            | Self::Unreadable { .. }
            | Self::Cut { .. }
            | Self::TooLarge { .. }
            | Self::Address { .. } => Class::Final,
        }
    }

    /// The status that CloudLink answered with.
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Answered(answered) => Some(answered.status),
            _ => None,
        }
    }

    /// Whether time was what ran out.
    pub fn timed_out(&self) -> bool {
        matches!(self, Self::Lost { lost, .. } if lost.timed_out())
    }

    pub(super) fn unreadable(api: Api, why: impl ToString) -> Self {
        Self::Unreadable { api, why: why.to_string() }
    }

    pub(super) fn body(api: Api, error: BodyError) -> Self {
        Self::unreadable(api, format!("could not {error}"))
    }
}

impl Answered {
    fn class(&self) -> Class {
        match self.status.as_u16() {
            // The token was new and is refused all the same, unless it was too soon to renew it again.
            401 if self.retry_after.is_some() => Class::Retry { after: self.retry_after },
            404 | 409 if self.api == Api::Media => Class::Moved,
            // 504: the PBX did not answer CloudLink in time.
            504 => Class::Unknown,
            // It may be repeated, by the specification of Media \[C, SW\].
            422 if self.api == Api::Media => Class::Retry { after: self.retry_after },
            429 | 500 | 502 | 503 => Class::Retry { after: self.retry_after },
            _ => Class::Final,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloudlink::hosts::Hold;

    fn answered(api: Api, status: u16) -> Class {
        Error::Answered(Box::new(answer(api, status))).class()
    }

    fn answer(api: Api, status: u16) -> Answered {
        Answered {
            api,
            status: StatusCode::from_u16(status).unwrap(),
            name: None,
            body: String::new(),
            retry_after: None,
            correlation: None,
            sent_correlation: String::new(),
            moved_to: None,
            no_route: false,
        }
    }

    #[test]
    fn what_a_status_means_is_said() {
        let text = |answered: Answered| answered.to_string();
        assert!(text(answer(Api::Chat, 413)).contains("413, which means that more was sent than it takes"));
        assert!(text(Answered { no_route: true, ..answer(Api::Chat, 403) }).contains("no such route"));
        let moved = Answered { moved_to: Some("https://chat.eu.example".into()), ..answer(Api::Chat, 308) };
        assert!(text(moved).contains("https://chat.eu.example and is not followed"));
        assert!(text(answer(Api::ServiceDelivery, 404)).starts_with("Service Delivery API: it answered 404 (corr"));
    }

    #[test]
    fn every_status_has_its_class() {
        let retry = Class::Retry { after: None };
        for (status, on_call, on_chat) in [
            (400, Class::Final, Class::Final),
            (401, Class::Final, Class::Final),
            (403, Class::Final, Class::Final),
            (404, Class::Moved, Class::Final),
            (409, Class::Moved, Class::Final),
            (307, Class::Final, Class::Final),
            (413, Class::Final, Class::Final),
            (422, retry, Class::Final),
            (429, retry, retry),
            (500, retry, retry),
            (502, retry, retry),
            (503, retry, retry),
            (504, Class::Unknown, Class::Unknown),
            (302, Class::Final, Class::Final),
        ] {
            assert_eq!(answered(Api::Media, status), on_call, "{status}");
            assert_eq!(answered(Api::Chat, status), on_chat, "{status}");
        }
    }

    #[test]
    fn only_what_was_sent_can_be_unknown() {
        let class = |lost| Error::Lost { api: Api::Media, lost }.class();
        assert_eq!(class(Lost::TimedOut), Class::Unknown);
        assert_eq!(class(Lost::Broken("reset".into())), Class::Unknown);
        assert_eq!(class(Lost::NotConnected("refused".into())), Class::Retry { after: None });
        assert_eq!(class(Lost::NotSentInTime), Class::Retry { after: None });
        let after = Duration::from_millis(700);
        assert_eq!(class(Lost::Held { hold: Hold::Ill, after }), Class::Retry { after: Some(after) });
        assert_eq!(class(Lost::Setup("no certificates".into())), Class::Final);
    }
}
