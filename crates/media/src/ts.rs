//! MPEG transport streams (ISO/IEC 13818-1), taken apart: SRT publishers send these.
//!
//! One programme, the first; of it a track of pictures (H.264, H.265), the first where nobody asks for another, and the
//! first of sound (AAC with ADTS, Opus). What is lost or broken on the way costs the access unit that it belongs to, and nothing else.

mod elementary;
mod packet;
mod pes;
mod tables;

use crate::intake::Intake;
use elementary::Elementary;
use packet::Packet;
use pes::Assembler;
use tables::{Section, Tracks};

pub use tables::MOST_SECTION;

/// Bytes of a packet.
pub const PACKET: usize = 188;

const SYNC: u8 = 0x47;

/// Why a publisher's transport stream is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No packet was found in so many bytes.
    #[error(
        "The publisher sends no MPEG transport stream; choose MPEG-TS in the publishing program, as in `-f mpegts`."
    )]
    NoStream,
    /// None of its tracks can be taken.
    #[error(
        "The publisher's stream has no track that is taken here: choose H.264 or HEVC for video, and AAC or Opus for sound."
    )]
    NoTrack,
}

/// Bytes without a packet after which a stream is none.
const MOST_RUBBISH: usize = 64 << 10;

/// Takes a transport stream apart.
#[derive(Debug, Default)]
pub struct Demuxer {
    /// Less than a packet, from the time before.
    rest: Vec<u8>,
    rubbish: usize,
    associations: Section,
    map: Section,
    /// Where the map of the programme is found.
    map_pid: Option<u16>,
    /// Tracks of pictures that come before the one that is taken.
    before: usize,
    tracks: Option<Tracks>,
    /// Pictures and sound.
    assemblers: [Assembler; 2],
    elementary: [Option<Elementary>; 2],
}

impl Demuxer {
    /// Takes the track of pictures of that number, from 0.
    pub fn of_picture(number: usize) -> Self {
        Self { before: number, ..Self::default() }
    }

    /// Takes bytes as they come.
    ///
    /// # Errors
    /// See [`Error`]; the stream cannot go on.
    pub fn receive(&mut self, bytes: &[u8], intake: &mut Intake) -> Result<(), Error> {
        self.rest.extend_from_slice(bytes);
        let data = std::mem::take(&mut self.rest);
        let mut at = 0;
        while let Some(bytes) = data.get(at..at + PACKET) {
            if bytes[0] == SYNC {
                self.rubbish = 0;
                if let Some(packet) = Packet::parse(bytes) {
                    self.packet(&packet, intake)?;
                }
                at += PACKET;
            } else {
                self.rubbish += 1;
                at += 1;
                if self.rubbish > MOST_RUBBISH {
                    return Err(Error::NoStream);
                }
            }
        }
        self.rest = data;
        self.rest.drain(..at);
        Ok(())
    }

    /// The stream has ended: what is complete though nothing came after it is given.
    pub fn finish(&mut self, intake: &mut Intake) {
        for track in 0..2 {
            let unit = self.assemblers[track].finish();
            if let (Some(unit), Some(elementary)) = (unit, &mut self.elementary[track]) {
                elementary.take(unit, intake);
            }
        }
    }

    fn packet(&mut self, packet: &Packet<'_>, intake: &mut Intake) -> Result<(), Error> {
        if packet.pid == 0 {
            if let Some(pid) = self.associations.take(packet).and_then(|table| tables::first_map(&table)) {
                self.map_pid = Some(pid);
            }
        } else if Some(packet.pid) == self.map_pid {
            if let Some(tracks) = self.map.take(packet).and_then(|table| tables::tracks(&table, self.before))
            {
                self.describe(tracks, intake)?;
            }
        } else if let Some(tracks) = &self.tracks {
            let pids = [tracks.video.map(|(pid, _)| pid), tracks.audio.map(|(pid, _)| pid)];
            if let Some(track) = pids.iter().position(|&pid| pid == Some(packet.pid)) {
                for unit in self.assemblers[track].take(packet) {
                    if let Some(elementary) = &mut self.elementary[track] {
                        elementary.take(unit, intake);
                    }
                }
            }
        }
        Ok(())
    }

    fn describe(&mut self, tracks: Tracks, intake: &mut Intake) -> Result<(), Error> {
        if self.tracks.as_ref() == Some(&tracks) {
            return Ok(());
        }
        if tracks.video.is_none() && tracks.audio.is_none() {
            return Err(Error::NoTrack);
        }
        intake.expect(tracks.video.is_some(), tracks.audio.is_some());
        self.assemblers = [Assembler::default(), Assembler::default()];
        self.elementary =
            [tracks.video, tracks.audio].map(|track| track.map(|(_, coding)| Elementary::new(coding)));
        self.tracks = Some(tracks);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
