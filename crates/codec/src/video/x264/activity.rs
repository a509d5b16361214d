//! How hard a picture is to encode, told from an eighth of it.

use playhouse_media::frame::Nv12;

/// One row of so many is looked at.
const EVERY: usize = 8;

/// Mean differences of luma, 0 to 255.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Activity {
    /// Between a pixel and the same one of the picture before: grows with what a P picture has to say.
    pub(super) inter: f64,
    /// Between neighbours in a row: grows with what an IDR picture has to say.
    pub(super) intra: f64,
}

/// Remembers the rows of the newest picture that are looked at.
#[derive(Debug, Default)]
pub(super) struct Sampler {
    rows: Vec<u8>,
}

impl Sampler {
    /// Compares a picture with the one before it, the first with black.
    pub(super) fn look(&mut self, picture: &Nv12) -> Activity {
        let width = picture.size().width as usize;
        let rows = picture.luma().chunks_exact(width).skip(EVERY / 2).step_by(EVERY);
        self.rows.resize(rows.len() * width, 0);
        let (mut inter, mut intra) = (0, 0);
        for (row, before) in rows.zip(self.rows.chunks_exact_mut(width)) {
            inter += difference(row, before);
            intra += difference(&row[1..], &row[..width - 1]);
            before.copy_from_slice(row);
        }
        let mean = |sum: u64| sum as f64 / self.rows.len().max(1) as f64;
        Activity { inter: mean(inter), intra: mean(intra) }
    }
}

/// Sums of that many differences fit 16 bits, which lets the compiler use wide registers.
const RUN: usize = 128;

/// The sum of absolute differences.
fn difference(a: &[u8], b: &[u8]) -> u64 {
    let run = |(a, b): (&[u8], &[u8])| -> u64 {
        a.iter().zip(b).map(|(a, b)| u16::from(a.abs_diff(*b))).sum::<u16>().into()
    };
    a.chunks(RUN).zip(b.chunks(RUN)).map(run).sum()
}

#[cfg(test)]
mod tests {
    use playhouse_media::frame::Size;

    use super::*;

    #[test]
    fn change_and_detail_are_told_apart() {
        let mut picture = Nv12::new(Size::new(64, 64));
        let mut sampler = Sampler::default();
        sampler.look(&picture);
        assert_eq!(
            sampler.look(&picture),
            Activity::default(),
            "nothing changed, and there is nothing to see"
        );
        picture.planes_mut().0.fill(46);
        assert_eq!(
            sampler.look(&picture),
            Activity { inter: 30.0, intra: 0.0 },
            "another plain grey, 30 above black"
        );
        for (i, pixel) in picture.planes_mut().0.iter_mut().enumerate() {
            *pixel = if i % 2 == 0 { 0 } else { 255 };
        }
        sampler.look(&picture);
        let stripes = sampler.look(&picture);
        assert!(stripes.inter == 0.0 && stripes.intra > 250.0, "stripes that stand still: {stripes:?}");
    }

    #[test]
    fn the_smallest_picture_is_no_trouble() {
        let picture = Nv12::new(Size::new(16, 2));
        assert_eq!(Sampler::default().look(&picture), Activity::default());
    }
}
