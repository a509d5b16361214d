//! Who is asking: nobody, a visitor who came by an invite, or an account.

use playhouse_store::accounts::{Account, Role};
use playhouse_store::invites::Invite;

/// Somebody who can hold a seat.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Person {
    /// An account by its id, on any device.
    Account(String),
    /// A visitor by the id of the sign-in.
    Visitor(String),
    /// Whoever carries an invite's token in the address, by the invite's id.
    Link(String),
}

/// Who is signed in.
#[derive(Clone, Debug)]
pub(crate) enum Who {
    /// Nobody.
    Nobody,
    /// Somebody who came by an invite and sees its session alone.
    Visitor {
        /// What others see.
        name: String,
        /// The invite, which holds.
        invite: Invite,
    },
    /// An account.
    Account(Account),
}

/// Who is asking, and by what.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// Who is signed in.
    pub(crate) who: Who,
    /// The id of the sign-in.
    pub(crate) sign_in: Option<String>,
    /// The player that a token in the address opened something to: the token, and from where it asks.
    pub(crate) player: Option<String>,
    /// The secret of the sign-in, to end it.
    pub(crate) secret: Option<String>,
    /// An invite whose token stands in the address, and which holds.
    pub(crate) link: Option<Invite>,
    /// Who of the account's people is at the device. The device's sign-in says so, and nothing else.
    pub(crate) watcher: Watcher,
}

/// Who of an account's people is at a device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Watcher {
    /// The profile; nothing where none was opened yet.
    pub(crate) profile: Option<String>,
    /// Up to which age films are seen; nothing is no limit.
    pub(crate) age_limit: Option<u8>,
}

impl Caller {
    /// The account, where one is signed in.
    pub(crate) fn account(&self) -> Option<&Account> {
        if let Who::Account(account) = &self.who { Some(account) } else { None }
    }

    /// What the account may do on this device: an owner's child is no owner.
    pub(crate) fn role(&self) -> Option<Role> {
        let role = self.account()?.role;
        Some(if self.is_limited() { role.min(Role::Player) } else { role })
    }

    /// Whether an owner is asking.
    pub(crate) fn is_owner(&self) -> bool {
        self.role() == Some(Role::Owner)
    }

    /// Whether the profile at the device has an age limit.
    pub(crate) fn is_limited(&self) -> bool {
        self.watcher.age_limit.is_some()
    }

    /// Who would sit in a seat.
    pub(crate) fn person(&self) -> Option<Person> {
        match (&self.who, &self.sign_in, &self.link) {
            (Who::Account(account), _, _) => Some(Person::Account(account.id.clone())),
            (Who::Visitor { .. }, Some(sign_in), _) => Some(Person::Visitor(sign_in.clone())),
            (_, _, Some(link)) => Some(Person::Link(link.id.clone())),
            _ => None,
        }
    }

    /// What others see.
    pub(crate) fn name(&self) -> &str {
        match &self.who {
            Who::Account(account) => &account.name,
            Who::Visitor { name, .. } => name,
            Who::Nobody => "Guest",
        }
    }

    /// The invites that the caller came by.
    pub(crate) fn invites(&self) -> impl Iterator<Item = &Invite> {
        let visit = if let Who::Visitor { invite, .. } = &self.who { Some(invite) } else { None };
        visit.into_iter().chain(&self.link)
    }
}
