//! How many requests a server answers per second of processor: its own time alone is counted, so that whoever asks
//! does not matter.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use playhouse_testkit::procs;
use serde::Serialize;

use crate::figures::rounded;

/// Connections that ask at the same time, each without a pause.
const CONNECTIONS: usize = 4;
/// How long each question is asked, and in how many rounds by turns with the peer.
const SPAN: Duration = Duration::from_secs(3);
const ROUNDS: usize = 2;
/// Segments that are asked for: a part of the film that fits into the page cache.
const SEGMENTS: usize = 50;
/// No answer of either side takes this long.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server under load.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// `http://address:port`.
    pub(crate) origin: String,
    pub(crate) token: Option<String>,
    /// Its first process.
    pub(crate) pid: u32,
    /// Path of a segment, with `{}` for its number.
    pub(crate) segments: String,
    pub(crate) playlist: String,
}

/// Requests per second of processor.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Rates {
    pub(crate) segments: f64,
    pub(crate) playlists: f64,
    /// Bytes of a segment, on average.
    pub(crate) segment_bytes: f64,
    pub(crate) playlist_bytes: f64,
}

/// Both sides.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Load {
    ours: Rates,
    peer: Option<Rates>,
}

impl Load {
    /// Asks both in turns.
    pub(crate) fn compare(ours: &Target, peer: Option<&Target>) -> Result<Self> {
        let mut sums = [Counts::default(), Counts::default()];
        for _ in 0..ROUNDS {
            sums[0].add(ours)?;
            if let Some(peer) = peer {
                sums[1].add(peer)?;
            }
        }
        Ok(Self { ours: sums[0].rates(), peer: peer.map(|_| sums[1].rates()) })
    }

    /// Ours over the peer's.
    pub(crate) fn ratio(&self, of: impl Fn(&Rates) -> f64) -> Option<f64> {
        self.peer.map(|peer| rounded(of(&self.ours) / of(&peer).max(f64::EPSILON)))
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    segments: Count,
    playlists: Count,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    requests: u64,
    bytes: u64,
    seconds: f64,
}

impl Counts {
    fn add(&mut self, target: &Target) -> Result<()> {
        let segment = |number: usize| target.segments.replace("{}", &(number % SEGMENTS).to_string());
        self.segments.add(target, &segment)?;
        self.playlists.add(target, &|_| target.playlist.clone())
    }

    fn rates(&self) -> Rates {
        let rate = |count: &Count| rounded(count.requests as f64 / count.seconds.max(0.001));
        let each = |count: &Count| rounded(count.bytes as f64 / count.requests.max(1) as f64);
        Rates {
            segments: rate(&self.segments),
            playlists: rate(&self.playlists),
            segment_bytes: each(&self.segments),
            playlist_bytes: each(&self.playlists),
        }
    }
}

impl Count {
    fn add(&mut self, target: &Target, path: &(impl Fn(usize) -> String + Sync)) -> Result<()> {
        let before = spent(target.pid);
        let end = Instant::now() + SPAN;
        let answers: Vec<Result<(u64, u64)>> = thread::scope(|scope| {
            let ask = |first: usize| move || ask(target, path, first * SEGMENTS / CONNECTIONS, end);
            let asking: Vec<_> = (0..CONNECTIONS)
                .filter_map(|first| {
                    thread::Builder::new().name("load".to_owned()).spawn_scoped(scope, ask(first)).ok()
                })
                .collect();
            asking.into_iter().filter_map(|one| one.join().ok()).collect()
        });
        for answer in answers {
            let (requests, bytes) = answer?;
            self.requests += requests;
            self.bytes += bytes;
        }
        self.seconds += spent(target.pid) - before;
        Ok(())
    }
}

fn spent(pid: u32) -> f64 {
    procs::tree(pid).iter().map(|process| process.cpu_seconds).sum()
}

/// Asks over one connection until `end`: how many answers, and their bytes.
fn ask(target: &Target, path: impl Fn(usize) -> String, first: usize, end: Instant) -> Result<(u64, u64)> {
    let address = target.origin.trim_start_matches("http://");
    let stream = TcpStream::connect(address).context("the server under load takes no connection")?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    let mut answers = BufReader::with_capacity(256 << 10, stream.try_clone()?);
    let mut asks = stream;
    let token =
        target.token.as_ref().map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
    let (mut requests, mut bytes) = (0, 0);
    for number in first.. {
        if Instant::now() > end {
            break;
        }
        let path = path(number);
        let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n{token}\r\n");
        asks.write_all(request.as_bytes())?;
        let length = head(&mut answers).with_context(|| format!("GET {path}"))?;
        let mut body = answers.by_ref().take(length);
        std::io::copy(&mut body, &mut std::io::sink())?;
        requests += 1;
        bytes += length;
    }
    Ok((requests, bytes))
}

/// Reads the head of an answer that has to be 200: bytes of its body.
fn head(answers: &mut impl BufRead) -> Result<u64> {
    let mut line = String::new();
    answers.read_line(&mut line)?;
    ensure!(line.starts_with("HTTP/1.1 200"), "it was answered with {}", line.trim());
    let mut length = None;
    loop {
        line.clear();
        answers.read_line(&mut line)?;
        let field = line.trim();
        if field.is_empty() {
            return length.context("the answer has no length");
        }
        if let Some((name, value)) = field.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok();
        }
    }
}
