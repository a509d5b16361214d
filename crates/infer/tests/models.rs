//! What a sensor's owner meets who brings a model: it works, or is refused with the reason.

mod onnx;

use playhouse_infer::{Card, Model, Options, Refused};
use playhouse_sense::card::{Fit, Input, Order, Values};
use playhouse_sense::decode::Layout;
use playhouse_sense::picture::Picture;
use playhouse_sense::scene::{self, Scene};
use playhouse_sense::score::Map;

/// Two people and a car, as a `YOLOv8` with two labels for a picture of 64 x 32 pixels writes them.
const ANSWER: [f32; 18] = [
    16.0, 48.0, 32.0, // middles across
    16.0, 16.0, 24.0, // and down
    8.0, 8.0, 16.0, // widths
    16.0, 16.0, 8.0, // heights
    0.9, 0.7, 0.1, // person
    0.1, 0.2, 0.6, // car
];

fn stranger() -> Vec<u8> {
    onnx::model(&[&[1, 3, 32, 64]], "Relu", &[1, 6, 3], &ANSWER)
}

fn card(bytes: &[u8]) -> Card {
    Card {
        name: "stranger".into(),
        version: "1".into(),
        licence: "AGPL-3.0".into(),
        trained_by: String::new(),
        hash: blake3::hash(bytes).to_hex().to_string(),
        labels: vec!["person".into(), "car".into()],
        output: Layout::Yolov8,
        score: 0.25,
        overlap: 0.5,
        input: Input { width: 64, height: 32, order: Order::Nchw, values: Values::Unit, fit: Fit::Stretch },
        precision: None,
    }
}

fn refused(bytes: &[u8], card: &Card) -> Refused {
    let Err(refused) = Model::open(bytes, card) else { panic!("taken") };
    let sentence = refused.to_string();
    assert!(sentence.len() > 40, "{sentence}");
    refused
}

#[test]
fn a_yolo_of_a_stranger_is_taken_and_looks() {
    let bytes = stranger();
    let mut model = Model::open(&bytes, &card(&bytes)).unwrap();
    for (width, height) in [(64, 32), (320, 240), (1, 1)] {
        let found = model.look(&Picture::black(width, height)).unwrap();
        assert_eq!(found.iter().map(|one| one.label).collect::<Vec<_>>(), [0, 0, 1]);
        let place = found[0].place;
        assert!(
            (place.left - 12.0 / 64.0).abs() < 1e-4 && (place.bottom - 24.0 / 32.0).abs() < 1e-4,
            "{place:?}"
        );
    }
    assert_eq!(model.look(&Picture::black(0, 0)), Err(Refused::NoPicture));
    model.set_score(0.8);
    assert_eq!(model.look(&Picture::black(64, 32)).unwrap().len(), 1);
}

#[test]
fn what_is_found_between_grey_bars_is_placed_in_the_picture() {
    let bytes = stranger();
    let mut card = card(&bytes);
    card.input.fit = Fit::Letterbox;
    let mut model = Model::open(&bytes, &card).unwrap();
    // A square picture fills the middle half of the input, so that a place is twice as wide in it.
    let found = model.look(&Picture::black(100, 100)).unwrap();
    let car = found.iter().find(|one| one.label == 1).unwrap().place;
    assert!(
        (car.left - 0.25).abs() < 1e-4 && (car.right - 0.75).abs() < 1e-4 && (car.top - 0.625).abs() < 1e-4,
        "{car:?}"
    );
}

#[test]
fn a_damaged_model_is_refused() {
    let bytes = stranger();
    for wrong in [&bytes[..bytes.len() / 2], b"no model at all", b"", &[0xff; 300]] {
        assert!(matches!(
            refused(wrong, &card(wrong)),
            Refused::Network(playhouse_infer::runtime::Unusable::Corrupt(_))
        ));
    }
}

