//! One film's way to its renditions: which steps there are, and what of them is done.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use playhouse_watch::ladder::{self, Ladder, Rung};
use playhouse_watch::loudness::Loudness;
use playhouse_watch::rendering::Plan;

use super::command::{self, Line};
use super::scenes::{self, PROBING};
use super::{Control, Progress, RenderError, Step, WORK, ffmpeg, remove};
use crate::tool::ToolError;

/// Bytes that a step is thought to take at least, beside what is known of it.
const LEAST: u64 = 16 << 20;

/// What measuring and encoding a sound takes, and joining, of what encoding the picture does.
const MEASURING: f64 = 0.02;
const SOUND: f64 = 0.05;
const JOINING: f64 = 0.02;

/// One film's way to its renditions.
pub(super) struct Job<'a> {
    film: &'a (dyn Fn() -> io::Result<File> + Sync),
    pub(super) plan: &'a Plan,
    pub(super) work: PathBuf,
    control: Control<'a>,
    /// Seconds of work that are done, and that there are in all; a second of film that is encoded is one.
    pub(super) done: f64,
    pub(super) of: f64,
    pub(super) step: Step,
}

impl<'a> Job<'a> {
    /// Goes on with what there is in `folder`.
    pub(super) fn begin(
        film: &'a (dyn Fn() -> io::Result<File> + Sync),
        plan: &'a Plan,
        folder: &Path,
        control: Control<'a>,
    ) -> Result<Self, RenderError> {
        let work = folder.join(WORK);
        fs::create_dir_all(&work).map_err(RenderError::Folder)?;
        Ok(Self { film, plan, work, control, done: 0.0, of: 0.0, step: Step::Picture })
    }

    /// Where all that was made lies.
    pub(super) fn into_work(self) -> PathBuf {
        self.work
    }
}

