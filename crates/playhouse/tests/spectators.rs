//! What a player and a spectator notice of each other: a real session, with a network between it and the spectator.

#![allow(clippy::unwrap_used, reason = "a test ends where something unexpected happens")]

mod session;

use std::time::{Duration, Instant};

use playhouse_play::control::Role;
use playhouse_testkit::browser::{Browser, Options};
use playhouse_testkit::display::Display;
use playhouse_testkit::emulator::{Profile, Schedule};
use session::{BITRATE, Session};

/// How long anything may take before it counts as not happening.
const PATIENCE: Duration = Duration::from_mins(1);

/// Bits per second that the spectator's network carries.
const NARROW_BITRATE: u64 = 1_000_000;

/// The spectator's network.
const NARROW: Profile = Profile {
    delay: Duration::from_millis(10),
    jitter: Duration::ZERO,
    loss: 0.0,
    reordering: None,
    rate: Some(NARROW_BITRATE),
    queue: 64 * 1024,
};

/// Frames of a picture that flows.
const FLOWING: u64 = 90;

/// Looks until the condition holds.
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < end, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A network without limits.
const WIDE: Profile = Profile { rate: None, ..NARROW };

/// The same there and back.
fn ways(profile: Profile) -> (Schedule, Schedule) {
    (Schedule::always(profile), Schedule::always(profile))
}

#[test]
fn a_spectator_on_a_narrow_path_sees_a_picture_that_flows_and_the_player_keeps_his() {
    let mut session = Session::start();
    let player = session.join("player", Role::Player { seat: 1 });
    until("the player's bitrate", || session.stats().target_bitrate >= u64::from(BITRATE) / 2);
    assert_eq!(session.stats().viewers, [1, 0]);

    let relay = session.relay(ways(NARROW));
    let spectator = session.join_through(&relay, "spectator", Role::Spectator);
    until("a picture of the spectator's own", || session.stats().viewers == [1, 1]);

    // Frames of its own are far smaller than the player's, and none of the player's would get through in time.
    let mut begin = (spectator.frames(), spectator.bytes(), player.frames(), player.bytes());
    until("the spectator's picture flows", || {
        let (frames, bytes) = (spectator.frames() - begin.0, spectator.bytes() - begin.1);
        if frames < FLOWING {
            return false;
        }
        let (players_frames, players_bytes) = (player.frames() - begin.2, player.bytes() - begin.3);
        begin = (spectator.frames(), spectator.bytes(), player.frames(), player.bytes());
        players_frames >= frames && bytes / frames < players_bytes / players_frames / 2
    });
    until("the player's picture is as good as before", || {
        let stats = session.stats();
        let good =
            stats.target_bitrate >= u64::from(BITRATE) / 2 && (stats.width, stats.height) == (1280, 720);
        good && stats.viewers == [1, 1]
    });

    session.close("spectator");
    until("nothing is encoded for a spectator who has left", || session.stats().viewers == [1, 0]);
    let seen = player.frames();
    until("the player's picture goes on", || player.frames() >= seen + FLOWING);
}

#[test]
fn a_spectator_who_takes_a_seat_is_sent_what_players_see_and_they_follow_its_path() {
    let mut session = Session::start();
    let _player = session.join("player", Role::Player { seat: 1 });
    let relay = session.relay(ways(NARROW));
    let spectator = session.join_through(&relay, "spectator", Role::Spectator);
    until("a picture of the spectator's own", || session.stats().viewers == [1, 1]);

    session.seat("spectator", Role::Player { seat: 2 });
    until("the players' picture for the second player", || session.stats().viewers == [2, 0]);
    until("a bitrate for the second player's path", || session.stats().target_bitrate < NARROW_BITRATE);
    let seen = spectator.frames();
    until("the second player's picture flows", || spectator.frames() >= seen + FLOWING);
}

#[test]
fn a_browser_on_a_narrow_path_shows_a_smaller_picture_and_in_a_seat_the_players_own() {
    let mut session = Session::start();
    let _player = session.join("player", Role::Player { seat: 1 });
    let (width, height) = (1280, 720);
    let display = Display::start(width, height).unwrap();
    let options = Options { size: (width, height), ..Options::default() };
    let mut browser = Browser::start(&display.name(), &options).unwrap();
    let page = &mut browser.page;
    page.open("data:text/html,<video autoplay muted></video>").unwrap();
    assert!(page.wait("document.querySelector('video') !== null", PATIENCE).unwrap());
    let offer = page.evaluate(include_str!("session/watch.js")).unwrap();
    let relay = session.relay(ways(NARROW));
    let offer = offer.as_str().unwrap().to_owned();
    let answer = session.offer(Some(&relay), "spectator", Role::Spectator, offer);
    page.evaluate(&format!("watch.answer({})", serde_json::json!(answer))).unwrap();

    let shows = |condition: &str| format!("watch.told.length > 0 && watch.shown.some((size) => {condition})");
    assert!(page.wait(&shows("size < 720"), PATIENCE).unwrap(), "no smaller picture");
    assert_eq!(page.evaluate("watch.told.at(-1).rate").unwrap(), 30);
    relay.follow(Schedule::always(WIDE), Schedule::always(WIDE));
    session.seat("spectator", Role::Player { seat: 2 });
    page.evaluate("watch.shown.length = 0").unwrap();
    assert!(page.wait(&shows("size === 720"), PATIENCE).unwrap(), "not the players' picture");
}
