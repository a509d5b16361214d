//! Starting bubblewrap: the steps between fork and exec.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::io::FdFlags;
use rustix::process::{Resource, Rlimit, setrlimit};

use super::bubblewrap::Line;

/// Largest file that a game may write: a save, a replay or a screenshot is far below, a full disk is above.
const FILE_BYTES: u64 = 4 << 30;

/// Descriptors per process: what Debian gives a login, and what Wine-like hosts ask for.
const DESCRIPTORS: Rlimit = Rlimit { current: Some(4096), maximum: Some(65536) };

/// Where the kernel looks first when the machine itself runs out of memory: at games, before Playhouse.
const OUT_OF_MEMORY_SCORE: &[u8] = b"500";

/// Starts `program` (bubblewrap) with `line`; it enters the groups behind `entrances` before anything else.
///
/// The kernel ties `--die-with-parent` to the calling *thread*, which has to live as long as the game.
pub(super) fn spawn(program: &Path, line: &Line, output: OwnedFd, entrances: &[File]) -> io::Result<Child> {
    let passed: Vec<RawFd> = line.files.iter().map(AsRawFd::as_raw_fd).collect();
    let entrances: Vec<RawFd> = entrances.iter().map(AsRawFd::as_raw_fd).collect();
    let mut command = Command::new(program);
    command
        .args(&line.args)
        .env_clear()
        .current_dir("/")
        // Its own process group: Ctrl-C in Playhouse's terminal is no order to the game.
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output);
    #[expect(unsafe_code, reason = "only `pre_exec` runs code between fork and exec")]
    // SAFETY: the closure runs in the child of a process with threads, so it must be async-signal-safe: it makes
    // system calls on descriptors that the parent keeps open across `spawn`, and allocates nothing.
    unsafe {
        command.pre_exec(move || prepare(&passed, &entrances));
    }
    command.spawn()
}

/// Runs between fork and exec; see the safety argument above.
fn prepare(passed: &[RawFd], entrances: &[RawFd]) -> io::Result<()> {
    for entrance in entrances {
        rustix::io::write(borrow(*entrance), b"0")?;
    }
    close_on_exec()?;
    for fd in passed {
        rustix::io::fcntl_setfd(borrow(*fd), FdFlags::empty())?;
    }
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let file = Rlimit { current: Some(FILE_BYTES), maximum: Some(FILE_BYTES) };
    setrlimit(Resource::Core, none)?;
    setrlimit(Resource::Fsize, file)?;
    // Fails where the own hard limit is lower, which then stays.
    setrlimit(Resource::Nofile, DESCRIPTORS).ok();
    if let Ok(score) =
        rustix::fs::open(c"/proc/self/oom_score_adj", rustix::fs::OFlags::WRONLY, rustix::fs::Mode::empty())
    {
        rustix::io::write(&score, OUT_OF_MEMORY_SCORE).ok();
    }
    Ok(())
}

/// Libraries written in C may hold descriptors that an exec would pass on: none of them reaches the game.
fn close_on_exec() -> io::Result<()> {
    const FROM: libc::c_uint = 3;
    #[expect(unsafe_code, reason = "no safe binding of close_range(2)")]
    // SAFETY: only sets a flag on descriptors of this process, which is about to exec.
    let done = unsafe { libc::close_range(FROM, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC.cast_signed()) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn borrow<'a>(fd: RawFd) -> BorrowedFd<'a> {
    #[expect(unsafe_code, reason = "a number is all that a closure between fork and exec can hold of it")]
    // SAFETY: `spawn` borrows the owners of all these descriptors until after the exec.
    unsafe {
        BorrowedFd::borrow_raw(fd)
    }
}
