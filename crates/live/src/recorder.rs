//! Records a stream: its samples become parts and segments, which go into the window and onto the disk.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use playhouse_media::live::record::{self, Packed};
use playhouse_media::live::{Begin, Cut, Era, Format, Muxer, Sample, Window};
use tokio::sync::mpsc;

use crate::broadcast::Broadcast;
use crate::disk;
use crate::stream::{Gone, Item, Subscription};

/// How long viewers wait for a publisher who is gone to come back: OBS tries again after some seconds.
const RETURN: Duration = Duration::from_secs(10);

/// Segments that make room for a new one where the disk is full: a busy picture takes the place of some quiet ones. More
/// would be lost for nothing, since somebody else takes what becomes free.
const MOST_GIVEN_UP: u32 = 4;

/// What the disk is given: a segment, and its era where it is the first of one.
struct Job {
    number: u64,
    packed: Packed,
    era: Option<Era>,
}

/// Microseconds since 1970.
fn wall() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// Records a stream until it ends.
pub(crate) async fn record(broadcast: Arc<Broadcast>, mut subscription: Subscription) {
    let turn = broadcast.turn.fetch_add(1, Ordering::AcqRel) + 1;
    let pen = broadcast.pen.lock().await;
    // A disk that hangs is asked once more when it is back: what waits for it is in the window.
    let (wake, woken) = mpsc::channel(1);
    let writer = tokio::spawn(write(Arc::clone(&broadcast), woken));
    let mut recorder = Recorder { broadcast: &broadcast, formats: Arc::from([]), muxer: None, wake };
    loop {
        match subscription.next().await {
            Ok(Item::Formats(formats)) => recorder.formats(formats),
            Ok(Item::Sample(sample)) => recorder.sample(&sample),
            Err(Gone::Behind(lost)) => {
                tracing::warn!(lost, "the recorder of a live stream did not keep up");
                recorder.lost();
            }
            Err(Gone::Ended) => break,
        }
    }
    recorder.finish();
    drop(recorder);
    if let Err(error) = writer.await {
        tracing::error!(%error, "the last segments of a live stream may not be written");
    }
    drop(pen);
    tokio::time::sleep(RETURN).await;
    broadcast.change(|window| {
        // Looked at while nobody changes the window, so that no other publisher's broadcast is ended.
        if broadcast.turn.load(Ordering::Acquire) == turn {
            window.end();
        }
    });
}

struct Recorder<'a> {
    broadcast: &'a Broadcast,
    formats: Arc<[Format]>,
    muxer: Option<Muxer>,
    wake: mpsc::Sender<()>,
}

impl Recorder<'_> {
    fn formats(&mut self, formats: Arc<[Format]>) {
        self.finish();
        self.formats = formats;
        self.muxer = None;
    }

    fn lost(&mut self) {
        if let Some(muxer) = &mut self.muxer {
            muxer.lost();
        }
    }

    fn sample(&mut self, sample: &Sample) {
        if self.muxer.as_ref().is_some_and(|muxer| muxer.jumps(sample)) {
            tracing::info!("a publisher's clock was set");
            self.finish();
            self.muxer = None;
        }
        if self.muxer.is_none() {
            let (_, next, at) = self.broadcast.window().next();
            // Where nothing is known of earlier segments, numbers begin with the time of day in seconds: that is more
            // than there can have been, and so no name is given twice.
            let segment = next.unwrap_or_else(|| wall() / 1_000_000);
            self.muxer = Muxer::new(&self.formats, Begin { segment, at });
        }
        let Some(muxer) = &mut self.muxer else { return };
        let had = muxer.has_begun();
        let mut cuts = Vec::new();
        let first = muxer.end();
        muxer.push(sample, &mut cuts);
        if !had && muxer.has_begun() {
            let (number, ..) = self.broadcast.window().next();
            let tracks = muxer.tracks().cloned().collect();
            let era = Era { number, first: first.segment, wall: wall(), at: first.at, tracks };
            self.broadcast.change(|window| window.begin(era));
        }
        self.take(cuts);
    }

    fn take(&self, cuts: Vec<Cut>) {
        if cuts.is_empty() {
            return;
        }
        let over = self.broadcast.change(|window| {
            let mut over = false;
            for cut in cuts {
                match cut {
                    Cut::Part(part) => window.part(part),
                    Cut::Segment(_) => over |= window.close().is_some(),
                }
            }
            over
        });
        if over {
            // Where it is full, the writer is awake.
            self.wake.try_send(()).ok();
        }
    }

    fn finish(&mut self) {
        let mut cuts = Vec::new();
        if let Some(muxer) = &mut self.muxer {
            muxer.finish(&mut cuts);
        }
        self.take(cuts);
    }
}

