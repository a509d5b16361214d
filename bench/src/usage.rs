//! What processes use between two moments.

use std::time::Instant;

use playhouse_testkit::procs::Process;

/// The processes of one side: those that stream, and the game that they stream.
#[derive(Clone, Debug)]
pub(crate) struct Usage {
    at: Instant,
    streaming: Vec<Process>,
    game: Vec<Process>,
}

/// What was used.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Used {
    /// Cores' worth of CPU time of what streams.
    pub(crate) streaming_cores: f64,
    /// The same of the game itself.
    pub(crate) game_cores: f64,
    /// Resident bytes of what streams.
    pub(crate) rss_bytes: u64,
}

impl Usage {
    pub(crate) fn now(streaming: Vec<Process>, game: Vec<Process>) -> Self {
        Self { at: Instant::now(), streaming, game }
    }

    /// From here to `later`.
    pub(crate) fn until(&self, later: &Self) -> Used {
        let seconds = later.at.duration_since(self.at).as_secs_f64().max(0.001);
        Used {
            streaming_cores: spent(&self.streaming, &later.streaming) / seconds,
            game_cores: spent(&self.game, &later.game) / seconds,
            rss_bytes: later.streaming.iter().map(|p| p.rss_bytes).sum(),
        }
    }
}

/// CPU seconds between two looks; a process that came in between counts from its beginning.
fn spent(before: &[Process], after: &[Process]) -> f64 {
    let known = |p: &Process| before.iter().find(|b| b.pid == p.pid && b.started == p.started);
    after.iter().map(|p| p.cpu_seconds - known(p).map_or(0.0, |b| b.cpu_seconds)).sum()
}
