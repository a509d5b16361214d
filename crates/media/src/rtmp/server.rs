//! The server's side of a connection, from the handshake to the last tag.

use super::Error;
use super::amf::{self, Value};
use super::chunk::{self, MOST_BYTES, Message, Reader, SEND_SIZE};
use super::command::{self, Command, object, result, status, text};

/// The application that streams are published to.
const APPLICATION: &str = "live";

/// The longest message before the key was looked at: commands have some hundred bytes.
const MOST_BEFORE: usize = 64 << 10;

/// After how many bytes either side wants to hear that they came.
const WINDOW: u32 = 2_500_000;

/// Bytes of the handshake's parts behind the version (section 5.2).
const HANDSHAKE: usize = 1536;

/// Codecs of the enhanced kind that are taken.
const FOUR_CCS: [&str; 5] = ["avc1", "hvc1", "av01", "mp4a", "Opus"];

/// The message stream that publishers are given.
const STREAM: u32 = 1;

/// Something that a publisher did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// It wants to publish by this key; answer with [`Server::accept`] or [`Server::refuse`].
    Publish(String),
    /// It says which tracks it has.
    Tracks {
        /// Whether there are pictures.
        video: bool,
        /// Whether there is sound.
        audio: bool,
    },
    /// The body of an FLV tag of pictures.
    Video {
        /// Milliseconds; wraps.
        timestamp: u32,
        /// The body.
        data: Vec<u8>,
    },
    /// The body of an FLV tag of sound.
    Audio {
        /// Milliseconds; wraps.
        timestamp: u32,
        /// The body.
        data: Vec<u8>,
    },
    /// It has stopped publishing.
    Ended,
}

/// A connection.
#[derive(Debug)]
pub struct Server {
    state: State,
    reader: Reader,
    output: Vec<u8>,
    application: String,
    received: u32,
    acknowledged: u32,
    /// After how many bytes the publisher wants to hear that they came.
    window: u32,
}

#[derive(Debug)]
enum State {
    /// What has come of version and first part.
    Hello(Vec<u8>),
    /// How much is missing of the last part.
    Echo(usize),
    /// Messages; whether the key was found right.
    Messages { accepted: bool },
}

impl Default for Server {
    fn default() -> Self {
        Self {
            state: State::Hello(Vec::new()),
            reader: Reader::new(MOST_BEFORE),
            output: Vec::new(),
            application: String::new(),
            received: 0,
            acknowledged: 0,
            window: WINDOW,
        }
    }
}

