//! Somebody who publishes a film that ffmpeg made, sample by sample as it is in the file.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use playhouse_live::{Admission, Hub, Protocol};
use playhouse_media::frame::Size;
use playhouse_media::live::{AudioCodec, Format, Sample, VideoCodec};
use playhouse_media::time::Timestamp;

/// The film as a publisher has it.
pub(crate) struct Show {
    pub(crate) formats: Vec<Format>,
    pub(crate) samples: Vec<Sample>,
}

/// The contents of the boxes of that name, with where each begins.
fn boxes(data: &[u8], name: [u8; 4]) -> Vec<(usize, &[u8])> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(head) = data.get(at..at + 8) {
        let length = u32::from_be_bytes(head[..4].try_into().unwrap()) as usize;
        if head[4..8] == name {
            found.push((at, &data[at + 8..at + length]));
        }
        at += length.max(8);
    }
    found
}

fn numbers(data: &[u8]) -> Vec<u32> {
    data.chunks_exact(4).map(|n| u32::from_be_bytes(n.try_into().unwrap())).collect()
}

fn find(data: &[u8], name: &[u8]) -> usize {
    data.windows(name.len()).position(|window| window == name).expect("the box is there")
}

impl Show {
    /// Reads a film of H.264 at 12,800 ticks a second and AAC at 44.1 kHz, as `films::make` makes it.
    pub(crate) fn read(path: &Path, size: Size) -> Self {
        let output = Command::new("ffmpeg")
            .args(["-v", "error", "-i"])
            .arg(path)
            .args([
                "-c",
                "copy",
                "-f",
                "mp4",
                "-movflags",
                "frag_every_frame+empty_moov+default_base_moof",
                "-",
            ])
            .output()
            .expect("ffmpeg runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let file = output.stdout;
        let at = find(&file, b"avcC");
        let length = u32::from_be_bytes(file[at - 4..at].try_into().unwrap()) as usize;
        let picture = Arc::from(&file[at + 4..at + length - 4]);
        // The configuration of AAC stands behind its tag and a length of four bytes.
        let at = find(&file, b"esds");
        let tag = at + find(&file[at..], &[0x05, 0x80, 0x80, 0x80]);
        let sound = Arc::from(&file[tag + 5..tag + 5 + usize::from(file[tag + 4])]);
        let formats = vec![
            Format::Video { codec: VideoCodec::H264, size, config: picture },
            Format::Audio { codec: AudioCodec::Aac, channels: 1, sample_rate: 44_100, config: sound },
        ];
        let mut samples: Vec<Sample> = boxes(&file, *b"moof")
            .into_iter()
            .flat_map(|(at, moof)| {
                boxes(moof, *b"traf").into_iter().flat_map(move |(_, traf)| read(traf, at))
            })
            .map(|(track, ticks, late, range, keyframe)| {
                let rate = [12_800, 44_100][track];
                let at = |ticks: u64| Timestamp::from_micros(1_000_000 + ticks * 1_000_000 / rate);
                Sample {
                    track,
                    data: Arc::from(&file[range]),
                    dts: at(ticks),
                    pts: at(ticks + late),
                    keyframe,
                }
            })
            .collect();
        samples.sort_by_key(|sample| sample.dts);
        Self { formats, samples }
    }

    /// The film, which has six seconds, so many times.
    pub(crate) fn again(mut self, times: u32) -> Self {
        let once = self.samples.clone();
        for time in 1..times {
            let later = Duration::from_secs(6) * time;
            let moved = |sample: &Sample| Sample {
                dts: sample.dts + later,
                pts: sample.pts + later,
                ..sample.clone()
            };
            self.samples.extend(once.iter().map(moved));
        }
        self.samples.sort_by_key(|sample| sample.dts);
        self
    }

    /// Publishes it at that many times its speed, and stays until `until` is done.
    pub(crate) async fn publish(
        self,
        hub: Arc<Hub>,
        channel: String,
        speed: u32,
        until: impl Future<Output = ()>,
    ) {
        let admission = Admission { channel, replace: true };
        let publisher = hub.publish(&admission, Protocol::Rtmp).unwrap();
        publisher.formats(self.formats).unwrap();
        let begun = tokio::time::Instant::now();
        let first = self.samples[0].dts;
        for sample in self.samples {
            // A publisher sends at the pace of its clock.
            let at =
                Duration::from_micros(u64::try_from(sample.dts.since(first).as_micros()).unwrap()) / speed;
            tokio::time::sleep_until(begun + at).await;
            if publisher.sample(sample).is_err() {
                return;
            }
        }
        until.await;
    }
}

type Read = (usize, u64, u64, std::ops::Range<usize>, bool);

/// The samples of a `traf`, whose `moof` is there.
fn read(traf: &[u8], moof: usize) -> Vec<Read> {
    let head = numbers(boxes(traf, *b"tfhd")[0].1);
    let mut fields = head[2..].iter().copied();
    assert_eq!(head[0] & 3, 0, "no offsets and descriptions of its own");
    let mut given = |flag: u32| if head[0] & flag == 0 { None } else { fields.next() };
    let (ticks, size, flags) = (given(8), given(16), given(32));
    let time = boxes(traf, *b"tfdt")[0].1;
    let mut at = u64::from_be_bytes(time[4..12].try_into().unwrap());
    let mut found = Vec::new();
    for (_, run) in boxes(traf, *b"trun") {
        let run = numbers(run);
        let mut fields = run[1..].iter().copied();
        let count = fields.next().unwrap();
        let mut place = moof + fields.next().unwrap() as usize;
        assert_eq!(run[0] & 1, 1, "it says where its data is");
        let first = if run[0] & 4 == 0 { None } else { fields.next() };
        for number in 0..count {
            let mut given =
                |flag: u32, other: Option<u32>| if run[0] & flag == 0 { other } else { fields.next() };
            let (ticks, size) = (given(0x100, ticks).unwrap(), given(0x200, size).unwrap() as usize);
            let flags = given(0x400, first.filter(|_| number == 0).or(flags)).unwrap_or(0);
            let late = given(0x800, Some(0)).unwrap();
            let track = usize::try_from(head[1]).unwrap() - 1;
            found.push((track, at, u64::from(late), place..place + size, flags & 0x1_0000 == 0));
            at += u64::from(ticks);
            place += size;
        }
    }
    found
}
