//! What of a game is seen.

use playhouse_media::frame::{Damage, Size};
use playhouse_stage::compositor::{Event, GameInput};
use wayland_protocols::wp::presentation_time::client::wp_presentation::WpPresentation;

use super::client::{Client, Picture, Told};
use super::house::{Canvas, open};

const RED: u32 = 0xffff_0000;
const GREEN: u32 = 0xff00_ff00;
const BLUE: u32 = 0xff00_00ff;

/// A colour without its transparency, as a shot gives it.
const fn seen(colour: u32) -> u32 {
    colour & 0x00ff_ffff
}

#[test]
fn a_game_is_told_the_output_s_size_and_is_seen() {
    let house = open(320, 200, 60);
    let mut game = Client::connect(house.stage.wayland_display());
    let (window, size) = game.window();
    assert_eq!(size, (320, 200));
    let picture = game.picture(320, 200, RED);
    picture.paint(0, 0, 10, 10, GREEN);
    game.draw(&window, &picture);
    let shot = house.shot("a red picture", |shot| shot.pixel(319, 199) == seen(RED));
    assert_eq!(
        (shot.pixel(0, 0), shot.pixel(9, 9), shot.pixel(10, 10)),
        (seen(GREEN), seen(GREEN), seen(RED))
    );
    assert_eq!(shot.damage, [Damage { x: 0, y: 0, width: 320, height: 200 }]);
    assert_eq!((shot.size, shot.input_seq), (Size::new(320, 200), 0));
    assert!(shot.commit.as_micros() > 0);
    house.event(Event::FirstFrame);
}

#[test]
fn only_what_changed_is_drawn_again() {
    let house = open(320, 200, 60);
    let mut game = Client::connect(house.stage.wayland_display());
    let (window, _first) = game.show(320, 200, RED);
    house.shot("a red picture", |shot| shot.pixel(5, 5) == seen(RED));
    // The second picture is green everywhere, but says that only a part is new.
    let second = game.picture(320, 200, GREEN);
    game.draw_part(&window, &second, (16, 32, 64, 48));
    let shot = house.shot("a green part", |shot| shot.pixel(16, 32) == seen(GREEN));
    assert_eq!(shot.damage, [Damage { x: 16, y: 32, width: 64, height: 48 }]);
    assert_eq!(
        (shot.pixel(15, 32), shot.pixel(79, 79), shot.pixel(80, 79)),
        (seen(RED), seen(GREEN), seen(RED))
    );
}

/// A picture in which no row or column is like another.
fn texture(x: u32, y: u32) -> u32 {
    ((x * 3) & 0xff) << 16 | ((y * 5) & 0xff) << 8 | (x ^ y) & 0xff
}

fn textured(game: &Client, width: i32, height: i32) -> Picture {
    let picture = game.picture(width, height, RED);
    for (x, y) in (0..height).flat_map(|y| (0..width).map(move |x| (x, y))) {
        picture.paint(x, y, 1, 1, texture(x.cast_unsigned(), y.cast_unsigned()));
    }
    picture
}

#[test]
fn what_comes_over_a_game_and_goes_leaves_each_pixel_where_it_was() {
    let house = open(321, 199, 60);
    let mut game = Client::connect(house.stage.wayland_display());
    let (window, _) = game.window();
    let picture = textured(&game, 321, 199);
    game.draw(&window, &picture);
    let plain = Canvas::of(Size::new(321, 199), texture);
    house.last_shot("the game", |shot| shot.is_whole() && shot.whole == plain);

    // It lies across the edge of two strips.
    let (part, subsurface) = game.subsurface(&window, 33, 57);
    game.draw(&part, &game.picture(51, 29, GREEN));
    window.surface.commit();
    game.flush();
    let covered = Canvas::of(Size::new(321, 199), |x, y| {
        let green = (33..84).contains(&x) && (57..86).contains(&y);
        if green { seen(GREEN) } else { texture(x, y) }
    });
    house.last_shot("the part", |shot| shot.is_whole() && shot.whole == covered);
    subsurface.destroy();
    part.surface.destroy();
    game.flush();
    house.last_shot("the game alone", |shot| shot.is_whole() && shot.whole == plain);
}

