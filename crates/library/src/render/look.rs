//! What is known of a film besides its picture: small pictures of it on sheets, its texts, how loud it is.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use playhouse_watch::captions;
use playhouse_watch::loudness::Loudness;
use playhouse_watch::sidecar::Subtitles;
use playhouse_watch::sprites::{ACROSS, DOWN, Sprites};
use tokio::sync::watch;

use super::{command, ffmpeg};
use crate::tool::ToolError;

/// Bytes that a sheet, or a text, may have.
const MOST_BYTES: u64 = 8 << 20;

/// Bytes that all subtitles of a film may have that are pictures: some 40 MB a language for two hours.
const MOST_PICTURES: u64 = 1 << 30;

/// Why something around a film was not made.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// ffmpeg failed.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// It could not be written.
    #[error("what lies around a film could not be written: {0}")]
    Folder(#[from] io::Error),
}

/// Makes the sheets of small pictures in `folder`, `sheet-0.jpg` and so on.
///
/// # Errors
/// [`LookError`].
pub async fn sheets(
    film: File,
    sprites: &Sprites,
    folder: &Path,
    paused: &mut watch::Receiver<bool>,
) -> Result<(), LookError> {
    fs::create_dir_all(folder)?;
    let line = command::sheets(sprites.every_ms, sprites.width, sprites.height, ACROSS, DOWN);
    ffmpeg::run(&line, Some(film), folder, MOST_BYTES, paused, |_, _| {}).await?;
    Ok(())
}

/// Measures the sound of that number as it is; nothing where that says nothing, as of one without a sample.
///
/// # Errors
/// [`LookError`].
pub async fn loudness(
    film: File,
    number: usize,
    folder: &Path,
    paused: &mut watch::Receiver<bool>,
) -> Result<Option<Loudness>, LookError> {
    fs::create_dir_all(folder)?;
    let line = command::measure_as_it_is(number);
    let said = ffmpeg::run(&line, Some(film), folder, MOST_BYTES, paused, |_, _| {}).await?;
    Ok(Loudness::read(&said.words))
}

/// Takes subtitles that are pictures out of a film, by their numbers among its subtitles, as they are: `name` in
/// `folder` is a Matroska file of nothing else. What does not become whole is not there.
///
/// # Errors
/// [`LookError`].
pub async fn pictures(
    film: File,
    numbers: &[usize],
    folder: &Path,
    name: &str,
    paused: &mut watch::Receiver<bool>,
) -> Result<(), LookError> {
    fs::create_dir_all(folder)?;
    let new = format!("new-{name}");
    let line = command::pictures(numbers, &new);
    let made = ffmpeg::run(&line, Some(film), folder, MOST_PICTURES, paused, |_, _| {}).await;
    if let Err(error) = made {
        fs::remove_file(folder.join(&new)).ok();
        return Err(error.into());
    }
    Ok(fs::rename(folder.join(&new), folder.join(name))?)
}

/// Takes texts out of a film, by their numbers among its subtitles: all in one pass. They come as they are in the film,
/// `SubStation` where it says so and `SubRip` otherwise.
///
/// # Errors
/// [`LookError`].
pub async fn texts(
    film: File,
    wanted: &[(usize, Subtitles)],
    folder: &Path,
    paused: &mut watch::Receiver<bool>,
) -> Result<Vec<Vec<captions::Cue>>, LookError> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    fs::create_dir_all(folder)?;
    let named: Vec<(usize, &str, String)> = wanted
        .iter()
        .map(|(number, format)| match format {
            Subtitles::Ass => (*number, "ass", format!("text-{number}")),
            Subtitles::Srt | Subtitles::Vtt => (*number, "srt", format!("text-{number}")),
        })
        .collect();
    ffmpeg::run(&command::texts(&named), Some(film), folder, MOST_BYTES, paused, |_, _| {}).await?;
    let mut found = Vec::new();
    for ((_, format, name), _) in named.iter().zip(wanted) {
        let path = folder.join(name);
        let mut bytes = Vec::new();
        File::open(&path)?.take(MOST_BYTES).read_to_end(&mut bytes)?;
        let format = if *format == "ass" { Subtitles::Ass } else { Subtitles::Srt };
        found.push(captions::read(format, &bytes));
        fs::remove_file(path)?;
    }
    Ok(found)
}
