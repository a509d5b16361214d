//! One playing stream: what it holds, when it asks for more, and how little it can do with.
//!
//! A client says how long a buffer it wants, and usually that is far more than it needs. The stream grants the
//! size but asks for only as much as it takes never to run dry: it begins with little, raises the level when it
//! ran dry although it had asked, and lowers it when some was always left over.

use std::collections::VecDeque;

use super::convert::{Downmix, Frame, Spec};
use super::resample::Resampler;

/// The rate of what comes out.
pub(super) const RATE: u32 = 48_000;

/// Frames of a block: 10 ms.
pub(super) const BLOCK: usize = RATE as usize / 100;

/// The same in milliseconds.
const BLOCK_MILLIS: u32 = 10;

/// Longest buffer that a client gets; what it writes beyond is dropped. Four seconds are 1.5 MB.
const MAX_MILLIS: u32 = 4000;

/// Buffer of a client that leaves the choice to us.
const DEFAULT_MILLIS: u32 = 40;

/// How much the level is raised when the stream ran dry.
const RAISE_MILLIS: u32 = 10;

/// What is left over without the level being lowered: a client answers late now and then, and a gap is heard where
/// five milliseconds are not.
const MARGIN_MILLIS: u32 = 5;

/// Blocks after which the level may be lowered: 1 s, doubled each time that it proved too low, up to 10 min.
const HOLD: (u32, u32) = (100, 60_000);

/// Blocks that a client may leave a request unanswered while nothing of it is heard, until it is asked for more: it
/// may want to write only pieces larger than what it was asked for.
const PATIENCE: u32 = 2;

/// Full volume of a channel (`PA_VOLUME_NORM`).
pub(super) const FULL: u32 = 0x1_0000;

/// Buffer sizes in bytes, as clients ask for and are told; `u32::MAX` asks for the default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sizes {
    pub(super) max: u32,
    pub(super) target: u32,
    pub(super) prebuffer: u32,
    pub(super) least_request: u32,
}

/// What a client has to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notice {
    /// Write so many bytes.
    Request(u32),
    /// The stream is heard now.
    Started,
    /// It ran dry.
    Underflow,
    /// It wrote more than it may.
    Overflow,
    /// The drain that it asked for by this request is done.
    Drained(u32),
}

/// Where a write goes, `pa_seek_mode_t`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seek {
    /// From where the last write ended.
    Relative,
    /// From the stream's beginning.
    Absolute,
    /// From what is heard next.
    OnRead,
    /// From the end of what was written.
    End,
}

/// A stream that a client plays.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a state of its own, in any combination")]
pub(super) struct Stream {
    pub(super) spec: Spec,
    pub(super) map: Vec<u8>,
    pub(super) sizes: Sizes,
    pub(super) volumes: Vec<u32>,
    pub(super) muted: bool,
    pub(super) corked: bool,
    mix: Downmix,
    resampler: Resampler,
    queue: VecDeque<Frame>,
    /// Frames wanted in the queue and on their way together.
    level: usize,
    /// Frames that the client was asked for and did not write yet; less than none where it wrote more.
    requested: i64,
    /// Whether the client fills its whole buffer unasked, as ALSA does: it takes the level for the buffer's end and
    /// the way that it moves for the time, so that neither may change any more.
    firm: bool,
    started: bool,
    draining: Option<u32>,
    starving: bool,
    /// Blocks since the last write, while nothing is heard.
    waited: u32,
    /// Least frames left over in this period, its blocks so far, and how long it is.
    spare: usize,
    held: u32,
    hold: u32,
    /// Bytes of the client's format since the beginning.
    pub(super) written: i64,
    pub(super) read: i64,
    /// Bytes heard since the last underrun, and missed since then.
    pub(super) playing_for: u64,
    pub(super) underrun_for: u64,
}

impl Stream {
    pub(super) fn new(spec: Spec, map: &[u8], sizes: Sizes, corked: bool) -> Self {
        let sizes = grant(spec, sizes);
        let mut stream = Self {
            spec,
            map: map.to_vec(),
            sizes,
            volumes: vec![FULL; usize::from(spec.channels)],
            muted: false,
            corked,
            mix: Downmix::new(spec, map),
            resampler: Resampler::new(spec.rate, RATE),
            queue: VecDeque::new(),
            level: 0,
            requested: 0,
            firm: false,
            started: false,
            draining: None,
            starving: false,
            waited: 0,
            spare: usize::MAX,
            held: 0,
            hold: HOLD.0,
            written: 0,
            read: 0,
            playing_for: 0,
            underrun_for: 0,
        };
        stream.level = stream.block() + stream.block().max(stream.frames(sizes.least_request));
        stream.level = stream.level.min(stream.frames(sizes.target));
        stream
    }