#[test]
fn a_picture_that_shines_through_is_the_same_however_it_is_read() {
    let house = open(320, 200, 60);
    let mut game = Client::connect(house.stage.wayland_display());
    let (window, _) = game.window();
    // Scaled by 2.5, with black beside it.
    let picture = textured(&game, 96, 80);
    game.draw(&window, &picture);
    let (part, _subsurface) = game.subsurface(&window, 13, 17);
    game.draw(&part, &game.picture(31, 37, 0x8000_4000));
    window.surface.commit();
    game.flush();
    // Half of the texture's red, which is 84 in the middle of what is (28, 40) of the game.
    let shot = house
        .last_shot("the part", |shot| shot.is_whole() && (38..=46).contains(&(shot.pixel(111, 101) >> 16)));
    assert_eq!(shot.pixel(5, 100), 0);
}

#[test]
fn a_still_picture_is_sent_once_and_again_when_asked_for() {
    let house = open(320, 200, 60);
    let mut game = Client::connect(house.stage.wayland_display());
    let (window, picture) = game.show(320, 200, RED);
    house.shot("a red picture", |shot| shot.pixel(5, 5) == seen(RED));
    let before = house.count();
    // Commits without damage, and a whole round trip: nothing follows from them.
    for _ in 0..5 {
        window.surface.attach(Some(&picture.buffer), 0, 0);
        window.surface.commit();
    }
    game.settle();
    house.stage.handle().redraw();
    let shots = house.shots(before + 1);
    assert_eq!(shots.len(), before + 1);
    assert_eq!(shots[before].damage, [Damage { x: 0, y: 0, width: 320, height: 200 }]);
    assert_eq!(shots[before].pixel(5, 5), seen(RED));
}

#[test]
fn a_small_game_is_scaled_to_fit_and_its_pointer_with_it() {
    let house = open(320, 200, 60);
    let mut game = Client::connect(house.stage.wayland_display());
    let (_window, picture) = game.show(160, 80, RED);
    picture.paint(0, 0, 1, 1, RED);
    // Twice as large, with 20 black lines above and below.
    let shot = house.shot("a scaled picture", |shot| shot.pixel(160, 100) == seen(RED));
    assert_eq!((shot.pixel(160, 10), shot.pixel(160, 190)), (0, 0));
    assert_eq!((shot.pixel(2, 30), shot.pixel(317, 170)), (seen(RED), seen(RED)));
    house.input(GameInput::PointerTo { x: 100.0, y: 60.0 }, 1);
    let at = game.told("the pointer", |told| match told {
        Told::Enter { x, y } | Told::Motion { x, y } if (*x, *y) == (50.0, 20.0) => Some((*x, *y)),
        _ => None,
    });
    assert_eq!(at, (50.0, 20.0));
}

#[test]
fn the_newest_game_is_on_top_and_the_one_below_returns() {
    let house = open(320, 200, 60);
    let mut game = Client::connect(house.stage.wayland_display());
    game.show(320, 200, RED);
    house.last_shot("the first window", |shot| shot.pixel(5, 5) == seen(RED));
    let (second, _picture) = game.show(320, 200, GREEN);
    house.last_shot("the second window", |shot| shot.pixel(5, 5) == seen(GREEN));
    second.toplevel.unwrap().destroy();
    second.shell.unwrap().destroy();
    second.surface.destroy();
    game.flush();
    house.last_shot("the first window again", |shot| shot.pixel(5, 5) == seen(RED));
}

#[test]
fn a_dialog_keeps_its_size_and_lies_in_the_middle() {
    let house = open(320, 200, 60);
    let mut game = Client::connect(house.stage.wayland_display());
    let (window, _picture) = game.show(320, 200, RED);
    let (dialog, _) = game.window();
    dialog.toplevel.as_ref().unwrap().set_parent(window.toplevel.as_ref());
    let picture = game.picture(100, 50, GREEN);
    game.draw(&dialog, &picture);
    let shot = house.shot("a dialog", |shot| shot.pixel(160, 100) == seen(GREEN));
    assert_eq!(
        (shot.pixel(109, 100), shot.pixel(110, 100), shot.pixel(210, 100)),
        (seen(RED), seen(GREEN), seen(RED))
    );
}

