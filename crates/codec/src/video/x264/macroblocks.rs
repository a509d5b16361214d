//! Macroblocks that stand still, and when they get sharper.
//!
//! A picture has one quantiser. Where a scene stands still after a coarse picture, a finer quantiser sharpens all of it
//! at once, which takes many times what the line carries. So a macroblock that stands still is shown to the encoder as
//! the decoder already has it, which costs nothing, until it is its turn to be refined.

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::FixedState;
use playhouse_media::frame::{Nv12, Size};

/// Pixels on either side of a macroblock.
const SIDE: usize = 16;

/// Refining is worth its bits from so much finer a quantiser on: half of all errors gone is 6.
const GAIN: u8 = 3;

/// Where no more of them than one in so many would get sharper, the picture is shown as it is.
const FEW: usize = 10;

/// The sum of all differences of a macroblock that nobody sees any more: there is nothing to refine.
const SHARP: u32 = 128;

/// A picture that can be read row by row.
pub(super) trait Rows {
    /// A row of luma, one byte a pixel.
    fn luma(&self, row: usize) -> &[u8];
    /// A row of Cb and Cr in turns.
    fn chroma(&self, row: usize) -> &[u8];
}

#[derive(Clone, Copy, Debug)]
struct Macroblock {
    /// The hash of its pixels in the newest picture. Two that differ have the same one once in 2⁶⁴ times.
    hash: u64,
    /// The same pixels as in the picture before.
    still: bool,
    /// `shown` has it as the decoder has it.
    held: bool,
    /// What it was encoded by when it was last shown as it really is.
    quantiser: u8,
}

/// What is known of every macroblock of the newest picture.
pub(super) struct Macroblocks {
    size: Size,
    across: usize,
    blocks: Vec<Macroblock>,
    /// What the encoder was shown in place of the newest picture, where it was not the picture itself.
    shown: Nv12,
    /// The next one whose turn it is.
    turn: usize,
    /// From one turn to the next: far apart, so that sharpness spreads like a dissolve and not like a blind.
    stride: usize,
}

impl Macroblocks {
    /// Those of pictures of `size`; before the first they are black and as coarse as can be.
    pub(super) fn new(size: Size) -> Self {
        let across = (size.width as usize).div_ceil(SIDE);
        let count = across * (size.height as usize).div_ceil(SIDE);
        let block = Macroblock { hash: 0, still: false, held: false, quantiser: u8::MAX };
        Self {
            size,
            across,
            blocks: vec![block; count],
            shown: Nv12::new(size),
            turn: 0,
            stride: stride(count),
        }
    }

    /// Compares a picture with the one before: how many macroblocks changed.
    pub(super) fn compare(&mut self, picture: &Nv12) -> usize {
        let mut still = 0;
        for (index, block) in self.blocks.iter_mut().enumerate() {
            let hash = Place::of(index, self.across, self.size).hash(picture);
            block.still = block.hash == hash;
            block.hash = hash;
            still += usize::from(block.still);
        }
        self.blocks.len() - still
    }

    /// How many there are in a picture.
    pub(super) fn count(&self) -> usize {
        self.blocks.len()
    }

    /// The coarsest quantiser of all that stand still.
    pub(super) fn coarsest(&self) -> Option<u8> {
        self.blocks.iter().filter(|block| block.still).map(|block| block.quantiser).max()
    }

    /// How many of those that stand still `quantiser` would refine.
    pub(super) fn refinable(&self, quantiser: u8) -> usize {
        self.blocks.iter().filter(|block| block.refinable(quantiser)).count()
    }

    /// What to show the encoder for `picture`, which was compared last: refines that many, and holds the others that
    /// stand still as they are in `decoded`, the decoder's picture before this one. Beside it, which ones are as
    /// they were, so that the encoder need not look at them.
    pub(super) fn show<'a>(
        &'a mut self,
        picture: &'a Nv12,
        decoded: &impl Rows,
        quantiser: u8,
        refine: usize,
    ) -> (&'a Nv12, impl ExactSizeIterator<Item = bool> + 'a) {
        let sharper = self.blocks.iter().filter(|block| block.still && block.quantiser > quantiser).count();
        let few = sharper * FEW <= self.blocks.len();
        if few {
            self.refine_all(quantiser);
        } else {
            self.take_turns(quantiser, refine);
            self.hold(picture, decoded, quantiser);
        }
        let shown = if few { picture } else { &self.shown };
        (shown, self.blocks.iter().map(|block| block.still))
    }

    /// Counts all as changed that would get sharper.
    fn refine_all(&mut self, quantiser: u8) {
        for block in &mut self.blocks {
            block.held = false;
            block.still &= block.quantiser <= quantiser;
            if !block.still {
                block.quantiser = quantiser;
            }
        }
    }

    /// Puts together what changed and what is held.
    fn hold(&mut self, picture: &Nv12, decoded: &impl Rows, quantiser: u8) {
        let (luma, chroma) = self.shown.planes_mut();
        for (index, block) in self.blocks.iter_mut().enumerate() {
            let place = Place::of(index, self.across, self.size);
            if !block.still {
                place.copy(picture, luma, chroma);
                (block.held, block.quantiser) = (false, quantiser);
            } else if !block.held {
                place.copy(decoded, luma, chroma);
                block.held = true;
                if place.difference(picture, luma, chroma) <= SHARP {
                    block.quantiser = 0;
                }
            }
        }
    }

    /// Counts those as changed that are refined now.
    fn take_turns(&mut self, quantiser: u8, refine: usize) {
        let mut refine = refine;
        // One round passes nobody over.
        for _ in 0..self.blocks.len() {
            if refine == 0 {
                return;
            }
            let block = &mut self.blocks[self.turn];
            if block.refinable(quantiser) {
                block.still = false;
                refine -= 1;
            }
            self.turn = (self.turn + self.stride) % self.blocks.len();
        }
    }

    /// Shows the encoder the whole of `picture`.
    pub(super) fn show_all<'a>(&mut self, picture: &'a Nv12, quantiser: u8) -> &'a Nv12 {
        for block in &mut self.blocks {
            (block.held, block.quantiser) = (false, quantiser);
        }
        picture
    }
}

