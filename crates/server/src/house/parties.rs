//! Parties as the server holds them: who may come in, what they watch, and what everybody is told.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use playhouse_watch::party::{Micros, Party};
use tokio::sync::broadcast;

use crate::gate::who::{Caller, Who};
use crate::house::live::Named;
use crate::problem::{Answer, Problem};

/// Parties at a time.
const MOST: usize = 128;

/// Parties of one account at a time: a person hosts one, and forgets another.
const MOST_PER_HOST: usize = 8;

/// A party without anybody is over after so long: time enough to fetch something to eat with the tab closed.
const EMPTY: Micros = 15 * 60 * 1_000_000;

/// News that may wait for a slow member, who is sent the whole state after that.
const NEWS: usize = 256;

/// A party with its people.
#[derive(Debug)]
pub(crate) struct Hall {
    pub(crate) film: String,
    pub(crate) host: Named,
    pub(crate) party: Party,
    /// Accounts that came by an invite.
    admitted: HashSet<String>,
    empty_since: Option<Micros>,
    news: broadcast::Sender<News>,
}

/// What all members are told.
#[derive(Clone, Debug)]
pub(crate) enum News {
    /// A message as it goes over the wire.
    Text(Arc<str>),
    /// It is over.
    Over,
}

/// All parties.
#[derive(Debug, Default)]
pub(crate) struct Parties {
    halls: Mutex<HashMap<String, Hall>>,
}

/// There is no such party.
pub(crate) fn no_party() -> Problem {
    Problem::not_found("There is no such party (any more). Begin one from a film's page.")
}

impl Hall {
    /// Whether somebody is its host, on whatever device.
    pub(crate) fn is_host(&self, caller: &Caller) -> bool {
        caller.account().is_some_and(|account| account.id == self.host.id)
    }

    /// Whether somebody may come in.
    fn admits(&self, id: &str, caller: &Caller) -> bool {
        let account = caller.account();
        account.is_some_and(|account| account.id == self.host.id || self.admitted.contains(&account.id))
            || caller.is_owner()
            || caller.invites().any(|invite| invite.session == id)
    }

    /// Tells everybody.
    pub(crate) fn tell(&self, text: String) {
        // Without a member there is nobody to tell.
        drop(self.news.send(News::Text(text.into())));
    }

    /// What everybody is told from now on.
    pub(crate) fn news(&self) -> broadcast::Receiver<News> {
        self.news.subscribe()
    }
}

impl Parties {
    /// Begins a party; gives the ids of those that are over meanwhile.
    pub(crate) fn begin(
        &self,
        id: &str,
        film: String,
        host: Named,
        party: Party,
        now: Micros,
    ) -> Answer<Vec<String>> {
        let mut halls = self.lock();
        let over: Vec<String> = halls
            .iter()
            .filter(|(_, hall)| hall.empty_since.is_some_and(|since| now.saturating_sub(since) > EMPTY))
            .map(|(id, _)| id.clone())
            .collect();
        for id in &over {
            halls.remove(id);
        }
        if halls.len() >= MOST {
            return Err(Problem::busy(format!("{MOST} parties are on, which is all that this house takes.")));
        }
        if halls.values().filter(|hall| hall.host.id == host.id).count() >= MOST_PER_HOST {
            let detail = format!("You host {MOST_PER_HOST} parties already; end one of them first.");
            return Err(Problem::conflict(detail));
        }
        let news = broadcast::channel(NEWS).0;
        let admitted = HashSet::new();
        halls.insert(id.to_owned(), Hall { film, host, party, admitted, empty_since: Some(now), news });
        Ok(over)
    }

    /// Looks at a party, or does something with it; nothing where there is none.
    pub(crate) fn with<T>(&self, id: &str, act: impl FnOnce(&mut Hall) -> T) -> Option<T> {
        self.lock().get_mut(id).map(act)
    }

    /// Takes note that somebody is there, or nobody.
    pub(crate) fn count(&self, id: &str, now: Micros) {
        self.with(id, |hall| {
            hall.empty_since = (hall.party.members().len() == 0).then_some(now);
        });
    }

    /// Ends a party; whether there was one.
    pub(crate) fn end(&self, id: &str) -> bool {
        let hall = self.lock().remove(id);
        hall.map(|hall| drop(hall.news.send(News::Over))).is_some()
    }

    /// What a party watches.
    pub(crate) fn film(&self, id: &str) -> Option<String> {
        self.with(id, |hall| hall.film.clone())
    }

    /// Lets an account in for good, that came by an invite.
    pub(crate) fn admit(&self, id: &str, account: &str) {
        self.with(id, |hall| hall.admitted.insert(account.to_owned()));
    }

    /// Whether somebody is in a party that watches a film.
    pub(crate) fn shows(&self, caller: &Caller, film: &str) -> bool {
        if matches!(caller.who, Who::Nobody) && caller.link.is_none() {
            return false;
        }
        self.lock().iter().any(|(id, hall)| hall.film == film && hall.admits(id, caller))
    }

    /// Lets only a party's people pass, or only its host.
    pub(crate) fn admits(&self, caller: &Caller, id: &str, host: bool) -> Answer<()> {
        let nobody = matches!(caller.who, Who::Nobody) && caller.link.is_none();
        if nobody {
            return Err(Problem::sign_in_required());
        }
        match self.with(id, |hall| (hall.admits(id, caller), hall.is_host(caller) || caller.is_owner())) {
            None if caller.account().is_some() => Err(no_party()),
            Some((true, steers)) if steers || !host => Ok(()),
            Some((true, _)) => Err(Problem::not_allowed("Only the host of this party may do that.")),
            _ => {
                let detail = "This party is somebody else's. Ask its host for an invite.";
                Err(Problem::not_allowed(detail))
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Hall>> {
        self.halls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
