//! Any bytes of a publisher become events or an error with a sentence, in bounded memory.
#![no_main]

use libfuzzer_sys::fuzz_target;
use playhouse_media::rtmp::{Event, Server};

fuzz_target!(|data: &[u8]| {
    let mut server = Server::default();
    // The handshake is of no interest: what follows it is the data.
    server.receive(&[3; 1 + 2 * 1536]).expect("a handshake");
    for part in data.chunks(1460) {
        server.receive(part).expect("nothing but a handshake is refused at once");
        loop {
            match server.poll() {
                Ok(Some(Event::Publish(_))) => server.accept(),
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(error) => {
                    assert!(error.to_string().len() > 20);
                    return;
                }
            }
        }
        // An answer is never much larger than what it answers.
        assert!(server.output().len() < 1 << 20);
    }
});
