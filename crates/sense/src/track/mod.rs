//! Who is who from picture to picture: detections become tracks with numbers that stay.
//!
//! After `ByteTrack` (Zhang et al. 2022): what the detector is sure of is given to the tracks first, each where it is
//! foreseen (a Kalman filter), all together at the least cost (Hungarian method); what it is less sure of only continues
//! tracks that are left over. Unlike there everything goes by time, not by frames: looks may be rare while nothing moves.

mod assign;
mod kalman;
#[cfg(test)]
mod tests;
mod vote;

use std::time::Duration;

use playhouse_media::time::Timestamp;

use self::assign::{NEVER, assign};
use self::kalman::Motion;
use self::vote::Vote;
use crate::detection::{Detection, Label};
use crate::geometry::{Point, Rect};
use crate::observation::TrackId;

/// The most tracks at a time, and the most detections of a picture: a crowd. The surest detections come first.
pub const MOST_TRACKS: usize = 128;

/// What is less sure than this part of [`Thresholds::low`] is not looked at. A detector gives what is above.
pub const FAINT: f32 = 0.4;

/// How often something has to be seen to be told of.
const HITS: u32 = 3;

/// A track that is not yet told of ends when it is not seen for so long: two missed pictures at 15 a second.
const SHORT: Duration = Duration::from_millis(150);

/// What the detector is not sure of continues tracks that were seen so lately, and brings nobody back.
const FADES: Duration = Duration::from_millis(250);

/// A track ends when it is not seen for so long: somebody who walks past somebody who waits.
const HIDDEN: Duration = Duration::from_millis(2500);

/// A track that was about to leave the picture ends when it is not seen for so long.
const GONE: Duration = Duration::from_millis(700);

/// A look that comes so late after the one before says nothing about the way between: the clock slept, or the camera did.
const LONGEST_STEP: f32 = 2.0;

/// How surprising a place may be, in standard deviations squared: one in 10,000 of two degrees of freedom.
const SURPRISE: f32 = 18.4;

/// How far from where it is foreseen something may turn up again, in diagonals of its box: however long it was hidden, it
/// does not fly through the room.
const REACH: f32 = 0.3;

/// How unlike a box may be to be the same thing, as a ratio of heights or of widths.
const UNLIKE: f32 = 2.2;

/// What another label costs, where 1 is a box that does not overlap at all.
const OTHER_LABEL: f32 = 0.4;

/// How much of a new score goes into a track's.
const SCORE: f32 = 0.2;

/// From which scores on something is followed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// Below it nothing is begun.
    pub low: f32,
    /// Below it a larger model would be asked.
    pub high: f32,
}

/// Something that is followed.
#[derive(Clone, Copy, Debug)]
pub struct Track {
    /// Its number.
    pub id: TrackId,
    /// What it is.
    pub label: Label,
    /// Where it is; where it must be by now, if it is hidden.
    pub place: Rect,
    /// How sure the detector was over the last looks, 0 to 1.
    pub score: f32,
    /// When it was first seen.
    pub since: Timestamp,
    /// When it was last seen.
    pub seen: Timestamp,
    /// Whether it was not seen in the last picture.
    pub hidden: bool,
    /// Whether a larger model has said what it is.
    pub settled: bool,
}

#[derive(Clone, Debug)]
struct Followed {
    track: Track,
    motion: Motion,
    vote: Vote,
    hits: u32,
    /// It was told of.
    told: bool,
    /// A larger model has said that it is nothing; it is followed so that it does not begin again.
    nothing: bool,
}

/// What changed with a picture.
#[derive(Debug, Default)]
pub struct Changes {
    /// Tracks that are sure enough to be told of.
    pub begun: Vec<Track>,
    /// Tracks that ended, of those that were told of.
    pub ended: Vec<Track>,
}

/// Follows things.
#[derive(Debug, Default)]
pub struct Tracker {
    followed: Vec<Followed>,
    last: TrackId,
    now: Timestamp,
}

impl Tracker {
    /// Those that were told of.
    pub fn tracks(&self) -> impl Iterator<Item = &Track> {
        self.followed.iter().filter(|one| one.told && !one.nothing).map(|one| &one.track)
    }

