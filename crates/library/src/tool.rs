//! Programs that look at films, with a limit on their time, their output and their hunger.

use std::fs::File;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, prlimit, setpriority_process};
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;

/// What a program may write on its standard error before it is not listened to any more.
const COMPLAINTS: u64 = 4 << 10;

/// Address space of a program: decoding a 4K picture takes some hundred MiB.
const MEMORY: u64 = 4 << 30;

/// The lowest priority: games and viewers come first.
const NICE: i32 = 19;

/// Why a program did not say what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// It is not there, or cannot be started.
    #[error("`{program}` could not be started: {source}; it is in Debian's package ffmpeg")]
    Start {
        /// Its name.
        program: &'static str,
        /// The system's reason.
        source: std::io::Error,
    },
    /// It did not end in time.
    #[error("`{program}` did not finish within {seconds} seconds")]
    Slow {
        /// Its name.
        program: &'static str,
        /// What it had.
        seconds: u64,
    },
    /// It wrote more than there can be to say.
    #[error("`{program}` wrote more than {most} bytes")]
    Much {
        /// Its name.
        program: &'static str,
        /// What it may.
        most: u64,
    },
    /// It failed; the film is to blame.
    #[error("{complaint}")]
    Failed {
        /// What it complained about first.
        complaint: String,
    },
}

/// What a run may cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// By the clock on the wall.
    pub(crate) time: Duration,
    /// Bytes of output.
    pub(crate) output: u64,
}

/// The address at which a program finds the file that it is given: by that, no name of a file is ever taken for
/// something else, and no link is followed.
pub(crate) const INPUT: &str = "file:/dev/fd/0";

/// Runs a program over `film` and gives its standard output. It is gone when this returns, also when the caller
/// stops waiting.
pub(crate) async fn run(
    program: &'static str,
    arguments: &[&str],
    film: File,
    limits: Limits,
) -> Result<Vec<u8>, ToolError> {
    let start = |source| ToolError::Start { program, source };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::from(film))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(start)?;
    restrain(child.id(), limits.time);
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let work = async {
        let (mut output, mut complaints) = (Vec::new(), Vec::new());
        let listen = async {
            if let Some(stdout) = stdout {
                stdout.take(limits.output + 1).read_to_end(&mut output).await.map_err(start)?;
            }
            Ok(())
        };
        let hear = async {
            if let Some(mut stderr) = stderr {
                (&mut stderr).take(COMPLAINTS).read_to_end(&mut complaints).await.map_err(start)?;
                // The rest is read and dropped, so that a talkative program does not stand still.
                tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await.map_err(start)?;
            }
            Ok(())
        };
        tokio::try_join!(listen, hear)?;
        if output.len() as u64 > limits.output {
            return Err(ToolError::Much { program, most: limits.output });
        }
        Ok((child.wait().await.map_err(start)?, output, complaints))
    };
    let done = tokio::time::timeout(limits.time, work).await;
    let slow = ToolError::Slow { program, seconds: limits.time.as_secs() };
    match done.unwrap_or(Err(slow)) {
        Ok((status, output, _)) if status.success() => Ok(output),
        Ok((status, _, complaints)) => {
            Err(ToolError::Failed { complaint: first_words(&complaints, &status.to_string()) })
        }
        Err(error) => {
            // It has nothing more to say; waiting for it reaps it.
            child.kill().await.ok();
            Err(error)
        }
    }
}

/// Makes a program yield to everything else, and end should nobody be left to end it.
fn restrain(pid: Option<u32>, time: Duration) {
    let Some(pid) = pid.and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw) else { return };
    let limit = |most| Rlimit { current: Some(most), maximum: Some(most) };
    // A program that ended already needs no limits.
    setpriority_process(Some(pid), NICE).ok();
    prlimit(Some(pid), Resource::As, limit(MEMORY)).ok();
    prlimit(Some(pid), Resource::Cpu, limit(time.as_secs().max(1) * 4)).ok();
    prlimit(Some(pid), Resource::Core, limit(0)).ok();
}

/// The first line of what a program complained about, which is the closest to the cause, without the addresses in it.
pub(crate) fn first_words(complaints: &[u8], status: &str) -> String {
    let text = String::from_utf8_lossy(complaints);
    let first = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let first = first.strip_prefix(INPUT).map_or(first, |rest| rest.trim_start_matches([':', ' ']));
    let first =
        if first.starts_with('[') { first.split_once("] ").map_or(first, |(_, rest)| rest) } else { first };
    if first.is_empty() {
        status.to_owned()
    } else {
        first.chars().filter(|c| !c.is_control()).take(300).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(millis: u64, output: u64) -> Limits {
        Limits { time: Duration::from_millis(millis), output }
    }

    async fn sh(script: &str, limits: Limits) -> Result<Vec<u8>, ToolError> {
        run("sh", &["-c", script], File::open("/dev/null").unwrap(), limits).await
    }

    #[tokio::test]
    async fn a_program_that_hangs_is_ended() {
        let error = sh("echo $$ > /dev/null; sleep 1000", limits(50, 10)).await.unwrap_err();
        assert!(matches!(error, ToolError::Slow { .. }), "{error}");
    }

    #[tokio::test]
    async fn a_program_that_babbles_is_ended() {
        let error = sh("while :; do echo much; done", limits(60_000, 1_000)).await.unwrap_err();
        assert!(matches!(error, ToolError::Much { .. }), "{error}");
    }

    #[tokio::test]
    async fn a_program_that_complains_much_still_answers() {
        let script = "i=0; while [ $i -lt 20000 ]; do echo complaint >&2; i=$((i+1)); done; echo done";
        assert_eq!(sh(script, limits(60_000, 1_000)).await.unwrap(), b"done\n");
    }

    #[tokio::test]
    async fn a_program_yields_to_everything_else() {
        let script = "sleep 0.2; nice; ulimit -c";
        let said = String::from_utf8(sh(script, limits(60_000, 1_000)).await.unwrap()).unwrap();
        assert_eq!(said.split_whitespace().collect::<Vec<_>>(), ["19", "0"]);
    }

    #[tokio::test]
    async fn what_a_program_complains_about_is_passed_on() {
        let error =
            sh("echo '[mov @ 0x55] moov atom not found' >&2; echo Invalid >&2; exit 1", limits(60_000, 10))
                .await
                .unwrap_err();
        assert_eq!(error.to_string(), "moov atom not found");
        assert_eq!(first_words(b"file:/dev/fd/0: Invalid data\n", "x"), "Invalid data");
        assert_eq!(first_words(b"\n", "exit status: 1"), "exit status: 1");
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_named() {
        let error =
            run("playhouse-no-such", &[], File::open("/dev/null").unwrap(), limits(9, 9)).await.unwrap_err();
        assert!(error.to_string().contains("`playhouse-no-such`"), "{error}");
    }
}
