//! Devices of AITRIOS: what is written is read, and what is damaged is refused or passed over.

use proptest::prelude::*;

use super::*;
use crate::geometry::Rect;

const SIZE: Size = (300, 200);

fn detection(left: f32, top: f32, right: f32, bottom: f32) -> Detection {
    Detection { place: Rect { left, top, right, bottom }, label: 3, score: 0.75 }
}

fn two() -> Vec<Detection> {
    let second = Detection { label: 90, score: 0.5, ..detection(0.5, 0.0, 1.0, 0.25) };
    vec![detection(0.25, 0.5, 0.5, 1.0), second]
}

fn near(one: &Detection, other: &Detection, by: f32) -> bool {
    let edges = |rect: Rect| [rect.left, rect.top, rect.right, rect.bottom];
    one.label == other.label
        && one.score.to_bits() == other.score.to_bits()
        && edges(one.place).iter().zip(edges(other.place)).all(|(one, other)| (one - other).abs() <= by)
}

/// Whether each is in the picture, and as sure as something can be.
fn sound(found: &[Detection]) -> bool {
    let within = |from: f32, to: f32| 0.0 <= from && from < to && to <= 1.0;
    found.len() <= MOST
        && found.iter().all(|Detection { place, score, .. }| {
            within(place.left, place.right) && within(place.top, place.bottom) && (0.0..=1.0).contains(score)
        })
}

/// Metadata of one thing with these numbers, whatever they say.
fn one(class: u32, kind: u8, score: f32, edges: [i32; 4]) -> Vec<u8> {
    let mut bytes = layout::head(1);
    layout::put(&mut bytes, 4);
    layout::put_object(&mut bytes, class, kind, score, edges);
    bytes
}

#[test]
fn pixels_of_the_input_become_fractions_of_the_picture() {
    let found = read(&one(7, BOX_2D, 0.5, [0, 0, 299, 199]), SIZE).unwrap();
    assert_eq!(found, [Detection { label: 7, score: 0.5, ..detection(0.0, 0.0, 1.0, 1.0) }]);
}

#[test]
fn an_empty_picture_is_told_too() {
    assert_eq!(read(&write(&[], SIZE), SIZE), Ok(vec![]));
}

#[test]
fn what_reaches_out_of_the_picture_is_clipped() {
    let found = read(&one(3, BOX_2D, 0.75, [-50, 100, i32::MAX, 199]), (201, 201)).unwrap();
    assert_eq!(found, [detection(0.0, 0.5, 1.0, 0.995)]);
}

#[test]
fn numbers_that_make_no_detection_are_passed_over() {
    let whole = [0, 0, 299, 199];
    for (score, edges) in [
        (f32::NAN, whole),
        (f32::INFINITY, whole),
        (-0.1, whole),
        (200.0, whole),
        (0.5, [100, 0, 50, 199]),
        (0.5, [0, 100, 299, 100]),
        (0.5, [300, 0, 400, 199]),
    ] {
        assert_eq!(read(&one(1, BOX_2D, score, edges), SIZE), Ok(vec![]), "{score} {edges:?}");
    }
    let nothing = detection(f32::NAN, 0.0, 1.0, 1.0);
    assert_eq!(read(&write(&[nothing, two()[1]], SIZE), SIZE).unwrap().len(), 1);
}

#[test]
fn another_schema_is_named_as_the_reason() {
    let error = read(&one(1, 2, 0.5, [0, 0, 9, 9]), SIZE).unwrap_err();
    assert_eq!(error, Error::Box { object: 0, kind: 2 });
    assert!(error.to_string().contains("only BoundingBox2d"), "{error}");
    assert_eq!(
        read(&one(70_000, BOX_2D, 0.5, [0, 0, 9, 9]), SIZE),
        Err(Error::Class { object: 0, class: 70_000 })
    );
}

#[test]
fn what_is_thinner_than_a_pixel_is_not_lost() {
    for thin in [detection(0.0, 0.0, 0.0001, 1.0), detection(0.9999, 0.5, 1.0, 0.5001)] {
        let found = read(&write(&[thin], SIZE), SIZE).unwrap();
        assert!(found.len() == 1 && near(&found[0], &thin, 1.5 / 199.0), "{thin:?} became {found:?}");
    }
}

#[test]
fn the_most_objects_are_taken_and_one_more_is_refused() {
    let bytes = write(&vec![two()[0]; MOST + 1], SIZE);
    assert!(bytes.len() <= LARGEST);
    assert_eq!(read(&bytes, SIZE).unwrap().len(), MOST);
    let mut many = layout::head(MOST + 1);
    many.resize(many.len() + 4 * (MOST + 1), 0);
    assert_eq!(read(&many, SIZE), Err(Error::TooMany(MOST + 1)));
    assert_eq!(read(&vec![0; LARGEST + 1], SIZE), Err(Error::TooLarge(LARGEST + 1)));
}

