//! Wrong attempts to sign in, and how long the next one has to wait. Pure: takes `now`, gives outputs.

use std::collections::HashMap;
use std::net::IpAddr;

use playhouse_store::Millis;

use crate::clock::{MINUTE, SECOND};

/// Wrong attempts that cost nothing: people mistype.
const FREE: u32 = 5;

/// Wrong attempts from one address over all names that cost nothing: a household mistypes more.
const FREE_PER_ADDRESS: u32 = 50;

/// The first wait; each further wrong attempt doubles it.
const FIRST_WAIT: Millis = 5 * SECOND;

/// The longest wait.
const LONGEST_WAIT: Millis = 15 * MINUTE;

/// After so long without a wrong attempt, all is forgotten.
const FORGET: Millis = 30 * MINUTE;

/// Entries kept: some 100 bytes each.
const MOST: usize = 10_000;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    address: IpAddr,
    /// Nothing counts the address over all names.
    name: Option<String>,
}

#[derive(Clone, Copy, Debug)]
struct Wrong {
    count: u32,
    latest: Millis,
}

/// Wrong attempts by address and name.
#[derive(Debug, Default)]
pub(crate) struct Throttle {
    wrong: HashMap<Key, Wrong>,
}

/// An IPv6 network's host part is free to choose, so that attempts are counted by its /64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let mut segments = v6.segments();
            segments[4..].fill(0);
            IpAddr::from(segments)
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

fn keys(address: IpAddr, name: &str) -> [(Key, u32); 2] {
    let address = network(address);
    // Long names are cut: what follows cannot tell two real names apart.
    let name = name.to_lowercase().chars().take(64).collect();
    [(Key { address, name: Some(name) }, FREE), (Key { address, name: None }, FREE_PER_ADDRESS)]
}

impl Throttle {
    /// Whether an attempt may be made now; otherwise the seconds to wait.
    pub(crate) fn check(&self, address: IpAddr, name: &str, now: Millis) -> Result<(), u64> {
        let wait = keys(address, name).into_iter().map(|(key, free)| self.wait(&key, free, now)).max();
        match wait.unwrap_or_default() {
            0 => Ok(()),
            millis => Err(u64::try_from(millis).unwrap_or_default().div_ceil(1000)),
        }
    }

    fn wait(&self, key: &Key, free: u32, now: Millis) -> Millis {
        let Some(wrong) = self.wrong.get(key).filter(|wrong| now - wrong.latest < FORGET) else { return 0 };
        let Some(over) = wrong.count.checked_sub(free) else { return 0 };
        let wait = FIRST_WAIT.saturating_mul(1 << over.min(20)).min(LONGEST_WAIT);
        (wrong.latest + wait - now).max(0)
    }

    /// An attempt was wrong.
    pub(crate) fn wrong(&mut self, address: IpAddr, name: &str, now: Millis) {
        if self.wrong.len() + 2 > MOST {
            self.wrong.retain(|_, wrong| now - wrong.latest < FORGET);
        }
        while self.wrong.len() + 2 > MOST {
            let oldest = self.wrong.iter().min_by_key(|(_, wrong)| wrong.latest).map(|(key, _)| key.clone());
            if let Some(key) = oldest {
                self.wrong.remove(&key);
            }
        }
        for (key, _) in keys(address, name) {
            let wrong = self.wrong.entry(key).or_insert(Wrong { count: 0, latest: now });
            let forgotten = now - wrong.latest >= FORGET;
            *wrong = Wrong { count: if forgotten { 1 } else { wrong.count.saturating_add(1) }, latest: now };
        }
    }

    /// An attempt that was counted as wrong while it was looked at was right: the name starts anew. The address only
    /// gets this one back, so that an account of one's own does not buy more guesses at others.
    pub(crate) fn right(&mut self, address: IpAddr, name: &str) {
        let [(name, _), (address, _)] = keys(address, name);
        self.wrong.remove(&name);
        if let Some(wrong) = self.wrong.get_mut(&address) {
            wrong.count = wrong.count.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[test]
    fn guessing_becomes_slow() {
        let mut throttle = Throttle::default();
        for _ in 0..FREE {
            assert_eq!(throttle.check(HERE, "ada", 0), Ok(()));
            throttle.wrong(HERE, "Ada", 0);
        }
        assert_eq!(throttle.check(HERE, "ada", 0), Err(5));
        assert_eq!(throttle.check(HERE, "ada", FIRST_WAIT), Ok(()));
        assert_eq!(throttle.check(HERE, "bob", 0), Ok(()), "another name is not punished");
        throttle.wrong(HERE, "ada", FIRST_WAIT);
        assert_eq!(throttle.check(HERE, "ada", FIRST_WAIT), Err(10));
        for attempt in 0..40 {
            throttle.wrong(HERE, "ada", FIRST_WAIT + attempt);
        }
        let wait = throttle.check(HERE, "ada", FIRST_WAIT + 40).unwrap_err();
        assert!(wait <= 15 * 60, "{wait}");
        throttle.right(HERE, "ada");
        assert_eq!(throttle.check(HERE, "ada", FIRST_WAIT + 40), Ok(()));
    }

    #[test]
    fn many_names_from_one_address_are_guessing_too() {
        let mut throttle = Throttle::default();
        for number in 0..FREE_PER_ADDRESS {
            throttle.wrong(HERE, &number.to_string(), 0);
        }
        assert!(throttle.check(HERE, "new", 0).is_err());
        let other = IpAddr::V6(Ipv6Addr::LOCALHOST);
        assert_eq!(throttle.check(other, "new", 0), Ok(()));
    }

    #[test]
    fn the_memory_of_attempts_is_bounded() {
        let mut throttle = Throttle::default();
        for number in 0..u32::try_from(MOST).unwrap() {
            throttle.wrong(IpAddr::V4(Ipv4Addr::from_bits(number)), "ada", i64::from(number));
            assert!(throttle.wrong.len() <= MOST);
        }
    }
}
