//! The lower qualities that a broadcast has, and what its playlists say of them.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use playhouse_media::live::{Variant, Window};

use crate::broadcast::Broadcast;

/// The folder that they lie in, below that of the broadcast, and the path below which they are served.
pub(crate) const RENDITIONS: &str = "renditions";

/// How long whoever comes first waits for lower qualities to be listed: players read that list once.
const CLIMB: Duration = Duration::from_secs(4);

/// Bytes of the window of a lower quality at most: two hours at 2 Mbit/s.
const MOST_BYTES: u64 = 2 << 30;

/// The lower qualities of a broadcast, the best first.
#[derive(Debug, Default)]
pub(crate) struct Rungs {
    all: Mutex<Vec<(String, Arc<Broadcast>)>>,
    /// How many there will be, and since when that is known.
    awaited: Mutex<Option<(usize, Instant)>>,
}

impl Rungs {
    /// How far back one can go in each from now on.
    pub(crate) fn set_length(&self, length: Duration) {
        let all = self.all().clone();
        all.iter().for_each(|(_, rung)| rung.set_length(length));
    }

    fn all(&self) -> MutexGuard<'_, Vec<(String, Arc<Broadcast>)>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn awaited(&self) -> MutexGuard<'_, Option<(usize, Instant)>> {
        self.awaited.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the files of a quality are, relative to the broadcast's own.
fn base(name: &str) -> String {
    format!("{RENDITIONS}/{name}/")
}

impl Broadcast {
    /// The lower quality of that name.
    pub fn rendition(&self, name: &str) -> Option<Arc<Self>> {
        self.rungs.all().iter().find(|(known, _)| known == name).map(|(_, rung)| Arc::clone(rung))
    }

    /// The names of the lower qualities that can be played.
    pub fn renditions(&self) -> Vec<String> {
        let all = self.rungs.all().clone();
        all.into_iter().filter(|(_, rung)| !rung.window().is_empty()).map(|(name, _)| name).collect()
    }

    /// The lower quality of that name, to be gone on with at a segment. Where it ended before that one it is begun anew,
    /// since numbers of segments have no holes.
    pub(crate) fn rung(&self, name: &str, segment: u64) -> Arc<Self> {
        // Its own window is never locked after the list of its qualities: whoever waits for them holds it.
        let length = self.window().length();
        let mut all = self.rungs.all();
        if let Some((_, known)) = all.iter().find(|(known, _)| known == name)
            && known.window().next().1 == Some(segment)
        {
            return Arc::clone(known);
        }
        let folder = self.folder().join(RENDITIONS).join(name);
        clear(&folder);
        let window = Window::new(length, MOST_BYTES);
        let fresh = Arc::new(Self::new(folder, window));
        match all.iter_mut().find(|(known, _)| known == name) {
            Some((_, there)) => *there = Arc::clone(&fresh),
            None => all.push((name.to_owned(), Arc::clone(&fresh))),
        }
        fresh
    }

    /// So many lower qualities are about to be there.
    pub(crate) fn climb(&self, count: usize) {
        *self.rungs.awaited() = Some((count, Instant::now()));
    }

    /// Lower qualities are about to be made: whoever asks for the list of them may wait a moment.
    pub fn await_renditions(&self) {
        self.climb(1);
    }

    /// Whether lower qualities are about to be there, so that waiting for them is worth a moment.
    pub fn is_climbing(&self) -> bool {
        let awaited = *self.rungs.awaited();
        awaited.is_some_and(|(count, since)| since.elapsed() < CLIMB && self.renditions().len() < count)
    }

    /// Nobody makes lower qualities any more. Players that have one go on with another.
    pub fn drop_renditions(&self) {
        *self.rungs.awaited() = None;
        let gone = std::mem::take(&mut *self.rungs.all());
        for (_, rung) in gone {
            rung.change(Window::end);
            clear(rung.folder());
        }
    }

    /// Nothing more is to come of the lower qualities: the broadcast is over.
    pub fn end_renditions(&self) {
        let all = self.rungs.all().clone();
        all.iter().for_each(|(_, rung)| rung.change(Window::end));
    }

    /// The HLS multivariant playlist.
    pub fn master(&self) -> Option<String> {
        let lower = self.variants();
        self.window().master_with(&lower)
    }

    /// The DASH manifest at `now`, in microseconds since 1970.
    pub fn manifest(&self, now: u64) -> Option<String> {
        let all = self.rungs.all().clone();
        // The window of the broadcast is always locked before those of its qualities.
        let window = self.window();
        let lower: Vec<_> = all.iter().map(|(name, rung)| (base(name), rung.window())).collect();
        let lower: Vec<(String, &Window)> = lower
            .iter()
            .filter(|(_, lower)| !lower.is_empty())
            .map(|(base, lower)| (base.clone(), &**lower))
            .collect();
        window.manifest_with(now, &lower)
    }

    /// The HLS playlist of a lower quality, with how far the others are.
    pub fn rendition_playlist(&self, name: &str, skip: bool) -> Option<Arc<str>> {
        let others = || {
            let siblings = self.rungs.all().clone();
            let above = self.window().variant("../../");
            let beside = siblings.iter().filter(|(other, _)| other != name);
            above
                .into_iter()
                .chain(beside.filter_map(|(other, rung)| rung.window().variant(&format!("../{other}/"))))
                .collect()
        };
        self.rendition(name)?.written(0, skip, others)
    }

    /// What its playlists say of its lower qualities.
    pub(crate) fn variants(&self) -> Vec<Variant> {
        let all = self.rungs.all().clone();
        all.iter().filter_map(|(name, rung)| rung.window().variant(&base(name))).collect()
    }
}

/// Removes what is in the way; what cannot be removed is written over.
fn clear(folder: &Path) {
    std::fs::remove_dir_all(folder).ok();
}
