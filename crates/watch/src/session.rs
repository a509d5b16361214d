//! What a recorded session is called among the films: an episode of one show, so that a channel can have all of them.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The show that all recorded sessions are episodes of.
pub const SHOW: &str = "Recorded sessions";

/// Characters of a game's name that are kept: a file's name has at most 255 bytes.
const LONGEST: usize = 40;

/// The name of the file for what was recorded of `game` at a time, in milliseconds since 1970: by year and day as season
/// and episode, then the game and the time, in UTC. None where no calendar has that time.
pub fn file_name(game: &str, at: i64) -> Option<String> {
    let at = TimeZone::UTC.to_datetime(Timestamp::from_millisecond(at).ok()?);
    let plain = |c: char| if c.is_alphanumeric() || c == '-' { c } else { ' ' };
    let game: String = game.chars().take(LONGEST).map(plain).collect();
    let game = game.split_whitespace().collect::<Vec<_>>().join(" ");
    let (year, day) = (at.year().rem_euclid(100), at.date().day_of_year());
    let time = at.strftime("%H-%M-%S");
    Some(format!("{SHOW} S{year:02}E{day:03} - {game}, {} {time}.mp4", at.strftime("%-d %B")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name;

    #[test]
    fn recorded_sessions_are_episodes_of_one_show_in_their_order() {
        let first = file_name("Frozen-Bubble: \"2\"/../x", 1_767_268_800_000).unwrap();
        assert_eq!(first, "Recorded sessions S26E001 - Frozen-Bubble 2 x, 1 January 12-00-00.mp4");
        let read = name::parse(&first);
        assert_eq!(read.show.as_deref(), Some(SHOW));
        assert_eq!((read.season, read.episode), (Some(26), Some(1)));
        assert_eq!(read.title, "Frozen-Bubble 2 x, 1 January 12-00-00");
        let long = file_name(&"ä".repeat(500), 1_767_268_800_000).unwrap();
        assert!(long.len() < 200, "{long}");
        assert_eq!(file_name("x", i64::MAX), None);
    }
}
