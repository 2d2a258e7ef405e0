//! This machine: the state folder and its disk, ports, limits, the clock, certificates, systemd.

use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::Line;

/// Less free space than that is said.
const LITTLE: u64 = 256 << 20;
/// Fewer open files than that are said: each connection is one.
const FILES: u64 = 4096;
/// No clock that is right says less: this version is not older.
const OLDEST: &str = "2026-01-01T00:00:00Z";

/// The state folder: there or possible, writable, for us alone, with room for the journal.
pub fn state(folder: &Path, max_size: u64) -> Vec<Line> {
    const CHECK: &str = "state folder";
    let shown = folder.display();
    let Some(there) = std::iter::successors(Some(folder), |folder| folder.parent()).find(|folder| folder.exists())
    else {
        return vec![Line::fail(CHECK, format!("{shown}: no part of this path is there"), "set [journal] path")];
    };
    let mut lines = Vec::new();
    match tempfile(there) {
        Ok(()) if there == folder => lines.push(Line::ok(CHECK, format!("{shown} can be written"))),
        Ok(()) => lines.push(Line::ok(CHECK, format!("{shown} is not there yet and can be made"))),
        Err(error) => {
            let todo = "give it to the user that the gateway runs as, or set [journal] path";
            lines.push(Line::fail(CHECK, format!("{} can't be written: {error}", there.display()), todo));
        }
    }
    if there == folder && mode(folder).is_some_and(|mode| mode & 0o007 != 0) {
        let todo = format!("chmod o-rwx {shown}: it holds numbers, names and messages");
        lines.push(Line::warn(CHECK, format!("{shown} is open to everybody on this machine"), todo));
    }
    lines.extend(space(there, max_size));
    lines
}

/// Writes a file and takes it away.
fn tempfile(folder: &Path) -> std::io::Result<()> {
    let path = folder.join(format!(".switchhook-doctor-{}", std::process::id()));
    let made = std::fs::File::options().write(true).create_new(true).open(&path);
    made.and_then(|file| file.sync_all()).and_then(|()| std::fs::remove_file(&path))
}

fn space(folder: &Path, max_size: u64) -> Option<Line> {
    const CHECK: &str = "disk";
    let told = rustix::fs::statvfs(folder).ok()?;
    let free = told.f_bavail.saturating_mul(told.f_frsize);
    let mib = |bytes: u64| format!("{} MiB", bytes >> 20);
    if free < LITTLE {
        let todo = "make room: a gateway that can't store refuses notifications with 503";
        return Some(Line::fail(CHECK, format!("{} are free", mib(free)), todo));
    }
    if free < max_size {
        let says = format!("{} are free, less than [journal] max_size, {}", mib(free), mib(max_size));
        return Some(Line::warn(CHECK, says, "make room, or lower [journal] max_size"));
    }
    Some(Line::ok(CHECK, format!("{} are free", mib(free))))
}

/// The permission bits of a file.
pub(super) fn mode(path: &Path) -> Option<u32> {
    std::fs::metadata(path).ok().map(|data| data.permissions().mode() & 0o7777)
}

/// A port that a listener is to have: free, or ours already (`running`: a gateway of these settings answers).
pub fn port(check: &'static str, address: SocketAddr, key: &str, running: bool) -> Line {
    match TcpListener::bind(address) {
        Ok(_) if running => {
            let todo = "reload or restart it so that it has these settings";
            Line::warn(check, format!("{address} is free, although a gateway runs by these settings"), todo)
        }
        Ok(_) => Line::ok(check, format!("{address} is free")),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse && running => {
            Line::ok(check, format!("{address} is the running gateway's"))
        }
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            Line::fail(check, format!("{address} is taken by another program"), format!("set {key}, or end the other"))
        }
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            let todo = format!("set {key} to a port above 1023, or let a proxy have this one");
            Line::fail(check, format!("{address} is not for this user: {error}"), todo)
        }
        Err(error) => Line::fail(check, format!("{address} can't be had: {error}"), format!("set {key}")),
    }
}

/// How many files may be open, of the text of `/proc/self/limits`.
pub fn open_files(limits: &str) -> Option<Line> {
    const CHECK: &str = "open files";
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    let word = line.split_whitespace().next()?;
    match word.parse::<u64>() {
        Ok(most) if most < FILES => {
            let todo = format!("raise it to {FILES} or more (LimitNOFILE= in the unit): each connection takes one");
            Some(Line::warn(CHECK, format!("at most {most} here"), todo))
        }
        Ok(most) => Some(Line::ok(CHECK, format!("up to {most}"))),
        Err(_) => Some(Line::ok(CHECK, word)),
    }
}

/// The clock, as far as it can be told without asking anybody.
pub fn clock(now: DateTime<Utc>, synchronised: bool) -> Line {
    const CHECK: &str = "clock";
    let oldest = OLDEST.parse().unwrap_or(now);
    if now < oldest {
        let says = format!("says {}, which is past", now.format("%Y-%m-%dT%H:%MZ"));
        return Line::fail(CHECK, says, "let NTP set it: hours and deadlines depend on it");
    }
    let how = if synchronised { "systemd says that it is synchronised" } else { "how well it is set shows by --live" };
    Line::ok(CHECK, format!("{}; {how}", now.format("%Y-%m-%dT%H:%MZ")))
}

