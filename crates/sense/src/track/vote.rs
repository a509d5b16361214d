//! What a track is called: what it was most often seen as, weighted by how sure the detector was.

use crate::detection::Label;

/// The most labels that compete for one track.
const MOST: usize = 6;

/// What one more look leaves of what was seen before: some hundred looks count.
const KEEP: f32 = 0.99;

/// What a larger model says counts as so many sure looks, for good: enough where the detector wavers, and not enough where the
/// track has gone over to somebody else since, who is seen as something else again and again.
const WORTH: f32 = 15.0;

/// The labels that a track was seen as.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vote {
    weights: [(Label, f32); MOST],
    settled: Option<Label>,
}

impl Vote {
    pub(super) fn new(label: Label, score: f32) -> Self {
        let mut weights = [(label, 0.0); MOST];
        weights[0].1 = score;
        Self { weights, settled: None }
    }

    pub(super) fn add(&mut self, label: Label, score: f32) {
        for (_, weight) in &mut self.weights {
            *weight *= KEEP;
        }
        let least = (0..MOST).min_by(|&one, &other| self.worth(one).total_cmp(&self.worth(other)));
        let known = (0..MOST).find(|&place| self.weights[place].0 == label && self.worth(place) > 0.0);
        if let Some(place) = known.or(least) {
            if known.is_none() {
                self.weights[place] = (label, 0.0);
            }
            self.weights[place].1 += score;
        }
    }

    /// Somebody who knows better says what it is.
    pub(super) fn settle(&mut self, label: Label) {
        self.settled = Some(label);
        self.add(label, 0.0);
    }

    pub(super) fn label(&self) -> Label {
        let most = (0..MOST).max_by(|&one, &other| self.worth(one).total_cmp(&self.worth(other)));
        most.map(|place| self.weights[place].0).unwrap_or_default()
    }

    /// What speaks for the label at this place.
    fn worth(&self, place: usize) -> f32 {
        let (label, weight) = self.weights[place];
        if self.settled == Some(label) { weight + WORTH } else { weight }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_detector_renames_nobody() {
        let mut vote = Vote::new(1, 0.5);
        for look in 0..50 {
            vote.add(if look % 5 == 0 { 2 } else { 1 }, 0.6);
        }
        assert_eq!(vote.label(), 1);
        for label in 10..40 {
            vote.add(label, 0.3);
        }
        assert_eq!(vote.label(), 1);
    }

    #[test]
    fn what_somebody_knows_better_holds_until_the_track_is_somebody_else() {
        let mut vote = Vote::new(1, 0.5);
        for look in 0..50 {
            vote.add(if look % 3 == 0 { 2 } else { 1 }, 0.5);
        }
        vote.settle(2);
        for label in [1, 1, 3, 2, 1, 1] {
            vote.add(label, 0.5);
            assert_eq!(vote.label(), 2);
        }
        // Its box went over to somebody else.
        let late = (0..100).find(|_| {
            vote.add(4, 0.8);
            vote.label() == 4
        });
        assert!(late.is_some_and(|looks| looks > 10), "{late:?}");
    }
}
