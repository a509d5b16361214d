//! When pictures are taken, and when games are asked for them.

use std::time::Duration;

use playhouse_stage::compositor::GameInput;

use super::client::{Client, Told};
use super::house::{Shot, open};

const RED: u32 = 0xffff_0000;

/// A game may be early by half an interval once, for an answer to an input, and by little otherwise.
fn assert_rate(shots: &[Shot], rate: u32) {
    let interval = Duration::from_secs(1) / rate;
    let span = shots[shots.len() - 1].came - shots[0].came;
    let least = interval * u32::try_from(shots.len() - 2).unwrap();
    assert!(span >= least, "{} frames in {span:?}: at least {least:?} were to pass", shots.len());
}

#[test]
fn a_game_that_does_not_wait_is_held_to_the_rate() {
    let house = open(64, 64, 50);
    let mut game = Client::connect(house.stage.wayland_display());
    let (window, red) = game.show(64, 64, RED);
    let green = game.picture(64, 64, 0xff00_ff00);
    let mut turn = 0;
    while house.count() < 20 {
        turn += 1;
        game.draw(&window, if turn % 2 == 0 { &red } else { &green });
        game.settle();
    }
    assert!(turn > 20, "the game was not faster than the stage");
    assert_rate(&house.shots(20), 50);
}

#[test]
fn a_game_that_waits_is_asked_at_the_rate() {
    let house = open(64, 64, 50);
    let mut game = Client::connect(house.stage.wayland_display());
    let (window, _) = game.window();
    let pictures = [game.picture(64, 64, RED), game.picture(64, 64, 0xff00_ff00)];
    for turn in 0..20 {
        game.want_asking(&window);
        game.draw(&window, &pictures[turn % 2]);
        game.hears(&Told::Asked);
    }
    assert_rate(&house.shots(19), 50);
}

#[test]
fn an_input_has_the_game_asked_early_and_the_rate_holds() {
    // Five seconds between two frames: what comes sooner came because of the input.
    let house = open(64, 64, 1);
    let mut game = Client::connect(house.stage.wayland_display());
    let (window, _) = game.window();
    let pictures = [game.picture(64, 64, RED), game.picture(64, 64, 0xff00_ff00)];
    game.want_asking(&window);
    game.draw(&window, &pictures[0]);
    game.hears(&Told::Asked);
    let first = house.shots(1)[0].clone();
    game.want_asking(&window);
    game.draw(&window, &pictures[1]);
    house.shots(2);
    house.input(GameInput::Key { code: 30, pressed: true }, 9);
    game.hears(&Told::Key { code: 30, pressed: true });
    game.hears(&Told::Asked);
    game.draw(&window, &pictures[0]);
    let answer = house.shot("the answer", |shot| shot.input_seq == 9);
    assert!(answer.came - first.came >= Duration::from_millis(450), "{:?}", answer.came - first.came);
}

#[test]
fn a_hidden_game_is_asked_too() {
    let house = open(64, 64, 60);
    let mut game = Client::connect(house.stage.wayland_display());
    let (below, red) = game.show(64, 64, RED);
    house.last_shot("the first", |shot| shot.pixel(5, 5) == 0x00ff_0000);
    game.show(64, 64, 0xff00_ff00);
    house.last_shot("the second", |shot| shot.pixel(5, 5) == 0x0000_ff00);
    game.memory.told.clear();
    game.want_asking(&below);
    game.draw(&below, &red);
    game.hears(&Told::Asked);
}
