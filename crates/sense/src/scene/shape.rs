//! Simple shapes, of which figures are made, and how they are drawn.

use crate::picture::Picture;

/// A colour: red, green, blue.
pub(super) type Colour = [u8; 3];

/// A point: both ways in heights of the picture, from its upper left corner.
pub(super) type At = (f32, f32);

/// An outline.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    /// Around a middle, with a radius across and one down.
    Ellipse(At, At),
    /// From one end, as thick as said there, to the other; thickness is a radius.
    Limb(At, f32, At, f32),
    /// An upright block: upper left corner, lower right one, and how much narrower the top is on each side.
    Block(At, At, f32),
}

/// What fills it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fill {
    /// One colour, darker towards the sides.
    Plain,
    /// Stripes of a second colour, so far apart, downwards.
    Stripes(Colour, f32),
    /// Wires of the colour before a second one, so far apart, both ways.
    Wires(Colour, f32),
    /// A shadow: darkens what is there. Not a part of the figure.
    Shadow,
}

/// A part of a figure.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub form: Form,
    pub colour: Colour,
    pub fill: Fill,
}

/// Left, top, right, bottom, in heights of the picture.
pub(super) type Bounds = [f32; 4];

impl Form {
    /// What it takes at most.
    pub(super) fn bounds(&self) -> Bounds {
        match *self {
            Self::Ellipse((x, y), (across, down)) => [x - across, y - down, x + across, y + down],
            Self::Limb((x, y), thick, (u, v), thin) => [
                (x - thick).min(u - thin),
                (y - thick).min(v - thin),
                (x + thick).max(u + thin),
                (y + thick).max(v + thin),
            ],
            Self::Block((left, top), (right, bottom), _) => [left, top, right, bottom],
        }
    }

    /// Whether a point is in it.
    #[inline]
    fn has(&self, x: f32, y: f32) -> bool {
        match *self {
            Self::Ellipse(middle, radii) => {
                let (dx, dy) = ((x - middle.0) / radii.0, (y - middle.1) / radii.1);
                dx * dx + dy * dy <= 1.0
            }
            Self::Limb(from, thick, to, thin) => {
                let (across, down) = (to.0 - from.0, to.1 - from.1);
                let length = (across * across + down * down).max(1e-12);
                let along = (((x - from.0) * across + (y - from.1) * down) / length).clamp(0.0, 1.0);
                let (dx, dy) = (x - from.0 - along * across, y - from.1 - along * down);
                let radius = thick + (thin - thick) * along;
                dx * dx + dy * dy <= radius * radius
            }
            Self::Block((left, top), (right, bottom), lean) => {
                let inset = lean * (bottom - y) / (bottom - top).max(1e-6);
                x >= left + inset && x <= right - inset && y >= top && y <= bottom
            }
        }
    }

    /// Calls `each` with column and row of every cell whose middle lies in it, of a grid with `scale` cells in a height
    /// of the picture, `columns` wide and `rows` high, whose left edge is at `left` (in heights of the picture).
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the grid's size")]
    pub(super) fn cells(&self, grid: Grid, mut each: impl FnMut(usize, usize)) {
        let [left, top, right, bottom] = self.bounds();
        let column = |x: f32| ((x - grid.left) * grid.scale).clamp(0.0, grid.columns as f32) as usize;
        let row = |y: f32| (y * grid.scale).clamp(0.0, grid.rows as f32) as usize;
        let columns = column(left)..(column(right) + 1).min(grid.columns);
        for y in row(top)..(row(bottom) + 1).min(grid.rows) {
            let middle = (y as f32 + 0.5) / grid.scale;
            for x in columns.clone() {
                if self.has((x as f32 + 0.5) / grid.scale + grid.left, middle) {
                    each(x, y);
                }
            }
        }
    }
}

/// Cells over the picture, or over more than it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    /// Cells in a height of the picture.
    pub scale: f32,
    /// Where the first column begins, in heights of the picture.
    pub left: f32,
    pub columns: usize,
    pub rows: usize,
}

impl Shape {
    /// One colour.
    pub(super) fn plain(form: Form, colour: Colour) -> Self {
        Self { form, colour, fill: Fill::Plain }
    }

    /// Whether it belongs to the figure, as its shadow does not.
    pub(super) fn solid(&self) -> bool {
        !matches!(self.fill, Fill::Shadow)
    }

    /// Draws it.
    pub(super) fn draw(&self, picture: &mut Picture) {
        let (width, height) = (picture.width(), picture.height());
        let grid = Grid { scale: height as f32, left: 0.0, columns: width, rows: height };
        let [left, _, right, _] = self.form.bounds();
        let across = 1.0 / ((right - left) * grid.scale).max(1.0);
        let first = left * grid.scale;
        let rgb = picture.rgb_mut();
        self.form.cells(grid, |x, y| {
            let place = (y * width + x) * 3;
            let pixel = &mut rgb[place..place + 3];
            let colour = match self.fill {
                Fill::Plain => self.colour,
                Fill::Stripes(other, apart) => {
                    if on(y, apart * grid.scale, 0.5) {
                        other
                    } else {
                        self.colour
                    }
                }
                Fill::Wires(other, apart) => {
                    let apart = apart * grid.scale;
                    if on(x, apart, 0.3) || on(y, apart, 0.3) { self.colour } else { other }
                }
                Fill::Shadow => {
                    for value in pixel.iter_mut() {
                        *value = shade(*value, 165);
                    }
                    return;
                }
            };
            let light = shading(x as f32, first, across);
            for (value, part) in pixel.iter_mut().zip(colour) {
                *value = shade(part, light);
            }
        });
    }
}

/// How bright a place is between the left edge (a bit brighter) and the right one (darker), in 256ths.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 166 and 256")]
fn shading(x: f32, first: f32, across: f32) -> u32 {
    256 - (90.0 * ((x - first) * across).clamp(0.0, 1.0)) as u32
}

/// A colour's part so bright, in 256ths.
#[expect(clippy::cast_possible_truncation, reason = "at most 255, since light is at most 256")]
pub(super) fn shade(value: u8, light: u32) -> u8 {
    ((u32::from(value) * light) >> 8) as u8
}

/// Whether a row or column lies on a line of a pattern, which comes back after `apart` cells.
fn on(cell: usize, apart: f32, share: f32) -> bool {
    (cell as f32 / apart.max(2.0)).fract() < share
}
