//! The chunk stream: messages cut into chunks, several at once (RTMP, section 5.3).

use std::collections::HashMap;

use super::Error;

/// The longest message that is taken: a keyframe of 4K at any sensible bitrate has less.
pub const MOST_BYTES: usize = 8 << 20;

/// Chunk streams of a connection. Publishers use less than ten.
pub const MOST_STREAMS: usize = 32;

/// Bytes of messages that are not complete yet, on all chunk streams together.
pub const MOST_WAITING: usize = 2 * MOST_BYTES;

/// What a chunk holds before anybody says something else.
const FIRST_SIZE: usize = 128;

/// What a chunk that we send holds.
pub const SEND_SIZE: usize = 4096;

/// In the place of a timestamp: the timestamp follows, in four bytes.
const EXTENDED: u32 = 0xFF_FFFF;

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Message type id.
    pub kind: u8,
    /// Message stream id.
    pub stream: u32,
    /// Milliseconds; wraps.
    pub timestamp: u32,
    /// The payload.
    pub data: Vec<u8>,
}

/// Puts messages together again.
#[derive(Debug)]
pub struct Reader {
    /// What has not been read yet: at most one chunk and what was received at once.
    buffer: Vec<u8>,
    size: usize,
    most: usize,
    streams: HashMap<u32, Stream>,
    waiting: usize,
}

/// What the last chunk of a chunk stream said, which the next one may leave out.
#[derive(Clone, Copy, Debug, Default)]
struct Header {
    timestamp: u32,
    delta: u32,
    /// Whether the timestamp stood behind the header.
    extended: Option<u32>,
    length: usize,
    kind: u8,
    stream: u32,
}

#[derive(Debug, Default)]
struct Stream {
    header: Header,
    /// Of the message that has begun, if one has.
    data: Option<Vec<u8>>,
}

impl Reader {
    /// A reader of a stream's beginning, whose messages have at most `most` bytes.
    pub fn new(most: usize) -> Self {
        Self { buffer: Vec::new(), size: FIRST_SIZE, most, streams: HashMap::new(), waiting: 0 }
    }

    /// Messages may have so many bytes from now on.
    pub fn set_most(&mut self, most: usize) {
        self.most = most.min(MOST_BYTES);
    }

    /// Takes bytes as they come.
    pub fn receive(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The publisher's chunks hold so much from now on.
    ///
    /// # Errors
    /// When that is nothing.
    pub fn set_size(&mut self, size: u32) -> Result<(), Error> {
        self.size = usize::try_from(size & 0x7FFF_FFFF).unwrap_or(usize::MAX);
        if self.size == 0 { Err(Error::Broken("size of its chunks")) } else { Ok(()) }
    }

    /// The publisher gives up the message of a chunk stream.
    pub fn abort(&mut self, id: u32) {
        if let Some(data) = self.streams.get_mut(&id).and_then(|stream| stream.data.take()) {
            self.waiting -= data.len();
        }
    }

    /// The next complete message; none before more is received.
    ///
    /// # Errors
    /// When the chunks make no sense, or a limit is exceeded.
    pub fn poll(&mut self) -> Result<Option<Message>, Error> {
        let mut at = 0;
        let found = loop {
            let Some(rest) = self.buffer.get(at..) else { break None };
            let Some((length, message)) =
                read(rest, self.size, self.most, &mut self.streams, &mut self.waiting)?
            else {
                break None;
            };
            at += length;
            if message.is_some() {
                break message;
            }
        };
        self.buffer.drain(..at);
        Ok(found)
    }
}

/// Reads one chunk: its length, and the message that it completes, if it does. None where it is not all here; then
/// nothing has changed.
fn read(
    bytes: &[u8],
    size: usize,
    most: usize,
    streams: &mut HashMap<u32, Stream>,
    waiting: &mut usize,
) -> Result<Option<(usize, Option<Message>)>, Error> {
    let mut cursor = Cursor(bytes);
    let Some((form, id)) = cursor.basic_header() else { return Ok(None) };
    let there = streams.get(&id);
    if there.is_none() && form != 0 {
        return Err(Error::NoBeginning(id));
    }
    if there.is_none() && streams.len() >= MOST_STREAMS {
        return Err(Error::TooMany);
    }
    let before = there.map(|stream| stream.header).unwrap_or_default();
    let begins = there.is_none_or(|stream| stream.data.is_none());
    let Some(header) = cursor.message_header(form, before, begins) else { return Ok(None) };
    if header.length > most {
        return Err(Error::TooLong(header.length));
    }
    let have = there.and_then(|stream| stream.data.as_ref()).map_or(0, Vec::len);
    if have > header.length {
        return Err(Error::Broken("message, which became shorter midway"));
    }
    let Some(payload) = cursor.take((header.length - have).min(size)) else { return Ok(None) };
    if *waiting + payload.len() > MOST_WAITING {
        return Err(Error::TooMany);
    }
    let stream = streams.entry(id).or_default();
    stream.header = header;
    let data = stream.data.get_or_insert_default();
    data.extend_from_slice(payload);
    *waiting += payload.len();
    let message = if data.len() == header.length {
        *waiting -= data.len();
        let data = stream.data.take().unwrap_or_default();
        Some(Message { kind: header.kind, stream: header.stream, timestamp: header.timestamp, data })
    } else {
        None
    };
    Ok(Some((bytes.len() - cursor.0.len(), message)))
}

struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u32> {
        self.take(1).map(|byte| byte[0].into())
    }

