//! What is really there in a frame of a scene, and what crosses a line between two frames.

use super::shape::{Bounds, Grid, Shape};
use crate::detection::Label;
use crate::geometry::{Point, Rect};
use crate::observation::Direction;
use crate::settings::{Line, side};

/// What is in one frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Truth {
    /// The frame's number.
    pub frame: u64,
    /// What any part of is within the picture, from the farthest to the nearest.
    pub figures: Vec<Figure>,
}

/// One thing in one frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    /// Who it is: the same from coming to leaving, and never given again within a scene.
    pub id: u32,
    /// What it is: an index of [`super::LABELS`].
    pub label: Label,
    /// What it takes of the picture, clipped to the picture; also what is behind a nearer figure.
    pub place: Rect,
    /// Where it stands. May lie below the picture or beside it.
    pub foot: Point,
    /// How much of it is seen, 0 to 1: neither behind a nearer figure nor outside the picture.
    pub visible: f32,
}

/// Somebody crossed a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crossing {
    /// The frame that is the first on the other side.
    pub frame: u64,
    /// Who.
    pub id: u32,
    /// What.
    pub label: Label,
    /// Which way.
    pub direction: Direction,
}

impl Truth {
    /// Whose feet crossed a line since an earlier frame. Frames should follow each other: only where they stood in the two
    /// counts, not the way between.
    pub fn crossings(&self, before: &Self, line: &Line) -> Vec<Crossing> {
        let (from, to) = (line.from, line.to);
        let crossed = |figure: &Figure| {
            let earlier = before.figures.iter().find(|other| other.id == figure.id)?;
            let (was, is) = (side(from, to, earlier.foot) >= 0.0, side(from, to, figure.foot) >= 0.0);
            // The ends of the line have to lie on both sides of the way, too.
            let (way, one, other) =
                (earlier.foot, side(earlier.foot, figure.foot, from), side(earlier.foot, figure.foot, to));
            let within = way != figure.foot && (one >= 0.0) != (other >= 0.0);
            (was != is && within).then_some(if is { Direction::In } else { Direction::Out })
        };
        self.figures
            .iter()
            .filter_map(|figure| {
                let direction = crossed(figure)?;
                Some(Crossing { frame: self.frame, id: figure.id, label: figure.label, direction })
            })
            .collect()
    }
}

/// Somebody with their shapes, before it is known what is in front of them.
pub(super) struct Placed {
    pub id: u32,
    pub label: Label,
    /// In widths and heights of the picture.
    pub foot: (f32, f32),
    pub shapes: Vec<Shape>,
}

/// Rows of the grid on which it is found out how much of a figure is seen.
const ROWS: usize = 120;

/// How far that grid reaches beyond the picture on each side, in its heights.
const BEYOND: f32 = 0.4;

/// The truth of figures that are sorted from the farthest to the nearest.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "cells of a small grid")]
pub(super) fn truth(frame: u64, placed: &[Placed], aspect: f32) -> Truth {
    let scale = ROWS as f32;
    // Feet may be drawn a bit below the picture.
    let rows = ROWS + ROWS / 4;
    let columns = ((aspect + 2.0 * BEYOND) * scale) as usize;
    let grid = Grid { scale, left: -BEYOND, columns, rows };
    let picture = (BEYOND * scale) as usize..((BEYOND + aspect) * scale) as usize;
    let mut owners = vec![0u8; columns * rows];
    let mut totals = vec![(0u32, 0u32); placed.len()];
    for (n, figure) in placed.iter().enumerate() {
        let owner = n as u8 + 1;
        for shape in figure.shapes.iter().filter(|shape| shape.solid()) {
            shape.form.cells(grid, |x, y| {
                let cell = &mut owners[y * columns + x];
                if *cell != owner {
                    *cell = owner;
                    totals[n].0 += 1;
                }
            });
        }
    }
    for y in 0..ROWS {
        for x in picture.clone() {
            if let Some(total) = totals.get_mut((owners[y * columns + x] as usize).wrapping_sub(1)) {
                total.1 += 1;
            }
        }
    }
    let figures = placed.iter().zip(totals).filter_map(|(figure, (all, seen))| {
        let place = clipped(bounds(&figure.shapes)?, aspect)?;
        let visible = (seen as f32 / all.max(1) as f32).min(1.0);
        let foot = Point { x: figure.foot.0, y: figure.foot.1 };
        Some(Figure { id: figure.id, label: figure.label, place, foot, visible })
    });
    Truth { frame, figures: figures.collect() }
}

/// What a figure takes, its shadow aside.
fn bounds(shapes: &[Shape]) -> Option<Bounds> {
    shapes.iter().filter(|shape| shape.solid()).map(|shape| shape.form.bounds()).reduce(|one, other| {
        [one[0].min(other[0]), one[1].min(other[1]), one[2].max(other[2]), one[3].max(other[3])]
    })
}

/// As a place in the picture; `None` where it is outside.
fn clipped([left, top, right, bottom]: Bounds, aspect: f32) -> Option<Rect> {
    let rect = Rect {
        left: (left / aspect).max(0.0),
        top: top.max(0.0),
        right: (right / aspect).min(1.0),
        bottom: bottom.min(1.0),
    };
    (rect.right > rect.left && rect.bottom > rect.top).then_some(rect)
}
