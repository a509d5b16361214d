//! What a container holds, as ffprobe says it, and whether a browser plays it as it is.

use serde::{Deserialize, Serialize};

/// Tracks that are kept at most: a file with more is made to hurt.
const TRACKS: usize = 64;

/// Chapters that are kept at most: one a minute of the longest film.
const CHAPTERS: usize = 500;

/// What a track is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Pictures.
    Video,
    /// Sound.
    Audio,
    /// Text or pictures of text.
    Subtitle,
}

/// What the numbers of a picture mean (ITU-T H.273), by ffmpeg's names; none where the file does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Colour {
    /// The primaries: `bt709`, `bt2020`.
    pub primaries: Option<String>,
    /// The transfer: `bt709`, `smpte2084` (PQ), `arib-std-b67` (HLG).
    pub transfer: Option<String>,
    /// The matrix: `bt709`, `bt2020nc`.
    pub matrix: Option<String>,
    /// `tv`, where black is 16 and white 235 of 255, or `pc`, where all numbers are used.
    pub range: Option<String>,
}

/// One track.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Track {
    /// What it is of.
    pub kind: Kind,
    /// The codec by ffmpeg's name: `h264`, `aac`.
    pub codec: String,
    /// The codec's profile: `High`, `LC`.
    pub profile: Option<String>,
    /// How pixels are laid out by ffmpeg's name: `yuv420p`.
    pub pixels: Option<String>,
    /// The language by ISO 639: `eng`.
    pub language: Option<String>,
    /// Pixels across.
    pub width: Option<u32>,
    /// Pixels down.
    pub height: Option<u32>,
    /// Channels of sound.
    pub channels: Option<u32>,
    /// What the file calls it, such as "Director's commentary".
    #[serde(default)]
    pub title: Option<String>,
    /// Pictures per second, as a fraction.
    #[serde(default)]
    pub rate: Option<(u32, u32)>,
    /// Microseconds by which it begins later than the file does.
    #[serde(default)]
    pub late_us: u64,
    /// Whether the brightness goes beyond what usual screens show (PQ or HLG, ITU-R BT.2100).
    #[serde(default)]
    pub bright: bool,
    /// What the numbers of its pictures mean.
    #[serde(default)]
    pub colour: Colour,
    /// Subtitles of only what is foreign in the film's own language.
    #[serde(default)]
    pub forced: bool,
}

/// A part of a film with a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chapter {
    /// Milliseconds from the film's beginning.
    pub start_ms: u64,
    /// What it is called; empty where the file does not say.
    pub title: String,
}

/// A file as ffprobe read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Container {
    /// The container by ffmpeg's name: `mov,mp4,m4a,3gp,3g2,mj2`.
    pub format: String,
    /// Milliseconds, where they are known.
    pub duration_ms: Option<u64>,
    /// Its tracks; attached pictures and data are left out.
    pub tracks: Vec<Track>,
    /// Its chapters, in order.
    pub chapters: Vec<Chapter>,
}

/// Why what ffprobe said is not understood.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is no JSON of the shape that ffprobe gives.
    #[error("what ffprobe said could not be read: {0}")]
    Json(#[from] serde_json::Error),
}

/// What ffprobe gives by `-of json -show_format -show_streams -show_chapters`.
#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    streams: Vec<Stream>,
    #[serde(default)]
    format: Format,
    #[serde(default)]
    chapters: Vec<Part>,
}

#[derive(Deserialize)]
struct Part {
    start_time: Option<String>,
    #[serde(default)]
    tags: Tags,
}

#[derive(Default, Deserialize)]
struct Format {
    #[serde(default, rename = "format_name")]
    name: String,
    duration: Option<String>,
    start_time: Option<String>,
}

#[derive(Deserialize)]
struct Stream {
    codec_type: Option<String>,
    codec_name: Option<String>,
    profile: Option<String>,
    pix_fmt: Option<String>,
    width: Option<u32>,
    height: Option<u32>,
    channels: Option<u32>,
    avg_frame_rate: Option<String>,
    start_time: Option<String>,
    color_primaries: Option<String>,
    color_transfer: Option<String>,
    color_space: Option<String>,
    color_range: Option<String>,
    #[serde(default)]
    tags: Tags,
    #[serde(default)]
    disposition: Disposition,
}

#[derive(Default, Deserialize)]
struct Tags {
    language: Option<String>,
    title: Option<String>,
}

#[derive(Default, Deserialize)]
struct Disposition {
    #[serde(default)]
    attached_pic: u8,
    #[serde(default)]
    forced: u8,
}

impl Container {
    /// Reads what ffprobe said, as JSON.
    ///
    /// # Errors
    /// [`ReadError`] where it is of another shape.
    pub fn read(json: &[u8]) -> Result<Self, ReadError> {
        let said: Said = serde_json::from_slice(json)?;
        let start = seconds(said.format.start_time.as_deref()).unwrap_or_default();
        Ok(Self {
            format: said.format.name,
            duration_ms: millis(said.format.duration.as_deref()),
            tracks: said.streams.into_iter().filter_map(|stream| track(stream, start)).take(TRACKS).collect(),
            chapters: chapters(said.chapters),
        })
    }

