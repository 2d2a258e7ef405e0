//! Any route of CloudLink.

use serde_json::json;

use super::outcome::{ErrorWord, Outcome, not_ok};
use super::perform::{Attempt, Class};
use crate::cloudlink::{Api, CloudLink, Error};
use crate::rules::request::{CloudLinkRequest, Method};

/// Makes the request of a `cloudlink` step. What a repeat would harm is not repeated once it may have been done.
pub(super) async fn ask(
    cloudlink: &CloudLink,
    request: &CloudLinkRequest,
    class: Class,
    attempt: &Attempt<'_>,
) -> Outcome {
    let Some(api) = Api::named(&request.api) else {
        return Outcome::failed(
            ErrorWord::Refused,
            format!("call the API {:?}: its address is not known", request.api),
        );
    };
    let answer = if request.paginate && request.method == Method::Get {
        cloudlink.ask_all(api, &request.path, attempt.timeout).await
    } else {
        let method = super::http::method(request.method);
        cloudlink.ask(method, api, &request.path, request.json.as_ref(), attempt.timeout).await
    };
    match answer {
        Ok((status, body)) => Outcome::Done { result: json!({ "ok": true, "status": status.as_u16(), "body": body }) },
        // An earlier attempt, of which nothing is known, has deleted it.
        Err(error) if attempt.look_first && request.method == Method::Delete && status(&error) == Some(404) => {
            Outcome::Done { result: json!({ "ok": true, "status": 404, "body": null }) }
        }
        Err(error) => failed(&error, class, request.method),
    }
}

fn failed(error: &Error, class: Class, method: Method) -> Outcome {
    match Outcome::of_a_change(error) {
        // There is no call that could have moved on.
        Outcome::Moved { why, .. } => {
            Outcome::Failed { error: ErrorWord::Status, why, result: not_ok(ErrorWord::Status, status(error)) }
        }
        Outcome::Retry { unknown: true, why, result, .. } if class == Class::Never => {
            Outcome::OutcomeUnknown { why, result }
        }
        // What only reads has done nothing, whatever became of it.
        Outcome::Retry { after, error, why, result, .. } if method == Method::Get => {
            Outcome::Retry { after, error, why, unknown: false, result }
        }
        outcome => outcome,
    }
}

fn status(error: &Error) -> Option<u16> {
    error.status().map(|status| status.as_u16())
}