/// Whether systemd's time service says that the clock is synchronised.
pub fn synchronised() -> bool {
    Path::new("/run/systemd/timesync/synchronized").exists()
}

/// Time zones are built in; `zones` are those that `[locale]` names.
pub fn time_zones(zones: &[&str]) -> Line {
    let named = if zones.is_empty() { "none in [locale]".to_owned() } else { zones.join(", ") };
    Line::ok("time zones", format!("the data of {} is built in; {named}", chrono_tz::IANA_TZDB_VERSION))
}

/// The journal's store, if there is one: what is wrong with opening it.
pub fn journal(opened: Option<Result<(), String>>) -> Line {
    const CHECK: &str = "journal";
    match opened {
        None => Line::ok(CHECK, "there is none yet"),
        Some(Ok(())) => Line::ok(CHECK, "can be read"),
        Some(Err(why)) => Line::fail(CHECK, why, "`switchhook journal verify` tells more"),
    }
}

/// Under systemd: whether the unit is there.
pub fn systemd(root: &Path) -> Option<Line> {
    const CHECK: &str = "systemd";
    if !root.join("run/systemd/system").is_dir() {
        return None;
    }
    let places = ["etc/systemd/system", "usr/lib/systemd/system", "lib/systemd/system"];
    let unit: Option<PathBuf> =
        places.iter().map(|place| root.join(place).join("switchhook.service")).find(|path| path.is_file());
    let Some(unit) = unit else {
        let says = "runs here, and has no switchhook.service";
        return Some(Line { todo: Some("deploy/switchhook.service is one".to_owned()), ..Line::ok(CHECK, says) });
    };
    let text = std::fs::read_to_string(&unit).unwrap_or_default();
    if text.lines().any(|line| line.trim() == "Type=notify") {
        return Some(Line::ok(CHECK, format!("{} is there", unit.display())));
    }
    let says = format!("{} is not of Type=notify", unit.display());
    Some(Line::warn(CHECK, says, "write Type=notify, so that systemd knows when the gateway is ready"))
}

#[cfg(test)]
mod tests {
    use super::super::Grade;
    use super::*;

    #[test]
    fn a_folder_that_can_be_made_or_written_is_well() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("a/b");
        assert_eq!(state(&inner, 0)[0].grade, Grade::Ok);
        assert!(state(&inner, 0)[0].says.contains("can be made"));
        assert!(!inner.exists(), "looking makes nothing");
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let lines = state(folder.path(), u64::MAX);
        let found: Vec<(&str, Grade)> = lines.iter().map(|line| (line.check, line.grade)).collect();
        assert_eq!(found, [("state folder", Grade::Ok), ("state folder", Grade::Warn), ("disk", Grade::Warn)]);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left behind");
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert_eq!(state(&file.join("x"), 0)[0].grade, Grade::Fail);
    }

    #[test]
    fn ports_are_free_ours_or_taken() {
        let other = TcpListener::bind("127.0.0.1:0").unwrap();
        let taken = other.local_addr().unwrap();
        assert_eq!(port("public", taken, "server.listen", false).grade, Grade::Fail);
        assert_eq!(port("public", taken, "server.listen", true).grade, Grade::Ok);
        let free = "127.0.0.1:0".parse().unwrap();
        assert_eq!(port("public", free, "server.listen", false).grade, Grade::Ok);
        assert_eq!(port("public", free, "server.listen", true).grade, Grade::Warn);
        // TEST-NET-1 is no address of this machine.
        let line = port("public", "192.0.2.1:80".parse().unwrap(), "server.listen", false);
        assert!(line.grade == Grade::Fail && line.todo.unwrap().contains("server.listen"));
    }

    #[test]
    fn limits_are_read() {
        let of = |soft: &str| {
            open_files(&format!(
                "Limit  Soft Limit\nMax open files            {soft}                 524288     files\n"
            ))
        };
        assert_eq!(of("1024").unwrap().grade, Grade::Warn);
        assert_eq!(of("65536").unwrap().grade, Grade::Ok);
        assert_eq!(of("unlimited").unwrap().grade, Grade::Ok);
        assert_eq!(open_files("nothing"), None);
    }

    #[test]
    fn a_clock_of_the_past_is_no_clock() {
        let at = |text: &str| clock(text.parse().unwrap(), false);
        assert_eq!(at("1970-01-01T00:00:05Z").grade, Grade::Fail);
        assert_eq!(at("2026-11-28T18:00:00Z").grade, Grade::Ok);
    }

    #[test]
    fn a_unit_is_looked_for_only_under_systemd() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(systemd(root.path()), None);
        std::fs::create_dir_all(root.path().join("run/systemd/system")).unwrap();
        assert!(systemd(root.path()).unwrap().todo.unwrap().contains("deploy/"));
        let units = root.path().join("etc/systemd/system");
        std::fs::create_dir_all(&units).unwrap();
        std::fs::write(units.join("switchhook.service"), "[Service]\nType=simple\n").unwrap();
        assert_eq!(systemd(root.path()).unwrap().grade, Grade::Warn);
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/switchhook.service");
        std::fs::copy(own, units.join("switchhook.service")).unwrap();
        assert_eq!(systemd(root.path()).unwrap().grade, Grade::Ok);
    }
}
