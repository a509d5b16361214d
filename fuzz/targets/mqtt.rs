//! Any bytes, however they are cut, are a connection of MQTT or the end of one; whatever a client may do, the broker's books
//! balance.
#![no_main]

use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use playhouse_broker::codec::{Incoming, Version, connect, decode, encode, frame};
use playhouse_broker::engine::{Aliases, Engine, Left, Next, Offered};
use playhouse_broker::{Identity, Limits, certificate};

const LIMIT: usize = 16 * 1024;
/// Clients that the bytes are of, in turns.
const CLIENTS: usize = 3;

fuzz_target!(|data: &[u8]| {
    drop(certificate::read(data));
    let limits = Limits { packet: LIMIT, queued_messages: 8, queued_bytes: 4_000, ..Limits::default() };
    let mut engine = Engine::new(limits, 1);
    let mut now = Instant::now();
    let mut clients: [Option<(u64, Version, Aliases)>; CLIENTS] = [None, None, None];
    let mut at = 0;
    let mut turn = 0;
    // Between packets there is a byte that says whose the next one is, and what else happens.
    while let Some((&control, rest)) = data.get(at..).and_then(<[u8]>::split_first) {
        at += 1;
        turn += usize::from(control & 3);
        now += Duration::from_secs(u64::from(control >> 4));
        engine.tick(now);
        let client = &mut clients[turn % CLIENTS];
        if control & 4 != 0
            && let Some((id, ..)) = client.take()
        {
            engine.closed(id, Left::Lost, now);
        }
        let Ok(Some(frame)) = frame(rest, LIMIT) else { continue };
        match client {
            None => {
                let Ok(packet) = connect(rest, frame) else { continue };
                let version = packet.version;
                let identity = Identity::new(if control & 8 == 0 { "a" } else { "b" });
                if let Ok(id) = engine.connect(&identity, packet, None, now) {
                    *client = Some((id, version, Aliases::default()));
                }
            }
            Some((id, version, aliases)) => match decode(rest, frame, *version) {
                Ok(Incoming::Publish(mut packet)) => {
                    if let Err(reason) = aliases.resolve(&mut packet, 4) {
                        engine.refuse(*id, reason, "an alias", now);
                    } else if let Offered::For(inboxes, accepted) =
                        engine.offer(*id, packet, control & 8 == 0, now)
                    {
                        engine.accept(&accepted, !inboxes.is_empty());
                    }
                }
                Ok(Incoming::Subscribe(packet)) => {
                    let allowed = vec![true; packet.filters.len()];
                    engine.subscribe(*id, &packet, &allowed, now);
                }
                Ok(packet) => engine.receive(*id, packet, now),
                Err(error) => engine.refuse(*id, error.reason(), error.why(), now),
            },
        }
        at += frame.end;
        for client in &mut clients {
            let Some((id, version, _)) = client else { continue };
            let mut out = Vec::new();
            loop {
                match engine.next(*id, now) {
                    Next::Packet(packet) => encode(&packet, *version, &mut out),
                    Next::Idle => break,
                    Next::Close => {
                        engine.closed(*id, Left::Lost, now);
                        *client = None;
                        break;
                    }
                }
            }
        }
    }
    for (id, ..) in clients.into_iter().flatten() {
        engine.closed(id, Left::Lost, now);
    }
    assert_eq!(engine.present().count(), 0, "nobody is there any more");
    for identity in ["a", "b"] {
        engine.dismiss(&Identity::new(identity), now);
    }
    assert!(engine.is_empty(), "nothing is left of sessions that ended");
});
