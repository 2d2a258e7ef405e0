//! The header that names this application to CloudLink (wire reference, 5.5).

use reqwest::header::HeaderValue;

/// In which spelling `x-mitel-app` is sent. Mitel's own material has two, a third party documents another; CloudLink
/// seems to take any \[P\].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AppHeader {
    /// `app=NAME/VERSION;platform=OS/VERSION;session=ID;` \[P\].
    #[default]
    Session,
    /// `app=NAME/VERSION;platform=OS/VERSION;session-id=ID` \[C, PM\].
    SessionId,
    /// `NAME/VERSION;platform=OS/VERSION;session=ID;` \[C, AU, NS\].
    Bare,
    /// Not at all.
    Off,
}

impl AppHeader {
    /// Each with its name in settings.
    pub const ALL: [(&'static str, Self); 4] =
        [("session", Self::Session), ("session-id", Self::SessionId), ("bare", Self::Bare), ("off", Self::Off)];

    /// The one with that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, header)| *header)
    }

    pub(super) fn value(self, session: &str) -> Option<HeaderValue> {
        let app = concat!("switchhook/", env!("CARGO_PKG_VERSION"));
        let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let release = release.trim().split('-').next().filter(|release| !release.is_empty()).unwrap_or("unknown");
        let platform = format!("{}/{release}", std::env::consts::OS);
        let text = match self {
            Self::Session => format!("app={app};platform={platform};session={session};"),
            Self::SessionId => format!("app={app};platform={platform};session-id={session}"),
            Self::Bare => format!("{app};platform={platform};session={session};"),
            Self::Off => return None,
        };
        HeaderValue::try_from(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_has_its_name() {
        let of = |name: &str| AppHeader::named(name).unwrap().value("s-1");
        let text = |name: &str| of(name).unwrap().to_str().unwrap().to_owned();
        assert!(text("session").starts_with("app=switchhook/") && text("session").ends_with(";session=s-1;"));
        assert!(text("session-id").ends_with(";session-id=s-1") && text("bare").starts_with("switchhook/"));
        assert!(of("off").is_none() && AppHeader::named("x").is_none());
        assert_eq!(AppHeader::default(), AppHeader::Session);
    }
}
