//! What a player does, as the game is told of it.

use playhouse_media::time::Timestamp;
use playhouse_play::input::TouchPhase;
use playhouse_stage::compositor::{Event, GameInput};
use wayland_protocols::wp::pointer_constraints::zv1::client::zwp_pointer_constraints_v1::{
    Lifetime, ZwpPointerConstraintsV1,
};
use wayland_protocols::wp::relative_pointer::zv1::client::zwp_relative_pointer_manager_v1::ZwpRelativePointerManagerV1;
use wayland_protocols::wp::text_input::zv3::client::zwp_text_input_manager_v3::ZwpTextInputManagerV3;

use super::client::{Client, Picture, Told, Window};
use super::house::{House, open};

const RED: u32 = 0xffff_0000;
const GREEN: u32 = 0xff00_ff00;

/// Codes of the kernel's header.
const KEY_A: u16 = 30;
const BTN_LEFT: u16 = 0x110;

fn play() -> (House, Client, Window, Picture) {
    let house = open(320, 200, 60);
    let mut game = Client::connect(house.stage.wayland_display());
    let (window, picture) = game.show(320, 200, RED);
    house.shot("a red picture", |shot| shot.pixel(5, 5) == 0x00ff_0000);
    (house, game, window, picture)
}

#[test]
fn a_key_reaches_the_game_and_its_answer_carries_the_number() {
    let (house, mut game, window, _picture) = play();
    house.input(GameInput::Key { code: KEY_A, pressed: true }, 41);
    game.hears(&Told::Key { code: 30, pressed: true });
    let answer = game.picture(320, 200, GREEN);
    game.draw(&window, &answer);
    let shot = house.shot("the answer", |shot| shot.pixel(5, 5) == 0x0000_ff00);
    assert_eq!((shot.input_seq, shot.input), (41, Timestamp::from_micros(41)));
    house.input(GameInput::Key { code: KEY_A, pressed: false }, 42);
    game.hears(&Told::Key { code: 30, pressed: false });
}

#[test]
fn everything_that_is_held_is_let_go() {
    let (house, mut game, _window, _picture) = play();
    house.input(GameInput::PointerTo { x: 10.0, y: 10.0 }, 1);
    house.input(GameInput::Key { code: KEY_A, pressed: true }, 2);
    // A second press of a key that is down is no press.
    house.input(GameInput::Key { code: KEY_A, pressed: true }, 3);
    house.input(GameInput::Button { code: BTN_LEFT, pressed: true }, 4);
    house.input(GameInput::Touch { id: 3, phase: TouchPhase::Down, x: 20.0, y: 30.0 }, 5);
    game.hears(&Told::Key { code: 30, pressed: true });
    game.hears(&Told::Button { code: 0x110, pressed: true });
    game.hears(&Told::TouchDown { id: 3, x: 20.0, y: 30.0 });
    assert!(!game.memory.told.contains(&Told::Key { code: 30, pressed: true }));
    house.input(GameInput::ReleaseAll, 6);
    game.hears(&Told::Key { code: 30, pressed: false });
    game.hears(&Told::Button { code: 0x110, pressed: false });
    // What is not held is not let go again.
    house.input(GameInput::ReleaseAll, 7);
    house.input(GameInput::Key { code: 31, pressed: true }, 8);
    game.hears(&Told::Key { code: 31, pressed: true });
    assert!(!game.memory.told.contains(&Told::Key { code: 30, pressed: false }));
}

