//! A control group of the kernel for one game: it counts, limits and ends a game with all its children.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use super::Limits;

/// Processes that bubblewrap itself needs beside the game's.
const HELPERS: u32 = 3;

/// How long a killed group may take to become empty before its folder is left to the next sweep.
const EMPTY_WITHIN: Duration = Duration::from_secs(2);

/// The folders of one game in the hierarchies of this machine; they are removed when this is dropped.
#[derive(Debug)]
pub(super) struct Group {
    folders: Vec<PathBuf>,
    /// The folder of the one hierarchy of version 2, for `cgroup.kill` and `cpu.stat`.
    unified: Option<PathBuf>,
    memory: Memory,
    cpuacct: Option<PathBuf>,
}

#[derive(Debug)]
enum Memory {
    V2(PathBuf),
    V1(PathBuf),
}

impl Group {
    /// Makes a group that limits memory and processes, in version 2 where its controllers are to be had, else in
    /// version 1; or says why it cannot.
    pub(super) fn create(limits: &Limits) -> Result<Self, String> {
        let places =
            Places::find().map_err(|error| format!("/proc says nothing of control groups: {error}"))?;
        let name = name();
        let first = match v2(&places, &name, limits) {
            Ok(group) => return Ok(group),
            Err(reason) => reason,
        };
        v1(&places, &name, limits).map_err(|second| format!("{first}; {second}"))
    }

    /// Whether the limits are those of version 2.
    pub(super) fn is_v2(&self) -> bool {
        matches!(self.memory, Memory::V2(_))
    }

    /// Files into which a process writes `0` to enter the group.
    pub(super) fn entrances(&self) -> io::Result<Vec<File>> {
        self.folders
            .iter()
            .map(|folder| OpenOptions::new().write(true).open(folder.join("cgroup.procs")))
            .collect()
    }

    /// Processor seconds that the group used.
    pub(super) fn cpu_seconds(&self) -> Option<f64> {
        if let Some(unified) = &self.unified
            && let Some(micros) = field(&unified.join("cpu.stat"), "usage_usec")
        {
            return Some(micros as f64 / 1e6);
        }
        let nanos: u64 = read(&self.cpuacct.as_ref()?.join("cpuacct.usage")).ok()?.trim().parse().ok()?;
        Some(nanos as f64 / 1e9)
    }

    /// Bytes of memory that no file backs.
    pub(super) fn bytes(&self) -> Option<u64> {
        let (file, names) = match &self.memory {
            Memory::V2(folder) => (folder.join("memory.stat"), ["anon", "shmem"]),
            Memory::V1(folder) => (folder.join("memory.stat"), ["total_rss", "total_shmem"]),
        };
        let text = read(&file).ok()?;
        Some(names.iter().filter_map(|name| value(&text, name)).sum())
    }

    /// Whether the kernel killed a process of the group for memory.
    pub(super) fn ran_out_of_memory(&self) -> bool {
        let file = match &self.memory {
            Memory::V2(folder) => folder.join("memory.events"),
            Memory::V1(folder) => folder.join("memory.oom_control"),
        };
        field(&file, "oom_kill").is_some_and(|count| count > 0)
    }

    /// Kills every process of the group, however many it forks meanwhile.
    pub(super) fn kill(&self) {
        if let Some(unified) = &self.unified
            && fs::write(unified.join("cgroup.kill"), "1").is_ok()
        {
            return;
        }
        // Kernels before 5.14: one by one, and again from `remove` until none is left.
        for folder in &self.folders {
            for pid in members(folder) {
                kill_one(pid);
            }
        }
    }

    /// Kills, waits until nothing is left and removes the folders.
    fn remove(&self) {
        let deadline = Instant::now() + EMPTY_WITHIN;
        self.kill();
        while self.folders.iter().any(|folder| fs::remove_dir(folder).is_err() && folder.exists()) {
            if Instant::now() > deadline {
                tracing::warn!(folders = ?self.folders, "a game's control group could not be removed");
                return;
            }
            std::thread::sleep(Duration::from_millis(2));
            self.kill();
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.remove();
    }
}

fn kill_one(pid: u32) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) {
        // It may be gone by now, which is what is wanted.
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).ok();
    }
}

