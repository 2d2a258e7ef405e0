//! What steps are carried out with: far sides in life, nothing in a rehearsal.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

use crate::actions::{Actions, Attempt, ErrorWord, Outcome};
use crate::cloudlink::{HostState, Turned};
use crate::event::Event;
use crate::numbers::Dialling;
use crate::rules::request::Request;

/// The account's id in a rehearsal.
pub(in crate::daemon) const REHEARSED: &str = "account";

/// See the module.
pub(super) enum Hands {
    /// CloudLink and the far sides of `http` steps.
    Far(Box<Actions>),
    /// A rehearsal: nothing leaves the desk, and what only a directory would know is given.
    Rehearsal(Arc<Props>),
    /// An account that is not in the settings any more: nothing is carried out.
    None,
}

/// What a rehearsal knows of its events beyond what their publications carry: fields of views, by the event's id.
#[derive(Debug, Default)]
pub(crate) struct Props(Mutex<HashMap<String, Map<String, Value>>>);

impl Props {
    /// Lays fields over the views of an event that is to come.
    pub(in crate::daemon) fn learn(&self, event: &str, views: Map<String, Value>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(event.to_owned(), views);
    }
}

impl Hands {
    pub(super) fn hosts(&self) -> Vec<HostState> {
        match self {
            Self::Far(actions) => actions.hosts(),
            Self::Rehearsal(_) | Self::None => Vec::new(),
        }
    }

    pub(super) fn tell_turns(&self, turns: &mpsc::Sender<Turned>) {
        if let Self::Far(actions) = self {
            actions.tell_turns(turns.clone());
        }
    }

    /// The principal that an account signs in as, once it is known.
    pub(super) fn principal(&self, account: &str) -> Option<Arc<str>> {
        match self {
            Self::Far(actions) => actions.principal(account),
            Self::Rehearsal(_) | Self::None => None,
        }
    }

    /// CloudLink's id of an account, once it is known.
    pub(super) fn account_id(&self, account: &str) -> Option<Arc<str>> {
        match self {
            Self::Far(actions) => actions.account_id(account),
            Self::Rehearsal(_) => Some(REHEARSED.into()),
            Self::None => None,
        }
    }

    pub(super) fn set_dialling(&self, account: &str, dialling: Dialling) {
        if let Self::Far(actions) = self {
            actions.set_dialling(account, dialling);
        }
    }

    pub(super) async fn perform(&self, request: &Request, attempt: &Attempt<'_>) -> Outcome {
        match self {
            Self::Far(actions) => actions.perform(request, attempt).await,
            Self::Rehearsal(_) | Self::None => Outcome::Failed {
                error: ErrorWord::Refused,
                why: "carry anything out here: nothing leaves this desk".to_owned(),
                result: json!({ "ok": false, "error": ErrorWord::Refused.as_str() }),
            },
        }
    }

    /// Adds to an event what is known of it from elsewhere.
    pub(super) fn tell(&self, event: &mut Event) {
        let Self::Rehearsal(props) = self else { return };
        let props = props.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (Some(known), Value::Object(fields)) = (props.get(&*event.id), &mut event.fields) else { return };
        for (name, view) in known {
            match (fields.get_mut(name), view) {
                (Some(Value::Object(fields)), Value::Object(view)) => fields.extend(view.clone()),
                _ => drop(fields.insert(name.clone(), view.clone())),
            }
        }
    }
}
