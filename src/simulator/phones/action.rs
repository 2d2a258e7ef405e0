//! Reading what is to be done to a call from its word on the wire.

use serde_json::Value;

use super::switch::Action;

/// The words beside the action.
pub(crate) struct Words {
    pub(crate) destination: Option<String>,
    pub(crate) args: Option<String>,
    pub(crate) other_call: Option<String>,
}

impl Action {
    /// From its word on the wire, or why not.
    pub(crate) fn read(word: &str, words: Words, hold_sets: bool) -> Result<Self, String> {
        let Words { destination, args, other_call } = words;
        // The examples say `destination`, the schema `args`.
        let somewhere = || {
            let to = destination.clone().or_else(|| args.clone());
            to.filter(|to| !to.is_empty()).ok_or_else(|| format!("{word} needs a destination"))
        };
        match word {
            "answer" => Ok(Self::Answer),
            "end" => Ok(Self::End),
            "hold" => Ok(Self::Hold { sets: hold_sets }),
            "retrieve" => Ok(Self::Retrieve),
            "redirect" => somewhere().map(Self::Redirect),
            "blindTransfer" => somewhere().map(Self::BlindTransfer),
            "consult" => somewhere().map(Self::Consult),
            "supervisedTransfer" => {
                let other = other_call.or(args).filter(|id| !id.is_empty());
                other
                    .map(|id| Self::SupervisedTransfer(last(&id)))
                    .ok_or_else(|| "supervisedTransfer needs a callId".to_owned())
            }
            "conference" => Ok(Self::Conference),
            "pauseRecording" | "resumeRecording" => Ok(Self::Silent),
            "dtmf" => {
                let digits = args.filter(|args| {
                    !args.is_empty() && args.chars().all(|c| c.is_ascii_digit() || "*#ABCD,".contains(c))
                });
                digits.map(|_| Self::Silent).ok_or_else(|| "dtmf needs args with digits".to_owned())
            }
            "tagRecording" => {
                let tag = args.filter(|args| serde_json::from_str::<Value>(args).is_ok());
                tag.map(|_| Self::Silent).ok_or_else(|| "tagRecording needs args with JSON in a string".to_owned())
            }
            other => Err(format!("action should be equal to one of the allowed values, not {other}")),
        }
    }
}

/// A call's plain id, also of its path.
fn last(id: &str) -> String {
    id.rsplit('/').next().unwrap_or(id).to_owned()
}
