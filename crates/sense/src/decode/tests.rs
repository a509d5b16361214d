use proptest::prelude::*;

use super::*;

fn decoder(layout: Layout, labels: usize) -> Decoder {
    Decoder { layout, labels, input: (320, 240), score: 0.3, overlap: 0.5 }
}

fn near(found: Detection, [left, top, right, bottom]: [f32; 4], label: Label, score: f32) -> bool {
    let place = found.place;
    let edges = [(place.left, left), (place.top, top), (place.right, right), (place.bottom, bottom)];
    edges.iter().all(|(is, wanted)| (is - wanted).abs() < 1e-4)
        && found.label == label
        && (found.score - score).abs() < 1e-5
}

#[test]
fn our_own_layout_is_read() {
    // Two labels over 3 x 4 cells; a box in the cell of row 1, column 2, and a weaker cell beside it.
    let mut values = vec![0.0; 6 * 12];
    values[12 + 6] = 0.9;
    values[12 + 5] = 0.5;
    for (n, edge) in [1.0, 0.5, 1.5, 1.0].into_iter().enumerate() {
        values[(2 + n) * 12 + 6] = edge;
    }
    let found =
        decoder(Layout::Centre, 2).decode(&[Tensor { shape: &[1, 6, 3, 4], values: &values }]).unwrap();
    assert_eq!(found.len(), 1);
    assert!(near(found[0], [1.5 / 4.0, 1.0 / 3.0, 1.0, 2.5 / 3.0], 1, 0.9), "{found:?}");
}

#[test]
fn two_people_side_by_side_stay_two() {
    let mut values = vec![0.0; 5 * 64];
    for column in [2, 5] {
        values[3 * 8 + column] = 0.8;
        for n in 0..4 {
            values[(1 + n) * 64 + 3 * 8 + column] = 2.0;
        }
    }
    let found =
        decoder(Layout::Centre, 1).decode(&[Tensor { shape: &[1, 5, 8, 8], values: &values }]).unwrap();
    assert_eq!(found.len(), 2);
}

#[test]
fn cells_that_are_equally_sure_make_one_thing() {
    let mut values = vec![1.5; 5 * 16];
    values[..16].fill(0.7);
    let found =
        decoder(Layout::Centre, 1).decode(&[Tensor { shape: &[1, 5, 4, 4], values: &values }]).unwrap();
    assert_eq!(found.len(), 1);
}

#[test]
fn yolov5_is_read_and_doubles_are_dropped() {
    let rows = [
        [160.0, 120.0, 32.0, 48.0, 0.9, 0.1, 0.8],
        [162.0, 121.0, 32.0, 48.0, 0.8, 0.1, 0.8],
        [40.0, 40.0, 16.0, 24.0, 0.2, 0.9, 0.9],
        [40.0, 40.0, 16.0, 24.0, 0.9, 0.6, 0.1],
    ];
    let found = decoder(Layout::Yolov5, 2)
        .decode(&[Tensor { shape: &[1, 4, 7], values: rows.as_flattened() }])
        .unwrap();
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(near(found[0], [0.45, 0.4, 0.55, 0.6], 1, 0.72), "{found:?}");
    assert!(near(found[1], [0.1, 28.0 / 240.0, 0.15, 52.0 / 240.0], 0, 0.54), "{found:?}");
}

#[test]
fn yolov8_is_read() {
    // Three places, two labels: channel by channel.
    let values =
        [160.0, 0.0, 40.0, 120.0, 0.0, 40.0, 32.0, 0.0, 16.0, 48.0, 0.0, 24.0, 0.1, 0.0, 0.6, 0.8, 0.2, 0.1];
    let found = decoder(Layout::Yolov8, 2).decode(&[Tensor { shape: &[1, 6, 3], values: &values }]).unwrap();
    assert_eq!(found.len(), 2);
    assert!(near(found[0], [0.45, 0.4, 0.55, 0.6], 1, 0.8), "{found:?}");
    assert!(near(found[1], [0.1, 28.0 / 240.0, 0.15, 52.0 / 240.0], 0, 0.6), "{found:?}");
}

