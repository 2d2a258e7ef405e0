//! What may have been signed instead of the body as it was captured: the body as it may have been before somebody changed it,
//! or something made of it.

use std::io::Read;

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};

use super::captured::{Captured, LARGEST};

/// How deep keys are sorted.
const DEPTH: usize = 100;
/// Headers that may hold the time that was signed along.
const TIMES: [&str; 3] = ["timestamp", "time", "date"];
/// The most of them that are tried.
const MOST_TIMES: usize = 4;

/// Something that may have been signed.
pub(super) struct Message {
    /// What it is, in words; it follows "of".
    pub(super) words: String,
    /// Why it may be so, and what to do.
    pub(super) because: Because,
    pub(super) bytes: Vec<u8>,
}

/// How a message differs from the captured body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Because {
    /// It does not.
    Same,
    /// Whoever captured it, or stood between, changed white space, line breaks or marks.
    Spaces,
    /// Whoever captured it read the JSON and wrote it anew.
    Rewritten,
    /// The signature is over the body before or after a content encoding.
    Encoded,
    /// More or less than the body is signed.
    Other,
}

/// Everything that is worth a try, the likeliest first. `give` is called with one after the other until it says that it has
/// enough; they are not kept, since a body may be large.
pub(super) fn each(captured: &Captured, mut give: impl FnMut(Message) -> bool) {
    let body = &captured.body[..];
    let mut say = |words: &str, because, bytes: Vec<u8>| {
        let same = because != Because::Same && bytes == body;
        !same && give(Message { words: words.to_owned(), because, bytes })
    };
    let _ = say("the body as it is", Because::Same, body.to_vec())
        || spaces(body, &mut say)
        || marks(body, &mut say)
        || encoded(body, &mut say)
        || rewritten(body, &mut say)
        || parts(body, &mut say)
        || with_more(captured, &mut say);
}

type Say<'a> = dyn FnMut(&str, Because, Vec<u8>) -> bool + 'a;

fn spaces(body: &[u8], say: &mut Say<'_>) -> bool {
    let because = Because::Spaces;
    let less = |end: &[u8]| body.strip_suffix(end).unwrap_or(body).to_vec();
    let more = |end: &[u8]| [body, end].concat();
    say("the body without the line break at its end", because, less(b"\n"))
        || say("the body without the line break (CR LF) at its end", because, less(b"\r\n"))
        || say("the body without white space around it", because, body.trim_ascii().to_vec())
        || say("the body with a line break at its end", because, more(b"\n"))
        || say("the body with a line break (CR LF) at its end", because, more(b"\r\n"))
        || say("the body with LF in place of CR LF", because, without_cr(body))
        || say("the body with CR LF in place of LF", because, with_cr(body))
}

fn without_cr(body: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(body.len());
    for (at, &byte) in body.iter().enumerate() {
        if byte != b'\r' || body.get(at + 1) != Some(&b'\n') {
            plain.push(byte);
        }
    }
    plain
}

fn with_cr(body: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(body.len() + 64);
    let mut before = 0;
    for &byte in body {
        if byte == b'\n' && before != b'\r' {
            plain.push(b'\r');
        }
        plain.push(byte);
        before = byte;
    }
    plain
}

fn marks(body: &[u8], say: &mut Say<'_>) -> bool {
    const MARK: &[u8] = b"\xef\xbb\xbf";
    let because = Because::Spaces;
    say("the body without its byte-order mark", because, body.strip_prefix(MARK).unwrap_or(body).to_vec())
        || say("the body with a byte-order mark before it", because, [MARK, body].concat())
        || as_latin1(body)
            .is_some_and(|bytes| say("the body read as UTF-8, which somebody had taken for Latin-1", because, bytes))
}

/// UTF-8 that was taken for Latin-1 and written as UTF-8 once more.
fn as_latin1(body: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(body).ok().filter(|text| !text.is_ascii())?;
    text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect()
}

fn encoded(body: &[u8], say: &mut Say<'_>) -> bool {
    let plain = |decoder: &mut dyn Read| {
        let mut plain = Vec::new();
        let read = decoder.take(LARGEST as u64 + 1).read_to_end(&mut plain);
        (read.is_ok() && plain.len() <= LARGEST && !plain.is_empty()).then_some(plain)
    };
    let gzip = plain(&mut flate2::read::MultiGzDecoder::new(body));
    let zlib = plain(&mut flate2::read::ZlibDecoder::new(body));
    [(gzip, "the body after gunzip"), (zlib, "the body after inflating it")]
        .into_iter()
        .any(|(plain, words)| plain.is_some_and(|plain| say(words, Because::Encoded, plain)))
}

fn rewritten(body: &[u8], say: &mut Say<'_>) -> bool {
    let Ok(value) = serde_json::from_slice::<Value>(body) else { return false };
    // Some tools write the body as a text within JSON.
    let inner = value.as_str().map(|text| text.as_bytes().to_vec());
    if inner.is_some_and(|inner| say("the text that the body holds as JSON", Because::Rewritten, inner)) {
        return true;
    }
    forms(&value, "", say) || forms(&sorted(value, DEPTH), ", keys sorted", say)
}