impl Server {
    /// Takes bytes as they come.
    ///
    /// # Errors
    /// When it is no RTMP.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.received = self.received.wrapping_add(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        let mut bytes = bytes;
        if let State::Hello(hello) = &mut self.state {
            let (taken, rest) = bytes.split_at(bytes.len().min(1 + HANDSHAKE - hello.len()));
            hello.extend_from_slice(taken);
            bytes = rest;
            if hello.first().is_some_and(|&version| version != 3) {
                return Err(Error::Version);
            }
            if hello.len() <= HANDSHAKE {
                return Ok(());
            }
            // Our own part, of zeros: neither time nor randomness of it are ever looked at. Then the publisher's.
            self.output.push(3);
            self.output.resize(1 + HANDSHAKE, 0);
            self.output.extend_from_slice(&hello[1..]);
            self.state = State::Echo(HANDSHAKE);
        }
        if let State::Echo(missing) = &mut self.state {
            let (taken, rest) = bytes.split_at(bytes.len().min(*missing));
            *missing -= taken.len();
            bytes = rest;
            if *missing > 0 {
                return Ok(());
            }
            self.state = State::Messages { accepted: false };
        }
        self.reader.receive(bytes);
        if self.received.wrapping_sub(self.acknowledged) >= self.window {
            self.acknowledged = self.received;
            self.control(command::ACKNOWLEDGEMENT, &self.received.to_be_bytes());
        }
        Ok(())
    }

    /// What the publisher did next; none before more is received.
    ///
    /// # Errors
    /// When the connection cannot go on. What [`output`](Self::output) then holds is still worth sending.
    pub fn poll(&mut self) -> Result<Option<Event>, Error> {
        while let Some(message) = self.reader.poll()? {
            if let Some(event) = self.handle(message)? {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    /// What has to be sent to the publisher; it is given once.
    pub fn output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    /// The publisher may go on.
    pub fn accept(&mut self) {
        self.state = State::Messages { accepted: true };
        self.reader.set_most(MOST_BYTES);
        self.status("status", "NetStream.Publish.Start", "Published.");
    }

    /// The publisher may not go on, for a reason that its program may show.
    pub fn refuse(&mut self, reason: &str) {
        self.status("error", "NetStream.Publish.BadName", reason);
    }

    fn accepted(&self) -> bool {
        matches!(self.state, State::Messages { accepted: true })
    }

    fn handle(&mut self, message: Message) -> Result<Option<Event>, Error> {
        let timestamp = message.timestamp;
        match message.kind {
            command::SET_CHUNK_SIZE => self.reader.set_size(number(&message)?)?,
            command::ABORT => self.reader.abort(number(&message)?),
            // A publisher that wants to hear of every byte is not taken at its word.
            command::WINDOW_SIZE => self.window = number(&message)?.clamp(4096, WINDOW),
            command::USER_CONTROL => {
                // A ping is answered by what it said.
                if let Some(rest) = message.data.strip_prefix(&[0, 6]) {
                    let answer = [&[0, 7], rest.get(..4).unwrap_or_default()].concat();
                    self.control(command::USER_CONTROL, &answer);
                }
            }
            command::AUDIO if self.accepted() => {
                return Ok(Some(Event::Audio { timestamp, data: message.data }));
            }
            command::VIDEO if self.accepted() => {
                return Ok(Some(Event::Video { timestamp, data: message.data }));
            }
            command::DATA | command::DATA_AMF3 if self.accepted() => {
                return Ok(command::tracks(&message).map(|(video, audio)| Event::Tracks { video, audio }));
            }
            command::COMMAND | command::COMMAND_AMF3 => {
                let command = Command::parse(&message).ok_or(Error::Broken("command"))?;
                return self.command(&command);
            }
            _ => {}
        }
        Ok(None)
    }

    fn command(&mut self, command: &Command) -> Result<Option<Event>, Error> {
        match command.name.as_str() {
            "connect" => self.connect(command)?,
            "createStream" => {
                let answer = result(command.number, &[Value::Null, Value::Number(STREAM.into())]);
                self.send(0, answer);
            }
            "publish" => {
                let name = command.text(1).ok_or(Error::Broken("wish to publish, which names no stream"))?;
                return Ok((!self.accepted()).then(|| Event::Publish(command::key(&self.application, name))));
            }
            "play" => {
                self.status("error", "NetStream.Play.StreamNotFound", &Error::Play.to_string());
                return Err(Error::Play);
            }
            "FCUnpublish" | "deleteStream" | "closeStream" if self.accepted() => {
                return Ok(Some(Event::Ended));
            }
            "FCPublish" => {
                let begun = status("status", "NetStream.Publish.Start", "Ready.");
                self.send(0, amf::write(&[text("onFCPublish"), Value::Number(0.0), Value::Null, begun]));
            }
            "releaseStream" | "_checkbw" | "getStreamLength" => {
                self.send(0, result(command.number, &[Value::Null, Value::Null]));
            }
            _ => {}
        }
        Ok(None)
    }

    fn connect(&mut self, command: &Command) -> Result<(), Error> {
        let application =
            command.arguments.first().and_then(|about| about.get("app")?.text()).unwrap_or_default();
        let name = application.split('?').next().unwrap_or_default().trim_matches('/');
        if name != APPLICATION {
            let error = Error::Application(name.chars().take(80).collect());
            let about = status("error", "NetConnection.Connect.InvalidApp", &error.to_string());
            self.send(0, amf::write(&[text("_error"), Value::Number(command.number), Value::Null, about]));
            return Err(error);
        }
        application.clone_into(&mut self.application);
        self.control(command::WINDOW_SIZE, &WINDOW.to_be_bytes());
        // Dynamic: the last kind of limit that was asked for stays.
        self.control(command::PEER_BANDWIDTH, &[&WINDOW.to_be_bytes()[..], &[2]].concat());
        let size = u32::try_from(SEND_SIZE).unwrap_or(u32::MAX);
        self.control(command::SET_CHUNK_SIZE, &size.to_be_bytes());
        let about = object([("fmsVer", text("FMS/3,0,1,123")), ("capabilities", Value::Number(31.0))]);
        let state = object([
            ("level", text("status")),
            ("code", text("NetConnection.Connect.Success")),
            ("description", text("Connected.")),
            ("objectEncoding", Value::Number(0.0)),
            ("fourCcList", Value::Array(FOUR_CCS.map(text).to_vec())),
        ]);
        self.send(0, result(command.number, &[about, state]));
        Ok(())
    }

    fn status(&mut self, level: &str, code: &str, description: &str) {
        let state = status(level, code, description);
        self.send(STREAM, amf::write(&[text("onStatus"), Value::Number(0.0), Value::Null, state]));
    }

    /// Sends a command.
    fn send(&mut self, stream: u32, data: Vec<u8>) {
        chunk::write(&mut self.output, 3, &Message { kind: command::COMMAND, stream, timestamp: 0, data });
    }

    /// Sends a control message, which goes by a chunk stream of its own.
    fn control(&mut self, kind: u8, data: &[u8]) {
        chunk::write(&mut self.output, 2, &Message { kind, stream: 0, timestamp: 0, data: data.to_vec() });
    }
}

fn number(message: &Message) -> Result<u32, Error> {
    let number = message.data.first_chunk().ok_or(Error::Broken("control message"))?;
    Ok(u32::from_be_bytes(*number))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn command(values: &[Value]) -> Vec<u8> {
        let mut out = Vec::new();
        let message = Message { kind: command::COMMAND, stream: 0, timestamp: 0, data: amf::write(values) };
        chunk::write(&mut out, 3, &message);
        out
    }

    fn connected(application: &str) -> (Server, Result<Option<Event>, Error>) {
        let mut server = Server::default();
        server.receive(&[3; 1 + HANDSHAKE]).unwrap();
        assert_eq!(server.output().len(), 1 + 2 * HANDSHAKE);
        let mut size = Vec::new();
        let data = u32::try_from(SEND_SIZE).unwrap().to_be_bytes().to_vec();
        chunk::write(&mut size, 2, &Message { kind: command::SET_CHUNK_SIZE, stream: 0, timestamp: 0, data });
        let about = object([("app", text(application))]);
        let connect = command(&[text("connect"), Value::Number(1.0), about]);
        server.receive(&[&[0; HANDSHAKE][..], &size, &connect].concat()).unwrap();
        let answer = server.poll();
        (server, answer)
    }

    fn said(server: &mut Server) -> String {
        String::from_utf8_lossy(&server.output()).into_owned()
    }

    #[test]
    fn a_publisher_is_asked_for_its_key_and_told_what_became_of_it() {
        let (mut server, answer) = connected("live");
        assert_eq!(answer, Ok(None));
        let answer = said(&mut server);
        assert!(answer.contains("NetConnection.Connect.Success") && answer.contains("hvc1"), "{answer}");
        let publish = [text("publish"), Value::Number(5.0), Value::Null, text("secret"), text("live")];
        server.receive(&command(&publish)).unwrap();
        assert_eq!(server.poll(), Ok(Some(Event::Publish("secret".to_owned()))));
        server.refuse("No such key.");
        let answer = said(&mut server);
        assert!(answer.contains("NetStream.Publish.BadName") && answer.contains("No such key."), "{answer}");
    }

    #[test]
    fn nothing_is_taken_before_the_key() {
        let (mut server, _) = connected("live/");
        let mut tag = Vec::new();
        chunk::write(
            &mut tag,
            6,
            &Message { kind: command::VIDEO, stream: 1, timestamp: 0, data: vec![0x17] },
        );
        server.receive(&tag).unwrap();
        assert_eq!(server.poll(), Ok(None));
        server.accept();
        server.receive(&tag).unwrap();
        assert_eq!(server.poll(), Ok(Some(Event::Video { timestamp: 0, data: vec![0x17] })));
    }

    #[test]
    fn another_application_and_another_protocol_are_refused() {
        let (mut server, answer) = connected("vod");
        assert_eq!(answer, Err(Error::Application("vod".to_owned())));
        assert!(said(&mut server).contains("NetConnection.Connect.InvalidApp"));
        assert_eq!(Server::default().receive(b"GET / HTTP/1.1"), Err(Error::Version));
    }

    proptest! {
        #[test]
        fn rubbish_is_survived(data in prop::collection::vec(any::<u8>(), 0..2_000)) {
            let (mut server, _) = connected("live");
            server.accept();
            server.receive(&data).unwrap();
            while let Ok(Some(_)) = server.poll() {}
        }
    }
}
