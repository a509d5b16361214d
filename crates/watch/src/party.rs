//! A watch party: a place in a film on a shared clock, who is there, who may steer, and what is said beside it.
//!
//! The clock is the server's, in microseconds, and never jumps. Where the film is follows from it alone: nobody has to
//! tell the others where they are, and whoever freezes, buffers or comes late catches up without holding anybody up.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

/// A time of the shared clock.
pub type Micros = u64;

/// People at a time: each is a connection that stays and hears everything.
pub const MOST_MEMBERS: usize = 64;

/// Lines that whoever comes late still reads.
pub const LINES: usize = 100;

/// Characters of a line: more is a letter.
pub const LONGEST_LINE: usize = 500;

/// Film begins to run this long after somebody says so, so that everybody has heard it by then.
pub const LEAD: Micros = 250_000;

/// How fast a film may run.
pub const RATES: std::ops::RangeInclusive<f64> = 0.5..=2.0;

/// Lines at once, and how long until there is another one.
const SAYS: Bucket = Bucket { most: 5, every: 1_500_000 };

/// Reactions at once, and how long until there is another one.
const REACTS: Bucket = Bucket { most: 10, every: 300_000 };

/// Steps at once: dragging along a film makes many.
const STEERS: Bucket = Bucket { most: 20, every: 200_000 };

/// Where the film is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Timeline {
    /// From when on this holds; before, the film stands at `position`.
    pub at: Micros,
    /// Seconds of the film at that time.
    pub position: f64,
    /// Whether it runs.
    pub playing: bool,
    /// Seconds of the film for a second of the clock.
    pub rate: f64,
}

impl Timeline {
    /// Seconds of the film at `now`, not held against its end.
    pub fn position_at(&self, now: Micros) -> f64 {
        let since = if self.playing { now.saturating_sub(self.at) } else { 0 };
        self.position + self.rate * since as f64 / 1e6
    }
}

/// Who may steer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Steering {
    /// The host; everybody while the host is away.
    Host,
    /// Everybody.
    Everyone,
}

/// What to change about where the film is; what is left out stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Steer {
    /// Whether it runs.
    pub playing: Option<bool>,
    /// Seconds of the film.
    pub position: Option<f64>,
    /// How fast it runs.
    pub rate: Option<f64>,
}

/// What is thrown in without words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sign {
    /// ❤️
    Heart,
    /// 😂
    Laugh,
    /// 😮
    Wow,
    /// 😢
    Sad,
    /// 👏
    Clap,
    /// 🔥
    Fire,
}

/// A line of the chat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Counts the party's lines, from 1.
    pub number: u64,
    /// Whose it is.
    pub name: String,
    /// Plain text.
    pub text: String,
}

/// Somebody who is there.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Member {
    /// Counts those who came, from 1.
    pub id: u64,
    /// What the others see.
    pub name: String,
    /// Whether that is the host.
    pub host: bool,
    /// Whether the film stands there since something has to arrive first.
    pub waiting: bool,
    #[serde(skip)]
    budget: Budget,
}

/// Why something is not done, in a sentence for whoever asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Too many are there.
    #[error("{MOST_MEMBERS} people are in this party already, which is as many as it takes.")]
    Crowded,
    /// Only the host steers.
    #[error("The host steers this party. The host can let everybody do it.")]
    NotSteering,
    /// Too much at once.
    #[error("That was a lot at once; wait a moment, then go on.")]
    TooFast,
    /// The line is empty, too long or no plain text.
    #[error("A line has 1 to {LONGEST_LINE} characters and no line breaks.")]
    NoLine,
    /// The place or the speed is none.
    #[error("That is no place in the film, or no speed from 0.5 to 2.")]
    NoPlace,
    /// Whoever asks is not there.
    #[error("You are not in this party any more; open it again.")]
    Gone,
}

/// A party.
#[derive(Debug)]
pub struct Party {
    timeline: Timeline,
    duration: f64,
    steering: Steering,
    members: BTreeMap<u64, Member>,
    came: u64,
    lines: VecDeque<Line>,
    said: u64,
}

