//! From a resource's path, as notifications and links give it, to a URL.
//!
//! Paths come with and without a version (`/2017-09-01/…`, in 2017 `/api/2016-12-31/…`) and may hold raw characters that
//! a URL may not contain \[P, RN\]. The base URL of an API has the version already, so the path's own goes.

use std::fmt::Write as _;

use url::Url;

/// The path below `base`: each segment encoded, one optional `/api` and one optional date segment taken off. A URL is
/// taken if it has the base's scheme, host and port; anything that would lead elsewhere is refused.
pub(super) fn below(base: &Url, path: &str) -> Result<Url, &'static str> {
    Ok(join(base, segments(base, path)?))
}

/// The same for a call's own path, which ends in `calls` and an id (`/endpoints/{endpoint}/calls/{call}` \[C, SW\]).
pub(super) fn call(base: &Url, path: &str) -> Result<Url, &'static str> {
    let segments = segments(base, path)?;
    if segments.clone().rev().nth(1) != Some("calls") {
        return Err("the path does not end in calls and an id");
    }
    Ok(join(base, segments))
}

fn segments<'a>(
    base: &Url,
    path: &'a str,
) -> Result<impl DoubleEndedIterator<Item = &'a str> + Clone + use<'a>, &'static str> {
    let path = match path.find("://") {
        Some(_) => local(base, path)?,
        None => path,
    };
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = path.strip_prefix("api/").unwrap_or(path);
    let path = match path.split_once('/') {
        Some((first, rest)) if is_version(first) => rest,
        _ => path,
    };
    if path.is_empty() {
        return Err("the path is empty");
    }
    if path.bytes().any(|byte| byte.is_ascii_control() || byte == b'\\') {
        return Err("the path holds characters that no path holds");
    }
    if path.split('/').any(|segment| segment.is_empty() || is_dots(segment)) {
        return Err("a part of the path is empty or leads elsewhere");
    }
    Ok(path.split('/'))
}

/// The path of an absolute URL that lies at the API's own origin.
fn local<'a>(base: &Url, url: &'a str) -> Result<&'a str, &'static str> {
    let origin = &base[..url::Position::BeforePath];
    match url.strip_prefix(origin) {
        Some(path) if path.starts_with('/') => Ok(path),
        _ => Err("the URL leads to another host"),
    }
}

fn join<'a>(base: &Url, segments: impl Iterator<Item = &'a str>) -> Url {
    let mut path = String::with_capacity(128);
    path.push_str(base.path().trim_end_matches('/'));
    for segment in segments {
        path.push('/');
        encode(segment, &mut path);
    }
    // The rest of the base is known to be right: it is not read again.
    let mut url = base.clone();
    url.set_path(&path);
    url
}

/// One segment: what a path may not contain is escaped, existing escapes are left alone.
pub(super) fn encode(segment: &str, out: &mut String) {
    // RFC 3986: unreserved, sub-delims, ':' and '@'.
    escape(segment, b"-._~!$&'()*+,;=:@", out);
}

/// Escapes all but letters, digits, escapes and what is in `plain`.
fn escape(text: &str, plain: &[u8], out: &mut String) {
    let bytes = text.as_bytes();
    for (at, &byte) in bytes.iter().enumerate() {
        let escape = byte == b'%' && bytes.get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit));
        if escape || byte.is_ascii_alphanumeric() || plain.contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

/// An id as one segment, every character of its own: escapes are not left alone, a slash does not part it.
pub(super) fn id(id: &str) -> Result<String, &'static str> {
    if id.is_empty() || is_dots(id) {
        return Err("its id is empty or leads elsewhere");
    }
    Ok(percent_encoding::utf8_percent_encode(id, ID).to_string())
}

const ID: &percent_encoding::AsciiSet =
    &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b':').remove(b'@');

fn is_version(segment: &str) -> bool {
    segment.len() == 10
        && segment
            .bytes()
            .enumerate()
            .all(|(at, byte)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() })
}

/// `.` and `..`, also escaped.
pub(super) fn is_dots(segment: &str) -> bool {
    let may_be = segment.len() <= 6 && segment.starts_with(['.', '%']);
    may_be && matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")
}

/// The longest link that is followed.
const MAX_LINK: usize = 8 * 1024;

