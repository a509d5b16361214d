//! A virtual sensor: scenes of a shop's door, drawn, with the exact truth of what is in them.
//!
//! People, trolleys and boxes come from beyond the picture, cross its middle both ways, wait, hide each other and leave. Every
//! frame can be asked for on its own, in any order: what is where depends on the seed and the frame's number alone.

use serde::{Deserialize, Serialize};

mod chance;
mod figure;
mod imagine;
mod light;
mod room;
mod shape;
mod truth;
mod walk;

pub mod barcode;

pub use chance::Chance;
pub use imagine::imagine;
pub use light::Light;
pub use truth::{Crossing, Figure, Truth};

use crate::detection::Label;
use crate::geometry::Point;
use crate::picture::Picture;
use crate::settings::Line;
use figure::{Carton, Person, Trolley};
use light::Noise;
use truth::Placed;
use walk::{Step, Walk};

/// What the labels of a scene are called, in their order.
pub const LABELS: [&str; 3] = ["person", "trolley", "box"];
/// The label of a person.
pub const PERSON: Label = 0;
/// The label of a trolley.
pub const TROLLEY: Label = 1;
/// The label of a box.
pub const BOX: Label = 2;

/// The most people, and the most objects, of a scene: what one picture has room for.
pub const MOST: u16 = 40;

/// The largest width or height of a scene, in pixels.
pub const LARGEST: usize = 4096;

/// What a scene is made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// What everything is drawn from.
    pub seed: u64,
    /// Width and height in pixels, 1 to [`LARGEST`] each.
    pub size: (usize, usize),
    /// Frames a second.
    pub fps: f32,
    /// How many people are about at most, apart from those who push a trolley; [`MOST`] at most.
    pub people: u16,
    /// How many trolleys (with somebody who pushes each) and boxes there are by turns; [`MOST`] at most.
    pub objects: u16,
    /// The light.
    pub light: Light,
    /// The sensor's noise in grey levels (standard deviation).
    pub noise: f32,
    /// Whether each frame's number is drawn along the upper edge (see [`barcode`]).
    pub barcode: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 1,
            size: (320, 240),
            fps: 15.0,
            people: 3,
            objects: 2,
            light: Light::Day,
            noise: 3.0,
            barcode: true,
        }
    }
}

/// A scene.
pub struct Scene {
    options: Options,
    room: Picture,
    noise: Noise,
}

/// What goes through the room again and again, differently each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Person,
    Trolley,
    Carton,
}

impl Scene {
    /// The scene that these options describe; what is beyond the limits is brought within them.
    pub fn new(mut options: Options) -> Self {
        options.people = options.people.min(MOST);
        options.objects = options.objects.min(MOST);
        options.size = (options.size.0.clamp(1, LARGEST), options.size.1.clamp(1, LARGEST));
        options.fps = if options.fps.is_finite() { options.fps.clamp(0.1, 240.0) } else { 15.0 };
        let mut room = Picture::black(options.size.0, options.size.1);
        room::draw(&mut room, options.seed);
        let noise = Noise::new(options.seed, options.noise);
        Self { options, room, noise }
    }

    /// What it was made of.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The line across the middle, which most of those who come cross: *in* is from the left to the right.
    pub fn door() -> Line {
        let (from, to) = (Point { x: 0.5, y: 1.0 }, Point { x: 0.5, y: 0.3 });
        Line { id: 1, name: "Door".to_owned(), from, to }
    }

    /// What is in a frame.
    pub fn truth(&self, frame: u64) -> Truth {
        truth::truth(frame, &self.placed(frame), self.aspect())
    }

    /// Draws a frame. The picture gets the scene's size if it has another.
    pub fn render(&self, frame: u64, picture: &mut Picture) {
        let (width, height) = self.options.size;
        if (picture.width(), picture.height()) != (width, height) {
            *picture = Picture::black(width, height);
        }
        picture.rgb_mut().copy_from_slice(self.room.rgb());
        for figure in self.placed(frame) {
            for shape in figure.shapes {
                shape.draw(picture);
            }
        }
        let gain = self.options.light.gain(self.options.seed, self.seconds(frame));
        let chance = Chance::of(&[self.options.seed, 0x22, frame]);
        self.noise.expose(picture.rgb_mut(), gain, chance);
        if self.options.barcode {
            barcode::write(picture, frame);
        }
    }