#[test]
fn yolov10_is_read_and_reaches_no_further_than_the_picture() {
    let rows = [
        [-20.0, 24.0, 64.0, 260.0, 0.95, 2.0],
        [0.0, 0.0, 9.0, 9.0, 0.1, 0.0],
        [0.0, 0.0, 9.0, 9.0, 0.9, 3.0],
    ];
    let found = decoder(Layout::Yolov10, 3)
        .decode(&[Tensor { shape: &[1, 3, 6], values: rows.as_flattened() }])
        .unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(near(found[0], [0.0, 0.1, 0.2, 1.0], 2, 0.95), "{found:?}");
}

#[test]
fn a_model_with_other_labels_than_its_card_says_is_refused_with_both() {
    let values = vec![0.0; 84 * 10];
    let error =
        decoder(Layout::Yolov8, 3).decode(&[Tensor { shape: &[1, 84, 10], values: &values }]).unwrap_err();
    let sentence = error.to_string();
    assert!(
        sentence.contains("[1, 84, 10]") && sentence.contains("3 labels") && sentence.contains("yolov8"),
        "{sentence}"
    );
    let two = [Tensor { shape: &[1, 84, 10], values: &values }; 2];
    assert_eq!(decoder(Layout::Yolov8, 80).decode(&two), Err(Unfit::Outputs(2)));
    let short = Tensor { shape: &[1, 84, 11], values: &values };
    assert_eq!(decoder(Layout::Yolov8, 80).decode(&[short]), Err(Unfit::Numbers(840)));
    let vast = Tensor { shape: &[1, 84, usize::MAX], values: &values };
    assert_eq!(decoder(Layout::Yolov8, 80).decode(&[vast]), Err(Unfit::Numbers(840)));
}

fn any_number() -> impl Strategy<Value = f32> {
    prop_oneof![
        6 => 0.0_f32..1.0,
        3 => -500.0_f32..500.0,
        1 => prop_oneof![Just(f32::NAN), Just(f32::INFINITY), Just(f32::NEG_INFINITY), Just(f32::MAX), Just(-0.0)],
    ]
}

proptest! {
    #[test]
    fn whatever_a_model_says_only_places_in_the_picture_come_out(
        layout in prop_oneof![Just(Layout::Centre), Just(Layout::Yolov5), Just(Layout::Yolov8), Just(Layout::Yolov10)],
        labels in 0_usize..5,
        shape in prop::collection::vec(0_usize..9, 0..5),
        fits in any::<bool>(),
        values in prop::collection::vec(any_number(), 0..600),
    ) {
        let decoder = decoder(layout, labels);
        let places = values.len() / (labels + 5) / 9 * 9;
        let shape = match layout {
            _ if !fits => shape,
            Layout::Centre => vec![1, labels + 4, places / 3, 3],
            Layout::Yolov5 => vec![1, places, labels + 5],
            Layout::Yolov8 => vec![1, labels + 4, places],
            Layout::Yolov10 => vec![1, values.len() / 6, 6],
        };
        let count = shape.iter().product::<usize>().min(values.len());
        let output = Tensor { shape: &shape, values: &values[..count] };
        match decoder.decode(&[output]) {
            Ok(found) => {
                prop_assert!(found.len() <= MOST);
                for (n, one) in found.iter().enumerate() {
                    let place = one.place;
                    prop_assert!((0.0..=1.0).contains(&place.left) && place.right > place.left && place.right <= 1.0);
                    prop_assert!((0.0..=1.0).contains(&place.top) && place.bottom > place.top && place.bottom <= 1.0);
                    prop_assert!((0.3..=1.0).contains(&one.score) && usize::from(one.label) < labels);
                    prop_assert!(n == 0 || found[n - 1].score >= one.score);
                    let double = |other: &Detection| other.label == one.label && other.place.iou(&place) > 0.5;
                    prop_assert!(!found[..n].iter().any(double));
                }
            }
            Err(error) => prop_assert!(error.to_string().len() > 30),
        }
    }
}
