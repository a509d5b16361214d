//! Lower qualities of live channels: which are made, and for how many channels at a time.

/// A lower quality.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rung {
    /// Pixels down.
    pub height: u32,
    /// Bits per second of its pictures at most.
    pub bitrate: u32,
}

/// What is made, the best first: what a phone on the train carries, and what a bad network does. A quality between these
/// and the stream's own costs the most and is missed the least.
const RUNGS: [Rung; 3] = [
    Rung { height: 480, bitrate: 1_200_000 },
    Rung { height: 360, bitrate: 700_000 },
    Rung { height: 240, bitrate: 350_000 },
];

/// How many of them a channel has.
const MOST: usize = 2;

/// Cores that a session of a game is left, with its encoder; and those that the lower qualities of a channel take.
const SESSION: usize = 2;
const LADDER: usize = 2;

/// The lower qualities of a stream of that height; none where it is small itself.
pub fn rungs(height: u32) -> Vec<Rung> {
    // Three quarters: what is only a little smaller saves nothing.
    RUNGS.into_iter().filter(|rung| rung.height * 4 <= height * 3).take(MOST).collect()
}

/// What a lower quality is called, in addresses.
pub fn name(rung: Rung) -> String {
    format!("{}p", rung.height)
}

/// For how many channels a machine of so many cores makes lower qualities while so many sessions run. The first channel
/// needs no more than a quiet machine; games never wait for any.
pub fn channels(cores: usize, sessions: usize) -> usize {
    if sessions == 0 { (cores / LADDER).max(1) } else { cores.saturating_sub(sessions * SESSION) / LADDER }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn qualities_are_well_below_the_stream() {
        let heights = |height| rungs(height).iter().map(|rung| rung.height).collect::<Vec<_>>();
        assert_eq!(heights(1080), [480, 360]);
        assert_eq!(heights(640), [480, 360]);
        assert_eq!(heights(480), [360, 240]);
        assert_eq!(heights(360), [240]);
        assert_eq!(heights(240), []);
        assert_eq!(name(rungs(1080)[0]), "480p");
    }

    #[test]
    fn a_session_takes_the_place_of_a_channel() {
        assert_eq!((channels(2, 0), channels(2, 1)), (1, 0));
        assert_eq!((channels(1, 0), channels(16, 0), channels(16, 3), channels(16, 20)), (1, 8, 5, 0));
    }
}
