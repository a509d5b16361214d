//! A camera as a controller: where somebody stands in the picture, as the stick of a game.

use std::time::Duration;

use playhouse_media::time::Timestamp;

use crate::detection::Label;
use crate::observation::{Thing, TrackId};

/// How long somebody may be out of sight before another one takes over: a step behind a pillar.
const PATIENCE: Duration = Duration::from_millis(800);

/// This far from the middle, as a part of the picture, the stick is at its end: nobody has to leave the picture for it.
const REACH: f32 = 0.35;

/// Lower than this part of the usual height, somebody ducks.
const DUCKED: f32 = 0.7;

/// How much of a new height is taken for the usual one with each picture: at once where somebody is taller, since whoever came
/// in crouching stands up, and slowly where they are smaller.
const GROWS: f32 = 0.3;
const SHRINKS: f32 = 0.004;

/// How somebody stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stance {
    /// From -1 (left) to 1 (right), as the player sees it.
    pub x: f32,
    /// From -1 (top) to 1 (bottom).
    pub y: f32,
    /// Whether they are clearly lower than usual.
    pub ducked: bool,
}

/// Follows one person through the glimpses of a sensor.
#[derive(Debug)]
pub struct Steering {
    mirrored: bool,
    followed: Option<Followed>,
}

#[derive(Clone, Copy, Debug)]
struct Followed {
    track: TrackId,
    seen: Timestamp,
    height: f32,
    stance: Stance,
}

impl Steering {
    /// Follows nobody yet. `mirrored`: the camera looks into the player's face, and their right is the picture's left.
    pub fn new(mirrored: bool) -> Self {
        Self { mirrored, followed: None }
    }

    /// How the one who plays stands, after a glimpse; nothing while nobody is there. Whoever is the largest begins, and plays
    /// until out of sight. `person` is the label that counts; where it is nothing, every one does.
    pub fn see(&mut self, now: Timestamp, things: &[Thing], person: Option<Label>) -> Option<Stance> {
        let counts = |thing: &&Thing| person.is_none_or(|label| thing.label == label);
        let follows = self.followed.map(|followed| followed.track);
        let same = things.iter().find(|thing| Some(thing.track) == follows);
        let Some(thing) = same else {
            if let Some(followed) = self.followed.filter(|one| now.since(one.seen) <= PATIENCE) {
                return Some(followed.stance);
            }
            let largest = things.iter().filter(counts).max_by(|one, other| area(one).total_cmp(&area(other)));
            self.followed = largest.map(|thing| self.stands(now, thing, height(thing)));
            return self.followed.map(|followed| followed.stance);
        };
        let usual = self.followed.map_or(0.0, |followed| followed.height);
        let rate = if height(thing) > usual { GROWS } else { SHRINKS };
        let followed = self.stands(now, thing, usual + (height(thing) - usual) * rate);
        self.followed = Some(followed);
        Some(followed.stance)
    }

    fn stands(&self, seen: Timestamp, thing: &Thing, usual: f32) -> Followed {
        let [left, top, right, bottom] = thing.place.map(fraction);
        let reach = |low: f32, high: f32| ((f32::midpoint(low, high) - 0.5) / REACH).clamp(-1.0, 1.0);
        let x = reach(left, right);
        let stance = Stance {
            x: if self.mirrored { -x } else { x },
            y: reach(top, bottom),
            ducked: height(thing) < usual * DUCKED,
        };
        Followed { track: thing.track, seen, height: usual, stance }
    }
}

fn fraction(edge: u16) -> f32 {
    f32::from(edge) / 65_535.0
}

fn height(thing: &Thing) -> f32 {
    fraction(thing.place[3].saturating_sub(thing.place[1]))
}

fn area(thing: &Thing) -> f32 {
    height(thing) * fraction(thing.place[2].saturating_sub(thing.place[0]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Somebody whose middle is at `x`, from the floor upwards, as parts of the picture.
    fn thing(track: TrackId, label: Label, x: f32, height: f32) -> Thing {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "parts from 0 to 1")]
        let edge = |part: f32| (part.clamp(0.0, 1.0) * 65_535.0).round() as u16;
        let place = [edge(x - 0.05), edge(0.9 - height), edge(x + 0.05), edge(0.9)];
        Thing { track, label, place, score: 200, provisional: false }
    }

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_micros(millis * 1000)
    }

    #[test]
    fn the_largest_person_plays_until_out_of_sight_for_a_while() {
        let mut steering = Steering::new(false);
        let (near, far, box_) = (thing(1, 0, 0.5, 0.6), thing(2, 0, 0.8, 0.3), thing(3, 1, 0.2, 0.9));
        assert_eq!(steering.see(at(0), &[box_], Some(0)), None);
        let stance = steering.see(at(10), &[far, near, box_], Some(0)).unwrap();
        assert!(stance.x.abs() < 0.01 && !stance.ducked, "{stance:?}");
        // Somebody larger comes by, and does not take over.
        let closer = thing(4, 0, 0.9, 0.8);
        assert!(steering.see(at(20), &[closer, thing(1, 0, 0.55, 0.6)], Some(0)).unwrap().x < 0.2);
        let last = steering.see(at(700), &[closer], Some(0)).unwrap();
        assert!(last.x < 0.2, "{last:?}");
        assert!((steering.see(at(1000), &[closer], Some(0)).unwrap().x - 1.0).abs() < 0.01);
        assert!(steering.see(at(1500), &[], Some(0)).is_some());
        assert_eq!(steering.see(at(3000), &[], Some(0)), None);
    }

    #[test]
    fn a_camera_in_front_mirrors_and_one_behind_does_not() {
        let right = thing(1, 0, 0.8, 0.5);
        let x = |mirrored| Steering::new(mirrored).see(at(0), &[right], None).unwrap().x;
        assert!((x(false) - 0.857).abs() < 0.01 && (x(true) + 0.857).abs() < 0.01);
    }

    #[test]
    fn whoever_crouches_ducks_until_they_stand_up() {
        let mut steering = Steering::new(false);
        let mut see =
            |millis, height| steering.see(at(millis), &[thing(1, 0, 0.5, height)], None).unwrap().ducked;
        assert!((0..30).all(|step| !see(step * 66, 0.6)));
        assert!((30..60).all(|step| see(step * 66, 0.35)));
        assert!(!see(4000, 0.58));
        // Whoever came in crouching is not ducked, and is not once they stand.
        assert!(!see(4066, 0.6));
    }
}
