//! The text of a request: with or without its first line, with LF or CRLF, also as `curl -v` shows it.

use super::{CaptureError, Captured, HEADERS};

/// The longest line of a head.
const LONGEST: usize = 64 << 10;

pub(super) fn read(text: &[u8]) -> Result<Captured, CaptureError> {
    let mut captured = Captured::default();
    let (mut rest, mut number) = (text, 0);
    loop {
        number += 1;
        let Some((line, after)) = line(rest) else { break };
        rest = after;
        let line = shown_by_curl(line);
        if line.len() > LONGEST || captured.headers.len() > HEADERS {
            return Err(CaptureError::new(format!("line {number} is part of no head of a request that is this large")));
        }
        if line.is_empty() {
            // Empty lines may come before a request, and end its head.
            if captured.headers.is_empty() && captured.method.is_none() {
                continue;
            }
            break;
        }
        take(&mut captured, &String::from_utf8_lossy(line), number)?;
    }
    if captured.headers.is_empty() {
        return Err(CaptureError::new(
            "the capture has no headers: expected the text of a request (headers, an empty line, the body), JSON with \
             headers and body, a HAR file or a curl command. A body alone goes to --body, its header to --header",
        ));
    }
    captured.body = rest.to_vec();
    dechunk(&mut captured);
    Ok(captured)
}

/// A line without its end, and what follows it.
fn line(text: &[u8]) -> Option<(&[u8], &[u8])> {
    if text.is_empty() {
        return None;
    }
    let end = text.iter().position(|byte| *byte == b'\n');
    let (line, rest) = end.map_or((text, &[][..]), |end| (&text[..end], &text[end + 1..]));
    Some((line.strip_suffix(b"\r").unwrap_or(line), rest))
}

/// `curl -v` puts a mark before each line of the head.
fn shown_by_curl(line: &[u8]) -> &[u8] {
    match line.strip_prefix(b">") {
        Some(rest) => rest.strip_prefix(b" ").unwrap_or(rest),
        None => line,
    }
}

fn take(captured: &mut Captured, line: &str, number: usize) -> Result<(), CaptureError> {
    let first = captured.headers.is_empty() && captured.method.is_none();
    if first && let Some((method, target)) = request_line(line) {
        captured.method = Some(method.to_owned());
        captured.target = Some(target.to_owned());
        return Ok(());
    }
    if first && line.starts_with("HTTP/") {
        return Err(CaptureError::new("this is an answer: what is needed is the request that CloudLink sent"));
    }
    // A folded header (RFC 9112, 5.2).
    if line.starts_with([' ', '\t'])
        && let Some((_, value)) = captured.headers.last_mut()
    {
        value.push(' ');
        value.push_str(line.trim());
        return Ok(());
    }
    match line.split_once(':') {
        Some((name, value)) if is_name(name) => {
            captured.headers.push((name.to_owned(), value.trim().to_owned()));
            Ok(())
        }
        // A name of HTTP/2, such as `:path`, as browsers show it.
        None | Some(_) if line.starts_with(':') => {
            pseudo(captured, line);
            Ok(())
        }
        _ => Err(CaptureError::new(format!(
            "line {number} is no header: expected `name: value`, and an empty line between the headers and the body"
        ))),
    }
}

fn pseudo(captured: &mut Captured, line: &str) {
    match line[1..].split_once(':').map(|(name, value)| (name.trim(), value.trim().to_owned())) {
        Some(("method", value)) => captured.method = Some(value),
        Some(("path", value)) => captured.target = Some(value),
        _ => {}
    }
}

/// `POST /notify HTTP/1.1`; the version may lack.
fn request_line(line: &str) -> Option<(&str, &str)> {
    let mut words = line.split_ascii_whitespace();
    let (method, target) = (words.next()?, words.next()?);
    let version = words.next().is_none_or(|version| version.starts_with("HTTP/"));
    let method_like = method.len() <= 20 && method.bytes().all(|byte| byte.is_ascii_uppercase());
    let target_like = target.starts_with('/') || target.contains("://");
    (version && method_like && target_like && words.next().is_none()).then_some((method, target))
}

/// A token of RFC 9110.
fn is_name(name: &str) -> bool {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(token)
}

/// A capture off the wire may hold the body in chunks, which are no part of it.
fn dechunk(captured: &mut Captured) {
    if !captured.header("transfer-encoding").is_some_and(|value| value.to_ascii_lowercase().contains("chunked")) {
        return;
    }
    if let Some(whole) = joined(&captured.body) {
        captured.body = whole;
        captured.notes.push("the body came in chunks, which were joined".to_owned());
    }
}

fn joined(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut whole = Vec::new();
    loop {
        let (head, after) = line(rest)?;
        let size = std::str::from_utf8(head).ok()?.split(';').next()?.trim();
        let size = usize::from_str_radix(size, 16).ok()?;
        if size == 0 {
            return Some(whole);
        }
        whole.extend_from_slice(after.get(..size)?);
        let after = &after[size..];
        rest = after.strip_prefix(b"\r\n").or_else(|| after.strip_prefix(b"\n"))?;
    }
}
