//! A started program that ends with the value that stands for it, its own children included.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus};
use std::time::{Duration, Instant};

use rustix::process::{
    Pid, Signal, kill_process, kill_process_group, set_parent_process_death_signal, test_kill_process_group,
};

/// How long a program has to end by itself before it is killed.
const PATIENCE: Duration = Duration::from_secs(4);
/// How often it is looked at meanwhile.
const GLANCE: Duration = Duration::from_millis(10);

/// A program in a process group of its own; dropping it ends the group.
#[derive(Debug)]
pub struct Program {
    child: Child,
    name: String,
}

impl Program {
    /// Starts `command`. It ends as well when the thread that started it does, so that an interrupted benchmark
    /// leaves nothing behind: start long-lived programs from the main thread.
    ///
    /// # Errors
    /// Whatever the system says, with the program's name before it.
    pub fn start(command: &mut Command) -> io::Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        command.process_group(0);
        #[expect(unsafe_code, reason = "what happens between fork and exec can only be said so")]
        // SAFETY: the closure makes one system call, allocates nothing and takes no lock.
        unsafe {
            command.pre_exec(|| Ok(set_parent_process_death_signal(Some(Signal::TERM))?));
        }
        let child =
            command.spawn().map_err(|e| io::Error::new(e.kind(), format!("cannot start `{name}`: {e}")))?;
        Ok(Self { child, name })
    }

    /// Number of the process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its standard input, where that was piped and not taken yet.
    pub fn stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// Its standard output, where that was piped and not taken yet.
    pub fn stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// Its standard error, where that was piped and not taken yet.
    pub fn stderr(&mut self) -> Option<ChildStderr> {
        self.child.stderr.take()
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// Whatever the system says.
    pub fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Asks the program alone to end and waits until it and its group are gone; what is left after some seconds
    /// is killed. Gives whether nothing had to be killed.
    pub fn stop(&mut self) -> bool {
        self.stop_within(PATIENCE)
    }

    /// As [`Self::stop`], with so long to end by itself.
    pub fn stop_within(&mut self, patience: Duration) -> bool {
        let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) else { return true };
        if matches!(self.child.try_wait(), Ok(None)) {
            // A group that is gone already is what is wanted.
            kill_process(group, Signal::TERM).unwrap_or(());
        }
        let end = Instant::now() + patience;
        loop {
            let ended = !matches!(self.child.try_wait(), Ok(None));
            if ended && test_kill_process_group(group).is_err() {
                return true;
            }
            if Instant::now() > end {
                break;
            }
            if ended {
                kill_process_group(group, Signal::TERM).unwrap_or(());
            }
            std::thread::sleep(GLANCE);
        }
        kill_process_group(group, Signal::KILL).unwrap_or(());
        drop(self.child.wait());
        false
    }

    /// The name it was started by.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.stop();
    }
}
