//! Places: how many streams an account watches at a time.
//!
//! A place is a lease. A player renews it, and so does whatever it fetches; a device that is gone loses it by itself. A
//! place that was ended stays barred for a while, so that the player that lost it does not take it again unasked.

use std::collections::HashMap;

/// Milliseconds on any clock that does not go back.
pub type Millis = i64;

/// How long a place holds without being renewed: a killed tab frees it within a minute.
pub const LASTS: Millis = 45_000;

/// How often a player renews it: two renewals may be lost.
pub const RENEW: Millis = 15_000;

/// How long an ended place stays barred: longer than a player needs to notice.
const BARRED: Millis = 60_000;

/// A device that begins something else leaves what it did not renew for so long: whoever zaps holds one place.
const IDLE: Millis = RENEW + 5_000;

/// Places and bars of one account that are kept: more than any limit.
const MOST: usize = 64;

/// What is watched.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum What {
    /// A film, by its id.
    Film(String),
    /// A channel, by its id.
    Channel(String),
}

/// What somebody watches somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The id.
    pub id: String,
    /// The device, by the id of its sign-in.
    pub device: String,
    /// The profile that it is in.
    pub profile: Option<String>,
    /// What is watched.
    pub what: What,
    /// Since when.
    pub since: Millis,
    renewed: Millis,
    ended: Option<Millis>,
}

/// Somebody who asks for a place.
#[derive(Clone, Debug)]
pub struct Ask<'a> {
    /// The account whose places are counted.
    pub account: &'a str,
    /// How many it has.
    pub limit: usize,
    /// The device.
    pub device: &'a str,
    /// The profile.
    pub profile: Option<&'a str>,
    /// What is to be watched.
    pub what: What,
}

/// Why there is no place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// These have all of them.
    Taken(Vec<Place>),
    /// Somebody ended this one.
    Ended,
}

/// All places.
#[derive(Debug, Default)]
pub struct Places {
    accounts: HashMap<String, Vec<Place>>,
}

fn there(place: &Place, now: Millis) -> bool {
    place.ended.is_none() && now - place.renewed < LASTS
}

impl Places {
    /// Takes a place, or renews the one that the device has for this. Somebody asked for it: what was ended may begin
    /// again.
    ///
    /// # Errors
    /// [`Refusal::Taken`].
    pub fn take(
        &mut self,
        ask: &Ask<'_>,
        fresh: impl FnOnce() -> String,
        now: Millis,
    ) -> Result<Place, Refusal> {
        self.sweep(ask.account, now);
        let places = self.accounts.entry(ask.account.to_owned()).or_default();
        places.retain(|place| place.ended.is_none() || !same(place, ask));
        admit(places, ask, fresh, now)
    }

    /// Something is fetched. That renews the device's place, or takes one where there is one free: players of other
    /// makers do not know of places.
    ///
    /// # Errors
    /// [`Refusal::Taken`], [`Refusal::Ended`].
    pub fn pass(
        &mut self,
        ask: &Ask<'_>,
        fresh: impl FnOnce() -> String,
        now: Millis,
    ) -> Result<(), Refusal> {
        let places = self.accounts.entry(ask.account.to_owned()).or_default();
        if let Some(place) = places.iter_mut().find(|place| same(place, ask) && there(place, now)) {
            place.renewed = now;
            return Ok(());
        }
        self.sweep(ask.account, now);
        let places = self.accounts.entry(ask.account.to_owned()).or_default();
        if places.iter().any(|place| same(place, ask) && place.ended.is_some()) {
            return Err(Refusal::Ended);
        }
        admit(places, ask, fresh, now).map(|_| ())
    }

    /// The places of an account that are taken, the oldest first.
    pub fn of(&self, account: &str, now: Millis) -> Vec<Place> {
        let places = self.accounts.get(account).into_iter().flatten();
        places.filter(|place| there(place, now)).cloned().collect()
    }

    /// Renews a place. Whether it was there still.
    pub fn renew(&mut self, account: &str, id: &str, now: Millis) -> bool {
        let mut places = self.accounts.get_mut(account).into_iter().flatten();
        let place = places.find(|place| place.id == id && there(place, now));
        place.map(|place| place.renewed = now).is_some()
    }

    /// Whether a place was ended by somebody.
    pub fn was_ended(&self, account: &str, id: &str) -> bool {
        let mut places = self.accounts.get(account).into_iter().flatten();
        places.any(|place| place.id == id && place.ended.is_some())
    }

    /// Gives up a place of one's own: nothing is barred. Whether there was one.
    pub fn leave(&mut self, account: &str, id: &str) -> bool {
        let Some(places) = self.accounts.get_mut(account) else { return false };
        let before = places.len();
        places.retain(|place| place.id != id || place.ended.is_some());
        places.len() < before
    }

    /// Ends a place elsewhere. Whether there was one.
    pub fn end(&mut self, account: &str, id: &str, now: Millis) -> bool {
        let mut places = self.accounts.get_mut(account).into_iter().flatten();
        match places.find(|place| place.id == id && there(place, now)) {
            Some(place) => {
                place.ended = Some(now);
                true
            }
            None => false,
        }
    }

    /// Lets go of what is over. Accounts without a place are forgotten.
    fn sweep(&mut self, account: &str, now: Millis) {
        let holds = |place: &Place| match place.ended {
            Some(ended) => now - ended < BARRED,
            None => there(place, now),
        };
        if let Some(places) = self.accounts.get_mut(account) {
            places.retain(holds);
            let over = places.len().saturating_sub(MOST);
            places.drain(..over);
        }
        self.accounts.retain(|_, places| places.iter().any(holds));
    }
}

