//! What a film's file holds, as ffprobe says.

use std::fs::File;
use std::time::Duration;

use playhouse_watch::container::{Container, ReadError};

use crate::tool::{self, INPUT, Limits, ToolError};

/// Formats that are looked into. Playlists and lists of files are none: they would lead to other files.
pub(crate) const FORMATS: &str = "mov,mp4,matroska,webm,avi,mpegts,mpeg,asf,flv,ogg";

/// A whole film takes ffprobe some tens of milliseconds; a slow disk that has to wake up takes seconds.
const TIME: Duration = Duration::from_secs(30);

/// The description of a film with the most tracks and chapters is some 200 KB.
const OUTPUT: u64 = 2 << 20;

/// Why nothing is known about a film.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// ffprobe failed, or is not there.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// ffprobe said something that is not understood.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl ProbeError {
    /// Whether the film is to blame, so that asking again would give the same answer.
    pub fn lasts(&self) -> bool {
        !matches!(self, Self::Tool(ToolError::Start { .. }))
    }
}

/// Asks ffprobe what a film holds.
///
/// # Errors
/// [`ProbeError`].
pub async fn probe(film: File) -> Result<Container, ProbeError> {
    let arguments = [
        "-v",
        "error",
        "-protocol_whitelist",
        "file",
        "-format_whitelist",
        FORMATS,
        "-of",
        "json",
        "-show_format",
        "-show_streams",
        "-show_chapters",
        INPUT,
    ];
    let said = tool::run("ffprobe", &arguments, film, Limits { time: TIME, output: OUTPUT }).await?;
    Ok(Container::read(&said)?)
}
