//! `switchhook demo`: five stories, played by real processes on this machine and told line by line.
//!
//! The simulator and the gateway are children of this process, started from this very binary; the gateway runs the
//! settings and rules that anyone can read in `config/`. Only addresses, ids and secrets are replaced, through the
//! environment, and the clocks: the hours in `config/` are real ones, so both children are told how far to put their
//! clocks forward or back, first to a morning, then to an evening. Nothing here knows how the gateway works inside; what
//! became of a story is read from the simulator's books and from the CRM's.
//!
//! Reading order: `stories` is what is told; `stage` starts what it takes; `cloudlink`, `crm` and `process` are its
//! parts; `timeline` prints.

mod calendar;
mod cloudlink;
mod crm;
mod mishap;
mod process;
mod stage;
mod stories;
mod timeline;

use std::path::PathBuf;
use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};

use self::crm::{Crm, Desk};
use self::mishap::Mishap;
use self::process::Folder;
use self::stage::{GATEWAY_LOG, SIMULATOR_LOG, Stage};
use self::timeline::Timeline;
use crate::kit::chance::Chance;
use crate::kit::clock::Clock;

/// How many stories there are.
const STORIES: usize = 5;
/// Lines of the gateway's log that are shown when something went wrong.
const TAIL: usize = 25;
const BAD_USAGE: u8 = 2;
const COULD_NOT_START: u8 = 3;
const INTERRUPTED: u8 = 130;

/// See five stories: calls after hours, a chat, a CRM, and a gateway that is killed; nothing leaves this machine
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The folder with the settings and rules to play
    #[arg(long, value_name = "FOLDER", default_value = "config")]
    config: PathBuf,
    /// Keep the journal and the logs, to look at them afterwards
    #[arg(long)]
    keep: bool,
}

/// How the stories ended so far.
struct Tally {
    line: Timeline,
    as_told: usize,
    failed: Vec<&'static str>,
    ring_to_redirect: Option<i64>,
}

/// Plays all stories. 0 only if each ended as told; 1: one did not, 2: there is no such configuration, 3: the demo itself
/// could not start, 130: interrupted. Whatever was started is ended.
pub(super) async fn run(args: Args) -> ExitCode {
    let line = Timeline::begin(super::colour());
    let config = match args.config.canonicalize() {
        Ok(config) => config,
        Err(error) => {
            line.line(&format!("There is no configuration at {}: {error}", args.config.display()));
            line.line("Run the demo in the folder of the project, or name one with --config.");
            return ExitCode::from(BAD_USAGE);
        }
    };
    line.line(&format!("CloudLink is simulated; the gateway is real and runs {} as it is.", args.config.display()));
    let (chance, crm) = (Chance::system(), Crm::default());
    match prepare(&crm, &chance, args.keep).await {
        Ok((desk, url, folder)) => perform(line, config, (crm, desk, url), folder, chance).await,
        Err(mishap) => {
            line.verdict(false, &mishap.to_string());
            ExitCode::from(COULD_NOT_START)
        }
    }
}

/// What the demo needs on its own side: the CRM's listener and a folder.
async fn prepare(crm: &Crm, chance: &Chance, keep: bool) -> Result<(Desk, String, Folder), Mishap> {
    let no_listener = "the CRM could not listen";
    let desk = Desk::open(crm.clone()).await.map_err(Mishap::broken(no_listener))?;
    let url = desk.url().map_err(Mishap::broken(no_listener))?;
    let folder = Folder::make(chance, keep).map_err(Mishap::broken("no temporary folder could be made"))?;
    Ok((desk, url, folder))
}

/// Plays while the CRM serves, until the last story has ended or someone interrupts. The children belong to the play:
/// when it is dropped, they end.
async fn perform(
    line: Timeline,
    config: PathBuf,
    (crm, desk, url): (Crm, Desk, String),
    mut folder: Folder,
    chance: Chance,
) -> ExitCode {
    let mut tally = Tally { line, as_told: 0, failed: vec![], ring_to_redirect: None };
    let ended = tokio::select! {
        ended = async { play(&Stage::new(config, &folder, url, chance)?, &crm, &mut tally).await } => ended,
        closed = desk.serve() => Err(Mishap::broken("the CRM stopped")(format!("{closed:?}"))),
        () = interrupted() => {
            tally.line.verdict(false, "Interrupted; everything that was started is ended.");
            return ExitCode::from(INTERRUPTED);
        }
    };
    let played_to_the_end = ended.is_ok();
    if let Err(mishap) = ended {
        tally.line.otherwise(&mishap.to_string());
    }
    let good = tally.sum_up();
    if !good {
        folder.keep = true;
        show_log(&tally.line, &folder);
    }
    show_folder(&tally.line, &folder);
    match (good, played_to_the_end || tally.as_told + tally.failed.len() > 0) {
        (true, _) => ExitCode::SUCCESS,
        (false, true) => ExitCode::FAILURE,
        (false, false) => ExitCode::from(COULD_NOT_START),
    }
}