    fn frames(&self, bytes: u32) -> usize {
        bytes as usize / self.spec.frame_len()
    }

    fn bytes(&self, frames: usize) -> u32 {
        u32::try_from(frames * self.spec.frame_len()).unwrap_or(u32::MAX)
    }

    /// Frames of the stream that a block takes.
    fn block(&self) -> usize {
        self.spec.frames(BLOCK_MILLIS) + 1
    }

    /// Whether it is, or wants to be, heard.
    pub(super) fn is_active(&self) -> bool {
        !self.corked
    }

    /// Frames that wait, in microseconds.
    pub(super) fn waiting_micros(&self) -> u64 {
        self.spec.micros(self.queue.len())
    }

    /// Changes what the client asked for before.
    pub(super) fn resize(&mut self, sizes: Sizes) {
        self.sizes = grant(self.spec, sizes);
        self.level =
            self.level.min(self.frames(self.sizes.target)).max(self.frames(self.sizes.least_request));
    }

    /// Changes the rate, as games that slow down do.
    pub(super) fn set_rate(&mut self, rate: u32) {
        self.spec.rate = rate;
        self.resampler = Resampler::new(rate, RATE);
    }

    /// How many bytes to ask the client for now, if any.
    pub(super) fn request(&mut self) -> Option<u32> {
        let missing = signed(self.level) - signed(self.queue.len()) - self.requested;
        let bytes = self.bytes(usize::try_from(missing).ok()?);
        if bytes == 0 || bytes < self.sizes.least_request {
            return None;
        }
        self.requested += missing;
        Some(bytes)
    }

    /// Takes what a client wrote; whole frames.
    pub(super) fn write(&mut self, bytes: &[u8], offset: i64, seek: Seek, tell: &mut dyn FnMut(Notice)) {
        self.seek(offset, seek);
        let room = self.frames(self.sizes.max).saturating_sub(self.queue.len());
        let frames = bytes.len() / self.spec.frame_len();
        let taken = frames.min(room);
        self.queue.extend(self.mix.frames(&bytes[..taken * self.spec.frame_len()]));
        self.written += i64::from(self.bytes(taken));
        self.requested -= signed(frames);
        if self.requested < 0 {
            self.firm = true;
            self.level = self.frames(self.sizes.target);
        }
        self.waited = 0;
        self.starving = false;
        if taken < frames {
            tell(Notice::Overflow);
        }
        let enough = self.block().min(self.frames(self.sizes.prebuffer).max(1));
        if !self.started && !self.corked && self.queue.len() >= enough {
            self.start(tell);
        }
    }

    /// Moves the place of the next write: backwards drops what was written there, forwards leaves silence.
    fn seek(&mut self, offset: i64, seek: Seek) {
        let base = match seek {
            Seek::Relative | Seek::End => self.written,
            Seek::Absolute => 0,
            Seek::OnRead => self.read,
        };
        let len = i64::try_from(self.spec.frame_len()).unwrap_or(1);
        let steps = base.saturating_add(offset).max(self.read).saturating_sub(self.written) / len;
        let most = self.frames(self.sizes.max);
        if steps < 0 {
            let dropped = usize::try_from(-steps).unwrap_or(usize::MAX).min(self.queue.len());
            self.queue.truncate(self.queue.len() - dropped);
            self.written -= i64::from(self.bytes(dropped));
        } else if steps > 0 {
            let silence =
                usize::try_from(steps).unwrap_or(usize::MAX).min(most.saturating_sub(self.queue.len()));
            self.queue.extend(std::iter::repeat_n([0.0; 2], silence));
            self.written += i64::from(self.bytes(silence));
        }
    }

    /// Lets it be heard with what it has.
    pub(super) fn start(&mut self, tell: &mut dyn FnMut(Notice)) {
        if !self.started {
            self.started = true;
            self.playing_for = 0;
            tell(Notice::Started);
        }
    }

    /// Waits again until enough is there.
    pub(super) fn prebuffer(&mut self) {
        self.started = self.sizes.prebuffer == 0;
    }

    /// Pauses or goes on.
    pub(super) fn cork(&mut self, corked: bool, tell: &mut dyn FnMut(Notice)) {
        self.corked = corked;
        if !corked && self.queue.len() >= self.block().min(self.frames(self.sizes.prebuffer)) {
            self.start(tell);
        }
    }

    /// Drops what waits.
    pub(super) fn flush(&mut self) {
        let dropped = self.queue.len();
        self.queue.clear();
        self.resampler.clear();
        self.read += i64::from(self.bytes(dropped));
        self.prebuffer();
    }

