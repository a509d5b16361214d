//! Any bytes, however they are cut, are a handshake of RTMP or none; nothing else is answered before it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use playhouse_media::rtmp::Server;

fuzz_target!(|data: &[u8]| {
    let Some((&step, data)) = data.split_first() else { return };
    let mut server = Server::default();
    let mut answered = 0;
    for part in data.chunks(usize::from(step).max(1) * 16) {
        if let Err(error) = server.receive(part) {
            assert!(error.to_string().len() > 20);
            return;
        }
        while let Ok(Some(_)) = server.poll() {}
        answered += server.output().len();
        // Version, time and echo: an answer is never larger than that while nobody has shaken hands.
        assert!(data.len() > 1 + 2 * 1536 || answered <= 1 + 2 * 1536);
    }
});