/// One value, written as common programs write it.
fn forms(value: &Value, order: &str, say: &mut Say<'_>) -> bool {
    let because = Because::Rewritten;
    let compact = value.to_string();
    let spaced = written(value, Spaced);
    say(&format!("the body written anew, compact{order}"), because, compact.clone().into_bytes())
        || say(&format!("the body written anew, indented by 2{order}"), because, indented(value, b"  "))
        || say(&format!("the body written anew, indented by 4{order}"), because, indented(value, b"    "))
        || say(&format!("the body written anew, indented by tabs{order}"), because, indented(value, b"\t"))
        || say(
            &format!("the body written anew with a space after , and :{order}"),
            because,
            spaced.clone().into_bytes(),
        )
        || say(&format!("the body written anew, spaced, in ASCII{order}"), because, ascii(&spaced, false).into_bytes())
        || say(
            &format!("the body written anew, compact, in ASCII{order}"),
            because,
            ascii(&compact, false).into_bytes(),
        )
        || say(
            &format!("the body written anew, compact, with \\/ for each slash{order}"),
            because,
            compact.replace('/', "\\/").into_bytes(),
        )
        || say(
            &format!("the body written anew, compact, in ASCII, with \\/ for each slash{order}"),
            because,
            ascii(&compact.replace('/', "\\/"), false).into_bytes(),
        )
        || say(
            &format!("the body written anew, compact, with < > & ' as escapes{order}"),
            because,
            ascii(&compact, true).into_bytes(),
        )
}

fn written<F: Formatter>(value: &Value, formatter: F) -> String {
    let mut out = Vec::new();
    // A value has no keys but texts, and memory does not fail to be written.
    let _ = value.serialize(&mut Serializer::with_formatter(&mut out, formatter));
    String::from_utf8(out).unwrap_or_default()
}

fn indented(value: &Value, by: &[u8]) -> Vec<u8> {
    written(value, PrettyFormatter::with_indent(by)).into_bytes()
}

/// As Python's `json.dumps` writes.
struct Spaced;

impl Formatter for Spaced {
    fn begin_array_value<W: ?Sized + std::io::Write>(&mut self, out: &mut W, first: bool) -> std::io::Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + std::io::Write>(&mut self, out: &mut W, first: bool) -> std::io::Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + std::io::Write>(&mut self, out: &mut W) -> std::io::Result<()> {
        out.write_all(b": ")
    }
}

/// What is not ASCII as an escape; `html`: also what .NET escapes by default.
fn ascii(text: &str, html: bool) -> String {
    use std::fmt::Write;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() && !(html && "<>&'+".contains(c)) {
            out.push(c);
            continue;
        }
        let mut units = [0; 2];
        for unit in c.encode_utf16(&mut units) {
            let _ = if html { write!(out, "\\u{unit:04X}") } else { write!(out, "\\u{unit:04x}") };
        }
    }
    out
}

fn sorted(value: Value, depth: usize) -> Value {
    match value {
        value if depth == 0 => value,
        Value::Array(items) => Value::Array(items.into_iter().map(|item| sorted(item, depth - 1)).collect()),
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.into_iter().collect();
            fields.sort_by(|(a, _), (b, _)| a.cmp(b));
            Value::Object(fields.into_iter().map(|(key, value)| (key, sorted(value, depth - 1))).collect())
        }
        other => other,
    }
}

/// A part of the publication, or what it may have been wrapped in.
fn parts(body: &[u8], say: &mut Say<'_>) -> bool {
    let because = Because::Other;
    let Ok(value) = serde_json::from_slice::<Value>(body) else { return false };
    let compact = |part: &Value| part.to_string().into_bytes();
    let field = |name: &str| value.get(name).filter(|part| !part.is_null());
    field("content").is_some_and(|part| say("the publication's content alone, compact", because, compact(part)))
        || field("publication").is_some_and(|part| say("the publication without its envelope", because, compact(part)))
        || field("publicationId")
            .and_then(Value::as_str)
            .is_some_and(|id| say("the publicationId alone", because, id.as_bytes().to_vec()))
        || say("the body within {\"publications\":[…]}", because, [b"{\"publications\":[", body, b"]}"].concat())
}

/// The body together with a time, the path or the method.
fn with_more(captured: &Captured, say: &mut Say<'_>) -> bool {
    let because = Because::Other;
    let body = &captured.body[..];
    let is_time = |name: &str| {
        let name = name.to_ascii_lowercase();
        TIMES.iter().any(|word| name == *word || name.ends_with(&format!("-{word}")) || name.contains("timestamp"))
    };
    for (name, time) in captured.headers.iter().filter(|(name, _)| is_time(name)).take(MOST_TIMES) {
        for (between, words) in [(".", "a dot"), (":", "a colon"), ("\n", "a line break"), ("", "nothing")] {
            let joined = [time.as_bytes(), between.as_bytes(), body].concat();
            let after = [body, between.as_bytes(), time.as_bytes()].concat();
            if say(&format!("the header {name}, {words} and the body"), because, joined)
                || say(&format!("the body, {words} and the header {name}"), because, after)
            {
                return true;
            }
        }
        if say(&format!("v0, the header {name} and the body, with colons"), because, v0(time, body)) {
            return true;
        }
    }
    let path = captured.path().unwrap_or_default().as_bytes();
    let method = captured.method.as_deref().unwrap_or("POST").as_bytes();
    let target = captured.target.as_deref().unwrap_or_default().as_bytes();
    if path.is_empty() {
        return false;
    }
    say("the path and the body", because, [path, body].concat())
        || say("the path, a line break and the body", because, [path, b"\n", body].concat())
        || say("the method, the path and the body", because, [method, path, body].concat())
        || say("the method, the path and the body, in lines", because, [method, b"\n", path, b"\n", body].concat())
        || say("the address and the body", because, [target, body].concat())
        || say("the body and the address", because, [body, target].concat())
}

fn v0(time: &str, body: &[u8]) -> Vec<u8> {
    [b"v0:", time.as_bytes(), b":", body].concat()
}
