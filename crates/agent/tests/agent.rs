//! The agent against a hub that writes everything down.

#![allow(clippy::unwrap_used, reason = "parts of tests, in which a panic is the finding")]

mod hub;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use hub::{CODE, DEADLINE, Hub, until};
use playhouse_agent::agent::{AgentError, Options, identity, run};
use playhouse_agent::detector::{Detector, Fetched, Loader, Oracle, Oracles};
use playhouse_agent::input::Virtual;
use playhouse_sense::detection::Detection;
use playhouse_sense::enrolment::{AppState, Desired};
use playhouse_sense::observation::{Glimpse, What};
use playhouse_sense::outbox::Limits;
use playhouse_sense::picture::Picture;
use playhouse_sense::scene::{Options as SceneOptions, Scene};
use playhouse_sense::settings::{AppRef, ModelRef, Settings};
use serde_json::json;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

fn scene() -> SceneOptions {
    SceneOptions { fps: 30.0, people: 6, ..SceneOptions::default() }
}

struct Running {
    task: JoinHandle<Result<(), AgentError>>,
    end: Option<oneshot::Sender<()>>,
}

impl Running {
    async fn end(mut self) -> Result<(), AgentError> {
        self.end.take().unwrap().send(()).ok();
        tokio::time::timeout(DEADLINE, self.task).await.expect("it ends").unwrap()
    }

    async fn ended(self) -> AgentError {
        tokio::time::timeout(DEADLINE, self.task).await.expect("it ends").unwrap().unwrap_err()
    }
}

fn options(server: String, state: &Path, code: Option<&str>) -> Options {
    Options {
        server: Some(server),
        code: code.map(str::to_owned),
        state: state.to_owned(),
        limits: Limits::default(),
    }
}

async fn start_with(
    hub: &Hub,
    state: &Path,
    code: Option<&str>,
    loader: Arc<dyn Loader>,
) -> Result<Running, AgentError> {
    let options = options(hub.url(), state, code);
    let (folder, identity) = identity(&options).await?;
    let (end, ended) = oneshot::channel::<()>();
    let input = Box::new(Virtual::new(scene()));
    let task = tokio::spawn(async move {
        let ended = async { drop(ended.await) };
        Box::pin(run(folder, identity, options.limits, input, loader, ended)).await
    });
    Ok(Running { task, end: Some(end) })
}

async fn start(hub: &Hub, state: &Path, code: Option<&str>) -> Result<Running, AgentError> {
    start_with(hub, state, code, Arc::new(Oracles(scene()))).await
}

fn at_the_door(version: u64) -> Desired {
    let settings = Settings { lines: vec![Scene::door()], rate: 30.0, ..Settings::default() };
    Desired { version, settings }
}

fn crossings(hub: &Hub) -> usize {
    hub.events().iter().filter(|(_, event)| matches!(event.what, What::Crossed { .. })).count()
}