/// How the disk takes what is written.
#[derive(Debug, PartialEq, Eq)]
enum Disk {
    /// There is room.
    Room,
    /// It is full: what is new takes the place of what is old.
    Full,
    /// It takes nothing; the sentence says why.
    Refuses(String),
}

impl Disk {
    /// Says in the log what that means for a channel.
    fn tell(&self, folder: &Path) {
        let folder = folder.display();
        match self {
            Self::Room => tracing::info!(%folder, "a live stream is written to the disk again"),
            Self::Full => tracing::warn!(
                %folder,
                "the disk is full: of a live stream the newest takes the place of the oldest; make room, and it can be \
                 rewound as far as before"
            ),
            Self::Refuses(reason) => tracing::error!(
                %folder, reason,
                "a live stream cannot be written to the disk; it goes on, and from now on can be rewound a few seconds \
                 only; make room, and it is recorded again"
            ),
        }
    }
}

/// Writes segments that are over, and removes what is older than the window.
pub(crate) async fn write(broadcast: Arc<Broadcast>, mut woken: mpsc::Receiver<()>) {
    let (mut disk, mut era) = (Disk::Room, None);
    while woken.recv().await.is_some() {
        while let Some(job) = next(&broadcast, &mut era) {
            let writing = {
                let broadcast = Arc::clone(&broadcast);
                tokio::task::spawn_blocking(move || put(&broadcast, job))
            };
            let now = writing.await.unwrap_or_else(|error| Disk::Refuses(error.to_string()));
            if now != disk {
                now.tell(broadcast.folder());
            }
            if matches!(now, Disk::Refuses(_)) {
                // Without their era segments are worthless after a crash: it comes again with the next one.
                era = None;
            }
            disk = now;
        }
    }
}

/// What is to be written next, with its era where that is another than `known`.
fn next(broadcast: &Broadcast, known: &mut Option<u64>) -> Option<Job> {
    let window = broadcast.window();
    let number = window.unwritten()?;
    let packed = record::pack(&window, number)?;
    let era =
        window.era_of_segment(number).filter(|era| known.replace(era.first) != Some(era.first)).cloned();
    Some(Job { number, packed, era })
}

fn put(broadcast: &Broadcast, job: Job) -> Disk {
    let folder = broadcast.folder();
    let Job { number, packed, era } = job;
    let write = |reserve| {
        era.as_ref().map_or(Ok(()), |era| disk::put_era(folder, era))?;
        disk::put(folder, number, &packed, reserve)
    };
    let written = match write(disk::RESERVE) {
        Ok(()) => Ok(Disk::Room),
        Err(error) if error.kind() == io::ErrorKind::StorageFull && !broadcast.is_kept() => {
            make_room(broadcast, disk::size(&packed)).and_then(write).map(|()| Disk::Full)
        }
        Err(error) => Err(error),
    };
    let places = match &written {
        Ok(_) => packed.places,
        Err(_) => vec![0..0; packed.places.len()],
    };
    broadcast.change(|window| window.stored(number, places));
    if written.is_ok() {
        // Before anything of the window goes.
        let tapes = broadcast.tapes().clone();
        for tape in tapes {
            tape.take(broadcast, number);
        }
    }
    if !broadcast.is_kept() {
        let (segments, eras) = broadcast.change(Window::expire);
        disk::remove(folder, &segments, &eras);
    }
    written.unwrap_or_else(|error| Disk::Refuses(error.to_string()))
}

/// Removes the oldest segments of a channel until so many bytes more are free than now; gives how many may be left free
/// when that room is taken, so that the channel takes no more of a full disk than it did.
fn make_room(broadcast: &Broadcast, bytes: u64) -> io::Result<u64> {
    let before = disk::free(broadcast.folder())?;
    let mut free = before;
    for _ in 0..MOST_GIVEN_UP {
        let Some((segments, eras)) = broadcast.change(Window::give_up) else { break };
        disk::remove(broadcast.folder(), &segments, &eras);
        let now = disk::free(broadcast.folder())?;
        // A segment that somebody else holds as well makes no room, and neither do the next ones.
        if now >= before.saturating_add(bytes) || now <= free {
            break;
        }
        free = now;
    }
    Ok(before.min(disk::RESERVE))
}
