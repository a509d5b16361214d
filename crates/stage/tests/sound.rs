//! What a game plays, as its players would hear it.

mod game;

use std::f64::consts::TAU;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use game::{PATIENCE, sdl, shell, until};
use playhouse_media::time::Timestamp;
use playhouse_stage::sandbox::{self, Config, GameProcess};
use playhouse_stage::sound::{BLOCK_SAMPLES, RATE, Sound};

type Block = (Vec<i16>, Timestamp);

fn listen(folder: &Path) -> (Sound, Receiver<Block>) {
    // More than any test hears.
    let (heard, blocks) = sync_channel(10_000);
    let sink = Box::new(move |samples: &[i16], at| drop(heard.try_send((samples.to_vec(), at))));
    (Sound::start(folder, sink).expect("it starts"), blocks)
}

fn play(game: &playhouse_play::control::GameSpec, sound: &Sound) -> GameProcess {
    sandbox::start(Config { game, grants: vec![sound.grant()], time: None, groups: true }).expect("it starts")
}

/// Waits for a tenth of a second of a clean tone: a busy machine may leave gaps before and after it.
fn hear(blocks: &Receiver<Block>, hertz: f64, words: impl Fn() -> String) {
    let deadline = Instant::now() + PATIENCE;
    let mut heard = Vec::new();
    let mut best: f64 = 0.0;
    while best < 0.9 {
        assert!(Instant::now() < deadline, "{hertz} Hz have only {best} of what was heard; {}", words());
        let (samples, _) = blocks.recv_timeout(PATIENCE).expect("blocks never stop");
        if samples.iter().all(|sample| *sample == 0) {
            heard.clear();
        }
        heard.extend(samples.iter().step_by(2).map(|sample| f64::from(*sample)));
        if heard.len() >= RATE as usize / 10 {
            best = best.max(share(&heard, hertz));
            heard.clear();
        }
    }
}

/// The share of the energy that a tone of `hertz` has.
fn share(samples: &[f64], hertz: f64) -> f64 {
    let (mut real, mut imaginary) = (0.0, 0.0);
    for (at, sample) in samples.iter().enumerate() {
        let angle = TAU * hertz * at as f64 / f64::from(RATE);
        real += sample * angle.cos();
        imaginary += sample * angle.sin();
    }
    let energy: f64 = samples.iter().map(|sample| sample * sample).sum::<f64>().max(1.0);
    2.0 * (real * real + imaginary * imaginary) / (samples.len() as f64 * energy)
}

#[test]
fn a_game_in_its_sandbox_is_heard() {
    let dir = tempfile::tempdir().unwrap();
    let (sound, blocks) = listen(dir.path());
    let cases = [("pulseaudio", 440.0, 48_000), ("pulseaudio", 1000.0, 44_100), ("alsa", 500.0, 22_050)];
    for (driver, hertz, rate) in cases {
        let mut tone = sdl(dir.path(), "tone", &[&hertz.to_string(), &rate.to_string(), "20000"]);
        tone.env.insert("SDL_AUDIODRIVER".to_owned(), driver.to_owned());
        let process = play(&tone, &sound);
        hear(&blocks, hertz, || process.last_words());
        let words = process.last_words();
        assert!(words.ends_with(&format!("driver {driver}")), "{words}");
    }
}

#[test]
fn silence_keeps_the_time() {
    let dir = tempfile::tempdir().unwrap();
    let (_sound, blocks) = listen(dir.path());
    let (_, mut before) = blocks.recv_timeout(PATIENCE).unwrap();
    for _ in 0..20 {
        let (samples, at) = blocks.recv_timeout(PATIENCE).unwrap();
        assert!(samples.len() == BLOCK_SAMPLES && samples.iter().all(|sample| *sample == 0));
        // A loaded machine may leave blocks out; it never repeats or shifts them.
        assert!(at.since(before) >= Duration::from_millis(10));
        before = at;
    }
}

#[test]
fn a_client_that_breaks_the_protocol_disturbs_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let (sound, blocks) = listen(dir.path());
    let socket = dir.path().join("sound/native");
    let process = play(&sdl(dir.path(), "tone", &["440", "48000", "20000"]), &sound);
    // Too long a packet; a command before the greeting; a greeting cut short; nothing but noise.
    let command = |words: &[u8]| {
        [&u32::try_from(words.len()).unwrap().to_be_bytes()[..], &[0xff; 4], &[0; 12], words].concat()
    };
    for bad in [vec![0xff; 20], command(b"L\0\0\0\x14L\0\0\0\x01"), command(b"L\0\0\0\x08L\0"), vec![7; 4096]]
    {
        let mut client = UnixStream::connect(&socket).unwrap();
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        client.write_all(&bad).unwrap();
        let mut answer = Vec::new();
        // Closed, or reset where it had not read all.
        client.read_to_end(&mut answer).ok();
        assert!(answer.is_empty());
    }
    let silent = UnixStream::connect(&socket).unwrap();
    hear(&blocks, 440.0, || process.last_words());
    drop(silent);
}

#[test]
fn nothing_is_left_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let (sound, blocks) = listen(dir.path());
    let process = play(&shell(dir.path(), "sleep 86393"), &sound);
    drop(sound);
    until("the sink is dropped", || blocks.try_recv() == Err(std::sync::mpsc::TryRecvError::Disconnected));
    assert!(!fs::exists(dir.path().join("sound/native")).unwrap());
    drop(process);
}
