//! How much of a core a live stream's viewers take: one process sends, another one watches.
//!
//! `cargo run --release -p playhouse-net --example fanout -- picture.h264 RATE PORT` repeats an Annex B file of one
//! slice a picture at RATE pictures a second, takes offers at `http://127.0.0.1:PORT/`, and prints what it used each
//! five seconds, one JSON object a line.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "an example prints, and ends where it cannot go on"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use playhouse_media::annexb;
use playhouse_net::live::{Handle, Stream, start};
use playhouse_net::{Config, MAX_LIVE_PEERS, now};

const REPORT: Duration = Duration::from_secs(5);

fn main() {
    let mut arguments = std::env::args().skip(1);
    let file = std::fs::read(arguments.next().expect("an Annex B file")).unwrap();
    let rate: u32 = arguments.next().expect("pictures a second").parse().unwrap();
    let port: u16 = arguments.next().expect("a port").parse().unwrap();
    let config = Config { peers: MAX_LIVE_PEERS, ..Config::default() };
    let net = start("live", config, Box::new(|_| ())).unwrap();
    let (stream, handle) = (Stream::new("one"), net.handle());
    let offers = (Arc::clone(&stream), net.handle());
    std::thread::Builder::new().name("http".into()).spawn(move || serve(port, &offers.0, &offers.1)).unwrap();
    let units = units(&file);
    let (mut due, mut index, mut reported) = (Instant::now(), 0, (Instant::now(), used().0));
    loop {
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        due += Duration::from_secs(1) / rate;
        let (unit, keyframe) = &units[index % units.len()];
        stream.picture(annexb::nals(unit), now(), *keyframe);
        handle.advance(&stream);
        index += 1;
        if reported.0.elapsed() > REPORT {
            let (cpu, resident) = used();
            let cores = (cpu - reported.1) / reported.0.elapsed().as_secs_f64();
            let viewers = handle.peers();
            println!("{{\"viewers\":{viewers},\"cores\":{cores:.4},\"rss_bytes\":{resident}}}");
            reported = (Instant::now(), cpu);
        }
    }
}

/// Access units, and whether each is a keyframe.
fn units(file: &[u8]) -> Vec<(Vec<u8>, bool)> {
    let mut units = vec![(Vec::new(), false)];
    for nal in annexb::nals(file) {
        let slice = matches!(annexb::kind(nal), 1 | annexb::IDR);
        let unit = units.last_mut().unwrap();
        unit.0.extend([0, 0, 0, 1]);
        unit.0.extend_from_slice(nal);
        unit.1 |= annexb::kind(nal) == annexb::IDR;
        if slice {
            units.push((Vec::new(), false));
        }
    }
    units.pop();
    units
}

/// Seconds of processor and resident bytes of this process so far.
fn used() -> (f64, u64) {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<u64> =
        stat.rsplit_once(')').unwrap().1.split_whitespace().map(|f| f.parse().unwrap_or(0)).collect();
    ((fields[11] + fields[12]) as f64 / 100.0, fields[21] * 4096)
}

fn serve(port: u16, stream: &Arc<Stream>, handle: &Handle) {
    for (number, connection) in TcpListener::bind(("127.0.0.1", port)).unwrap().incoming().enumerate() {
        let mut reader = BufReader::new(connection.unwrap());
        let mut length = 0;
        let mut line = String::new();
        while reader.read_line(&mut line).unwrap() > 2 {
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            line.clear();
        }
        let mut offer = vec![0; length];
        reader.read_exact(&mut offer).unwrap();
        let answer = handle.watch(&number.to_string(), &String::from_utf8(offer).unwrap(), stream).unwrap();
        let head = format!(
            "HTTP/1.1 201 Created\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\
            Location: /{number}\r\nConnection: close\r\n\r\n",
            answer.len()
        );
        reader.get_mut().write_all(head.as_bytes()).unwrap();
        reader.get_mut().write_all(answer.as_bytes()).unwrap();
    }
}