    /// This is what a picture, taken at `now`, has.
    pub fn detections(&mut self, now: Timestamp, found: &[Detection], thresholds: Thresholds) -> Changes {
        let seconds = now.since(self.now).as_secs_f32();
        self.now = now;
        for one in &mut self.followed {
            one.predict(seconds.min(LONGEST_STEP));
        }
        let mut found: Vec<Detection> = found.iter().copied().filter(is_sane).collect();
        found.sort_by(|one, other| other.score.total_cmp(&one.score));
        found.truncate(MOST_TRACKS);
        let sure = found.partition_point(|detection| detection.score >= thresholds.low);
        let faint = found.partition_point(|detection| detection.score >= thresholds.low * FAINT);

        let all: Vec<usize> = (0..self.followed.len()).collect();
        let (told, fresh): (Vec<usize>, Vec<usize>) = all.into_iter().partition(|&n| self.followed[n].told);
        let mut free: Vec<usize> = (0..sure).collect();
        let told = self.give(now, told, &mut free, &found);
        let mut unsure: Vec<usize> = (sure..faint).collect();
        let lately = |&track: &usize| now.since(self.followed[track].track.seen) < FADES;
        let told = told.into_iter().filter(lately).collect();
        self.give(now, told, &mut unsure, &found);
        self.give(now, fresh, &mut free, &found);
        for place in free {
            self.begin(now, &found[place]);
        }
        self.change(now)
    }

    /// Nothing moves: who was seen in the last picture is there still.
    pub fn still(&mut self, now: Timestamp) -> Changes {
        self.now = now;
        for one in self.followed.iter_mut().filter(|one| !one.track.hidden) {
            one.track.seen = now;
            one.motion.stop();
        }
        self.change(now)
    }

    /// There is no picture: time goes on.
    pub fn idle(&mut self, now: Timestamp) -> Changes {
        self.now = now;
        self.change(now)
    }

    /// A larger model has looked: it is that, or nothing at all. Whether the track is there still, or is called something
    /// else now.
    pub fn settle(&mut self, id: TrackId, label: Option<Label>) -> Option<Settled> {
        let one = self.followed.iter_mut().find(|one| one.track.id == id && one.told && !one.nothing)?;
        one.track.settled = true;
        let Some(label) = label else {
            one.nothing = true;
            return Some(Settled::Nothing(one.track));
        };
        one.vote.settle(label);
        let before = std::mem::replace(&mut one.track.label, label);
        Some(if before == label { Settled::Same } else { Settled::Other })
    }

    /// Another model looks from now on: what it calls things counts alone.
    pub fn forget_labels(&mut self) {
        for one in &mut self.followed {
            one.vote = Vote::new(one.track.label, 0.0);
            one.track.settled = false;
        }
    }

    /// Gives detections to tracks; what is given is taken out of `free`. Tracks that get none.
    fn give(
        &mut self,
        now: Timestamp,
        tracks: Vec<usize>,
        free: &mut Vec<usize>,
        found: &[Detection],
    ) -> Vec<usize> {
        let costs: Vec<f32> = tracks
            .iter()
            .flat_map(|&track| free.iter().map(move |&place| (track, place)))
            .map(|(track, place)| self.followed[track].cost(&found[place]))
            .collect();
        let given = assign(&costs, tracks.len(), free.len());
        let mut left = Vec::new();
        for (track, place) in tracks.into_iter().zip(&given) {
            match place {
                Some(place) => self.followed[track].update(now, &found[free[*place]]),
                None => left.push(track),
            }
        }
        let mut places = 0..;
        free.retain(|_| !places.next().is_some_and(|place| given.contains(&Some(place))));
        left
    }

    fn begin(&mut self, now: Timestamp, detection: &Detection) {
        if self.followed.len() >= MOST_TRACKS {
            return;
        }
        let track = Track {
            id: 0,
            label: detection.label,
            place: detection.place,
            score: detection.score,
            since: now,
            seen: now,
            hidden: false,
            settled: false,
        };
        let vote = Vote::new(detection.label, detection.score);
        let motion = Motion::new(&detection.place);
        self.followed.push(Followed { track, motion, vote, hits: 1, told: false, nothing: false });
    }

