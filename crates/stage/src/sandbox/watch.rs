//! The thread that starts a game, reads what it prints, holds its limits and sees it to its end.

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, ExitStatus};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec};
use rustix::process::{Pid, PidfdFlags, Resource, Rlimit, Signal, pidfd_open};

use super::bubblewrap::Line;
use super::group::Group;
use super::status::told;
use super::words::Words;
use super::{Exit, Limits, spawn, tree};

/// How long a game has to save and end after it was asked to.
pub(super) const GRACE: Duration = Duration::from_secs(3);

/// What the end of a killed game may take beyond that, on a loaded machine.
pub(super) const MARGIN: Duration = Duration::from_secs(3);

/// When the first process is asked, after its children: with it ends everything, so that a shell which dies before
/// the game that it waits for would take it away unsaved.
const FIRST_AFTER: Duration = Duration::from_secs(1);

/// How often a game without a control group is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How long bubblewrap may take to name the game's first process.
const NAMED_WITHIN: Duration = Duration::from_secs(10);

/// How long the kernel may take to end a PID namespace.
const GONE_WITHIN: Timespec = Timespec { tv_sec: 2, tv_nsec: 0 };

/// How long bubblewrap may take for that when it is to be killed; it does so in its first milliseconds.
const LEARNED_WITHIN: Duration = Duration::from_secs(1);

/// A wait that is looked at again.
const SHORT: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };

/// Most bytes read at the end from an output that somebody outside still holds.
const LAST_READ: usize = 256 * 1024;

/// What to start.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) bwrap: PathBuf,
    pub(super) line: Line,
    pub(super) group: Option<Group>,
    pub(super) limits: Limits,
    pub(super) time: Option<Duration>,
}

/// What is wished of a running game; a later one is graver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wish {
    #[default]
    Run,
    End,
    Kill,
}

/// What a game used.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Usage {
    pub(super) cpu_seconds: f64,
    pub(super) bytes: u64,
}

/// What the thread and the owner of a game both know.
#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    wake: OwnedFd,
}

#[derive(Debug, Default)]
struct State {
    words: Words,
    wish: Wish,
    exit: Option<Exit>,
    group: Option<Group>,
    /// The first process of the game's PID namespace.
    root: Option<u32>,
    usage: Usage,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that holds the lock can leave the state half written.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn exit(&self) -> Option<Exit> {
        self.lock().exit.clone()
    }

    pub(super) fn wait(&self, limit: Duration) -> Option<Exit> {
        let over = |state: &mut State| state.exit.is_none();
        let waited = self.changed.wait_timeout_while(self.lock(), limit, over);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.exit.clone()
    }

    pub(super) fn last_words(&self, limit: usize) -> String {
        self.lock().words.last(limit)
    }

    pub(super) fn ask(&self, wish: Wish) {
        let mut state = self.lock();
        state.wish = state.wish.max(wish);
        drop(state);
        // Fails only where the counter is full, and then the thread is about to wake up.
        rustix::io::write(&self.wake, &1_u64.to_ne_bytes()).ok();
    }

    pub(super) fn usage(&self) -> Usage {
        let mut state = self.lock();
        state.measure();
        state.usage
    }
}

impl State {
    /// Brings the usage up to date; it keeps its last value once the game is gone.
    fn measure(&mut self) {
        let (cpu_seconds, bytes) = match (&self.group, self.root) {
            (Some(group), _) => (group.cpu_seconds(), group.bytes()),
            (None, Some(root)) => {
                let sum = tree::sum(root);
                (Some(sum.cpu_seconds), Some(sum.bytes))
            }
            (None, None) => (None, None),
        };
        self.usage.cpu_seconds = self.usage.cpu_seconds.max(cpu_seconds.unwrap_or(0.0));
        self.usage.bytes = bytes.unwrap_or(0);
    }
}

/// Starts the game; returns when bubblewrap runs.
pub(super) fn start(order: Order) -> io::Result<(Arc<Shared>, JoinHandle<()>)> {
    let wake = rustix::event::eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
    let shared = Arc::new(Shared { state: Mutex::default(), changed: Condvar::new(), wake });
    let (started, answer) = sync_channel(1);
    let own = Arc::clone(&shared);
    let thread =
        std::thread::Builder::new().name("game".to_owned()).spawn(move || run(&own, order, &started))?;
    match answer.recv() {
        Ok(Ok(())) => Ok((shared, thread)),
        Ok(Err(error)) => Err(error),
        Err(_) => Err(io::Error::other("the thread of the game ended at once")),
    }
}

