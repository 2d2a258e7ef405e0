//! Where an `http` step goes: an absolute URL, or one below a credential's base.

use percent_encoding::percent_decode_str;
use url::Url;

use super::guard;

/// The URL of a step without a credential: absolute, http or https.
pub(super) fn absolute(url: &str) -> Result<Url, &'static str> {
    if !is_absolute(url) {
        return Err("without a credential the URL must begin with http:// or https://");
    }
    settle(Url::parse(url).map_err(|_| "the URL is not valid")?)
}

/// The URL of a step with a credential: `url` is relative to `base`, or absolute and below it.
pub(super) fn below(base: &Url, url: &str) -> Result<Url, &'static str> {
    let url = if is_absolute(url) { Url::parse(url).map_err(|_| "the URL is not valid")? } else { join(base, url)? };
    if !is_below(base, &url) {
        return Err("the URL is not below the credential's base, and the credential is sent nowhere else");
    }
    settle(url)
}

fn settle(mut url: Url) -> Result<Url, &'static str> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err("only http and https are spoken here");
    }
    guard::check(&url)?;
    url.set_fragment(None);
    Ok(url)
}

fn is_absolute(url: &str) -> bool {
    let starts = |scheme: &str| url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    starts("http://") || starts("https://")
}

/// By text, not by RFC 3986: `/contacts` is relative to the base, not to its host, and `//host/` is a path too.
/// A query in the base (some services put a key there) is kept.
fn join(base: &Url, relative: &str) -> Result<Url, &'static str> {
    let relative = relative.split('#').next().unwrap_or_default();
    let (path, query) = match relative.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (relative, None),
    };
    let mut text = base[..url::Position::AfterPath].to_owned();
    if !path.is_empty() {
        text.truncate(text.trim_end_matches('/').len());
        text.push('/');
        text.push_str(path.trim_start_matches('/'));
    }
    let mut mark = '?';
    for query in [base.query(), query].into_iter().flatten() {
        text.push(mark);
        text.push_str(query);
        mark = '&';
    }
    Url::parse(&text).map_err(|_| "the path makes no URL")
}

fn is_below(base: &Url, url: &Url) -> bool {
    let root = base.path().trim_end_matches('/');
    let same_place = url.scheme() == base.scheme()
        && url.host() == base.host()
        && url.port_or_known_default() == base.port_or_known_default()
        && url.username() == base.username()
        && url.password() == base.password();
    let rest = url.path().strip_prefix(root);
    same_place && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) && !climbs(url.path())
}

/// Whether the path would climb for a server that decodes escaped slashes and dots before it resolves them, or turns
/// backslashes around. The URL parser has resolved the plain ones.
fn climbs(path: &str) -> bool {
    let once = percent_decode_str(path).decode_utf8_lossy();
    let twice = percent_decode_str(&once).decode_utf8_lossy();
    // What follows a ';' is a parameter to some servers: `..;` climbs there.
    twice.split(['/', '\\']).any(|segment| segment.split(';').next() == Some(".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_relative_to_the_base() {
        for (base, url, wanted) in [
            (
                "https://crm.example/api",
                "/contacts?phone=%2B1613&x=+1",
                "https://crm.example/api/contacts?phone=%2B1613&x=+1",
            ),
            ("https://crm.example/api/", "contacts", "https://crm.example/api/contacts"),
            ("https://crm.example/api", "", "https://crm.example/api"),
            ("https://crm.example", "", "https://crm.example/"),
            ("https://crm.example", "/x", "https://crm.example/x"),
            ("https://crm.example/api", "?q=a b", "https://crm.example/api?q=a%20b"),
            ("https://h.example/hook?key=k", "", "https://h.example/hook?key=k"),
            ("https://h.example/hook?key=k", "/a?b=c#d", "https://h.example/hook/a?key=k&b=c"),
            ("https://crm.example/api", "https://CRM.example:443/api/x", "https://crm.example/api/x"),
            ("https://crm.example/api", "//evil.example/x", "https://crm.example/api/evil.example/x"),
            ("https://crm.example/api", "/a/../b", "https://crm.example/api/b"),
        ] {
            assert_eq!(below(&base.parse().unwrap(), url).unwrap().as_str(), wanted, "{url}");
        }
    }

    #[test]
    fn a_credential_stays_below_its_base() {
        let base = "https://crm.example/api".parse().unwrap();
        for url in [
            "https://crm.example.evil.example/api/x",
            "https://evil.example/api/x",
            "http://crm.example/api/x",
            "https://crm.example:8443/api/x",
            "https://crm.example/apix",
            "https://crm.example/",
            "https://crm.example/api/../admin",
            "https://crm.example@evil.example/api",
            "https://me:pass@crm.example/api/x",
            "/../admin",
            "/%2e%2e/admin",
            "/..%2fadmin",
            "/x/%2e%2e%2f%2e%2e%2fadmin",
            "/..%5cadmin",
            "/%252e%252e%252fadmin",
            "/..;/admin",
            "\\..\\..\\admin",
        ] {
            assert!(below(&base, url).is_err(), "{url}");
        }
    }

    #[test]
    fn without_a_credential_only_absolute_http() {
        assert!(absolute("http://127.0.0.1:9/x").is_ok());
        assert!(absolute("HTTPS://crm.example").is_ok());
        for url in ["/x", "ftp://x/", "file:///etc/passwd", "http://", "http://169.254.169.254/", "javascript:1", ""] {
            assert!(absolute(url).is_err(), "{url}");
        }
        assert!(below(&"postgres://db/x".parse().unwrap(), "").is_err());
    }
}