#[test]
fn parts_and_menus_of_a_game_are_seen() {
    let house = open(320, 200, 60);
    let mut game = Client::connect(house.stage.wayland_display());
    let (window, first) = game.show(320, 200, RED);
    let (part, _subsurface) = game.subsurface(&window, 20, 30);
    let green = game.picture(40, 40, GREEN);
    game.draw(&part, &green);
    // A part shows with the next commit of its parent.
    game.draw(&window, &first);
    let shot = house.shot("a part", |shot| shot.pixel(20, 30) == seen(GREEN));
    assert_eq!(
        (shot.pixel(19, 30), shot.pixel(59, 69), shot.pixel(60, 69)),
        (seen(RED), seen(GREEN), seen(RED))
    );

    let menu = game.popup(&window, 100, 100, 50, 60);
    game.hears(&Told::PopupConfigured { x: 100, y: 100 });
    let blue = game.picture(50, 60, BLUE);
    game.draw(&menu, &blue);
    let shot = house.shot("a menu", |shot| shot.pixel(100, 100) == seen(BLUE));
    assert_eq!(
        (shot.pixel(99, 100), shot.pixel(149, 159), shot.pixel(150, 159)),
        (seen(RED), seen(BLUE), seen(RED))
    );
    menu.popup.unwrap().destroy();
    menu.shell.unwrap().destroy();
    menu.surface.destroy();
    game.flush();
    house.last_shot("no menu", |shot| shot.pixel(100, 100) == seen(RED));
}

#[test]
fn a_menu_is_moved_to_where_it_is_seen() {
    let house = open(320, 200, 60);
    let mut game = Client::connect(house.stage.wayland_display());
    let (window, _picture) = game.show(320, 200, RED);
    house.shot("a red picture", |shot| shot.pixel(5, 5) == seen(RED));
    let positioner_ignores_edges = game.popup(&window, 300, 190, 50, 60);
    // Without leave to be moved it stays where it asked to be.
    game.hears(&Told::PopupConfigured { x: 300, y: 190 });
    drop(positioner_ignores_edges);
}

#[test]
fn the_pointer_is_drawn_where_it_is() {
    let house = open(320, 200, 60);
    let mut game = Client::connect(house.stage.wayland_display());
    game.show(320, 200, RED);
    house.shot("a red picture", |shot| shot.pixel(5, 5) == seen(RED));
    house.input(GameInput::PointerTo { x: 50.0, y: 60.0 }, 3);
    game.told("the pointer", |told| matches!(told, Told::Enter { .. }).then_some(()));
    let picture = game.picture(8, 8, BLUE);
    let _cursor = game.cursor(&picture, 2, 2);
    let shot = house.shot("the pointer", |shot| shot.pixel(48, 58) == seen(BLUE));
    assert_eq!(
        (shot.pixel(47, 58), shot.pixel(55, 65), shot.pixel(56, 65)),
        (seen(RED), seen(BLUE), seen(RED))
    );
    house.input(GameInput::PointerTo { x: 150.0, y: 160.0 }, 4);
    let shot = house.shot("the pointer elsewhere", |shot| shot.pixel(148, 158) == seen(BLUE));
    assert_eq!((shot.pixel(48, 58), shot.input_seq), (seen(RED), 4));
    game.pointer.set_cursor(0, None, 0, 0);
    game.flush();
}

#[test]
fn a_game_learns_that_it_was_seen() {
    let house = open(320, 200, 60);
    let mut game = Client::connect(house.stage.wayland_display());
    let (window, _) = game.window();
    let picture = game.picture(320, 200, RED);
    let presentation: WpPresentation = game.bind();
    presentation.feedback(&window.surface, &game.handle(), ());
    game.draw(&window, &picture);
    game.hears(&Told::Presented);
}

#[test]
fn the_output_can_change_its_size() {
    let house = open(320, 200, 60);
    let mut game = Client::connect(house.stage.wayland_display());
    let (window, _picture) = game.show(320, 200, RED);
    house.shot("a red picture", |shot| shot.pixel(5, 5) == seen(RED));
    house.stage.handle().resize(Size::new(400, 300), 30);
    game.hears(&Told::Configured { width: 400, height: 300 });
    let larger = game.picture(400, 300, GREEN);
    game.draw(&window, &larger);
    let shot = house.shot("the larger picture", |shot| {
        shot.size == Size::new(400, 300) && shot.pixel(399, 299) == seen(GREEN)
    });
    assert_eq!(shot.pixel(0, 0), seen(GREEN));
    // Nonsense changes nothing.
    house.stage.handle().resize(Size::new(0, 1 << 30), 0);
    game.draw(&window, &game.picture(400, 300, BLUE));
    house.shot("the stage still works", |shot| shot.pixel(399, 299) == seen(BLUE));
}

#[test]
fn the_session_learns_that_the_last_window_is_gone() {
    let house = open(320, 200, 60);
    let mut game = Client::connect(house.stage.wayland_display());
    game.show(320, 200, RED);
    house.event(Event::FirstFrame);
    drop(game);
    house.event(Event::WindowsGone);
    house.last_shot("a black picture", |shot| shot.pixel(5, 5) == 0);
}
