//! Users and contacts: what is kept of each, read tolerantly.

use serde_json::{Map, Value};

use super::index::{Entry, Key};
use crate::numbers::{Number, Numbers};

/// The longest text that is kept; what is longer is left out.
const LONGEST: usize = 512;

/// A user (wire reference, 9 \[P\]).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    id: Box<str>,
    /// If it is not the id.
    principal: Option<Box<str>>,
    name: Option<Box<str>>,
    email: Option<Box<str>>,
    extension: Option<Box<str>>,
    phone: Option<Box<str>>,
    mobile: Option<Box<str>>,
    role: Option<Box<str>>,
    site: Option<Box<str>>,
    numbers: Box<[u64]>,
}

/// A contact (wire reference, 9 \[P, F78\]).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contact {
    id: Box<str>,
    name: Option<Box<str>>,
    email: Option<Box<str>>,
    kind: Option<Box<str>>,
    phone: Option<Box<str>>,
    numbers: Box<[u64]>,
}

/// The first of these fields that is a text, or a number that is a name.
pub(super) fn text(object: &Value, names: &[&str]) -> Option<Box<str>> {
    names.iter().find_map(|name| match object.get(name)? {
        Value::String(text) => {
            let text = text.trim();
            (!text.is_empty() && text.len() <= LONGEST).then(|| text.into())
        }
        Value::Number(number) => Some(number.to_string().into()),
        _ => None,
    })
}

/// The digits of a number in E.164.
pub(super) fn e164(number: &str) -> Option<u64> {
    number.strip_prefix('+')?.parse().ok()
}

fn numbers<'a>(numbers: &Numbers, written: impl IntoIterator<Item = &'a Option<Box<str>>>) -> Box<[u64]> {
    let mut found: Vec<u64> = Vec::new();
    for text in written.into_iter().flatten() {
        if let Number::Outside(number) = numbers.read(text)
            && let Some(number) = e164(&number)
            && !found.contains(&number)
        {
            found.push(number);
        }
    }
    found.into()
}

impl User {
    /// Reads a user; `None` without an id.
    pub fn read(object: &Value, how: &Numbers) -> Option<Self> {
        let id = text(object, &["userId", "id", "principalId"])?;
        let mut user = Self {
            principal: text(object, &["principalId"]).filter(|principal| *principal != id),
            id,
            name: text(object, &["name", "displayName"]),
            email: text(object, &["email"]),
            extension: text(object, &["extension"]),
            phone: text(object, &["phone"]),
            mobile: text(object, &["mobile"]),
            role: text(object, &["role"]),
            site: text(object, &["siteId"]),
            numbers: Box::default(),
        };
        user.numbers = numbers(how, [&user.phone, &user.mobile]);
        Some(user)
    }

    /// The id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// By which presence and messages know them.
    pub fn principal(&self) -> &str {
        self.principal.as_deref().unwrap_or(&self.id)
    }

    /// What they are called.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The e-mail address.
    pub fn email(&self) -> Option<&str> {
        self.email.as_deref()
    }

    /// The extension.
    pub fn extension(&self) -> Option<&str> {
        self.extension.as_deref()
    }

    /// Whether so much of it came that it can't be a part of a user.
    pub(super) fn is_whole(&self) -> bool {
        self.name.is_some() && self.email.is_some()
    }

    /// As rules see a user.
    pub fn view(&self) -> Map<String, Value> {
        view(&[
            ("id", Some(&self.id)),
            ("name", self.name.as_deref()),
            ("email", self.email.as_deref()),
            ("extension", self.extension.as_deref()),
            ("phone", self.phone.as_deref()),
            ("mobile", self.mobile.as_deref()),
            ("role", self.role.as_deref()),
            ("site", self.site.as_deref()),
        ])
    }
}

impl Contact {
    /// Reads a contact; `None` without an id.
    pub fn read(object: &Value, how: &Numbers) -> Option<Self> {
        let mut contact = Self {
            id: text(object, &["contactId", "id"])?,
            name: text(object, &["name", "displayName"]),
            email: text(object, &["email"]),
            kind: text(object, &["contactType", "type"]),
            phone: text(object, &["phone", "phoneNumber", "businessPhone"]),
            numbers: Box::default(),
        };
        let mobile = text(object, &["mobile", "mobilePhone"]);
        contact.numbers = numbers(how, [&contact.phone, &mobile]);
        contact.phone = contact.phone.or(mobile);
        Some(contact)
    }

    /// What they are called.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The e-mail address.
    pub fn email(&self) -> Option<&str> {
        self.email.as_deref()
    }

    /// As rules see a contact.
    pub fn view(&self) -> Map<String, Value> {
        view(&[
            ("id", Some(&self.id)),
            ("name", self.name.as_deref()),
            ("email", self.email.as_deref()),
            ("type", self.kind.as_deref()),
            ("phone", self.phone.as_deref()),
        ])
    }
}

/// What is there, by name.
pub(super) fn view(fields: &[(&str, Option<&str>)]) -> Map<String, Value> {
    let there = fields.iter().filter_map(|(name, text)| Some(((*name).to_owned(), Value::from((*text)?))));
    there.collect()
}

impl Entry for User {
    fn id(&self) -> &str {
        &self.id
    }

    fn keys<'a>(&'a self, take: &mut dyn FnMut(Key<'a>)) {
        take(Key::Id(&self.id));
        let texts = [
            self.principal.as_deref().map(Key::Id),
            self.extension.as_deref().map(Key::Extension),
            self.email.as_deref().map(Key::Email),
        ];
        texts.into_iter().flatten().for_each(&mut *take);
        self.numbers.iter().for_each(|number| take(Key::Number(*number)));
    }
}

impl Entry for Contact {
    fn id(&self) -> &str {
        &self.id
    }

    fn keys<'a>(&'a self, take: &mut dyn FnMut(Key<'a>)) {
        take(Key::Id(&self.id));
        let texts = [self.name.as_deref().map(Key::Name), self.email.as_deref().map(Key::Email)];
        texts.into_iter().flatten().for_each(&mut *take);
        self.numbers.iter().for_each(|number| take(Key::Number(*number)));
    }
}