/// Whatever byte of a model is wrong, it is refused or still looks; the program goes on.
#[test]
fn no_damage_ends_the_program() {
    let bytes = stranger();
    let mut taken = 0;
    for place in 0..bytes.len() {
        for flip in [0x01, 0xff] {
            let mut wrong = bytes.clone();
            wrong[place] ^= flip;
            match Model::open(&wrong, &card(&wrong)) {
                Ok(_) => taken += 1,
                Err(error) => assert!(error.to_string().len() > 40, "{error}"),
            }
        }
    }
    assert!(taken > 0 && taken < bytes.len() * 2, "{taken}");
}

#[test]
fn a_model_that_is_too_large_is_refused_with_both_sizes() {
    let bytes = stranger();
    let options = Options { largest: 100, ..Options::default() };
    let Err(error) = Model::open_with(&bytes, &card(&bytes), options) else { panic!("taken") };
    assert_eq!(error, Refused::TooLarge(bytes.len(), 100));
}

#[test]
fn a_card_of_another_model_is_refused() {
    let bytes = stranger();
    let mut card = card(&bytes);
    card.hash = blake3::hash(b"another").to_hex().to_string();
    assert!(matches!(refused(&bytes, &card), Refused::Hash(..)));
}

#[test]
fn a_wrong_number_of_labels_is_refused_with_what_the_model_has() {
    let bytes = stranger();
    let mut card = card(&bytes);
    card.labels.push("dog".into());
    let error = refused(&bytes, &card);
    assert!(matches!(error, Refused::Output(_)));
    assert!(error.to_string().contains("[1, 6, 3]") && error.to_string().contains("3 labels"), "{error}");
}

#[test]
fn another_size_than_the_card_says_is_refused_with_both() {
    let bytes = stranger();
    let mut card = card(&bytes);
    card.input.width = 128;
    let sentence = refused(&bytes, &card).to_string();
    assert!(sentence.contains("[1, 3, 32, 64]") && sentence.contains("[1, 3, 32, 128]"), "{sentence}");
    let two = onnx::model(&[&[1, 3, 32, 64], &[1]], "Relu", &[1, 6, 3], &ANSWER);
    assert!(refused(&two, &self::card(&two)).to_string().contains("2 inputs"));
}

#[test]
fn an_operator_that_nobody_has_is_named() {
    let bytes = onnx::model(&[&[1, 3, 32, 64]], "Clairvoyance", &[1, 6, 3], &ANSWER);
    let error = refused(&bytes, &card(&bytes));
    assert!(matches!(error, Refused::Network(playhouse_infer::runtime::Unusable::Operator(_))), "{error:?}");
    assert!(error.to_string().contains("Clairvoyance"), "{error}");
}

#[cfg(not(feature = "ort"))]
#[test]
fn a_runtime_that_is_not_there_is_said_to_be_missing() {
    let bytes = stranger();
    let options = Options { runtime: playhouse_infer::Kind::Ort, ..Options::default() };
    let Err(error) = Model::open_with(&bytes, &card(&bytes), options) else { panic!("taken") };
    assert!(error.to_string().contains("ONNX Runtime"), "{error}");
}

/// The models that come with the program, judged on scenes that they were not trained on.
#[test]
fn the_models_that_come_along_find_people_trolleys_and_boxes() {
    for (name, largest, least) in [("edge", 300_000, 0.85), ("large", 900_000, 0.85)] {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models").join(name);
        let bytes = std::fs::read(folder.join("model.onnx")).unwrap();
        assert!(bytes.len() <= largest, "{name} has {} bytes", bytes.len());
        let card = Card::parse(&std::fs::read_to_string(folder.join("card.toml")).unwrap()).unwrap();
        assert_eq!(card.labels, scene::LABELS);
        let mut model = Model::open(&bytes, &card).unwrap();
        let mut map = Map::new(card.labels.len());
        let mut picture = Picture::black(1, 1);
        for seed in 9_100_000..9_100_006 {
            let scene = Scene::new(scene::Options { seed, ..scene::Options::default() });
            for frame in (0..600).step_by(60) {
                scene.render(frame, &mut picture);
                map.add(&scene.truth(frame).figures, &model.look(&picture).unwrap());
            }
        }
        assert!(map.mean().half > least, "{name}: {:?} {:?}", map.mean(), map.by_label());
        assert!(card.precision.is_some_and(|precision| precision.half > least));
    }
}
