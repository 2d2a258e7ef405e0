//! `cargo bench --bench gateway`: what Switchhook costs next to a bare forwarder, in one run, on loopback.
//!
//! Three programs do the same work, one after the other, each as a process of its own beside this one, all on the same
//! two cores:
//!
//! - **A**, the bare durable forwarder (`bare.rs`): verifies, keeps with a group-committed fdatasync, answers, forwards.
//! - **B**, the forwarder that keeps nothing: verifies, forwards, answers.
//! - **C**, Switchhook as it is run, with one rule that redirects.
//!
//! Each is measured several times in turns, and its best round counts: what else the machine does can only make a round
//! worse. This process signs the notifications beforehand (`calls.rs`), sends them (`load.rs`) and is the CloudLink to which the
//! redirects go (`upstream.rs`). Absolute figures are those of the machine; the ratios are what counts. No time-bound
//! figure fails the run; a call that got its 200 and was not redirected exactly once does.
#![expect(clippy::expect_used, reason = "a bench that can't go on may just stop")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "its figures go to stdout, its progress to stderr")]

mod bare;
mod calls;
mod figures;
mod forward;
mod keep;
mod load;
mod machine;
mod measure;
mod options;
mod report;
mod subject;
mod table;
mod upstream;
mod wire;

use std::process::ExitCode;

use clap::Parser;

use crate::figures::Figures;
use crate::options::Options;
use crate::report::Report;
use crate::subject::Subject;

fn main() -> ExitCode {
    let options = Options::parse();
    if let Some(serve) = &options.serve {
        bare::serve(*serve, &options);
        return ExitCode::SUCCESS;
    }
    if let Some(code) = machine::on_two_cores() {
        return code;
    }
    let mut measured: Vec<(Subject, Vec<Figures>)> = options.subjects().map(|subject| (subject, Vec::new())).collect();
    for round in 1..=options.rounds {
        // Taken in turns, so that a machine that grows slower for a while does so for each of them.
        for (subject, rounds) in &mut measured {
            eprintln!("round {round} of {}: {}", options.rounds, subject.name());
            rounds.push(measure::round(*subject, &options));
        }
    }
    let report = Report::new(&options, measured);
    if options.json {
        report.print_json();
    } else {
        report.print_table();
    }
    if report.every_call_once() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
