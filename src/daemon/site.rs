//! `[locale]` by CloudLink's site: what the settings leave out of time zone, country and dialling is the site's, once it is
//! known. It is remembered in the state folder, so that a restart does not begin with UTC.
//!
//! The site is the account's only one, else the one of whom we sign in as; else there is none, and that is said.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::desk::Desk;
use super::reload::{Reloader, Stays};
use crate::directory::{Directory, One, Site};
use crate::hours::{Dial, Locale};
use crate::journal::Journal;
use crate::numbers::Numbers;

/// How long CloudLink may take to say whose site is ours.
const ASK: std::time::Duration = std::time::Duration::from_secs(10);

/// A site as it is remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Known {
    site: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timezone: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    country: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dial: Option<Prefixes>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Prefixes {
    outside: String,
    national: String,
    international: String,
}

impl Known {
    fn of(site: &Site) -> Self {
        let dial = site.dial.as_ref().map(|dial| Prefixes {
            outside: dial.outside.clone(),
            national: dial.national.clone(),
            international: dial.international.clone(),
        });
        Self {
            site: site.id().to_owned(),
            name: site.name().map(str::to_owned),
            timezone: site.zone.as_deref().map(str::to_owned),
            country: site.country.as_deref().map(str::to_owned),
            dial,
        }
    }

    /// What people call it.
    fn shown(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.site)
    }
}

/// Whether the settings leave something out that a site would say.
pub(super) fn is_wanted(written: &Locale) -> bool {
    written.timezone.is_none() || written.country.is_none() || written.dial.is_none()
}

/// The settings' locale, and what it leaves out from the site.
pub(super) fn complete(written: &Locale, site: Option<&Known>) -> Locale {
    let Some(site) = site else { return written.clone() };
    let dial = || {
        let Prefixes { outside, national, international } = site.dial.clone()?;
        Some(Dial { outside, national, international })
    };
    Locale {
        timezone: written.timezone.or_else(|| site.timezone.as_ref()?.parse().ok()),
        country: written.country.clone().or_else(|| site.country.clone()),
        dial: written.dial.clone().or_else(dial),
    }
}

fn file(state: &Path, account: &str) -> PathBuf {
    let plain = account.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    let name =
        if plain && account.len() <= 64 { account.to_owned() } else { hex::encode(&Sha256::digest(account)[..8]) };
    state.join(format!("site-{name}.json"))
}

/// The site that was known last.
pub(super) fn remembered(state: &Path, account: &str) -> Option<Known> {
    let text = fs::read_to_string(file(state, account)).ok()?;
    serde_json::from_str(&text).ok()
}

fn remember(state: &Path, account: &str, site: &Known) -> io::Result<()> {
    let (file, text) = (file(state, account), serde_json::to_string(site).unwrap_or_default());
    let new = file.with_extension("new");
    fs::write(&new, text)?;
    fs::rename(new, file)
}

/// Says at start what is taken for the locale.
pub(super) fn announce(account: &str, written: &Locale, site: Option<&Known>) {
    if written.timezone.is_some() {
        return;
    }
    let Some(site) = site.filter(|site| complete(&Locale::default(), Some(site)).timezone.is_some()) else {
        tracing::warn!(account, "[locale] names no time zone: UTC is taken until CloudLink's site is known");
        return;
    };
    tracing::info!(
        account,
        site = site.shown(),
        timezone = site.timezone,
        "[locale] names no time zone: that of the site that was known last is taken"
    );
}

/// What following the site needs.
pub(super) struct Follow<J> {
    pub(super) written: Locale,
    pub(super) state: PathBuf,
    pub(super) known: Option<Known>,
    /// The site that could not be taken last.
    pub(super) refused: Option<Known>,
    pub(super) desk: Arc<Desk>,
    pub(super) reloader: Arc<Reloader>,
    pub(super) journal: Arc<J>,
    pub(super) directory: Directory,
}

impl<J: Journal> Follow<J> {
    /// Puts a site that is known anew, or differs, in force; until the task is dropped.
    pub(super) async fn run(mut self) {
        let mut news = self.directory.news();
        let mut said = false;
        loop {
            match self.ours().await {
                Some(site) => {
                    let site = Known::of(&site);
                    if self.known.as_ref() != Some(&site) {
                        self.take(site).await;
                    }
                }
                None if self.directory.knows_sites() && !said => {
                    said = true;
                    tracing::warn!(
                        account = %self.directory.account(),
                        "none of CloudLink's sites is ours: what [locale] leaves out is {}",
                        if self.known.is_some() { "that of the site that was known last" } else { "UTC and no country" },
                    );
                }
                None => {}
            }
            tokio::select! {
                changed = news.changed() => if changed.is_err() { return },
                // What could not be taken by the rules of before may be by these.
                () = self.reloader.reloaded(), if self.refused.is_some() => {}
            }
        }
    }

