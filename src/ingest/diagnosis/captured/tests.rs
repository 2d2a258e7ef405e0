use proptest::prelude::*;

use super::*;

const RAW: &str = "POST /notify/main HTTP/1.1\r\nHost: hooks.example.com\r\nX-Notify-Signature: abc\r\nContent-Length: 7\r\n\r\n{\"a\":1}";

fn one(text: impl AsRef<[u8]>) -> Captured {
    let mut all = Captured::read(text.as_ref()).unwrap();
    assert_eq!(all.len(), 1);
    all.remove(0)
}

fn why(text: impl AsRef<[u8]>) -> String {
    Captured::read(text.as_ref()).unwrap_err().to_string()
}

#[test]
fn the_text_of_a_request() {
    let request = one(RAW);
    assert_eq!((request.method.as_deref(), request.path()), (Some("POST"), Some("/notify/main")));
    assert_eq!((request.header("x-notify-signature"), &request.body[..]), (Some("abc"), &b"{\"a\":1}"[..]));
    assert_eq!(request.notes, Vec::<String>::new());
    // With LF, without its first line, with empty lines before it: the same.
    let lf = RAW.replace("\r\n", "\n");
    assert_eq!(one(&lf), request);
    assert_eq!(one(format!("\n\n{lf}")), request);
    let headers_only = one(lf.split_once('\n').unwrap().1);
    assert_eq!((headers_only.method, headers_only.body), (None, request.body));
    // The body's own line breaks stay.
    assert_eq!(one("a: b\r\n\r\n{\r\n}\r\n").body, b"{\r\n}\r\n");
    assert_eq!(one("a: b\n c\n\nx").header("A"), Some("b c"));
}

#[test]
fn what_an_editor_put_there_is_left_out_and_said() {
    let more = one(format!("{RAW}\r\n"));
    assert_eq!(
        (&more.body[..], &*more.notes[0]),
        (&b"{\"a\":1}"[..], "2 bytes of white space after the body were left out, since content-length is 7")
    );
    let other = one(format!("{RAW} x"));
    assert_eq!(
        (&other.body[..], &*other.notes[0]),
        (&b"{\"a\":1} x"[..], "content-length is 7, but the capture has 2 bytes more")
    );
    let less = one(&RAW[..RAW.len() - 1]);
    assert_eq!(less.notes, ["content-length is 7, but the capture has 1 byte less"]);
    let marked = one(format!("\u{feff}{RAW}"));
    assert!(marked.notes[0].contains("byte-order mark") && marked.body == b"{\"a\":1}");
    let wide: Vec<u8> = [0xff, 0xfe].into_iter().chain(RAW.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    assert_eq!(one(wide).body, b"{\"a\":1}");
}

#[test]
fn chunks_are_joined() {
    let head = "X-Notify-Signature: abc\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(one(format!("{head}4\r\n{{\"a\"\r\n3;x=y\r\n:1}}\r\n0\r\n\r\n")).body, b"{\"a\":1}");
    // Most tools have joined them already.
    assert_eq!(one(format!("{head}{{\"a\":1}}")).body, b"{\"a\":1}");
    assert_eq!(one(format!("{head}ffffffffffffffff\r\nx")).body, b"ffffffffffffffff\r\nx");
}

#[test]
fn as_curl_shows_it() {
    let request = one("> POST /notify HTTP/1.1\n> Host: x\n> x-notify-signature: abc\n>\n{\"a\":1}");
    assert_eq!(
        (request.path(), request.header("x-notify-signature"), &request.body[..]),
        (Some("/notify"), Some("abc"), &b"{\"a\":1}"[..])
    );
}

