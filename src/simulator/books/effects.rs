//! How often what was carried out, told apart by what it did to whom: two redirects of one call are one key with a count
//! of two. That is how whoever drives the simulator sees that something was done once.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::simulator::service::below_base;

/// Keys that are kept; what is new beyond that is only counted.
const KEPT: usize = 100_000;

/// How often something was done.
#[derive(Clone, Serialize)]
pub(crate) struct Effect {
    /// `redirect endpoints/3001/calls/7`, `message conversations/c-1 tag=t`, else method and path.
    pub(crate) key: String,
    pub(crate) count: u64,
    /// In milliseconds since 1970.
    pub(crate) first: i64,
    /// In milliseconds since 1970.
    pub(crate) last: i64,
}

/// All effects by their key.
#[derive(Default)]
pub(crate) struct Effects {
    by_key: BTreeMap<String, Effect>,
    /// How many were done under keys that did not fit any more.
    pub(crate) forgotten: u64,
}

impl Effects {
    /// Counts one.
    pub(crate) fn done(&mut self, key: String, time: i64) {
        if let Some(effect) = self.by_key.get_mut(&key) {
            effect.count += 1;
            effect.last = time;
        } else if self.by_key.len() < KEPT {
            self.by_key.insert(key.clone(), Effect { key, count: 1, first: time, last: time });
        } else {
            self.forgotten += 1;
        }
    }

    /// Those whose key contains a text, in the order of their keys.
    pub(crate) fn containing(&self, part: &str) -> Vec<Effect> {
        self.by_key.values().filter(|effect| effect.key.contains(part)).cloned().collect()
    }
}

/// What a request does to whom, in the words of the books; none if it only reads.
pub(crate) fn key(method: &str, path: &str, body: &Value) -> Option<String> {
    if matches!(method, "GET" | "HEAD") {
        return None;
    }
    let path = path.split('?').next().unwrap_or(path);
    let path = below_base(path).unwrap_or(path).trim_start_matches('/');
    let parts: Vec<&str> = path.split('/').collect();
    Some(match (method, &parts[..]) {
        ("PUT", ["endpoints", _, "calls", _]) => {
            format!("{} {path}", body["action"].as_str().unwrap_or("nothing"))
        }
        ("POST", ["conversations", conversation, "messages"]) => match body["tag"].as_str() {
            Some(tag) => format!("message conversations/{conversation} tag={tag}"),
            None => format!("message conversations/{conversation}"),
        },
        _ => format!("{method} {path}"),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_key_says_what_is_done_to_whom() {
        let of = |method, path, body| key(method, path, &body);
        let redirect = json!({ "action": "redirect", "destination": "4001" });
        assert_eq!(
            of("PUT", "/2017-09-01/endpoints/3001/calls/7?x=1", redirect).unwrap(),
            "redirect endpoints/3001/calls/7"
        );
        let tagged = of("POST", "/2017-09-01/conversations/c-1/messages", json!({ "body": "x", "tag": "t" }));
        assert_eq!(tagged.unwrap(), "message conversations/c-1 tag=t");
        assert_eq!(of("POST", "/2017-09-01/token", Value::Null).unwrap(), "POST token");
        assert_eq!(of("GET", "/2017-09-01/token", Value::Null), None);
    }

    #[test]
    fn twice_is_a_count_of_two() {
        let mut effects = Effects::default();
        for time in [5, 9] {
            effects.done("redirect x".to_owned(), time);
        }
        let found = effects.containing("redirect");
        assert_eq!((found.len(), found[0].count, found[0].first, found[0].last), (1, 2, 5, 9));
    }
}
