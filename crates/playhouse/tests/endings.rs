//! How a session ends that nobody ends: its player does not come back, or its time is over.

#![allow(clippy::unwrap_used, reason = "a test ends where something unexpected happens")]

mod session;

use playhouse_play::control::{EndReason, Role};
use session::Session;

#[test]
fn a_session_waits_for_its_player_as_long_as_was_said_and_then_goes() {
    let mut session = Session::start_as(|spec| spec.idle_seconds = 1);
    let player = session.join("player", Role::Player { seat: 1 });
    drop(player);
    session.close("player");
    let ended = session.ended();
    assert_eq!(ended.reason, EndReason::Abandoned);
    assert_eq!(ended.message, "Nobody came back within 1 seconds.");
}

#[test]
fn a_game_is_ended_when_its_time_is_over_and_has_not_crashed() {
    let mut session = Session::start_as(|spec| spec.game.seconds = 2);
    let ended = session.ended();
    assert_eq!(ended.reason, EndReason::Stopped);
    assert!(ended.message.contains("as long as its title may"), "{}", ended.message);
}