    /// The pictures that are shown: the first track of them.
    pub fn video(&self) -> Option<&Track> {
        self.tracks.iter().find(|track| track.kind == Kind::Video)
    }

    /// Whether a browser plays the file as it is: H.264 of 8 bits and AAC, or no sound, in MP4.
    ///
    /// # Errors
    /// The sentence that says why not.
    pub fn playable(&self) -> Result<(), String> {
        let Some(video) = self.video() else {
            return Err("There is no picture in this file.".to_owned());
        };
        let audio: Vec<&Track> = self.tracks.iter().filter(|track| track.kind == Kind::Audio).collect();
        let mp4 = self.format.split(',').any(|name| name == "mp4");
        let pixels = matches!(video.pixels.as_deref(), None | Some("yuv420p" | "yuvj420p"));
        let sound = audio.is_empty() || audio.iter().any(|track| track.codec == "aac");
        if mp4 && video.codec == "h264" && pixels && sound {
            return Ok(());
        }
        let mut parts = vec![video_word(video)];
        parts.extend(audio.first().map(|track| codec_word(&track.codec)));
        Err(format!(
            "{} in {} is not what browsers play: it has to be converted first. H.264 and AAC in MP4 play at once.",
            parts.join(" and "),
            container_word(&self.format)
        ))
    }
}

/// Seconds as ffprobe writes them; none where they make no sense.
fn seconds(text: Option<&str>) -> Option<f64> {
    text?.parse().ok().filter(|seconds| (-1e9..1e9).contains(seconds))
}

/// Milliseconds of seconds that are none before zero.
fn millis(text: Option<&str>) -> Option<u64> {
    let seconds = seconds(text).filter(|seconds| *seconds >= 0.0)?;
    u64::try_from(std::time::Duration::from_secs_f64(seconds).as_millis()).ok()
}

fn chapters(parts: Vec<Part>) -> Vec<Chapter> {
    let chapter = |part: Part| {
        let title = part.tags.title.as_deref().map(line).unwrap_or_default();
        Some(Chapter { start_ms: millis(part.start_time.as_deref())?, title })
    };
    let mut chapters: Vec<Chapter> = parts.into_iter().filter_map(chapter).take(CHAPTERS).collect();
    chapters.sort_by_key(|chapter| chapter.start_ms);
    chapters
}

/// A fraction as ffprobe writes it; none where it is no rate of pictures.
fn rate(text: &str) -> Option<(u32, u32)> {
    let (num, den) = text.split_once('/')?;
    let (num, den): (u32, u32) = (num.parse().ok()?, den.parse().ok()?);
    (num > 0 && den > 0).then_some((num, den))
}

fn track(stream: Stream, start: f64) -> Option<Track> {
    let kind = match stream.codec_type.as_deref()? {
        "video" if stream.disposition.attached_pic == 0 => Kind::Video,
        "audio" => Kind::Audio,
        "subtitle" => Kind::Subtitle,
        _ => return None,
    };
    let late = seconds(stream.start_time.as_deref()).map_or(0.0, |at| (at - start).clamp(0.0, 1e6));
    Some(Track {
        kind,
        late_us: u64::try_from(std::time::Duration::from_secs_f64(late).as_micros()).unwrap_or(0),
        codec: short(stream.codec_name.unwrap_or_else(|| "unknown".to_owned())),
        profile: stream.profile.map(short),
        pixels: stream.pix_fmt.map(short),
        language: stream.tags.language.map(short).filter(|language| language != "und"),
        width: stream.width.filter(|_| kind == Kind::Video),
        height: stream.height.filter(|_| kind == Kind::Video),
        channels: stream.channels.filter(|_| kind == Kind::Audio),
        title: stream.tags.title.as_deref().map(line).filter(|title| !title.is_empty()),
        rate: stream.avg_frame_rate.as_deref().filter(|_| kind == Kind::Video).and_then(rate),
        bright: matches!(stream.color_transfer.as_deref(), Some("smpte2084" | "arib-std-b67")),
        forced: stream.disposition.forced != 0,
        colour: Colour {
            primaries: stream.color_primaries.and_then(known),
            transfer: stream.color_transfer.and_then(known),
            matrix: stream.color_space.and_then(known),
            range: stream.color_range.and_then(known),
        },
    })
}

/// A line that people read, of a file's own words.
fn line(text: &str) -> String {
    const LONGEST: usize = 120;
    text.chars().filter(|c| !c.is_control()).take(LONGEST).collect::<String>().trim().to_owned()
}

/// A name that says something.
fn known(name: String) -> Option<String> {
    Some(short(name)).filter(|name| !matches!(name.as_str(), "" | "unknown" | "unspecified" | "reserved"))
}

/// Names come from the file: nobody needs a long one.
fn short(text: String) -> String {
    const LONGEST: usize = 40;
    if text.chars().count() <= LONGEST { text } else { text.chars().take(LONGEST).collect() }
}

