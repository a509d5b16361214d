//! Games that only know X11.

use playhouse_media::time::Timestamp;
use playhouse_stage::compositor::{Event, GameInput};
use std::time::Instant;
use x11rb::connection::Connection;
use x11rb::protocol::Event as XEvent;
use x11rb::protocol::xproto::{
    AtomEnum, ConfigureWindowAux, ConnectionExt, CreateGCAux, CreateWindowAux, EventMask, PropMode,
    Rectangle, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use super::house::{DEADLINE, House, open_with};

struct Game {
    connection: RustConnection,
    window: u32,
    context: u32,
}

impl Game {
    fn open(house: &House, width: u16, height: u16, fixed: bool) -> Self {
        let display = house.stage.x_display().unwrap();
        let (connection, screen) = RustConnection::connect(Some(&format!(":{display}"))).unwrap();
        let root = &connection.setup().roots[screen];
        let window = connection.generate_id().unwrap();
        let context = connection.generate_id().unwrap();
        let events = EventMask::KEY_PRESS
            | EventMask::KEY_RELEASE
            | EventMask::POINTER_MOTION
            | EventMask::BUTTON_PRESS
            | EventMask::STRUCTURE_NOTIFY
            | EventMask::EXPOSURE;
        let attributes = CreateWindowAux::new().event_mask(events).background_pixel(0x0020_4060);
        connection
            .create_window(
                root.root_depth,
                window,
                root.root,
                0,
                0,
                width,
                height,
                0,
                WindowClass::INPUT_OUTPUT,
                root.root_visual,
                &attributes,
            )
            .unwrap();
        if fixed {
            // WM_NORMAL_HINTS with PMinSize and PMaxSize.
            let (w, h) = (u32::from(width), u32::from(height));
            let hints = [48, 0, 0, 0, 0, w, h, w, h, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            connection
                .change_property32(
                    PropMode::REPLACE,
                    window,
                    AtomEnum::WM_NORMAL_HINTS,
                    AtomEnum::WM_SIZE_HINTS,
                    &hints,
                )
                .unwrap();
        }
        connection.create_gc(context, window, &CreateGCAux::new()).unwrap();
        connection.map_window(window).unwrap();
        connection.flush().unwrap();
        Self { connection, window, context }
    }

    fn hears<T>(&self, what: &str, wanted: impl Fn(&XEvent) -> Option<T>) -> T {
        let end = Instant::now() + DEADLINE;
        let mut other = Vec::new();
        loop {
            while let Some(event) = self.connection.poll_for_event().unwrap() {
                if let Some(found) = wanted(&event) {
                    return found;
                }
                other.push(event);
            }
            assert!(Instant::now() < end, "{what} did not come, but {other:?}");
            let fd = std::os::fd::AsFd::as_fd(self.connection.stream());
            let mut fds = [rustix::event::PollFd::new(&fd, rustix::event::PollFlags::IN)];
            let timeout = rustix::event::Timespec { tv_sec: 1, tv_nsec: 0 };
            rustix::event::poll(&mut fds, Some(&timeout)).unwrap();
        }
    }

    fn hears_motion(&self, to: (i16, i16)) {
        self.hears("the pointer", |event| match event {
            XEvent::MotionNotify(motion) => ((motion.event_x, motion.event_y) == to).then_some(()),
            _ => None,
        });
    }

    fn fill(&self, colour: u32, x: i16, y: i16, width: u16, height: u16) {
        self.connection
            .change_gc(self.context, &x11rb::protocol::xproto::ChangeGCAux::new().foreground(colour))
            .unwrap();
        self.connection
            .poly_fill_rectangle(self.window, self.context, &[Rectangle { x, y, width, height }])
            .unwrap();
        self.connection.flush().unwrap();
    }
}

#[test]
fn an_x11_game_fills_the_output_and_gets_its_input() {
    let house = open_with(640, 360, 60, true);
    let game = Game::open(&house, 320, 200, false);
    house.shot("the game", |shot| shot.pixel(5, 5) == 0x0020_4060 && shot.pixel(639, 359) == 0x0020_4060);
    house.event(Event::FirstFrame);
    house.stage.handle().input(GameInput::Key { code: 30, pressed: true }, 5, Timestamp::from_micros(77));
    let code = game.hears("the key", |event| match event {
        XEvent::KeyPress(press) => Some(press.detail),
        _ => None,
    });
    assert_eq!(code, 38);
    game.fill(0x00aa_bbcc, 100, 100, 50, 50);
    let shot = house.shot("the answer", |shot| shot.pixel(120, 120) == 0x00aa_bbcc);
    assert_eq!((shot.input_seq, shot.input), (5, Timestamp::from_micros(77)));
    house.input(GameInput::PointerTo { x: 300.0, y: 200.0 }, 6);
    game.hears_motion((300, 200));
    drop(game);
    house.event(Event::WindowsGone);
}

#[test]
fn an_x11_game_of_a_fixed_size_is_scaled_and_its_pointer_with_it() {
    let house = open_with(640, 400, 60, true);
    let game = Game::open(&house, 320, 160, true);
    // Twice as large, with 40 black lines above and below.
    let shot = house.shot("the game", |shot| shot.pixel(320, 200) == 0x0020_4060);
    assert_eq!((shot.pixel(320, 20), shot.pixel(320, 380), shot.pixel(4, 200)), (0, 0, 0x0020_4060));
    house.input(GameInput::PointerTo { x: 200.0, y: 140.0 }, 1);
    game.hears_motion((100, 50));
    // It may change its mind.
    let hints: [u32; 18] = [48, 0, 0, 0, 0, 640, 400, 640, 400, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    game.connection
        .change_property32(
            PropMode::REPLACE,
            game.window,
            AtomEnum::WM_NORMAL_HINTS,
            AtomEnum::WM_SIZE_HINTS,
            &hints,
        )
        .unwrap();
    let larger = ConfigureWindowAux::new().width(640).height(400);
    game.connection.configure_window(game.window, &larger).unwrap();
    game.connection.flush().unwrap();
    house.last_shot("the larger game", |shot| shot.pixel(320, 20) == 0x0020_4060);
}