impl Party {
    /// A party that stands at a place of a film that is `duration` seconds long.
    pub fn new(duration: f64, position: f64, steering: Steering, now: Micros) -> Self {
        let duration = if duration.is_finite() { duration.max(0.0) } else { 0.0 };
        let position = if position.is_finite() { position.clamp(0.0, duration) } else { 0.0 };
        Self {
            timeline: Timeline { at: now, position, playing: false, rate: 1.0 },
            duration,
            steering,
            members: BTreeMap::new(),
            came: 0,
            lines: VecDeque::new(),
            said: 0,
        }
    }

    /// Where the film is.
    pub fn timeline(&self) -> Timeline {
        self.timeline
    }

    /// Seconds of the film at `now`.
    pub fn position_at(&self, now: Micros) -> f64 {
        self.timeline.position_at(now).min(self.duration)
    }

    /// Who may steer.
    pub fn steering(&self) -> Steering {
        self.steering
    }

    /// Says who may steer.
    pub fn set_steering(&mut self, steering: Steering) {
        self.steering = steering;
    }

    /// Who is there, in the order they came.
    pub fn members(&self) -> impl ExactSizeIterator<Item = &Member> {
        self.members.values()
    }

    /// The last lines, oldest first.
    pub fn lines(&self) -> impl ExactSizeIterator<Item = &Line> {
        self.lines.iter()
    }

    /// Lets somebody in; gives the number that the person goes by.
    ///
    /// # Errors
    /// [`Refusal::Crowded`].
    pub fn join(&mut self, name: &str, host: bool, now: Micros) -> Result<u64, Refusal> {
        if self.members.len() >= MOST_MEMBERS {
            return Err(Refusal::Crowded);
        }
        self.came += 1;
        let budget = Budget::new(now);
        let member = Member { id: self.came, name: name.to_owned(), host, waiting: true, budget };
        self.members.insert(self.came, member);
        Ok(self.came)
    }

    /// Somebody is gone.
    pub fn leave(&mut self, member: u64) {
        self.members.remove(&member);
    }

    /// Whether somebody may steer: nobody should have to wait for a host who went home.
    pub fn steers(&self, member: u64) -> bool {
        let host_is_there = self.members.values().any(|member| member.host);
        self.members
            .get(&member)
            .is_some_and(|member| member.host || self.steering == Steering::Everyone || !host_is_there)
    }

    /// Changes where the film is, for everybody.
    ///
    /// # Errors
    /// [`Refusal::NotSteering`], [`Refusal::TooFast`], [`Refusal::NoPlace`], [`Refusal::Gone`].
    pub fn steer(&mut self, member: u64, steer: Steer, now: Micros) -> Result<Timeline, Refusal> {
        let may = self.steers(member);
        let member = self.members.get_mut(&member).ok_or(Refusal::Gone)?;
        if !may {
            return Err(Refusal::NotSteering);
        }
        let before = self.timeline;
        let rate = steer.rate.unwrap_or(before.rate);
        let position = steer.position.unwrap_or_else(|| before.position_at(now));
        if !position.is_finite() || !RATES.contains(&rate) {
            return Err(Refusal::NoPlace);
        }
        member.budget.steers.take(STEERS, now)?;
        let playing = steer.playing.unwrap_or(before.playing);
        // What goes on without a jump goes on at once; what begins waits until everybody has heard of it.
        let begins = playing && (!before.playing || steer.position.is_some() || now < before.at);
        self.timeline = Timeline {
            at: if begins { now.saturating_add(LEAD) } else { now },
            position: position.clamp(0.0, self.duration),
            playing,
            rate,
        };
        Ok(self.timeline)
    }

    /// Says something to all; gives the line.
    ///
    /// # Errors
    /// [`Refusal::NoLine`], [`Refusal::TooFast`], [`Refusal::Gone`].
    pub fn say(&mut self, member: u64, text: &str, now: Micros) -> Result<&Line, Refusal> {
        let member = self.members.get_mut(&member).ok_or(Refusal::Gone)?;
        let text = text.trim();
        // More bytes than so many characters can have are not counted one by one.
        let long = text.len() > 4 * LONGEST_LINE || text.chars().count() > LONGEST_LINE;
        if text.is_empty() || long || text.chars().any(|char| char.is_control() || is_direction(char)) {
            return Err(Refusal::NoLine);
        }
        member.budget.says.take(SAYS, now)?;
        self.said += 1;
        if self.lines.len() == LINES {
            self.lines.pop_front();
        }
        let line = Line { number: self.said, name: member.name.clone(), text: text.to_owned() };
        self.lines.push_back(line);
        self.lines.back().ok_or(Refusal::Gone)
    }

