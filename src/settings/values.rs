//! Single values: what was written, as the type that is meant. What is wrong is reported and counts as not written.

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use config::ValueKind;
use url::{Host, Url};

use super::section::{Section, name_of};
use super::{guess, units};

impl Section<'_> {
    /// A text that is not empty.
    pub(super) fn text(&mut self, key: &'static str) -> Option<String> {
        let text = self.any_text(key)?;
        if text.is_empty() {
            self.wrong(key, "is empty");
            return None;
        }
        Some(text)
    }

    /// A text, even an empty one.
    pub(super) fn any_text(&mut self, key: &'static str) -> Option<String> {
        let value = self.take(key)?;
        match value.kind {
            ValueKind::String(text) => Some(text),
            kind @ (ValueKind::I64(_) | ValueKind::Float(_)) => {
                self.problem(key, format!("expected text, found {}", name_of(&kind)), "put it in quotes");
                None
            }
            kind => {
                self.wrong(key, format!("expected text, found {}", name_of(&kind)));
                None
            }
        }
    }

    /// A text that has to be there. One that is missing counts as empty.
    pub(super) fn needed_text(&mut self, key: &'static str, remedy: &str) -> String {
        if !self.has(key) {
            self.missing(key, remedy);
        }
        self.text(key).unwrap_or_default()
    }

    /// True or false.
    pub(super) fn flag(&mut self, key: &'static str, default: bool) -> bool {
        let Some(value) = self.take(key) else { return default };
        match value.kind {
            ValueKind::Boolean(flag) => flag,
            ValueKind::String(text) if self.is_from_variable(key) => match text.to_lowercase().as_str() {
                "true" | "1" => true,
                "false" | "0" => false,
                _ => {
                    self.wrong(key, format!("expected true or false, found `{text}`"));
                    default
                }
            },
            kind => {
                self.wrong(key, format!("expected true or false, found {}", name_of(&kind)));
                default
            }
        }
    }

    /// One of some words.
    pub(super) fn word<T>(
        &mut self,
        key: &'static str,
        words: &[&str],
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(key)?;
        let meant = read(&text);
        if meant.is_none() {
            self.problem(key, format!("`{text}` is not possible here"), guess::remedy(&text, words));
        }
        meant
    }

    /// A duration within bounds, which are written as people write them.
    pub(super) fn duration(&mut self, key: &'static str, default: Duration, bounds: [&str; 2]) -> Duration {
        let Some(value) = self.take(key) else { return default };
        let read = match &value.kind {
            ValueKind::String(text) => units::duration(text).map_err(|error| error.to_string()),
            ValueKind::I64(number) => Err(units::Error::NoUnit(number.to_string()).to_string()),
            kind => Err(units::Error::Duration(name_of(kind).to_owned()).to_string()),
        };
        let [least, most] = bounds.map(|bound| units::duration(bound).unwrap_or_default());
        self.bounded(key, read, &(least..=most), bounds).unwrap_or(default)
    }

    /// A size in bytes within bounds, which are written as people write them.
    pub(super) fn size(&mut self, key: &'static str, default: u64, bounds: [&str; 2]) -> u64 {
        let Some(value) = self.take(key) else { return default };
        let read = match &value.kind {
            ValueKind::String(text) => units::size(text).map_err(|error| error.to_string()),
            ValueKind::I64(number) => units::size(&number.to_string()).map_err(|error| error.to_string()),
            kind => Err(units::Error::Size(name_of(kind).to_owned()).to_string()),
        };
        let [least, most] = bounds.map(|bound| units::size(bound).unwrap_or_default());
        self.bounded(key, read, &(least..=most), bounds).unwrap_or(default)
    }

    fn bounded<T: PartialOrd>(
        &self,
        key: &str,
        read: Result<T, String>,
        within: &RangeInclusive<T>,
        bounds: [&str; 2],
    ) -> Option<T> {
        let [least, most] = bounds;
        match read {
            Ok(value) if within.contains(&value) => return Some(value),
            Ok(_) => self.wrong(key, format!("is possible from {least} to {most}")),
            Err(message) => self.wrong(key, message),
        }
        None
    }

    /// An address to listen on.
    pub(super) fn address(&mut self, key: &'static str, default: SocketAddr) -> SocketAddr {
        let Some(text) = self.text(key) else { return default };
        text.parse().unwrap_or_else(|_| {
            let remedy = "such as 127.0.0.1:8080, 0.0.0.0:8080 or [::1]:8080";
            self.problem(key, format!("expected an IP address and a port, found `{text}`"), remedy);
            default
        })
    }

    /// A path; a relative one is relative to the folder of the settings.
    pub(super) fn path(&mut self, key: &'static str) -> Option<PathBuf> {
        self.text(key).map(|path| self.context.folder().join(path))
    }

    /// Paths, one or a list of them.
    pub(super) fn paths(&mut self, key: &'static str) -> Option<Vec<PathBuf>> {
        let folder = self.context.folder().to_owned();
        self.texts(key).map(|paths| paths.into_iter().map(|path| folder.join(path)).collect())
    }

    /// Texts that are not empty, one or a list of them.
    pub(super) fn texts(&mut self, key: &'static str) -> Option<Vec<String>> {
        let value = self.take(key)?;
        let items = match value.kind {
            ValueKind::Array(items) => items.into_iter().map(|item| item.kind).collect(),
            kind => vec![kind],
        };
        let read = items.into_iter().map(|kind| match kind {
            ValueKind::String(text) if text.is_empty() => Err("is empty".to_owned()),
            ValueKind::String(text) => Ok(text),
            kind => Err(format!("expected text or a list of texts, found {}", name_of(&kind))),
        });
        let texts: Result<Vec<String>, String> = read.collect();
        texts.map_err(|message| self.wrong(key, message)).ok()
    }

    /// An address of the web, without a slash at its end.
    pub(super) fn url(&mut self, key: &'static str) -> Option<Url> {
        let text = self.text(key)?;
        match base_url(&text, &["https", "http"]) {
            Ok(url) => Some(url),
            Err(message) => {
                self.wrong(key, message);
                None
            }
        }
    }

    /// The same, and what is sent there must not be seen on the way.
    pub(super) fn private_url(&mut self, key: &'static str) -> Option<Url> {
        let url = self.url(key)?;
        if url.scheme() == "http" && !is_loopback(&url) {
            self.problem(key, "secrets would be sent unencrypted", "write https; http is for loopback addresses only");
            return None;
        }
        Some(url)
    }
}

/// Reads an address that paths are appended to. What is wrong is said without repeating the address, which may be a
/// secret.
pub(super) fn base_url(text: &str, schemes: &[&str]) -> Result<Url, String> {
    let example = schemes.first().copied().unwrap_or("https");
    let mut url = Url::parse(text).map_err(|error| format!("is no address such as {example}://host/path: {error}"))?;
    if !schemes.contains(&url.scheme()) {
        return Err(format!(
            "must begin with {}",
            schemes.iter().map(|scheme| format!("{scheme}://")).collect::<Vec<_>>().join(" or ")
        ));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err("names no host".to_owned());
    }
    if url.fragment().is_some() {
        return Err("must have no part after #".to_owned());
    }
    // A path of nothing but a slash is what no path looks like; it can't be taken away.
    if let Some(path) = url.path().strip_suffix('/').map(str::to_owned) {
        url.set_path(&path);
    }
    Ok(url)
}

/// Whether an address does not leave this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).to_canonical().is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}
