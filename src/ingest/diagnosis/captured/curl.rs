//! A curl command, as browsers and request bins offer it to copy. It is read, never run, and no file that it names is opened.

use super::{CaptureError, Captured, HEADERS};

/// Options with a value that does not matter here.
const OTHERS: [&str; 10] =
    ["-A", "--user-agent", "-b", "--cookie", "-u", "--user", "-o", "--output", "-m", "--max-time"];

pub(super) fn read(text: &[u8]) -> Result<Captured, CaptureError> {
    let text = std::str::from_utf8(text).map_err(|_| CaptureError::new("the curl command is no UTF-8 text"))?;
    let mut captured = Captured::default();
    let mut bodies: Vec<String> = Vec::new();
    let mut words = words(text)?.into_iter().skip(1);
    while let Some(word) = words.next() {
        let (name, attached) = option(&word);
        let mut value = || attached.clone().or_else(|| words.next()).unwrap_or_default();
        match name {
            "-H" | "--header" => {
                if let Some((name, value)) = value().split_once(':').filter(|_| captured.headers.len() < HEADERS) {
                    captured.headers.push((name.trim().to_owned(), value.trim().to_owned()));
                }
            }
            "-X" | "--request" => captured.method = Some(value()),
            "--url" => captured.target = Some(value()),
            "-d" | "--data" | "--data-ascii" | "--data-binary" | "--json" => bodies.push(literal(value())?),
            "--data-raw" => bodies.push(value()),
            name if OTHERS.contains(&name) => drop(value()),
            name if name.starts_with('-') => {}
            _ => captured.target = Some(word),
        }
    }
    captured.method = captured.method.or_else(|| (!bodies.is_empty()).then(|| "POST".to_owned()));
    captured.body = bodies.join("&").into_bytes();
    if captured.headers.is_empty() {
        return Err(CaptureError::new("the curl command has no -H: the header x-notify-signature is needed"));
    }
    Ok(captured)
}

/// The name of an option, and the value that is written in the same word.
fn option(word: &str) -> (&str, Option<String>) {
    if word.starts_with("--") {
        return word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value.to_owned())));
    }
    match word.char_indices().nth(2) {
        Some((at, _)) if word.starts_with('-') && "HXdAbuom".contains(&word[1..at]) => {
            (&word[..at], Some(word[at..].to_owned()))
        }
        _ => (word, None),
    }
}

fn literal(value: String) -> Result<String, CaptureError> {
    if value.starts_with('@') {
        return Err(CaptureError::new(
            "the curl command takes its body from a file: give it by --body FILE, and the header by --header",
        ));
    }
    Ok(value)
}

/// The words of a shell's command line: quotes of all three kinds, escapes, lines that go on.
fn words(text: &str) -> Result<Vec<String>, CaptureError> {
    let (mut words, mut word) = (Vec::new(), None::<String>);
    let mut rest = text.chars().peekable();
    while let Some(next) = rest.next() {
        match next {
            '\'' => quoted(&mut rest, word.get_or_insert_default(), Quote::Single)?,
            '"' => quoted(&mut rest, word.get_or_insert_default(), Quote::Double)?,
            '$' if rest.peek() == Some(&'\'') => {
                rest.next();
                quoted(&mut rest, word.get_or_insert_default(), Quote::Ansi)?;
            }
            '\\' => match rest.next() {
                None | Some('\n') => {}
                Some('\r') => drop(rest.next_if_eq(&'\n')),
                Some(plain) => word.get_or_insert_default().push(plain),
            },
            space if space.is_whitespace() => words.extend(word.take()),
            plain => word.get_or_insert_default().push(plain),
        }
    }
    words.extend(word);
    Ok(words)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Quote {
    /// Nothing is special.
    Single,
    /// A backslash before `"`, `\`, `$` and a backquote.
    Double,
    /// C's escapes.
    Ansi,
}

fn quoted(
    rest: &mut std::iter::Peekable<std::str::Chars<'_>>,
    word: &mut String,
    quote: Quote,
) -> Result<(), CaptureError> {
    let end = if quote == Quote::Double { '"' } else { '\'' };
    loop {
        match rest.next() {
            None => return Err(CaptureError::new("a quote in the curl command is not closed")),
            Some(next) if next == end => return Ok(()),
            Some('\\') if quote == Quote::Double => match rest.next() {
                Some(escaped @ ('"' | '\\' | '$' | '`')) => word.push(escaped),
                Some('\n') => {}
                Some(other) => word.extend(['\\', other]),
                None => word.push('\\'),
            },
            Some('\\') if quote == Quote::Ansi => ansi(rest, word),
            Some(plain) => word.push(plain),
        }
    }
}

fn ansi(rest: &mut std::iter::Peekable<std::str::Chars<'_>>, word: &mut String) {
    match rest.next() {
        Some('n') => word.push('\n'),
        Some('r') => word.push('\r'),
        Some('t') => word.push('\t'),
        Some(kind @ ('u' | 'x')) => {
            let most = if kind == 'u' { 4 } else { 2 };
            let mut code = 0;
            for _ in 0..most {
                let Some(digit) = rest.peek().and_then(|digit| digit.to_digit(16)) else { break };
                (code, _) = (code * 16 + digit, rest.next());
            }
            word.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        Some(other) => word.push(other),
        None => {}
    }
}
