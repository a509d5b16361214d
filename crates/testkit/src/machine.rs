//! The machine that something was measured on, and how busy it was with other things meanwhile.

use std::fs;

use serde::Serialize;

/// Share of the time stolen by other guests of the host above which a run is not quiet.
pub const QUIET_STEAL: f64 = 0.02;

/// The machine, over the time of a run.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// As the kernel names it.
    pub cpu: String,
    /// Logical cores.
    pub cores: usize,
    /// Installed memory.
    pub memory_bytes: u64,
    /// Kernel release.
    pub kernel: String,
    /// Runnable threads, mean of the minute before the run.
    pub load_before: f64,
    /// The same at its end.
    pub load_after: f64,
    /// Share of the run's time in which some core ran anything, ours included.
    pub busy: f64,
    /// Share of the run's time that the host gave to others.
    pub steal: f64,
    /// Whether `steal` is at most 2 %.
    pub quiet: bool,
    /// What a reader has to know before believing the figures; empty where nothing.
    pub note: String,
}

/// Begins to watch the machine.
#[derive(Clone, Copy, Debug)]
pub struct Watch {
    load: f64,
    ticks: Ticks,
}

#[derive(Clone, Copy, Debug, Default)]
struct Ticks {
    busy: u64,
    idle: u64,
    steal: u64,
}

impl Watch {
    /// From now on.
    pub fn begin() -> Self {
        Self { load: load(), ticks: ticks(&fs::read_to_string("/proc/stat").unwrap_or_default()) }
    }

    /// Until now.
    pub fn end(&self) -> Machine {
        let now = ticks(&fs::read_to_string("/proc/stat").unwrap_or_default());
        let busy = now.busy.saturating_sub(self.ticks.busy);
        let idle = now.idle.saturating_sub(self.ticks.idle);
        let steal = now.steal.saturating_sub(self.ticks.steal);
        let total = (busy + idle + steal).max(1) as f64;
        let steal = steal as f64 / total;
        let quiet = steal <= QUIET_STEAL;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let note = if quiet && self.load > cores as f64 / 2.0 {
            format!("The machine was busy when the run began (load {} on {cores} cores).", self.load)
        } else if quiet {
            String::new()
        } else {
            format!(
                "{:.1} % of the CPU time was stolen during the run: these figures are of a noisy machine.",
                steal * 100.0
            )
        };
        Machine {
            cpu: cpu(),
            cores,
            memory_bytes: memory(),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned(),
            load_before: self.load,
            load_after: load(),
            busy: busy as f64 / total,
            steal,
            quiet,
            note,
        }
    }
}

/// The first line of `/proc/stat` (proc(5)): user, nice, system, idle, iowait, irq, softirq, steal.
fn ticks(stat: &str) -> Ticks {
    let line = stat.lines().next().unwrap_or_default();
    let field = |at: usize| line.split_whitespace().nth(at + 1).and_then(|f| f.parse().ok()).unwrap_or(0_u64);
    Ticks {
        busy: field(0) + field(1) + field(2) + field(5) + field(6),
        idle: field(3) + field(4),
        steal: field(7),
    }
}

fn load() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().and_then(|f| f.parse().ok()).unwrap_or(0.0)
}

fn cpu() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find_map(|l| l.strip_prefix("model name"));
    line.map_or_else(|| "unknown".to_owned(), |l| l.trim_start_matches([' ', '\t', ':']).to_owned())
}

fn memory() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib = text.lines().find_map(|l| l.strip_prefix("MemTotal:"));
    kib.and_then(|l| l.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stolen_time_is_told_from_work_and_rest() {
        let ticks = ticks("cpu  10 1 5 100 4 2 3 7 9 9\ncpu0 1 1 1 1 1 1 1 1 1 1\n");
        assert_eq!((ticks.busy, ticks.idle, ticks.steal), (21, 104, 7));
    }

    #[test]
    fn this_machine_has_a_name_and_memory() {
        let machine = Watch::begin().end();
        assert!(machine.memory_bytes > 0 && machine.cores > 0 && !machine.kernel.is_empty());
    }
}