    fn change(&mut self, now: Timestamp) -> Changes {
        let mut changes = Changes::default();
        for one in &mut self.followed {
            one.track.hidden = one.track.seen < now;
            if !one.told && one.hits >= HITS {
                self.last = self.last.wrapping_add(1);
                one.track.id = self.last;
                one.told = true;
                changes.begun.push(one.track);
            }
        }
        self.followed.retain(|one| {
            let stays = now.since(one.track.seen) < one.patience();
            if !stays && one.told && !one.nothing {
                changes.ended.push(one.track);
            }
            stays
        });
        changes
    }
}

/// What became of a track that a larger model looked at.
#[derive(Clone, Copy, Debug)]
pub enum Settled {
    /// It is what it was called.
    Same,
    /// It is called something else now.
    Other,
    /// It is nothing, and no track any more.
    Nothing(Track),
}

impl Followed {
    fn predict(&mut self, seconds: f32) {
        self.motion.predict(seconds, self.track.hidden);
        self.track.place = self.motion.place();
    }

    fn update(&mut self, now: Timestamp, detection: &Detection) {
        self.motion.update(&detection.place);
        self.vote.add(detection.label, detection.score);
        self.hits += 1;
        self.track.place = self.motion.place();
        self.track.label = self.vote.label();
        self.track.score += SCORE * (detection.score - self.track.score);
        self.track.seen = now;
    }

    /// How unlikely it is that this is it: 0 to 2.
    fn cost(&self, detection: &Detection) -> f32 {
        let (mine, other) = (&self.track.place, &detection.place);
        let unlike = |one: f32, other: f32| one.max(other) > UNLIKE * one.min(other).max(1e-3);
        let cut = at_edge(other) || at_edge(mine);
        if self.motion.surprise(other) > SURPRISE
            || apart(mine, other) > REACH * mine.width().hypot(mine.height())
            || (!cut && (unlike(mine.height(), other.height()) || unlike(mine.width(), other.width())))
        {
            return NEVER;
        }
        let label = if self.track.label == detection.label { 0.0 } else { OTHER_LABEL };
        1.0 - mine.iou(other) + distance(mine, other) + label
    }

    /// How long it is kept without being seen.
    fn patience(&self) -> Duration {
        if !self.told {
            return SHORT;
        }
        if leaves(&self.track.place, self.motion.speed()) { GONE } else { HIDDEN }
    }
}

/// Whether it is at the edge of the picture and about to go, or outside.
fn leaves(place: &Rect, speed: Point) -> bool {
    let foot = place.centre();
    let outside = !(0.0..=1.0).contains(&foot.x) || !(0.0..=1.0).contains(&foot.y);
    outside
        || (place.left < EDGE && speed.x < 0.0)
        || (place.right > 1.0 - EDGE && speed.x > 0.0)
        || (place.top < EDGE && speed.y < 0.0)
        || (place.bottom > 1.0 - EDGE && speed.y > 0.0)
}

/// What is so near to the edge of the picture may be cut off by it.
const EDGE: f32 = 0.02;

fn at_edge(place: &Rect) -> bool {
    place.left < EDGE || place.top < EDGE || place.right > 1.0 - EDGE || place.bottom > 1.0 - EDGE
}

/// How far apart the middles are, in widths and heights of the picture.
fn apart(one: &Rect, other: &Rect) -> f32 {
    let (a, b) = (one.centre(), other.centre());
    (a.x - b.x).hypot(a.y - b.y)
}

/// How far apart the middles are, against the size of both together: 0 to 1 (Zheng et al. 2020, "Distance-IoU loss").
fn distance(one: &Rect, other: &Rect) -> f32 {
    let (a, b) = (one.centre(), other.centre());
    let across = (
        one.right.max(other.right) - one.left.min(other.left),
        one.bottom.max(other.bottom) - one.top.min(other.top),
    );
    let diagonal = across.0.powi(2) + across.1.powi(2);
    ((a.x - b.x).powi(2) + (a.y - b.y).powi(2)) / diagonal.max(1e-6)
}

/// Whether its numbers are numbers and make a box.
fn is_sane(detection: &Detection) -> bool {
    let Rect { left, top, right, bottom } = detection.place;
    let within = |edge: f32| (-1.0..=2.0).contains(&edge);
    [left, top, right, bottom].into_iter().all(within)
        && right > left
        && bottom > top
        && (0.0..=1.0).contains(&detection.score)
}
