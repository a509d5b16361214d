//! What walks through the room and what is moved through it: of which shapes people, trolleys and boxes are made.

use super::chance::Chance;
use super::shape::{At, Colour, Fill, Form, Shape};
use super::walk::Step;

/// Height of a person, in heights of the picture, whose feet are at `y`: the floor's vanishing line is at 0.12.
fn scale(y: f32) -> f32 {
    (y - 0.12) * 0.62
}

const SKIN: [Colour; 5] = [[236, 200, 172], [214, 164, 128], [168, 116, 84], [112, 76, 54], [246, 214, 190]];
const HAIR: [Colour; 5] = [[30, 24, 22], [78, 52, 32], [150, 110, 60], [190, 186, 180], [110, 40, 24]];
const TROUSERS: [Colour; 6] =
    [[34, 40, 62], [52, 52, 56], [88, 76, 60], [24, 24, 28], [120, 112, 100], [60, 78, 110]];

/// How a person looks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Person {
    tall: f32,
    broad: f32,
    skin: Colour,
    hair: Colour,
    shirt: Colour,
    stripes: Option<Colour>,
    trousers: Colour,
    bag: Option<Colour>,
    skirt: bool,
}

/// Any colour that clothes have.
fn clothes(chance: &mut Chance) -> Colour {
    let bright = chance.between(50.0, 245.0);
    [(); 3].map(|()| to_colour(bright * chance.between(0.25, 1.0)))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the range of a u8")]
pub(super) fn to_colour(value: f32) -> u8 {
    value.clamp(0.0, 255.0) as u8
}

impl Person {
    /// Anybody.
    pub(super) fn any(chance: &mut Chance) -> Self {
        Self {
            tall: chance.between(0.84, 1.1),
            broad: chance.between(0.85, 1.2),
            skin: SKIN[chance.below(SKIN.len())],
            hair: HAIR[chance.below(HAIR.len())],
            shirt: clothes(chance),
            stripes: chance.is(0.25).then(|| clothes(chance)),
            trousers: TROUSERS[chance.below(TROUSERS.len())],
            bag: chance.is(0.3).then(|| clothes(chance)),
            skirt: chance.is(0.2),
        }
    }

    /// Their shapes, from back to front. `foot` is in heights of the picture.
    pub(super) fn shapes(&self, foot: At, step: &Step) -> Vec<Shape> {
        let tall = scale(foot.1) * self.tall;
        let facing = if step.right { 1.0 } else { -1.0 };
        let at = |x: f32, up: f32| (foot.0 + x * facing * tall, foot.1 - up * tall);
        let limb = |from: At, thick: f32, to: At, thin: f32| Form::Limb(from, thick * tall, to, thin * tall);
        // A step is 0.8 of a person's height long.
        let phase = step.walked / scale(foot.1).max(0.05) * std::f32::consts::PI / 0.55;
        let swing = if step.moving { phase.sin() } else { 0.12 };
        let lift = |side: f32| if step.moving { (phase.cos() * side).max(0.0) * 0.045 } else { 0.0 };
        let broad = self.broad;
        let leg = |side: f32| {
            limb(at(0.0, 0.47), 0.065 * broad, at(0.15 * swing * side, 0.035 + lift(side)), 0.035)
        };
        let arm = |side: f32| limb(at(0.0, 0.77), 0.042 * broad, at(-0.13 * swing * side, 0.46), 0.028);
        let darker = self.shirt.map(|part| part / 4 * 3);
        let mut shapes = Vec::with_capacity(12);
        shapes.push(Shape {
            form: Form::Ellipse((foot.0 + 0.04 * tall, foot.1), (0.2 * tall, 0.045 * tall)),
            colour: [0; 3],
            fill: Fill::Shadow,
        });
        shapes.push(Shape::plain(arm(-1.0), darker));
        shapes.push(Shape::plain(leg(-1.0), self.trousers.map(|part| part / 4 * 3)));
        shapes.push(Shape::plain(leg(1.0), self.trousers));
        if self.skirt {
            let (left, right) = (foot.0 - 0.13 * tall * broad, foot.0 + 0.13 * tall * broad);
            let form = Form::Block((left, foot.1 - 0.55 * tall), (right, foot.1 - 0.27 * tall), 0.05 * tall);
            shapes.push(Shape::plain(form, self.trousers));
        }
        let torso = limb(at(0.0, 0.72), 0.115 * broad, at(0.0, 0.5), 0.095 * broad);
        let fill = self.stripes.map_or(Fill::Plain, |colour| Fill::Stripes(colour, 0.09 * tall));
        shapes.push(Shape { form: torso, colour: self.shirt, fill });
        if let Some(colour) = self.bag {
            let (x, y) = at(-0.1, 0.55);
            let form = Form::Block(
                (x - 0.075 * tall, y - 0.1 * tall),
                (x + 0.075 * tall, y + 0.08 * tall),
                0.01 * tall,
            );
            shapes.push(Shape::plain(form, colour));
        }
        shapes.push(Shape::plain(arm(1.0), darker));
        shapes.push(Shape::plain(limb(at(0.0, 0.86), 0.035, at(0.0, 0.8), 0.04), self.skin));
        shapes.push(Shape::plain(Form::Ellipse(at(0.0, 0.925), (0.066 * tall, 0.08 * tall)), self.hair));
        shapes.push(Shape::plain(Form::Ellipse(at(0.015, 0.91), (0.052 * tall, 0.066 * tall)), self.skin));
        shapes
    }
}

/// How a trolley looks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trolley {
    frame: Colour,
    load: Colour,
}

