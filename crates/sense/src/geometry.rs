//! Places in a picture, as fractions of its width and height.

use serde::{Deserialize, Serialize};

/// A place in a picture: (0, 0) is its upper left corner, (1, 1) its lower right one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// From the left, in widths of the picture.
    pub x: f32,
    /// From the top, in heights of the picture.
    pub y: f32,
}

/// An upright rectangle in a picture. `right >= left` and `bottom >= top`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rect {
    /// Left edge, in widths of the picture.
    pub left: f32,
    /// Upper edge, in heights of the picture.
    pub top: f32,
    /// Right edge, in widths of the picture.
    pub right: f32,
    /// Lower edge, in heights of the picture.
    pub bottom: f32,
}

impl Rect {
    /// The rectangle around `centre`, as wide and high as said.
    pub fn around(centre: Point, width: f32, height: f32) -> Self {
        Self {
            left: centre.x - width / 2.0,
            top: centre.y - height / 2.0,
            right: centre.x + width / 2.0,
            bottom: centre.y + height / 2.0,
        }
    }

    /// Its middle.
    pub fn centre(&self) -> Point {
        Point { x: f32::midpoint(self.left, self.right), y: f32::midpoint(self.top, self.bottom) }
    }

    /// Where something that stands in it touches the ground: the middle of its lower edge.
    pub fn foot(&self) -> Point {
        Point { x: f32::midpoint(self.left, self.right), y: self.bottom }
    }

    /// Its width, in widths of the picture; never negative.
    pub fn width(&self) -> f32 {
        (self.right - self.left).max(0.0)
    }

    /// Its height, in heights of the picture; never negative.
    pub fn height(&self) -> f32 {
        (self.bottom - self.top).max(0.0)
    }

    /// Its area, as a fraction of the picture.
    pub fn area(&self) -> f32 {
        self.width() * self.height()
    }

    /// Intersection over union: 0 where they do not touch, 1 where they are the same.
    pub fn iou(&self, other: &Self) -> f32 {
        let common = Self {
            left: self.left.max(other.left),
            top: self.top.max(other.top),
            right: self.right.min(other.right),
            bottom: self.bottom.min(other.bottom),
        }
        .area();
        let all = self.area() + other.area() - common;
        if all > 0.0 { common / all } else { 0.0 }
    }
}
