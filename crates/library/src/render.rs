//! Renditions: a film that browsers do not play, made playable once.
//!
//! The picture is copied where it can be. Otherwise it is encoded in pieces of a minute, all renditions of a piece at
//! once; a piece that is done is kept, whatever becomes of the program, and all are joined in the end without being
//! encoded again. Everything happens in `work` below the film's folder of renditions, which becomes that folder at
//! once.

mod command;
mod ffmpeg;
mod look;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use playhouse_media::film;
use playhouse_watch::ladder::{self, Ladder, Probe};
use playhouse_watch::loudness::Loudness;
use playhouse_watch::rendering::{Picture, Plan};
use tokio::sync::watch;

use crate::index;
use crate::tool::ToolError;

pub use look::{LookError, sheets, texts};

use command::Line;

/// Renditions at most, so that what is not one is not looked for.
const MOST: usize = 16;

/// A film that is shorter is not probed: there is little to save, and nothing to choose scenes from.
const PROBED_MS: u64 = 30_000;

/// Bytes that a step is thought to take at least, beside what is known of it.
const LEAST: u64 = 16 << 20;

/// Why there are no renditions.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The film could not be opened.
    #[error("the film could not be opened: {0}")]
    Film(#[source] io::Error),
    /// The folder of renditions could not be written.
    #[error("the folder of renditions could not be written: {0}")]
    Folder(#[source] io::Error),
    /// The disk has no room; what is done is kept.
    #[error(
        "the disk is full: {free} MB are free, and {needed} MB have to be; what is done so far is kept, and it goes on \
         once there is room"
    )]
    Full {
        /// Megabytes that are free.
        free: u64,
        /// Megabytes that have to be.
        needed: u64,
    },
    /// ffmpeg failed.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// What was made cannot be served.
    #[error("what was made of it could not be indexed: {0}")]
    Index(#[source] film::Error),
}

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Scenes are encoded to choose the ladder.
    Probing,
    /// The sound is measured and encoded.
    Sound,
    /// The picture is copied or encoded.
    Picture,
    /// Pieces are put together.
    Joining,
}

/// How far it has come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// What is being done.
    pub step: Step,
    /// From 0 to 1, of everything.
    pub done: f64,
    /// Seconds of the film that take a second; nothing where that says nothing.
    pub speed: Option<f64>,
}

/// What somebody who waits for renditions has to say and to hear.
pub struct Control<'a> {
    /// Whether to stand still, for as long as it says so.
    pub paused: watch::Receiver<bool>,
    /// Is told how far it has come, some times each second.
    pub tell: &'a (dyn Fn(Progress) + Sync),
    /// Bytes of the disk that are left free.
    pub reserve: u64,
}

/// What was made.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendered {
    /// The ladder, where the picture was encoded.
    pub ladder: Option<Ladder>,
    /// Bytes of all renditions.
    pub bytes: u64,
    /// Bytes of their indices.
    pub index_bytes: u64,
}

/// The rendition of that number in a folder of them, the best being 0.
pub fn file_of(folder: &Path, number: usize) -> PathBuf {
    folder.join(format!("{number}.mp4"))
}

/// Its index.
pub fn index_of(folder: &Path, number: usize) -> PathBuf {
    folder.join(format!("{number}.index"))
}

/// How many renditions a folder has; none where they are not finished.
pub fn count(folder: &Path) -> usize {
    (0..MOST).take_while(|&number| index_of(folder, number).is_file()).count()
}

