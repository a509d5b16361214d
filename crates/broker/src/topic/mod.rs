//! Topics and filters (MQTT 5, section 4.7).

mod retained;
mod tree;

pub(crate) use retained::Retained;
pub use tree::Tree;

/// Why a topic or a filter is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    /// Nothing at all.
    #[error("an empty topic is none: give it at least one level")]
    Empty,
    /// Too long, or with too many levels.
    #[error("the topic is too long: at most {MAX_BYTES} bytes and {MAX_LEVELS} levels")]
    TooLong,
    /// A wildcard in a topic to publish to, or one that is not a whole level, or `#` that is not the last level.
    #[error(
        "a wildcard stands where none may: `+` and `#` are whole levels of a filter, and `#` its last one"
    )]
    Wildcard,
    /// A character that no topic may have.
    #[error("the topic has a character that MQTT forbids (a zero)")]
    Character,
    /// `$share/` without a group or without a filter behind it.
    #[error("a shared subscription is written `$share/group/filter`")]
    Share,
    /// Retained messages take all the room that they may.
    #[error(
        "there is no room to retain the message: the limit is `Limits::retained_bytes`; clear what is not needed"
    )]
    NoRoom,
}

/// The longest topic or filter in bytes: well beyond any that devices have, and little to keep for each subscription.
pub const MAX_BYTES: usize = 1024;
/// The most levels: matching descends by level.
pub const MAX_LEVELS: usize = 32;

/// Whether a topic can be published to.
///
/// # Errors
/// It cannot.
pub fn check_topic(topic: &str) -> Result<(), TopicError> {
    check_length(topic)?;
    if topic.contains(['+', '#']) { Err(TopicError::Wildcard) } else { Ok(()) }
}

/// Whether a filter can be subscribed to; one without `$share/`, see [`split_share`].
///
/// # Errors
/// It cannot.
pub fn check_filter(filter: &str) -> Result<(), TopicError> {
    check_length(filter)?;
    let mut levels = filter.split('/').peekable();
    while let Some(level) = levels.next() {
        let alone = level.len() == 1;
        let misplaced = level == "#" && levels.peek().is_some();
        if misplaced || (!alone && level.contains(['+', '#'])) {
            return Err(TopicError::Wildcard);
        }
    }
    Ok(())
}

fn check_length(topic: &str) -> Result<(), TopicError> {
    if topic.is_empty() {
        Err(TopicError::Empty)
    } else if topic.len() > MAX_BYTES || topic.split('/').count() > MAX_LEVELS {
        Err(TopicError::TooLong)
    } else if topic.contains('\0') {
        Err(TopicError::Character)
    } else {
        Ok(())
    }
}

/// The group of a shared subscription, if it is one, and the filter (MQTT 5, section 4.8.2).
///
/// # Errors
/// It begins with `$share/` and is none.
pub fn split_share(filter: &str) -> Result<(Option<&str>, &str), TopicError> {
    let Some(shared) = filter.strip_prefix("$share/") else { return Ok((None, filter)) };
    match shared.split_once('/') {
        Some((group, filter)) if !group.is_empty() && !group.contains(['+', '#']) && !filter.is_empty() => {
            Ok((Some(group), filter))
        }
        _ => Err(TopicError::Share),
    }
}

/// Whether a topic matches a filter. Both have to be well formed. For rights; the broker itself asks a [`Tree`].
pub fn matches(filter: &str, topic: &str) -> bool {
    // What begins with `$` is the server's own: no wildcard stands for that level (section 4.7.2).
    if topic.starts_with('$') && filter.starts_with(['+', '#']) {
        return false;
    }
    let mut levels = topic.split('/');
    for wanted in filter.split('/') {
        match (wanted, levels.next()) {
            ("#", _) => return true,
            ("+", Some(_)) => {}
            (wanted, Some(level)) if wanted == level => {}
            _ => return false,
        }
    }
    levels.next().is_none()
}
