//! Numbers that look random and are the same for the same seed, on every machine and in every version.

/// A source of chance: `SplitMix64` (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
///
/// It is our own so that a seed means the same scene for as long as models are judged on it.
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    /// The source that belongs to this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The source that belongs to several numbers together, in this order.
    pub fn of(parts: &[u64]) -> Self {
        let mut state = Self(0x5eed);
        for part in parts {
            state.0 ^= *part;
            state.0 = state.draw();
        }
        state
    }

    /// Any 64 bits.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 up to but without 1.
    pub fn unit(&mut self) -> f32 {
        (self.draw() >> 40) as f32 / (1u64 << 24) as f32
    }

    /// From `low` up to `high`.
    pub fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// True so often: 0 never, 1 always.
    pub fn is(&mut self, often: f32) -> bool {
        self.unit() < often
    }

    /// One of 0 to `count - 1`; 0 where `count` is 0.
    #[expect(clippy::cast_possible_truncation, reason = "less than `count`, which is a usize")]
    pub fn below(&mut self, count: usize) -> usize {
        (self.draw() % count.max(1) as u64) as usize
    }

    /// Around 0 with a standard deviation of 1, nearly as the normal distribution has it; never beyond ±3.5.
    pub fn bell(&mut self) -> f32 {
        let sum: f32 = (0..4).map(|_| self.unit()).sum();
        (sum - 2.0) * 3.0_f32.sqrt()
    }
}
