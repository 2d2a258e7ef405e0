//! Opening an address in the person's browser, where there is one.

use std::process::{Command, Stdio};

use url::Url;

use crate::settings::Environment;

/// Whether a program was started that should open it. Without a screen none is: what opens then may be a text browser in
/// this very terminal.
pub(super) fn open(address: &Url) -> bool {
    let mac = cfg!(target_os = "macos");
    let environment = Environment::process();
    let screen =
        ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| environment.get(name).is_some_and(|it| !it.is_empty()));
    if !mac && !screen {
        return false;
    }
    let mut program = Command::new(if mac { "open" } else { "xdg-open" });
    program.arg(address.as_str()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    program.spawn().is_ok()
}
