//! Lower qualities of a broadcast: a transcoder is fed with its parts, and what comes back is cut where they were.
//!
//! Each quality is a broadcast of its own with a window of its own, whose segments have the numbers and times of those
//! that they were made from. What becomes of the transcoder is no matter of the broadcast itself.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use playhouse_media::frame::Size;
use playhouse_media::intake::{Intake, Output};
use playhouse_media::live::{Border, Cursor, Cut, Era, Follower, Format, Found, Skipped, Window};
use playhouse_media::ts::Demuxer;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::broadcast::{Broadcast, Missing};
use crate::recorder;

/// How long a keyframe is waited for at a time.
const PATIENCE: Duration = Duration::from_secs(10);
/// How far the transcoder may be behind what it was fed with before it counts as too slow: viewers of a lower quality are
/// that much later than others, and what is in memory of the stream reaches a little further back.
const BEHIND: Duration = Duration::from_secs(5);
/// How long the transcoder may take for its last pictures: nobody waits for them, and a busy machine makes them late.
const LAST: Duration = Duration::from_secs(20);
/// Bytes that are read at a time.
const CHUNK: usize = 64 << 10;
/// Where segments begin that no quality has come to yet; a transcoder that is further behind is given up before.
const BORDERS: usize = 64;

/// A running transcoder. It takes fragmented MP4, and gives an MPEG transport stream with a track of pictures for each
/// quality, all of them shown in order.
pub struct Transcoder {
    /// Where the stream goes.
    pub input: Box<dyn AsyncWrite + Send + Unpin>,
    /// Where the qualities come from.
    pub output: Box<dyn AsyncRead + Send + Unpin>,
    /// Ends the program when it is dropped.
    pub program: Box<dyn Send>,
}

/// What is made of a stream: the names of the qualities, the best first, and what makes them.
pub type Made = (Vec<String>, Transcoder);

