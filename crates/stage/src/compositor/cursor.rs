//! The pointer's image: the game's own, or an arrow for games that only name one.

use std::sync::Mutex;

use smithay::backend::allocator::Fourcc;
use smithay::backend::renderer::element::memory::MemoryRenderBuffer;
use smithay::input::pointer::{CursorImageAttributes, CursorImageStatus};
use smithay::reexports::wayland_server::protocol::wl_surface::WlSurface;
use smithay::utils::{IsAlive, Logical, Point, Transform};
use smithay::wayland::compositor::{SurfaceAttributes, with_states};

/// What is drawn where the pointer is.
#[derive(Debug)]
pub(super) enum Cursor {
    None,
    Surface { surface: WlSurface, at: Point<f64, Logical> },
    Arrow { image: MemoryRenderBuffer, at: Point<f64, Logical> },
}

/// What the game asked for.
#[derive(Debug)]
pub(super) struct CursorImage {
    status: CursorImageStatus,
    arrow: MemoryRenderBuffer,
}

/// `#` is the outline, `.` the filling; the tip is the top left.
const ARROW: [&[u8]; 19] = [
    b"#           ",
    b"##          ",
    b"#.#         ",
    b"#..#        ",
    b"#...#       ",
    b"#....#      ",
    b"#.....#     ",
    b"#......#    ",
    b"#.......#   ",
    b"#........#  ",
    b"#.........# ",
    b"#..........#",
    b"#......#####",
    b"#...#..#    ",
    b"#..##..#    ",
    b"#.#  #..#   ",
    b"##   #..#   ",
    b"      #..#  ",
    b"      ####  ",
];

impl CursorImage {
    pub(super) fn new() -> Self {
        let pixels = ARROW.iter().flat_map(|row| row.iter()).flat_map(|mark| match mark {
            b'#' => [0, 0, 0, 255],
            b'.' => [255, 255, 255, 255],
            _ => [0; 4],
        });
        let pixels: Vec<u8> = pixels.collect();
        let size = (ARROW[0].len(), ARROW.len());
        let size = (i32::try_from(size.0).unwrap_or(0), i32::try_from(size.1).unwrap_or(0));
        let arrow =
            MemoryRenderBuffer::from_slice(&pixels, Fourcc::Argb8888, size, 1, Transform::Normal, None);
        Self { status: CursorImageStatus::Hidden, arrow }
    }

    pub(super) fn set(&mut self, status: CursorImageStatus) {
        self.status = status;
    }

    /// The surface that the game draws its cursor with.
    pub(super) fn surface(&self) -> Option<&WlSurface> {
        match &self.status {
            CursorImageStatus::Surface(surface) if surface.alive() => Some(surface),
            _ => None,
        }
    }

    /// A surface was committed: if it is the cursor, its hot spot moves with its content.
    pub(super) fn commit(&self, surface: &WlSurface) -> bool {
        if self.surface() != Some(surface) {
            return false;
        }
        with_states(surface, |states| {
            let delta = states.cached_state.get::<SurfaceAttributes>().current().buffer_delta.take();
            let attributes = states.data_map.get::<Mutex<CursorImageAttributes>>();
            if let (Some(delta), Some(mut attributes)) = (delta, attributes.and_then(|held| held.lock().ok()))
            {
                attributes.hotspot -= delta;
            }
        });
        true
    }

    /// What is to be drawn for a pointer at `at`.
    pub(super) fn at(&self, at: Point<f64, Logical>) -> Cursor {
        match &self.status {
            CursorImageStatus::Surface(surface) if surface.alive() => {
                let hotspot = with_states(surface, |states| {
                    let attributes = states.data_map.get::<Mutex<CursorImageAttributes>>();
                    attributes.and_then(|held| held.lock().ok().map(|held| held.hotspot)).unwrap_or_default()
                });
                Cursor::Surface { surface: surface.clone(), at: at - hotspot.to_f64() }
            }
            CursorImageStatus::Named(_) => Cursor::Arrow { image: self.arrow.clone(), at },
            _ => Cursor::None,
        }
    }
}
