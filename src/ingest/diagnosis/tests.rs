//! Vectors from Python's hmac and hashlib, which share no code with ours.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use proptest::prelude::*;

use super::*;
use crate::kit::secret::Secret;

const ID: &str = "9f1c2b3a-0000-4000-8000-0000000000fe";
const BODY: &str = r#"{"publicationId":"p1","topic":"platform-api-media","method":"PUT","subject":"/x/é","content":{"n":1.5,"s":"a/b <&>"}}"#;

fn setup(ids: &[(&str, &str)]) -> Setup {
    let application =
        |(name, id): &(&str, &str)| Application { name: (*name).into(), account: "main".into(), id: Secret::new(*id) };
    Setup { path: "/notify".into(), max_body: 1 << 20, applications: ids.iter().map(application).collect() }
}

fn captured(signature: &str, body: impl Into<Vec<u8>>) -> Captured {
    let headers = vec![(SIGNATURE.to_owned(), signature.to_owned())];
    Captured { headers, body: body.into(), ..Captured::default() }
}

/// What fits, in one line.
fn found(captured: &Captured) -> String {
    let found = diagnose(captured, &setup(&[("old", "1b4e28ba-2fa1-4d31-883f-0016d3cca427"), ("main", ID)]));
    let Some(fit) = found.fit else { return format!("{} nothing", found.verdict.status()) };
    let application = fit.application.unwrap_or_else(|| "no key".to_owned());
    format!("{} {application}: {}; {}", found.verdict.status(), fit.encoding, fit.construction)
}

/// ```python
/// import hmac, hashlib, json, uuid
/// K = '9f1c2b3a-0000-4000-8000-0000000000fe'; k = K.encode()
/// B = '{"publicationId":"p1","topic":"platform-api-media","method":"PUT","subject":"/x/\u00e9","content":{"n":1.5,"s":"a/b <&>"}}'
/// b = B.encode(); o = json.loads(B); C = (',', ':')
/// h = lambda k, m, a='sha256': hmac.new(k, m, a).hexdigest()
/// ```
/// then the expression that stands before each.
#[test]
fn every_construction_is_recognised() {
    let way = "HMAC-SHA256 of";
    let given = "keyed by the id as given";
    for (signature, made) in [
        // h(k, b)
        (
            "1ceb9a34c2e1d12436741f2b76756249496eb3faf05ce34f43a3f6c60771d25f",
            format!("{way} the body as it is, {given}"),
        ),
        // h(k, b + b'\n')
        (
            "53a49f7390ca50f03a235cbfce44a3f8ca380e17e266718ad9f40176d6bbe909",
            format!("{way} the body with a line break at its end, {given}"),
        ),
        // h(k, B.encode('latin1'))
        (
            "2e242075d5d23c051b8e7dfce2fcac90285f33e043bae36b5f536335ef40e06a",
            format!("{way} the body read as UTF-8, which somebody had taken for Latin-1, {given}"),
        ),
        // h(k, json.dumps(o, indent=2, ensure_ascii=False).encode())
        (
            "b456289b7a3f45eabc101ffa7cf7c0a5e2cdb464240f3095fe4734d6fa5136d6",
            format!("{way} the body written anew, indented by 2, {given}"),
        ),
        // h(k, json.dumps(o).encode())
        (
            "28fc6fb91f06496f090fc99024af05fc0833ddd67289ca7392c90ae1097b3d3d",
            format!("{way} the body written anew, spaced, in ASCII, {given}"),
        ),
        // h(k, json.dumps(o, sort_keys=True, separators=C, ensure_ascii=False).encode())
        (
            "c5a5ebb7d2cde52662206461fe741a7aa4159f8a6e10c17bf807b1861dbc6a2c",
            format!("{way} the body written anew, compact, keys sorted, {given}"),
        ),
        // h(k, json.dumps(o, separators=C).replace('/', '\\/').encode())
        (
            "824d8c8876759e6f14d56b9d6d73705829c425e6f9027938f2089d4db2d834f9",
            format!("{way} the body written anew, compact, in ASCII, with \\/ for each slash, {given}"),
        ),
        // h(k, json.dumps(o, separators=C).replace('\\u00e9', '\\u00E9').replace('<', '\\u003C').replace('>', '\\u003E')
        //   .replace('&', '\\u0026').encode())
        (
            "1a2449a06abf3a9052b0a3ddb5c0d656a489ce4a7f99160e0720a56076d65b38",
            format!("{way} the body written anew, compact, with < > & ' as escapes, {given}"),
        ),
        // h(k, json.dumps(o['content'], separators=C).encode())
        (
            "9edaa4d8f2303aec8d5b38a0079ea9ab86558f45dfdd489d5ca91ff509b4d2f9",
            format!("{way} the publication's content alone, compact, {given}"),
        ),
        // h(K.upper().encode(), b)
        (
            "29002d9daf0b964f34ea8ed0150f9d617591c071e6f1670218bc4cae408e4481",
            format!("{way} the body as it is, keyed by the id in upper case"),
        ),
        // h(K.replace('-', '').encode(), b)
        (
            "4b54d040703c15fb2a78addf8b003af41a08a88d98128290aa72298d2033fa9e",
            format!("{way} the body as it is, keyed by the id without dashes"),
        ),
        // h(uuid.UUID(K).bytes, b)
        (
            "df47dac119a20362fce2d8a36b178771841f17f758f1e74fa8effce4b79aa721",
            format!("{way} the body as it is, keyed by the 16 bytes of the UUID"),
        ),
        // h(uuid.UUID(K).bytes_le, b)
        (
            "3eef7fe91a33267f6248bed86237d72d9d68b9f65fad63d5644a9068a2cdce27",
            format!("{way} the body as it is, keyed by the 16 bytes of the UUID in the order of .NET"),
        ),
        // h(k, b, 'sha1')
        ("587431c4c229b675e0a33b4fb146b3ce93fa2f65", format!("HMAC-SHA1 of the body as it is, {given}")),
        // h(k, b, 'sha384')
        (
            "35a903c002ec33b6f68b194003349bbb79e45e670ff6c8d2d0908d189303d3b2a877caf83bc576872e39bb6a6bff0e81",
            format!("HMAC-SHA384 of the body as it is, {given}"),
        ),
        // h(k, b, 'sha512')
        (
            "4176cedba1b633c01bd8f7f8db5ee5e5f49c8907e1692afd3113acdff2fc4ad49f1dfd1246c24430108aea9234500ebc47bf21bfb537d25ff9958c0160d45e42",
            format!("HMAC-SHA512 of the body as it is, {given}"),
        ),
        // h(k, b)[:32]
        ("1ceb9a34c2e1d12436741f2b76756249", format!("the first 16 bytes of the {way} the body as it is, {given}")),
        // hashlib.sha256(k + b).hexdigest()
        (
            "b5e1bfcb447614891fb7e9065bf199f0a5cc4fedb901e3acefb8c7be8825d597",
            "SHA256 of the id as given followed by the body as it is".to_owned(),
        ),
        // hashlib.sha256(b + k).hexdigest()
        (
            "1eaf948b8e673f03fabf08ea0ca653c8f77675971253d44f2b211f2520f22fab",
            "SHA256 of the body as it is followed by the id as given".to_owned(),
        ),
        // h(b, k)
        (
            "4e408186670899b64f209f49f33ab251d51b9f52de18a996313a1d582c08fff6",
            "HMAC-SHA256 of the id as given, keyed by the body as it is".to_owned(),
        ),
    ] {
        let status =
            if made.starts_with("HMAC-SHA256 of the body as it is, keyed by the id as given") { 200 } else { 401 };
        assert_eq!(found(&captured(signature, BODY)), format!("{status} main: lower-case hex; {made}"));
    }
    // hashlib.sha256(b).hexdigest()
    assert_eq!(
        found(&captured("d8bb34e0f67deffad4f636239cbc3b5bfa4a818ecd82a819c63f60fec20b2999", BODY)),
        "401 no key: lower-case hex; SHA256 of the body as it is, without any key: everybody can make it"
    );
}

