//! Posters: one picture of each film, from a file beside it or taken out of it.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use playhouse_watch::sidecar;

use crate::folder;
use crate::probe::FORMATS;
use crate::tool::{self, INPUT, Limits, ToolError};

/// Seeking and decoding one picture takes a fraction of a second, on a busy machine some seconds.
const TIME: Duration = Duration::from_secs(60);

/// A JPEG of 640 pixels across has some 50 KB.
const OUTPUT: u64 = 4 << 20;

/// Why there is no poster.
#[derive(Debug, thiserror::Error)]
pub enum PosterError {
    /// ffmpeg failed.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// ffmpeg found no picture there.
    #[error("there is no picture at that place of the film")]
    NoPicture,
    /// It could not be written.
    #[error("the poster could not be written: {0}")]
    Write(#[from] std::io::Error),
}

/// Takes the picture at 10 % of a film of that duration, and writes it as JPEG to `to`, whole or not at all.
///
/// # Errors
/// [`PosterError`].
pub async fn make(film: File, duration: Duration, to: &Path) -> Result<(), PosterError> {
    let at = format!("{:.3}", duration.as_secs_f64() / 10.0);
    let arguments = [
        "-v",
        "error",
        "-protocol_whitelist",
        "file,pipe",
        "-format_whitelist",
        FORMATS,
        "-threads",
        "1",
        "-ss",
        &at,
        "-i",
        INPUT,
        "-map",
        "0:v:0",
        "-frames:v",
        "1",
        "-vf",
        "scale=640:-2",
        "-q:v",
        "4",
        "-f",
        "mjpeg",
        "pipe:1",
    ];
    let picture = tool::run("ffmpeg", &arguments, film, Limits { time: TIME, output: OUTPUT }).await?;
    if picture.is_empty() {
        return Err(PosterError::NoPicture);
    }
    if let Some(folder) = to.parent() {
        tokio::fs::create_dir_all(folder).await?;
    }
    let new = to.with_extension("new");
    tokio::fs::write(&new, picture).await?;
    Ok(tokio::fs::rename(&new, to).await?)
}

/// The picture that lies beside a film, with its media type: `Film-poster.jpg`, `Film.jpg`, or, where the film has a
/// folder of its own, `poster.jpg`; PNG as well. Blocks.
pub fn beside(films: &Path, path: &str) -> Option<(&'static str, Vec<u8>)> {
    let (below, file) = path.rsplit_once('/').map_or(("", path), |(below, file)| (below, file));
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    let own = [format!("{stem}-poster"), stem.to_owned()];
    let general = ["poster", "folder", "cover"].map(str::to_owned);
    let stems = own.into_iter().chain(general.into_iter().filter(|_| !below.is_empty()));
    let names = stems.flat_map(|stem| ["jpg", "jpeg", "png"].map(|ending| format!("{stem}.{ending}")));
    let pictures = names.filter(|name| matches!(sidecar::of(name, file), Some(sidecar::Sidecar::Poster(_))));
    pictures.into_iter().find_map(|name| {
        let place = if below.is_empty() { name } else { format!("{below}/{name}") };
        let mut bytes = Vec::new();
        folder::open(films, &place).ok()?.take(OUTPUT + 1).read_to_end(&mut bytes).ok()?;
        let kind = match bytes.get(..3)? {
            b"\xff\xd8\xff" => "image/jpeg",
            b"\x89PN" => "image/png",
            _ => return None,
        };
        (bytes.len() as u64 <= OUTPUT).then_some((kind, bytes))
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_picture_beside_a_film_is_its_poster() {
        let folder = tempfile::tempdir().unwrap();
        let films = folder.path();
        fs::create_dir(films.join("Own")).unwrap();
        fs::write(films.join("poster.jpg"), b"\xff\xd8\xff general").unwrap();
        fs::write(films.join("Own/poster.png"), b"\x89PNG").unwrap();
        assert_eq!(beside(films, "Film.mp4"), None, "another film's");
        assert_eq!(beside(films, "Own/Film.mp4"), Some(("image/png", b"\x89PNG".to_vec())));
        fs::write(films.join("Own/Film-poster.jpg"), b"no picture").unwrap();
        assert_eq!(beside(films, "Own/Film.mp4").unwrap().0, "image/png");
        fs::write(films.join("Film.jpg"), b"\xff\xd8\xff own").unwrap();
        assert_eq!(beside(films, "Film.mp4").unwrap().0, "image/jpeg");
        fs::remove_file(films.join("Film.jpg")).unwrap();
        std::os::unix::fs::symlink(films.join("poster.jpg"), films.join("Film.jpg")).unwrap();
        assert_eq!(beside(films, "Film.mp4"), None, "a link was followed");
    }
}
