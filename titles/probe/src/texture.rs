//! Pictures that the scene is pasted together from, made once from a seed.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "colours are clamped, and textures have far less than 2^31 pixels a side"
)]

/// A pixel: blue, green, red, unused.
pub(crate) type Pixel = [u8; 4];

/// A picture that repeats in both directions; both sides are powers of two.
#[derive(Debug)]
pub(crate) struct Texture {
    width: usize,
    height: usize,
    pixels: Vec<Pixel>,
}

impl Texture {
    /// Asks `pixel` for each pixel.
    pub(crate) fn new(width: usize, height: usize, pixel: impl Fn(u32, u32) -> Pixel) -> Self {
        debug_assert!(width.is_power_of_two() && height.is_power_of_two());
        let rows = (0..height as u32).flat_map(|y| (0..width as u32).map(move |x| (x, y)));
        Self { width, height, pixels: rows.map(|(x, y)| pixel(x, y)).collect() }
    }

    /// Pastes row `y` into `target`, beginning at column `x`, as often as it takes.
    pub(crate) fn paste(&self, x: i64, y: i64, target: &mut [Pixel]) {
        let (mut x, y) = (wrap(x, self.width), wrap(y, self.height));
        let row = &self.pixels[y * self.width..][..self.width];
        let mut rest = target;
        while !rest.is_empty() {
            let count = rest.len().min(self.width - x);
            let (head, tail) = rest.split_at_mut(count);
            head.copy_from_slice(&row[x..x + count]);
            (rest, x) = (tail, 0);
        }
    }

    /// The pixel at a place in 1/65,536 of a pixel.
    #[inline]
    pub(crate) fn at(&self, x: i32, y: i32) -> Pixel {
        let x = (x >> 16) as usize & (self.width - 1);
        let y = (y >> 16) as usize & (self.height - 1);
        self.pixels[y * self.width + x]
    }
}

fn wrap(at: i64, side: usize) -> usize {
    at.cast_unsigned() as usize & (side - 1)
}

/// Smooth noise from 0 to 1 in cells of `cell` pixels, which repeats after `period` pixels across and down.
pub(crate) fn noise(seed: u32, cell: u32, period: (u32, u32), x: u32, y: u32) -> f32 {
    let corner = |dx: u32, dy: u32| {
        let (cx, cy) = ((x / cell + dx) % (period.0 / cell), (y / cell + dy) % (period.1 / cell));
        f32::from((hash(seed ^ cx.wrapping_mul(0x9e37_79b1) ^ cy.wrapping_mul(0x85eb_ca77)) >> 16) as u16)
            / 65_535.0
    };
    let ease = |at: u32| {
        let t = (at % cell) as f32 / cell as f32;
        t * t * (3.0 - 2.0 * t)
    };
    let (tx, ty) = (ease(x), ease(y));
    let mix = |a: f32, b: f32, t: f32| a + (b - a) * t;
    mix(mix(corner(0, 0), corner(1, 0), tx), mix(corner(0, 1), corner(1, 1), tx), ty)
}

/// Spreads the bits of a number: the finalizer of `MurmurHash3`.
pub(crate) fn hash(mut value: u32) -> u32 {
    value = (value ^ value >> 16).wrapping_mul(0x85eb_ca6b);
    value = (value ^ value >> 13).wrapping_mul(0xc2b2_ae35);
    value ^ value >> 16
}

/// A colour of the house (0xRRGGBB) made lighter or darker.
pub(crate) fn shade(colour: u32, light: f32) -> Pixel {
    let part = |shift: u32| (((colour >> shift) & 0xff) as f32 * light).clamp(0.0, 255.0) as u8;
    [part(0), part(8), part(16), 0]
}

/// Between two colours (0xRRGGBB).
pub(crate) fn blend(from: u32, to: u32, t: f32) -> u32 {
    let part = |shift: u32| {
        let (a, b) = (((from >> shift) & 0xff) as f32, ((to >> shift) & 0xff) as f32);
        ((a + (b - a) * t.clamp(0.0, 1.0)) as u32) << shift
    };
    part(16) | part(8) | part(0)
}
