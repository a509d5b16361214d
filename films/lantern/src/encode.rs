//! Pictures and sound go into `ffmpeg`, and a file that plays while it loads comes out.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::canvas::Canvas;
use crate::{SECONDS, lines, music, scene};

/// How the film is made.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Pixels across and down; both are even.
    pub size: (usize, usize),
    /// Pictures per second.
    pub rate: u32,
    /// Seconds from its start that are made, at most [`SECONDS`].
    pub seconds: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { size: (1280, 720), rate: 24, seconds: SECONDS }
    }
}

/// Why there is no film.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be written.
    #[error("`{path}` could not be written: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The program did not start.
    #[error("ffmpeg could not be started: {0}; install the package `ffmpeg`")]
    Start(io::Error),
    /// The program did not finish.
    #[error("ffmpeg made no film of it: {0}")]
    Encode(String),
}

/// Writes the film to `path`, and beside it its poster (`…-poster.jpg`) and subtitles (`….en.srt`). The file is there
/// under its name only once it is whole.
///
/// # Errors
/// See [`Error`].
pub fn make(path: &Path, settings: &Settings) -> Result<(), Error> {
    let write = |path: &Path| {
        let path = path.to_owned();
        move |source| Error::Write { path, source }
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(write(folder))?;
    }
    let sound = beside(path, "wav");
    let unfinished = beside(path, "part");
    fs::write(&sound, music::wave(settings.seconds)).map_err(write(&sound))?;
    let encoded = encode(&sound, &unfinished, settings);
    // What is left over of it harms nobody, and the film is what was asked for.
    drop(fs::remove_file(&sound));
    if let Err(error) = encoded {
        drop(fs::remove_file(&unfinished));
        return Err(error);
    }
    for (language, text) in lines::subtitles() {
        let file = path.with_extension(format!("{language}.srt"));
        fs::write(&file, text).map_err(write(&file))?;
    }
    poster(path, settings.size.1)?;
    fs::rename(&unfinished, path).map_err(write(path))
}

/// A picture as cinemas hang it up, two to three, of that height.
fn poster(film: &Path, height: usize) -> Result<(), Error> {
    let mut canvas = Canvas::new((height * 2 / 3, height));
    scene::poster(&mut canvas);
    let mut name = film.file_stem().unwrap_or_default().to_owned();
    name.push("-poster.jpg");
    let size = format!("{}x{height}", height * 2 / 3);
    let mut child = ffmpeg()
        .args(["-f", "rawvideo", "-pix_fmt", "rgb24", "-video_size", &size, "-i", "pipe:0"])
        .args(["-frames:v", "1", "-q:v", "3", "-f", "image2", "-update", "1"])
        .arg(film.with_file_name(name))
        .spawn()
        .map_err(Error::Start)?;
    let fed = child.stdin.take().map_or(Ok(()), |mut pipe| pipe.write_all(canvas.pixels()));
    finish(child, fed)
}

/// It, taking pictures by its standard input, and saying what went wrong.
fn ffmpeg() -> Command {
    let mut command = Command::new("ffmpeg");
    command
        .args(["-nostdin", "-hide_banner", "-loglevel", "error", "-y"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

/// Waits for its end. A write fails when it has given up, and then it says why.
fn finish(child: Child, fed: io::Result<()>) -> Result<(), Error> {
    let output = child.wait_with_output().map_err(Error::Start)?;
    let said = String::from_utf8_lossy(&output.stderr);
    match fed {
        _ if !output.status.success() => Err(Error::Encode(said.trim().to_owned())),
        Err(error) => Err(Error::Encode(error.to_string())),
        Ok(()) => Ok(()),
    }
}

/// A hidden file in the film's folder, which no library takes for a film.
fn beside(path: &Path, kind: &str) -> PathBuf {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{kind}"))
}

fn encode(sound: &Path, to: &Path, settings: &Settings) -> Result<(), Error> {
    let Settings { size: (width, height), rate, seconds } = *settings;
    let mut child = ffmpeg()
        .args(["-f", "rawvideo", "-pix_fmt", "rgb24", "-video_size", &format!("{width}x{height}")])
        .args(["-framerate", &rate.to_string(), "-i", "pipe:0"])
        .arg("-i")
        .arg(sound)
        .args(["-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-pix_fmt", "yuv420p"])
        .args(["-g", &(rate * 2).to_string(), "-c:a", "aac", "-b:a", "160k"])
        .args(["-metadata", "title=The Little Lantern"])
        .args(["-movflags", "+faststart", "-f", "mp4"])
        .arg(to)
        .spawn()
        .map_err(Error::Start)?;
    let fed = child.stdin.take().map_or(Ok(()), |pipe| feed(BufWriter::new(pipe), settings, seconds * rate));
    finish(child, fed)
}

fn feed(mut pipe: impl Write, settings: &Settings, pictures: u32) -> io::Result<()> {
    let mut canvas = Canvas::new(settings.size);
    for number in 0..pictures {
        scene::draw(&mut canvas, number as f32 / settings.rate as f32);
        pipe.write_all(canvas.pixels())?;
    }
    pipe.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_film_is_what_browsers_play_and_leaves_nothing_else_behind() {
        let folder = tempfile::tempdir().unwrap();
        let film = folder.path().join("deep/The Little Lantern (2026).mp4");
        make(&film, &Settings { size: (160, 90), rate: 12, seconds: 2 }).unwrap();
        let mut names: Vec<_> = fs::read_dir(film.parent().unwrap())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(
            names,
            [
                "The Little Lantern (2026)-poster.jpg",
                "The Little Lantern (2026).de.srt",
                "The Little Lantern (2026).en.srt",
                "The Little Lantern (2026).ja.srt",
                "The Little Lantern (2026).mp4",
            ]
        );
        let probe = Command::new("ffprobe")
            .args(["-v", "error", "-show_entries", "stream=codec_name:format=duration", "-of", "csv=p=0"])
            .arg(&film)
            .output()
            .unwrap();
        assert_eq!(
            String::from_utf8_lossy(&probe.stdout).lines().collect::<Vec<_>>(),
            ["h264", "aac", "2.000000"]
        );
    }

    #[test]
    fn a_place_that_cannot_be_written_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let blocked = folder.path().join("file");
        fs::write(&blocked, "").unwrap();
        let error = make(&blocked.join("film.mp4"), &Settings::default()).unwrap_err();
        assert!(error.to_string().contains("file"), "{error}");
    }
}
