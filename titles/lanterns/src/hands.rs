//! Where each boat is wanted, made of whatever people steer with: pads (a body seen by a sensor is one), mouse, keys.
//!
//! Pure. Of several ways to steer the first boat, the one that moved last counts.

use probe::pads::Pad;

use crate::sky::{BOATS, Inputs, WIDTH};

/// A stick that moves less than this stands still.
const STILL: f32 = 0.02;
/// Seconds after which a mouse that does not move, or keys that nobody presses, have nobody at them.
const IDLE: f32 = 25.0;
/// How fast keys steer: in half pictures per second.
const KEYS: f32 = 1.5;

/// The kernel's numbers of A, D, Left and Right.
const LEFT: [u8; 2] = [30, 105];
const RIGHT: [u8; 2] = [32, 106];

/// Who steers the first boat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Helm {
    Nobody,
    Pad,
    Hand,
}

/// All that is known of the devices.
#[derive(Debug)]
pub struct Hands {
    helm: Helm,
    pads: [Option<f32>; BOATS],
    /// Where mouse and keys have the first boat.
    place: f32,
    idle: f32,
    left: [bool; 2],
    right: [bool; 2],
    pressed: bool,
}

impl Default for Hands {
    fn default() -> Self {
        let pads = [None; BOATS];
        let (left, right) = ([false; 2], [false; 2]);
        Self { helm: Helm::Nobody, pads, place: 0.0, idle: 0.0, left, right, pressed: false }
    }
}

impl Hands {
    /// Something was pressed, whatever it was.
    pub fn press(&mut self) {
        self.pressed = true;
        self.idle = 0.0;
    }

    /// A key, by the kernel's number, went down or up.
    pub fn key(&mut self, code: u8, down: bool) {
        for (keys, held) in [(LEFT, &mut self.left), (RIGHT, &mut self.right)] {
            for (_, held) in keys.iter().zip(held).filter(|(key, _)| **key == code) {
                *held = down;
            }
        }
        if self.turn() != 0.0 {
            self.take();
        }
    }

    /// The mouse is in this column of the picture.
    pub fn point(&mut self, x: f64) {
        #[expect(clippy::cast_possible_truncation, reason = "a column of the picture")]
        let place = x as f32 / WIDTH * 2.0 - 1.0;
        if (place - self.place).abs() * WIDTH > 2.0 || self.helm == Helm::Hand {
            self.take();
            self.place = place.clamp(-1.0, 1.0);
        }
    }

    /// The pads are like this now; the first two steer.
    pub fn pads(&mut self, pads: &[Pad]) {
        for (number, (pad, before)) in pads.iter().zip(&mut self.pads).enumerate() {
            let now = pad.connected.then_some(pad.stick.0);
            let moved = match (*before, now) {
                (Some(before), Some(now)) => (now - before).abs() > STILL,
                (None, None) => false,
                _ => true,
            };
            if !moved {
                continue;
            }
            *before = now;
            if number == 0 {
                match now {
                    Some(_) => self.helm = Helm::Pad,
                    None if self.helm == Helm::Pad => self.helm = Helm::Nobody,
                    None => {}
                }
            }
        }
    }

    /// What is wanted now, `seconds` after the last question.
    pub fn inputs(&mut self, seconds: f32) -> Inputs {
        let turn = self.turn();
        if turn == 0.0 {
            self.idle += seconds;
        } else {
            self.idle = 0.0;
            self.place = (self.place + turn * KEYS * seconds).clamp(-1.0, 1.0);
        }
        if self.helm == Helm::Hand && self.idle > IDLE {
            // A pad that is still there has the helm again.
            self.helm = if self.pads[0].is_some() { Helm::Pad } else { Helm::Nobody };
        }
        let first = match self.helm {
            Helm::Nobody => None,
            Helm::Pad => self.pads[0],
            Helm::Hand => Some(self.place),
        };
        Inputs { places: [first, self.pads[1]], pressed: std::mem::take(&mut self.pressed) }
    }

    /// Mouse or keys take the helm, from where the boat is.
    fn take(&mut self) {
        if self.helm == Helm::Pad {
            self.place = self.pads[0].unwrap_or(self.place);
        }
        self.helm = Helm::Hand;
        self.idle = 0.0;
    }

    fn turn(&self) -> f32 {
        let held = |keys: [bool; 2]| f32::from(u8::from(keys.contains(&true)));
        held(self.right) - held(self.left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pad(x: f32) -> Pad {
        Pad { connected: true, stick: (x, 0.3) }
    }

    #[test]
    fn a_body_is_where_its_stick_is_and_gone_with_its_pad() {
        let mut hands = Hands::default();
        assert_eq!(hands.inputs(0.01).places, [None, None]);
        hands.pads(&[pad(-0.7), Pad::default()]);
        assert_eq!(hands.inputs(0.01).places, [Some(-0.7), None]);
        hands.pads(&[pad(-0.7), pad(0.4)]);
        assert_eq!(hands.inputs(0.01).places, [Some(-0.7), Some(0.4)]);
        hands.pads(&[Pad::default(), pad(0.4)]);
        assert_eq!(hands.inputs(0.01).places, [None, Some(0.4)]);
        hands.pads(&[Pad::default(); 2]);
        assert_eq!(hands.inputs(0.01).places, [None, None]);
    }

    #[test]
    fn what_moved_last_steers_the_first_boat() {
        let mut hands = Hands::default();
        hands.pads(&[pad(0.0)]);
        hands.point(960.0);
        assert_eq!(hands.inputs(0.01).places[0], Some(0.5));
        hands.pads(&[pad(0.001)]);
        assert_eq!(hands.inputs(0.01).places[0], Some(0.5), "a stick that rests does not take the helm");
        hands.pads(&[pad(-0.4)]);
        assert_eq!(hands.inputs(0.01).places[0], Some(-0.4));
    }

    #[test]
    fn keys_steer_as_long_as_they_are_held_and_nobody_is_there_after_a_while() {
        let mut hands = Hands::default();
        for key in [30, 105] {
            hands.key(key, true);
            let before = hands.inputs(0.1).places[0].unwrap();
            assert!(hands.inputs(0.1).places[0].unwrap() < before);
            hands.key(key, false);
            let after = hands.inputs(0.1).places[0];
            assert_eq!(hands.inputs(0.1).places[0], after);
        }
        hands.inputs(26.0);
        assert_eq!(hands.inputs(0.1).places[0], None);
    }

    #[test]
    fn a_press_is_told_of_once() {
        let mut hands = Hands::default();
        hands.press();
        assert!(hands.inputs(0.1).pressed);
        assert!(!hands.inputs(0.1).pressed);
    }
}
