//! One session process: its socket, its pending questions, its end.

use std::collections::{HashMap, VecDeque};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use playhouse_live::Publisher;
use playhouse_play::control::{Ask, EndReason, Ended, MAX_LINE, Tell};
use playhouse_server::node::{Event, Happening, NodeError};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::{ChildStderr, Command};
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use super::air::{self, Antenna};

/// Messages on their way to a process; it reads them at once, so that a full queue means it hangs.
const ASKS: usize = 64;

/// Questions without an answer at once: more means that the process hangs.
const PENDING: usize = 64;

/// Lines of a process's own log kept for the message that it died.
const LOG_LINES: usize = 20;

/// Longest line of a process's log that is kept in one piece.
const LOG_LINE: u64 = 4096;

/// A process that closed its socket is given so long to end before it is killed.
const REAP_WITHIN: Duration = Duration::from_secs(8);

type Pending = Mutex<HashMap<u64, oneshot::Sender<Tell>>>;

/// A session process.
pub(super) struct Child {
    asks: mpsc::Sender<Ask>,
    pending: Arc<Pending>,
    next: AtomicU64,
    gone: watch::Receiver<bool>,
    antenna: Arc<Antenna>,
}

/// A socket that the process is given the other end of.
fn socket() -> std::io::Result<(UnixStream, OwnedFd)> {
    let (ours, theirs) = StdUnixStream::pair()?;
    ours.set_nonblocking(true)?;
    Ok((UnixStream::from_std(ours)?, OwnedFd::from(theirs)))
}

impl Child {
    /// Starts a process; `on_end` is called once, when it is gone.
    pub(super) fn spawn(
        program: &Path,
        id: &str,
        events: broadcast::Sender<Event>,
        on_end: impl FnOnce() + Send + 'static,
    ) -> Result<Arc<Self>, NodeError> {
        let failed = |what: &str, error: std::io::Error| NodeError::Process(format!("{what}: {error}"));
        let (ours, theirs) = socket().map_err(|e| failed("no socket pair", e))?;
        // Its standard output is what it sends while it is on the air; it prints nothing there.
        let (heard, sent) = socket().map_err(|e| failed("no socket pair", e))?;
        let mut process = Command::new(program)
            .arg("session")
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::from(sent))
            .stderr(Stdio::piped())
            // A Ctrl-C at the server's terminal is the server's to handle: it ends sessions in order.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|e| failed("it could not be started", e))?;
        let stderr = process.stderr.take();
        let (read, write) = ours.into_split();
        let (asks, asked) = mpsc::channel(ASKS);
        let (gone_sender, gone) = watch::channel(false);
        let pending = Arc::<Pending>::default();
        tokio::spawn(write_asks(write, asked));
        let antenna = Arc::<Antenna>::default();
        tokio::spawn(air::receive(heard, id.to_owned(), Arc::clone(&antenna), asks.downgrade()));
        let (id, answers) = (id.to_owned(), Arc::clone(&pending));
        tokio::spawn(async move {
            let log = tokio::spawn(read_log(stderr, id.clone()));
            let told = read_tells(read, &id, &events, &answers).await;
            let status = if let Ok(status) = tokio::time::timeout(REAP_WITHIN, process.wait()).await {
                status.map_or_else(|error| error.to_string(), |status| status.to_string())
            } else {
                process.kill().await.ok();
                "it hung and was killed".to_owned()
            };
            let log = log.await.unwrap_or_default();
            answers.lock().unwrap_or_else(PoisonError::into_inner).clear();
            let ended = told.unwrap_or_else(|| Ended {
                reason: EndReason::Failed,
                message: format!("The session's process ended unexpectedly ({status})."),
                last_words: log,
            });
            on_end();
            gone_sender.send_replace(true);
            // Nobody listening is no error: the server is on its way down.
            events.send(Event { session: id, what: Happening::Ended(ended) }).ok();
        });
        Ok(Arc::new(Self { asks, pending, next: AtomicU64::new(1), gone, antenna }))
    }

    /// Sends a message that has no answer.
    pub(super) async fn ask(&self, ask: Ask) -> Result<(), NodeError> {
        self.asks.send(ask).await.or(Err(NodeError::Process("it has ended".to_owned())))
    }

    /// Sends a question and waits for its answer.
    pub(super) async fn request(
        &self,
        ask: impl FnOnce(u64) -> Ask,
        within: Duration,
    ) -> Result<Tell, NodeError> {
        let request = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, answer) = oneshot::channel();
        {
            let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
            if pending.len() >= PENDING {
                return Err(NodeError::Silent(within.as_secs()));
            }
            pending.insert(request, sender);
        }
        self.ask(ask(request)).await?;
        let answer = tokio::time::timeout(within, answer).await;
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).remove(&request);
        match answer {
            Ok(Ok(tell)) => Ok(tell),
            Ok(Err(_)) => Err(NodeError::Process("it ended before it answered".to_owned())),
            Err(_) => Err(NodeError::Silent(within.as_secs())),
        }
    }

    /// Publishes what the process sends from now on.
    pub(super) async fn on_air(&self, publisher: Publisher) -> Result<(), NodeError> {
        self.antenna.publish(publisher);
        self.ask(Ask::Air { on: true }).await
    }

    /// Publishes nothing any more.
    pub(super) async fn off_air(&self) -> Result<(), NodeError> {
        self.antenna.end();
        self.ask(Ask::Air { on: false }).await
    }

    /// Waits until the process is gone, or `within` is over.
    pub(super) async fn gone(&self, within: Duration) {
        let mut gone = self.gone.clone();
        let wait = gone.wait_for(|gone| *gone);
        drop(tokio::time::timeout(within, wait).await);
    }
}