    /// Who crossed a line from the frame before `frames` to the last of them, in order.
    pub fn crossings(&self, line: &Line, frames: std::ops::Range<u64>) -> Vec<Crossing> {
        let mut before = self.truth(frames.start.saturating_sub(1));
        let mut all = Vec::new();
        for frame in frames {
            let truth = self.truth(frame);
            all.extend(truth.crossings(&before, line));
            before = truth;
        }
        all
    }

    fn aspect(&self) -> f32 {
        self.options.size.0 as f32 / self.options.size.1 as f32
    }

    #[expect(clippy::cast_possible_truncation, reason = "a scene looks the same to a fraction of a pixel")]
    fn seconds(&self, frame: u64) -> f32 {
        (frame as f64 / f64::from(self.options.fps)) as f32
    }

    /// Who is about, from the farthest to the nearest.
    fn placed(&self, frame: u64) -> Vec<Placed> {
        let people = (0..self.options.people).map(|_| Kind::Person);
        let objects =
            (0..self.options.objects).map(|n| if n % 2 == 0 { Kind::Trolley } else { Kind::Carton });
        let mut all = Vec::new();
        for (slot, kind) in people.chain(objects).enumerate() {
            self.place(slot as u64, kind, frame, &mut all);
        }
        all.sort_by(|one, other| one.foot.1.total_cmp(&other.foot.1).then(one.id.cmp(&other.id)));
        all
    }

    /// Whoever of one slot is about. A slot's time is cut into journeys of equal length, each drawn from its own number, so
    /// that any frame can be asked for without those before it.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "numbers of journeys are small"
    )]
    fn place(&self, slot: u64, kind: Kind, frame: u64, all: &mut Vec<Placed>) {
        let mut chance = Chance::of(&[self.options.seed, 0x31, slot]);
        let lasts = match kind {
            Kind::Person => chance.between(11.0, 16.0),
            Kind::Trolley => chance.between(15.0, 21.0),
            Kind::Carton => chance.between(35.0, 55.0),
        };
        let time = frame as f64 / f64::from(self.options.fps) + f64::from(chance.between(0.0, lasts));
        let journey = (time / f64::from(lasts)) as u64;
        let now = (time - journey as f64 * f64::from(lasts)) as f32;
        let mut chance = Chance::of(&[self.options.seed, 0x32, slot, journey]);
        let slots = u64::from(self.options.people) + u64::from(self.options.objects);
        let id = ((journey * slots + slot) * 2 + 1) as u32;
        let aspect = self.aspect();
        let across = |step: &Step| (step.at.0 * aspect, step.at.1);
        let mut add = |id, label, step: &Step, shapes| all.push(Placed { id, label, foot: step.at, shapes });
        match kind {
            Kind::Person => {
                let person = Person::any(&mut chance);
                if let Some(step) = Walk::person(&mut chance, lasts).at(now) {
                    add(id, PERSON, &step, person.shapes(across(&step), &step));
                }
            }
            Kind::Trolley => {
                let (trolley, person) = (Trolley::any(&mut chance), Person::any(&mut chance));
                if let Some(step) = Walk::through(&mut chance, lasts).at(now) {
                    add(id, TROLLEY, &step, trolley.shapes(across(&step), &step));
                    // An arm's length behind the handle, and a little farther away.
                    let behind = (step.at.1 - 0.12) * 0.62 * 0.5 / aspect;
                    let at = (step.at.0 + if step.right { -behind } else { behind }, step.at.1 - 0.012);
                    let step = Step { at, ..step };
                    add(id + 1, PERSON, &step, person.shapes(across(&step), &step));
                }
            }
            Kind::Carton => {
                let carton = Carton::any(&mut chance);
                if let Some(step) = Walk::rest(&mut chance, lasts).at(now) {
                    add(id, BOX, &step, carton.shapes(across(&step)));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