impl Macroblock {
    fn refinable(&self, quantiser: u8) -> bool {
        self.still && self.quantiser >= quantiser.saturating_add(GAIN)
    }
}

/// A number without a common divisor with `count`, near its golden section.
fn stride(count: usize) -> usize {
    let common = |mut a: usize, mut b: usize| {
        while b > 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    let section = count * 382 / 1000;
    (section.max(1)..=count.max(1)).find(|stride| common(*stride, count) == 1).unwrap_or(1)
}

/// Where the bytes of a macroblock are.
#[derive(Clone, Copy)]
struct Place {
    /// Bytes of a row of the picture.
    pitch: usize,
    left: usize,
    /// Bytes of one of its rows: fewer at the right edge. Luma and chroma have the same.
    width: usize,
    luma: (usize, usize),
    chroma: (usize, usize),
}

/// Hashes of one macroblock that are made side by side.
const LANES: usize = 4;

impl Place {
    fn of(index: usize, across: usize, size: Size) -> Self {
        let (pitch, height) = (size.width as usize, size.height as usize);
        let (left, top) = (index % across * SIDE, index / across * SIDE);
        let bottom = height.min(top + SIDE);
        let width = SIDE.min(pitch - left);
        Self { pitch, left, width, luma: (top, bottom), chroma: (top / 2, bottom / 2) }
    }

    fn hash(self, picture: &Nv12) -> u64 {
        // Each row's step waits for the one before; several lanes let the processor do them at once.
        let mut lanes = [0_u64, 1, 2, 3].map(|lane| FixedState::with_seed(lane).build_hasher());
        for (plane, (top, bottom)) in [(picture.luma(), self.luma), (picture.chroma(), self.chroma)] {
            for (row, lane) in (top..bottom).zip((0..LANES).cycle()) {
                let row = &plane[row * self.pitch + self.left..][..self.width];
                match <[u8; SIDE]>::try_from(row) {
                    Ok(row) => lanes[lane].write_u128(u128::from_ne_bytes(row)),
                    Err(_) => lanes[lane].write(row),
                }
            }
        }
        let [mut all, rest @ ..] = lanes;
        for lane in &rest {
            all.write_u64(lane.finish());
        }
        all.finish()
    }

    /// The sum of absolute differences.
    fn difference(self, picture: &Nv12, luma: &[u8], chroma: &[u8]) -> u32 {
        let plane = |a: &[u8], b: &[u8], (top, bottom): (usize, usize)| -> u32 {
            let row = |row: usize| -> u32 {
                let at = row * self.pitch + self.left;
                let (a, b) = (&a[at..at + self.width], &b[at..at + self.width]);
                a.iter().zip(b).map(|(a, b)| u16::from(a.abs_diff(*b))).sum::<u16>().into()
            };
            (top..bottom).map(row).sum()
        };
        plane(picture.luma(), luma, self.luma) + plane(picture.chroma(), chroma, self.chroma)
    }

    fn copy(self, from: &impl Rows, luma: &mut [u8], chroma: &mut [u8]) {
        for row in self.luma.0..self.luma.1 {
            self.copy_row(from.luma(row), &mut luma[row * self.pitch..]);
        }
        for row in self.chroma.0..self.chroma.1 {
            self.copy_row(from.chroma(row), &mut chroma[row * self.pitch..]);
        }
    }

    fn copy_row(self, from: &[u8], to: &mut [u8]) {
        let from = &from[self.left..self.left + self.width];
        let to = &mut to[self.left..self.left + self.width];
        match (<&[u8; SIDE]>::try_from(from), <&mut [u8; SIDE]>::try_from(&mut *to)) {
            (Ok(from), Ok(to)) => *to = *from,
            _ => to.copy_from_slice(from),
        }
    }
}

impl Rows for Nv12 {
    fn luma(&self, row: usize) -> &[u8] {
        let width = self.size().width as usize;
        &self.luma()[row * width..][..width]
    }

    fn chroma(&self, row: usize) -> &[u8] {
        let width = self.size().width as usize;
        &self.chroma()[row * width..][..width]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three macroblocks and a quarter each way.
    const SIZE: Size = Size::new(52, 52);
    const COUNT: usize = 16;

    fn plain(luma: u8) -> Nv12 {
        let mut picture = Nv12::new(SIZE);
        picture.planes_mut().0.fill(luma);
        picture.planes_mut().1.fill(luma);
        picture
    }

    fn of(picture: &Nv12, luma: u8) -> usize {
        picture.luma().iter().map(|&pixel| usize::from(pixel == luma)).sum()
    }

    #[test]
    fn what_stands_still_is_shown_as_the_decoder_has_it_until_its_turn() {
        let mut blocks = Macroblocks::new(SIZE);
        let (picture, decoded) = (plain(100), plain(90));
        assert_eq!(blocks.compare(&picture), COUNT, "everything is new");
        assert_eq!(*blocks.show_all(&picture, 40), picture);

        assert_eq!(blocks.compare(&picture), 0);
        assert_eq!((blocks.coarsest(), blocks.refinable(30), blocks.refinable(38)), (Some(40), COUNT, 0));
        let (shown, constant) = blocks.show(&picture, &decoded, 30, 4);
        assert_eq!(constant.filter(|&constant| constant).count(), COUNT - 4);
        let refined = of(shown, 100);
        assert!((16..=4 * SIDE * SIDE).contains(&refined), "{refined} pixels of four blocks");
        assert_eq!(of(shown, 90), SIZE.width as usize * SIZE.height as usize - refined);
        assert_eq!(blocks.refinable(30), COUNT - 4);

        // The decoder has those by now, and the next ones follow.
        let mut rounds = 1;
        while blocks.refinable(30) > 0 {
            blocks.compare(&picture);
            assert_eq!(blocks.show(&picture, &decoded, 30, 4).1.len(), COUNT);
            rounds += 1;
            assert!(rounds <= COUNT / 4, "somebody was passed over");
        }
        assert_eq!(blocks.coarsest(), Some(30));
    }

    #[test]
    fn what_changes_is_shown_as_it_is_and_only_there() {
        let mut blocks = Macroblocks::new(SIZE);
        let (mut picture, decoded) = (plain(100), plain(90));
        blocks.compare(&picture);
        blocks.show_all(&picture, 40);
        for at in [(0, 0), (51, 51)] {
            picture.planes_mut().0[at.1 * 52 + at.0] = 200;
        }
        let changed = blocks.compare(&picture);
        assert_eq!(changed, 2, "the first block and the small one in the last corner");
        let (shown, constant) = blocks.show(&picture, &decoded, 35, 0);
        let changed: Vec<usize> =
            constant.enumerate().filter(|(_, constant)| !constant).map(|(i, _)| i).collect();
        assert_eq!(changed, [0, COUNT - 1]);
        assert_eq!((of(shown, 200), of(shown, 100)), (2, 255 + 15));
        // A change of colour alone is a change.
        picture.planes_mut().1[0] = 7;
        assert_eq!(blocks.compare(&picture), 1);
    }

    #[test]
    fn where_nothing_would_get_sharper_the_picture_is_shown_itself() {
        let mut blocks = Macroblocks::new(SIZE);
        let (mut picture, decoded) = (plain(100), plain(90));
        blocks.compare(&picture);
        blocks.show_all(&picture, 30);
        picture.planes_mut().0[0] = 200;
        blocks.compare(&picture);
        assert_eq!(*blocks.show(&picture, &decoded, 40, 0).0, picture);
        blocks.compare(&picture);
        assert_eq!((blocks.refinable(36), blocks.refinable(26)), (1, COUNT), "only what changed is coarser");
    }

    #[test]
    fn what_the_decoder_has_right_already_is_never_refined() {
        let mut blocks = Macroblocks::new(SIZE);
        let picture = plain(100);
        let mut decoded = plain(100);
        decoded.planes_mut().0[0] = 101;
        decoded.planes_mut().0[51 * 52..].fill(90);
        blocks.compare(&picture);
        blocks.show_all(&picture, 40);
        blocks.compare(&picture);
        assert_eq!(blocks.refinable(20), COUNT);
        drop(blocks.show(&picture, &decoded, 20, 0));
        assert_eq!(
            blocks.refinable(20),
            3,
            "the last row alone is wrong, of which the narrow end does not show"
        );
    }

    #[test]
    fn turns_reach_everybody_whatever_the_size() {
        for (width, height) in [(16, 16), (32, 16), (640, 360), (1280, 720), (1920, 1080), (854, 480)] {
            let mut blocks = Macroblocks::new(Size::new(width, height));
            let picture = Nv12::new(Size::new(width, height));
            blocks.compare(&picture);
            let all = blocks.blocks.len();
            assert_eq!(blocks.show(&picture, &picture.clone(), 20, all).1.len(), all);
            assert_eq!(blocks.refinable(20), 0, "{width}x{height}");
        }
    }
}
