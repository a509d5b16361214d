//! What has to be done so that browsers play a film: what can be copied, what is encoded, and in which pieces.

use serde::{Deserialize, Serialize};

use crate::codec::Codec;
use crate::container::{Container, Kind, Track};

/// Seconds of a piece that is encoded at once: as much is lost at most when the program is killed.
const PIECE_S: u32 = 60;

/// Seconds between two keyframes: every piece begins with one, and a segment of four seconds takes two.
const GOP_S: u32 = 2;

/// Tracks of sound that are kept at most; each takes a pass over the film to be measured.
const SOUNDS: usize = 8;

/// Pictures per second at most.
const FASTEST: f64 = 60.5;

/// Rates of film and television, as fractions.
const USUAL: [(u32, u32); 8] =
    [(24_000, 1001), (24, 1), (25, 1), (30_000, 1001), (30, 1), (50, 1), (60_000, 1001), (60, 1)];

/// Pictures per second as a fraction: over 1, or over 1001 as television has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// What is divided.
    pub num: u32,
    /// By what.
    pub den: u32,
}

/// What becomes of the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Picture {
    /// It is H.264 that browsers play: its bytes are kept.
    Copy,
    /// It is encoded.
    Encode,
    /// The film plays as it is: only what is made in other codings is added to it.
    Keep,
}

/// A track of sound, and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sound {
    /// Its number among the tracks of sound, from 0 on.
    pub number: usize,
    /// Whether it is AAC already, whose bytes are kept.
    pub copy: bool,
    /// Channels that it will have: 1, 2 or 6.
    pub channels: u32,
    /// The language by ISO 639.
    pub language: Option<String>,
    /// What the film calls it.
    pub title: Option<String>,
}

/// What is done about a film.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The picture.
    pub picture: Picture,
    /// The sounds, in the film's order.
    pub sounds: Vec<Sound>,
    /// Pictures per second of what is encoded.
    pub rate: Rate,
    /// Pixels down of the film.
    pub height: u32,
    /// Whether its brightness has to be brought into the usual range.
    pub bright: bool,
    /// How long it is.
    pub duration_ms: u64,
    /// Microseconds by which the picture begins later than the film.
    pub late_us: u64,
    /// Codings that renditions are made in beside H.264.
    #[serde(default)]
    pub also: Vec<Codec>,
}

impl Rate {
    /// The rate at which a film of that average rate is encoded: its own where it is a plain one, the next of
    /// television's where it varies, and half of it where it is faster than screens.
    pub fn of(average: Option<(u32, u32)>) -> Self {
        let (num, den) = average.filter(|&(num, den)| num > 0 && den > 0).unwrap_or((25, 1));
        let rate = f64::from(num) / f64::from(den);
        if let Some((num, den)) = USUAL.into_iter().find(|&usual| {
            let usual = f64::from(usual.0) / f64::from(usual.1);
            (rate / usual - 1.0).abs() < 0.0004
        }) {
            return Self { num, den };
        }
        if rate > FASTEST {
            let halved = num.checked_mul(1).zip(den.checked_mul(2)).filter(|_| rate < 1000.0);
            return halved.map_or(Self { num: 60, den: 1 }, |halved| Self::of(Some(halved)));
        }
        // A plain rate that is no usual one, such as a cartoon's 12 or a camera's 15.
        if num % den == 0 {
            return Self { num: num / den, den: 1 };
        }
        let next = USUAL.into_iter().find(|&usual| f64::from(usual.0) / f64::from(usual.1) >= rate * 0.98);
        let (num, den) = next.unwrap_or((60, 1));
        Self { num, den }
    }

    /// Pictures of a piece: a whole number of groups of pictures, and of microseconds.
    pub fn piece(self) -> u32 {
        self.gop() * (PIECE_S / GOP_S)
    }

    /// Pictures from one keyframe to the next.
    pub fn gop(self) -> u32 {
        (self.num / if self.den == 1 { 1 } else { 1000 }).max(1) * GOP_S
    }

    /// Microseconds that so many pictures take.
    pub fn micros(self, pictures: u64) -> u64 {
        let micros = u128::from(pictures) * u128::from(self.den) * 1_000_000 / u128::from(self.num.max(1));
        u64::try_from(micros).unwrap_or(u64::MAX)
    }
}

impl Plan {
    /// What has to be done about a film.
    ///
    /// # Errors
    /// The sentence that says why nothing can be.
    pub fn of(film: &Container) -> Result<Self, String> {
        let video = film.video().ok_or("There is no picture in this file.")?;
        let duration_ms = film.duration_ms.filter(|&millis| millis > 0);
        let duration_ms = duration_ms.ok_or("The file does not say how long the film is.")?;
        let height = video.height.filter(|&height| height >= 2);
        let height = height.ok_or("The file does not say how large the picture is.")?;
        let plain = matches!(video.pixels.as_deref(), None | Some("yuv420p" | "yuvj420p"));
        let picture = if video.codec == "h264" && plain { Picture::Copy } else { Picture::Encode };
        let sounds = film.tracks.iter().filter(|track| track.kind == Kind::Audio).enumerate();
        let sounds = sounds.take(SOUNDS).map(|(number, track)| sound(number, track)).collect();
        let rate = Rate::of(video.rate);
        let (bright, late_us) = (video.bright, video.late_us);
        Ok(Self { picture, sounds, rate, height, bright, duration_ms, late_us, also: Vec::new() })
    }