    /// Throws a reaction in; gives the name of whose it is.
    ///
    /// # Errors
    /// [`Refusal::TooFast`], [`Refusal::Gone`].
    pub fn react(&mut self, member: u64, now: Micros) -> Result<&str, Refusal> {
        let member = self.members.get_mut(&member).ok_or(Refusal::Gone)?;
        member.budget.reacts.take(REACTS, now)?;
        Ok(&member.name)
    }

    /// Somebody's film stands, or goes on again. Nobody else's does for that. Whether that is news.
    pub fn waits(&mut self, member: u64, waiting: bool) -> bool {
        let Some(member) = self.members.get_mut(&member) else { return false };
        let news = member.waiting != waiting;
        member.waiting = waiting;
        news
    }
}

/// Characters that turn the direction of what follows (UAX 9): a line should not reach into the page around it.
fn is_direction(char: char) -> bool {
    matches!(char, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// How much may come at once, and how fast it may go on.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    most: u32,
    every: Micros,
}

/// What somebody has left to say and do.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Budget {
    says: Tokens,
    reacts: Tokens,
    steers: Tokens,
}

impl Budget {
    fn new(now: Micros) -> Self {
        let tokens = |bucket: Bucket| Tokens { left: bucket.most, at: now };
        Self { says: tokens(SAYS), reacts: tokens(REACTS), steers: tokens(STEERS) }
    }
}

/// What is left in a bucket.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Tokens {
    left: u32,
    at: Micros,
}

impl Tokens {
    fn take(&mut self, bucket: Bucket, now: Micros) -> Result<(), Refusal> {
        let grown = now.saturating_sub(self.at) / bucket.every;
        let left = self.left.saturating_add(u32::try_from(grown).unwrap_or(u32::MAX));
        if left >= bucket.most {
            *self = Self { left: bucket.most, at: now };
        } else {
            *self = Self { left, at: self.at + grown * bucket.every };
        }
        self.left = self.left.checked_sub(1).ok_or(Refusal::TooFast)?;
        Ok(())
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "same sums are equal")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Micros = 1_000_000;

    fn party() -> (Party, u64, u64) {
        let mut party = Party::new(100.0, 0.0, Steering::Host, 0);
        let host = party.join("Ada", true, 0).unwrap();
        let guest = party.join("Bob", false, 0).unwrap();
        (party, host, guest)
    }

    fn play() -> Steer {
        Steer { playing: Some(true), ..Steer::default() }
    }

    #[test]
    fn everybody_begins_at_the_same_time() {
        let (mut party, host, _) = party();
        party.steer(host, play(), 10 * SECOND).unwrap();
        assert_eq!(party.position_at(10 * SECOND), 0.0);
        assert_eq!(party.position_at(10 * SECOND + LEAD), 0.0);
        assert_eq!(party.position_at(12 * SECOND + LEAD), 2.0);
        party.steer(host, Steer { playing: Some(false), ..Steer::default() }, 12 * SECOND + LEAD).unwrap();
        assert_eq!(party.position_at(90 * SECOND), 2.0);
    }

    #[test]
    fn another_speed_does_not_jump() {
        let (mut party, host, _) = party();
        party.steer(host, play(), 0).unwrap();
        let at = 4 * SECOND + LEAD;
        party.steer(host, Steer { rate: Some(2.0), ..Steer::default() }, at).unwrap();
        assert_eq!((party.position_at(at), party.position_at(at + SECOND)), (4.0, 6.0));
        assert_eq!(party.position_at(at + 1000 * SECOND), 100.0, "a film ends at its end");
    }

    #[test]
    fn a_guest_steers_only_where_that_is_wanted_or_the_host_is_away() {
        let (mut party, host, guest) = party();
        assert_eq!(party.steer(guest, play(), 0), Err(Refusal::NotSteering));
        party.set_steering(Steering::Everyone);
        assert!(party.steer(guest, play(), 0).is_ok());
        party.set_steering(Steering::Host);
        party.leave(host);
        assert!(party.steer(guest, play(), 0).is_ok());
        party.leave(guest);
        assert_eq!(party.steer(guest, play(), 0), Err(Refusal::Gone));
    }

