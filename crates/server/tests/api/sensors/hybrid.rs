//! Sensors that ask the house's larger model: who may, what is answered, and what is written down of it.

use std::io::Cursor;

use image::imageops::{FilterType, replace, resize};
use image::{ImageFormat, RgbImage};
use playhouse_sense::cascade::CELLS;
use playhouse_sense::cascade::mosaic::{CELL, HEIGHT, WIDTH};
use playhouse_sense::geometry::Rect;
use playhouse_sense::picture::Picture;
use playhouse_sense::scene::{LABELS, Options, Scene};
use serde_json::{Value, json};

use super::device::Device;
use super::listening;
use crate::http::{Client, Reply};

/// Pictures side by side as a sensor sends them; what is larger than a cell is made smaller.
fn laid(crops: &[RgbImage]) -> Vec<u8> {
    let mut whole = RgbImage::new(WIDTH, HEIGHT);
    for (cell, crop) in (0..).zip(crops) {
        let scale = |of: u32, most: u32| f64::from(most) / f64::from(of);
        let scale = scale(crop.width(), CELL.0).min(scale(crop.height(), CELL.1)).min(1.0);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "smaller than a cell")]
        let length = |length: u32| ((f64::from(length) * scale) as u32).max(1);
        let crop = resize(crop, length(crop.width()), length(crop.height()), FilterType::Triangle);
        let x = cell % 2 * CELL.0 + (CELL.0 - crop.width()) / 2;
        let y = cell / 2 * CELL.1 + (CELL.1 - crop.height()) / 2;
        replace(&mut whole, &crop, x.into(), y.into());
    }
    let mut bytes = Cursor::new(Vec::new());
    whole.write_to(&mut bytes, ImageFormat::Jpeg).unwrap();
    bytes.into_inner()
}

/// Somebody of a drawn scene, from four sides.
fn somebody() -> Vec<u8> {
    let scene = Scene::new(Options { seed: 3, ..Options::default() });
    let (mut crops, mut picture) = (Vec::new(), Picture::black(0, 0));
    for frame in (0..3_000).step_by(15) {
        let truth = scene.truth(frame);
        let person = |label: u16| LABELS[usize::from(label)] == "person";
        let clear = truth.figures.iter().find(|one| person(one.label) && one.visible > 0.95);
        let Some(figure) = clear.filter(|_| crops.len() < CELLS) else { continue };
        scene.render(frame, &mut picture);
        let (width, height) = (picture.width(), picture.height());
        let whole = u32::try_from(width).unwrap();
        let whole =
            RgbImage::from_raw(whole, u32::try_from(height).unwrap(), picture.rgb().to_vec()).unwrap();
        let Rect { left, top, right, bottom } = figure.place;
        let (x, y) = ((right - left) * 0.1, (bottom - top) * 0.1);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "parts of a small picture"
        )]
        let pixels = |part: f32, of: usize| (part.clamp(0.0, 1.0) * of as f32) as u32;
        let (left, right) = (pixels(left - x, width), pixels(right + x, width));
        let (top, bottom) = (pixels(top - y, height), pixels(bottom + y, height));
        crops.push(image::imageops::crop_imm(&whole, left, top, right - left, bottom - top).to_image());
    }
    assert_eq!(crops.len(), CELLS);
    laid(&crops)
}

/// Nobody, from four sides.
fn floor() -> Vec<u8> {
    laid(&vec![RgbImage::from_pixel(CELL.0, CELL.1, image::Rgb([90; 3])); CELLS])
}

async fn allow(owner: &Client, device: &Device, crops: bool) {
    owner.patch(&format!("/api/sensors/{}/desired", device.id), json!({"crops": crops})).await.expect(200);
}

async fn ask(device: &Device, about: &str, mosaic: &[u8]) -> Reply {
    device.send("POST", &format!("/ask?{about}"), "image/jpeg", mosaic).await
}