/// Removes all that was made of a film, finished or not. Blocks.
///
/// # Errors
/// Whatever the system says; what is not there is none.
pub fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes the renditions of a film in `folder`, and goes on where an earlier run was ended. `film` opens the film, once
/// for each step. Ends all it started where the caller stops waiting.
///
/// # Errors
/// [`RenderError`]; what is done is kept for the next try.
pub async fn render(
    film: &(dyn Fn() -> io::Result<File> + Sync),
    plan: &Plan,
    folder: &Path,
    control: Control<'_>,
) -> Result<Rendered, RenderError> {
    let work = folder.join("work");
    fs::create_dir_all(&work).map_err(RenderError::Folder)?;
    let mut job = Job { film, plan, work, control, done: 0.0, of: 0.0, step: Step::Picture };
    let ladder = match plan.picture {
        Picture::Copy => {
            job.copy().await?;
            None
        }
        Picture::Encode => Some(job.encode().await?),
    };
    let work = job.work;
    let finishing = {
        let folder = folder.to_owned();
        tokio::task::spawn_blocking(move || finish(&work, &folder))
    };
    let finished = finishing.await.map_err(|error| RenderError::Folder(io::Error::other(error)))?;
    let (bytes, index_bytes) = finished?;
    Ok(Rendered { ladder, bytes, index_bytes })
}

/// Indexes what was made and puts it to its place. Its index is what makes a rendition one, so that it comes last, and
/// that of the best one last of all.
fn finish(work: &Path, folder: &Path) -> Result<(u64, u64), RenderError> {
    let (mut bytes, mut index_bytes) = (0, 0);
    let made = (0..MOST).take_while(|&number| file_of(work, number).is_file()).count();
    for number in (0..made).rev() {
        let new = file_of(work, number);
        let file = File::open(&new).map_err(RenderError::Folder)?;
        file.sync_all().map_err(RenderError::Folder)?;
        bytes += file.metadata().map_err(RenderError::Folder)?.len();
        let summary = index::make(file, &index_of(work, number)).map_err(RenderError::Index)?;
        index_bytes += summary.bytes;
    }
    for place in [file_of, index_of] {
        for number in (0..made).rev() {
            fs::rename(place(work, number), place(folder, number)).map_err(RenderError::Folder)?;
        }
    }
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(RenderError::Folder)?;
    remove(work).map_err(RenderError::Folder)?;
    Ok((bytes, index_bytes))
}

/// One film's way to its renditions.
struct Job<'a> {
    film: &'a (dyn Fn() -> io::Result<File> + Sync),
    plan: &'a Plan,
    work: PathBuf,
    control: Control<'a>,
    /// Seconds of work that are done, and that there are in all; a second of film that is encoded is one.
    done: f64,
    of: f64,
    step: Step,
}