#[test]
fn pointer_wheel_and_fingers_reach_the_game() {
    let (house, mut game, _window, _picture) = play();
    house.input(GameInput::PointerTo { x: 12.5, y: 40.0 }, 1);
    game.told("the pointer", |told| match told {
        Told::Enter { x, y } | Told::Motion { x, y } if (*x, *y) == (12.5, 40.0) => Some(()),
        _ => None,
    });
    house.input(GameInput::PointerBy { dx: 10.0, dy: -5.0 }, 2);
    game.hears(&Told::Motion { x: 22.5, y: 35.0 });
    // Beyond the edge there is nothing.
    house.input(GameInput::PointerBy { dx: 5000.0, dy: 5000.0 }, 3);
    game.hears(&Told::Motion { x: 319.0, y: 199.0 });
    house.input(GameInput::PointerTo { x: f64::NAN, y: 1.0 }, 4);
    house.input(GameInput::Wheel { dx: 0, dy: -240 }, 5);
    game.hears(&Told::Wheel { vertical: true, v120: -240 });
    house.input(GameInput::Wheel { dx: 60, dy: 0 }, 6);
    game.hears(&Told::Wheel { vertical: false, v120: 60 });
    house.input(GameInput::Touch { id: 9, phase: TouchPhase::Down, x: 100.0, y: 50.0 }, 7);
    game.hears(&Told::TouchDown { id: 9, x: 100.0, y: 50.0 });
    house.input(GameInput::Touch { id: 9, phase: TouchPhase::Up, x: 100.0, y: 50.0 }, 8);
    game.hears(&Told::TouchUp { id: 9 });
}

#[test]
fn a_game_that_locks_the_pointer_gets_motion_only() {
    let (house, mut game, window, _picture) = play();
    let constraints: ZwpPointerConstraintsV1 = game.bind();
    let relative: ZwpRelativePointerManagerV1 = game.bind();
    relative.get_relative_pointer(&game.pointer, &game.handle(), ());
    let lock = constraints.lock_pointer(
        &window.surface,
        &game.pointer,
        None,
        Lifetime::Persistent,
        &game.handle(),
        (),
    );
    game.hears(&Told::Locked(true));
    house.event(Event::PointerLock(true));
    game.memory.told.clear();
    house.input(GameInput::PointerBy { dx: 7.0, dy: -3.0 }, 1);
    game.hears(&Told::Relative { dx: 7.0, dy: -3.0 });
    // Positions of a browser that is not locked yet become motion.
    house.input(GameInput::PointerTo { x: 100.0, y: 100.0 }, 2);
    house.input(GameInput::PointerTo { x: 110.0, y: 95.0 }, 3);
    game.hears(&Told::Relative { dx: 10.0, dy: -5.0 });
    assert!(!game.memory.told.iter().any(|told| matches!(told, Told::Motion { .. })));
    lock.destroy();
    game.flush();
    house.event(Event::PointerLock(false));
    house.input(GameInput::PointerTo { x: 30.0, y: 30.0 }, 4);
    game.hears(&Told::Motion { x: 30.0, y: 30.0 });
}

#[test]
fn text_reaches_a_game_that_asks_for_it() {
    let (house, mut game, _window, _picture) = play();
    let manager: ZwpTextInputManagerV3 = game.bind();
    let input = manager.get_text_input(&game.seat, &game.handle(), ());
    game.hears(&Told::TextFocus);
    house.input(GameInput::Text("nobody asked".into()), 1);
    input.enable();
    input.commit();
    game.flush();
    house.event(Event::TextInput(true));
    house.input(GameInput::Text("Grüße, 世界".into()), 2);
    let text = game.told("text", |told| match told {
        Told::Text(text) => Some(text.clone()),
        _ => None,
    });
    assert_eq!(text, "Grüße, 世界");
    input.disable();
    input.commit();
    game.flush();
    house.event(Event::TextInput(false));
}

#[test]
fn a_click_beside_a_menu_closes_it() {
    let (house, mut game, window, _picture) = play();
    let menu = game.popup(&window, 100, 100, 50, 60);
    menu.popup.as_ref().unwrap().grab(&game.seat, 0);
    game.hears(&Told::PopupConfigured { x: 100, y: 100 });
    let picture = game.picture(50, 60, GREEN);
    game.draw(&menu, &picture);
    house.shot("a menu", |shot| shot.pixel(110, 110) == 0x0000_ff00);
    house.input(GameInput::PointerTo { x: 110.0, y: 110.0 }, 1);
    house.input(GameInput::Button { code: BTN_LEFT, pressed: true }, 2);
    house.input(GameInput::Button { code: BTN_LEFT, pressed: false }, 3);
    game.hears(&Told::Button { code: 0x110, pressed: false });
    assert!(!game.memory.told.contains(&Told::PopupDone));
    house.input(GameInput::PointerTo { x: 10.0, y: 10.0 }, 4);
    house.input(GameInput::Button { code: BTN_LEFT, pressed: true }, 5);
    game.hears(&Told::PopupDone);
}