    fn number24(&mut self) -> Option<u32> {
        self.take(3).map(|bytes| bytes.iter().fold(0, |number, &byte| number << 8 | u32::from(byte)))
    }

    fn number32(&mut self) -> Option<u32> {
        self.take(4)?.first_chunk().map(|&bytes| u32::from_be_bytes(bytes))
    }

    /// The form of the header, and the chunk stream (section 5.3.1.1).
    fn basic_header(&mut self) -> Option<(u32, u32)> {
        let first = self.byte()?;
        let id = match first & 0x3F {
            0 => self.byte()? + 64,
            1 => self.byte()? + 64 + (self.byte()? << 8),
            id => id,
        };
        Some((first >> 6, id))
    }

    /// What the chunk says anew, on top of what the one `before` said (section 5.3.1.2).
    fn message_header(&mut self, form: u32, before: Header, begins: bool) -> Option<Header> {
        let mut header = before;
        if form == 3 {
            if let Some(extended) = before.extended {
                // Said once more, but not by all programs.
                let mut ahead = Cursor(self.0);
                if ahead.number32()? == extended {
                    *self = ahead;
                }
            }
            if begins {
                header.timestamp = before.timestamp.wrapping_add(before.delta);
            }
            return Some(header);
        }
        let time = self.number24()?;
        if form < 2 {
            header.length = usize::try_from(self.number24()?).ok()?;
            header.kind = u8::try_from(self.byte()?).ok()?;
        }
        if form == 0 {
            // The only number that begins at its lowest byte.
            header.stream = self.number32()?.swap_bytes();
        }
        header.extended = if time == EXTENDED { Some(self.number32()?) } else { None };
        let time = header.extended.unwrap_or(time);
        header.delta = time;
        header.timestamp = if form == 0 { time } else { before.timestamp.wrapping_add(time) };
        Some(header)
    }
}

