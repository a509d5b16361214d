//! Streams by hand; whole ones come from ffmpeg in `playhouse-ingest`'s tests.

use proptest::prelude::*;

use super::*;
use crate::intake::Output;
use crate::live::Format;

const SPS: &[u8] = &[
    0x67, 0x42, 0xC0, 0x20, 0xDA, 0x01, 0x40, 0x16, 0xE9, 0xA8, 0x08, 0x08, 0x0A, 0x00, 0x00, 0x03, 0x00,
    0x02, 0x00, 0x3D, 0x09, 0x00, 0x1E, 0x30, 0x65, 0x40,
];
const PPS: &[u8] = &[0x68, 0xCE, 0x3C, 0x80];

/// Writes what encoders write.
#[derive(Default)]
struct Muxer {
    out: Vec<u8>,
    counters: [u8; 2],
}

impl Muxer {
    fn section(&mut self, pid: u16, table: &[u8]) {
        let mut section = table.to_vec();
        let length = u16::try_from(section.len() + 1).unwrap();
        section[1..3].copy_from_slice(&(0xB000 | length).to_be_bytes());
        section.extend(tables::crc32(&section).to_be_bytes());
        let payload = [&[0][..], &section].concat();
        self.packets(pid, &payload, 0xFF);
    }

    fn tables(&mut self) {
        self.section(0, &[0, 0, 0, 0, 1, 0xC1, 0, 0, 0, 1, 0xF0, 0]);
        let audio = [0x0F, 0xE1, 1, 0xF0, 0];
        self.section(
            0x1000,
            &[&[2, 0, 0, 0, 1, 0xC1, 0, 0, 0xE1, 0, 0xF0, 0, 0x1B, 0xE1, 0, 0xF0, 0][..], &audio].concat(),
        );
    }

    fn pes(&mut self, pid: u16, pts: u64, data: &[u8]) {
        let time = |pts: u64| {
            let low = |value: u64| value.to_le_bytes()[0];
            [0x21 | low(pts >> 30 << 1), low(pts >> 22), low(pts >> 14) | 1, low(pts >> 7), low(pts << 1) | 1]
        };
        let mut pes = vec![0, 0, 1, 0xE0, 0, 0, 0x80, 0x80, 5];
        if pid == 0x101 {
            pes[4..6].copy_from_slice(&u16::try_from(8 + data.len()).unwrap().to_be_bytes());
        }
        pes.extend(time(pts));
        pes.extend_from_slice(data);
        self.packets(pid, &pes, 0);
    }

    fn packets(&mut self, pid: u16, payload: &[u8], filler: u8) {
        for (number, part) in payload.chunks(184).enumerate() {
            let [high, low] = pid.to_be_bytes();
            let counter = &mut self.counters[usize::from(pid == 0x101)];
            let first = if number == 0 { 0x40 } else { 0 };
            self.out.extend([SYNC, first | high, low]);
            let missing = 184 - part.len();
            if filler == 0xFF || missing == 0 {
                self.out.push(0x10 | *counter);
                self.out.extend_from_slice(part);
                self.out.resize(self.out.len() + missing, 0xFF);
            } else {
                self.out.push(0x30 | *counter);
                self.out.push(u8::try_from(missing - 1).unwrap());
                if missing > 1 {
                    self.out.push(0);
                    self.out.resize(self.out.len() + missing - 2, 0xFF);
                }
                self.out.extend_from_slice(part);
            }
            if (0x100..0x1000).contains(&pid) {
                *counter = (*counter + 1) & 0xF;
            }
        }
    }

    fn picture(&mut self, pts: u64, keyframe: bool) {
        let mut data = Vec::new();
        let slice = [if keyframe { 0x65 } else { 0x41 }; 400];
        for unit in [&[9, 0xF0][..], SPS, PPS, &slice] {
            data.extend([0, 0, 0, 1]);
            data.extend_from_slice(unit);
        }
        self.pes(0x100, pts, &data);
    }

