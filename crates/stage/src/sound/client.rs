//! One connection of a sound client: packets in and out, and its streams.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;

use super::kind;
use super::stream::{Notice, Seek, Stream};
use super::tagstruct::{Broken, CONTROL, DESCRIPTOR, Descriptor, Writer};

/// Bytes that may wait for a client that does not read; answers are small, so that more means it hangs.
const MAX_UNREAD: usize = 256 * 1024;

/// Bytes read from a client before the others have their turn.
const TURN: usize = 256 * 1024;

/// The number of a message that answers nothing.
const UNASKED: u32 = u32::MAX;

/// A connected program.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) socket: UnixStream,
    pub(super) number: u32,
    /// Whether it said hello.
    pub(super) greeted: bool,
    /// Whether it is to be dropped.
    pub(super) dead: bool,
    pub(super) streams: BTreeMap<u32, Stream>,
    incoming: Vec<u8>,
    outgoing: Vec<u8>,
}

impl Client {
    pub(super) fn new(socket: UnixStream, number: u32) -> std::io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self {
            socket,
            number,
            greeted: false,
            dead: false,
            streams: BTreeMap::new(),
            incoming: Vec::new(),
            outgoing: Vec::new(),
        })
    }

    /// Whether something waits to be written.
    pub(super) fn is_writing(&self) -> bool {
        !self.outgoing.is_empty()
    }

    /// Reads what came and gives each command to `command`. [`Broken`] ends the connection.
    pub(super) fn receive(
        &mut self,
        mut command: impl FnMut(&mut Self, &[u8]) -> Result<(), Broken>,
    ) -> Result<(), Broken> {
        let mut buffer = [0; 16 * 1024];
        let mut total = 0;
        while total < TURN {
            match self.socket.read(&mut buffer) {
                Ok(0) => return Err(Broken),
                Ok(count) => {
                    total += count;
                    self.incoming.extend(&buffer[..count]);
                    self.packets(&mut command)?;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Err(Broken),
            }
        }
        Ok(())
    }

    fn packets(
        &mut self,
        command: &mut impl FnMut(&mut Self, &[u8]) -> Result<(), Broken>,
    ) -> Result<(), Broken> {
        let incoming = std::mem::take(&mut self.incoming);
        let mut rest = &incoming[..];
        while let Some((head, tail)) = rest.split_first_chunk::<DESCRIPTOR>() {
            let head = Descriptor::read(head)?;
            let Some((packet, tail)) = tail.split_at_checked(head.len) else { break };
            if head.channel == CONTROL {
                command(self, packet)?;
            } else {
                self.samples(&head, packet)?;
            }
            rest = tail;
        }
        self.incoming = rest.to_vec();
        Ok(())
    }

    fn samples(&mut self, head: &Descriptor, bytes: &[u8]) -> Result<(), Broken> {
        // Samples of a stream that was just deleted may still be on their way.
        let Some(stream) = self.streams.get_mut(&head.channel) else { return Ok(()) };
        if !bytes.len().is_multiple_of(stream.spec.frame_len()) {
            return Err(Broken);
        }
        let seek = match head.flags & 0xff {
            0 => Seek::Relative,
            1 => Seek::Absolute,
            2 => Seek::OnRead,
            3 => Seek::End,
            _ => return Err(Broken),
        };
        let mut notices = Vec::new();
        stream.write(bytes, head.offset, seek, &mut |notice| notices.push(notice));
        self.tell(head.channel, &notices)
    }

    /// Tells what happened to a stream.
    pub(super) fn tell(&mut self, channel: u32, notices: &[Notice]) -> Result<(), Broken> {
        for notice in notices {
            let packet = match *notice {
                Notice::Request(bytes) => {
                    let mut packet = Writer::new(kind::REQUEST, UNASKED);
                    packet.u32(channel).u32(bytes);
                    packet
                }
                Notice::Started => about(kind::STARTED, channel),
                Notice::Underflow => about(kind::UNDERFLOW, channel),
                Notice::Overflow => about(kind::OVERFLOW, channel),
                Notice::Drained(request) => Writer::new(kind::REPLY, request),
            };
            self.send(packet)?;
        }
        Ok(())
    }

    /// Sends a packet, or keeps it until the client reads. [`Broken`] where too much waits.
    pub(super) fn send(&mut self, packet: Writer) -> Result<(), Broken> {
        self.outgoing.extend(packet.finish());
        self.flush()
    }

    /// Writes what waits.
    pub(super) fn flush(&mut self) -> Result<(), Broken> {
        while !self.outgoing.is_empty() {
            match self.socket.write(&self.outgoing) {
                Ok(0) => return Err(Broken),
                Ok(count) => drop(self.outgoing.drain(..count)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return Err(Broken),
            }
        }
        if self.outgoing.len() > MAX_UNREAD { Err(Broken) } else { Ok(()) }
    }
}

fn about(kind: u32, channel: u32) -> Writer {
    let mut packet = Writer::new(kind, UNASKED);
    packet.u32(channel);
    packet
}
