//! Crops of one track side by side, two by two, as a JPEG picture: what a sensor asks a larger model about. Here is their
//! layout; the agent lays them, and `playhouse_infer` judges them.

/// Pixels in a row: what the larger model of this project takes.
pub const WIDTH: u32 = 320;

/// Rows.
pub const HEIGHT: u32 = 240;

/// The width and height of a cell. Cell 0 is the upper left, 1 the upper right one, and so on.
pub const CELL: (u32, u32) = (WIDTH / 2, HEIGHT / 2);
