//! Numbers against what people who live there would say.

use proptest::prelude::*;

use super::*;

fn outside(text: &str) -> Number {
    Number::Outside(text.into())
}

#[test]
fn numbers_of_canada() {
    let numbers = Numbers::of(Some("CA"));
    for sent in [
        "6135550142",
        "16135550142",
        "+16135550142",
        "+1 613 555 0142",
        "(613) 555-0142",
        "613.555.0142",
        "tel:+1-613-555-0142",
        "tel:6135550142;phone-context=+1",
        "sip:+16135550142@pbx.example.com;user=phone",
        " 6135550142 ",
    ] {
        assert_eq!(numbers.read(sent), outside("+16135550142"), "{sent}");
    }
    for (sent, wanted) in [
        ("011442079460018", "+442079460018"),
        ("+44 (0)20 7946 0018", "+442079460018"),
        ("+4402079460018", "+442079460018"),
        ("+390612345678", "+390612345678"),
        // What can't be told stays as it was sent.
        ("61355501", "61355501"),
        ("+999", "+999"),
        ("0123456789012345678901", "0123456789012345678901"),
    ] {
        assert_eq!(numbers.read(sent), outside(wanted), "{sent}");
    }
    for sent in ["2001", "5550142", "0042", "*86", "agent-7", "sip:2001@pbx.example.com", "Reception", "12345678 or so"]
    {
        assert_eq!(numbers.read(sent), Number::Inside, "{sent}");
    }
    for sent in
        ["", " ", "anonymous", "Anonymous", "PRIVATE", "unknown", "restricted", "sip:anonymous@anonymous.invalid"]
    {
        assert_eq!(numbers.read(sent), Number::Withheld, "{sent:?}");
    }
}

#[test]
fn short_numbers_of_a_country_are_no_extensions() {
    for (country, sent, wanted) in [
        ("NO", "22123456", "+4722123456"),
        ("IS", "5551234", "+3545551234"),
        ("DE", "030123456", "+4930123456"),
        ("DE", "030123", "+4930123"),
        ("IT", "0612345678", "+390612345678"),
        ("GB", "02079460018", "+442079460018"),
        ("GB", "00 1 613 555 0142", "+16135550142"),
    ] {
        assert_eq!(Numbers::of(Some(country)).read(sent), outside(wanted), "{country} {sent}");
    }
    // As nobody dials it there: with four more digits it would need a 0 before it.
    assert_eq!(Numbers::of(Some("DE")).read("30123"), Number::Inside);
}

#[test]
fn without_a_country_only_a_plus_is_understood() {
    for numbers in [Numbers::of(None), Numbers::of(Some("XX")), Numbers::default()] {
        assert_eq!(numbers.read("+1 613 555 0142"), outside("+16135550142"));
        assert_eq!(numbers.read("613-555-0142"), outside("613-555-0142"));
        assert_eq!(numbers.read("5551234"), Number::Inside);
        assert_eq!(numbers.read("anonymous"), Number::Withheld);
        assert_eq!(numbers.prefix("613").as_deref(), Some("613"));
    }
}

#[test]
fn beginnings() {
    let canada = Numbers::of(Some("CA"));
    for text in ["613", "1613", "+1613", "+1 613", "(613)"] {
        assert_eq!(canada.prefix(text).as_deref(), Some("+1613"), "{text}");
    }
    assert_eq!(canada.prefix("01144").as_deref(), Some("+44"));
    assert_eq!(canada.prefix("+").as_deref(), Some("+"));
    for text in ["", "Ottawa", "+0", "+1234567890123456", "61x"] {
        assert_eq!(canada.prefix(text), None, "{text}");
    }
    assert_eq!(Numbers::of(Some("DE")).prefix("030").as_deref(), Some("+4930"));
    assert_eq!(Numbers::of(Some("NO")).prefix("22").as_deref(), Some("+4722"));
}

#[test]
fn what_never_comes() {
    let canada = Numbers::of(Some("CA"));
    for (text, wanted) in [
        ("6135550142", Some(Never::Written("+16135550142".to_owned()))),
        ("+1 613 555 0142", Some(Never::Written("+16135550142".to_owned()))),
        ("+1613", Some(Never::Incomplete)),
        ("+99912345678", Some(Never::Incomplete)),
        ("anonymous", Some(Never::Withheld)),
        ("Ada", Some(Never::NoNumber)),
        ("+16135550142", None),
        ("2001", None),
        ("61355501", None),
    ] {
        assert_eq!(canada.never(text), wanted, "{text}");
    }
    for (text, wanted) in [
        ("613", Some("+1613")),
        ("1613", Some("+1613")),
        ("613555", Some("+1613555")),
        ("6135550142", Some("+16135550142")),
        // Ranges of extensions.
        ("2", None),
        ("20", None),
        ("200", None),
        ("+1", None),
        ("x", None),
    ] {
        assert_eq!(canada.never_begins(text).as_deref(), wanted, "{text}");
    }
}

#[test]
fn what_a_phone_dials() {
    let canada = Dialling::of(Some("CA"), "9", "1", "011");
    for (to, wanted) in [
        ("+16135550142", "916135550142"),
        ("+1 613 555 0142", "916135550142"),
        ("+442079460018", "9011442079460018"),
        ("4001", "4001"),
        ("916135550142", "916135550142"),
        ("+x", "+x"),
        ("*86", "*86"),
    ] {
        assert_eq!(canada.dial(to), wanted, "{to}");
    }
    let norway = Dialling::of(Some("NO"), "0", "", "00");
    assert_eq!(norway.dial("+4722123456"), "022123456");
    assert_eq!(Dialling::of(Some("IT"), "0", "", "00").dial("+390612345678"), "00612345678");
    assert_eq!(Dialling::of(None, "9", "1", "011").dial("+16135550142"), "901116135550142");
    assert_eq!(Dialling::default().dial("+16135550142"), "+16135550142");
}

#[test]
fn code_lengths_are_those_of_the_library() {
    for code in rlibphonenumber::PHONE_NUMBER_UTIL.get_supported_calling_codes() {
        let code = code.to_string();
        assert_eq!(plan::code_length(&format!("{code}5550142")), code.len(), "{code}");
    }
}

#[test]
fn the_cache_is_bounded() {
    let numbers = Numbers::of(Some("CA"));
    for n in 0..20_000_u32 {
        numbers.read(&format!("6{n}"));
    }
    assert!(numbers.of.unwrap().known.lock().unwrap().len() <= KEPT);
}

proptest! {
    #[test]
    fn any_text_is_read_and_what_was_read_stays(text in "\\PC{0,80}|[+0-9 ()-]{0,30}", country in "CA|DE|NO|IT|LU") {
        let numbers = Numbers::of(Some(&country));
        let first = numbers.read(&text);
        prop_assert_eq!(&first, &numbers.read(&text));
        if let Number::Outside(number) = first {
            prop_assert_eq!(numbers.read(&number), Number::Outside(number.clone()), "{} of {}", number, text);
        }
        numbers.prefix(&text);
        numbers.never(&text);
        numbers.never_begins(&text);
    }
}
