//! Times the encoding of sound: a chord with noise, a minute of it. Prints one JSON object.

#![expect(clippy::print_stdout, reason = "the figures are the output")]

use std::time::Instant;

use playhouse_codec::audio::{Opus, PACKET_SAMPLES};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut opus = Opus::new()?;
    let (mut times, mut bytes) = (Vec::new(), 0);
    let mut noise = 1_u32;
    for packet in 0..6000_u32 {
        let mut samples = [0_i16; PACKET_SAMPLES];
        for (i, pair) in samples.chunks_mut(2).enumerate() {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let t = f64::from(packet * 480 + u32::try_from(i)?) / 48_000.0 * std::f64::consts::TAU;
            let chord = (t * 220.0).sin() + (t * 277.2).sin() + (t * 329.6).sin();
            #[expect(clippy::cast_possible_truncation, reason = "three sines stay within 16 bits")]
            let value = (chord * 6000.0) as i16 + i16::try_from(noise >> 22)?;
            pair.copy_from_slice(&[value, value / 2]);
        }
        let start = Instant::now();
        bytes += opus.encode(&samples)?.map_or(0, |data| data.len());
        times.push(start.elapsed());
    }
    times.sort_unstable();
    let micros = |percent: usize| times[(times.len() - 1) * percent / 100].as_secs_f64() * 1e6;
    println!(
        "{{\"encoder\": \"opus\", \"encode_us\": {{\"p50\": {:.1}, \"p99\": {:.1}}}, \"bitrate_bps\": {}}}",
        micros(50),
        micros(99),
        bytes * 8 / 60
    );
    Ok(())
}
