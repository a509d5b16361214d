//! A client that misbehaves loses its connection; nobody else notices.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use playhouse_media::frame::Damage;
use playhouse_stage::compositor::GameInput;

use super::client::{Client, Told};
use super::house::{DEADLINE, House, open};

const RED: u32 = 0xffff_0000;

/// A new game is seen and gets its input.
fn assert_well(house: &House) {
    let mut game = Client::connect(house.stage.wayland_display());
    let (_window, _picture) = game.show(320, 200, 0xff12_3456);
    house.last_shot("a new game", |shot| shot.pixel(7, 7) == 0x0012_3456);
    house.input(GameInput::Key { code: 30, pressed: true }, 1);
    game.hears(&Told::Key { code: 30, pressed: true });
    house.input(GameInput::ReleaseAll, 2);
}

#[test]
fn a_client_that_takes_its_memory_away_is_thrown_out() {
    let house = open(320, 200, 60);
    let mut bad = Client::connect(house.stage.wayland_display());
    let (window, first) = bad.show(320, 200, RED);
    house.shot("a red picture", |shot| shot.pixel(5, 5) == 0x00ff_0000);
    let second = bad.picture(320, 200, RED);
    second.file.set_len(0).unwrap();
    bad.draw(&window, &second);
    assert!(bad.is_thrown_out());
    drop(first);
    assert_well(&house);
}

#[test]
fn a_client_that_takes_its_memory_away_amid_a_picture_is_thrown_out() {
    let house = open(320, 200, 60);
    let mut bad = Client::connect(house.stage.wayland_display());
    let (window, _first) = bad.show(60, 150, RED);
    house.shot("a red picture", |shot| shot.pixel(160, 100) == 0x00ff_0000);
    let second = bad.picture(60, 150, RED);
    let file = second.file.try_clone().unwrap();
    *house.amid.lock().unwrap() = Some(Box::new(move || file.set_len(0).unwrap()));
    let before = house.count();
    bad.draw(&window, &second);
    house.spoiled();
    assert!(bad.is_thrown_out());
    // The next is new everywhere, not only where the window was: whatever was read of the spoiled one is void.
    let next = house.shots(before + 1).swap_remove(before);
    assert_eq!(next.damage, [Damage { x: 0, y: 0, width: 320, height: 200 }]);
    assert!(next.is_whole() && next.pixel(160, 100) == 0);
    assert_well(&house);
}

#[test]
fn a_client_that_talks_rubbish_is_thrown_out() {
    let house = open(320, 200, 60);
    for rubbish in [&[0xff_u8; 4096][..], &[1, 0, 0, 0, 9, 0, 8, 0], &[1, 0, 0, 0, 0, 0, 0, 0], &[0; 64]] {
        let mut stream = UnixStream::connect(house.stage.wayland_display()).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.write_all(rubbish).unwrap();
        // What comes is an error message, or nothing; then the end.
        let mut told = Vec::new();
        stream.read_to_end(&mut told).unwrap();
    }
    assert_well(&house);
}

#[test]
fn a_client_that_breaks_the_rules_is_thrown_out() {
    let house = open(320, 200, 60);
    let mut bad = Client::connect(house.stage.wayland_display());
    let (window, _picture) = bad.show(320, 200, RED);
    house.shot("a red picture", |shot| shot.pixel(5, 5) == 0x00ff_0000);
    // Nobody configured it so.
    window.shell.as_ref().unwrap().ack_configure(0xdead_beef);
    window.surface.commit();
    assert!(bad.is_thrown_out());
    assert_well(&house);
}

#[test]
fn pictures_of_any_size_are_survived() {
    let house = open(320, 200, 60);
    let mut game = Client::connect(house.stage.wayland_display());
    let (window, _) = game.window();
    let wide = game.picture(16_000, 20, RED);
    game.draw(&window, &wide);
    let tall = game.picture(1, 9_000, RED);
    game.draw(&window, &tall);
    let dot = game.picture(1, 1, RED);
    game.draw(&window, &dot);
    window.surface.set_buffer_scale(7);
    game.flush();
    window.shell.as_ref().unwrap().set_window_geometry(100_000, 100_000, 1, 1);
    game.draw(&window, &wide);
    assert!(game.memory.told.len() < 1_000);
    assert_well(&house);
}

#[test]
fn a_client_that_floods_keeps_nobody_waiting() {
    let house = open(320, 200, 60);
    let mut bad = Client::connect(house.stage.wayland_display());
    let (window, picture) = bad.show(320, 200, RED);
    house.shot("a red picture", |shot| shot.pixel(5, 5) == 0x00ff_0000);
    let enough = Arc::new(AtomicBool::new(false));
    let stop = enough.clone();
    // It never reads what it is told, and goes on until it is thrown out.
    let flood = std::thread::Builder::new().name("flood".into()).spawn(move || {
        while !stop.load(Ordering::Relaxed) && bad.connection.flush().is_ok() {
            for _ in 0..100 {
                bad.want_asking(&window);
                window.surface.attach(Some(&picture.buffer), 0, 0);
                window.surface.damage_buffer(0, 0, 320, 200);
                window.surface.commit();
            }
        }
    });
    assert_well(&house);
    enough.store(true, Ordering::Relaxed);
    flood.unwrap().join().unwrap();
}

#[test]
fn connections_are_limited() {
    let house = open(320, 200, 60);
    let socket = house.stage.wayland_display();
    let many: Vec<_> = (0..100).map(|_| UnixStream::connect(socket).unwrap()).collect();
    // The last of them is closed at once.
    let mut last = many.last().unwrap();
    last.set_read_timeout(Some(DEADLINE)).unwrap();
    assert_eq!(last.read(&mut [0; 1]).unwrap_or(0), 0);
    drop(many);
    // Room comes back as the stage notices, which a game that is turned away waits for.
    let end = std::time::Instant::now() + DEADLINE;
    while std::time::Instant::now() < end {
        let probe = UnixStream::connect(socket).unwrap();
        let connection = wayland_client::Connection::from_socket(probe).unwrap();
        if connection
            .new_event_queue::<super::client::Memory>()
            .roundtrip(&mut super::client::Memory::default())
            .is_ok()
        {
            break;
        }
    }
    assert_well(&house);
}
