//! The agent itself, beside a virtual camera.

use std::sync::Arc;

use playhouse_agent::agent::{self, AgentError};
use playhouse_agent::detector::Loader;
use playhouse_agent::input::Virtual;
use playhouse_sense::scene::Options;
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::house::House;
use crate::http::Client;

pub(crate) struct Running {
    task: JoinHandle<Result<(), AgentError>>,
    end: oneshot::Sender<()>,
    _state: TempDir,
}

/// An agent that sees a scene; the sensor's path in the API with it.
pub(crate) async fn start(
    house: &House,
    owner: &Client,
    scene: Options,
    loader: Arc<dyn Loader>,
) -> (String, Running) {
    let made = owner.post("/api/sensors", json!({"name": "Door"})).await.expect(201).json();
    let state = tempfile::tempdir().unwrap();
    let options = agent::Options {
        server: Some(format!("http://{}", house.nobody.address)),
        code: made["code"].as_str().map(str::to_owned),
        state: state.path().to_owned(),
        limits: playhouse_sense::outbox::Limits::default(),
    };
    let (folder, identity) = agent::identity(&options).await.unwrap();
    let (end, ended) = oneshot::channel::<()>();
    let input = Box::new(Virtual::new(scene));
    let task = tokio::spawn(async move {
        let ended = async { drop(ended.await) };
        Box::pin(agent::run(folder, identity, options.limits, input, loader, ended)).await
    });
    let path = format!("/api/sensors/{}", made["sensor"]["id"].as_str().unwrap());
    (path, Running { task, end, _state: state })
}

impl Running {
    pub(crate) async fn end(self) {
        self.end.send(()).unwrap();
        self.task.await.unwrap().unwrap();
    }
}
