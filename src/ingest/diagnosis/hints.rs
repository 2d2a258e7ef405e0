//! What to try next, for each thing that can be seen in a request.

use super::captured::Captured;
use super::encodings::Reading;
use super::messages::Because;
use super::search::{Fit, Searched};
use super::{SIGNATURE, Setup, Verdict};

/// All that there is to judge by.
pub(super) struct Case<'a> {
    pub(super) captured: &'a Captured,
    pub(super) setup: &'a Setup,
    pub(super) header: Option<(&'a str, &'a str)>,
    pub(super) readings: &'a [Reading],
    pub(super) searched: &'a Searched,
    pub(super) verdict: &'a Verdict,
}

const ON_THE_WIRE: &str = "capture it once more where the bytes are whole: in front of everything that reads JSON, or on the \
                           gateway's own port";

/// In order, most telling first.
pub(super) fn next(case: &Case<'_>) -> Vec<String> {
    if let Verdict::Accepted { .. } = case.verdict {
        return Vec::new();
    }
    let mut next = match &case.searched.fit {
        Some(fit) => fits(case, fit),
        None => nothing_fits(case),
    };
    if let Verdict::Refused { why, .. } = case.verdict {
        next.push(format!("the signature is right: {why}"));
    }
    next
}

/// Something fits that the gateway does not take.
fn fits(case: &Case<'_>, fit: &Fit) -> Vec<String> {
    let mut next = Vec::new();
    if let Some((name, _)) = case.header.filter(|(name, _)| !name.eq_ignore_ascii_case(SIGNATURE)) {
        next.push(format!(
            "the signature came as `{name}`, the gateway reads {SIGNATURE} alone: let the proxy keep the header's name"
        ));
    }
    match fit.differs.message {
        Some(Because::Spaces) => next.push(format!(
            "white space, line breaks or marks of the body were changed after it was signed. If the capture tool did it, \
             the gateway may take the real request: {ON_THE_WIRE}. If a proxy did it, let it pass bodies unchanged"
        )),
        Some(Because::Rewritten) => next.push(format!(
            "something read the JSON and wrote it anew after it was signed, the capture tool or a proxy: {ON_THE_WIRE}; a \
             proxy must pass bodies unchanged"
        )),
        Some(Because::Encoded) => next.push(
            "the content encoding was changed after the body was signed: let the proxy pass bodies neither packed nor unpacked"
                .to_owned(),
        ),
        Some(Because::Other) => next.push(report("something other than the body alone is signed")),
        Some(Because::Same) | None => {}
    }
    match fit.differs.key {
        Some(Some(remedy)) => {
            next.push(format!("{remedy}: [[application]] id must be exactly what the subscription has"));
        }
        Some(None) => next.push(report("the applicationId is used in another form than it is given")),
        None => {}
    }
    if fit.application.is_none() {
        next.push("do not believe it: whoever sent it need not know any applicationId".to_owned());
    } else if fit.differs.construction {
        next.push(report("it is made by another construction"));
    }
    if fit.is_documented() && *case.verdict == Verdict::NotBelieved {
        next.push(unusual(case, fit));
    }
    next
}

/// The signature is made as documented, and is refused all the same.
fn unusual(case: &Case<'_>, fit: &Fit) -> String {
    let own = fit.application.as_deref();
    let path = case.captured.path().and_then(|path| path.strip_prefix(case.setup.path.as_str())?.strip_prefix('/'));
    match path.filter(|name| !name.is_empty() && Some(*name) != own) {
        Some(name) => format!(
            "the path ends in /{name}, so that only the application of that name is tried: subscribe with the path of the \
             application that signs"
        ),
        None => report("its value is written in a way that the gateway does not read"),
    }
}

fn report(what: &str) -> String {
    format!("{what}, which this version does not accept: please report it with this text, without ids and bodies")
}

fn nothing_fits(case: &Case<'_>) -> Vec<String> {
    let mut next = Vec::new();
    match case.header {
        None => next.push(format!(
            "there is no {SIGNATURE}: a webhook of CloudLink has it. Is this another request, or did a proxy or the capture \
             tool leave it out?"
        )),
        Some((name, value)) if case.readings.is_empty() => next.push(no_digest(name, value)),
        Some(_) if case.setup.applications.is_empty() => next.push(
            "there is no key to try: name the settings by --config, or a file with the applicationId by --key-file"
                .to_owned(),
        ),
        Some(_) => next.push(format!(
            "is the applicationId of the subscription among the keys that were tried ({})? `switchhook api notifications GET \
             /subscriptions` shows the subscriptions; another id goes to --key-file",
            names(case.setup)
        )),
    }
    if !case.readings.is_empty() || case.captured.body.is_empty() {
        body(case.captured, &mut next);
    }
    if case.searched.cut {
        next.push("not everything was tried, since the body is large: a smaller notification tells more".to_owned());
    }
    next
}

fn names(setup: &Setup) -> String {
    setup.applications.iter().map(|application| &*application.name).collect::<Vec<_>>().join(", ")
}

/// Why a value can't be a digest. The value itself is not repeated: it may be something else.
fn no_digest(name: &str, value: &str) -> String {
    let what = if value.ends_with("...") || value.ends_with('…') {
        "is cut off: the capture tool shortens what is long"
    } else if value.contains("***") || value.to_ascii_lowercase().contains("redacted") {
        "is masked: the capture tool hides it"
    } else if value.trim().is_empty() {
        "is empty"
    } else {
        "is neither hex nor base64 of 16, 20, 32, 48 or 64 bytes: is it whole?"
    };
    format!("the value of {name} ({} characters) {what}", value.trim().chars().count())
}

/// What can be seen in a body that no key fits.
fn body(captured: &Captured, next: &mut Vec<String>) {
    let body = &captured.body[..];
    if body.is_empty() {
        next.push("the body is empty: did the capture tool keep it?".to_owned());
        return;
    }
    if captured.parsed {
        next.push(format!("the capture holds the body as values, so that its bytes are lost: {ON_THE_WIRE}"));
    } else if captured.announced().is_some_and(|length| length > body.len()) {
        next.push(format!("the body is shorter than content-length says: a part of it is missing. So {ON_THE_WIRE}"));
    } else if captured.announced().is_some_and(|length| length < body.len()) {
        next.push(format!("the body is longer than content-length says: it was written anew. So {ON_THE_WIRE}"));
    }
    if body.windows(3).any(|three| three == "\u{fffd}".as_bytes()) || std::str::from_utf8(body).is_err() {
        next.push(format!("the body holds bytes that are no text, or that were lost: {ON_THE_WIRE}"));
    }
    let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok();
    if !is_json && !captured.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-encoding")) {
        next.push("the body is no JSON: is it whole, and does an empty line stand before it?".to_owned());
    } else if is_json && body.trim_ascii().contains(&b'\n') {
        next.push(format!(
            "the body is written in several lines, which looks like a tool's doing. Other ways of writing it were tried; \
             numbers and escapes can still differ: {ON_THE_WIRE}"
        ));
    } else {
        next.push(format!(
            "a proxy or the capture tool may have changed the body in a way that was not tried: {ON_THE_WIRE}"
        ));
    }
}
