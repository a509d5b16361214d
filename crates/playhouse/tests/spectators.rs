//! What a player and a spectator notice of each other: a real session, with a network between it and the spectator.

#![allow(clippy::unwrap_used, reason = "a test ends where something unexpected happens")]

mod session;

use std::time::{Duration, Instant};

use playhouse_play::control::Role;
use playhouse_testkit::emulator::{Profile, Schedule};
use session::{BITRATE, Session};

/// How long anything may take before it counts as not happening.
const PATIENCE: Duration = Duration::from_mins(1);

/// What the spectator's network carries.
const NARROW: u64 = 1_000_000;

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

#[test]
fn a_spectator_on_a_narrow_path_sees_a_picture_that_flows_and_the_player_keeps_his() {
    let mut session = Session::start();
    let player = session.join("player", Role::Player { seat: 1 });
    until("the player's bitrate", || session.stats().target_bitrate >= u64::from(BITRATE) / 2);
    assert_eq!(session.stats().viewers, [1, 0]);

    let ways = |profile: Profile| (Schedule::always(profile), Schedule::always(profile));
    let narrow = Profile { delay: Duration::from_millis(10), rate: Some(NARROW), ..Profile::default() };
    let relay = session.relay(ways(narrow));
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
    let stats = session.stats();
    assert!(
        stats.target_bitrate >= u64::from(BITRATE) / 2,
        "the player is aimed at {}",
        stats.target_bitrate
    );
    assert_eq!((stats.width, stats.height), (1280, 720));

    session.close("spectator");
    until("nothing is encoded for a spectator who has left", || session.stats().viewers == [1, 0]);
    let seen = player.frames();
    until("the player's picture goes on", || player.frames() >= seen + FLOWING);
}