/// The URL of a collection's `next` link on `page`. A path with a version is resolved against the API's origin, not its
/// base path \[P, RN\], one without lies below the base. What a URL may not contain is escaped, escapes are left alone.
/// Never to another host.
pub(super) fn next(base: &Url, page: &Url, link: &str) -> Result<Url, &'static str> {
    let link = link.trim();
    if link.len() > MAX_LINK {
        return Err("its next link is longer than any link");
    }
    if link.bytes().any(|byte| byte.is_ascii_control() || byte == b'\\') {
        return Err("its next link holds characters that no link holds");
    }
    let link = link.split('#').next().unwrap_or_default();
    let (path, query) = link.split_once('?').map_or((link, None), |(path, query)| (path, Some(query)));
    if path.is_empty() && query.is_none() {
        return Err("its next link is empty");
    }
    let mut url = if path.is_empty() { page.clone() } else { base.clone() };
    if !path.is_empty() {
        url.set_path(&resolved(base, path)?);
    }
    url.set_query(query.map(encode_query).as_deref());
    Ok(url)
}

fn resolved(base: &Url, link: &str) -> Result<String, &'static str> {
    let absolute = match link.split('/').next() {
        Some(scheme) if scheme.ends_with(':') => Url::parse(link).ok(),
        Some("") if link.starts_with("//") => Url::parse(&format!("{}:{link}", base.scheme())).ok(),
        _ => None,
    };
    let path = match &absolute {
        Some(url) if url.origin() == base.origin() && url.username().is_empty() && url.password().is_none() => {
            url.path()
        }
        None if !link.starts_with("//") => link,
        _ => return Err("its next link leads to another host"),
    };
    let path = path.strip_prefix('/').unwrap_or(path);
    let below = path.strip_suffix('/').unwrap_or(path);
    if below.split('/').any(|segment| segment.is_empty() || is_dots(segment)) {
        return Err("a part of its next link is empty or leads elsewhere");
    }
    let prefix = base.path().trim_matches('/');
    let whole = path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let version = path.strip_prefix("api/").unwrap_or(path).split('/').next().is_some_and(is_version);
    let mut out = String::with_capacity(128);
    if !(whole || version) {
        out.push_str(base.path().trim_end_matches('/'));
    }
    for segment in path.split('/') {
        out.push('/');
        encode(segment, &mut out);
    }
    Ok(out)
}