    /// The account's only site, else that of whom we sign in as.
    async fn ours(&self) -> Option<Arc<Site>> {
        if let Some(site) = self.directory.only_site() {
            return Some(site);
        }
        if !self.directory.knows_sites() {
            return None;
        }
        match self.directory.ask(One::Me, ASK).await {
            Ok(me) => {
                let id = me.get("siteId").and_then(Value::as_str)?;
                self.directory.site(id).map(|found| found.value)
            }
            Err(trouble) => {
                tracing::info!(%trouble, "which site is ours is not known");
                None
            }
        }
    }

    /// Puts a site in force: rules, dialling, numbers and memory together, or nothing of it.
    async fn take(&mut self, site: Known) {
        let (before, locale) = (complete(&self.written, self.known.as_ref()), complete(&self.written, Some(&site)));
        let (account, shown) = (&**self.directory.account(), site.shown());
        let first = self.refused.as_ref() != Some(&site);
        if let Some(zone) = site.timezone.as_ref().filter(|zone| first && zone.parse::<chrono_tz::Tz>().is_err()) {
            tracing::warn!(site = shown, zone, "the site's time zone is none that is known: it is not taken");
        }
        let along = || {
            self.desk.set_dialling(super::dialling(&locale));
            if before.country != locale.country {
                self.directory.read_numbers(Numbers::of(locale.country.as_deref()));
            }
        };
        let taken = if before == locale {
            Ok(())
        } else {
            self.reloader.relocate(locale.clone(), &self.desk, &*self.journal, along).await
        };
        match taken {
            Ok(()) => {}
            Err(why) => {
                if first {
                    match why {
                        Stays::Other => tracing::warn!(
                            account,
                            site = shown,
                            "CloudLink's site is known, but the rules on disk are not those in force: it is taken after a reload"
                        ),
                        Stays::Broken(report) => tracing::error!(
                            account,
                            site = shown,
                            "by the locale of CloudLink's site the rules on disk do not hold together; it is not taken, write [locale] or mend them:\n{report}"
                        ),
                    }
                }
                self.refused = Some(site);
                return;
            }
        }
        if let Err(error) = remember(&self.state, account, &site) {
            tracing::warn!(%error, "the site could not be remembered: the next start begins without it");
        }
        tracing::info!(
            %account,
            site = shown,
            timezone = locale.timezone.map(chrono_tz::Tz::name),
            country = locale.country,
            dials = locale.dial.is_some(),
            "CloudLink's site is known: it says what [locale] leaves out"
        );
        (self.known, self.refused) = (Some(site), None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn toronto() -> Known {
        let site = json!({
            "siteId": "s-1", "name": "Toronto", "timeZone": "America/Toronto", "address": { "country": "ca" },
            "diallingRules": { "outsidePrefix": "9", "nationalPrefix": "1", "internationalPrefix": "011" },
        });
        Known::of(&Site::read(&site).unwrap())
    }

    #[test]
    fn what_is_written_counts_and_the_site_fills_the_rest() {
        let nothing = complete(&Locale::default(), Some(&toronto()));
        assert_eq!(nothing.timezone, Some(chrono_tz::America::Toronto));
        assert_eq!(nothing.country.as_deref(), Some("CA"));
        let dial = Dial { outside: "9".into(), national: "1".into(), international: "011".into() };
        assert_eq!(nothing.dial, Some(dial));
        let written = Locale { timezone: Some(chrono_tz::Europe::Oslo), country: Some("NO".into()), dial: None };
        let both = complete(&written, Some(&toronto()));
        assert_eq!((both.timezone, both.country), (written.timezone, written.country.clone()));
        assert!(is_wanted(&written) && !is_wanted(&complete(&written, Some(&toronto()))));
        assert_eq!(complete(&written, None), written);
    }

    #[test]
    fn a_zone_that_nobody_knows_is_none() {
        let site = Known { timezone: Some("Mars/Olympus".into()), ..toronto() };
        assert_eq!(complete(&Locale::default(), Some(&site)).timezone, None);
    }

    #[test]
    fn a_site_is_remembered_for_its_account() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(remembered(folder.path(), "main"), None);
        remember(folder.path(), "main", &toronto()).unwrap();
        assert_eq!(remembered(folder.path(), "main"), Some(toronto()));
        assert_eq!(remembered(folder.path(), "other"), None);
        let odd = "../Åccount";
        remember(folder.path(), odd, &toronto()).unwrap();
        assert_eq!(remembered(folder.path(), odd), Some(toronto()));
        assert_eq!(file(folder.path(), odd).parent(), Some(folder.path()));
        fs::write(file(folder.path(), "main"), "{").unwrap();
        assert_eq!(remembered(folder.path(), "main"), None, "what is broken is not known");
    }
}