/// Writes a message in chunks of [`SEND_SIZE`]; `id` is the chunk stream, from 2 to 63.
pub fn write(out: &mut Vec<u8>, id: u8, message: &Message) {
    let length = u32::try_from(message.data.len()).unwrap_or(u32::MAX);
    let [_, length @ ..] = length.to_be_bytes();
    let [_, time @ ..] = message.timestamp.min(EXTENDED).to_be_bytes();
    let extended = (message.timestamp >= EXTENDED).then(|| message.timestamp.to_be_bytes());
    out.push(id & 0x3F);
    out.extend(time);
    out.extend(length);
    out.push(message.kind);
    out.extend(message.stream.to_le_bytes());
    out.extend(extended.into_iter().flatten());
    for (number, part) in message.data.chunks(SEND_SIZE).enumerate() {
        if number > 0 {
            out.push(0xC0 | id & 0x3F);
            out.extend(extended.into_iter().flatten());
        }
        out.extend_from_slice(part);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn message(kind: u8, timestamp: u32, length: usize) -> Message {
        Message {
            kind,
            stream: 1,
            timestamp,
            data: (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect(),
        }
    }

    fn read_all(reader: &mut Reader) -> Vec<Message> {
        std::iter::from_fn(|| reader.poll().unwrap()).collect()
    }

    #[test]
    fn messages_that_are_sent_through_one_another_come_whole() {
        let mut reader = Reader::new(MOST_BYTES);
        let (video, audio) = (message(9, 40, 200), message(8, 20, 130));
        let head = |id: u8, message: &Message| {
            let length = u8::try_from(message.data.len()).unwrap();
            let time = u8::try_from(message.timestamp).unwrap();
            vec![id, 0, 0, time, 0, 0, length, message.kind, 1, 0, 0, 0]
        };
        let stream = [
            &head(6, &video)[..],
            &video.data[..128],
            &head(4, &audio),
            &audio.data[..128],
            &[0xC6],
            &video.data[128..],
            &[0xC4],
            &audio.data[128..],
            // Once more by the shortest header: 20 ms later.
            &[0xC4],
            &audio.data[..128],
            &[0xC4],
            &audio.data[128..],
        ]
        .concat();
        for byte in stream {
            reader.receive(&[byte]);
        }
        assert_eq!(read_all(&mut reader), [video, audio.clone(), Message { timestamp: 40, ..audio }]);
    }

    #[test]
    fn a_timestamp_beyond_24_bits_may_be_said_in_every_chunk_or_only_once() {
        for repeated in [true, false] {
            let mut reader = Reader::new(MOST_BYTES);
            let message = message(9, 0x0102_0304, 200);
            let again: &[u8] = if repeated { &[1, 2, 3, 4] } else { &[] };
            let stream = [
                &[6, 0xFF, 0xFF, 0xFF, 0, 0, 200, 9, 1, 0, 0, 0, 1, 2, 3, 4][..],
                &message.data[..128],
                &[0xC6],
                again,
                &message.data[128..],
            ];
            reader.receive(&stream.concat());
            assert_eq!(read_all(&mut reader), [message], "{repeated}");
        }
    }

    #[test]
    fn what_is_too_long_too_much_or_without_a_beginning_is_refused() {
        let mut reader = Reader::new(1000);
        reader.receive(&[6, 0, 0, 0, 0, 4, 0, 9, 1, 0, 0, 0]);
        assert_eq!(reader.poll(), Err(Error::TooLong(1024)));
        let mut reader = Reader::new(1000);
        reader.receive(&[0xC6]);
        assert_eq!(reader.poll(), Err(Error::NoBeginning(6)));
        let mut reader = Reader::new(1000);
        for id in 2..60 {
            reader.receive(&[id, 0, 0, 0, 0, 0, 0, 9, 1, 0, 0, 0]);
        }
        let last = std::iter::from_fn(|| Some(reader.poll())).find(|polled| !matches!(polled, Ok(Some(_))));
        assert_eq!(last, Some(Err(Error::TooMany)));
    }

    #[test]
    fn a_message_that_is_given_up_leaves_nothing_behind() {
        let mut reader = Reader::new(1000);
        let message = message(9, 0, 200);
        reader.receive(&[&[6, 0, 0, 0, 0, 0, 200, 9, 1, 0, 0, 0][..], &message.data[..128]].concat());
        assert_eq!(reader.poll(), Ok(None));
        reader.abort(6);
        assert_eq!(reader.waiting, 0);
    }

    proptest! {
        #[test]
        fn messages_come_back_as_they_were_written(
            messages in prop::collection::vec((2_u8..64, any::<u8>(), any::<u32>(), 0_usize..10_000), 1..6),
            step in 1_usize..5_000,
        ) {
            let messages: Vec<_> = messages.into_iter().map(|(id, kind, time, length)| (id, message(kind, time, length))).collect();
            let mut stream = Vec::new();
            for (id, message) in &messages {
                write(&mut stream, *id, message);
            }
            let mut reader = Reader::new(MOST_BYTES);
            reader.set_size(u32::try_from(SEND_SIZE).unwrap()).unwrap();
            let mut found = Vec::new();
            for part in stream.chunks(step) {
                reader.receive(part);
                found.extend(read_all(&mut reader));
            }
            prop_assert_eq!(found, messages.into_iter().map(|(_, message)| message).collect::<Vec<_>>());
            prop_assert_eq!(reader.waiting, 0);
        }

        #[test]
        fn rubbish_is_survived(data in prop::collection::vec(any::<u8>(), 0..2_000)) {
            let mut reader = Reader::new(MOST_BYTES);
            reader.receive(&data);
            while let Ok(Some(_)) = reader.poll() {}
            prop_assert!(reader.waiting <= data.len());
        }
    }
}