/// A query: what it may not contain is escaped, existing escapes are left alone.
pub(super) fn encode_query(query: &str) -> String {
    let mut out = String::with_capacity(query.len() + 16);
    escape(query, b"-._~!$&'()*+,;=:@/?", &mut out);
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BASE: &str = "http://127.0.0.1:9090/2017-09-01";

    #[test]
    fn a_calls_path_is_put_below_the_base() {
        let base = BASE.parse().unwrap();
        let wanted = format!("{BASE}/endpoints/3001/calls/48151623");
        for path in [
            "/2017-09-01/endpoints/3001/calls/48151623",
            "/endpoints/3001/calls/48151623",
            "endpoints/3001/calls/48151623",
            "/api/2016-12-31/endpoints/3001/calls/48151623",
            "http://127.0.0.1:9090/2017-09-01/endpoints/3001/calls/48151623",
        ] {
            assert_eq!(call(&base, path).unwrap().as_str(), wanted, "{path}");
        }
        for (path, end) in [
            ("/endpoints/+1 613/calls/a#3", "/endpoints/+1%20613/calls/a%233"),
            ("/endpoints/300%201/calls/ü?x", "/endpoints/300%201/calls/%C3%BC%3Fx"),
            ("/endpoints/3/calls/100%", "/endpoints/3/calls/100%25"),
            ("/endpoints/3/calls/{a}", "/endpoints/3/calls/%7Ba%7D"),
        ] {
            assert_eq!(call(&base, path).unwrap().as_str(), format!("{BASE}{end}"));
        }
    }

    #[test]
    fn what_leads_elsewhere_is_refused() {
        let base = BASE.parse().unwrap();
        for path in [
            "",
            "/",
            "/2017-09-01/",
            "http://evil.example/2017-09-01/endpoints/3001/calls/1",
            "http://127.0.0.1:90901/endpoints/3001/calls/1",
            "http://127.0.0.1:9090@evil.example/endpoints/3001/calls/1",
            "//evil.example/endpoints/3001/calls/1",
            "/endpoints/../calls/1",
            "/endpoints/3001/calls/..",
            "/endpoints/3001/calls/%2E%2e",
            "/endpoints/3001/calls/.%2e",
            "/endpoints/3001/calls/",
            "/endpoints//calls/1",
            "/endpoints/3001/calls",
            "/endpoints/3001/calls/1/..\\x",
            "/endpoints/3001/calls/1\r\nx",
            "/subscriptions/1",
        ] {
            assert!(call(&base, path).is_err(), "{path}");
        }
    }

    #[test]
    fn ids_are_one_segment() {
        assert_eq!(id("4d3c-9").unwrap(), "4d3c-9");
        assert_eq!(id("a/b?c%20").unwrap(), "a%2Fb%3Fc%2520");
        assert!(id("").is_err() && id("..").is_err());
    }

    #[test]
    fn next_links_are_resolved() {
        let base: Url = "http://127.0.0.1:9090/media/2017-09-01".parse().unwrap();
        let page: Url = "http://127.0.0.1:9090/media/2017-09-01/x?$top=1".parse().unwrap();
        for (link, wanted) in [
            // With a version: at the origin, not below the base's own path.
            ("/2017-09-01/x?$skip=2 0", "/2017-09-01/x?$skip=2%200"),
            ("/api/2016-12-31/x?$skip=2", "/api/2016-12-31/x?$skip=2"),
            ("2017-09-01/x?a=\"b\"", "/2017-09-01/x?a=%22b%22"),
            ("/media/2017-09-01/x?$skip=2", "/media/2017-09-01/x?$skip=2"),
            ("http://127.0.0.1:9090/2017-09-01/a b?c=d e", "/2017-09-01/a%20b?c=d%20e"),
            ("HTTP://127.0.0.1:9090/2017-09-01/x", "/2017-09-01/x"),
            ("//127.0.0.1:9090/2017-09-01/x", "/2017-09-01/x"),
            // Without one: below the base.
            ("/x?$skip=2", "/media/2017-09-01/x?$skip=2"),
            ("x/", "/media/2017-09-01/x/"),
            ("?$skip=2", "/media/2017-09-01/x?$skip=2"),
            // Escapes are left alone, the rest is escaped.
            ("/2017-09-01/a%2Fb?c=%20%zz{}#top", "/2017-09-01/a%2Fb?c=%20%25zz%7B%7D"),
        ] {
            assert_eq!(next(&base, &page, link).unwrap().as_str(), format!("http://127.0.0.1:9090{wanted}"), "{link}");
        }
        for link in [
            "",
            "#",
            "/",
            "https://evil.example/x",
            "https://127.0.0.1:9090/2017-09-01/x",
            "http://127.0.0.1:9091/2017-09-01/x",
            "http://a:b@127.0.0.1:9090/2017-09-01/x",
            "//evil.example/x",
            "\\\\evil.example/x",
            "/2017-09-01/../x",
            "/2017-09-01/%2e%2E/x",
            "/2017-09-01//x",
            "/x\r\ny",
            &"x".repeat(MAX_LINK + 1),
        ] {
            let next = next(&base, &page, link);
            assert!(next.is_err(), "{link}: {next:?}");
        }
    }

    fn base() -> Url {
        "https://media.api.mitel.io/media/2017-09-01".parse().unwrap()
    }

    fn decoded(text: &str) -> String {
        percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned()
    }

    proptest! {
        #[test]
        fn whatever_a_link_says_it_stays_at_the_host(
            link in r"\PC{0,60}|[/?#:.%a-f0-9\\@ ]{0,40}|(https?:)?//(media\.api\.mitel\.io)?[a-z.:@/0-9?]{0,30}",
        ) {
            let (base, page) = (base(), base().join("/media/2017-09-01/users?$top=1").unwrap());
            if let Ok(url) = next(&base, &page, &link) {
                prop_assert_eq!(url.origin(), base.origin());
                prop_assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none());
                prop_assert!(!url.path_segments().unwrap().any(|segment| segment == ".."));
                // What is resolved is resolved.
                prop_assert_eq!(next(&base, &page, url.as_str()), Ok(url));
            }
        }

        #[test]
        fn a_link_with_raw_characters_means_what_it_says(
            segments in prop::collection::vec(r"[^/?#%\\\p{Cc}]{1,8}", 1..5),
            query in r"[^#%\\\p{Cc}]{0,20}[^#%\\\p{Cc}\s]",
        ) {
            prop_assume!(segments.iter().all(|segment| !is_dots(segment)));
            let link = format!("/2017-09-01/{}?{query}", segments.join("/"));
            let url = next(&base(), &base(), &link).unwrap();
            let path: Vec<String> = url.path_segments().unwrap().skip(1).map(decoded).collect();
            prop_assert_eq!(path, segments);
            prop_assert_eq!(decoded(url.query().unwrap()), query);
        }

        #[test]
        fn an_id_is_one_segment_whatever_it_holds(given in r"\PC{1,20}|[./%\\?#&a-f0-9]{1,12}") {
            prop_assume!(given != "." && given != "..");
            match id(&given) {
                Ok(id) => {
                    let url = below(&base(), &format!("/users/{id}/tags")).unwrap();
                    let path: Vec<String> = url.path_segments().unwrap().skip(2).map(decoded).collect();
                    prop_assert_eq!(path, ["users", given.as_str(), "tags"]);
                    prop_assert_eq!(url.query(), None);
                }
                Err(_) => prop_assert!(is_dots(&given)),
            }
        }
    }
}
