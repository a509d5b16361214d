//! A textured world that a camera moves over, with sprites on it: about as hard to encode as a game.

#![expect(clippy::cast_possible_truncation, reason = "colours and hashes are cut on purpose")]

use playhouse_media::frame::Size;

const WORLD: usize = 2048;
const SPRITE: usize = 64;
const SPRITES: usize = 24;

/// The world, and the newest picture of it.
pub(crate) struct Scene {
    size: Size,
    world: Vec<[u8; 4]>,
    picture: Vec<u8>,
}

impl Scene {
    /// A world seen through a window of `size`.
    pub(crate) fn new(size: Size) -> Self {
        let mut world = vec![[0_u8; 4]; WORLD * WORLD];
        for (i, pixel) in world.iter_mut().enumerate() {
            let (x, y) = (i % WORLD, i / WORLD);
            let smooth = noise(x, y, 128) / 2 + noise(x, y, 32) / 4 + noise(x, y, 8) / 6;
            let tile = hash(x / 96, y / 96) % 5;
            let edge = x % 96 < 3 || y % 96 < 3;
            let grain = hash(x, y) % 9;
            let base = if edge { 40 } else { smooth + grain };
            *pixel = [
                (base * (6 + tile) / 9).min(255) as u8,
                (base + 20 * tile).min(255) as u8,
                (base * (9 - tile) / 7).min(255) as u8,
                255,
            ];
        }
        Self { size, world, picture: vec![0; size.bgra_len()] }
    }

    /// Bytes from one row of a picture to the next.
    pub(crate) fn stride(&self) -> usize {
        self.size.width as usize * 4
    }

    /// The picture of that number, BGRA.
    pub(crate) fn draw(&mut self, number: usize) -> &[u8] {
        let (width, height) = (self.size.width as usize, self.size.height as usize);
        let (left, top) = (number * 5, number * 2 + (number / 40 % 2) * number);
        for y in 0..height {
            let row = (y + top) % WORLD * WORLD;
            for x in 0..width {
                let pixel = self.world[row + (x + left) % WORLD];
                self.picture[(y * width + x) * 4..][..4].copy_from_slice(&pixel);
            }
        }
        for sprite in 0..SPRITES {
            let speed = 3 + sprite % 7;
            let x = (sprite * 197 + number * speed) % (width.saturating_sub(SPRITE).max(1));
            let y = (sprite * 89 + number * (speed / 2)) % (height.saturating_sub(SPRITE).max(1));
            for dy in 0..SPRITE.min(height) {
                for dx in 0..SPRITE.min(width) {
                    let shade = ((dx * (sprite + 3)) ^ (dy * 5)) % 200;
                    let pixel = [shade as u8, (sprite * 10) as u8, 255 - shade as u8, 255];
                    self.picture[((y + dy) * width + x + dx) * 4..][..4].copy_from_slice(&pixel);
                }
            }
        }
        &self.picture
    }
}

/// Value noise of that wavelength, 0 to 255.
fn noise(x: usize, y: usize, wave: usize) -> usize {
    let (cx, cy, fx, fy) = (x / wave, y / wave, x % wave, y % wave);
    let corner = |dx, dy| hash((cx + dx) % (WORLD / wave), (cy + dy) % (WORLD / wave)) % 256;
    let top = corner(0, 0) * (wave - fx) + corner(1, 0) * fx;
    let bottom = corner(0, 1) * (wave - fx) + corner(1, 1) * fx;
    (top * (wave - fy) + bottom * fy) / (wave * wave)
}

fn hash(x: usize, y: usize) -> usize {
    let mut h = (x as u32).wrapping_mul(0x9E37_79B1) ^ (y as u32).wrapping_mul(0x85EB_CA77);
    h ^= h >> 15;
    h = h.wrapping_mul(0x2C1B_3C6D);
    h ^= h >> 12;
    h as usize
}