/// A morning with one story and an evening with four. An error means that a part of the demo failed between two stories.
async fn play(stage: &Stage, crm: &Crm, tally: &mut Tally) -> Result<(), Mishap> {
    let day = calendar::working_day(calendar::today(Clock::system().now()));

    let mut scene = stage.open(calendar::at(day, 10), &tally.line).await?;
    let title = tally.begin("A call in opening hours is left alone");
    let end = stories::left_alone(&mut scene, &tally.line).await;
    tally.end(title, end);
    scene.close().await?;

    let mut scene = stage.open(calendar::at(day, 22), &tally.line).await?;
    let title = tally.begin("The same call after hours goes to 4001 while it rings");
    let end = stories::redirected(&scene, &tally.line).await;
    tally.ring_to_redirect = end.as_ref().ok().copied();
    tally.end(title, end.map(drop));

    let title = tally.begin("A question in a chat is answered");
    let end = stories::answered(&scene, &tally.line).await;
    tally.end(title, end);

    let title = tally.begin("The CRM hears who calls");
    let end = stories::relayed(&scene, stage, crm, &tally.line).await;
    tally.end(title, end);

    let title = tally.begin("CloudLink is away and the gateway is killed: the call is redirected all the same");
    let end = stories::survived(&mut scene, &tally.line).await;
    tally.end(title, end);
    scene.close().await
}

impl Tally {
    fn begin(&self, title: &'static str) -> &'static str {
        let number = self.as_told + self.failed.len() + 1;
        self.line.heading(&format!("{number}  {title}"));
        title
    }

    fn end(&mut self, title: &'static str, end: Result<(), Mishap>) {
        match end {
            Ok(()) => {
                self.as_told += 1;
                self.line.as_told();
            }
            Err(mishap) => {
                self.failed.push(title);
                self.line.otherwise(&mishap.to_string());
            }
        }
    }

    /// Says how many ended as told, and where to look next; true if all did.
    fn sum_up(&self) -> bool {
        let (good, took) = (self.as_told == STORIES, self.line.seconds());
        let mut text = format!("{} of {STORIES} stories ended as told, in {took:.1} s.", self.as_told);
        if let Some(took) = self.ring_to_redirect {
            text = format!("{text} From ring to redirect: {took} ms.");
        }
        self.line.verdict(good, &text);
        for title in &self.failed {
            self.line.line(&format!("Not as told: {title}"));
        }
        if good {
            self.line.line("\nWhere to look next");
            self.line
                .line("  config/rules/after-hours.toml   the rule that moved the call; its neighbours did the rest");
            self.line
                .line("  README.md                       what else there is, and how to begin with your own account");
            self.line.line("  switchhook simulate             a CloudLink to play with, by hand");
        }
        good
    }
}

/// The end of what the gateway said; of the simulator's, if the gateway never said anything.
fn show_log(line: &Timeline, folder: &Folder) {
    let named = [GATEWAY_LOG, SIMULATOR_LOG].map(|name| (name, folder.tail(name, TAIL)));
    if let Some((name, lines)) = named.into_iter().find(|(_, lines)| !lines.is_empty()) {
        line.heading(&format!("The end of {name}"));
        for text in lines {
            line.line(&format!("  {text}"));
        }
    }
}

/// Where the journal and the logs are, if they are kept, and how to read them.
fn show_folder(line: &Timeline, folder: &Folder) {
    if folder.keep {
        let path = folder.path.display();
        line.line(&format!(
            "\nKept in {path}: {GATEWAY_LOG}, {SIMULATOR_LOG} and the journal. What each rule made of each event:"
        ));
        line.line(&format!("  SWITCHHOOK__JOURNAL__PATH={path}/state switchhook events"));
    }
}

/// Ends when someone asks the demo to end.
async fn interrupted() {
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