/// The thread's whole life, which is that of the game.
fn run(shared: &Shared, order: Order, started: &SyncSender<io::Result<()>>) {
    let mut watch = match Watch::begin(shared, order) {
        Ok(watch) => watch,
        Err(error) => {
            started.send(Err(error)).ok();
            return;
        }
    };
    started.send(Ok(())).ok();
    if let Err(error) = watch.follow() {
        tracing::error!(%error, "a game cannot be watched any longer and is ended");
    }
    watch.finish();
}

/// The thread's own view of the game.
struct Watch<'a> {
    shared: &'a Shared,
    child: Child,
    pidfd: OwnedFd,
    /// The first process of the game's PID namespace, held so that its number cannot come to mean another.
    root: Option<OwnedFd>,
    output: PipeReader,
    status: PipeReader,
    /// What bubblewrap said on its status pipe so far.
    said: String,
    /// Holds a game without a control group until its limits are set.
    gate: Option<PipeWriter>,
    limits: Limits,
    begin: Instant,
    time: Option<Duration>,
    /// When the game was asked to end, and whether its first process was asked too.
    asked: Option<(Instant, bool)>,
    /// Why we killed it, if we did.
    verdict: Option<Exit>,
}

impl<'a> Watch<'a> {
    fn begin(shared: &'a Shared, order: Order) -> io::Result<Self> {
        let Order { bwrap, mut line, group, limits, time } = order;
        let (output, output_end) = io::pipe()?;
        let (status, status_end) = io::pipe()?;
        rustix::io::ioctl_fionbio(&output, true)?;
        rustix::io::ioctl_fionbio(&status, true)?;
        let mut options = Line::default();
        options.descriptor("--json-status-fd", status_end.into());
        let mut gate = None;
        if group.is_none() {
            let (gate_end, writer) = io::pipe()?;
            options.descriptor("--block-fd", gate_end.into());
            gate = Some(writer);
        }
        options.args.append(&mut line.args);
        options.files.append(&mut line.files);
        let entrances = group.as_ref().map(Group::entrances).transpose()?.unwrap_or_default();
        let child = spawn::spawn(&bwrap, &options, output_end.into(), &entrances)?;
        let pid = pid(child.id()).ok_or(io::ErrorKind::InvalidData)?;
        let pidfd = pidfd_open(pid, PidfdFlags::empty())?;
        shared.lock().group = group;
        Ok(Self {
            shared,
            child,
            pidfd,
            root: None,
            output,
            status,
            said: String::new(),
            gate,
            limits,
            begin: Instant::now(),
            time,
            asked: None,
            verdict: None,
        })
    }

    /// Until bubblewrap has ended.
    fn follow(&mut self) -> io::Result<()> {
        loop {
            let ended = self.pause()?;
            self.read_output(LAST_READ);
            self.read_status();
            if ended {
                return Ok(());
            }
            self.open_gate();
            self.hold_limits();
            self.carry_out_wish();
        }
    }

