//! Gamepads as a game that uses SDL sees them.

mod game;

use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use game::{PATIENCE, sdl, sdl_plug_in, shell, until};
use playhouse_play::control::GameSpec;
use playhouse_play::input::PadState;
use playhouse_stage::pads::Pads;
use playhouse_stage::sandbox::{self, Config, GameProcess};

type Shake = (u8, u16, u16, u16);

fn start(dir: &std::path::Path, game: &GameSpec, pads: &Pads) -> GameProcess {
    assert!(dir.exists());
    sandbox::start(Config { game, grants: vec![pads.grant()], time: None, groups: true }).expect("it starts")
}

fn pads(dir: &std::path::Path) -> (Pads, Receiver<Shake>) {
    // More than any test shakes.
    let (shake, shakes) = sync_channel(100);
    let rumble = Box::new(move |pad, strong, weak, millis| {
        shake.try_send((pad, strong, weak, millis)).ok();
    });
    (Pads::start(dir, 4, rumble).expect("it starts"), shakes)
}

fn says(process: &GameProcess, line: &str) {
    until(&format!("the game says `{line}`"), || {
        let words = process.last_words();
        assert!(process.try_wait().is_none(), "the game ended: {words}");
        words.lines().any(|said| said.starts_with(line))
    });
}

#[test]
fn a_game_sees_a_pad_come_play_rumble_and_go() {
    let dir = tempfile::tempdir().unwrap();
    let (pads, shakes) = pads(dir.path());
    let process = start(dir.path(), &sdl(dir.path(), "pad", &[]), &pads);
    says(&process, "ready with 0");
    pads.connect(0, true);
    says(&process, "added Microsoft X-Box 360 pad type 1");

    let mut state = PadState { buttons: 1, axes: [0, -20_000, 0, 0], triggers: [0, 255] };
    pads.set(0, &state);
    for line in ["a down", "lefty -20000", "righttrigger 32767"] {
        says(&process, line);
    }
    // Each button by its name, one after the other.
    let names = [
        "a",
        "b",
        "x",
        "y",
        "leftshoulder",
        "rightshoulder",
        "",
        "",
        "back",
        "start",
        "leftstick",
        "rightstick",
        "dpup",
        "dpdown",
        "dpleft",
        "dpright",
        "guide",
    ];
    for (bit, name) in names.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
        state.buttons = 1 << bit;
        pads.set(0, &state);
        says(&process, &format!("{name} down"));
    }
    state.buttons = 0;
    pads.set(0, &state);
    says(&process, "guide up");

    // It was told to rumble by Y above: strongly once, then to stop.
    let shake = shakes.recv_timeout(PATIENCE).expect("it rumbles");
    assert_eq!((shake.0, shake.1, shake.2), (0, 0x8000, 0x1234));
    let end = shakes.recv_timeout(PATIENCE).expect("it ends");
    assert_eq!((end.1, end.2), (0, 0));

    pads.connect(0, false);
    says(&process, "removed");
    assert!(shakes.recv_timeout(Duration::ZERO).is_err());
}

#[test]
fn pads_that_are_there_first_are_found_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let (pads, _shakes) = pads(dir.path());
    pads.connect(0, true);
    pads.connect(3, true);
    let process = start(dir.path(), &sdl(dir.path(), "pad", &[]), &pads);
    says(&process, "ready with 2");
    says(&process, "added");
}

#[test]
fn a_game_that_loads_sdl_with_a_plug_in_sees_its_pads_too() {
    let dir = tempfile::tempdir().unwrap();
    let (pads, _shakes) = pads(dir.path());
    pads.connect(0, true);
    let process = start(dir.path(), &sdl_plug_in(dir.path(), "pad"), &pads);
    says(&process, "ready with 1");
}

#[test]
fn programs_without_sdl_are_not_disturbed() {
    let dir = tempfile::tempdir().unwrap();
    let (pads, _shakes) = pads(dir.path());
    pads.connect(0, true);
    let process = start(dir.path(), &shell(dir.path(), "echo $LD_PRELOAD; ls / | sort | head -1"), &pads);
    let exit = process.wait(PATIENCE).expect("it ends");
    let words = process.last_words();
    assert!(exit.is_success(), "{exit:?} {words}");
    assert!(words.ends_with("/run/playhouse/libplayhouse_joystick.so\nbin"), "{words}");
}