#[test]
fn metadata_that_was_cut_short_is_refused() {
    let bytes = write(&two(), SIZE);
    for length in 0..bytes.len() {
        let error = read(&bytes[..length], SIZE).expect_err("a part of it");
        assert!(matches!(error, Error::Short(_)), "{length} of {} bytes: {error}", bytes.len());
    }
}

#[test]
fn a_flipped_byte_gives_an_error_or_places_within_the_picture() {
    let bytes = write(&two(), SIZE);
    for at in 0..bytes.len() {
        for mask in 1..=u8::MAX {
            let mut bytes = bytes.clone();
            bytes[at] ^= mask;
            if let Ok(found) = read(&bytes, SIZE) {
                assert!(sound(&found), "{at} ^ {mask}: {found:?}");
            }
        }
    }
}

#[test]
fn a_later_schema_with_more_fields_is_read() {
    // One more slot in the shape of each table with one field, which is the first shape: it is written anew at the end.
    let mut bytes = write(&two(), SIZE);
    let top = usize::from(bytes[0]);
    let shape = bytes.len();
    bytes.extend([8, 0, 8, 0, 4, 0, 0, 0]);
    let back = i32::try_from(top).unwrap() - i32::try_from(shape).unwrap();
    bytes[top..top + 4].copy_from_slice(&back.to_le_bytes());
    assert_eq!(read(&bytes, SIZE).unwrap().len(), 2);
}

fn report() -> Report {
    let found = read(&write(&two(), SIZE), SIZE).unwrap();
    let inferences = vec![
        Inference { at: 1_667_551_213_123, found },
        Inference { at: 0, found: vec![] },
        Inference { at: 4_102_444_799_999, found: vec![] },
    ];
    Report { device: "Aid-80010003".into(), model: "0300001046".into(), image: false, inferences }
}

