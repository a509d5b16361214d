//! A film on its way to be playable in the program itself, which is killed in the middle: what was done is there.

#![allow(clippy::unwrap_used, reason = "a test ends where something unexpected happens")]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

/// How long anything may take before it counts as not happening: encoding gets what time others leave.
const PATIENCE: Duration = Duration::from_mins(10);

/// The program; killed when dropped.
struct House(Child);

impl Drop for House {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl House {
    fn start(folder: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_playhouse"))
            .args(["serve", "--listen", "127.0.0.1:0", "--reserve-mib", "0", "--titles"])
            .arg(folder)
            .current_dir(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        lines.find_map(|line| line.ok().filter(|line| line.contains("?code="))).unwrap();
        Self(process)
    }
}

/// Waits until something is there.
fn wait<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "{what} does not happen");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The only folder of renditions.
fn renditions(folder: &Path) -> Option<PathBuf> {
    fs::read_dir(folder.join(".playhouse/renditions")).ok()?.next()?.ok().map(|entry| entry.path())
}

fn made(piece: &Path) -> Option<SystemTime> {
    fs::metadata(piece.join("0.mp4")).ok()?.modified().ok()
}

#[test]
fn a_film_that_is_made_playable_goes_on_behind_its_last_piece_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let films = folder.path().join(".playhouse/films");
    fs::create_dir_all(&films).unwrap();
    let hidden = films.join(".film.avi");
    let encoded = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", "testsrc2=size=160x90:rate=25:duration=190"])
        .args(["-c:v", "mpeg4", "-q:v", "20"])
        .arg(&hidden)
        .status();
    assert!(encoded.unwrap().success());
    fs::rename(hidden, films.join("Film.avi")).unwrap();

    let mut house = House::start(folder.path());
    let first = wait("the first piece", || {
        let piece = renditions(folder.path())?.join("work/piece-0");
        made(&piece).map(|_| piece)
    });
    house.0.kill().unwrap();
    house.0.wait().unwrap();
    drop(house);
    let before = made(&first).expect("what was done is there after the kill");

    let _house = House::start(folder.path());
    // Until the pieces are put together, the first one is the one that was there.
    wait("the next piece", || {
        if let Some(now) = made(&first) {
            assert_eq!(now, before, "the first piece was made again");
        }
        let work = first.parent().unwrap();
        (work.join("piece-2").exists() || !work.exists()).then_some(())
    });
    let whole = renditions(folder.path()).unwrap();
    wait("the rendition", || whole.join("0.index").exists().then_some(()));
    let frames = Command::new("ffprobe")
        .args(["-v", "error", "-count_packets", "-select_streams", "v", "-of", "csv=p=0"])
        .args(["-show_entries", "stream=nb_read_packets"])
        .arg(whole.join("0.mp4"))
        .output()
        .unwrap();
    assert_eq!(String::from_utf8(frames.stdout).unwrap().trim(), "4750");
}