    /// Plays what waits to its end, and then answers `request`.
    pub(super) fn drain(&mut self, request: u32, tell: &mut dyn FnMut(Notice)) {
        if self.queue.is_empty() || self.corked {
            tell(Notice::Drained(request));
        } else {
            self.draining = Some(request);
            self.start(tell);
        }
    }

    /// Adds the stream's part to a block. True if it ran dry although it had asked for more in time.
    pub(super) fn mix(&mut self, out: &mut [Frame; BLOCK], tell: &mut dyn FnMut(Notice)) -> bool {
        if self.corked {
            return false;
        }
        if !self.started {
            self.wait();
            return false;
        }
        let before = self.queue.len();
        let gain = self.gain();
        let made = self.resampler.mix(&mut self.queue, gain, out);
        let heard = before - self.queue.len();
        self.read += i64::from(self.bytes(heard));
        self.playing_for += u64::from(self.bytes(heard));
        if made == BLOCK {
            self.underrun_for = 0;
            self.lower();
            return false;
        }
        let missed = self.spec.frames(BLOCK_MILLIS).saturating_sub(heard);
        self.underrun_for += u64::from(self.bytes(missed));
        if let Some(request) = self.draining.take() {
            self.prebuffer();
            tell(Notice::Drained(request));
            return false;
        }
        if self.starving {
            self.wait();
            return false;
        }
        self.starving = true;
        self.playing_for = 0;
        tell(Notice::Underflow);
        self.requested > 0
    }

    /// Raises the level after the stream ran dry.
    pub(super) fn raise(&mut self) {
        self.level = (self.level + self.spec.frames(RAISE_MILLIS)).min(self.frames(self.sizes.target));
        self.hold = (self.hold * 2).min(HOLD.1);
        self.spare = usize::MAX;
        self.held = 0;
    }

    /// A client that does not answer while nothing of it is heard is asked for more.
    fn wait(&mut self) {
        self.waited += 1;
        if self.waited > PATIENCE && self.requested > 0 {
            self.level = (self.level + self.block()).min(self.frames(self.sizes.target));
            self.waited = 0;
        }
    }

    /// Lowers the level by what was never used.
    fn lower(&mut self) {
        self.spare = self.spare.min(self.queue.len());
        self.held += 1;
        if self.held < self.hold || self.firm {
            return;
        }
        let surplus = self.spare.saturating_sub(self.spec.frames(MARGIN_MILLIS));
        let least = self.block().max(self.frames(self.sizes.least_request));
        self.level = (self.level - surplus.min(self.level)).max(least.min(self.level));
        self.held = 0;
        self.spare = usize::MAX;
    }

    /// Gain of left and right; volumes are cubic.
    #[expect(clippy::cast_possible_truncation, reason = "a gain needs no more than an f32 has")]
    fn gain(&self) -> Frame {
        if self.muted {
            return [0.0; 2];
        }
        let linear = |volume: Option<&u32>| {
            let share = f64::from(*volume.unwrap_or(&FULL)) / f64::from(FULL);
            (share * share * share).min(8.0) as f32
        };
        [linear(self.volumes.first()), linear(self.volumes.get(1).or(self.volumes.first()))]
    }
}

/// A count of frames, of which there are never more than fit into a few seconds.
fn signed(frames: usize) -> i64 {
    i64::try_from(frames).unwrap_or(i64::MAX)
}