    /// How many pieces the picture is encoded in.
    pub fn pieces(&self) -> u32 {
        let piece = self.rate.micros(self.rate.piece().into()).max(1);
        // What is left of less than a picture at the end makes no piece.
        let picture = self.rate.micros(1);
        let micros = (self.duration_ms * 1000).saturating_sub(picture / 2).max(1);
        u32::try_from(micros.div_ceil(piece)).unwrap_or(u32::MAX)
    }

    /// Where reading a piece begins, in microseconds, so that its first picture is the first that is read: a quarter of
    /// a picture before it, since containers round times. A film's pictures need not begin with the film, and are put
    /// to the nearest place of the rate.
    pub fn read_from(&self, number: u32) -> u64 {
        let (start, _) = self.piece(number);
        let picture = self.rate.micros(1).max(1);
        let before = (self.late_us + picture / 2) / picture;
        (start + self.late_us).saturating_sub(self.rate.micros(before) + picture / 4)
    }

    /// When a piece begins, and how long it is at most, in microseconds.
    pub fn piece(&self, number: u32) -> (u64, u64) {
        let piece = u64::from(self.rate.piece());
        let start = self.rate.micros(piece * u64::from(number));
        (start, self.rate.micros(piece * (u64::from(number) + 1)) - start)
    }
}

fn sound(number: usize, track: &Track) -> Sound {
    let plain = matches!(track.profile.as_deref(), None | Some("LC" | "HE-AAC" | "HE-AACv2"));
    Sound {
        number,
        copy: track.codec == "aac" && plain,
        channels: match track.channels.unwrap_or(2) {
            0 | 1 => 1,
            2..6 => 2,
            _ => 6,
        },
        language: track.language.clone(),
        title: track.title.clone(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn film(video: (&str, &str, &str), audio: &[&str]) -> Container {
        let (codec, pixels, rate) = video;
        let mut streams =
            vec![serde_json::json!({"codec_type": "video", "codec_name": codec, "pix_fmt": pixels,
            "width": 1280, "height": 720, "avg_frame_rate": rate})];
        streams.extend(audio.iter().map(|codec| {
            serde_json::json!({"codec_type": "audio", "codec_name": codec, "channels": 6,
                "tags": {"language": "jpn", "title": "Original"}})
        }));
        let said = serde_json::json!({"streams": streams,
            "format": {"format_name": "matroska,webm", "duration": "150.2"}});
        Container::read(said.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn what_browsers_play_is_copied_and_the_rest_is_encoded() {
        let plan = Plan::of(&film(("h264", "yuv420p", "25/1"), &["ac3", "aac"])).unwrap();
        assert_eq!(plan.picture, Picture::Copy);
        assert_eq!(plan.sounds.iter().map(|sound| sound.copy).collect::<Vec<_>>(), [false, true]);
        assert_eq!((plan.sounds[1].number, plan.sounds[1].title.as_deref()), (1, Some("Original")));
        for video in
            [("hevc", "yuv420p", "25/1"), ("h264", "yuv420p10le", "25/1"), ("mpeg4", "yuv420p", "25/1")]
        {
            assert_eq!(Plan::of(&film(video, &[])).unwrap().picture, Picture::Encode);
        }
        assert!(Plan::of(&Container::read(b"{}").unwrap()).is_err());
    }

    #[test]
    fn pieces_are_of_whole_pictures_and_cover_the_film() {
        let plan = Plan::of(&film(("hevc", "yuv420p", "24000/1001"), &[])).unwrap();
        assert_eq!((plan.rate.gop(), plan.rate.piece(), plan.pieces()), (48, 1440, 3));
        assert_eq!(plan.piece(1), (60_060_000, 60_060_000));
        assert_eq!(plan.read_from(1), 60_060_000 - 10_427);
        // A picture that begins 26 ms late is the second of its rate.
        assert_eq!(
            Plan { late_us: 26_000, ..plan.clone() }.read_from(1),
            60_060_000 + 26_000 - 41_708 - 10_427
        );
        let exact = Plan { duration_ms: 120_120, ..plan };
        assert_eq!(exact.pieces(), 2);
    }

    #[test]
    fn odd_rates_become_plain_ones() {
        let table = [
            (Some((24_000, 1001)), (24_000, 1001)),
            (Some((1_199_000, 50_009)), (24_000, 1001)),
            (Some((2997, 100)), (30_000, 1001)),
            (Some((25, 1)), (25, 1)),
            (Some((15, 1)), (15, 1)),
            (Some((120, 1)), (60, 1)),
            (Some((90_000, 1)), (60, 1)),
            (Some((517, 23)), (24_000, 1001)),
            (Some((0, 0)), (25, 1)),
            (None, (25, 1)),
        ];
        for (average, (num, den)) in table {
            assert_eq!(Rate::of(average), Rate { num, den }, "{average:?}");
        }
    }

    proptest! {
        #[test]
        fn every_film_has_pieces_that_follow_each_other(
            num in 0..200_000_u32, den in 0..5000_u32, millis in 1..100_000_000_u64,
        ) {
            let rate = Rate::of(Some((num, den)));
            prop_assert!(rate.den == 1 || rate.den == 1001);
            prop_assert!((1..=60_000).contains(&rate.num));
            let mut plan = Plan::of(&film(("hevc", "yuv420p", "25/1"), &[])).unwrap();
            (plan.rate, plan.duration_ms) = (rate, millis);
            let last = plan.pieces() - 1;
            let (start, length) = plan.piece(last);
            prop_assert!(start < millis * 1000 && start + length + rate.micros(1) >= millis * 1000);
            if last > 0 {
                let (before, length) = plan.piece(last - 1);
                prop_assert_eq!(before + length, start);
            }
        }
    }
}
