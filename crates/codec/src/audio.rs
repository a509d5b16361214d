//! Sound as Opus: 48 kHz stereo in packets of 10 ms, and nothing at all while there is silence.

use std::sync::Arc;
use std::time::Duration;

use opus::{Application, Bitrate, Channels, Encoder};

/// Samples per second and channel.
pub const RATE: u32 = 48_000;
/// How long a packet sounds.
pub const PACKET: Duration = Duration::from_millis(10);
/// Samples of a packet, both channels: left and right in turns.
pub const PACKET_SAMPLES: usize = 960;

/// Transparent for music in stereo.
const BITRATE: i32 = 128_000;
/// A compromise of work and quality: the steps above cost half as much again and are not heard at this bitrate.
const COMPLEXITY: i32 = 6;
/// The largest packet that Opus makes of one frame (RFC 6716, section 3.2.1).
const LARGEST_PACKET: usize = 1275;
/// Silence in packets before they stop coming: far longer than a gap between two notes.
const SILENT_PACKETS: u32 = 20;
/// A dithered zero is silence too.
const SILENCE: u16 = 1;

/// Why there is no packet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The library could not be set up.
    #[error("the Opus encoder could not be opened: {0}")]
    Open(String),
    /// Not ten milliseconds of stereo.
    #[error("a packet is made of {PACKET_SAMPLES} samples, not of {0}")]
    Length(usize),
    /// The library failed on these samples.
    #[error("ten milliseconds of sound could not be encoded: {0}")]
    Failed(String),
}

/// An Opus encoder that stops in silence.
///
/// It is set for the least delay (2.5 ms beyond the packet itself), so that every packet stands alone as far as
/// its kind goes, and without forward error correction, which that kind does not have.
#[derive(Debug)]
pub struct Opus {
    encoder: Encoder,
    packet: [u8; LARGEST_PACKET],
    /// Packets of silence in a row.
    silent: u32,
}

impl Opus {
    /// An encoder that takes whatever is heard first as new.
    pub fn new() -> Result<Self, Error> {
        let open = |error: opus::Error| Error::Open(error.to_string());
        let mut encoder = Encoder::new(RATE, Channels::Stereo, Application::LowDelay).map_err(open)?;
        encoder.set_bitrate(Bitrate::Bits(BITRATE)).map_err(open)?;
        encoder.set_vbr(true).map_err(open)?;
        encoder.set_vbr_constraint(true).map_err(open)?;
        encoder.set_complexity(COMPLEXITY).map_err(open)?;
        encoder.set_inband_fec(false).map_err(open)?;
        Ok(Self { encoder, packet: [0; LARGEST_PACKET], silent: 0 })
    }

    /// Encodes ten milliseconds; none when it has been silent for 200 ms and still is.
    ///
    /// Sound that comes back is encoded at once. What is left out stays silent at the player as well, since what
    /// it heard last was silence; the timestamps of later packets go on with the clock.
    pub fn encode(&mut self, samples: &[i16]) -> Result<Option<Arc<[u8]>>, Error> {
        if samples.len() != PACKET_SAMPLES {
            return Err(Error::Length(samples.len()));
        }
        let silent = samples.iter().all(|sample| sample.unsigned_abs() <= SILENCE);
        self.silent = if silent { self.silent.saturating_add(1) } else { 0 };
        if self.silent > SILENT_PACKETS {
            return Ok(None);
        }
        let length = self
            .encoder
            .encode(samples, &mut self.packet)
            .map_err(|error| Error::Failed(error.to_string()))?;
        Ok(Some(Arc::from(&self.packet[..length])))
    }
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "test patterns are cut on purpose")]
mod tests {
    use opus::Decoder;

    use super::*;

    /// A stereo tone, other on each side, from the sample of that number on.
    fn tone(from: usize) -> Vec<i16> {
        let wave = |i: usize, hertz: f64| {
            ((i as f64 * hertz * std::f64::consts::TAU / 48_000.0).sin() * 12_000.0) as i16
        };
        (from..from + 480).flat_map(|i| [wave(i, 440.0), wave(i, 1000.0)]).collect()
    }

    #[test]
    fn what_is_heard_is_what_was_played() {
        let mut encoder = Opus::new().unwrap();
        let mut decoder = Decoder::new(RATE, Channels::Stereo).unwrap();
        let (mut played, mut heard) = (Vec::new(), Vec::new());
        let mut bytes = 0;
        for packet in 0..100 {
            let samples = tone(packet * 480);
            let data = encoder.encode(&samples).unwrap().unwrap();
            bytes += data.len();
            let mut out = vec![0; PACKET_SAMPLES];
            assert_eq!(decoder.decode(&data, &mut out, false).unwrap(), 480);
            played.extend(samples);
            heard.extend(out);
        }
        // The codec delays by 120 samples of each channel.
        let (played, heard) = (&played[48_000..90_000], &heard[48_000 + 240..90_000 + 240]);
        let power = |s: &mut dyn Iterator<Item = f64>| s.map(|v| v * v).sum::<f64>();
        let signal = power(&mut played.iter().map(|&s| f64::from(s)));
        let noise = power(&mut played.iter().zip(heard).map(|(&p, &h)| f64::from(p) - f64::from(h)));
        assert!(signal / noise > 100.0, "signal to noise is {:.1}", signal / noise);
        assert!((8_000..24_000).contains(&bytes), "{bytes} bytes in a second");
    }

    #[test]
    fn silence_costs_nothing_and_sound_comes_back_at_once() {
        let mut encoder = Opus::new().unwrap();
        let mut dithered = vec![0; PACKET_SAMPLES];
        dithered[5] = 1;
        dithered[6] = -1;
        assert!(encoder.encode(&tone(0)).unwrap().is_some());
        let sent = (0..300).filter(|_| encoder.encode(&dithered).unwrap().is_some()).count();
        assert_eq!(sent, 20, "200 ms of silence are sent, then nothing");
        dithered[700] = 2;
        assert!(encoder.encode(&dithered).unwrap().is_some(), "the faintest sound is sent");
        let again = (0..30).filter(|_| encoder.encode(&[0; PACKET_SAMPLES]).unwrap().is_some()).count();
        assert_eq!(again, 20);
    }

    #[test]
    fn a_wrong_number_of_samples_is_refused_in_words() {
        let error = Opus::new().unwrap().encode(&[0; 480]).unwrap_err();
        assert_eq!(error.to_string(), "a packet is made of 960 samples, not of 480");
    }
}
