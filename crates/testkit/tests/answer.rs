//! A key pressed on a display, a page that answers it, an eye and an ear that notice.

use std::time::{Duration, Instant};

use playhouse_testkit::browser::{Browser, Options};
use playhouse_testkit::display::Display;
use playhouse_testkit::ear::Ear;
use playhouse_testkit::eye::{Eye, Spot};
use playhouse_testkit::keys::Keys;
use playhouse_testkit::procs;

const DEADLINE: Duration = Duration::from_secs(30);
const SPACE: u16 = 57;
const PAGE: &str = "data:text/html,<body style='margin:0;background:black'><script>\
    const a=new AudioContext();addEventListener('keydown',()=>{document.body.style.background='white';\
    const o=a.createOscillator();o.connect(a.destination);o.start()})</script>";

#[test]
fn a_page_that_answers_a_key_is_seen_and_heard_and_nothing_of_it_stays() {
    let ear = Ear::open().unwrap();
    let display = Display::start(640, 480).unwrap();
    let options = Options { size: (640, 480), sound: Some(ear.address()), ..Options::default() };
    let mut browser = Browser::start(&display.name(), &options).unwrap();
    browser.page.open(PAGE).unwrap();
    assert!(
        browser.page.wait("document.readyState === 'complete' && document.hasFocus()", DEADLINE).unwrap()
    );

    let mut eye = Eye::open(&display.name(), Spot { x: 600, y: 440, width: 16, height: 16 }).unwrap();
    let look = Duration::from_millis(1);
    assert!(eye.wait(look, DEADLINE, |brightness| brightness < 10.0).unwrap().is_some(), "the page is black");
    let keys = Keys::of(&display.name()).unwrap();
    let pressed = keys.press(SPACE).unwrap();
    let seen =
        eye.wait(look, DEADLINE, |brightness| brightness > 245.0).unwrap().expect("the page turns white");
    keys.release(SPACE).unwrap();
    assert!(seen > pressed);
    let end = Instant::now() + DEADLINE;
    while ear.moments().is_empty() {
        assert!(Instant::now() < end, "the page is heard");
        std::thread::sleep(look);
    }
    assert!(ear.moments()[0] > pressed && ear.loudness() > 0.0);

    let pids = [browser.pid(), display.pid()];
    drop((browser, eye, keys, display));
    assert!(pids.iter().all(|pid| procs::read(*pid).is_none()), "what was started has ended");
}
