//! `switchhook backup`: a copy of the journal, while the gateway runs or not.

use std::path::PathBuf;
use std::process::ExitCode;

use super::{Config, complain, say};

/// Arguments of `backup`.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    config: Config,
    /// A folder that is not there yet, or empty
    #[arg(value_name = "PATH")]
    folder: PathBuf,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// Makes the copy. 0: it is on disk; 1: it is not; 2: bad settings; 3: the journal can't be read.
pub(super) fn run(args: &Args) -> ExitCode {
    let reader = match args.config.reader() {
        Ok(reader) => reader,
        Err(code) => return code,
    };
    match reader.backup(&args.folder) {
        Ok(made) if args.json => say(&serde_json::to_string_pretty(&made).unwrap_or_default()),
        Ok(made) => say(&format!(
            "{}: {} bytes, everything up to publication {}, {} of them not done\nto restore it, let [journal] path be \
             a copy of it and start the gateway",
            made.path.display(),
            made.bytes,
            made.last_seq,
            made.open
        )),
        Err(error) => {
            complain(&error.to_string());
            return ExitCode::from(1);
        }
    }
    ExitCode::SUCCESS
}
