//! A captured request, in the forms in which people have one: the text of the request, what `curl -v` showed, a curl
//! command, JSON with headers and body, a HAR file.
//!
//! The bytes of the body are kept as they are: a signature is about bytes. What was guessed or repaired is noted. Nothing here
//! knows keys or signatures.

mod curl;
mod http;
mod json;

/// The largest capture that is read.
pub const LARGEST: usize = 10 << 20;
/// The most requests that one file may hold, and the most headers of one.
const REQUESTS: usize = 100;
const HEADERS: usize = 1000;

/// A request that somebody captured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Captured {
    /// The method, if the capture tells it.
    pub method: Option<String>,
    /// The path or address, if the capture tells it.
    pub target: Option<String>,
    /// Names and values, in order.
    pub headers: Vec<(String, String)>,
    /// The body, byte for byte as far as the capture has it.
    pub body: Vec<u8>,
    /// What was guessed or repaired, and what is odd about it.
    pub notes: Vec<String>,
    /// The capture holds the body as values, not as text: its bytes are lost.
    pub parsed: bool,
}

/// Why a capture can't be read, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CaptureError(String);

impl CaptureError {
    fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl Captured {
    /// Reads a capture, whatever its form. A HAR file may hold several requests; of them those that have a body.
    pub fn read(bytes: &[u8]) -> Result<Vec<Self>, CaptureError> {
        if bytes.len() > LARGEST {
            return Err(CaptureError::new(format!("the capture is larger than {} MiB", LARGEST >> 20)));
        }
        let (bytes, note) = as_utf8(bytes)?;
        let begin = bytes.trim_ascii_start();
        if begin.is_empty() {
            return Err(CaptureError::new("the capture is empty"));
        }
        let mut all = if begin.starts_with(b"{") || begin.starts_with(b"[") {
            json::read(begin)?
        } else if begin.starts_with(b"curl ") || begin.starts_with(b"curl.exe ") {
            vec![curl::read(begin)?]
        } else {
            vec![http::read(&bytes)?]
        };
        all.truncate(REQUESTS);
        for captured in &mut all {
            captured.headers.truncate(HEADERS);
            captured.notes.splice(0..0, note.iter().cloned());
            captured.mend_length();
        }
        Ok(all)
    }

    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The path of the target, without host and query.
    pub fn path(&self) -> Option<&str> {
        let target = self.target.as_deref()?;
        let path = match target.split_once("://") {
            Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
            None => target,
        };
        path.split(['?', '#']).next()
    }

    /// What `content-length` says, if it is a number.
    pub(super) fn announced(&self) -> Option<usize> {
        self.header("content-length")?.trim().parse().ok()
    }

    /// Takes away the line breaks that an editor put after the body, when the length says so.
    fn mend_length(&mut self) {
        let Some(length) = self.announced().filter(|length| *length != self.body.len() && !self.parsed) else { return };
        match self.body.get(length..) {
            Some(rest) if rest.iter().all(u8::is_ascii_whitespace) => {
                self.notes.push(format!(
                    "{} of white space after the body were left out, since content-length is {length}",
                    bytes(rest.len())
                ));
                self.body.truncate(length);
            }
            Some(rest) => {
                self.notes.push(format!("content-length is {length}, but the capture has {} more", bytes(rest.len())));
            }
            None => self.notes.push(format!(
                "content-length is {length}, but the capture has {} less",
                bytes(length - self.body.len())
            )),
        }
    }
}

/// A number of bytes in words.
pub(super) fn bytes(number: usize) -> String {
    if number == 1 { "1 byte".to_owned() } else { format!("{number} bytes") }
}

/// Captures of Windows come in UTF-16, and with a mark before the text.
fn as_utf8(bytes: &[u8]) -> Result<(std::borrow::Cow<'_, [u8]>, Option<String>), CaptureError> {
    if let Some(rest) = bytes.strip_prefix(b"\xef\xbb\xbf") {
        return Ok((rest.into(), Some("the file begins with a byte-order mark, which was left out".to_owned())));
    }
    let little = bytes.starts_with(b"\xff\xfe");
    if !little && !bytes.starts_with(b"\xfe\xff") {
        return Ok((bytes.into(), None));
    }
    let unit = |pair: &[u8]| match (pair, little) {
        (&[low, high], true) | (&[high, low], false) => u16::from_be_bytes([high, low]),
        _ => 0xfffd,
    };
    let units: Vec<u16> = bytes[2..].chunks(2).map(unit).collect();
    match String::from_utf16(&units) {
        Ok(text) => Ok((text.into_bytes().into(), Some("the file is UTF-16 and was read as UTF-8".to_owned()))),
        Err(_) => Err(CaptureError::new("the file begins like UTF-16, but is none: save it as UTF-8")),
    }
}

#[cfg(test)]
mod tests;
