//! The forms in which an applicationId may have become a key.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::kit::secret::Secret;

/// A key in one form. It is a secret: no `Debug`.
pub(super) struct Form {
    /// What it is, in words; none for the id as given.
    pub(super) words: Option<&'static str>,
    /// What to write in the settings so that the gateway takes it, where that helps.
    pub(super) remedy: Option<&'static str>,
    pub(super) bytes: Vec<u8>,
}

/// All forms of an id, each once; as given comes first.
pub(super) fn forms(id: &Secret) -> Vec<Form> {
    let given = id.expose();
    let bare = given.trim().trim_matches(['{', '}', '"', '\'']);
    let digits: String = bare.chars().filter(|c| *c != '-').collect();
    let text = |text: &str| Some(text.as_bytes().to_vec());
    let number = hex::decode(&digits).ok().filter(|number| number.len() == 16);
    let mut forms = Forms::default();
    forms.add(None, None, text(given));
    forms.add(
        Some("the id without the space, quotes or braces around it"),
        Some("take away what stands around the id in the settings or in its file"),
        text(bare),
    );
    forms.add(Some("the id in lower case"), Some("write the id in lower case"), text(&bare.to_lowercase()));
    forms.add(Some("the id in upper case"), Some("write the id in upper case"), text(&bare.to_uppercase()));
    forms.add(Some("the id without dashes"), Some("write the id without dashes"), text(&digits));
    forms.add(
        Some("the id without dashes, in lower case"),
        Some("write the id without dashes, in lower case"),
        text(&digits.to_lowercase()),
    );
    forms.add(
        Some("the id without dashes, in upper case"),
        Some("write the id without dashes, in upper case"),
        text(&digits.to_uppercase()),
    );
    forms.add(Some("the id with a line break at its end"), None, text(&format!("{given}\n")));
    forms.add(Some("the 16 bytes of the UUID"), None, number.clone());
    forms.add(Some("the 16 bytes of the UUID in the order of .NET"), None, number.as_deref().map(mixed));
    forms.add(Some("the bytes that the id stands for as hex"), None, hex::decode(bare).ok());
    forms.add(Some("the bytes that the id stands for as base64"), None, BASE64_STANDARD.decode(bare).ok());
    forms.0
}

#[derive(Default)]
struct Forms(Vec<Form>);

impl Forms {
    /// Adds a form, unless it has the bytes of one that is there.
    fn add(&mut self, words: Option<&'static str>, remedy: Option<&'static str>, bytes: Option<Vec<u8>>) {
        let new = |bytes: &Vec<u8>| !bytes.is_empty() && self.0.iter().all(|form| form.bytes != *bytes);
        if let Some(bytes) = bytes.filter(new) {
            self.0.push(Form { words, remedy, bytes });
        }
    }
}

/// The first three parts of a UUID with their bytes reversed.
fn mixed(number: &[u8]) -> Vec<u8> {
    let order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
    order.iter().filter_map(|at| number.get(*at).copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_has_many_forms_each_once() {
        let id = Secret::new("9F1C2B3A-0d0e-4000-8000-0000000000fE");
        let of = |words: Option<&str>| {
            forms(&id).into_iter().find(|form| form.words == words).map(|form| form.bytes).unwrap()
        };
        assert_eq!(of(None), id.expose().as_bytes());
        assert_eq!(of(Some("the id without dashes, in lower case")), b"9f1c2b3a0d0e400080000000000000fe");
        // python3 -c "import uuid; u = uuid.UUID('9f1c2b3a-0d0e-4000-8000-0000000000fe'); print(u.bytes.hex(), u.bytes_le.hex())"
        assert_eq!(hex::encode(of(Some("the 16 bytes of the UUID"))), "9f1c2b3a0d0e400080000000000000fe");
        assert_eq!(
            hex::encode(of(Some("the 16 bytes of the UUID in the order of .NET"))),
            "3a2b1c9f0e0d004080000000000000fe"
        );
        let mut all: Vec<Vec<u8>> = forms(&id).into_iter().map(|form| form.bytes).collect();
        let number = all.len();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), number);
    }

    #[test]
    fn other_ids_have_fewer() {
        let words = |id: &str| forms(&Secret::new(id)).into_iter().map(|form| form.words).collect::<Vec<_>>();
        assert_eq!(
            words("a-b"),
            [
                None,
                Some("the id in upper case"),
                Some("the id without dashes"),
                Some("the id without dashes, in upper case"),
                Some("the id with a line break at its end")
            ]
        );
        assert_eq!(words(""), [Some("the id with a line break at its end")]);
    }
}