impl Trolley {
    /// Any trolley.
    pub(super) fn any(chance: &mut Chance) -> Self {
        let grey = to_colour(chance.between(120.0, 215.0));
        Self { frame: [grey, grey, grey.saturating_add(8)], load: clothes(chance) }
    }

    /// Its shapes, from back to front.
    pub(super) fn shapes(self, foot: At, step: &Step) -> Vec<Shape> {
        let tall = scale(foot.1);
        let facing = if step.right { 1.0 } else { -1.0 };
        let at = |x: f32, up: f32| (foot.0 + x * facing * tall, foot.1 - up * tall);
        let block = |half: f32, low: f32, high: f32, lean: f32| {
            let (left, right) = (foot.0 - half * tall, foot.0 + half * tall);
            Form::Block((left, foot.1 - high * tall), (right, foot.1 - low * tall), lean * tall)
        };
        let wheel =
            |x: f32| Shape::plain(Form::Ellipse(at(x, 0.045), (0.045 * tall, 0.045 * tall)), [26, 26, 28]);
        let bar =
            |from: At, to: At| Shape::plain(Form::Limb(from, 0.016 * tall, to, 0.016 * tall), self.frame);
        vec![
            Shape {
                form: Form::Ellipse((foot.0 + 0.04 * tall, foot.1), (0.34 * tall, 0.05 * tall)),
                colour: [0; 3],
                fill: Fill::Shadow,
            },
            bar(at(-0.24, 0.1), at(-0.24, 0.3)),
            bar(at(0.22, 0.1), at(-0.24, 0.1)),
            wheel(-0.22),
            wheel(0.2),
            Shape::plain(block(0.2, 0.2, 0.46, 0.0), self.load),
            Shape {
                form: block(0.28, 0.2, 0.46, -0.0),
                colour: self.frame,
                fill: Fill::Wires(self.load, 0.06 * tall),
            },
            bar(at(-0.28, 0.44), at(-0.36, 0.56)),
            Shape::plain(Form::Ellipse(at(-0.36, 0.56), (0.035 * tall, 0.02 * tall)), [200, 40, 40]),
        ]
    }
}

/// How a box looks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Carton {
    half: f32,
    high: f32,
    colour: Colour,
    tape: Colour,
}

impl Carton {
    /// Any box.
    pub(super) fn any(chance: &mut Chance) -> Self {
        let light = chance.between(0.75, 1.15);
        Self {
            half: chance.between(0.15, 0.25),
            high: chance.between(0.22, 0.4),
            colour: [186.0, 142.0, 94.0].map(|part| to_colour(part * light)),
            tape: [222.0, 196.0, 150.0].map(|part| to_colour(part * light)),
        }
    }

    /// Its shapes, from back to front.
    pub(super) fn shapes(&self, foot: At) -> Vec<Shape> {
        let tall = scale(foot.1);
        let (half, high, lid) = (self.half * tall, self.high * tall, 0.08 * tall);
        let side = Form::Block((foot.0 - half, foot.1 - high), (foot.0 + half, foot.1), 0.0);
        let top =
            Form::Block((foot.0 - half, foot.1 - high - lid), (foot.0 + half, foot.1 - high), lid * 0.6);
        let strip = Form::Block(
            (foot.0 - half * 0.15, foot.1 - high),
            (foot.0 + half * 0.15, foot.1 - high * 0.4),
            0.0,
        );
        vec![
            Shape {
                form: Form::Ellipse((foot.0 + 0.05 * tall, foot.1), (half * 1.15, 0.05 * tall)),
                colour: [0; 3],
                fill: Fill::Shadow,
            },
            Shape::plain(side, self.colour),
            Shape::plain(top, self.tape),
            Shape::plain(strip, self.tape),
        ]
    }
}
