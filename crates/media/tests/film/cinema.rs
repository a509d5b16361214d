//! Films that `ffmpeg` makes, and the same as files of HLS and DASH.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::Command;

use playhouse_media::film::{self, Index, Part, Summary};
use tempfile::TempDir;

use crate::judge::judge;

/// A film, its index, and everything that it is served as.
pub(crate) struct Cinema {
    folder: TempDir,
    film: PathBuf,
    pub(crate) index: Index,
    pub(crate) summary: Summary,
}

impl Cinema {
    /// A film that `ffmpeg` makes of those arguments, in a file of that name.
    pub(crate) fn show(name: &str, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let film = folder.path().join(name);
        make(&film, arguments);
        Self::open(folder, film)
    }

    /// Another film that `ffmpeg` makes of this one.
    pub(crate) fn again(&self, name: &str, arguments: &[&str], before: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let film = folder.path().join(name);
        make(&film, &[before, &["-i", self.film()], arguments].concat());
        Self::open(folder, film)
    }

    fn open(folder: TempDir, film: PathBuf) -> Self {
        let sidecar = folder.path().join("film.index");
        let summary =
            film::index(&mut File::open(&film).unwrap(), &mut File::create(&sidecar).unwrap()).unwrap();
        let index = Index::open(File::open(&sidecar).unwrap()).unwrap();
        assert_eq!(index.tracks(), summary.tracks);
        assert_eq!(summary.bytes, std::fs::metadata(&sidecar).unwrap().len());
        let cinema = Self { folder, film, index, summary };
        cinema.write();
        cinema
    }

    /// Writes every part of the film into the folder, under the name that the playlists use.
    fn write(&self) {
        let put = |part: Part, data: &[u8]| {
            let path = self.path(part);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, data).unwrap();
        };
        put(Part::Master, self.index.master().as_bytes());
        put(Part::Manifest, self.index.manifest().as_bytes());
        for track in 0..self.index.tracks().len() {
            put(Part::Playlist(track), self.index.playlist(track).unwrap().as_bytes());
            put(Part::Init(track), &self.index.init(track).unwrap());
            for number in 0..self.index.segments(track) {
                put(Part::Segment(track, number), &self.segment(track, number));
            }
        }
    }

    /// A segment with the bytes of the film that belong to it.
    pub(crate) fn segment(&self, track: usize, number: u32) -> Vec<u8> {
        let segment = self.index.segment(track, number).unwrap();
        let mut film = File::open(&self.film).unwrap();
        let mut data = segment.head;
        for range in segment.ranges {
            film.seek(SeekFrom::Start(range.start)).unwrap();
            film.by_ref().take(range.end - range.start).read_to_end(&mut data).unwrap();
        }
        assert_eq!(data.len() as u64, segment.len);
        data
    }

    pub(crate) fn film(&self) -> &str {
        self.film.to_str().unwrap()
    }

    pub(crate) fn path(&self, part: Part) -> PathBuf {
        self.folder.path().join(part.to_string())
    }

    pub(crate) fn url(&self, part: Part) -> String {
        self.path(part).to_str().unwrap().to_owned()
    }
}

pub(crate) fn make(film: &Path, arguments: &[&str]) {
    let made = Command::new("ffmpeg")
        .args(["-hide_banner", "-v", "error", "-nostdin"])
        .args(arguments)
        .args(["-bitexact", film.to_str().unwrap()])
        .output()
        .expect("ffmpeg is needed for this test");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// The hashes of what `ffmpeg` decodes of a stream (`v:0`), or of its packets as they are.
pub(crate) fn hashes(input: &str, stream: &str, decoded: bool) -> Vec<String> {
    let map = format!("0:{stream}");
    let mut arguments = vec!["-i", input, "-map", &map];
    if !decoded {
        arguments.extend(["-c", "copy"]);
    }
    // Each picture once, whatever its time is.
    arguments.extend(["-fps_mode", "passthrough", "-f", "framemd5", "-"]);
    let lines = String::from_utf8(judge("ffmpeg", &arguments, &[])).unwrap();
    // Stream, two times, duration, bytes, hash, and what is said beside it.
    let hash = |line: &str| line.split(',').nth(5).unwrap().trim().to_owned();
    lines.lines().filter(|line| !line.starts_with('#')).map(hash).collect()
}

/// When each packet of a stream is shown, in microseconds.
pub(crate) fn times(input: &str, stream: &str) -> Vec<i64> {
    let entries = ["-select_streams", stream, "-show_entries", "packet=pts_time", "-of", "csv=p=0", input];
    let lines = String::from_utf8(judge("ffprobe", &entries, &[])).unwrap();
    let micros = |line: &str| {
        let (seconds, micros) = line.trim_end_matches(',').split_once('.').unwrap();
        let sign = if seconds.starts_with('-') { -1 } else { 1 };
        seconds.parse::<i64>().unwrap() * 1_000_000 + sign * micros.parse::<i64>().unwrap()
    };
    // Side data of a packet makes an empty line.
    lines.lines().filter(|line| !line.is_empty()).map(micros).collect()
}

/// What `ffprobe` says of an input.
pub(crate) fn probe(input: &str, entries: &str) -> String {
    let arguments = ["-show_entries", entries, "-of", "compact=nk=1:p=0", input];
    String::from_utf8(judge("ffprobe", &arguments, &[])).unwrap().trim().to_owned()
}