/// What a client gets of what it asked for.
fn grant(spec: Spec, asked: Sizes) -> Sizes {
    let len = u32::try_from(spec.frame_len()).unwrap_or(1);
    let millis = |millis: u32| u32::try_from(spec.frames(millis)).unwrap_or(u32::MAX).saturating_mul(len);
    let whole = |bytes: u32| bytes - bytes % len;
    let max = whole(asked.max.min(millis(MAX_MILLIS))).max(millis(2 * BLOCK_MILLIS));
    let target = if asked.target == u32::MAX { millis(DEFAULT_MILLIS) } else { asked.target };
    let mut target = whole(target).clamp(len, max);
    let least_request = match asked.least_request {
        u32::MAX => whole(target / 4).min(millis(BLOCK_MILLIS)),
        bytes => whole(bytes).min(max / 2),
    }
    .max(len);
    // A client that writes pieces of a size needs room for one beside the one that is heard.
    target = target.max(whole(least_request.saturating_add(millis(BLOCK_MILLIS)))).min(max);
    let prebuffer = match asked.prebuffer {
        u32::MAX => target.saturating_sub(least_request).saturating_add(len),
        bytes => whole(bytes),
    }
    .min(target);
    Sizes { max, target, prebuffer, least_request }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::convert::Encoding;
    use super::*;

    const ANY: Sizes =
        Sizes { max: u32::MAX, target: u32::MAX, prebuffer: u32::MAX, least_request: u32::MAX };

    fn spec(rate: u32) -> Spec {
        Spec { encoding: Encoding::S16Le, channels: 2, rate }
    }

    /// A client that writes pieces of `piece` frames whenever it was asked for at least that much; gives blocks
    /// that were not whole in the second half, and frames that waited at the end.
    fn play(rate: u32, sizes: Sizes, piece: usize) -> (usize, usize) {
        const BLOCKS: usize = 2000;
        let mut stream = Stream::new(spec(rate), &[1, 2], sizes, false);
        let (mut owed, mut dry) = (0, 0);
        for block in 0..BLOCKS {
            owed += stream.request().unwrap_or(0) as usize / 4;
            while owed >= piece {
                stream.write(&vec![1; piece * 4], 0, Seek::Relative, &mut |_| {});
                owed -= piece;
            }
            let mut out = [[0.0; 2]; BLOCK];
            if stream.mix(&mut out, &mut |_| {}) {
                stream.raise();
            }
            assert!(stream.started || block < 200, "pieces of {piece} frames at {rate} Hz never start");
            dry += usize::from(stream.underrun_for > 0 && block > BLOCKS / 2);
        }
        (dry, stream.queue.len())
    }

    #[test]
    fn a_client_of_small_pieces_waits_little() {
        let sizes = Sizes { target: 1024 * 4 * 4, ..ANY };
        let (dry, waiting) = play(48_000, sizes, 480);
        assert_eq!(dry, 0);
        assert!(waiting <= 480, "{waiting} frames");
    }

    proptest! {
        #[test]
        fn any_size_of_pieces_is_found_out(piece in 1_usize..4000, rate in 8000_u32..96_000, room in 1_usize..4) {
            let piece = u32::try_from(piece).unwrap();
            let target = (piece * 4).max(rate / 100 * 4) * u32::try_from(room).unwrap() + rate / 100 * 4 + 64;
            let (dry, _) = play(rate, Sizes { target, ..ANY }, piece as usize);
            prop_assert!(dry < 10, "{dry} blocks ran dry");
        }

        #[test]
        fn nothing_that_a_client_writes_grows_without_limit(
            writes in proptest::collection::vec((0_usize..20_000, any::<i64>(), 0..4), 1..40),
            sizes in any::<[u32; 4]>(),
        ) {
            let sizes = Sizes { max: sizes[0], target: sizes[1], prebuffer: sizes[2], least_request: sizes[3] };
            let mut stream = Stream::new(spec(44_100), &[1, 2], sizes, false);
            for (len, offset, seek) in writes {
                let seek = [Seek::Relative, Seek::Absolute, Seek::OnRead, Seek::End][usize::try_from(seek).unwrap()];
                stream.write(&vec![0; len / 4 * 4], offset, seek, &mut |_| {});
                let mut out = [[0.0; 2]; BLOCK];
                stream.mix(&mut out, &mut |_| {});
                stream.request();
                prop_assert!(stream.queue.len() <= stream.frames(stream.sizes.max));
                let waiting = i64::try_from(stream.queue.len() * 4).unwrap();
                prop_assert!(stream.written - stream.read == waiting);
            }
        }
    }

    #[test]
    fn a_client_that_fills_its_buffer_unasked_gets_all_of_it() {
        // What ALSA's plugin does: it writes until its own buffer is full, and a period whenever one is free.
        let (buffer, period) = (22_050, 5512);
        let sizes = Sizes { target: buffer * 4, least_request: period * 4, ..ANY };
        let mut stream = Stream::new(spec(44_100), &[1, 2], sizes, false);
        let (mut writable, mut silent) = (0_i64, 0);
        stream.write(&vec![1; buffer as usize * 4], 0, Seek::Relative, &mut |_| {});
        writable -= i64::from(buffer);
        for _ in 0..1000 {
            writable += i64::from(stream.request().unwrap_or(0) / 4);
            while writable >= i64::from(period) {
                stream.write(&vec![1; period as usize * 4], 0, Seek::Relative, &mut |_| {});
                writable -= i64::from(period);
            }
            stream.mix(&mut [[0.0; 2]; BLOCK], &mut |_| {});
            silent += usize::from(stream.underrun_for > 0);
        }
        assert_eq!(silent, 0);
    }

    #[test]
    fn a_drain_is_answered_when_all_was_heard() {
        let mut stream = Stream::new(spec(48_000), &[1, 2], ANY, false);
        let mut told = Vec::new();
        stream.write(&[0; 1000 * 4], 0, Seek::Relative, &mut |notice| told.push(notice));
        stream.drain(9, &mut |notice| told.push(notice));
        for _ in 0..3 {
            stream.mix(&mut [[0.0; 2]; BLOCK], &mut |notice| told.push(notice));
        }
        assert_eq!(told, [Notice::Started, Notice::Drained(9)]);
    }
}