/// `playhouse-<pid of the session>-<count>`: the pid tells a later session whether the folder is left over.
fn name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("playhouse-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Ends and removes what sessions that were killed left behind.
fn sweep(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name
            .to_str()
            .and_then(|name| name.strip_prefix("playhouse-")?.split('-').next()?.parse::<u32>().ok());
        if owner.is_some_and(|pid| !Path::new("/proc").join(pid.to_string()).exists()) {
            members(&entry.path()).into_iter().for_each(kill_one);
            // Where somebody still dies, the next sweep removes it.
            fs::remove_dir(entry.path()).ok();
        }
    }
}

/// Makes the folder, or forgets those made before it.
fn make(parent: &Path, name: &str, made: &mut Vec<PathBuf>) -> Result<PathBuf, String> {
    sweep(parent);
    let folder = parent.join(name);
    match fs::create_dir(&folder) {
        Ok(()) => {
            made.push(folder.clone());
            Ok(folder)
        }
        Err(error) => Err(format!("{} cannot be made: {error}", folder.display())),
    }
}

fn set(folder: &Path, file: &str, value: u64) -> Result<(), String> {
    let path = folder.join(file);
    fs::write(&path, value.to_string()).map_err(|error| format!("{} cannot be set: {error}", path.display()))
}

fn v2(places: &Places, name: &str, limits: &Limits) -> Result<Group, String> {
    let (top, own) = places.unified.as_ref().ok_or("there is no control group hierarchy of version 2")?;
    let parent = own
        .ancestors()
        .take_while(|folder| folder.starts_with(top))
        .find(|folder| enabled(folder) && writable(folder))
        .ok_or("no control group of version 2 passes memory and pids on to this user")?;
    let mut folders = Vec::new();
    let folder = make(parent, name, &mut folders)?;
    let group =
        Group { folders, unified: Some(folder.clone()), memory: Memory::V2(folder.clone()), cpuacct: None };
    set(&folder, "memory.max", limits.memory)?;
    set(&folder, "pids.max", u64::from(limits.processes + HELPERS))?;
    // Swapped-out games are slower than dead ones; machines without swap have no such file. A game of several
    // processes is useless without one of them.
    for (file, value) in [("memory.swap.max", 0), ("memory.oom.group", 1)] {
        set(&folder, file, value).ok();
    }
    Ok(group)
}

fn v1(places: &Places, name: &str, limits: &Limits) -> Result<Group, String> {
    let need = |place: &Option<PathBuf>, what: &str| {
        place.clone().ok_or(format!("there is no `{what}` hierarchy of version 1"))
    };
    let mut folders = Vec::new();
    let memory = make(&need(&places.memory, "memory")?, name, &mut folders)?;
    let mut group = Group { folders, unified: None, memory: Memory::V1(memory.clone()), cpuacct: None };
    set(&memory, "memory.limit_in_bytes", limits.memory)?;
    // Only where swap is accounted.
    set(&memory, "memory.memsw.limit_in_bytes", limits.memory).ok();
    let pids = make(&need(&places.pids, "pids")?, name, &mut group.folders)?;
    set(&pids, "pids.max", u64::from(limits.processes + HELPERS))?;
    // The rest is a gain and not a need: version 2 kills at once even where it limits nothing.
    if let Some((_, own)) = &places.unified {
        group.unified = make(own, name, &mut group.folders).ok();
    }
    if let Some(cpuacct) = &places.cpuacct {
        group.cpuacct = make(cpuacct, name, &mut group.folders).ok();
    }
    Ok(group)
}

fn enabled(folder: &Path) -> bool {
    let controllers = || read(&folder.join("cgroup.subtree_control")).unwrap_or_default();
    let both =
        |text: &str| ["memory", "pids"].iter().all(|need| text.split_whitespace().any(|have| have == *need));
    both(&controllers())
        // Allowed where no process stands in that very group, and in the root group.
        || (fs::write(folder.join("cgroup.subtree_control"), "+memory +pids").is_ok() && both(&controllers()))
}

fn writable(folder: &Path) -> bool {
    OpenOptions::new().write(true).open(folder.join("cgroup.procs")).is_ok()
}

