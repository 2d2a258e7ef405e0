//! What /proc says of the machine and of processes, and how the bench keeps to two cores of it.
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

/// Ticks of /proc/PID/stat: Linux shows 100 a second to programs whatever the kernel counts in.
const TICKS: f64 = 100.0;

/// On a larger machine: runs the bench again on two cores, and says how that ended.
pub(crate) fn on_two_cores() -> Option<ExitCode> {
    let allowed = cores(&value_in("/proc/self/status", "Cpus_allowed_list")?);
    let [first, second, _, ..] = allowed[..] else { return None };
    let program = std::env::current_exe().expect("we run");
    let mut again = Command::new("taskset");
    again.arg("-c").arg(format!("{first},{second}")).arg(program).args(std::env::args_os().skip(1));
    match again.status() {
        Ok(status) => Some(ExitCode::from(status.code().map_or(1, |code| code as u8))),
        Err(error) => {
            eprintln!("not held to two cores (taskset: {error}): ratios are those of {} cores", allowed.len());
            None
        }
    }
}

/// "0-2,5" is 0, 1, 2, 5.
fn cores(list: &str) -> Vec<u32> {
    let mut cores = Vec::new();
    for part in list.trim().split(',') {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        if let (Ok(from), Ok(to)) = (from.parse::<u32>(), to.parse::<u32>()) {
            cores.extend(from..=to);
        }
    }
    cores
}

fn value_in(file: &str, key: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    text.lines().find_map(|line| Some(line.strip_prefix(key)?.strip_prefix(':')?.trim().to_owned()))
}

/// Seconds of CPU that a process used so far, in user and kernel together.
pub(crate) fn cpu_seconds(process: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name may hold spaces: fields are counted from its closing bracket on. utime and stime are fields 14 and 15.
    let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
    let ticks =
        |field: usize| after.split_whitespace().nth(field - 3).and_then(|text| text.parse().ok()).unwrap_or(0.0);
    (ticks(14) + ticks(15)) / TICKS
}

/// Seconds of CPU that the machine was not idle so far, what its host took away included.
pub(crate) fn busy_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let first = stat.lines().next().unwrap_or_default();
    let ticks: Vec<f64> = first.split_whitespace().skip(1).filter_map(|text| text.parse().ok()).collect();
    // user nice system idle iowait irq softirq steal
    let idle: f64 = ticks.iter().skip(3).take(2).sum();
    (ticks.iter().take(8).sum::<f64>() - idle) / TICKS
}

/// Memory in MB: `VmRSS` is what is resident now, `VmHWM` the most that ever was.
pub(crate) fn memory_mb(process: u32, which: &str) -> f64 {
    let text = value_in(&format!("/proc/{process}/status"), which).unwrap_or_default();
    text.split_whitespace().next().and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

/// The type of the file system that a folder is on.
pub(crate) fn file_system(folder: &Path) -> String {
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    let fields = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        Some((fields.next()?, fields.next()?))
    });
    let on = fields.filter(|(at, _)| folder.starts_with(at)).max_by_key(|(at, _)| at.len());
    on.map_or_else(|| "unknown".to_owned(), |(_, kind)| kind.to_owned())
}

/// What a lone write of 4 KB with fdatasync costs in the folder: the median of a hundred, in microseconds.
pub(crate) fn sync_micros(folder: &Path) -> f64 {
    let mut file = tempfile::tempfile_in(folder).expect("the bench's folder can be written");
    let mut took: Vec<Duration> = (0..100)
        .map(|_| {
            let start = Instant::now();
            file.write_all(&[7; 4096]).and_then(|()| file.sync_data()).expect("room on the disk");
            start.elapsed()
        })
        .collect();
    took.sort_unstable();
    took[50].as_secs_f64() * 1e6
}
