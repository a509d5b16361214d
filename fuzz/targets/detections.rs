//! Whatever a stranger's model says, only places within the picture come out, few of them, and the surest first.
#![no_main]

use libfuzzer_sys::fuzz_target;
use playhouse_sense::decode::{Decoder, Layout, MOST, Tensor};

fuzz_target!(|bytes: &[u8]| {
    let [layout, labels, dimensions, rest @ ..] = bytes else { return };
    let layout = [Layout::Centre, Layout::Yolov5, Layout::Yolov8, Layout::Yolov10][usize::from(*layout) % 4];
    let (lengths, rest) = rest.split_at((usize::from(*dimensions) % 6).min(rest.len()));
    let shape: Vec<usize> = lengths.iter().map(|length| usize::from(*length)).collect();
    let values: Vec<f32> = rest.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    let labels = usize::from(*labels) % 100;
    let decoder = Decoder { layout, labels, input: (64, 48), score: 0.2, overlap: 0.5 };
    // Also with as many numbers as the shape asks for.
    let count = shape.iter().product::<usize>().min(100_000);
    let filled: Vec<f32> = values.iter().copied().cycle().take(if values.is_empty() { 0 } else { count }).collect();
    for values in [&values, &filled] {
        match decoder.decode(&[Tensor { shape: &shape, values }]) {
            Ok(found) => {
                assert!(found.len() <= MOST && found.is_sorted_by(|one, other| one.score >= other.score));
                for one in found {
                    let place = one.place;
                    assert!(place.left >= 0.0 && place.left < place.right && place.right <= 1.0);
                    assert!(place.top >= 0.0 && place.top < place.bottom && place.bottom <= 1.0);
                    assert!((0.2..=1.0).contains(&one.score) && usize::from(one.label) < labels);
                }
            }
            Err(error) => assert!(error.to_string().len() > 30),
        }
    }
});
