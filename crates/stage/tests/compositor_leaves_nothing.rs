//! A stage that ended leaves no file, thread, process or descriptor behind.
//!
//! In a program of its own, since it counts what this process has.
#![expect(clippy::unwrap_used, reason = "what helps a test fails it")]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use playhouse_media::frame::Size;
use playhouse_stage::compositor::{self, Config, Frame};

fn entries(folder: &str) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

fn children() -> String {
    std::fs::read_dir("/proc/self/task")
        .unwrap()
        .filter_map(|task| std::fs::read_to_string(task.unwrap().path().join("children")).ok())
        .collect()
}

fn eventually(what: &str, holds: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < end, "{what}");
        std::thread::yield_now();
    }
}

fn open_and_close(runtime: &Path, xwayland: bool) -> Option<u32> {
    let config = Config { size: Size::new(320, 200), rate: 60, runtime: runtime.to_owned(), xwayland };
    let stage = compositor::start(config, Box::new(|_: &mut Frame<'_>| {}), Box::new(|_| {})).unwrap();
    assert!(stage.wayland_display().exists());
    stage.x_display()
}

#[test]
fn nothing_is_left_of_a_stage() {
    let runtime = tempfile::tempdir().unwrap();
    open_and_close(runtime.path(), false);
    let descriptors = entries("/proc/self/fd");
    let threads = entries("/proc/self/task");
    for _ in 0..50 {
        open_and_close(runtime.path(), false);
    }
    eventually("descriptors are left", || entries("/proc/self/fd") <= descriptors);
    eventually("threads are left", || entries("/proc/self/task") <= threads);

    for _ in 0..3 {
        let display = open_and_close(runtime.path(), true).unwrap();
        let files = [format!("/tmp/.X11-unix/X{display}"), format!("/tmp/.X{display}-lock")];
        // Another stage of this machine may have taken the number at once: then the lock names another process.
        let me = std::process::id().to_string();
        eventually("files of Xwayland are left", || {
            let lock = std::fs::read_to_string(&files[1]);
            lock.map_or_else(|_| true, |owner| owner.trim() != me) || !PathBuf::from(&files[0]).exists()
        });
    }
    eventually("an Xwayland is left", || children().trim().is_empty());
    assert_eq!(entries(runtime.path().to_str().unwrap()), 0, "the runtime folder is not empty");
}
