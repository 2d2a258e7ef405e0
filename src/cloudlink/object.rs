//! What CloudLink's objects are read into: the fields that are known, by type, and all others as they came.
//!
//! Nothing is relied on: a field may be missing, an id may come as a number, a flag as a text (samples show both \[P, SD\]).
//! What has another form than its type can take stays in `rest`, so that nothing is lost and one odd field spoils no list.
//! The same types are the bodies of requests: fields that are none are not sent.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value};

use crate::kit::secret::Secret;

/// What a field can be.
pub(super) trait Field: Sized {
    /// The value in this type, or the value back.
    fn read(value: Value) -> Result<Self, Value>;

    /// As it is written; nothing for what must not be.
    fn write(&self) -> Option<Value>;
}

/// What of an object was not known.
#[cfg(test)]
pub(super) trait Kept {
    fn kept(&self) -> &Map<String, Value>;
}

/// Takes a field out of an object, by the first of its names that it has.
pub(super) fn take<T: Field>(fields: &mut Map<String, Value>, names: &[&str]) -> Option<T> {
    names.iter().find_map(|name| {
        let value = fields.get_mut(*name)?;
        match T::read(value.take()) {
            Ok(read) => {
                fields.shift_remove(*name);
                Some(read)
            }
            Err(back) => {
                *value = back;
                None
            }
        }
    })
}

impl Field for String {
    fn read(value: Value) -> Result<Self, Value> {
        match value {
            Value::String(text) => Ok(text),
            Value::Number(number) => Ok(number.to_string()),
            other => Err(other),
        }
    }

    fn write(&self) -> Option<Value> {
        Some(self.as_str().into())
    }
}

impl Field for bool {
    fn read(value: Value) -> Result<Self, Value> {
        match &value {
            Value::Bool(flag) => Ok(*flag),
            Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(true),
            Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(false),
            _ => Err(value),
        }
    }

    fn write(&self) -> Option<Value> {
        Some((*self).into())
    }
}

/// A number that was written with a fraction of nothing, as in `1.0`.
fn whole(number: f64) -> Option<u64> {
    format!("{number:.0}").parse().ok().filter(|_| number.fract() == 0.0)
}

impl Field for u64 {
    fn read(value: Value) -> Result<Self, Value> {
        let number = match &value {
            Value::Number(number) => number.as_u64().or_else(|| whole(number.as_f64()?)),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        number.ok_or(value)
    }

    fn write(&self) -> Option<Value> {
        Some((*self).into())
    }
}

/// ISO texts; numbers are milliseconds since 1970.
impl Field for DateTime<Utc> {
    fn read(value: Value) -> Result<Self, Value> {
        let time = match &value {
            Value::String(text) => text.parse().ok(),
            Value::Number(number) => number.as_i64().and_then(DateTime::from_timestamp_millis),
            _ => None,
        };
        time.ok_or(value)
    }

    fn write(&self) -> Option<Value> {
        Some(self.to_rfc3339_opts(SecondsFormat::AutoSi, true).into())
    }
}

impl Field for Value {
    fn read(value: Value) -> Result<Self, Value> {
        if value.is_null() { Err(value) } else { Ok(value) }
    }

    fn write(&self) -> Option<Value> {
        Some(self.clone())
    }
}

/// Sent by hand where it is needed, and never written otherwise.
impl Field for Secret {
    fn read(value: Value) -> Result<Self, Value> {
        String::read(value).map(Self::new)
    }

    fn write(&self) -> Option<Value> {
        None
    }
}

impl<T: Field> Field for Vec<T> {
    fn read(value: Value) -> Result<Self, Value> {
        let Value::Array(items) = &value else { return Err(value) };
        items.iter().cloned().map(T::read).collect::<Result<_, _>>().map_err(|_| value)
    }

