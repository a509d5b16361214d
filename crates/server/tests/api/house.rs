//! A server for one test, with people in it.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use playhouse_live::Hub;
use playhouse_play::control::NetSpec;
use playhouse_server::{Config, ServeError, serve};
use playhouse_store::Store;
use playhouse_store::accounts::Role;
use playhouse_store::sign_ins::For;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::fake::{Air, Fake};
use crate::http::Client;

pub(crate) struct House {
    pub(crate) folder: TempDir,
    pub(crate) node: Arc<Fake>,
    pub(crate) air: Arc<Air>,
    pub(crate) store: Store,
    pub(crate) hub: Arc<Hub>,
    pub(crate) nobody: Client,
    stop: Option<oneshot::Sender<()>>,
    served: Option<JoinHandle<Result<(), ServeError>>>,
}

/// A manifest that this machine can start.
pub(crate) const GAME: &str = "name = \"Good Game\"\nsummary = \"It is good.\"\nhost = \"x11\"\ncommand = [\"game\"]\n\
                               seats = 2\n";

pub(crate) fn write_title(folder: &Path, id: &str, text: &str) {
    let title = folder.join("titles").join(id);
    fs::create_dir_all(&title).unwrap();
    fs::write(title.join("title.toml"), text).unwrap();
}

fn config(path: &Path) -> Config {
    let titles = vec![path.join("titles")];
    let mut config = Config::new(path.join("data"), path.join("run"), titles, NetSpec::default());
    config.programs = vec![path.join("bin")];
    config
}

impl House {
    pub(crate) async fn new() -> Self {
        Self::with(2, |_| {}).await
    }

    pub(crate) async fn with(limit: u32, change: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        write_title(path, "game", GAME);
        write_title(path, "other", &GAME.replace("Good Game", "Other Game"));
        fs::create_dir_all(path.join("bin")).unwrap();
        fs::write(path.join("bin/game"), "").unwrap();
        let mut config = config(path);
        change(&mut config);
        Self::serve(folder, config, limit).await
    }

    /// Starts the house over what an earlier run has left.
    pub(crate) async fn start_again(&mut self, change: impl FnOnce(&mut Config)) {
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap());
        let mut config = config(folder.path());
        change(&mut config);
        self.store.close().await;
        *self = Self::serve(folder, config, 2).await;
    }

    async fn serve(folder: TempDir, config: Config, limit: u32) -> Self {
        let path = folder.path();
        let tls = config.tls;
        let store = Store::open(&path.join("playhouse.db")).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let nobody = Client::new(listener.local_addr().unwrap());
        let node = Arc::new(Fake::new(limit));
        let air = Arc::new(Air::default());
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async { drop(stopped.await) };
        let hub = Arc::new(Hub::default());
        let served = tokio::spawn(serve(
            listener,
            config,
            store.clone(),
            node.clone(),
            hub.clone(),
            air.clone(),
            shutdown,
        ));
        let house = Self { folder, node, air, store, hub, nobody, stop: Some(stop), served: Some(served) };
        // Events are followed from the moment that the server answers.
        if !tls {
            house.nobody.get("/api/health").await.expect(200);
        }
        house
    }

    /// An account with that role, signed in by bearer token.
    pub(crate) async fn account(&self, name: &str, role: Role) -> Client {
        let now = 1_000_000_000_000;
        let account = self.store.accounts().create(name, role, None, now).await.unwrap();
        let secret =
            self.store.sign_ins().create(For::Account(&account.id), "test", now, i64::MAX).await.unwrap();
        Client { token: Some(secret), ..self.nobody.clone() }
    }

    pub(crate) async fn owner(&self) -> Client {
        self.account("Olga", Role::Owner).await
    }

    pub(crate) async fn player(&self) -> Client {
        self.account("Pia", Role::Player).await
    }

    /// Starts the title `game`; gives the session's id.
    pub(crate) async fn start(&self, who: &Client) -> String {
        let reply = who.post("/api/sessions", json!({"title": "game"})).await.expect(201);
        reply.json()["id"].as_str().unwrap().to_owned()
    }

    /// A link into a session; gives its token.
    pub(crate) async fn invite(&self, host: &Client, session: &str, invite: Value) -> String {
        let reply = host.post(&format!("/api/sessions/{session}/invites"), invite).await.expect(201);
        reply.json()["link"].as_str().unwrap().strip_prefix("/join/").unwrap().to_owned()
    }

    /// Somebody without an account who came by an invite, with the cookie of a browser.
    pub(crate) async fn visitor(&self, token: &str, name: Option<&str>) -> Client {
        let mut visitor = self.nobody.clone();
        let reply = visitor.post(&format!("/api/invites/{token}"), json!({"name": name})).await.expect(200);
        visitor.keep(&reply);
        visitor
    }

    /// Waits until a session is as wanted.
    pub(crate) async fn until(&self, who: &Client, session: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        self.until_at(who, &format!("/api/sessions/{session}"), wanted).await
    }

    /// Asks at `path` until the answer is as wanted.
    pub(crate) async fn until_at(&self, who: &Client, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..3_000 {
            let seen = who.get(path).await.expect(200).json();
            if wanted(&seen) {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{path} does not become what it should");
    }

    /// Ends the server as a signal does, and waits until it is gone.
    pub(crate) async fn shut_down(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        let served = tokio::time::timeout(Duration::from_mins(1), self.served.take().unwrap()).await;
        served.expect("the server does not end").unwrap().unwrap();
    }
}