async fn write_asks(mut socket: OwnedWriteHalf, mut asked: mpsc::Receiver<Ask>) {
    while let Some(ask) = asked.recv().await {
        let Ok(mut line) = serde_json::to_vec(&ask) else { continue };
        line.push(b'\n');
        if socket.write_all(&line).await.is_err() {
            break;
        }
    }
}

/// Reads until the process closes its socket; gives its last message if it was one.
async fn read_tells(
    socket: OwnedReadHalf,
    id: &str,
    events: &broadcast::Sender<Event>,
    pending: &Pending,
) -> Option<Ended> {
    let mut reader = BufReader::new(socket);
    let mut line = Vec::new();
    loop {
        line.clear();
        let limit = u64::try_from(MAX_LINE).unwrap_or(u64::MAX);
        match (&mut reader).take(limit).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return None,
            Ok(_) => {}
        }
        let tell: Tell = match serde_json::from_slice(&line) {
            Ok(tell) => tell,
            Err(error) => {
                tracing::error!(session = id, %error, "a session process said something unreadable");
                return None;
            }
        };
        let (request, tell) = match tell {
            Tell::Answer { request, .. } | Tell::Clip { request, .. } | Tell::Stats { request, .. } => {
                (request, tell)
            }
            Tell::Ended(ended) => return Some(ended),
            Tell::Ready => {
                events.send(Event { session: id.to_owned(), what: Happening::Ready }).ok();
                continue;
            }
            Tell::Peer { peer, connected } => {
                let what = Happening::Peer { peer, connected };
                events.send(Event { session: id.to_owned(), what }).ok();
                continue;
            }
        };
        let asked = pending.lock().unwrap_or_else(PoisonError::into_inner).remove(&request);
        if let Some(asked) = asked {
            // The asker may have given up in the meantime.
            asked.send(tell).ok();
        }
    }
}

/// Passes a process's log on; gives its last lines when it ends.
async fn read_log(stderr: Option<ChildStderr>, id: String) -> String {
    let Some(stderr) = stderr else { return String::new() };
    let mut reader = BufReader::new(stderr);
    let mut last = VecDeque::with_capacity(LOG_LINES);
    let mut line = Vec::new();
    loop {
        line.clear();
        match (&mut reader).take(LOG_LINE).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        tracing::info!(target: "session", session = id, "{text}");
        if last.len() == LOG_LINES {
            last.pop_front();
        }
        last.push_back(text);
    }
    Vec::from(last).join("\n")
}