fn members(folder: &Path) -> Vec<u32> {
    read(&folder.join("cgroup.procs"))
        .unwrap_or_default()
        .lines()
        .filter_map(|line| line.parse().ok())
        .collect()
}

fn read(path: &Path) -> io::Result<String> {
    fs::read_to_string(path)
}

fn field(path: &Path, name: &str) -> Option<u64> {
    value(&read(path).ok()?, name)
}

fn value(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
    line.trim().parse().ok()
}

/// Steps this process into a sub-group of its own, so that the group which systemd delegated to it
/// (`Delegate=yes`) can hold one group per game beside it: a group with processes cannot pass controllers on.
///
/// Worth calling once, early in a service; it changes nothing where the group is shared, not ours or of version 1.
pub fn make_room() {
    let Ok(Places { unified: Some((_, own)), .. }) = Places::find() else { return };
    if !writable(&own) || members(&own) != [std::process::id()] {
        return;
    }
    let house = own.join("playhouse");
    if (house.is_dir() || fs::create_dir(&house).is_ok()) && set(&house, "cgroup.procs", 0).is_ok() {
        enabled(&own);
    }
}

/// Where this process stands in each hierarchy, as folders.
#[derive(Debug, Default, PartialEq, Eq)]
struct Places {
    /// Mount point of version 2, and the own folder in it.
    unified: Option<(PathBuf, PathBuf)>,
    memory: Option<PathBuf>,
    pids: Option<PathBuf>,
    cpuacct: Option<PathBuf>,
}

impl Places {
    fn find() -> io::Result<Self> {
        Ok(Self::parse(
            &fs::read_to_string("/proc/self/mountinfo")?,
            &fs::read_to_string("/proc/self/cgroup")?,
        ))
    }

    /// Reads `mountinfo` (proc(5)) and `cgroup` (cgroups(7)).
    fn parse(mounts: &str, own: &str) -> Self {
        let mut places = Self::default();
        for line in mounts.lines() {
            let Some((left, right)) = line.split_once(" - ") else { continue };
            let left: Vec<&str> = left.split(' ').collect();
            let right: Vec<&str> = right.split(' ').collect();
            let (Some(root), Some(point), Some(kind), Some(options)) =
                (left.get(3), left.get(4), right.first(), right.get(2))
            else {
                continue;
            };
            let folder = |controller: &str| {
                let path = own.lines().find_map(|line| {
                    let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
                    controllers.split(',').any(|name| name == controller).then_some(path)
                })?;
                // Seen from within a container, the mount may show only a part of the hierarchy.
                let inner = Path::new(path).strip_prefix(root).ok()?;
                Some(Path::new(point).join(inner))
            };
            match *kind {
                "cgroup2" => places.unified = folder("").map(|own| (PathBuf::from(point), own)),
                "cgroup" => {
                    let has = |name: &str| options.split(',').any(|option| option == name);
                    for (name, place) in [
                        ("memory", &mut places.memory),
                        ("pids", &mut places.pids),
                        ("cpuacct", &mut places.cpuacct),
                    ] {
                        if has(name) {
                            *place = folder(name);
                        }
                    }
                }
                _ => {}
            }
        }
        places
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_folders_are_found_in_both_versions() {
        let mounts = "30 24 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n\
                      31 24 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
                      32 24 0:28 /box /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n";
        let places = Places::parse(mounts, "8:pids:/box/a\n4:memory:/x/y\n0::/\n");
        assert_eq!(places.unified, Some(("/sys/fs/cgroup/unified".into(), "/sys/fs/cgroup/unified/".into())));
        assert_eq!(places.memory, Some("/sys/fs/cgroup/memory/x/y".into()));
        assert_eq!(places.pids, Some("/sys/fs/cgroup/pids/a".into()));
        assert_eq!(places.cpuacct, None);
    }

    #[test]
    fn a_counter_is_not_mistaken_for_one_with_a_longer_name() {
        let text = "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n";
        assert_eq!(value(text, "oom_kill"), Some(3));
        assert_eq!(value("anon_thp 9\nanon 5", "anon"), Some(5));
    }
}
