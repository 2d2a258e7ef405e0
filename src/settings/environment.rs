//! Variables of the environment: overrides of settings, and secrets by name.

use std::collections::BTreeMap;

/// The prefix of variables that override settings: `SWITCHHOOK__SERVER__LISTEN` is `server.listen`.
const PREFIX: &str = "SWITCHHOOK";
/// What stands between the prefix and the parts of a key.
const SEPARATOR: &str = "__";

/// The variables that settings may see.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Those of this process. A variable that is not UTF-8 is as good as none.
    pub fn process() -> Self {
        let text = |text: std::ffi::OsString| text.into_string().ok();
        Self(std::env::vars_os().filter_map(|(name, value)| Some((text(name)?, text(value)?))).collect())
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The variables that override settings, as key and name.
    pub(super) fn overrides(&self) -> impl Iterator<Item = (String, &str)> {
        self.0.keys().filter_map(|name| {
            let key = name.strip_prefix(PREFIX)?.strip_prefix(SEPARATOR)?;
            Some((key.to_lowercase().replace(SEPARATOR, "."), name.as_str()))
        })
    }

    /// The same for the crate that lays them over the file. Values stay text: a secret `0123` is not a number.
    pub(super) fn layer(&self, keys: &BTreeMap<String, String>) -> config::Environment {
        let chosen = keys.values().filter_map(|name| Some((name.clone(), self.get(name)?.to_owned())));
        config::Environment::with_prefix(PREFIX)
            .prefix_separator(SEPARATOR)
            .separator(SEPARATOR)
            .source(Some(chosen.collect()))
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

/// Names only: values may be secrets.
impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
