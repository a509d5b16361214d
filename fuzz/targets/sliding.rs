//! Any showings in any window make a playlist whose segments are numbered without a hole and dated in order.
#![no_main]

use libfuzzer_sys::fuzz_target;
use playhouse_media::film::{Shown, Window, sliding};

/// Numbers out of bytes; none are zero.
struct Numbers<'a>(&'a [u8]);

impl Numbers<'_> {
    fn next<const N: usize>(&mut self) -> [u8; N] {
        let Some((first, rest)) = self.0.split_first_chunk() else { return [0; N] };
        self.0 = rest;
        *first
    }

    fn small(&mut self) -> u64 {
        u32::from_be_bytes(self.next()).into()
    }
}

fuzz_target!(|data: &[u8]| {
    let mut numbers = Numbers(data);
    let from = i64::from_be_bytes(numbers.next());
    let [now, to] = [numbers.small(), numbers.small()].map(|after| from.saturating_add_unsigned(after));
    let window = Window { from, now, to, target: u32::from(numbers.next::<1>()[0]) };
    let (mut shown, mut sequence) = (Vec::new(), numbers.small());
    let mut start = from.saturating_add(i32::from_be_bytes(numbers.next()).into());
    for discontinuity in 0..u64::from(numbers.next::<1>()[0] % 8) {
        let mut times = vec![0];
        for _ in 0..numbers.next::<1>()[0] % 32 {
            times.push(times[times.len() - 1] + numbers.small());
        }
        let length = times[times.len() - 1];
        let (base, track) = (format!("/api/films/{discontinuity}"), usize::from(numbers.next::<1>()[0]));
        let segments = times.len() as u64 - 1;
        shown.push(Shown { base, track, start, discontinuity, sequence, times });
        sequence += segments;
        start = start.saturating_add_unsigned(length);
    }
    let text = sliding(&shown, window, "?token=a");
    assert!(text.starts_with("#EXTM3U\n") && text.ends_with('\n'));
    let segments = text.lines().filter(|line| !line.starts_with('#')).count();
    assert_eq!(text.matches("#EXTINF:").count(), segments);
    let showings = text.matches("#EXT-X-MAP:").count();
    assert_eq!(text.matches("#EXT-X-DISCONTINUITY\n").count(), showings.saturating_sub(1));
    let dates: Vec<&str> =
        text.lines().filter_map(|line| line.strip_prefix("#EXT-X-PROGRAM-DATE-TIME:")).collect();
    // Dates whose years have four digits are in order as texts.
    assert!(
        dates.iter().any(|date| date.len() != 24 || date.starts_with('-')) || dates.is_sorted(),
        "{text}"
    );
});
