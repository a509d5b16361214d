//! What a simulated sensor sees: people who come, cross the line and go, by chance. Pure.

use playhouse_sense::geometry::{Point, Rect};
use playhouse_sense::observation::{Direction, Thing, TrackId, What};
use playhouse_sense::scene::Chance;

/// A simulated sensor's people. Time is in milliseconds since it began.
#[derive(Debug)]
pub(super) struct Life {
    chance: Chance,
    /// Milliseconds between two people, on average.
    between: f32,
    next_at: u64,
    track: TrackId,
    /// Who is about.
    person: Option<Person>,
}

/// Somebody who comes, crosses the line half-way, and goes.
#[derive(Clone, Copy, Debug)]
struct Person {
    since: u64,
    until: u64,
    from_left: bool,
    crossed: bool,
}

impl Person {
    /// When they do something next.
    fn next_at(&self) -> u64 {
        if self.crossed { self.until } else { u64::midpoint(self.since, self.until) }
    }
}

/// How long somebody is about, in milliseconds.
const STAY: (f32, f32) = (2_000.0, 8_000.0);

impl Life {
    /// With so many people a minute. The same seed and number see the same people.
    pub(super) fn new(seed: u64, number: u64, per_minute: f32) -> Self {
        let mut chance = Chance::of(&[seed, 0xf1, number]);
        let between = 60_000.0 / per_minute.clamp(0.01, 600.0);
        let next_at = whole(between * chance.unit());
        Self { chance, between, next_at, track: 0, person: None }
    }

    /// When something happens next.
    pub(super) fn next_at(&self) -> u64 {
        self.person.map_or(self.next_at, |person| person.next_at())
    }

    /// What has happened by `now`, each with its time.
    pub(super) fn happen(&mut self, now: u64) -> Vec<(u64, What)> {
        let mut all = Vec::new();
        while self.next_at() <= now {
            let moment = self.next_at();
            match self.person.take() {
                None => {
                    let at = self.next_at;
                    self.track += 1;
                    let (low, high) = STAY;
                    let until = at + whole(self.chance.between(low, high).min(self.between));
                    let from_left = self.chance.is(0.5);
                    self.person = Some(Person { since: at, until, from_left, crossed: false });
                    let foot = Point { x: if from_left { 0.05 } else { 0.95 }, y: 0.7 };
                    all.push((at, What::Appeared { track: self.track, label: 0, foot }));
                    // An exponential pause, so that people come independently of one another.
                    let pause = -self.between * (1.0 - self.chance.unit()).ln();
                    self.next_at = until.max(at + whole(pause));
                }
                Some(person) if !person.crossed => {
                    let direction = if person.from_left { Direction::In } else { Direction::Out };
                    all.push((moment, What::Crossed { line: 1, track: self.track, label: 0, direction }));
                    self.person = Some(Person { crossed: true, ..person });
                }
                Some(Person { since, until, from_left, .. }) => {
                    let foot = Point { x: if from_left { 0.95 } else { 0.05 }, y: 0.7 };
                    let lasted_ms = u32::try_from(until - since).unwrap_or(u32::MAX);
                    all.push((until, What::Left { track: self.track, lasted_ms, foot }));
                }
            }
        }
        all
    }

    /// Who is where right now.
    pub(super) fn things(&self, now: u64) -> Vec<Thing> {
        let person = self.person.filter(|person| person.since <= now);
        let thing = person.map(|Person { since, until, from_left, .. }| {
            let way = now.saturating_sub(since) as f32 / (until - since).max(1) as f32;
            let x = 0.05 + 0.9 * if from_left { way } else { 1.0 - way };
            let place = Rect::around(Point { x, y: 0.5 }, 0.1, 0.4);
            Thing { track: self.track, label: 0, place: Thing::place(&place), score: 230, provisional: false }
        });
        thing.into_iter().collect()
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "milliseconds of hours at most")]
fn whole(ms: f32) -> u64 {
    ms.clamp(1.0, 1e8) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_who_comes_crosses_once_and_goes_about_as_often_as_asked() {
        let mut life = Life::new(7, 3, 6.0);
        let all = life.happen(3_600_000);
        let count = |kind: fn(&What) -> bool| all.iter().filter(|(_, what)| kind(what)).count();
        let crossed = count(|what| matches!(what, What::Crossed { .. }));
        assert_eq!(crossed, count(|what| matches!(what, What::Left { .. })));
        assert!((250..=400).contains(&crossed), "{crossed} in an hour");
        assert!(all.windows(2).all(|two| two[0].0 <= two[1].0), "in order");
    }

    #[test]
    fn everything_is_told_when_it_happens() {
        let mut life = Life::new(2, 5, 60.0);
        for _ in 0..300 {
            let next = life.next_at();
            assert!(life.happen(next - 1).is_empty());
            let all = life.happen(next);
            assert!(!all.is_empty() && all.iter().all(|(at, _)| *at == next), "{all:?} at {next}");
        }
    }

    #[test]
    fn it_does_not_matter_how_often_one_looks() {
        let (mut often, mut once) = (Life::new(1, 1, 60.0), Life::new(1, 1, 60.0));
        let pieces: Vec<_> = (0..600).flat_map(|n| often.happen(n * 100)).collect();
        assert_eq!(pieces, once.happen(59_900));
    }
}
