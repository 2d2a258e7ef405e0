//! `cargo bench --bench rules`: what compiling and asking rules costs, from 10 to 100,000 of them.
//!
//! The mix is that of a large site: 9 of 10 rules are for an extension (1 in 100 with a `when` beside it), 1 in 10 is for
//! callers, by prefix or by regex. All are for ringing calls, so the kind of the event sorts none of them out. Every size is
//! measured in a process of its own, so that the peak of memory is its own. `--text DIR` writes the rule files instead, for
//! `switchhook check`.
#![expect(clippy::expect_used, reason = "a bench that can't go on may just stop")]
#![expect(clippy::print_stdout, reason = "its figures go to stdout")]

mod mix;

use std::hint::black_box;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use clap::Parser;
use switchhook::language::Source;
use switchhook::rules::{RuleSet, World, compile};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Debug, Parser)]
#[command(name = "rules")]
struct Options {
    /// How many rules, one measurement for each.
    #[arg(long, value_delimiter = ',', default_values_t = [10, 100, 1_000, 10_000, 100_000])]
    rules: Vec<usize>,
    /// Over how many files they are spread.
    #[arg(long, default_value_t = 1)]
    files: usize,
    /// Measure only these, in this process.
    #[arg(long, hide = true)]
    one: Option<usize>,
    /// Write the rule files into this folder, and measure nothing.
    #[arg(long)]
    text: Option<PathBuf>,
    /// Compile only, and say how long it took.
    #[arg(long)]
    compile: bool,
    /// What `cargo bench` adds.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    if options.compile {
        for count in &options.rules {
            println!("{count} rules in {:.1} ms", compiled(&mix::sources(*count, options.files)).1.as_secs_f64() * 1e3);
        }
        return ExitCode::SUCCESS;
    }
    if let Some(count) = options.one {
        row(count, options.files);
        return ExitCode::SUCCESS;
    }
    if let Some(folder) = &options.text {
        let count = options.rules.last().copied().unwrap_or_default();
        std::fs::create_dir_all(folder).expect("the folder can be made");
        for source in mix::sources(count, options.files) {
            std::fs::write(folder.join(&*source.name), &*source.text).expect("the file can be written");
        }
        return ExitCode::SUCCESS;
    }
    println!(
        "{:>8} {:>9} {:>12} {:>12} {:>14} {:>14}",
        "rules", "text", "compile", "peak memory", "one event", "one candidate"
    );
    let mut code = ExitCode::SUCCESS;
    for count in &options.rules {
        let program = std::env::current_exe().expect("we run");
        let (count, files) = (count.to_string(), options.files.to_string());
        let ended = Command::new(program).args(["--one", &count, "--files", &files]).status().expect("it starts");
        if !ended.success() {
            code = ExitCode::FAILURE;
        }
    }
    code
}

/// Measures one size and prints its line.
fn row(count: usize, files: usize) {
    let sources = mix::sources(count, files);
    let bytes: usize = sources.iter().map(|source| source.text.len()).sum();
    let (rules, compiled) = compiled(&sources);
    assert_eq!(rules.rules().len(), count, "every rule is there");
    assert!(rules.warnings().is_empty(), "the mix has no mistakes: {}", rules.warnings());
    let peak = peak_memory().map_or_else(|| "?".to_owned(), |kib| format!("{} MB", kib.div_ceil(1024)));
    let (hit, miss) = (mix::events(count, true), mix::events(count, false));
    let (event, none) = (per_event(&rules, &hit), per_event(&rules, &miss));
    println!(
        "{count:>8} {:>6} KiB {:>9.1} ms {peak:>12} {event:>11.0} ns {none:>11.0} ns",
        bytes.div_ceil(1024),
        compiled.as_secs_f64() * 1e3
    );
}

/// Compiles once, as the daemon does at its start.
fn compiled(sources: &[Source]) -> (RuleSet, Duration) {
    let begun = Instant::now();
    let rules = compile(sources, &World::default()).unwrap_or_else(|report| panic!("{report}"));
    (rules, begun.elapsed())
}

/// Nanoseconds for one event: the best of five rounds, for what else the machine does can only make a round worse.
fn per_event(rules: &RuleSet, events: &[switchhook::event::Event]) -> f64 {
    let round = || {
        let (begun, mut asked) = (Instant::now(), 0_u32);
        while begun.elapsed() < Duration::from_millis(300) {
            for event in events {
                black_box(rules.plan(black_box(event)));
            }
            asked += events.len() as u32;
        }
        begun.elapsed().as_secs_f64() * 1e9 / f64::from(asked)
    };
    (0..5).map(|_| round()).fold(f64::INFINITY, f64::min)
}

/// The most memory that this process ever had, in KiB.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}
