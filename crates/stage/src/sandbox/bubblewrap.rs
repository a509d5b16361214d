//! The command line for bubblewrap: what a game sees of the machine.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Seek, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use playhouse_play::control::GameSpec;
use rustix::fs::MemfdFlags;

use super::{Access, Error, HOME, Limits, Mount, RUNTIME, TITLE};

/// Where programs are looked for, inside as outside: the same folders are visible in both.
const SEARCH: [&str; 6] =
    ["/usr/local/bin", "/usr/bin", "/bin", "/usr/local/games", "/usr/games", "/usr/lib/games"];

/// User and group of a game inside; a plain one, whoever runs Playhouse.
const USER: &str = "1000";

/// What of `/etc` a game may read: how to find libraries, fonts, sounds and drivers; no names, no secrets.
const ETC: [&str; 18] = [
    "alternatives",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "fonts",
    "alsa",
    "pulse",
    "openal",
    "timidity",
    "games",
    "xdg",
    "gtk-2.0",
    "gtk-3.0",
    "mime.types",
    "drirc",
    "glvnd",
    "vulkan",
    "localtime",
];

/// What of `/etc` it takes to use the network.
const ETC_NETWORK: [&str; 8] = [
    "resolv.conf",
    "hosts",
    "gai.conf",
    "services",
    "protocols",
    "ssl",
    "ca-certificates",
    "ca-certificates.conf",
];

/// Folders outside `/usr` in which packages keep data of games.
const DATA: [&str; 3] = ["/var/games", "/var/lib/games", "/var/cache/fontconfig"];

/// Arguments for bubblewrap and the files that it reads from inherited descriptors.
#[derive(Debug, Default)]
pub(super) struct Line {
    pub(super) args: Vec<OsString>,
    pub(super) files: Vec<OwnedFd>,
}

impl Line {
    fn add<const N: usize>(&mut self, args: [&dyn AsRef<OsStr>; N]) {
        self.args.extend(args.iter().map(|arg| arg.as_ref().to_owned()));
    }

    /// A small read-only file that exists only inside.
    fn file(&mut self, text: &str, inside: &str) -> io::Result<()> {
        let mut file = File::from(rustix::fs::memfd_create("playhouse", MemfdFlags::CLOEXEC)?);
        file.write_all(text.as_bytes())?;
        file.rewind()?;
        self.add([&"--ro-bind-data", &file.as_raw_fd().to_string(), &inside]);
        self.files.push(file.into());
        Ok(())
    }

    /// Passes a descriptor on under an option that takes one.
    pub(super) fn descriptor(&mut self, option: &str, file: OwnedFd) {
        self.add([&option, &file.as_raw_fd().to_string()]);
        self.files.push(file);
    }
}

/// Where bubblewrap is, if it is installed.
pub(super) fn find() -> Result<PathBuf, Error> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(SEARCH.iter().map(PathBuf::from))
        .map(|folder| folder.join("bwrap"))
        .find(|program| program.is_file())
        .ok_or(Error::NoBubblewrap)
}

/// The program of a game as seen inside, or why there is none.
///
/// `./name` is a file of the title's own folder; a bare name is looked for on the path; the rest is taken as it is.
pub(super) fn program(game: &GameSpec) -> Result<PathBuf, Error> {
    let name = game.command.first().ok_or(Error::NoCommand { title: game.title.clone() })?;
    let missing = || Error::NotInstalled { title: game.title.clone(), program: name.clone() };
    if let Some(own) = name.strip_prefix("./").or(name.strip_prefix("/title/")) {
        let files = game.files.as_ref().ok_or_else(missing)?;
        return if files.join(own).is_file() { Ok(Path::new(TITLE).join(own)) } else { Err(missing()) };
    }
    if name.starts_with('/') {
        return if Path::new(name).exists() { Ok(name.into()) } else { Err(missing()) };
    }
    SEARCH.iter().map(|folder| Path::new(folder).join(name)).find(|path| path.is_file()).ok_or_else(missing)
}