    /// Sleeps until something happens; true if that is the end.
    fn pause(&self) -> io::Result<bool> {
        let timeout = self.next_look().map(|wait| Timespec {
            tv_sec: i64::try_from(wait.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(wait.subsec_nanos()),
        });
        let mut fds = [
            PollFd::new(&self.pidfd, PollFlags::IN),
            PollFd::new(&self.output, PollFlags::IN),
            PollFd::new(&self.status, PollFlags::IN),
            PollFd::new(&self.shared.wake, PollFlags::IN),
        ];
        // A pipe whose writers are gone would wake us for ever; the end of the process tells the same.
        let (output, status) = (closed(&self.output), closed(&self.status));
        if output {
            fds[1] = PollFd::new(&self.shared.wake, PollFlags::IN);
        }
        if status {
            fds[2] = PollFd::new(&self.shared.wake, PollFlags::IN);
        }
        match rustix::event::poll(&mut fds, timeout.as_ref()) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        let ended = !fds[0].revents().is_empty();
        let mut count = [0; 8];
        rustix::io::read(&self.shared.wake, &mut count).ok();
        Ok(ended)
    }

    /// When there is something to do although nothing happened.
    fn next_look(&self) -> Option<Duration> {
        let now = Instant::now();
        let time = self.time.map(|time| (self.begin + time).saturating_duration_since(now));
        let asked = self.asked.map(|(since, first)| {
            let until = if first { GRACE } else { FIRST_AFTER };
            (since + until).saturating_duration_since(now)
        });
        let look = self.shared.lock().group.is_none().then_some(LOOK_EVERY);
        [time, asked, look].into_iter().flatten().min()
    }

    fn read_output(&mut self, most: usize) {
        let mut buffer = [0; 8192];
        let mut total = 0;
        while total < most {
            match self.output.read(&mut buffer) {
                Ok(0) | Err(_) => return,
                Ok(count) => {
                    total += count;
                    self.shared.lock().words.push(&buffer[..count]);
                }
            }
        }
    }

    fn read_status(&mut self) {
        let mut buffer = [0; 1024];
        while let Ok(count @ 1..) = self.status.read(&mut buffer) {
            self.said.push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
        let mut state = self.shared.lock();
        if state.root.is_none() {
            state.root = told(&self.said, "child-pid").and_then(|pid| u32::try_from(pid).ok());
            self.root = state.root.and_then(pid).and_then(|root| pidfd_open(root, PidfdFlags::empty()).ok());
        }
    }

    /// Sets the limits of a game without a control group, then lets it begin.
    fn open_gate(&mut self) {
        let Some(root) = self.shared.lock().root.and_then(pid) else {
            if self.gate.is_some() && self.begin.elapsed() > NAMED_WITHIN {
                self.kill(Exit::NotStarted("bubblewrap did not answer".to_owned()));
            }
            return;
        };
        let Some(mut gate) = self.gate.take() else { return };
        let processes = u64::from(self.limits.processes);
        for (resource, most) in [(Resource::Nproc, processes), (Resource::Data, self.limits.memory)] {
            let limit = Rlimit { current: Some(most), maximum: Some(most) };
            if let Err(error) = rustix::process::prlimit(Some(root), resource, limit) {
                tracing::warn!(%error, ?resource, "a limit could not be set; it is watched instead");
            }
        }
        if let Err(error) = gate.write_all(b"1") {
            tracing::warn!(%error, "bubblewrap ended before its game began");
        }
    }

    fn hold_limits(&mut self) {
        if self.time.is_some_and(|time| self.begin.elapsed() >= time) {
            self.kill(Exit::Time);
        }
        let state = self.shared.lock();
        let (None, Some(root)) = (&state.group, state.root) else { return };
        drop(state);
        let sum = tree::sum(root);
        let verdict = if sum.bytes > self.limits.memory {
            Exit::Memory(self.limits.memory >> 20)
        } else if sum.threads > u64::from(self.limits.processes) + 2 {
            Exit::Processes(self.limits.processes)
        } else {
            return;
        };
        self.kill(verdict);
    }

    fn carry_out_wish(&mut self) {
        let wish = self.shared.lock().wish;
        match (wish, self.asked) {
            (Wish::Run, _) => {}
            (Wish::Kill, _) => self.kill(Exit::Signal(libc::SIGKILL)),
            (Wish::End, None) => {
                self.terminate(|member| !member.first || member.leaf);
                self.asked = Some((Instant::now(), false));
            }
            (Wish::End, Some((since, first))) => {
                if since.elapsed() >= GRACE {
                    self.kill(Exit::Signal(libc::SIGKILL));
                } else if since.elapsed() >= FIRST_AFTER && !first {
                    self.terminate(|_| true);
                    self.asked = Some((since, true));
                }
            }
        }
    }

    /// Asks the game's processes to end; bubblewrap's own would take the others with them at once.
    fn terminate(&self, which: impl Fn(&tree::Member) -> bool) {
        let Some(root) = self.shared.lock().root else {
            return;
        };
        for member in tree::below(root).iter().filter(|member| which(member)) {
            if let Some(pid) = pid(member.pid) {
                rustix::process::kill_process(pid, Signal::TERM).ok();
            }
        }
    }

    /// Ends everything now; the first reason given is the one that counts.
    fn kill(&mut self, verdict: Exit) {
        self.verdict.get_or_insert(verdict);
        if let Some(group) = &self.shared.lock().group {
            group.kill();
        }
        self.learn_root();
        // Both, since bubblewrap may not have set up what ties the second to the first.
        for pidfd in self.root.iter().chain([&self.pidfd]) {
            rustix::process::pidfd_send_signal(pidfd, Signal::KILL).ok();
        }
    }

    /// Waits until bubblewrap has named the game's first process, or has ended: one that is killed before leaves that
    /// process waiting for it for ever.
    fn learn_root(&mut self) {
        let deadline = Instant::now() + LEARNED_WITHIN;
        while self.root.is_none() && Instant::now() < deadline {
            let mut fds = [PollFd::new(&self.status, PollFlags::IN), PollFd::new(&self.pidfd, PollFlags::IN)];
            rustix::event::poll(&mut fds, Some(&SHORT)).ok();
            let ended = !fds[1].revents().is_empty();
            self.read_status();
            if ended {
                return;
            }
        }
    }

    /// Waits for bubblewrap, removes what is left, and says how it ended.
    fn finish(&mut self) {
        let failed = self.kill_unless_ended();
        let status = self.child.wait();
        self.read_status();
        if let Some(root) = &self.root {
            gone(root);
        }
        self.read_output(LAST_READ);
        let mut state = self.shared.lock();
        state.measure();
        state.usage.bytes = 0;
        let out_of_memory = state.group.as_ref().is_some_and(Group::ran_out_of_memory);
        let group = state.group.take();
        drop(state);
        drop(group);
        let exit = match (self.verdict.take(), status) {
            (Some(verdict), _) => verdict,
            (None, _) if out_of_memory => Exit::Memory(self.limits.memory >> 20),
            (None, Ok(status)) => self.exit(status),
            (None, Err(error)) => Exit::NotStarted(error.to_string()),
        };
        if failed {
            tracing::debug!("the game was ended because its watch failed");
        }
        let mut state = self.shared.lock();
        state.root = None;
        state.exit = Some(exit);
        drop(state);
        self.shared.changed.notify_all();
    }

    /// True if the game still ran.
    fn kill_unless_ended(&mut self) -> bool {
        let runs = matches!(self.child.try_wait(), Ok(None));
        if runs {
            self.kill(Exit::Signal(libc::SIGKILL));
        }
        runs
    }

    /// bubblewrap ends with the game's own code, or with 128 and the signal's number, and says on its status pipe
    /// whether the game began at all.
    fn exit(&self, status: ExitStatus) -> Exit {
        /// Signals have numbers up to 64 (signal(7)).
        const LAST_SIGNAL: i64 = 64;
        match told(&self.said, "exit-code") {
            Some(code @ 129..) if code - 128 <= LAST_SIGNAL => Exit::Signal(clamp(code - 128)),
            Some(code) => Exit::Code(clamp(code)),
            None => match status.signal() {
                Some(signal) => Exit::Signal(signal),
                None => Exit::NotStarted(self.shared.last_words(256)),
            },
        }
    }
}

fn clamp(code: i64) -> i32 {
    i32::try_from(code).unwrap_or(i32::MAX)
}

fn pid(raw: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(raw).ok()?)
}

/// Whether no writer is left and nothing is to be read.
fn closed(pipe: impl AsFd) -> bool {
    let mut fds = [PollFd::new(&pipe, PollFlags::IN)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    rustix::event::poll(&mut fds, Some(&now)).is_ok() && fds[0].revents() == PollFlags::HUP
}

/// Waits until the first process of a PID namespace is gone, and with it everything in there: the kernel ends a
/// namespace's first process last. bubblewrap itself ends before it.
fn gone(root: &OwnedFd) {
    // Its parent is gone; where that did not end it yet, this does.
    rustix::process::pidfd_send_signal(root, Signal::KILL).ok();
    let mut fds = [PollFd::new(root, PollFlags::IN)];
    rustix::event::poll(&mut fds, Some(&GONE_WITHIN)).ok();
}
