//! Renditions: a film that browsers do not play, made playable once.
//!
//! The picture is copied where it can be. Otherwise it is encoded in pieces of a minute, all renditions of a piece at
//! once; a piece that is done is kept, whatever becomes of the program, and all are joined in the end without being
//! encoded again. Everything happens in `work` below the film's folder of renditions, which becomes that folder at
//! once.
//!
//! Rendition 0 is what plays everywhere. A film that plays as it is has none of that number: renditions in other
//! codings lie beside it, from 1 on.

mod command;
mod encoders;
pub(crate) mod ffmpeg;
mod job;
mod look;
mod scenes;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use playhouse_media::film;
use playhouse_watch::ladder::Ladder;
use playhouse_watch::rendering::{Picture, Plan};
use tokio::sync::watch;

use crate::index;
use crate::tool::ToolError;

pub use encoders::missing;
pub use look::{LookError, loudness, pictures, sheets, texts};

use job::Job;

/// The folder that everything happens in.
const WORK: &str = "work";

/// Renditions at most, so that what is not one is not looked for.
const MOST: usize = 16;

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

/// How many renditions a folder has that play in place of the film; none where they are not finished.
pub fn count(folder: &Path) -> usize {
    (0..MOST).take_while(|&number| index_of(folder, number).is_file()).count()
}

/// How many renditions a folder has beside a film that plays as it is, numbered from 1.
pub fn beside(folder: &Path) -> usize {
    if index_of(folder, 0).is_file() {
        return 0;
    }
    (1..MOST).take_while(|&number| index_of(folder, number).is_file()).count()
}

/// Removes what an unfinished run has left, and keeps what is finished. Blocks.
///
/// # Errors
/// Whatever the system says; what is not there is none.
pub fn remove_unfinished(folder: &Path) -> io::Result<()> {
    remove(&folder.join(WORK))
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
    let first = match plan.picture {
        Picture::Copy | Picture::Encode => 0,
        // Behind whatever there is.
        Picture::Keep => count(folder).max(1 + beside(folder)),
    };
    let mut job = Job::begin(film, plan, folder, control)?;
    let ladder = match plan.picture {
        Picture::Copy => job.copy().await.map(|()| None)?,
        Picture::Encode => Some(job.encode().await?),
        Picture::Keep => job.add(first).await.map(|()| None)?,
    };
    let work = job.into_work();
    let finishing = {
        let folder = folder.to_owned();
        tokio::task::spawn_blocking(move || finish(&work, &folder, first))
    };
    let finished = finishing.await.map_err(|error| RenderError::Folder(io::Error::other(error)))?;
    let (bytes, index_bytes) = finished?;
    Ok(Rendered { ladder, bytes, index_bytes })
}

/// Chooses the ladder of a film by probes and makes nothing of it: what [`render`] begins with.
///
/// # Errors
/// [`RenderError`].
pub async fn choose(
    film: &(dyn Fn() -> io::Result<File> + Sync),
    plan: &Plan,
    folder: &Path,
    control: Control<'_>,
) -> Result<Ladder, RenderError> {
    Job::begin(film, plan, folder, control)?.choose().await
}

/// Indexes what was made and puts it to its place, from the number `first` on. Its index is what makes a rendition one,
/// so that it comes last, and that of the best one last of all. Gives bytes of all renditions there are, and of their
/// indices.
fn finish(work: &Path, folder: &Path, first: usize) -> Result<(u64, u64), RenderError> {
    let made = (first..MOST).take_while(|&number| file_of(work, number).is_file()).count();
    for number in (first..first + made).rev() {
        let file = File::open(file_of(work, number)).map_err(RenderError::Folder)?;
        file.sync_all().map_err(RenderError::Folder)?;
        index::make(file, &index_of(work, number)).map_err(RenderError::Index)?;
    }
    for place in [file_of, index_of] {
        for number in (first..first + made).rev() {
            fs::rename(place(work, number), place(folder, number)).map_err(RenderError::Folder)?;
        }
    }
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(RenderError::Folder)?;
    remove(work).map_err(RenderError::Folder)?;
    let size = |path: PathBuf| fs::metadata(path).map_or(0, |file| file.len());
    let sizes =
        |place: fn(&Path, usize) -> PathBuf| (0..MOST).map(|number| size(place(folder, number))).sum();
    Ok((sizes(file_of), sizes(index_of)))
}
