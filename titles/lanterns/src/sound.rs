//! Its way to the sound server: a thread that always has the next samples ready.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use lanterns::notes::Notes;
use lanterns::sky::Event;
use probe::sound::{RATE, SAMPLE, Stream, has_server};

/// Samples that are made at a time: 10 ms.
const BLOCK: u32 = RATE / 100;
/// Samples that the server holds: 60 ms, for a machine that does other work.
const BUFFER: u32 = RATE * 60 / 1000;
/// Events that wait: more than happen in a block.
const WAITING: usize = 16;

/// Where events are told of to be heard.
pub(crate) struct Sound(Option<SyncSender<Event>>);

impl Sound {
    /// Plays on the sound server that the environment names; silent where there is none.
    pub(crate) fn start() -> io::Result<Self> {
        if !has_server() {
            eprintln!("lanterns: there is no sound server; it will be silent");
            return Ok(Self(None));
        }
        let (sender, receiver) = sync_channel(WAITING);
        thread::Builder::new().name("sound".to_owned()).spawn(move || play(&receiver))?;
        Ok(Self(Some(sender)))
    }

    /// This happened.
    pub(crate) fn tell(&self, event: Event) {
        if let Some(sender) = &self.0 {
            // Full: more happens than can be heard. Closed: the server went away, which was said.
            sender.try_send(event).ok();
        }
    }
}

fn play(receiver: &Receiver<Event>) {
    let mut stream = match Stream::open("lanterns", "music", BUFFER) {
        Ok(stream) => stream,
        Err(error) => {
            eprintln!("lanterns: the sound server cannot be used ({error}); it will be silent");
            return;
        }
    };
    let mut notes = Notes::default();
    let mut block = vec![0; (BLOCK * SAMPLE) as usize];
    loop {
        for event in receiver.try_iter() {
            notes.add(&event);
        }
        notes.fill(&mut block);
        if let Err(error) = stream.write(&block) {
            eprintln!("lanterns: the sound server went away ({error}); it is silent now");
            return;
        }
    }
}