    #[test]
    fn chatter_is_slowed_down_and_goes_on() {
        let (mut party, _, guest) = party();
        for _ in 0..5 {
            party.say(guest, "again", 0).unwrap();
        }
        assert_eq!(party.say(guest, "again", 0).unwrap_err(), Refusal::TooFast);
        assert_eq!(party.say(guest, "again", SAYS.every).unwrap().number, 6);
        assert_eq!(party.say(guest, "again", SAYS.every).unwrap_err(), Refusal::TooFast);
        for wrong in ["", "  ", "a\nb", "a\u{202e}b", &"x".repeat(501)] {
            assert_eq!(party.say(guest, wrong, 90 * SECOND).unwrap_err(), Refusal::NoLine, "{wrong}");
        }
    }

    #[test]
    fn a_crowd_is_turned_away() {
        let mut party = Party::new(100.0, 0.0, Steering::Host, 0);
        for _ in 0..MOST_MEMBERS {
            party.join("x", false, 0).unwrap();
        }
        assert_eq!(party.join("y", false, 0), Err(Refusal::Crowded));
    }

    #[derive(Clone, Debug)]
    enum Deed {
        Join(bool),
        Leave(u64),
        Steer(u64, Steer),
        Say(u64, String),
        React(u64),
        Waits(u64, bool),
        Steering(bool),
    }

    fn deed() -> impl Strategy<Value = Deed> {
        let who = 0..12_u64;
        let number = prop_oneof![-1e3..1e3_f64, Just(f64::NAN), Just(f64::INFINITY), Just(1.0)];
        let steer =
            (prop::option::of(any::<bool>()), prop::option::of(number.clone()), prop::option::of(number))
                .prop_map(|(playing, position, rate)| Steer { playing, position, rate });
        prop_oneof![
            any::<bool>().prop_map(Deed::Join),
            who.clone().prop_map(Deed::Leave),
            (who.clone(), steer).prop_map(|(who, steer)| Deed::Steer(who, steer)),
            (who.clone(), "\\PC{0,20}").prop_map(|(who, text)| Deed::Say(who, text)),
            who.clone().prop_map(Deed::React),
            (who, any::<bool>()).prop_map(|(who, waiting)| Deed::Waits(who, waiting)),
            any::<bool>().prop_map(Deed::Steering),
        ]
    }

    proptest! {
        #[test]
        fn nobody_holds_the_others_up_whatever_happens(
            deeds in prop::collection::vec((deed(), 0..3_000_000_u64), 0..200)
        ) {
            let mut party = Party::new(100.0, 0.0, Steering::Host, 0);
            let mut now = 0;
            for (deed, passed) in deeds {
                let (before, then) = (party.timeline(), party.position_at(now));
                now += passed;
                if before.playing {
                    let expected = (then + before.rate * passed as f64 / 1e6).min(100.0);
                    prop_assert!(party.position_at(now) <= expected + 1e-6);
                } else {
                    prop_assert_eq!(party.position_at(now), then);
                }
                let steered = match deed {
                    Deed::Join(host) => { drop(party.join("x", host, now)); false }
                    Deed::Leave(who) => { party.leave(who); false }
                    Deed::Steer(who, steer) => {
                        let may = party.steers(who);
                        let done = party.steer(who, steer, now).is_ok();
                        prop_assert!(may || !done);
                        done
                    }
                    Deed::Say(who, text) => { drop(party.say(who, &text, now).map(|_| ())); false }
                    Deed::React(who) => { drop(party.react(who, now).map(|_| ())); false }
                    Deed::Waits(who, waiting) => { party.waits(who, waiting); false }
                    Deed::Steering(all) => {
                        party.set_steering(if all { Steering::Everyone } else { Steering::Host });
                        false
                    }
                };
                prop_assert!(steered || party.timeline() == before, "only steering moves the film");
                prop_assert!((0.0..=100.0).contains(&party.position_at(now)));
                prop_assert!(RATES.contains(&party.timeline().rate));
                prop_assert!(party.members().len() <= MOST_MEMBERS && party.lines().len() <= LINES);
            }
        }
    }
}
