//! The report for people.
use crate::forward::Client;
use crate::report::{Cpu, Parts, Program, Report};
use crate::subject::Subject;

impl Report {
    pub(crate) fn print_table(&self) {
        println!(
            "\n{} cores shared with the load, {} (a lone 4 KB fdatasync takes {:.0} us), best of {} rounds of {} s, {} byte \
             notifications",
            self.cores,
            self.file_system,
            self.fdatasync_us,
            self.rounds,
            self.seconds,
            self.programs.first().map_or(0, |program| program.body_bytes)
        );
        println!(
            "A and B forward by {}\n",
            if self.client == Client::Hyper { "hyper's connections" } else { "reqwest" }
        );
        self.line("", |program| program.subject.name().to_owned());
        println!("closed loop, {} connections", self.connections);
        self.line("  accepted/s", |program| format!("{:.0}", program.closed.accepted_per_s));
        self.line("  acted/s", |program| format!("{:.0}", program.closed.acted_per_s));
        self.line("  … lowest of the rounds", |program| {
            format!("{:.0}", program.closed.acted_per_s_by_round.iter().copied().fold(f64::INFINITY, f64::min))
        });
        self.line("  accept p50 / p99 ms", |program| middle_and_late(&program.closed.accept_ms));
        self.line("  CPU us per event: itself", |program| format!("{:.1}", program.closed.cpu.us_per_event));
        self.line("  … generator, upstream", |program| format!("{:.1}", program.closed.cpu.bench_us_per_event));
        self.line("  busy cores: itself", |program| format!("{:.2}", program.closed.cpu.cores));
        self.line("  … bench / anything else", |program| beside(&program.closed.cpu));
        println!("open loop, {} events/s", self.rate);
        self.line("  ring to redirect p50 ms", |program| format!("{:.3}", program.open.ring_to_redirect_ms.p50));
        self.line("  … longest of the rounds", |program| {
            format!("{:.3}", program.open.p50_by_round.iter().copied().fold(0.0, f64::max))
        });
        self.line("  ring to redirect p90 ms", |program| format!("{:.3}", program.open.ring_to_redirect_ms.p90));
        self.line("  ring to redirect p99 ms", |program| format!("{:.3}", program.open.ring_to_redirect_ms.p99));
        self.line("  accept p50 / p99 ms", |program| middle_and_late(&program.open.accept_ms));
        self.line("  CPU us per event: itself", |program| format!("{:.0}", program.open.cpu.us_per_event));
        self.line("  … bench / anything else", |program| beside(&program.open.cpu));
        println!("both");
        self.line("  refused", |program| program.refused.to_string());
        self.line("  missing, twice, strange", |program| {
            format!("{}, {}, {}", program.broken.missing, program.broken.twice, program.broken.strange)
        });
        self.line("  start to listening ms", |program| match program.subject {
            Subject::Switchhook => format!("{:.1}", program.start_ms),
            Subject::Durable | Subject::Keepless => "-".to_owned(),
        });
        self.line("  memory idle / peak MB", |program| format!("{:.1} / {:.1}", program.idle_mb, program.peak_mb));
        println!();
        for ratio in &self.ratios {
            let goal = ratio.goal.as_deref().unwrap_or("");
            let met = ratio.met.map_or("", |met| if met { "met" } else { "NOT MET" });
            println!("{}", format!("{:<28}{:>8.2}   {goal:<14}{met}", ratio.of, ratio.is).trim_end());
        }
        if self.programs.iter().any(|program| program.closed.cpu.other_cores > 0.1) {
            println!("\nThe machine did other work meanwhile: read ratios with care, or run it again.");
        }
        if !self.every_call_once() {
            println!(
                "\nFAILED: a call that was accepted is missing or was redirected twice, or a program ended by itself."
            );
        }
    }

    fn line(&self, label: &str, cell: impl Fn(&Program) -> String) {
        print!("{label:<28}");
        for program in &self.programs {
            print!("{:>18}", cell(program));
        }
        println!();
    }
}

fn middle_and_late(parts: &Parts) -> String {
    format!("{:.2} / {:.2}", parts.p50, parts.p99)
}

fn beside(cpu: &Cpu) -> String {
    format!("{:.2} / {:.2}", cpu.bench_cores, cpu.other_cores)
}
