//! Measures the broker beside mosquitto, in turns, on this machine.
//!
//! `cargo run --release -p playhouse-broker --example measure -- [BROKER [MOSQUITTO]]` starts both programs (by default the
//! example `broker` beside this one, and `mosquitto` from `/usr/sbin`; without mosquitto ours alone) and prints JSON: the round trip of 508 bytes with QoS 0 through
//! one client, memory of each idle TLS connection at 2,000 of them, how long these take to connect, first and again, and
//! messages in a second that are taken from eight clients.

mod clients;
mod peers;

use std::io::Write as _;
use std::time::{Duration, Instant};

use clients::{Client, Security};
use peers::Peer;

/// Round trips in one turn, and turns: the two brokers alternate, so that both see the same machine.
const TRIPS: usize = 1_000;
const TURNS: usize = 5;
/// Idle connections by TLS.
const IDLE: usize = 2_000;
/// Handshakes at once: all of a fleet's, as far as the backlog of a listener goes.
const AT_ONCE: usize = 256;
/// Messages of each of the publishers of a fan-in.
const FAN_IN: usize = 20_000;
const PUBLISHERS: usize = 8;
/// What the peers' known figure is of.
const PAYLOAD: usize = 508;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let beside = std::env::current_exe()?.with_file_name("broker");
    let ours = arguments.next().map_or(beside, Into::into);
    let theirs = arguments.next().unwrap_or_else(|| "/usr/sbin/mosquitto".to_owned());
    let folder = std::env::temp_dir().join(format!("playhouse-broker-{}", std::process::id()));
    let mut peers = vec![Peer::ours(&ours, &folder)?];
    if std::path::Path::new(&theirs).exists() {
        peers.push(Peer::mosquitto(&theirs, &folder)?);
    }
    let mut trips: Vec<Vec<Duration>> = vec![Vec::new(); peers.len()];
    for _ in 0..TURNS {
        for (peer, trips) in peers.iter().zip(&mut trips) {
            trips.extend(round_trips(peer).await.map_err(|error| format!("{}, trips: {error}", peer.name))?);
        }
    }
    let mut results = Vec::new();
    for (peer, trips) in peers.iter().zip(&mut trips) {
        trips.sort_unstable();
        let micros = |part: usize| trips[(trips.len() * part / 100).min(trips.len() - 1)].as_micros();
        let (bytes, storm, resumed) =
            idle(peer, &folder).await.map_err(|error| format!("{}, idle: {error}", peer.name))?;
        let mut rates = Vec::new();
        for qos in [0, 1] {
            let (rate, arrived) =
                fan_in(peer, qos).await.map_err(|error| format!("{}, fan-in: {error}", peer.name))?;
            rates.push(format!("\"qos{qos}\":{{\"taken_per_s\":{rate:.0},\"arrived\":{arrived:.3}}}"));
        }
        results.push(format!(
            "\"{}\":{{\"round_trip_us\":{{\"p50\":{},\"p99\":{}}},\"idle_tls_connections\":{IDLE},\"rss_per_connection_bytes\":{bytes},\"connect_s\":{storm:.2},\"reconnect_s\":{resumed:.2},\"fan_in\":{{{}}}}}",
            peer.name, micros(50), micros(99), rates.join(",")
        ));
    }
    std::fs::remove_dir_all(&folder)?;
    writeln!(std::io::stdout(), "{{{}}}", results.join(","))?;
    Ok(())
}

async fn round_trips(peer: &Peer) -> Result<Vec<Duration>, Failure> {
    let mut client = Client::connect(peer.plain, &Security::None, "trip").await?;
    client.subscribe("trip", 0).await?;
    let payload = [7; PAYLOAD];
    let mut trips = Vec::with_capacity(TRIPS);
    for _ in 0..TRIPS {
        let begun = Instant::now();
        client.publish("trip", &payload, 0, 0).await?;
        client.message().await?;
        trips.push(begun.elapsed());
    }
    Ok(trips)
}

/// Memory for each connection in bytes, and the seconds in which all connected at first and again.
async fn idle(peer: &Peer, folder: &std::path::Path) -> Result<(u64, f64, f64), Failure> {
    let security = Security::certificate(folder, "sensor-1")?;
    // What the broker needs once is not counted.
    drop(crowd(peer, &security, 50).await?);
    let before = peer.resident()?;
    let begun = Instant::now();
    let clients = crowd(peer, &security, IDLE).await?;
    let storm = begun.elapsed().as_secs_f64();
    let bytes = peer.resident()?.saturating_sub(before) / IDLE as u64;
    drop(clients);
    let begun = Instant::now();
    let clients = crowd(peer, &security, IDLE).await?;
    let resumed = begun.elapsed().as_secs_f64();
    drop(clients);
    Ok((bytes, storm, resumed))
}

async fn crowd(peer: &Peer, security: &Security, count: usize) -> Result<Vec<Client>, Failure> {
    let mut tasks = tokio::task::JoinSet::new();
    let turns = std::sync::Arc::new(tokio::sync::Semaphore::new(AT_ONCE));
    for n in 0..count {
        let (port, security, turns) = (peer.tls, security.clone(), std::sync::Arc::clone(&turns));
        tasks.spawn(async move {
            let _turn = turns.acquire().await?;
            let mut client = Client::connect(port, &security, &format!("idle-{n}")).await?;
            client.subscribe(&format!("sense/sensor-1/{n}"), 1).await?;
            Ok::<Client, Failure>(client)
        });
    }
    let mut clients = Vec::with_capacity(count);
    while let Some(client) = tasks.join_next().await {
        clients.push(client??);
    }
    Ok(clients)
}

/// Messages in a second that a broker takes from all publishers (with QoS 1 each is acknowledged), while a reader subscribes to
/// them with QoS 0; and the part of them that reached the reader.
async fn fan_in(peer: &Peer, qos: u8) -> Result<(f64, f64), Failure> {
    let mut reader = Client::connect(peer.plain, &Security::None, "reader").await?;
    reader.subscribe("in/#", 0).await?;
    let mut tasks = tokio::task::JoinSet::new();
    let begun = Instant::now();
    for n in 0..PUBLISHERS {
        let port = peer.plain;
        tasks.spawn(async move {
            let mut client = Client::connect(port, &Security::None, &format!("writer-{n}")).await?;
            client.flood(&format!("in/{n}"), &[7; PAYLOAD], qos, FAN_IN).await
        });
    }
    // The reader has a task of its own, and ends once nothing comes for a while.
    let reading = tokio::spawn(async move {
        let mut came = 0_usize;
        while let Ok(message) = tokio::time::timeout(Duration::from_secs(2), reader.message()).await {
            message?;
            came += 1;
        }
        Ok::<usize, Failure>(came)
    });
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    let all = (PUBLISHERS * FAN_IN) as f64;
    let rate = all / begun.elapsed().as_secs_f64();
    Ok((rate, reading.await?? as f64 / all))
}
