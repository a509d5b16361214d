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
    /// The secret of the sign-in, to end it.
    pub(crate) secret: Option<String>,
    /// An invite whose token stands in the address, and which holds.
    pub(crate) link: Option<Invite>,
}

impl Caller {
    /// The account, where one is signed in.
    pub(crate) fn account(&self) -> Option<&Account> {
        if let Who::Account(account) = &self.who { Some(account) } else { None }
    }

    /// Whether an owner is asking.
    pub(crate) fn is_owner(&self) -> bool {
        self.account().is_some_and(|account| account.role == Role::Owner)
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
