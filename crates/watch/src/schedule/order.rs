//! Whose turn it is in a rotation.

use super::Order;

/// `SplitMix64` (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014): the order of a channel must be
/// the same in every version of this program, which no crate promises.
struct Draw(u64);

impl Draw {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `limit`, which is small, so that the bias of a remainder is none.
    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % (limit as u64).max(1)).unwrap_or(0)
    }
}

/// The state of a rotation: what is left of this round.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Turns {
    round: u64,
    /// The last is next.
    left: Vec<u32>,
    before: Option<u32>,
}

impl Turns {
    /// Deals a new round where the last one is over.
    fn deal(&mut self, reels: &[u32], order: Order, seed: u64) {
        if !self.left.is_empty() {
            return;
        }
        self.left = reels.to_vec();
        if order == Order::Shuffle {
            let mut draw = Draw(seed ^ self.round.wrapping_mul(0xD1B5_4A32_D192_ED03));
            for at in (1..self.left.len()).rev() {
                self.left.swap(at, draw.below(at + 1));
            }
            // Nobody wants to see a film twice in a row.
            if self.left.len() > 1 && self.left.first() == self.before.as_ref() {
                let last = self.left.len() - 1;
                self.left.swap(0, last);
            }
        }
        self.left.reverse();
        self.round += 1;
    }

    /// Takes the next of those that suit, which then waits for the next round; nothing where none suits.
    pub(super) fn take(
        &mut self,
        reels: &[u32],
        order: Order,
        seed: u64,
        suits: impl Fn(u32) -> bool,
    ) -> Option<u32> {
        self.deal(reels, order, seed);
        let at = self.left.iter().rposition(|reel| suits(*reel))?;
        let reel = self.left.remove(at);
        self.before = Some(reel);
        Some(reel)
    }

    /// Takes the one of what is left that is least by `key`.
    pub(super) fn take_least(
        &mut self,
        reels: &[u32],
        order: Order,
        seed: u64,
        key: impl Fn(u32) -> i64,
    ) -> Option<u32> {
        self.deal(reels, order, seed);
        let (at, _) = self.left.iter().enumerate().rev().min_by_key(|(_, reel)| key(**reel))?;
        let reel = self.left.remove(at);
        self.before = Some(reel);
        Some(reel)
    }
}