fn video_word(track: &Track) -> String {
    match (track.codec.as_str(), track.pixels.as_deref()) {
        ("h264", Some(pixels)) if !matches!(pixels, "yuv420p" | "yuvj420p") => {
            format!("H.264 of the kind {pixels}")
        }
        (codec, _) => codec_word(codec),
    }
}

fn codec_word(codec: &str) -> String {
    let known = match codec {
        "h264" => "H.264",
        "hevc" => "HEVC",
        "av1" => "AV1",
        "vp8" => "VP8",
        "vp9" => "VP9",
        "mpeg4" => "MPEG-4",
        "mpeg2video" => "MPEG-2",
        "aac" => "AAC",
        "ac3" => "AC-3",
        "eac3" => "E-AC-3",
        "dts" => "DTS",
        "mp3" => "MP3",
        "opus" => "Opus",
        "vorbis" => "Vorbis",
        "flac" => "FLAC",
        other => return other.to_owned(),
    };
    known.to_owned()
}

fn container_word(format: &str) -> &str {
    match format {
        "matroska,webm" => "Matroska",
        "mov,mp4,m4a,3gp,3g2,mj2" => "MP4",
        "avi" => "AVI",
        "mpegts" => "an MPEG transport stream",
        "" => "an unknown container",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(format: &str, tracks: &[(&str, &str, &str)]) -> Container {
        let streams: Vec<serde_json::Value> = tracks
            .iter()
            .map(|(kind, codec, pixels)| {
                let pixels = (!pixels.is_empty()).then_some(*pixels);
                serde_json::json!({"codec_type": kind, "codec_name": codec, "pix_fmt": pixels, "width": 640, "height": 360, "channels": 2})
            })
            .collect();
        let said =
            serde_json::json!({"streams": streams, "format": {"format_name": format, "duration": "12.5"}});
        Container::read(said.to_string().as_bytes()).unwrap()
    }

    const MP4: &str = "mov,mp4,m4a,3gp,3g2,mj2";

    #[test]
    fn what_browsers_play_is_played_as_it_is() {
        let film =
            container(MP4, &[("video", "h264", "yuv420p"), ("audio", "aac", ""), ("data", "bin_data", "")]);
        assert_eq!(film.playable(), Ok(()));
        assert_eq!((film.duration_ms, film.tracks.len()), (Some(12_500), 2));
        assert_eq!((film.tracks[0].width, film.tracks[0].channels), (Some(640), None));
        assert_eq!((film.tracks[1].width, film.tracks[1].channels), (None, Some(2)));
        assert_eq!(container(MP4, &[("video", "h264", "yuv420p")]).playable(), Ok(()));
    }

    #[test]
    fn what_browsers_do_not_play_is_said_in_a_sentence() {
        let table = [
            (
                container("matroska,webm", &[("video", "h264", "yuv420p"), ("audio", "aac", "")]),
                "H.264 and AAC in Matroska",
            ),
            (container(MP4, &[("video", "hevc", "yuv420p10le")]), "HEVC in MP4"),
            (container(MP4, &[("video", "h264", "yuv420p10le")]), "H.264 of the kind yuv420p10le in MP4"),
            (container(MP4, &[("video", "h264", "yuv420p"), ("audio", "ac3", "")]), "H.264 and AC-3 in MP4"),
            (container(MP4, &[("audio", "aac", "")]), "no picture"),
        ];
        for (film, words) in table {
            let sentence = film.playable().unwrap_err();
            assert!(sentence.contains(words), "{sentence}");
        }
    }

    #[test]
    fn what_the_numbers_of_a_picture_mean_is_read() {
        let said = br#"{"streams":[{"codec_type":"video","codec_name":"hevc","color_primaries":"bt2020",
            "color_transfer":"smpte2084","color_space":"bt2020nc","color_range":"tv"},
            {"codec_type":"video","codec_name":"h264","color_range":"unknown"}]}"#;
        let film = Container::read(said).unwrap();
        let name = |name: &str| Some(name.to_owned());
        assert_eq!(
            film.tracks[0].colour,
            Colour {
                primaries: name("bt2020"),
                transfer: name("smpte2084"),
                matrix: name("bt2020nc"),
                range: name("tv")
            }
        );
        assert!(film.tracks[0].bright && !film.tracks[1].bright);
        assert_eq!(film.tracks[1].colour, Colour::default());
        // Records of earlier versions know nothing of it.
        let mut track = serde_json::to_value(&film.tracks[0]).unwrap();
        track.as_object_mut().unwrap().remove("colour");
        assert_eq!(serde_json::from_value::<Track>(track).unwrap().colour, Colour::default());
    }

    #[test]
    fn what_ffprobe_never_says_is_refused() {
        assert!(Container::read(b"").is_err());
        assert!(Container::read(b"[1]").is_err());
        let empty = Container::read(b"{}").unwrap();
        assert!(empty.tracks.is_empty() && empty.playable().is_err());
        let odd = br#"{"format":{"duration":"NaN"},"streams":[{}]}"#;
        assert_eq!(Container::read(odd).unwrap().duration_ms, None);
    }
}