#[test]
fn a_curl_command() {
    let request = one(
        "curl -X POST 'https://h.example/notify?x=1' \\\n  -H 'X-Notify-Signature: abc' -H\"Content-Type: application/json\" \\\n  --compressed --data-raw $'{\"a\":\"it\\'s \\u00e9\\n\"}'",
    );
    assert_eq!((request.method.as_deref(), request.path()), (Some("POST"), Some("/notify")));
    assert_eq!(
        (request.header("content-type"), String::from_utf8(request.body.clone()).unwrap()),
        (Some("application/json"), "{\"a\":\"it's é\n\"}".to_owned())
    );
    let joined = one(r#"curl -Ha:b -d "{\"a\": \$1}" --data=x u"#);
    assert_eq!((joined.body, joined.method.as_deref()), (b"{\"a\": $1}&x".to_vec(), Some("POST")));
    assert!(why("curl -H a:b -d @body.json u").contains("--body FILE"));
    assert!(why("curl -H 'a:b").contains("not closed"));
    assert!(why("curl https://x").contains("no -H"));
}

#[test]
fn json_in_its_many_forms() {
    let wanted = one("x-notify-signature: abc\n\n{\"a\":1}");
    for text in [
        r#"{"headers":{"x-notify-signature":"abc"},"body":"{\"a\":1}"}"#,
        r#"{"headers":{"x-notify-signature":["abc"]},"content":"{\"a\":1}"}"#,
        r#"{"headers":[["x-notify-signature","abc"]],"rawBody":"{\"a\":1}"}"#,
        r#"{"headers":[{"name":"x-notify-signature","value":"abc"}],"body_base64":"eyJhIjoxfQ=="}"#,
        r#"{"headers":{"x-notify-signature":"abc"},"multiValueHeaders":{"x-notify-signature":["abc"]},"body":"eyJhIjoxfQ==","isBase64Encoded":true}"#,
        r#"{"request":{"headers":[{"name":"x-notify-signature","value":"abc"}],"postData":{"mimeType":"application/json","text":"{\"a\":1}"}}}"#,
    ] {
        let read = one(text);
        assert_eq!((&read.headers, &read.body), (&wanted.headers, &wanted.body), "{text}");
        assert!(read.notes.is_empty() && !read.parsed, "{text}");
    }
    let parsed = one(r#"{"headers":{"x-notify-signature":"abc"},"body":{"b":2,"a":1}}"#);
    assert!(parsed.parsed && parsed.body == br#"{"b":2,"a":1}"# && parsed.notes[0].contains("as values"));
    assert!(why(r#"{"a":1}"#).contains("without headers"));
    assert!(why(r#"{"a":"#).contains("begins like JSON"));
    assert!(why(r#"{"headers":{"a":"b"},"body_base64":"%"}"#).contains("base64"));
}

#[test]
fn a_har_file_holds_several() {
    let entry = |method: &str, body: &str| {
        serde_json::json!({ "request": { "method": method, "url": "https://h/notify", "headers": [{ "name": "a", "value": "b" }],
            "postData": { "text": body } } })
    };
    let har = serde_json::json!({ "log": { "entries": [entry("GET", ""), entry("POST", "1"), entry("POST", "2")] } });
    let bodies: Vec<Vec<u8>> =
        Captured::read(har.to_string().as_bytes()).unwrap().into_iter().map(|c| c.body).collect();
    assert_eq!(bodies, [b"1", b"2"]);
}

#[test]
fn what_is_no_capture_is_refused_with_what_to_do() {
    for (text, words) in [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("HTTP/1.1 200 OK\n\n", "this is an answer"),
        ("hello\n", "line 1 is no header"),
        ("a: b\nhello\n", "line 2 is no header"),
        ("POST /x HTTP/1.1\n\n{}", "no headers"),
    ] {
        assert!(why(text).contains(words), "{text:?}: {}", why(text));
    }
    assert!(why(vec![b'a'; LARGEST + 1]).contains("larger than 10 MiB"));
    assert!(why(format!("a: {}\n\n", "b".repeat(70_000))).contains("this large"));
    assert!(why([0xff, 0xfe, 0x00, 0xd8]).contains("UTF-16"));
}

proptest! {
    #[test]
    fn nothing_is_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), text in "(curl |\\{|\\[|> |POST / |a: ){1,3}[ -~\n\r]{0,200}") {
        let _ = (Captured::read(&bytes), Captured::read(text.as_bytes()));
    }

    /// Whatever the body, it is read back from the text of a request byte for byte, and from JSON.
    #[test]
    fn bodies_are_kept(body in prop::collection::vec(any::<u8>(), 0..300), crlf in any::<bool>()) {
        use base64::Engine;
        let end = if crlf { "\r\n" } else { "\n" };
        let raw = [format!("x-notify-signature: a{end}content-length: {}{end}{end}", body.len()).as_bytes(), &body].concat();
        prop_assert_eq!(&one(raw).body, &body);
        let encoded = base64::prelude::BASE64_STANDARD.encode(&body);
        prop_assert_eq!(&one(serde_json::json!({ "headers": { "a": "b" }, "body_base64": encoded }).to_string()).body, &body);
    }
}