impl Job<'_> {
    fn seconds(&self) -> f64 {
        self.plan.duration_ms as f64 / 1000.0
    }

    /// Bytes of the disk that may still be taken.
    fn room(&self, needed: u64) -> Result<u64, RenderError> {
        let disk = rustix::fs::statvfs(&self.work).map_err(|error| RenderError::Folder(error.into()))?;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        let whole = needed.saturating_add(LEAST).saturating_add(self.control.reserve);
        if free < whole {
            return Err(RenderError::Full { free: free >> 20, needed: whole >> 20 });
        }
        Ok(free - self.control.reserve)
    }

    /// Runs ffmpeg for a step that is `work` seconds of work and reads `seconds` of film.
    pub(super) async fn run(
        &mut self,
        line: Line,
        work: f64,
        seconds: f64,
        needed: u64,
    ) -> Result<ffmpeg::Said, RenderError> {
        let room = self.room(needed)?;
        let film = if line.film { Some((self.film)().map_err(RenderError::Film)?) } else { None };
        let (before, of, step, tell) = (self.done, self.of, self.step, self.control.tell);
        let told = |micros: u64, speed: Option<f64>| {
            let part = (micros as f64 / 1e6 / seconds.max(0.001)).clamp(0.0, 1.0);
            tell(Progress { step, done: (before + part * work) / of.max(0.001), speed });
        };
        told(0, None);
        let said = ffmpeg::run(&line, film, &self.work, room, &mut self.control.paused, told).await;
        let said = said.map_err(|error| match error {
            ToolError::Failed { complaint } if complaint.contains("No space left") => {
                RenderError::Full { free: 0, needed: LEAST >> 20 }
            }
            other => other.into(),
        })?;
        self.done += work;
        Ok(said)
    }

    fn has(&self, name: &str) -> bool {
        self.work.join(name).exists()
    }

    /// What ffmpeg wrote as `new-…` is there as a whole.
    pub(super) fn keep(&self, name: &str) -> Result<(), RenderError> {
        let new = self.work.join(format!("new-{name}"));
        let synced = File::open(&new).and_then(|file| file.sync_all());
        synced.and_then(|()| fs::rename(&new, self.work.join(name))).map_err(RenderError::Folder)
    }

    /// Measures the sounds that are encoded.
    async fn measure(&mut self) -> Result<Vec<Option<Loudness>>, RenderError> {
        let mut measured = Vec::new();
        let seconds = self.seconds();
        self.step = Step::Sound;
        for sound in &self.plan.sounds {
            if sound.copy {
                measured.push(None);
                continue;
            }
            let said = self.run(command::measure(sound), seconds * MEASURING, seconds, 0).await?;
            measured.push(Loudness::read(&said.words));
        }
        Ok(measured)
    }

    fn encoded_sounds(&self) -> f64 {
        self.plan.sounds.iter().filter(|sound| !sound.copy).count() as f64
    }

    /// Keeps the picture as it is; the sound is encoded where it has to be, and other codings are added.
    pub(super) async fn copy(&mut self) -> Result<(), RenderError> {
        let (seconds, sounds) = (self.seconds(), self.encoded_sounds());
        let work = seconds * (0.05 + sounds * SOUND);
        let rungs = ladder::also(&ladder::usual(self.plan.height), &self.plan.also);
        let added = if rungs.is_empty() { 0.0 } else { seconds * (1.0 + JOINING) };
        self.of = work + sounds * seconds * MEASURING + added;
        let size = (self.film)().and_then(|film| Ok(film.metadata()?.len())).map_err(RenderError::Film)?;
        if self.has("0.mp4") {
            self.done = self.of - added;
        } else {
            self.room(size.saturating_mul(2))?;
            let measured = self.measure().await?;
            self.step = Step::Picture;
            self.run(command::copy(self.plan, &measured), work, seconds, size.saturating_mul(2)).await?;
            self.keep("0.mp4")?;
        }
        self.pictures(&rungs, 1).await
    }

    /// Encodes the picture in pieces, and the sound.
    pub(super) async fn encode(&mut self) -> Result<Ladder, RenderError> {
        let (seconds, sounds) = (self.seconds(), self.encoded_sounds());
        let probing = scenes::work(self.plan);
        self.of = probing + sounds * seconds * (MEASURING + SOUND) + seconds * (1.0 + JOINING);
        let ladder = self.ladder(probing).await?;
        self.sounds().await?;
        self.done = self.of - seconds * (1.0 + JOINING);
        let mut rungs = ladder.rungs.clone();
        rungs.extend(ladder::also(&ladder, &self.plan.also));
        self.pictures(&rungs, 0).await?;
        Ok(ladder)
    }

    /// Encodes the picture of a film that plays as it is in other codings, as renditions from the number `first` on.
    pub(super) async fn add(&mut self, first: usize) -> Result<(), RenderError> {
        self.of = self.seconds() * (1.0 + JOINING);
        let rungs = ladder::also(&ladder::usual(self.plan.height), &self.plan.also);
        self.pictures(&rungs, first).await
    }

    /// The ladder alone.
    pub(super) async fn choose(&mut self) -> Result<Ladder, RenderError> {
        self.of = PROBING;
        self.ladder(scenes::work(self.plan)).await
    }

    /// Encodes the picture in pieces and joins them, as renditions from the number `first` on.
    async fn pictures(&mut self, rungs: &[Rung], first: usize) -> Result<(), RenderError> {
        if rungs.is_empty() {
            return Ok(());
        }
        self.step = Step::Picture;
        let bitrate: f64 = rungs.iter().map(|rung| rung.bitrate.unwrap_or(4e6)).sum();
        for number in 0..self.plan.pieces() {
            let (start, length) = self.plan.piece(number);
            let length = length.min((self.plan.duration_ms * 1000).saturating_sub(start));
            let work = length as f64 / 1e6;
            let piece = format!("piece-{number}");
            if self.has(&piece) {
                self.done += work;
                continue;
            }
            let new = self.work.join("new-piece");
            remove(&new).and_then(|()| fs::create_dir(&new)).map_err(RenderError::Folder)?;
            // Twice what is expected: scenes differ.
            let needed = bitrate / 8.0 * work * 2.0;
            let line = command::piece(self.plan, rungs, number);
            let said = self.run(line, work, work, ffmpeg::bytes(needed)).await?;
            if said.pictures == 0 {
                // The sound goes on after the picture has ended.
                remove(&new).and_then(|()| fs::create_dir(&new)).map_err(RenderError::Folder)?;
            }
            let kept = sync(&new).and_then(|()| fs::rename(&new, self.work.join(&piece)));
            kept.map_err(RenderError::Folder)?;
        }
        self.join(rungs, first).await
    }

    async fn sounds(&mut self) -> Result<(), RenderError> {
        if self.plan.sounds.is_empty() || self.has("sound.mp4") {
            return Ok(());
        }
        let (seconds, sounds) = (self.seconds(), self.encoded_sounds());
        let measured = self.measure().await?;
        // 48 kB a second are more than six channels take.
        let needed = ffmpeg::bytes(seconds * 48_000.0 * self.plan.sounds.len() as f64);
        let line = command::sounds(self.plan, &measured);
        self.run(line, sounds * seconds * SOUND, seconds, needed).await?;
        self.keep("sound.mp4")
    }

    /// Puts the pieces together, the sound beside the best rendition.
    async fn join(&mut self, rungs: &[Rung], first: usize) -> Result<(), RenderError> {
        self.step = Step::Joining;
        let seconds = self.seconds();
        let work = seconds * JOINING / rungs.len().max(1) as f64;
        let pieces = (0..self.plan.pieces()).filter(|number| self.has(&format!("piece-{number}/0.mp4")));
        let pieces: Vec<u32> = pieces.collect();
        for (at, rung) in rungs.iter().enumerate() {
            let name = format!("{}.mp4", first + at);
            if self.has(&name) {
                continue;
            }
            fs::write(self.work.join("list"), command::list(self.plan, &pieces, at))
                .map_err(RenderError::Folder)?;
            let sizes = pieces.iter().filter_map(|number| {
                fs::metadata(self.work.join(format!("piece-{number}/{at}.mp4"))).ok().map(|file| file.len())
            });
            let needed = sizes.sum::<u64>().saturating_mul(2);
            let sound = first + at == 0 && self.has("sound.mp4");
            let line = command::join(self.plan, rung.codec, first + at, sound);
            self.run(line, work, seconds, needed).await?;
            self.keep(&name)?;
        }
        Ok(())
    }
}

/// What is in a folder is on the disk, and its names are.
fn sync(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        File::open(entry?.path())?.sync_all()?;
    }
    File::open(folder)?.sync_all()
}