/// Why there are no lower qualities (any more).
#[derive(Debug, thiserror::Error)]
pub enum Fallen {
    /// The stream has no pictures, or too small ones.
    #[error("the stream is too small for lower qualities")]
    Small,
    /// The transcoder could not be started.
    #[error("the transcoder could not be started: {0}")]
    Start(#[source] io::Error),
    /// The transcoder is gone.
    #[error("the transcoder ended in the middle of the stream")]
    Died,
    /// The machine is too slow.
    #[error("this machine is too busy for lower qualities of this stream")]
    Slow,
    /// What it makes does not fit to the stream.
    #[error(transparent)]
    Skipped(#[from] Skipped),
}

/// Makes lower qualities of a broadcast for as long as its tracks stay the same and its clock goes on; `make` is told how
/// large its pictures are, and makes nothing where that is too small. Gives how many there were.
///
/// # Errors
/// See [`Fallen`]; the broadcast goes on without them.
pub async fn follow(
    source: &Broadcast,
    make: impl FnOnce(Size) -> io::Result<Option<Made>> + Send,
) -> Result<(), Fallen> {
    let begun = source.when(
        |window| match window.origin() {
            Some(origin) => Found::Here(origin),
            None if window.edge().ended => Found::Nowhere,
            None => Found::Soon,
        },
        PATIENCE,
    );
    let (cursor, era) = match begun.await {
        Ok(begun) => begun,
        // Nobody publishes at the moment.
        Err(Missing::Nowhere | Missing::Late) => return Ok(()),
    };
    let (size, head) =
        era.tracks.first().and_then(|track| Some((track.size()?, track.init()))).ok_or(Fallen::Small)?;
    let (names, transcoder) = make(size).map_err(Fallen::Start)?.ok_or(Fallen::Small)?;
    source.climb(names.len());
    let Transcoder { mut input, mut output, program } = transcoder;
    let shared = Shared::default();
    let mut rungs: Vec<Rung> = Vec::new();
    for (number, name) in names.iter().enumerate() {
        rungs.push(Rung::new(source.rung(name, cursor.segment), number, era.clone()));
    }
    let feeding = async {
        // A transcoder that is gone is noticed by whoever reads it.
        input.write_all(&head).await.or(Err(Fallen::Died))?;
        let fed = feed(source, &shared, cursor, era.number, &mut input).await;
        // Its end is what has the transcoder end.
        drop(input.shutdown().await);
        drop(input);
        shared.end();
        fed
    };
    let reading = read(&shared, &mut output, &mut rungs);
    let followed = tokio::try_join!(feeding, reading).map(drop);
    drop(program);
    for rung in rungs {
        rung.finish().await;
    }
    followed
}

/// What whoever feeds the transcoder tells whoever reads it.
#[derive(Debug, Default)]
struct Shared(Mutex<Told>);

#[derive(Debug, Default)]
struct Told {
    borders: VecDeque<Border>,
    /// What was fed last, in ticks of the recording.
    fed: u64,
    ended: bool,
}

impl Shared {
    fn with<T>(&self, act: impl FnOnce(&mut Told) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn end(&self) {
        self.with(|told| told.ended = true);
    }
}

/// Writes the parts of the broadcast's pictures, until its era is over.
async fn feed(
    source: &Broadcast,
    shared: &Shared,
    mut at: Cursor,
    era: u64,
    input: &mut (dyn AsyncWrite + Send + Unpin),
) -> Result<(), Fallen> {
    loop {
        let found = source.when(|window| window.originals(at), PATIENCE).await;
        let (originals, next) = match found {
            Ok(found) => found,
            // The publisher makes a pause.
            Err(Missing::Late) => continue,
            Err(Missing::Nowhere) => {
                let over =
                    |window: &Window| window.edge().ended || window.era().is_none_or(|now| now.number != era);
                return if over(&source.window()) { Ok(()) } else { Err(Fallen::Slow) };
            }
        };
        for original in originals {
            if original.era != era {
                return Ok(());
            }
            shared.with(|told| {
                if original.first && told.borders.len() < BORDERS {
                    let (segment, shown, independent) =
                        (original.segment, original.shown, original.independent);
                    told.borders.push_back(Border { segment, shown, independent });
                }
                told.fed = original.shown;
            });
            let written = tokio::time::timeout(BEHIND, input.write_all(&original.bytes)).await;
            written.or(Err(Fallen::Slow))?.or(Err(Fallen::Died))?;
        }
        at = next;
    }
}

/// Reads what the transcoder makes, until it ends.
async fn read(
    shared: &Shared,
    output: &mut (dyn AsyncRead + Send + Unpin),
    rungs: &mut [Rung],
) -> Result<(), Fallen> {
    let mut chunk = vec![0; CHUNK];
    loop {
        // One that hangs is ended; one that has nothing to do, since its publisher makes a pause, is not.
        let count = match tokio::time::timeout(LAST, output.read(&mut chunk)).await {
            Ok(count) => count.or(Err(Fallen::Died))?,
            Err(_) if shared.with(|told| told.ended) => return Err(Fallen::Slow),
            Err(_) => {
                late(shared, rungs)?;
                continue;
            }
        };
        let borders: Vec<Border> = shared.with(|told| told.borders.drain(..).collect());
        for rung in rungs.iter_mut() {
            for border in &borders {
                rung.border(*border);
            }
            rung.receive(&chunk[..count])?;
        }
        if count == 0 {
            let whole = rungs.iter().all(|rung| rung.follower.is_some());
            return if shared.with(|told| told.ended) && whole { Ok(()) } else { Err(Fallen::Died) };
        }
        late(shared, rungs)?;
    }
}

/// Ends a transcoder that is too far behind.
fn late(shared: &Shared, rungs: &[Rung]) -> Result<(), Fallen> {
    let fed = shared.with(|told| told.fed);
    let slow = |rung: &Rung| {
        let made = rung.made.unwrap_or(rung.first.map_or(fed, |first| first.shown));
        Duration::from_micros(fed.saturating_sub(made) * 100 / 9) > BEHIND
    };
    if rungs.iter().any(slow) { Err(Fallen::Slow) } else { Ok(()) }
}

/// One lower quality in the making.
struct Rung {
    broadcast: Arc<Broadcast>,
    demuxer: Demuxer,
    intake: Intake,
    follower: Option<Follower>,
    /// Where segments begin, before there is anything to cut.
    borders: Vec<Border>,
    first: Option<Border>,
    era: Era,
    /// How far it has come, in ticks of the recording.
    made: Option<u64>,
    wake: mpsc::Sender<()>,
    writer: JoinHandle<()>,
}

impl Rung {
    fn new(broadcast: Arc<Broadcast>, number: usize, era: Era) -> Self {
        let (wake, woken) = mpsc::channel(1);
        let writer = tokio::spawn(recorder::write(Arc::clone(&broadcast), woken));
        Self {
            broadcast,
            demuxer: Demuxer::of_picture(number),
            intake: Intake::default(),
            follower: None,
            borders: Vec::new(),
            first: None,
            era,
            made: None,
            wake,
            writer,
        }
    }

    fn border(&mut self, border: Border) {
        self.first.get_or_insert(border);
        match &mut self.follower {
            Some(follower) => follower.border(border),
            None if self.borders.len() < BORDERS => self.borders.push(border),
            None => {}
        }
    }

    fn receive(&mut self, bytes: &[u8]) -> Result<(), Fallen> {
        if bytes.is_empty() {
            self.demuxer.finish(&mut self.intake);
        } else {
            self.demuxer.receive(bytes, &mut self.intake).or(Err(Fallen::Died))?;
        }
        let mut cuts = Vec::new();
        while let Some(output) = self.intake.poll() {
            match output {
                Output::Formats(formats) => self.begin(&formats)?,
                Output::Sample(sample) => {
                    if let Some(follower) = &mut self.follower {
                        follower.push(&sample, &mut cuts)?;
                    }
                }
            }
        }
        self.take(cuts);
        Ok(())
    }

    /// The transcoder says what its pictures are; it does so once.
    fn begin(&mut self, formats: &[Format]) -> Result<(), Fallen> {
        let (Some(format), Some(first), None) = (formats.first(), self.first, &self.follower) else {
            return Err(Fallen::Died);
        };
        let mut follower = Follower::new(format, first).ok_or(Fallen::Died)?;
        for border in self.borders.drain(..) {
            follower.border(border);
        }
        let era = Era { tracks: vec![follower.track().clone()], ..self.era.clone() };
        self.broadcast.change(|window| window.begin(era));
        self.follower = Some(follower);
        Ok(())
    }

    fn take(&mut self, cuts: Vec<Cut>) {
        if cuts.is_empty() {
            return;
        }
        let over = cuts.iter().any(|cut| matches!(cut, Cut::Segment(_)));
        self.broadcast.change(|window| {
            for cut in cuts {
                match cut {
                    Cut::Part(part) => {
                        self.made = Some(part.start + part.ticks);
                        window.part(part);
                    }
                    Cut::Segment(_) => drop(window.close()),
                }
            }
        });
        if over {
            // Where it is full, the writer is awake.
            self.wake.try_send(()).ok();
        }
    }

    async fn finish(mut self) {
        let mut cuts = Vec::new();
        if let Some(follower) = &mut self.follower {
            follower.finish(&mut cuts);
        }
        self.take(cuts);
        let Self { wake, writer, .. } = self;
        drop(wake);
        if let Err(error) = writer.await {
            tracing::error!(%error, "the last segments of a lower quality may not be written");
        }
    }
}
