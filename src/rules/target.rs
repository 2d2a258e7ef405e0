//! Where requests go: URLs and paths that came out of templates.

use url::Url;

use crate::language::Template;

use super::step::RenderError;

/// What a URL is called when something is wrong with it.
pub(super) const URL: &str = "the URL";
const PATH: &str = "the path";

/// A URL as it came out of `template`; it may be relative to a credential's base if there is one.
pub(super) fn url(url: String, template: &Template, credential: bool) -> Result<String, RenderError> {
    let bad = |why: &str| RenderError::Bad { what: URL, why: why.to_owned() };
    clean(&url, template, URL)?;
    let absolute = url.starts_with("http://") || url.starts_with("https://");
    if template.is_single() && !absolute {
        return Err(bad("a URL from a value must begin with http:// or https://"));
    }
    if (absolute || !credential) && (!absolute || Url::parse(&url).is_err()) {
        return Err(bad("it is no http or https URL"));
    }
    Ok(url)
}

/// A path of CloudLink's as it came out of `template`.
pub(super) fn path(path: String, template: &Template) -> Result<String, RenderError> {
    clean(&path, template, PATH)?;
    if !path.starts_with('/') || path.starts_with("//") {
        return Err(RenderError::Bad { what: PATH, why: "it does not begin with one slash".to_owned() });
    }
    Ok(path)
}

fn clean(text: &str, template: &Template, what: &'static str) -> Result<(), RenderError> {
    let bad = |why: &str| Err(RenderError::Bad { what, why: why.to_owned() });
    if text.contains(|c: char| c.is_control() || c == ' ' || c == '\\') {
        return bad("it has a space, backslash or line break in it");
    }
    if template.literal().is_none() && has_dot_segment(text) {
        return bad("`..` in it would lead to another path");
    }
    Ok(())
}

/// `.` or `..` as a part of the path, also percent-encoded: a client would resolve it.
fn has_dot_segment(url: &str) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    path.split('/').any(|part| matches!(part.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | ".."))
}
