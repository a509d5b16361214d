//! AAC made into Opus, for streams that come with the one and are sent with the other.

use std::sync::Arc;

use ffmpeg_next as ffmpeg;
use ffmpeg_next::ChannelLayout;
use ffmpeg_next::codec::{self, decoder};
use ffmpeg_next::format::sample::{Sample, Type};
use ffmpeg_next::frame;
use ffmpeg_next::software::resampling;
use playhouse_media::time::Timestamp;

use crate::audio::{self, Opus, PACKET, PACKET_SAMPLES, RATE};

/// How far the times of frames may lie from the count of samples before the count begins anew: rounding of
/// containers, and less than is heard as late.
const SLACK: std::time::Duration = std::time::Duration::from_millis(40);

/// Samples that may wait to fill a packet; a frame of AAC has 1024 or 2048 of each channel.
const MAX_WAITING: usize = 16 * 1024;

/// Samples that a resampler holds back and may give out later.
const RESAMPLERS_OWN: usize = 256;

/// Why sound cannot be made into Opus.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The decoder does not take the stream.
    #[error("the AAC sound cannot be decoded: {0}")]
    Decoder(String),
    /// The encoder failed.
    #[error(transparent)]
    Encoder(#[from] audio::Error),
}

impl From<ffmpeg::Error> for Error {
    fn from(error: ffmpeg::Error) -> Self {
        Self::Decoder(error.to_string())
    }
}

/// Makes Opus packets of 10 ms in stereo of AAC frames.
pub struct ToOpus {
    decoder: decoder::Audio,
    resampler: Option<resampling::Context>,
    encoder: Opus,
    decoded: frame::Audio,
    converted: frame::Audio,
    /// Left and right in turns, not yet in a packet.
    waiting: Vec<i16>,
    /// When the first of these is heard.
    at: Option<Timestamp>,
}

impl ToOpus {
    /// A decoder for frames without ADTS, described by an `AudioSpecificConfig`.
    ///
    /// # Errors
    /// Where the description makes no sense to the decoder.
    pub fn new(config: &[u8]) -> Result<Self, Error> {
        let codec = decoder::find(codec::Id::AAC).ok_or(ffmpeg::Error::DecoderNotFound)?;
        let mut context = codec::Context::new_with_codec(codec);
        describe(&mut context, config)?;
        let decoder = context.decoder().audio()?;
        Ok(Self {
            decoder,
            resampler: None,
            encoder: Opus::new()?,
            decoded: frame::Audio::empty(),
            converted: frame::Audio::empty(),
            waiting: Vec::new(),
            at: None,
        })
    }

    /// Decodes a frame that is heard at `pts`; gives the packets that are full now, with their times.
    ///
    /// # Errors
    /// Where the frame is damaged; the next ones can be decoded all the same.
    pub fn frame(
        &mut self,
        data: &[u8],
        pts: Timestamp,
        mut give: impl FnMut(Arc<[u8]>, Timestamp),
    ) -> Result<(), Error> {
        let expected = self.at.map(|at| at + samples(self.waiting.len()));
        let off = expected.map(|expected| expected.since(pts).max(pts.since(expected)));
        if off.is_none_or(|off| off > SLACK) {
            self.waiting.clear();
            self.at = Some(pts);
        }
        self.decoder.send_packet(&ffmpeg::Packet::copy(data))?;
        while self.decoder.receive_frame(&mut self.decoded).is_ok() {
            self.convert()?;
        }
        let mut packets = self.waiting.chunks_exact(PACKET_SAMPLES);
        for packet in packets.by_ref() {
            let Some(at) = self.at else { break };
            if let Some(packet) = self.encoder.encode(packet)? {
                give(packet, at);
            }
            self.at = Some(at + PACKET);
        }
        let left = packets.remainder().len();
        self.waiting.drain(..self.waiting.len() - left);
        Ok(())
    }

    /// Adds the decoded frame to the samples that wait.
    fn convert(&mut self) -> Result<(), Error> {
        let layout = match self.decoded.channel_layout() {
            unknown if unknown.is_empty() => ChannelLayout::default(self.decoded.channels().into()),
            known => known,
        };
        self.decoded.set_channel_layout(layout);
        let (format, rate) = (self.decoded.format(), self.decoded.rate());
        let same = self.resampler.as_ref().is_some_and(|resampler| {
            let input = resampler.input();
            (input.format, input.channel_layout, input.rate) == (format, layout, rate)
        });
        if !same {
            let packed = Sample::I16(Type::Packed);
            let (stereo, out) = (ChannelLayout::STEREO, RATE);
            self.resampler = Some(resampling::Context::get(format, layout, rate, packed, stereo, out)?);
        }
        let Some(resampler) = &mut self.resampler else { return Ok(()) };
        // Room for all that comes out: what found none would stay behind in the resampler, more with each frame.
        let count = self.decoded.samples() * RATE as usize / rate.max(1) as usize + RESAMPLERS_OWN;
        self.converted = frame::Audio::new(Sample::I16(Type::Packed), count, ChannelLayout::STEREO);
        self.converted.set_rate(RATE);
        resampler.run(&self.decoded, &mut self.converted)?;
        let bytes = self.converted.data(0);
        let length = (self.converted.samples() * 4).min(bytes.len());
        let (pairs, _) = bytes[..length].as_chunks::<2>();
        if self.waiting.len() < MAX_WAITING {
            self.waiting.extend(pairs.iter().map(|pair| i16::from_ne_bytes(*pair)));
        }
        Ok(())
    }
}

/// How long so many samples of both channels are heard.
fn samples(count: usize) -> std::time::Duration {
    std::time::Duration::from_micros(count as u64 / 2 * 1_000_000 / u64::from(RATE))
}

/// Gives the decoder its description.
#[expect(unsafe_code, reason = "the wrapper has no way to set a decoder's extra data")]
fn describe(context: &mut codec::Context, config: &[u8]) -> Result<(), Error> {
    let padding = usize::try_from(ffmpeg::ffi::AV_INPUT_BUFFER_PADDING_SIZE).unwrap_or(64);
    let size = i32::try_from(config.len()).map_err(|error| Error::Decoder(error.to_string()))?;
    // SAFETY: the memory comes from libav's allocator with the padding that it asks for, zeroed, and belongs to the
    // context from then on, which frees it; the context is not open yet and has none.
    unsafe {
        let memory = ffmpeg::ffi::av_mallocz(config.len() + padding).cast::<u8>();
        if memory.is_null() {
            return Err(Error::Decoder("there is no memory".to_owned()));
        }
        std::ptr::copy_nonoverlapping(config.as_ptr(), memory, config.len());
        let context = context.as_mut_ptr();
        (*context).extradata = memory;
        (*context).extradata_size = size;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rubbish_is_an_error_and_no_end() {
        assert!(ToOpus::new(&[]).is_ok_and(|mut t| t.frame(&[1, 2, 3], Timestamp::ZERO, |_, _| ()).is_err()));
        let mut transcoder = ToOpus::new(&[0x11, 0x90]).unwrap();
        for length in 0..40 {
            let data: Vec<u8> = (0..length).map(|at| at * 37).collect();
            transcoder.frame(&data, Timestamp::ZERO, |_, _| ()).unwrap_or(());
        }
    }
}