/// The whole command line, up to and with the game's own.
pub(super) fn line(
    game: &GameSpec,
    limits: &Limits,
    mounts: &[Mount],
    env: &[(String, String)],
) -> Result<Line, Error> {
    let program = program(game)?;
    let mut line = Line::default();
    isolation(&mut line, game.network);
    system(&mut line, game.network).map_err(|source| Error::Start { title: game.title.clone(), source })?;
    let room = (limits.memory / 2).to_string();
    for (folder, mode) in [("/tmp", "1777"), ("/dev/shm", "1777"), (RUNTIME, "0700")] {
        line.add([&"--perms", &mode, &"--size", &room, &"--tmpfs", &folder]);
    }
    line.add([&"--bind", &game.home, &HOME]);
    if let Some(files) = &game.files {
        line.add([&"--ro-bind", files, &TITLE]);
    }
    for mount in mounts {
        let option = match mount.access {
            Access::Read => "--ro-bind",
            Access::Write => "--bind",
            Access::Device => "--dev-bind",
        };
        line.add([&option, &mount.outside, &mount.inside]);
    }
    environment(&mut line, env);
    // What holds all these mounts is itself a file system in memory.
    line.add([&"--remount-ro", &"/"]);
    line.add([&"--chdir", &HOME, &"--", &program]);
    line.args.extend(game.command.iter().skip(1).map(OsString::from));
    Ok(line)
}

fn isolation(line: &mut Line, network: bool) {
    line.add([
        &"--unshare-user",
        &"--unshare-pid",
        &"--unshare-ipc",
        &"--unshare-uts",
        &"--unshare-cgroup-try",
    ]);
    if !network {
        line.add([&"--unshare-net"]);
    }
    // No user namespaces inside: they are the door to most of the kernel's privileged code.
    line.add([&"--disable-userns", &"--uid", &USER, &"--gid", &USER, &"--hostname", &"playhouse"]);
    line.add([&"--die-with-parent", &"--new-session", &"--clearenv"]);
}

fn system(line: &mut Line, network: bool) -> io::Result<()> {
    line.add([&"--ro-bind", &"/usr", &"/usr"]);
    for name in ["bin", "sbin", "lib", "lib32", "lib64", "libx32"] {
        let outside = Path::new("/").join(name);
        // Merged systems have links into `/usr`, older ones folders.
        match fs::read_link(&outside) {
            Ok(target) => line.add([&"--symlink", &target, &outside]),
            Err(_) => line.add([&"--ro-bind-try", &outside, &outside]),
        }
    }
    let network = if network { &ETC_NETWORK[..] } else { &[] };
    for path in ETC.iter().chain(network).map(|name| Path::new("/etc").join(name)) {
        line.add([&"--ro-bind-try", &path, &path]);
    }
    for path in DATA {
        line.add([&"--ro-bind-try", &path, &path]);
    }
    line.file("player:x:1000:1000:Player:/home/player:/bin/sh\n", "/etc/passwd")?;
    line.file("player:x:1000:\n", "/etc/group")?;
    line.file("passwd: files\ngroup: files\nhosts: files dns\n", "/etc/nsswitch.conf")?;
    line.add([&"--proc", &"/proc", &"--dev", &"/dev"]);
    cover_kernel(line);
    graphics(line);
    Ok(())
}

/// Makes the kernel's own part of `/proc` read-only. The kernel lets the owner of those files write them whatever
/// the namespace, and where root runs Playhouse that owner is the game: `core_pattern` alone would give it the
/// machine. bubblewrap covers only folders that are themselves writable.
fn cover_kernel(line: &mut Line) {
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let path = entry.path();
        let process = entry.file_name().as_encoded_bytes().iter().all(u8::is_ascii_digit);
        let Ok(data) = fs::symlink_metadata(&path) else { continue };
        if !process && (data.is_dir() || data.is_file() && data.mode() & 0o222 != 0) {
            line.add([&"--ro-bind-try", &path, &path]);
        }
    }
}

/// A graphics card, where there is one, with what drivers read about it.
fn graphics(line: &mut Line) {
    if Path::new("/dev/dri").is_dir() {
        line.add([&"--dev-bind", &"/dev/dri", &"/dev/dri"]);
        for path in ["/sys/dev/char", "/sys/devices", "/sys/class/drm", "/sys/bus/pci"] {
            line.add([&"--ro-bind-try", &path, &path]);
        }
    }
    for entry in fs::read_dir("/dev").into_iter().flatten().flatten() {
        if entry.file_name().as_encoded_bytes().starts_with(b"nvidia") && !entry.path().is_dir() {
            line.add([&"--dev-bind-try", &entry.path(), &entry.path()]);
        }
    }
}

fn environment(line: &mut Line, env: &[(String, String)]) {
    let own = [
        ("HOME", HOME.to_owned()),
        ("USER", "player".to_owned()),
        ("LOGNAME", "player".to_owned()),
        ("SHELL", "/bin/sh".to_owned()),
        ("LANG", "C.UTF-8".to_owned()),
        ("PATH", SEARCH.join(":")),
        ("XDG_RUNTIME_DIR", RUNTIME.to_owned()),
    ];
    let given = env.iter().map(|(name, value)| (name.as_str(), value.clone()));
    for (name, value) in own.into_iter().chain(given) {
        line.add([&"--setenv", &name, &value]);
    }
}
