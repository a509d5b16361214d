//! How well tracks follow the figures of a scene: CLEAR MOT (Bernardin and Stiefelhagen, 2008) and IDF1 (Ristani et al., 2016).

use std::collections::BTreeMap;

use crate::geometry::Rect;
use crate::observation::TrackId;
use crate::scene::Figure;
use crate::score::LEAST_VISIBLE;

/// A track is at a figure where they overlap by this much (intersection over union).
const AT: f32 = 0.5;

/// Gathers what a tracker followed in many pictures.
#[derive(Clone, Debug, Default)]
pub struct Switches {
    /// The track that each figure had last.
    last: BTreeMap<u32, TrackId>,
    /// In how many pictures a track was at a figure.
    together: BTreeMap<(u32, TrackId), u64>,
    followed: Followed,
}

/// How well things were followed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Followed {
    /// Figures in pictures that were there to be followed.
    pub there: u64,
    /// Tracks in pictures.
    pub tracks: u64,
    /// Figures in pictures that no track was at.
    pub missed: u64,
    /// Tracks in pictures that were at nothing.
    pub wrong: u64,
    /// How often a figure got another track than it had before.
    pub switches: u64,
    /// 1 less the share of missed, wrong and switched ones: 1 is perfect, and it may be negative.
    pub mota: f32,
    /// How much of the time figures and tracks belong to each other one to one, 0 to 1. Pairs are formed greedily, the
    /// longest first, so that it may be a little lower than with the best assignment.
    pub idf1: f32,
}

impl Switches {
    /// Nothing so far.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the tracks of one picture. Figures that are nearly hidden are not asked for; a track may be there or not.
    pub fn add(&mut self, truth: &[Figure], tracks: &[(TrackId, Rect)]) {
        let mut figures = vec![false; truth.len()];
        let mut free = vec![true; tracks.len()];
        let mut pairs: Vec<(usize, usize, bool, f32)> = Vec::new();
        for (n, figure) in truth.iter().enumerate() {
            let last = self.last.get(&figure.id);
            for (m, (id, place)) in tracks.iter().enumerate() {
                let iou = figure.place.iou(place);
                if iou >= AT {
                    pairs.push((n, m, last == Some(id), iou));
                }
            }
        }
        // Who was together stays so; then the best overlap.
        pairs.sort_by(|one, other| other.2.cmp(&one.2).then(other.3.total_cmp(&one.3)));
        for (n, m, ..) in pairs {
            if figures[n] || !free[m] {
                continue;
            }
            (figures[n], free[m]) = (true, false);
            let (figure, track) = (&truth[n], tracks[m].0);
            *self.together.entry((figure.id, track)).or_default() += 1;
            let before = self.last.insert(figure.id, track);
            self.followed.switches += u64::from(before.is_some_and(|before| before != track));
        }
        for (figure, found) in truth.iter().zip(figures) {
            let asked = figure.visible >= LEAST_VISIBLE;
            self.followed.there += u64::from(asked || found);
            self.followed.missed += u64::from(asked && !found);
        }
        self.followed.tracks += tracks.len() as u64;
        self.followed.wrong += free.iter().filter(|free| **free).count() as u64;
    }

    /// How well so far.
    pub fn followed(&self) -> Followed {
        let mut followed = self.followed;
        let bad = followed.missed + followed.wrong + followed.switches;
        followed.mota = 1.0 - bad as f32 / followed.there.max(1) as f32;
        let mut pairs: Vec<_> = self.together.iter().collect();
        pairs.sort_by(|one, other| other.1.cmp(one.1).then(one.0.cmp(other.0)));
        let (mut figures, mut tracks) =
            (std::collections::BTreeSet::new(), std::collections::BTreeSet::new());
        let mut own = 0;
        for ((figure, track), count) in pairs {
            if !figures.contains(figure) && !tracks.contains(track) {
                figures.insert(*figure);
                tracks.insert(*track);
                own += count;
            }
        }
        followed.idf1 = 2.0 * own as f32 / (followed.there + followed.tracks).max(1) as f32;
        followed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::{Options, Scene};

    fn follow(rename: impl Fn(u64, u32) -> Option<TrackId>) -> Followed {
        let scene = Scene::new(Options::default());
        let mut switches = Switches::new();
        for frame in 0..600 {
            let truth = scene.truth(frame).figures;
            let tracks: Vec<_> =
                truth.iter().filter_map(|figure| Some((rename(frame, figure.id)?, figure.place))).collect();
            switches.add(&truth, &tracks);
        }
        switches.followed()
    }

    #[test]
    fn who_keeps_every_identity_is_perfect() {
        let followed = follow(|_, id| Some(id));
        assert_eq!((followed.switches, followed.missed, followed.wrong), (0, 0, 0));
        assert!((followed.mota - 1.0).abs() < 1e-6 && (followed.idf1 - 1.0).abs() < 1e-6, "{followed:?}");
    }

    #[test]
    fn each_new_name_is_a_switch() {
        // Everybody who is there at frame 300 gets a new name then.
        let followed = follow(|frame, id| Some(if frame < 300 { id } else { id + 100_000 }));
        let scene = Scene::new(Options::default());
        let (before, after) = (scene.truth(299).figures, scene.truth(300).figures);
        let both = after.iter().filter(|one| before.iter().any(|other| other.id == one.id)).count() as u64;
        assert!(both > 0);
        assert_eq!(followed.switches, both);
        assert!(followed.idf1 < 0.999 && followed.mota < 1.0);
    }

    #[test]
    fn a_gap_without_a_track_is_missed_but_no_switch() {
        let followed = follow(|frame, id| (frame % 10 != 0).then_some(id));
        assert_eq!((followed.switches, followed.wrong), (0, 0));
        assert!(followed.missed > 0 && (0.85..0.95).contains(&followed.mota), "{followed:?}");
    }
}
