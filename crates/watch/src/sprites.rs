//! Trick play: how many small pictures of a film there are, when each was taken, and where it lies on which sheet.

use serde::{Deserialize, Serialize};

use crate::captions::clock;

/// Pixels across of a small picture.
pub const WIDTH: u32 = 160;

/// Small pictures across and down a sheet.
pub const ACROSS: u32 = 8;
/// See [`ACROSS`].
pub const DOWN: u32 = 8;

/// Small pictures at most: with those of a long film further apart, they stay far below a hundredth of it.
const MOST: u64 = 480;

/// Milliseconds between two of them at least.
const EVERY_MS: u64 = 5_000;

/// The small pictures of a film.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sprites {
    /// Milliseconds from one to the next.
    pub every_ms: u64,
    /// How many there are.
    pub count: u32,
    /// Pixels across of each.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

impl Sprites {
    /// The small pictures of a film that is so long, of so many pixels; none where nothing is known.
    pub fn of(duration_ms: u64, width: u32, height: u32) -> Option<Self> {
        if duration_ms == 0 || width == 0 || height == 0 {
            return None;
        }
        // Whole seconds, so that ffmpeg's clock and this one agree.
        let every_ms = EVERY_MS.max(duration_ms.div_ceil(MOST)).div_ceil(1000) * 1000;
        let count = u32::try_from(duration_ms.div_ceil(every_ms)).ok()?;
        let down = u64::from(WIDTH) * u64::from(height) / u64::from(width);
        let height = u32::try_from(down.clamp(16, u64::from(WIDTH) * 2)).ok()? / 2 * 2;
        Some(Self { every_ms, count, width: WIDTH, height })
    }

    /// How many sheets hold them.
    pub fn sheets(&self) -> u32 {
        self.count.div_ceil(ACROSS * DOWN)
    }

    /// Where each lies, as `WebVTT` whose cues name a region of a sheet (Media Fragments, W3C, section 4.2.2). Sheets
    /// are called `sheet-0.jpg` and so on.
    pub fn vtt(&self) -> String {
        let cue = |number: u32| {
            let (start, end) = (self.every_ms * u64::from(number), self.every_ms * (u64::from(number) + 1));
            let on = number % (ACROSS * DOWN);
            let (x, y) = (on % ACROSS * self.width, on / ACROSS * self.height);
            format!(
                "\n{} --> {}\nsheet-{}.jpg#xywh={x},{y},{},{}\n",
                clock(start),
                clock(end),
                number / (ACROSS * DOWN),
                self.width,
                self.height
            )
        };
        std::iter::once("WEBVTT\n".to_owned()).chain((0..self.count).map(cue)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_film_has_as_many_as_the_bar_shows() {
        let hour = Sprites::of(3_600_000, 1920, 1080).unwrap();
        assert_eq!(hour, Sprites { every_ms: 8_000, count: 450, width: 160, height: 90 });
        assert_eq!(hour.sheets(), 8);
        assert_eq!(Sprites::of(6_000, 320, 180).unwrap().count, 2);
        assert_eq!(Sprites::of(0, 320, 180), None);
        assert_eq!(Sprites::of(1, u32::MAX, 1).unwrap().height, 16);
        assert!(Sprites::of(u64::MAX / 4, 1, u32::MAX).is_none_or(|many| many.count <= 481));
    }

    #[test]
    fn each_is_found_on_its_sheet() {
        let vtt = Sprites::of(3_600_000, 1920, 1080).unwrap().vtt();
        assert!(
            vtt.starts_with("WEBVTT\n\n00:00:00.000 --> 00:00:08.000\nsheet-0.jpg#xywh=0,0,160,90\n"),
            "{vtt}"
        );
        assert!(vtt.contains("\n00:08:32.000 --> 00:08:40.000\nsheet-1.jpg#xywh=0,0,160,90\n"), "{vtt}");
        assert!(vtt.contains("sheet-0.jpg#xywh=160,90,160,90\n"));
        assert_eq!(vtt.matches("-->").count(), 450);
    }
}
