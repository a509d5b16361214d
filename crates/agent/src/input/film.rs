//! A video file, shown at its own pace, again and again.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::ffmpeg::{Decoded, Decoder, From};
use super::{Fault, Input, Shot, Stop};

/// Formats that are looked into. Playlists and lists of files are none: they would lead to other files.
const FORMATS: &str = "mov,mp4,matroska,webm,avi,mpegts,mpeg,asf,flv,ogg";

/// The input `file`.
#[derive(Debug)]
pub struct Film {
    path: PathBuf,
    decoded: Decoded,
}

impl Film {
    /// Shows a video file.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), decoded: Decoded::default() }
    }
}

fn open(path: &Path) -> Result<Decoder, Fault> {
    let what = format!("the film {}", path.display());
    let file = File::open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Fault::Missing(what.clone()),
        _ => Fault::Unreadable { what: what.clone(), why: error.to_string() },
    })?;
    let options =
        ["-re", "-stream_loop", "-1", "-protocol_whitelist", "file", "-format_whitelist", FORMATS, "-i"];
    let input: Vec<&str> = options.into_iter().chain(["file:/dev/fd/0"]).collect();
    Decoder::start(&what, &input, From::File(file))
}

impl Input for Film {
    fn kind(&self) -> &'static str {
        "file"
    }

    fn next(&mut self, stop: &Stop) -> Result<Shot, Fault> {
        let Self { path, decoded } = self;
        decoded.next(stop, || open(path))
    }
}
