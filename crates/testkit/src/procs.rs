//! Processes as `/proc` has them: what a tree of them uses, and what one leaves behind.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// One process.
#[derive(Clone, Debug, PartialEq)]
pub struct Process {
    /// Number.
    pub pid: u32,
    /// Its parent's number.
    pub parent: u32,
    /// Name of its program, at most 15 bytes.
    pub name: String,
    /// Whether it has ended, and only its parent has not asked how.
    pub zombie: bool,
    /// CPU seconds used so far, user and system, its own only.
    pub cpu_seconds: f64,
    /// Resident bytes.
    pub rss_bytes: u64,
    /// When it started, in clock ticks since the machine did: with the number, this names it for good.
    pub started: u64,
}

/// All processes of the machine, by number.
pub fn all() -> BTreeMap<u32, Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|e| e.file_name().to_str()?.parse().ok())
        .filter_map(|pid| Some((pid, read(pid)?)))
        .collect()
}

/// A process by number, if it is there.
pub fn read(pid: u32) -> Option<Process> {
    parse(pid, &fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// A process and all that it started which still belong to it.
pub fn tree(root: u32) -> Vec<Process> {
    let all = all();
    let mut wanted = BTreeSet::from([root]);
    loop {
        let before = wanted.len();
        wanted.extend(all.values().filter(|p| wanted.contains(&p.parent)).map(|p| p.pid).collect::<Vec<_>>());
        if wanted.len() == before {
            break;
        }
    }
    all.into_values().filter(|p| wanted.contains(&p.pid)).collect()
}

/// Command line of a process, words parted by spaces; empty where it is gone.
pub fn command_line(pid: u32) -> String {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).replace('\0', " ").trim_end().to_owned()
}

/// What a process holds open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Open {
    /// File descriptors.
    pub descriptors: usize,
    /// Of these, sockets.
    pub sockets: usize,
    /// Threads.
    pub threads: usize,
    /// What the descriptors stand for: paths, and kinds where there is no path.
    pub names: Vec<String>,
}

/// What a process holds open now; zeros where it is gone.
pub fn open(pid: u32) -> Open {
    let links = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let names: Vec<String> =
        links.filter_map(|l| Some(fs::read_link(l.path()).ok()?.to_string_lossy().into_owned())).collect();
    let sockets = names.iter().filter(|name| name.starts_with("socket:")).count();
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().count();
    Open { descriptors: names.len(), sockets, threads, names }
}

/// Files and folders under a folder, at any depth.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.extend(files(&entry.path()));
        }
        found.push(entry.path());
    }
    found
}

/// `/proc/<pid>/stat` (proc(5)); the name stands in parentheses and may hold anything.
fn parse(pid: u32, stat: &str) -> Option<Process> {
    let (head, rest) = stat.rsplit_once(')')?;
    let name = head.split_once('(')?.1.to_owned();
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    let ticks = number(11)? + number(12)?;
    Some(Process {
        pid,
        parent: u32::try_from(number(1)?).ok()?,
        name,
        zombie: *fields.first()? == "Z",
        cpu_seconds: ticks as f64 / rustix::param::clock_ticks_per_second() as f64,
        rss_bytes: number(21)? * rustix::param::page_size() as u64,
        started: number(19)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_does_not_hide_the_numbers() {
        let stat = "7 (a) b) (c) S 3 7 7 0 -1 4194560 1 0 0 0 150 50 9 9 20 0 1 0 4242 1000 25 0 0";
        let process = parse(7, stat).unwrap();
        assert_eq!((process.parent, process.name.as_str(), process.started), (3, "a) b) (c", 4242));
        assert!((process.cpu_seconds - 200.0 / rustix::param::clock_ticks_per_second() as f64).abs() < 1e-9);
    }

    #[test]
    fn a_tree_has_its_root() {
        let me = std::process::id();
        let tree = tree(me);
        assert!(tree.iter().any(|p| p.pid == me && p.rss_bytes > 0));
        assert!(open(me).descriptors >= 3);
    }
}
