//! A test picture and a tone for one browser, by the shortest way there is: a page, WHEP, and [`playhouse_net`].
//!
//! `cargo run --release -p playhouse-net --example whep -- picture.h264 [port]`, where the file comes from
//! `ffmpeg -f lavfi -i testsrc2=size=1280x720:rate=60 -t 10 -c:v libx264 -preset ultrafast -tune zerolatency
//! -profile:v baseline -pix_fmt yuv420p -x264-params repeat-headers=1:slices=1:sliced-threads=0 picture.h264`.
//! The page reports the browser's statistics, which are printed, one JSON object a second.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "an example prints, and ends where it cannot go on"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use playhouse_media::frame::{Size, Timeline};
use playhouse_media::sample::{AccessUnit, AudioPacket};
use playhouse_net::{Channel, Config, Handle, PeerEvent, now, start};

const RATE: u32 = 60;

/// Longest body that is read: an offer or a report.
const MAX_BODY: usize = 1 << 16;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().expect("the first argument is an Annex B file");
    let port = arguments.next().map_or(8000, |port| port.parse().expect("the second argument is a port"));
    let units = access_units(&std::fs::read(file).unwrap());
    println!("{} access units", units.len());
    let key = Arc::new(AtomicBool::new(false));
    let spread = Arc::new(Mutex::new(Vec::new()));
    let handle_slot: Arc<OnceLock<Handle>> = Arc::default();
    let events = {
        let (key, spread, slot) = (Arc::clone(&key), Arc::clone(&spread), Arc::clone(&handle_slot));
        Box::new(move |event| match event {
            PeerEvent::KeyframeWanted { .. } => key.store(true, Ordering::Relaxed),
            PeerEvent::Data { peer, channel, bytes } => {
                if let Some(handle) = slot.get() {
                    handle.send(&peer, channel, bytes).unwrap();
                }
            }
            PeerEvent::Sent { timeline, keyframe, bytes, .. } => {
                let took = timeline.sent.since(timeline.encoded);
                if keyframe {
                    println!("a keyframe of {bytes} bytes took {took:?} to send");
                }
                spread.lock().unwrap().push(took);
            }
            other => println!("{other:?}"),
        })
    };
    let net = start(Config::default(), events).unwrap();
    handle_slot.set(net.handle()).ok();
    println!("media at {:?}, page at http://127.0.0.1:{port}/", net.addresses());
    let sound = net.handle();
    std::thread::Builder::new().name("sound".into()).spawn(move || tone(&sound)).unwrap();
    let pages = net.handle();
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    std::thread::Builder::new()
        .name("http".into())
        .spawn(move || {
            // One thread each: browsers open connections ahead of time and leave them idle.
            for stream in listener.incoming() {
                let (stream, handle) = (stream.unwrap(), pages.clone());
                let work = move || serve(&stream, &handle);
                std::thread::Builder::new().name("request".into()).spawn(work).unwrap();
            }
        })
        .unwrap();
    picture(&net.handle(), &units, &key, &spread);
}

/// Sends the file over and over, from its keyframe on where one is wanted.
fn picture(handle: &Handle, units: &[Arc<[u8]>], key: &AtomicBool, spread: &Mutex<Vec<Duration>>) {
    let interval = Duration::from_secs(1) / RATE;
    let mut due = Instant::now();
    let mut index = 0;
    for count in 1.. {
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        due += interval;
        if index == units.len() || key.swap(false, Ordering::Relaxed) {
            index = 0;
        }
        let encoded = now();
        let unit = AccessUnit {
            data: Arc::clone(&units[index]),
            keyframe: index == 0,
            pts: encoded,
            size: Size::new(1280, 720),
            timeline: Timeline { commit: encoded, encoded, ..Timeline::default() },
        };
        handle.video(0, Arc::new(unit));
        index += 1;
        if count % (10 * RATE) == 0 {
            let mut taken = std::mem::take(&mut *spread.lock().unwrap());
            taken.sort_unstable();
            if let Some(last) = taken.len().checked_sub(1) {
                let at = |share: usize| taken[last * share / 100];
                println!(
                    "send: p50 {:?} p95 {:?} p99 {:?} max {:?} of {}",
                    at(50),
                    at(95),
                    at(99),
                    taken[last],
                    taken.len()
                );
            }
        }
    }
}

/// Sends a quiet tone in packets of 10 ms.
fn tone(handle: &Handle) {
    let mut encoder =
        opus::Encoder::new(48_000, opus::Channels::Stereo, opus::Application::LowDelay).unwrap();
    let duration = Duration::from_millis(10);
    let mut due = Instant::now();
    let begin = now();
    let mut phase = 0.0_f32;
    for index in 0_u32.. {
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        due += duration;
        let mut samples = Vec::with_capacity(960);
        for _ in 0..480 {
            phase = (phase + 440.0 / 48_000.0).fract();
            #[expect(clippy::cast_possible_truncation, reason = "the product is within ±3000")]
            let sample = ((phase * std::f32::consts::TAU).sin() * 3000.0) as i16;
            samples.extend([sample, -sample]);
        }
        let data = encoder.encode_vec(&samples, 1000).unwrap();
        handle.audio(Arc::new(AudioPacket { data: data.into(), pts: begin + duration * index, duration }));
    }
}

/// Cuts an Annex B stream of one slice a picture into access units.
fn access_units(stream: &[u8]) -> Vec<Arc<[u8]>> {
    let starts: Vec<usize> =
        (0..stream.len().saturating_sub(3)).filter(|at| stream[*at..*at + 3] == [0, 0, 1]).collect();
    let mut units = Vec::new();
    let mut begin = 0;
    for (index, start) in starts.iter().enumerate() {
        let end = starts.get(index + 1).copied().unwrap_or(stream.len());
        if matches!(stream[start + 3] & 0x1f, 1 | 5) {
            units.push(Arc::from(&stream[begin..end]));
            begin = end;
        }
    }
    units
}

fn serve(stream: &TcpStream, handle: &Handle) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut reader = BufReader::new(stream);
    let mut request = String::new();
    reader.read_line(&mut request)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? <= 2 {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0).min(MAX_BODY);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let body = String::from_utf8_lossy(&body);
    let (status, kind, answer) = match request.split(' ').take(2).collect::<Vec<_>>()[..] {
        ["GET", path] if path == "/" || path.starts_with("/?") => {
            ("200 OK", "text/html", include_str!("whep.html").to_owned())
        }
        ["POST", "/whep"] => match handle.accept("browser", &body) {
            Ok(answer) => {
                if std::env::var_os("WHEP_SDP").is_some() {
                    println!("{body}\n---\n{answer}");
                }
                handle.send(&"browser".into(), Channel::Control, "welcome".to_owned()).unwrap();
                ("201 Created", "application/sdp", answer)
            }
            Err(error) => ("406 Not Acceptable", "text/plain", error.to_string()),
        },
        ["POST", "/report"] => {
            println!("{body}");
            ("204 No Content", "text/plain", String::new())
        }
        _ => ("404 Not Found", "text/plain", String::new()),
    };
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{answer}",
        answer.len()
    )
}