/// Nothing is missing and nothing comes twice.
fn assert_whole(hub: &Hub) {
    let mut newest = std::collections::HashMap::new();
    for (epoch, event) in hub.events() {
        let before: &mut u64 = newest.entry(epoch).or_default();
        assert_eq!(event.seq, *before + 1, "events of epoch {epoch:x} follow one another");
        *before = event.seq;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sensor_is_enrolled_once_and_counts_who_crosses() {
    let (hub, place) = (Hub::start().await, tempfile::tempdir().unwrap());
    let error = start(&hub, place.path(), Some("NOTA-CODE")).await.err().unwrap().to_string();
    assert!(
        error.contains("does not take this code: this code is not known, or was used already"),
        "{error}"
    );
    assert!(matches!(start(&hub, place.path(), None).await.err().unwrap(), AgentError::NotEnrolled));
    hub.desire("s1", &at_the_door(1));
    let agent = start(&hub, place.path(), Some("abcd-efgh")).await.unwrap();
    until("three people cross", || crossings(&hub) >= 3).await;
    until("it says how it is", || hub.health().is_some_and(|health| health.fps > 0.0)).await;
    let reported = hub.reported().unwrap();
    assert_eq!((reported.version, reported.refused, reported.input.as_str()), (1, None, "virtual"));
    assert_eq!((reported.size, reported.pictures), ((320, 240), cfg!(feature = "pictures")));
    agent.end().await.unwrap();
    let before = crossings(&hub);
    let agent = start(&hub, place.path(), None).await.unwrap();
    until("more people cross", || crossings(&hub) > before).await;
    agent.end().await.unwrap();
    assert_whole(&hub);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_at_the_address_is_said_with_what_to_do() {
    let place = tempfile::tempdir().unwrap();
    let options = |server: &str| options(server.to_owned(), place.path(), Some(CODE));
    let error = identity(&options("http://127.0.0.1:1")).await.unwrap_err().to_string();
    assert!(error.starts_with("nobody answers at 127.0.0.1:1"), "{error}");
    assert!(error.contains("is `playhouse serve` running there"), "{error}");
    let error = identity(&options("127.0.0.1:7000")).await.unwrap_err().to_string();
    assert!(error.contains("is no address of a server"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_while_the_link_is_cut_is_told_afterwards_and_once() {
    let (hub, place) = (Hub::start().await, tempfile::tempdir().unwrap());
    hub.desire("s1", &at_the_door(1));
    let agent = start(&hub, place.path(), Some(CODE)).await.unwrap();
    until("somebody crosses", || crossings(&hub) >= 1).await;
    // The hub takes a batch and dies before it says so.
    hub.answer(false);
    let batches = hub.of_kind("/batch").len();
    until("a batch that nobody acknowledges", || hub.of_kind("/batch").len() > batches).await;
    hub.open(false);
    let (connections, told) = (hub.connections(), hub.events().len());
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(hub.events().len(), told);
    hub.answer(true);
    hub.open(true);
    until("it comes back", || hub.connections() > connections).await;
    until("it tells what happened", || hub.events().len() > told + 3).await;
    // The agent ends without a link, and what it could not tell is told by its next life.
    hub.open(false);
    agent.end().await.unwrap();
    let told = hub.events().len();
    hub.open(true);
    let agent = start(&hub, place.path(), None).await.unwrap();
    until("it goes on", || hub.events().len() > told + 5).await;
    agent.end().await.unwrap();
    assert_whole(&hub);
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_cannot_be_are_refused_in_words_and_the_old_ones_go_on() {
    let (hub, place) = (Hub::start().await, tempfile::tempdir().unwrap());
    hub.desire("s1", &at_the_door(1));
    let agent = start(&hub, place.path(), Some(CODE)).await.unwrap();
    until("settings are followed", || hub.reported().is_some_and(|reported| reported.version == 1)).await;
    let mut outside = at_the_door(2);
    outside.settings.lines[0].from.x = 1.5;
    hub.desire("s1", &outside);
    until("they are refused", || hub.reported().is_some_and(|reported| reported.version == 2)).await;
    let refused = hub.reported().unwrap().refused.unwrap();
    assert!(refused.starts_with("Door lies outside the picture"), "{refused}");
    hub.say("s1", "desired", &json!({ "version": 3, "settings": { "colour": "red" } }));
    let named = |hub: &Hub| hub.reported().and_then(|reported| reported.refused).unwrap_or_default();
    until("nonsense is named", || named(&hub).contains("unknown field `colour`")).await;
    let before = crossings(&hub);
    until("the old line still counts", || crossings(&hub) > before).await;
    hub.desire("s1", &at_the_door(4));
    until("good ones are followed", || {
        hub.reported().is_some_and(|reported| reported.version == 4 && reported.refused.is_none())
    })
    .await;
    agent.end().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_renewed_before_it_ends_and_the_link_uses_the_new_one() {
    let (hub, place) = (Hub::start().await, tempfile::tempdir().unwrap());
    hub.set_lifetime(Duration::from_secs(3));
    let options = options(hub.url(), place.path(), Some(CODE));
    let (folder, _) = identity(&options).await.unwrap();
    drop(folder);
    hub.set_lifetime(Duration::from_hours(24));
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    let agent = start(&hub, place.path(), None).await.unwrap();
    until("it is renewed", || hub.renewed() == 1).await;
    until("it is linked", || hub.reported().is_some()).await;
    agent.end().await.unwrap();
    // The new one is kept.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let connections = hub.connections();
    let agent = start(&hub, place.path(), None).await.unwrap();
    until("it is linked", || hub.connections() > connections).await;
    agent.end().await.unwrap();
    assert_eq!(hub.renewed(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_has_ended_says_what_to_do() {
    let (hub, place) = (Hub::start().await, tempfile::tempdir().unwrap());
    hub.set_lifetime(Duration::from_secs(1));
    let options = options(hub.url(), place.path(), Some(CODE));
    let (folder, _) = identity(&options).await.unwrap();
    drop(folder);
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    let error = start(&hub, place.path(), None).await.unwrap().ended().await.to_string();
    assert!(error.contains("has ended") && error.contains("start again with --code"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sensor_that_is_revoked_ends_with_the_reason() {
    let (hub, place) = (Hub::start().await, tempfile::tempdir().unwrap());
    let agent = start(&hub, place.path(), Some(CODE)).await.unwrap();
    until("it is linked", || hub.reported().is_some()).await;
    hub.revoke();
    let error = agent.ended().await.to_string();
    assert!(error.contains("it was revoked or removed. Ask an owner for a new code"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn glimpses_are_sent_while_somebody_looks_and_not_otherwise() {
    let (hub, place) = (Hub::start().await, tempfile::tempdir().unwrap());
    hub.desire("s1", &at_the_door(1));
    let agent = start(&hub, place.path(), Some(CODE)).await.unwrap();
    until("somebody crosses", || crossings(&hub) >= 1).await;
    assert!(hub.of_kind("/glimpse").is_empty());
    hub.say("s1", "ask", &json!({ "ask": "glimpses", "seconds": 1 }));
    until("glimpses come", || hub.of_kind("/glimpse").len() >= 10).await;
    let glimpses = || hub.of_kind("/glimpse").len();
    let mut seen = 0;
    until("and end", || {
        let ended = glimpses() == seen;
        seen = glimpses();
        std::thread::sleep(Duration::from_millis(300));
        ended
    })
    .await;
    let frames: Vec<u64> =
        hub.of_kind("/glimpse").iter().map(|bytes| Glimpse::decode(bytes).unwrap().frame).collect();
    assert!(frames.windows(2).all(|two| two[0] < two[1]));
    agent.end().await.unwrap();
}

/// Loads models whose bytes say what they do.
struct Acting(AtomicU32);

struct Actor {
    inside: Oracle,
    model: Option<ModelRef>,
    fails: bool,
}

impl Loader for Acting {
    fn load(&self, model: Option<&Fetched>) -> Result<Box<dyn Detector>, String> {
        self.0.fetch_add(1, Ordering::Relaxed);
        if let Some(rubbish) = model.filter(|model| model.bytes == b"rubbish") {
            return Err(format!("{} is no ONNX file", rubbish.model.name));
        }
        assert!(model.is_none_or(|model| model.card == b"card"));
        let fails = model.is_some_and(|model| model.bytes == b"fails");
        let model = model.map(|model| model.model.clone());
        Ok(Box::new(Actor { inside: Oracle::new(scene()), model, fails }))
    }
}

impl Detector for Actor {
    fn detect(&mut self, picture: &Picture, floor: f32) -> Result<Vec<Detection>, String> {
        if self.fails { Err("a shape does not fit".to_owned()) } else { self.inside.detect(picture, floor) }
    }

    fn labels(&self) -> Vec<String> {
        self.inside.labels()
    }

    fn model(&self) -> Option<ModelRef> {
        self.model.clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn models_are_swapped_without_a_lost_picture_and_bad_ones_are_given_back() {
    let (hub, place) = (Hub::start().await, tempfile::tempdir().unwrap());
    hub.desire("s1", &at_the_door(1));
    let agent =
        start_with(&hub, place.path(), Some(CODE), Arc::new(Acting(AtomicU32::new(0)))).await.unwrap();
    let refused = || hub.reported().and_then(|reported| reported.refused).unwrap_or_default();
    let looks = || hub.reported().and_then(|reported| reported.model).map(|model| model.name);
    let wanted = |version: u64, name: &str, bytes: &[u8]| {
        let model = ModelRef { name: name.to_owned(), hash: blake3::hash(bytes).to_hex().to_string() };
        hub.add_model(&model.hash, bytes);
        let mut desired = at_the_door(version);
        desired.settings.model = Some(model);
        // Every picture goes to the detector, so that a trial ends soon.
        desired.settings.gate = false;
        desired
    };
    until("it is linked", || hub.reported().is_some()).await;
    hub.say("s1", "ask", &json!({ "ask": "glimpses", "seconds": 60 }));
    until("glimpses come", || !hub.of_kind("/glimpse").is_empty()).await;
    hub.desire("s1", &wanted(2, "door", b"works"));
    until("the new model looks", || looks().as_deref() == Some("door")).await;
    hub.desire("s1", &wanted(3, "rubbish", b"rubbish"));
    until("rubbish is named", || refused() == "rubbish is no ONNX file").await;
    assert_eq!(looks().as_deref(), Some("door"), "what looked before goes on");
    let mut damaged = wanted(4, "damaged", b"whole");
    hub.add_model(&damaged.settings.model.as_ref().unwrap().hash, b"other");
    hub.desire("s1", &damaged);
    until("a wrong hash is named", || refused().contains("its hash is not the one that was asked for")).await;
    damaged.version = 5;
    // The one that looks has passed its trial by now, or the next one would be judged against what was before it.
    let seen = hub.of_kind("/glimpse").len();
    until("a trial's worth of pictures", || hub.of_kind("/glimpse").len() > seen + 110).await;
    hub.desire("s1", &wanted(6, "failing", b"fails"));
    until("it is given back", || refused().contains("the model before it looks again")).await;
    assert!(refused().starts_with("failing failed at 3 of "), "{}", refused());
    assert_eq!(looks().as_deref(), Some("door"));
    let frames: Vec<u64> =
        hub.of_kind("/glimpse").iter().map(|bytes| Glimpse::decode(bytes).unwrap().frame).collect();
    let dropped = hub.health().map_or(0, |health| health.dropped);
    let missing: u64 = frames.windows(2).map(|two| two[1] - two[0] - 1).sum();
    // On a machine that is busy with other things the camera itself skips frames; a swap costs none.
    assert!(missing <= dropped + frames.len() as u64 / 10, "{missing} of {} are missing", frames.len());
    agent.end().await.unwrap();
    assert!(place.path().join("models").join(blake3::hash(b"works").to_hex().as_str()).exists());
    assert_whole(&hub);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_picture_leaves() {
    let (hub, place) = (Hub::start().await, tempfile::tempdir().unwrap());
    hub.desire("s1", &at_the_door(1));
    let agent = start(&hub, place.path(), Some(CODE)).await.unwrap();
    until("it is linked", || hub.reported().is_some()).await;
    hub.say("s1", "ask", &json!({ "ask": "glimpses", "seconds": 60 }));
    until("it has said much", || hub.heard().len() > 60 && crossings(&hub) >= 2).await;
    agent.end().await.unwrap();
    // Rows of the pictures of those frames, some pixels long: none of them may be in anything that was said.
    let scene = Scene::new(scene());
    let mut picture = Picture::black(0, 0);
    let mut rows = std::collections::HashSet::new();
    for bytes in hub.of_kind("/glimpse").iter().take(10) {
        scene.render(Glimpse::decode(bytes).unwrap().frame, &mut picture);
        rows.extend(picture.rgb().windows(12).map(<[u8]>::to_vec));
    }
    assert!(rows.len() > 10_000);
    let asked = hub.requests().into_iter().filter(|path| !path.ends_with("/enrol")).collect::<Vec<_>>();
    assert!(asked.is_empty(), "{asked:?}");
    for (topic, payload) in hub.heard() {
        assert!(payload.len() < 4_096, "{topic} has {} bytes", payload.len());
        let known = ["/batch", "/glimpse", "/health", "/reported"].iter().any(|kind| topic.ends_with(kind));
        assert!(known, "{topic}");
        assert!(!payload.windows(12).any(|some| rows.contains(some)), "{topic} has pixels");
    }
}

/// The other half of this is in the tests of the server, which has a model to ask.
#[tokio::test(flavor = "multi_thread")]
#[cfg(not(feature = "pictures"))]
async fn an_agent_built_without_pictures_refuses_to_send_any() {
    let (hub, place) = (Hub::start().await, tempfile::tempdir().unwrap());
    hub.desire("s1", &at_the_door(1));
    let agent = start(&hub, place.path(), Some(CODE)).await.unwrap();
    until("settings are followed", || hub.reported().is_some_and(|reported| reported.version == 1)).await;
    let mut desired = at_the_door(2);
    desired.settings.crops = true;
    hub.desire("s1", &desired);
    until("crops are refused", || hub.reported().is_some_and(|reported| reported.version == 2)).await;
    let reported = hub.reported().unwrap();
    assert!(reported.refused.unwrap().starts_with("this agent was built without pictures"));
    assert!(!reported.pictures && !reported.crops);
    agent.end().await.unwrap();
}

/// Everything that can be said, by name: a variant for pictures would have to be added here, and only with the feature.
#[test]
#[cfg(not(feature = "pictures"))]
fn there_is_no_message_that_could_hold_a_picture() {
    use playhouse_agent::link::Message;
    let name = |message: &Message| match message {
        Message::Batch(_) => "observations",
        Message::Glimpse(_) => "places of things",
        Message::Health(_) => "figures",
        Message::Reported(_) => "settings",
    };
    assert_eq!(name(&Message::Glimpse(Vec::new())), "places of things");
}

/// An app that says `beat` whenever it is told the time.
const BEATS: &str = r#"(module (import "playhouse" "emit" (func $emit (param i32 i32 f64)))
    (memory (export "memory") 1) (data (i32.const 0) "beat")
    (func (export "playhouse_abi") (result i32) i32.const 1)
    (func (export "alloc") (param i32) (result i32) i32.const 0)
    (func (export "observe") (param i32 i32))
    (func (export "tick") (param i64) (call $emit (i32.const 0) (i32.const 4) (f64.const 1))))"#;

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_is_not_there_yet_is_waited_for_and_one_that_was_runs_again_without_the_hub() {
    let (hub, place) = (Hub::start().await, tempfile::tempdir().unwrap());
    let bytes = wat::parse_str(BEATS).unwrap();
    let hash = |bytes: &[u8]| blake3::hash(bytes).to_hex().to_string();
    let app = |name: &str, bytes: &[u8]| AppRef { name: name.to_owned(), hash: hash(bytes) };
    let is = |name: &str, state: AppState| {
        let apps = hub.reported().map(|reported| reported.apps).unwrap_or_default();
        apps.iter().any(|app| app.name == name && app.state == state)
    };
    let beats = || {
        let of = |event: &What| matches!(event, What::App { app, .. } if app == "heart");
        hub.events().iter().filter(|(_, event)| of(&event.what)).count()
    };
    hub.add_model(&hash(&bytes), &bytes);
    let mut desired = at_the_door(1);
    desired.settings.apps = vec![app("absent", b"absent"), app("heart", &bytes)];
    hub.desire("s1", &desired);
    let agent = start(&hub, place.path(), Some(CODE)).await.unwrap();
    until("one is waited for", || is("absent", AppState::Waiting)).await;
    until("the other one runs all the same", || is("heart", AppState::Running) && beats() > 0).await;
    // There at last; and no module at all.
    hub.add_model(&hash(b"absent"), b"absent");
    until("what is no module is refused", || is("absent", AppState::Stopped)).await;
    agent.end().await.unwrap();
    let asked = |hub: &Hub| hub.requests().iter().filter(|path| path.contains(&hash(&bytes))).count();
    let (before, requests) = (beats(), asked(&hub));
    let agent = start(&hub, place.path(), None).await.unwrap();
    until("it runs again", || beats() > before).await;
    assert_eq!((requests, asked(&hub)), (1, 1), "its bytes were kept");
    agent.end().await.unwrap();
    assert_whole(&hub);
}
