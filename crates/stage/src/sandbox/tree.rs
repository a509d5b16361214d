//! The processes of a game as `/proc` shows them.

use std::collections::HashMap;
use std::fs;

/// What `/proc/<pid>/stat` says of one process.
#[derive(Clone, Copy, Debug, Default)]
struct Stat {
    parent: u32,
    /// Clock ticks in user and kernel mode, with those of children that were waited for.
    ticks: u64,
    threads: u64,
}

/// Processes and threads of a game, their processor time and memory.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sum {
    /// Threads of all processes.
    pub(super) threads: u64,
    /// Processor time in seconds.
    pub(super) cpu_seconds: f64,
    /// Bytes of memory that no file backs: heaps, stacks, shared buffers.
    pub(super) bytes: u64,
}

/// A process of a game.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) pid: u32,
    /// Whether it is a child of the namespace's first process, as the game's own command is.
    pub(super) first: bool,
    /// Whether it has no children.
    pub(super) leaf: bool,
}

/// All processes below `root`; the first process of a PID namespace inherits every orphan in it, so that none
/// can hide by forking twice.
pub(super) fn below(root: u32) -> Vec<Member> {
    let all = everyone();
    below_in(&all, root)
}

fn below_in(all: &HashMap<u32, Stat>, root: u32) -> Vec<Member> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for (pid, stat) in all {
        children.entry(stat.parent).or_default().push(*pid);
    }
    let mut found = Vec::new();
    let mut queue = children.get(&root).cloned().unwrap_or_default();
    while let Some(pid) = queue.pop() {
        let own = children.get(&pid);
        let first = all.get(&pid).is_some_and(|stat| stat.parent == root);
        found.push(Member { pid, first, leaf: own.is_none() });
        queue.extend(own.into_iter().flatten());
    }
    found
}

/// Sums over `root` and everything below it.
pub(super) fn sum(root: u32) -> Sum {
    let all = everyone();
    let mut sum = Sum::default();
    for pid in below_in(&all, root).iter().map(|member| member.pid).chain([root]) {
        if let Some(stat) = all.get(&pid) {
            sum.threads += stat.threads;
            sum.cpu_seconds += stat.ticks as f64 / ticks_per_second();
            sum.bytes += own_bytes(pid);
        }
    }
    sum
}

fn ticks_per_second() -> f64 {
    rustix::param::clock_ticks_per_second() as f64
}

fn everyone() -> HashMap<u32, Stat> {
    let Ok(entries) = fs::read_dir("/proc") else { return HashMap::new() };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|pid| Some((pid, stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?)))
        .collect()
}

/// Reads a `stat` line; the name in brackets may itself hold brackets and blanks (proc(5)).
fn stat(line: &str) -> Option<Stat> {
    let (_, rest) = line.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    // Field 3 of the manual, the state, is the first here.
    let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    Some(Stat {
        parent: u32::try_from(number(4)?).ok()?,
        ticks: (14..=17).filter_map(number).sum(),
        threads: number(20)?,
    })
}

fn own_bytes(pid: u32) -> u64 {
    let Ok(status) = fs::read_to_string(format!("/proc/{pid}/status")) else { return 0 };
    status
        .lines()
        .filter(|line| line.starts_with("RssAnon:") || line.starts_with("RssShmem:"))
        .filter_map(|line| line.split_ascii_whitespace().nth(1)?.parse::<u64>().ok())
        .sum::<u64>()
        * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_does_not_shift_the_fields() {
        let line = "42 (a) b) S 7 42 42 0 -1 4194560 1 0 0 0 10 20 3 4 20 0 5 0 100 1000 10 184";
        let stat = stat(line).unwrap();
        assert_eq!((stat.parent, stat.ticks, stat.threads), (7, 37, 5));
    }

    #[test]
    fn this_process_is_below_its_parent() {
        let own = std::process::id();
        let parent = std::os::unix::process::parent_id();
        assert!(below(parent).iter().any(|member| member.pid == own));
        assert!(sum(own).bytes > 0 && sum(own).threads > 0);
    }
}