    fn write(&self) -> Option<Value> {
        self.iter().map(T::write).collect::<Option<Vec<_>>>().map(Value::Array)
    }
}

/// Declares objects of the wire: `field: Type = "name on the wire" | "another name",`.
macro_rules! object {
    ($($(#[$about:meta])* $name:ident {
        $($(#[$doc:meta])* $field:ident: $type:ty = $wire:literal $(| $other:literal)*,)*
    })+) => {$(
        $(#[$about])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $name {
            $(
                #[doc = concat!("`", $wire, "`.")]
                $(#[$doc])*
                pub $field: Option<$type>,
            )*
            /// All else that was answered, or that is to be sent.
            pub rest: serde_json::Map<String, serde_json::Value>,
        }

        impl From<serde_json::Map<String, serde_json::Value>> for $name {
            fn from(mut rest: serde_json::Map<String, serde_json::Value>) -> Self {
                $(let $field = $crate::cloudlink::object::take(&mut rest, &[$wire $(, $other)*]);)*
                Self { $($field,)* rest }
            }
        }

        impl $crate::cloudlink::object::Field for $name {
            fn read(value: serde_json::Value) -> Result<Self, serde_json::Value> {
                match value {
                    serde_json::Value::Object(fields) => Ok(fields.into()),
                    other => Err(other),
                }
            }

            fn write(&self) -> Option<serde_json::Value> {
                serde_json::to_value(self).ok()
            }
        }

        #[cfg(test)]
        impl $crate::cloudlink::object::Kept for $name {
            fn kept(&self) -> &serde_json::Map<String, serde_json::Value> {
                &self.rest
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                serde_json::Map::deserialize(from).map(Self::from)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                let mut fields = serde_json::Map::new();
                $(
                    let written = self.$field.as_ref().and_then($crate::cloudlink::object::Field::write);
                    if let Some(value) = written {
                        fields.insert($wire.to_owned(), value);
                    }
                )*
                fields.extend(self.rest.iter().map(|(name, value)| (name.clone(), value.clone())));
                fields.serialize(to)
            }
        }
    )+};
}

pub(super) use object;

#[cfg(test)]
#[expect(unreachable_pub, reason = "what the macro declares is public")]
mod tests {
    use serde_json::json;

    use super::*;

    object! {
        /// For the test.
        Thing {
            id: String = "thingId" | "id",
            on: bool = "on",
            count: u64 = "count",
            at: DateTime<Utc> = "at",
            names: Vec<String> = "names",
            secret: Secret = "secret",
            inner: Value = "inner",
        }
    }

    #[test]
    fn fields_are_read_in_every_form_and_what_is_odd_is_kept() {
        let thing: Thing = serde_json::from_value(json!({
            "id": 42, "on": "True", "count": "7", "at": 1_770_106_530_124_i64, "names": ["a", 1], "secret": "s3cret",
            "inner": null, "more": [1],
        }))
        .unwrap();
        assert_eq!((thing.id.as_deref(), thing.on, thing.count), (Some("42"), Some(true), Some(7)));
        assert_eq!([json!(1.0), json!(1.5), json!(-1.0)].map(|number| u64::read(number).ok()), [Some(1), None, None]);
        assert_eq!(thing.at, Some("2026-02-03T08:15:30.124Z".parse().unwrap()));
        assert_eq!(thing.names, Some(vec!["a".to_owned(), "1".to_owned()]));
        assert_eq!(Value::from(thing.rest.clone()), json!({ "inner": null, "more": [1] }));
        assert!(!format!("{thing:?}").contains("s3cret"));
        let odd: Thing = serde_json::from_value(json!({
            "thingId": { "a": 1 }, "on": "maybe", "count": -1, "at": "soon", "names": "a", "secret": [],
        }))
        .unwrap();
        assert_eq!((odd.rest.len(), Thing { rest: Map::new(), ..odd }), (6, Thing::default()));
        assert!(serde_json::from_value::<Thing>(json!([1])).is_err());
    }

    #[test]
    fn only_what_is_there_is_written() {
        let at = Some("2026-02-03T08:15:30Z".parse().unwrap());
        let thing = Thing { id: Some("1".into()), at, secret: Some(Secret::new("x")), ..Thing::default() };
        assert_eq!(serde_json::to_value(&thing).unwrap(), json!({ "thingId": "1", "at": "2026-02-03T08:15:30Z" }));
        let rest = json!({ "zone": 1 }).as_object().unwrap().clone();
        let all = Thing { on: Some(false), names: Some(vec!["a".into()]), rest, ..Thing::default() };
        assert_eq!(serde_json::to_value(&all).unwrap(), json!({ "on": false, "names": ["a"], "zone": 1 }));
    }
}