#[test]
fn a_report_is_read_as_it_was_written() {
    let bytes = report().write(SIZE).unwrap();
    let text = std::str::from_utf8(&bytes).unwrap();
    assert!(text.contains(r#""T":"20221104084013123""#), "{text}");
    assert_eq!(Report::read(&bytes, SIZE).unwrap(), report());
}

#[test]
fn members_that_a_console_adds_are_passed_over() {
    let text = r#"{"DeviceID":"d","ModelID":"m","Image":true,"Inferences":[],"id":"x","_ts":0}"#;
    let read = Report::read(text.as_bytes(), SIZE).unwrap();
    assert_eq!(read, Report { device: "d".into(), model: "m".into(), image: true, inferences: vec![] });
}

#[test]
fn each_thing_that_is_wrong_with_a_report_is_named() {
    let metadata = "JAAAAA==";
    let with = |time: &str, metadata: &str| {
        format!(r#"{{"DeviceID":"d","ModelID":"m","Inferences":[{{"T":"{time}","O":"{metadata}"}}]}}"#)
    };
    let now = "20221104084013123";
    for (text, says) in [
        ("{}".to_owned(), "DeviceID, ModelID"),
        (with("20221304084013123", metadata), "T of inference 0"),
        (with("2022110408401312", metadata), "T of inference 0"),
        (with("2022110408401312é", metadata), "T of inference 0"),
        (with("19691231235959999", metadata), "T of inference 0"),
        (with("20221104084060000", metadata), "T of inference 0"),
        (with(now, "JA=A"), "not base64"),
        (with(now, metadata), "O of inference 0 cannot be read: the metadata ends before its root"),
        (with(now, &"A".repeat(LARGEST_REPORT)), "bytes, and"),
        (with(now, metadata).replace(":\"d\"", &format!(":\"{}\"", "d".repeat(129))), "DeviceID has 129"),
        (
            format!(
                r#"{{"DeviceID":"","ModelID":"","Inferences":[{}{{"T":"","O":""}}]}}"#,
                r#"{"T":"","O":""},"#.repeat(100)
            ),
            "101 inferences",
        ),
    ] {
        let error = Report::read(text.as_bytes(), SIZE).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
    let late = Report { inferences: vec![Inference { at: 253_402_300_800_000, found: vec![] }], ..report() };
    assert!(matches!(late.write(SIZE), Err(Refused::Time(0))));
}

/// So many numbers as the bytes of a tensor.
fn numbers(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

#[test]
fn an_output_tensor_has_its_edges_column_by_column() {
    // Two places; upper edges, left ones, lower ones, right ones, classes, scores, and how many are filled.
    let bytes = numbers(&[0.5, 0.0, 0.25, 0.5, 1.0, 0.25, 0.5, 1.0, 3.0, 90.0, 0.75, 0.5, 2.0]);
    assert_eq!(tensor::read(&bytes).unwrap(), two());
    assert_eq!(tensor::write(&two(), 2).unwrap(), bytes);
}

#[test]
fn places_that_are_not_filled_are_not_read() {
    let mut bytes = tensor::write(&two(), 10).unwrap();
    assert_eq!(tensor::read(&bytes).unwrap(), two());
    let count = bytes.len() - 4;
    for (says, found) in [(0.0, 0), (1.0, 1), (1.9, 2), (10.0, 2), (255.0, 2), (f32::MAX, 2)] {
        bytes[count..].copy_from_slice(&f32::to_le_bytes(says));
        assert_eq!(tensor::read(&bytes).unwrap().len(), found, "{says} filled");
    }
    for says in [-1.0, f32::NAN, f32::INFINITY] {
        bytes[count..].copy_from_slice(&f32::to_le_bytes(says));
        assert!(matches!(tensor::read(&bytes), Err(tensor::Unfit::Count(_))), "{says} filled");
    }
}

#[test]
fn tensors_of_other_lengths_are_refused() {
    let bytes = tensor::write(&two(), 2).unwrap();
    for length in 0..bytes.len() {
        let fits = length == 4 * 7;
        assert_eq!(tensor::read(&bytes[..length]).is_ok(), fits, "{length} bytes");
    }
    assert_eq!(tensor::read(&vec![0; 4 * (6 * (MOST + 1) + 1)]), Err(tensor::Unfit::Length(24_028)));
    assert_eq!(tensor::write(&two(), 1), Err(tensor::Unfit::Places { found: 2, places: 1 }));
    assert_eq!(tensor::write(&[], 0), Err(tensor::Unfit::Places { found: 0, places: 0 }));
}

#[test]
fn a_place_of_a_tensor_that_makes_no_detection_is_passed_over() {
    let thing = |edges: [f32; 4], class: f32, score: f32| {
        let [top, left, bottom, right] = edges;
        tensor::read(&numbers(&[top, left, bottom, right, class, score, 1.0])).unwrap().len()
    };
    let whole = [0.0, 0.0, 1.0, 1.0];
    assert_eq!(thing(whole, 1.0, 0.5), 1);
    assert_eq!(thing(whole, 1.0, f32::NAN) + thing(whole, f32::NAN, 0.5) + thing(whole, -1.0, 0.5), 0);
    assert_eq!(thing(whole, 70_000.0, 0.5) + thing([0.5, 0.0, 0.5, 1.0], 1.0, 0.5), 0);
}

fn any_detection() -> impl Strategy<Value = Detection> {
    (0.0_f32..0.99, 0.0_f32..0.99, 0.001_f32..1.0, 0.001_f32..1.0, any::<Label>(), 0.0_f32..=1.0).prop_map(
        |(left, top, width, height, label, score)| {
            let (right, bottom) = ((left + width).min(1.0), (top + height).min(1.0));
            Detection { place: Rect { left, top, right, bottom }, label, score }
        },
    )
}

proptest! {
    #[test]
    fn what_is_written_is_read_to_the_pixel(
        found in prop::collection::vec(any_detection(), 0..50), width in 2_u16.., height in 2_u16..,
    ) {
        let again = read(&write(&found, (width, height)), (width, height)).unwrap();
        prop_assert_eq!(again.len(), found.len());
        // Half a pixel by rounding, and one where it would have had none.
        let by = 1.5 / f32::from(width.min(height) - 1) + 1e-6;
        for (one, other) in found.iter().zip(&again) {
            prop_assert!(near(one, other, by), "{one:?} became {other:?}");
        }
        // From then on nothing moves.
        prop_assert_eq!(read(&write(&again, (width, height)), (width, height)).unwrap(), again);
    }

    #[test]
    fn a_tensor_is_read_as_it_was_written(found in prop::collection::vec(any_detection(), 1..50), more in 0_usize..20) {
        prop_assert_eq!(tensor::read(&tensor::write(&found, found.len() + more).unwrap()).unwrap(), found);
    }

    #[test]
    fn any_bytes_are_refused_or_give_places_within_the_picture(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(read(&bytes, SIZE).is_ok_and(|found| sound(&found)) || read(&bytes, SIZE).is_err());
        prop_assert!(tensor::read(&bytes).is_ok_and(|found| sound(&found)) || tensor::read(&bytes).is_err());
    }
}
