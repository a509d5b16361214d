//! A directory of pictures, shown in the order of their names, again and again.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use image::{ImageReader, Limits};
use playhouse_sense::picture::Picture;

use super::{Fault, Input, MOST_PIXELS, Shot, Stop, WIDEST, shot};

/// The most files of a directory that are shown.
const MOST_FILES: usize = 100_000;

/// The input `pictures`.
#[derive(Debug)]
pub struct Pictures {
    folder: PathBuf,
    period: Duration,
    /// What is left of this round.
    left: VecDeque<PathBuf>,
    /// Whether a picture of this round could be shown.
    shown: bool,
    due: Instant,
    frame: u64,
}

impl Pictures {
    /// Shows the PNG and JPEG files of a directory, so many a second. Each round looks anew what is there.
    pub fn new(folder: &Path, rate: f32) -> Self {
        let period = Duration::from_secs_f32(1.0 / rate.clamp(0.1, 60.0));
        let due = Instant::now();
        Self { folder: folder.to_owned(), period, left: VecDeque::new(), shown: true, due, frame: 0 }
    }

    fn fault(&self, why: &impl ToString) -> Fault {
        Fault::Unreadable { what: format!("the folder {}", self.folder.display()), why: why.to_string() }
    }

    fn look(&mut self) -> Result<(), Fault> {
        let entries = fs::read_dir(&self.folder).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Fault::Missing(format!("the folder {}", self.folder.display())),
            _ => self.fault(&error),
        })?;
        let is_picture = |path: &PathBuf| {
            let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
            ["png", "jpg", "jpeg"].iter().any(|known| extension.eq_ignore_ascii_case(known))
        };
        let mut found: Vec<PathBuf> =
            entries.flatten().map(|entry| entry.path()).filter(is_picture).take(MOST_FILES).collect();
        if found.is_empty() {
            return Err(self.fault(&"there is no PNG or JPEG file in it"));
        }
        if !std::mem::replace(&mut self.shown, false) {
            self.shown = true;
            return Err(self.fault(&"none of its PNG and JPEG files can be decoded"));
        }
        found.sort();
        self.left = found.into();
        Ok(())
    }
}

impl Input for Pictures {
    fn kind(&self) -> &'static str {
        "pictures"
    }

    fn next(&mut self, stop: &Stop) -> Result<Shot, Fault> {
        stop.wait(self.due.saturating_duration_since(Instant::now()))?;
        loop {
            let Some(path) = self.left.pop_front() else {
                self.look()?;
                continue;
            };
            match decode(&path) {
                Ok(picture) => {
                    self.shown = true;
                    // Those that were missed are not made up for.
                    self.due = (self.due + self.period).max(Instant::now());
                    self.frame += 1;
                    return Ok(shot(picture, self.frame - 1));
                }
                Err(why) => tracing::warn!(file = %path.display(), why, "a picture is left out"),
            }
            if stop.is_stopped() {
                return Err(Fault::Stopped);
            }
        }
    }
}

fn decode(path: &Path) -> Result<Picture, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let mut reader =
        ImageReader::new(BufReader::new(file)).with_guessed_format().map_err(|error| error.to_string())?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST_PIXELS * 4);
    reader.limits(limits);
    let mut decoded = reader.decode().map_err(|error| error.to_string())?;
    if decoded.width() > WIDEST {
        let height = (u64::from(decoded.height()) * u64::from(WIDEST) / u64::from(decoded.width())).max(1);
        let height = u32::try_from(height).unwrap_or(WIDEST);
        decoded = decoded.resize_exact(WIDEST, height, image::imageops::FilterType::Triangle);
    }
    let rgb = decoded.into_rgb8();
    let (width, height) = (rgb.width() as usize, rgb.height() as usize);
    Picture::new(width, height, rgb.into_raw()).ok_or_else(|| "its size makes no sense".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn save(folder: &Path, name: &str, width: u32, grey: u8) {
        image::RgbImage::from_pixel(width, width / 2, image::Rgb([grey; 3])).save(folder.join(name)).unwrap();
    }

    fn grey(shot: &Shot) -> (usize, u8) {
        (shot.picture.width(), shot.picture.rgb()[0])
    }

    #[test]
    fn pictures_come_in_order_and_again_without_the_one_that_is_none() {
        let place = tempfile::tempdir().unwrap();
        save(place.path(), "b.png", 8, 200);
        save(place.path(), "a.png", 1280, 100);
        fs::write(place.path().join("aa.jpg"), b"no picture").unwrap();
        fs::write(place.path().join("readme.txt"), b"words").unwrap();
        let (mut input, stop) = (Pictures::new(place.path(), 60.0), Stop::default());
        let seen: Vec<_> = (0..4).map(|_| grey(&input.next(&stop).unwrap())).collect();
        assert_eq!(seen, [(640, 100), (8, 200), (640, 100), (8, 200)]);
        // What is added is shown from the next round on.
        save(place.path(), "c.jpg", 16, 0);
        let seen: Vec<_> = (0..3).map(|_| grey(&input.next(&stop).unwrap()).0).collect();
        assert_eq!(seen, [640, 8, 16]);
    }

    #[test]
    fn a_folder_without_pictures_says_so_and_is_looked_at_again() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("pictures");
        let (mut input, stop) = (Pictures::new(&folder, 60.0), Stop::default());
        assert!(matches!(input.next(&stop), Err(Fault::Missing(_))));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("a.png"), b"none").unwrap();
        let error = input.next(&stop).unwrap_err().to_string();
        assert!(error.contains("none of its PNG and JPEG files can be decoded"), "{error}");
        save(&folder, "b.png", 8, 1);
        assert_eq!(grey(&input.next(&stop).unwrap()), (8, 1));
    }
}