fn same(place: &Place, ask: &Ask<'_>) -> bool {
    place.device == ask.device && place.what == ask.what
}

fn admit(
    places: &mut Vec<Place>,
    ask: &Ask<'_>,
    fresh: impl FnOnce() -> String,
    now: Millis,
) -> Result<Place, Refusal> {
    if let Some(place) = places.iter_mut().find(|place| same(place, ask) && there(place, now)) {
        place.renewed = now;
        place.profile = ask.profile.map(str::to_owned);
        return Ok(place.clone());
    }
    if places.iter().filter(|place| there(place, now)).count() >= ask.limit {
        places.retain(|place| {
            place.ended.is_some() || place.device != ask.device || now - place.renewed < IDLE
        });
    }
    let taken: Vec<Place> = places.iter().filter(|place| there(place, now)).cloned().collect();
    if taken.len() >= ask.limit {
        return Err(Refusal::Taken(taken));
    }
    let place = Place {
        id: fresh(),
        device: ask.device.to_owned(),
        profile: ask.profile.map(str::to_owned),
        what: ask.what.clone(),
        since: now,
        renewed: now,
        ended: None,
    };
    places.push(place.clone());
    Ok(place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ask<'a>(device: &'a str, film: &str) -> Ask<'a> {
        Ask { account: "ada", limit: 2, device, profile: None, what: What::Film(film.to_owned()) }
    }

    fn id(name: &str) -> impl FnOnce() -> String {
        let name = name.to_owned();
        || name
    }

    #[test]
    fn a_third_device_is_told_who_watches_where_and_takes_over() {
        let mut places = Places::default();
        let tablet = places.take(&ask("tablet", "a"), id("1"), 0).unwrap();
        places.take(&ask("tv", "b"), id("2"), 1).unwrap();
        let refused = places.take(&ask("phone", "c"), id("3"), 2).unwrap_err();
        let Refusal::Taken(taken) = refused else { panic!("{refused:?}") };
        assert_eq!(taken.iter().map(|place| place.device.as_str()).collect::<Vec<_>>(), ["tablet", "tv"]);
        assert!(places.end("ada", &tablet.id, 3));
        places.take(&ask("phone", "c"), id("3"), 3).unwrap();
        assert_eq!(places.pass(&ask("tablet", "a"), id("4"), 4), Err(Refusal::Ended));
        assert!(places.was_ended("ada", "1"));
        let again = places.take(&ask("tablet", "a"), id("5"), 5).unwrap_err();
        assert!(matches!(again, Refusal::Taken(_)), "{again:?}");
        assert!(places.leave("ada", "3"));
        places.take(&ask("tablet", "a"), id("5"), 6).unwrap();
        assert_eq!(places.pass(&ask("tablet", "a"), id("6"), 7), Ok(()));
    }

    #[test]
    fn a_killed_tab_frees_its_place_within_a_minute_and_one_that_fetches_keeps_it() {
        let mut places = Places::default();
        places.take(&ask("tablet", "a"), id("1"), 0).unwrap();
        places.take(&ask("tv", "b"), id("2"), 0).unwrap();
        places.pass(&ask("tv", "b"), id("x"), 40_000).unwrap();
        assert!(places.take(&ask("phone", "c"), id("3"), LASTS - 1).is_err());
        places.take(&ask("phone", "c"), id("3"), LASTS).unwrap();
        assert_eq!(places.of("ada", LASTS).len(), 2);
        const { assert!(LASTS < 60_000) };
    }

    #[test]
    fn whoever_zaps_holds_one_place() {
        let mut places = Places::default();
        for (film, now) in [("a", 0), ("b", 1)] {
            places.pass(&ask("tv", film), id(film), now).unwrap();
        }
        assert!(places.pass(&ask("tv", "c"), id("c"), IDLE - 1).is_err());
        places.pass(&ask("tv", "c"), id("c"), IDLE).unwrap();
        assert!(
            places.pass(&ask("phone", "d"), id("d"), IDLE).is_err(),
            "another device waits for its lease"
        );
    }

    #[test]
    fn one_account_takes_nothing_from_another() {
        let mut places = Places::default();
        for device in ["1", "2"] {
            places.take(&ask(device, "a"), id(device), 0).unwrap();
        }
        places.take(&Ask { account: "bob", ..ask("3", "a") }, id("3"), 0).unwrap();
        assert!(!places.end("bob", "1", 0));
    }

    proptest! {
        #[test]
        fn there_are_never_more_than_the_limit(
            steps in prop::collection::vec((0..4_u8, 0..5_u8, 0..3_u8, 0..30_000_i64), 0..200)
        ) {
            let mut places = Places::default();
            let (mut now, mut count) = (0, 0);
            for (deed, device, film, passed) in steps {
                now += passed;
                count += 1;
                let device = device.to_string();
                let film = film.to_string();
                let fresh = || count.to_string();
                match deed {
                    0 => drop(places.take(&ask(&device, &film), fresh, now)),
                    1 => drop(places.pass(&ask(&device, &film), fresh, now)),
                    2 => { places.leave("ada", &(count / 2).to_string()); }
                    _ => { places.end("ada", &(count / 2).to_string(), now); }
                }
                prop_assert!(places.of("ada", now).len() <= 2);
            }
        }
    }
}