    fn sound(&mut self, pts: u64) {
        let frame = [0xFF, 0xF1, 0x4C, 0x80, 1, 0x3F, 0xFC, 1, 2];
        self.pes(0x101, pts, &frame.repeat(2));
    }
}

fn demux(stream: &[u8], step: usize) -> Result<Vec<Output>, Error> {
    let (mut demuxer, mut intake) = (Demuxer::default(), Intake::default());
    for part in stream.chunks(step) {
        demuxer.receive(part, &mut intake)?;
    }
    demuxer.finish(&mut intake);
    Ok(std::iter::from_fn(|| intake.poll()).collect())
}

fn samples(outputs: &[Output]) -> Vec<(usize, u64)> {
    let sample = |output: &Output| {
        if let Output::Sample(sample) = output { Some((sample.track, sample.dts.as_micros())) } else { None }
    };
    outputs.iter().filter_map(sample).collect()
}

fn stream(from: u64) -> Muxer {
    let mut muxer = Muxer::default();
    muxer.tables();
    for number in 0..4 {
        let pts = (from + number * 3600) % (1 << 33);
        muxer.picture(pts, number == 0);
        muxer.sound(pts);
    }
    muxer
}

#[test]
fn pictures_and_sound_come_out_with_their_times_however_the_bytes_are_cut() {
    let muxer = stream(900_000);
    let whole = demux(&muxer.out, usize::MAX).unwrap();
    assert!(matches!(&whole[0], Output::Formats(formats) if formats.len() == 2 && formats[0].is_video()));
    assert!(
        matches!(&whole[0], Output::Formats(formats) if matches!(formats[1], Format::Audio { sample_rate: 48_000, channels: 2, .. }))
    );
    let video: Vec<_> =
        samples(&whole).into_iter().filter(|(track, _)| *track == 0).map(|(_, at)| at).collect();
    let first = video[0];
    assert_eq!(video, [first, first + 40_000, first + 80_000, first + 120_000]);
    assert_eq!(samples(&whole).len(), 4 + 8);
    for step in [1, 7, 188, 1316] {
        assert_eq!(demux(&muxer.out, step).unwrap(), whole, "{step}");
    }
}

#[test]
fn a_clock_that_wraps_goes_on() {
    let outputs = demux(&stream((1 << 33) - 5000).out, 188).unwrap();
    let times: Vec<_> =
        samples(&outputs).into_iter().filter(|(track, _)| *track == 0).map(|(_, at)| at).collect();
    assert!(times.is_sorted() && times[3] - times[0] <= 140_000, "{times:?}");
}

#[test]
fn a_lost_packet_costs_the_picture_it_belonged_to() {
    let muxer = stream(0);
    let mut packets: Vec<_> = muxer.out.chunks(PACKET).collect();
    let second = packets
        .iter()
        .enumerate()
        .filter(|(_, packet)| packet[2] == 0 && packet[1] & 0x1F == 1)
        .nth(4)
        .unwrap()
        .0;
    packets.remove(second);
    let outputs = demux(&packets.concat(), 188).unwrap();
    let video = samples(&outputs).into_iter().filter(|(track, _)| *track == 0).count();
    assert_eq!(video, 3);
}

#[test]
fn what_is_no_transport_stream_is_said_to_be_none() {
    assert_eq!(demux(&vec![1; 2 * MOST_RUBBISH], 1316), Err(Error::NoStream));
    let mut muxer = Muxer::default();
    muxer.section(0, &[0, 0, 0, 0, 1, 0xC1, 0, 0, 0, 1, 0xF0, 0]);
    muxer.section(0x1000, &[2, 0, 0, 0, 1, 0xC1, 0, 0, 0xE1, 0, 0xF0, 0, 0x02, 0xE1, 0, 0xF0, 0]);
    assert_eq!(demux(&muxer.out, 188), Err(Error::NoTrack));
}

proptest! {
    #[test]
    fn rubbish_is_survived(
        places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..40),
        step in 1_usize..3000,
    ) {
        let mut stream = stream(0).out;
        for (place, byte) in places {
            let at = place.index(stream.len());
            stream[at] = byte;
        }
        drop(demux(&stream, step));
    }
}
