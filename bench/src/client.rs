//! The person's side of a measurement: a display, a browser that fills it, and what its page knows.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use playhouse_media::time::Timestamp;
use playhouse_testkit::browser::{Browser, Options};
use playhouse_testkit::clock;
use playhouse_testkit::display::Display;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::scene::SIZE;

/// Kept of every page; `%RELAY%` is the port of an emulator, or nothing.
const HOOKS: &str = include_str!("hooks.js");
/// How long a page may take until its video runs.
const PATIENCE: Duration = Duration::from_secs(40);
/// Questions asked of the page's clock; the quickest answer counts.
const CLOCK_QUESTIONS: usize = 40;

/// A browser on a display of its own.
pub(crate) struct Client {
    pub(crate) browser: Browser,
    pub(crate) display: Display,
}

/// A frame that a page showed; milliseconds of the page's clock.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Frame {
    /// When the page heard of it.
    #[expect(dead_code, reason = "a field of the page's list, which is read by place")]
    heard: f64,
    /// When the browser gave it to its compositor.
    pub(crate) presented: f64,
    /// When the browser meant it to be on the screen.
    #[expect(dead_code, reason = "a field of the page's list, which is read by place")]
    expected: f64,
    /// Frames presented so far, those that nobody heard of included.
    pub(crate) count: u64,
}

/// A frame that was the first to answer an input; milliseconds of the page's clock.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Answer {
    /// When the input left the page, where it is known.
    pub(crate) sent: Option<f64>,
    /// When the frame was decoded.
    pub(crate) decoded: f64,
    /// How long each step of its way took, by the player's own account.
    pub(crate) steps: BTreeMap<String, f64>,
}

/// What the browser's statistics say so far.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Stats {
    pub(crate) at: f64,
    pub(crate) video: Inbound,
    pub(crate) audio: Inbound,
    pub(crate) pair: Pair,
}

/// Of one kind of media, as `RTCInboundRtpStreamStats` names it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Inbound {
    pub(crate) bytes_received: u64,
    pub(crate) header_bytes_received: u64,
    pub(crate) packets_received: u64,
    pub(crate) packets_lost: i64,
    pub(crate) frames_decoded: u64,
    pub(crate) frames_dropped: u64,
    pub(crate) frame_width: u32,
    pub(crate) frame_height: u32,
    pub(crate) key_frames_decoded: u64,
    pub(crate) nack_count: u64,
    pub(crate) pli_count: u64,
    pub(crate) freeze_count: u64,
    pub(crate) jitter_buffer_delay: f64,
    pub(crate) jitter_buffer_emitted_count: u64,
    pub(crate) total_decode_time: f64,
    pub(crate) decoder_implementation: String,
}

/// The pair of addresses in use, as `RTCIceCandidatePairStats` names it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Pair {
    pub(crate) current_round_trip_time: f64,
}

impl Client {
    /// Starts both; `relay` is the port that answers are to name instead of the session's.
    pub(crate) fn start(sound: Option<OsString>, relay: Option<u16>) -> Result<Self> {
        let display = Display::start(SIZE.0, SIZE.1).context("cannot start a display (Debian: `xvfb`)")?;
        let options = Options { size: SIZE, sound, ..Options::default() };
        let mut browser = Browser::start(&display.name(), &options)?;
        let relay = relay.map(|port| port.to_string()).unwrap_or_default();
        browser.page.before_pages(&HOOKS.replace("%RELAY%", &relay))?;
        Ok(Self { browser, display })
    }

    /// Waits until the page's video shows frames.
    pub(crate) fn wait_for_video(&mut self) -> Result<()> {
        let shown = self.browser.page.wait("(window.__bench?.frames.length ?? 0) > 0", PATIENCE)?;
        if !shown {
            let text = self.browser.page.evaluate("document.body.innerText.slice(0, 400)")?;
            let state = self
                .browser
                .page
                .evaluate("window.__bench?.connections.map((c) => c.connectionState).join()")?;
            anyhow::bail!(
                "the page shows no video after {PATIENCE:?}; its connections: {state}, its text: {text}"
            );
        }
        Ok(())
    }

    /// What the page's clock (ms) is ahead of the machine's (ms).
    pub(crate) fn clock_offset(&mut self) -> Result<f64> {
        let mut best: Option<(f64, f64)> = None;
        for _ in 0..CLOCK_QUESTIONS {
            let before = millis(clock::now());
            let page = self
                .browser
                .page
                .evaluate("performance.now()")?
                .as_f64()
                .context("a page without a clock")?;
            let after = millis(clock::now());
            let trip = after - before;
            if best.is_none_or(|(least, _)| trip < least) {
                best = Some((trip, page - f64::midpoint(before, after)));
            }
        }
        best.map(|(_, offset)| offset).context("a page without a clock")
    }

    /// Forgets what the page has kept so far.
    pub(crate) fn forget(&mut self) -> Result<()> {
        self.browser
            .page
            .evaluate("for (const list of ['frames', 'keys', 'answers']) __bench[list].length = 0")?;
        Ok(())
    }

    pub(crate) fn frames(&mut self) -> Result<Vec<Frame>> {
        self.list("__bench.frames")
    }

    pub(crate) fn answers(&mut self) -> Result<Vec<Answer>> {
        self.list("__bench.answers")
    }

    /// When keys arrived in the page, milliseconds of its clock.
    pub(crate) fn keys(&mut self) -> Result<Vec<f64>> {
        self.list("__bench.keys")
    }

    pub(crate) fn stats(&mut self) -> Result<Stats> {
        let stats: Stats = self.list("__bench.stats()")?;
        ensure!(stats.video.bytes_received > 0, "the page receives no video");
        Ok(stats)
    }

    fn list<T: DeserializeOwned>(&mut self, expression: &str) -> Result<T> {
        let value = self.browser.page.evaluate(expression)?;
        serde_json::from_value(value).with_context(|| format!("the page's `{expression}` is not as expected"))
    }
}

/// Milliseconds between frames as they were presented. Frames that the page did not hear of share the gap evenly.
pub(crate) fn intervals(frames: &[Frame]) -> Vec<f64> {
    let mut all = Vec::new();
    for pair in frames.windows(2) {
        let count = pair[1].count.saturating_sub(pair[0].count).max(1);
        let each = (pair[1].presented - pair[0].presented) / count as f64;
        all.extend(std::iter::repeat_n(each, usize::try_from(count).unwrap_or(1)));
    }
    all
}

/// Milliseconds of the machine's clock.
pub(crate) fn millis(at: Timestamp) -> f64 {
    at.as_micros() as f64 / 1000.0
}