#[test]
fn a_time_that_was_signed_along_is_found() {
    // h(k, b'1700000000.' + b)
    let mut request = captured("b1a147982f3f7a6811316481ccaaf40c362b15ed2e152419d3ff539fc6e9afb0", BODY);
    assert_eq!(found(&request), "401 nothing");
    request.headers.push(("X-Notify-Timestamp".to_owned(), "1700000000".to_owned()));
    assert_eq!(
        found(&request),
        "401 main: lower-case hex; HMAC-SHA256 of the header X-Notify-Timestamp, a dot and the body, keyed by the id as given"
    );
}

/// The vector of the wire reference, 2.3, and what was packed by `gzip -n` before it was sent.
#[test]
fn the_gateways_answer_is_told() {
    let id = "9f1c2b3a-0000-4000-8000-000000000001";
    let base64 = "eBYjlN8S/u9s7dlZQwaXYjIeL2HkyxkvQlQ4ECW0+KI=";
    let one = captured(base64, r#"{"publicationId":"p1"}"#);
    let setup = setup(&[("other", ID), ("main", id)]);
    let accepted = Verdict::Accepted { application: "main".into(), publications: 1 };
    assert_eq!(diagnose(&one, &setup).verdict, accepted);
    assert!(diagnose(&one, &setup).fit.unwrap().is_documented());
    let at = |target: &str| Captured { target: Some(target.to_owned()), ..one.clone() };
    assert_eq!(diagnose(&at("/notify/main?x"), &setup).verdict, accepted);
    assert_eq!(diagnose(&at("https://hooks.example.com/notify/"), &setup).verdict, accepted);
    let wrong = diagnose(&at("/notify/other"), &setup);
    assert_eq!(wrong.verdict, Verdict::NotBelieved);
    assert!(wrong.next[0].contains("the path ends in /other"), "{:?}", wrong.next);
    // hmac.new(id, b'no json', 'sha256').hexdigest()
    let other = captured("e7b8f004036e89a1fd8e4f8a47e963f109e5886d4e5f4fc61da87dbdf393e333", "no json");
    assert_eq!(diagnose(&other, &setup).verdict.status(), 400);
    // printf '%s' '{"publicationId":"p1"}' | gzip -n | tee >(base64 -w0 >&2) | openssl dgst -sha256 -hmac $ID
    let sent = BASE64_STANDARD.decode("H4sIAAAAAAAAA6tWKihNyslMTizJzM/zTFGyUiowVKoFAM/Vgf8WAAAA").unwrap();
    let mut gzip = captured("d5e3341d5dc38fac2258e3b77c640bfa61e81dfb15006ca4e22a8ca50984d9f2", sent.clone());
    gzip.headers.push(("Content-Encoding".to_owned(), "gzip".to_owned()));
    assert_eq!(diagnose(&gzip, &setup).verdict, accepted);
    // Signed before it was packed.
    let packed = diagnose(&Captured { body: sent, ..one.clone() }, &setup);
    assert_eq!(packed.verdict, Verdict::NotBelieved);
    assert!(packed.fit.unwrap().construction.contains("the body after gunzip"));
    let small = Setup { max_body: 10, ..setup.clone() };
    assert_eq!(diagnose(&one, &small).verdict.status(), 413);
    let mut packed = one.clone();
    packed.headers.push(("content-encoding".to_owned(), "br".to_owned()));
    assert_eq!(diagnose(&packed, &setup).verdict.status(), 415);
    let mut renamed = one.clone();
    renamed.headers[0].0 = "x-forwarded-signature".to_owned();
    let renamed = diagnose(&renamed, &setup);
    assert_eq!((renamed.verdict, renamed.fit.unwrap().is_documented()), (Verdict::NotBelieved, true));
    assert!(renamed.next[0].contains("x-forwarded-signature"), "{:?}", renamed.next);
}

#[test]
fn what_can_be_seen_is_told() {
    let next = |captured: &Captured| diagnose(captured, &setup(&[("main", ID)])).next.join("\n");
    let zero = "0".repeat(64);
    for (request, words) in [
        (Captured { body: BODY.into(), ..Captured::default() }, "there is no x-notify-signature"),
        (captured("abcd…", BODY), "is cut off"),
        (captured("***", BODY), "is masked"),
        (captured("", BODY), "is empty"),
        (captured("hello", BODY), "(5 characters) is neither hex nor base64"),
        (captured(&zero, BODY), "keys that were tried (main)"),
        (captured(&zero, ""), "the body is empty"),
        (captured(&zero, "{\n \"a\": 1\n}"), "in several lines"),
        (captured(&zero, "{\"a\": \"\u{fffd}\"}"), "that were lost"),
        (captured(&zero, "{\"a\""), "the body is no JSON"),
        (Captured { parsed: true, ..captured(&zero, "{}") }, "as values"),
    ] {
        assert!(next(&request).contains(words), "{words} is not in\n{}", next(&request));
    }
    let nobody = diagnose(&captured(&zero, BODY), &setup(&[]));
    assert!(nobody.next[0].contains("there is no key to try"), "{:?}", nobody.next);
}

#[test]
fn a_key_is_told_nowhere() {
    for signature in ["00", &"0".repeat(64), "29002d9daf0b964f34ea8ed0150f9d617591c071e6f1670218bc4cae408e4481"] {
        let told = format!("{:?}", diagnose(&captured(signature, BODY), &setup(&[("main", ID)])));
        assert!(!told.to_lowercase().contains("9f1c2b3a"), "{told}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// What the gateway accepts is always found, and named as documented; one changed byte is neither.
    #[test]
    fn the_search_agrees_with_the_gateway(body in "\\{\"publicationId\":\"[a-z]{1,9}\",\"x\":\"[^\"\\\\\\p{C}]{0,20}\"\\}", at in 0usize..20) {
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, ID.as_bytes());
        let signature = hex::encode(ring::hmac::sign(&key, body.as_bytes()));
        let good = diagnose(&captured(&signature, body.as_bytes()), &setup(&[("main", ID)]));
        let accepted = matches!(good.verdict, Verdict::Accepted { .. });
        prop_assert!(accepted && good.fit.unwrap().is_documented() && good.next.is_empty());
        let mut other = body.into_bytes();
        other[at] ^= 1;
        let bad = diagnose(&captured(&signature, other), &setup(&[("main", ID)]));
        prop_assert_eq!(bad.verdict, Verdict::NotBelieved);
        prop_assert!(bad.fit.is_none() && !bad.next.is_empty());
    }
}