/// What is written down of a sensor's questions, newest first.
async fn asks(owner: &Client, id: &str) -> Vec<Value> {
    let list = owner.get(&format!("/api/sensors/{id}/asks")).await.expect(200).json();
    list["asks"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_crop_is_taken_unless_the_owner_allows_it() {
    let house = listening().await;
    let owner = house.owner().await;
    let device = Device::new(&house, &owner, "Door").await;
    let mosaic = somebody();
    let problem = ask(&device, "track=7&label=box", &mosaic).await.problem(403, "not-allowed");
    assert!(problem["detail"].as_str().unwrap().contains("may not send crops"), "{problem}");
    let sensor = owner.get(&format!("/api/sensors/{}", device.id)).await.expect(200).json();
    assert_eq!(sensor["troubles"]["refused"], 1, "{sensor}");
    allow(&owner, &device, true).await;
    ask(&device, "track=7&label=box", &mosaic).await.expect(200);
    allow(&owner, &device, false).await;
    ask(&device, "track=7&label=box", &mosaic).await.problem(403, "not-allowed");
    allow(&owner, &device, true).await;
    owner.post(&format!("/api/sensors/{}/revoke", device.id), json!({})).await.expect(200);
    ask(&device, "track=7&label=box", &mosaic).await.problem(403, "not-allowed");
    assert_eq!(asks(&owner, &device.id).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_larger_model_says_who_it_is_and_the_owner_sees_that_it_was_asked() {
    let house = listening().await;
    let (owner, player) = (house.owner().await, house.player().await);
    let device = Device::new(&house, &owner, "Door").await;
    let other = Device::new(&house, &owner, "Other").await;
    allow(&owner, &device, true).await;
    let mosaic = somebody();
    let verdict = ask(&device, "track=7&label=box", &mosaic).await.expect(200).json();
    assert_eq!(verdict, json!({"track": 7, "label": "person"}));
    let nothing = floor();
    let verdict = ask(&device, "track=4294967295&label=person", &nothing).await.expect(200).json();
    assert_eq!(verdict, json!({"track": u32::MAX, "label": null}));
    // A single crop, and a black one: that says nothing.
    let dark = laid(&[]);
    let problem = ask(&device, "track=8&label=box", &dark).await.problem(422, "invalid");
    let asks = asks(&owner, &device.id).await;
    let told = |ask: &Value| json!([ask["track"], ask["bytes"], ask["asked"], ask["answer"]]);
    assert!(problem["detail"].as_str().unwrap().contains("not sure either"), "{problem}");
    assert_eq!(told(&asks[0]), json!([8, dark.len(), "box", null]));
    assert_eq!(told(&asks[1]), json!([u32::MAX, nothing.len(), "person", null]));
    assert_eq!(told(&asks[2]), json!([7, mosaic.len(), "box", "person"]));
    assert_eq!(asks.len(), 3);
    let path = format!("/api/sensors/{}/asks", device.id);
    let older = owner.get(&format!("{path}?limit=1&before={}", asks[0]["id"])).await.expect(200).json();
    assert_eq!(older["asks"], json!([asks[1]]));
    player.get(&path).await.problem(403, "not-allowed");
    assert!(super::hybrid::asks(&owner, &other.id).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_question_is_refused_in_words_and_leaves_no_record() {
    let house = listening().await;
    let owner = house.owner().await;
    let device = Device::new(&house, &owner, "Door").await;
    allow(&owner, &device, true).await;
    let mosaic = somebody();
    let problem = ask(&device, "track=1&label=box", b"rubbish").await.problem(422, "invalid");
    assert!(problem["detail"].as_str().unwrap().contains("no JPEG picture"), "{problem}");
    let problem = ask(&device, "track=1&label=unicorn", &mosaic).await.problem(422, "invalid");
    assert!(problem["detail"].as_str().unwrap().contains("does not know “unicorn”"), "{problem}");
    ask(&device, "track=1", &mosaic).await.problem(422, "invalid");
    ask(&device, "track=-1&label=box", &mosaic).await.problem(422, "invalid");
    ask(&device, &format!("track=1&label={}", "x".repeat(300)), &mosaic).await.problem(422, "invalid");
    ask(&device, "track=1&label=box", &vec![0; 65 << 10]).await.problem(413, "too-large");
    let wrong = device.send("POST", "/ask?track=1&label=box", "image/png", &mosaic).await;
    wrong.problem(415, "wrong-type");
    assert!(asks(&owner, &device.id).await.is_empty());
    let sensor = owner.get(&format!("/api/sensors/{}", device.id)).await.expect(200).json();
    assert_eq!(sensor["troubles"]["malformed"], 1, "{sensor}");
    ask(&device, "track=1&label=box", &mosaic).await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sensor_asks_one_question_at_a_time() {
    let house = listening().await;
    let owner = house.owner().await;
    let device = Device::new(&house, &owner, "Door").await;
    allow(&owner, &device, true).await;
    let mosaic = somebody();
    let all =
        futures_util::future::join_all((0..8).map(|_| ask(&device, "track=1&label=box", &mosaic))).await;
    for reply in &all {
        if reply.status != 200 {
            let problem = reply.problem(429, "too-many-requests");
            assert_eq!(
                (&problem["retry_after_seconds"], reply.header("retry-after")),
                (&json!(1), Some("1"))
            );
        }
    }
    assert_eq!(all.iter().filter(|reply| reply.status == 200).count(), asks(&owner, &device.id).await.len());
    assert!(all.iter().any(|reply| reply.status == 200));
}

/// The agent itself. Where it is built without its feature `pictures` there is nothing to see.
mod with_pictures {
    use std::sync::Arc;

    use playhouse_agent::detector::{Detector, Fetched, Loader, Oracle};
    use playhouse_sense::detection::{Detection, Label};
    use playhouse_sense::settings::ModelRef;

    use super::super::beside::{self, Running};
    use super::*;
    use crate::house::House;

    /// Finds everything, is sure of nothing, and calls each thing by the name of another.
    struct Unsure(Oracle);

    struct Unsures;

    fn scene() -> Options {
        Options { fps: 15.0, people: 6, ..Options::default() }
    }

    impl Loader for Unsures {
        fn load(&self, _model: Option<&Fetched>) -> Result<Box<dyn Detector>, String> {
            Ok(Box::new(Unsure(Oracle::new(scene()))))
        }
    }

    impl Detector for Unsure {
        fn detect(&mut self, picture: &Picture, floor: f32) -> Result<Vec<Detection>, String> {
            let found = self.0.detect(picture, floor)?;
            let other = |label: Label| (label + 1) % Label::try_from(LABELS.len()).unwrap();
            Ok(found
                .into_iter()
                .map(|one| Detection { label: other(one.label), score: 0.5, ..one })
                .collect())
        }

        fn labels(&self) -> Vec<String> {
            self.0.labels()
        }

        fn model(&self) -> Option<ModelRef> {
            None
        }
    }

    /// An agent that is unsure; the sensor's path in the API with it.
    async fn start(house: &House, owner: &Client) -> (String, Running) {
        beside::start(house, owner, scene(), Arc::new(Unsures)).await
    }

    fn count(list: &Value, of: &str) -> usize {
        list[of].as_array().map_or(0, Vec::len)
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_sensor_that_may_asks_what_it_is_unsure_of_and_corrects_itself() {
        if !playhouse_agent::SENDS_CROPS {
            return;
        }
        let house = listening().await;
        let owner = house.owner().await;
        let (path, running) = start(&house, &owner).await;
        let sensor = house.until_at(&owner, &path, |sensor| sensor["reported"]["pictures"] == true).await;
        assert_eq!(sensor["reported"]["crops"], Value::Null, "{sensor}");
        owner.patch(&format!("{path}/desired"), json!({"crops": true})).await.expect(200);
        house.until_at(&owner, &path, |sensor| sensor["reported"]["crops"] == true).await;
        let corrected = format!("{path}/events?kind=corrected");
        let events = house.until_at(&owner, &corrected, |events| count(events, "events") >= 2).await;
        let asked = owner.get(&format!("{path}/asks?limit=200")).await.expect(200).json();
        for event in events["events"].as_array().unwrap() {
            let what = &event["what"]["Corrected"];
            let ask = asked["asks"].as_array().unwrap().iter().find(|ask| ask["track"] == what["track"]);
            let answer = ask.map_or_else(|| panic!("{what} of {asked}"), |ask| &ask["answer"]);
            let name = what["label"].as_u64().map(|label| LABELS[usize::try_from(label).unwrap()]);
            assert_eq!(answer.as_str(), name, "{what}");
        }
        assert!(asked["asks"].as_array().unwrap().iter().any(|ask| ask["answer"] == "person"), "{asked}");
        let answered = |sensor: &Value| sensor["health"]["crops"]["answered"].as_u64() > Some(0);
        let sensor = house.until_at(&owner, &path, answered).await;
        assert!(sensor["health"]["crops"]["bytes"].as_u64() > Some(1_000), "{sensor}");
        running.end().await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_sensor_that_may_not_sends_no_crop() {
        if !playhouse_agent::SENDS_CROPS {
            return;
        }
        let house = listening().await;
        let owner = house.owner().await;
        let (path, running) = start(&house, &owner).await;
        // By then somebody was followed for long enough that a mosaic would have been complete.
        let left = format!("{path}/events?kind=left");
        house.until_at(&owner, &left, |events| count(events, "events") >= 2).await;
        let sensor = owner.get(&path).await.expect(200).json();
        assert_eq!((&sensor["troubles"]["refused"], &sensor["health"]["crops"]), (&json!(0), &Value::Null));
        assert_eq!(count(&owner.get(&format!("{path}/asks")).await.expect(200).json(), "asks"), 0);
        running.end().await;
    }
}