/// What measuring and encoding a sound takes, and joining, of what encoding the picture does.
const MEASURING: f64 = 0.02;
const SOUND: f64 = 0.05;
const JOINING: f64 = 0.02;
/// Seconds of work that the probes of a ladder are.
const PROBING: f64 = 60.0;

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
    async fn run(
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
    fn keep(&self, name: &str) -> Result<(), RenderError> {
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

    /// Keeps the picture as it is; the sound is encoded where it has to be.
    async fn copy(&mut self) -> Result<(), RenderError> {
        let (seconds, sounds) = (self.seconds(), self.encoded_sounds());
        let work = seconds * (0.05 + sounds * SOUND);
        self.of = work + sounds * seconds * MEASURING;
        let size = (self.film)().and_then(|film| Ok(film.metadata()?.len())).map_err(RenderError::Film)?;
        if !self.has("0.mp4") {
            self.room(size.saturating_mul(2))?;
            let measured = self.measure().await?;
            self.step = Step::Picture;
            self.run(command::copy(self.plan, &measured), work, seconds, size.saturating_mul(2)).await?;
            self.keep("0.mp4")?;
        }
        Ok(())
    }

    /// Encodes the picture in pieces, and the sound.
    async fn encode(&mut self) -> Result<Ladder, RenderError> {
        let (seconds, sounds) = (self.seconds(), self.encoded_sounds());
        let probing = if self.plan.duration_ms < PROBED_MS { 0.0 } else { PROBING };
        let joining = seconds * JOINING;
        self.of = probing + sounds * seconds * (MEASURING + SOUND) + seconds + joining;
        let ladder = self.ladder(probing).await?;
        self.sounds().await?;
        self.done = self.of - seconds - joining;
        self.step = Step::Picture;
        let bitrate: f64 = ladder.rungs.iter().map(|rung| rung.bitrate.unwrap_or(4e6)).sum();
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
            let line = command::piece(self.plan, &ladder.rungs, number);
            let said = self.run(line, work, work, ffmpeg::bytes(needed)).await?;
            if said.pictures == 0 {
                // The sound goes on after the picture has ended.
                remove(&new).and_then(|()| fs::create_dir(&new)).map_err(RenderError::Folder)?;
            }
            let kept = sync(&new).and_then(|()| fs::rename(&new, self.work.join(&piece)));
            kept.map_err(RenderError::Folder)?;
        }
        self.join(&ladder, joining).await?;
        Ok(ladder)
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

    /// The ladder: chosen by probes once, and kept, so that all pieces are of the same one.
    async fn ladder(&mut self, probing: f64) -> Result<Ladder, RenderError> {
        let kept = self.work.join("ladder.json");
        if let Some(ladder) = fs::read(&kept).ok().and_then(|json| serde_json::from_slice(&json).ok()) {
            self.done += probing;
            return Ok(ladder);
        }
        let ladder = if probing > 0.0 {
            self.step = Step::Probing;
            ladder::choose(self.plan.height, &self.probe(probing).await?)
        } else {
            ladder::usual(self.plan.height)
        };
        let json = serde_json::to_vec(&ladder).map_err(|error| RenderError::Folder(error.into()))?;
        let new = self.work.join("new-ladder.json");
        fs::write(&new, json).map_err(RenderError::Folder)?;
        self.keep("ladder.json")?;
        Ok(ladder)
    }

    async fn probe(&mut self, work: f64) -> Result<Vec<Probe>, RenderError> {
        let (line, seconds) = command::scenes(self.plan);
        // The scenes are kept without loss.
        self.run(line, work * 0.2, seconds, 256 << 20).await?;
        let wanted = ladder::probes(self.plan.height);
        let each = work * 0.8 / wanted.len().max(1) as f64;
        let mut probes = Vec::new();
        for (height, crf) in wanted {
            self.run(command::probe(self.plan, height, crf), each * 0.6, seconds, 0).await?;
            let size = fs::metadata(self.work.join("probe.mp4")).map_err(RenderError::Folder)?.len();
            let said = self.run(command::compare(), each * 0.4, seconds, 0).await?;
            if let Some(ssim) = ffmpeg::likeness(&said.words) {
                probes.push(Probe { height, crf, bitrate: size as f64 * 8.0 / seconds, ssim });
            }
        }
        for file in ["scenes.mkv", "probe.mp4"] {
            fs::remove_file(self.work.join(file)).map_err(RenderError::Folder)?;
        }
        Ok(probes)
    }

    /// Puts the pieces together, the sound beside the best rendition.
    async fn join(&mut self, ladder: &Ladder, work: f64) -> Result<(), RenderError> {
        self.step = Step::Joining;
        let (seconds, renditions) = (self.seconds(), ladder.rungs.len());
        let pieces = (0..self.plan.pieces()).filter(|number| self.has(&format!("piece-{number}/0.mp4")));
        let pieces: Vec<u32> = pieces.collect();
        for rendition in 0..renditions {
            let name = format!("{rendition}.mp4");
            if self.has(&name) {
                continue;
            }
            fs::write(self.work.join("list"), command::list(self.plan, &pieces, rendition))
                .map_err(RenderError::Folder)?;
            let sizes = pieces.iter().filter_map(|number| {
                fs::metadata(self.work.join(format!("piece-{number}/{name}"))).ok().map(|file| file.len())
            });
            let needed = sizes.sum::<u64>().saturating_mul(2);
            let sound = rendition == 0 && self.has("sound.mp4");
            let line = command::join(self.plan, rendition, sound);
            self.run(line, work / renditions as f64, seconds, needed).await?;
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
