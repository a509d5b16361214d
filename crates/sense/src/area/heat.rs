//! Where feet were, on a coarse grid, told once a minute.

use std::time::Duration;

use playhouse_media::time::Timestamp;

use crate::geometry::Point;
use crate::observation::What;

/// Cells in a row.
pub const COLUMNS: u8 = 32;

/// Rows of cells.
pub const ROWS: u8 = 24;

/// How often it is told.
const EVERY: Duration = Duration::from_mins(1);

/// What lies farther apart than this is not one stay: there was no picture between.
const LONGEST: Duration = Duration::from_secs(1);

/// For how long feet stood in each cell.
#[derive(Debug)]
pub(super) struct Heat {
    cells: Vec<Duration>,
    since: Timestamp,
    before: Timestamp,
}

impl Heat {
    pub(super) fn new(now: Timestamp) -> Self {
        let cells = vec![Duration::ZERO; usize::from(COLUMNS) * usize::from(ROWS)];
        Self { cells, since: now, before: now }
    }

    /// These feet are seen now, and were where they are since the picture before.
    pub(super) fn see(&mut self, now: Timestamp, feet: impl Iterator<Item = Point>, told: &mut Vec<What>) {
        let time = now.since(self.before).min(LONGEST);
        self.before = now;
        for foot in feet {
            self.cells[cell(foot)] += time;
        }
        if now.since(self.since) >= EVERY {
            self.since = now;
            told.extend(self.take());
        }
    }

    /// What is told, and begins anew. A tenth of a second that is not full is kept.
    fn take(&mut self) -> Option<What> {
        let mut cells = Vec::new();
        for (index, time) in (0_u16..).zip(&mut self.cells) {
            let tenths = u16::try_from(time.as_millis() / 100).unwrap_or(u16::MAX);
            if tenths > 0 {
                *time -= (Duration::from_millis(100) * u32::from(tenths)).min(*time);
                cells.push((index, tenths));
            }
        }
        (!cells.is_empty()).then_some(What::Heat { columns: COLUMNS, rows: ROWS, cells })
    }
}

/// The cell of a place; what is outside belongs to the nearest one.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the grid")]
fn cell(place: Point) -> usize {
    let along = |part: f32, count: u8| (part.clamp(0.0, 0.9999) * f32::from(count)) as usize;
    along(place.y, ROWS) * usize::from(COLUMNS) + along(place.x, COLUMNS)
}
