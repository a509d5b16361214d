//! What films need of the server under measurement.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use playhouse_testkit::browser::Cdp;
use serde_json::{Value, json};

use super::load::Target;
use crate::house::House;

/// How long a film may take until it can be watched.
const PATIENCE: Duration = Duration::from_mins(1);

/// A channel that somebody can publish.
pub(super) struct Channel {
    pub(super) id: String,
    pub(super) key: String,
}

impl House {
    /// Puts a film into the folder of films, as a link to the same file, and waits until it can be watched: its id.
    pub(crate) fn add_film(&self, file: &Path) -> Result<String> {
        let to = self.data().join("films/An Hour (2026).mp4");
        if fs::hard_link(file, &to).is_err() {
            fs::copy(file, &to)?;
        }
        self.call("POST", "/api/films/rescan", &Value::Null)?;
        let end = Instant::now() + PATIENCE;
        loop {
            let films = self.call("GET", "/api/films", &Value::Null)?;
            let list = films.as_array().or_else(|| films["films"].as_array()).context("no list of films")?;
            match list.first().map(|film| (film["state"].as_str(), film)) {
                Some((Some("ready"), film)) => {
                    return Ok(film["id"].as_str().context("a film without id")?.to_owned());
                }
                Some((Some("unplayable"), film)) => bail!("{}", film["reason"]),
                _ => {}
            }
            ensure!(Instant::now() < end, "it is not there after {PATIENCE:?}: {}", self.log());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// Opens the first page, signed in.
    pub(crate) fn enter(&self, page: &mut Cdp) -> Result<()> {
        let signed_in = page.evaluate("location.origin")? == self.origin.as_str();
        if !signed_in {
            self.sign_in(page)?;
        }
        Ok(page.open(&format!("{}/", self.origin))?)
    }

    /// A fresh channel, and a key for its publisher.
    pub(super) fn channel(&self) -> Result<Channel> {
        let channel = self.call("POST", "/api/channels", &json!({"name": "Bench"}))?;
        let id = channel["id"].as_str().context("a channel without an id")?.to_owned();
        let key = self.call("POST", &format!("/api/channels/{id}/keys"), &json!({"name": "Bench"}))?;
        Ok(Channel { id, key: key["secret"].as_str().context("a key without a secret")?.to_owned() })
    }

    /// Where a publisher with that key goes.
    pub(super) fn rtmp_address(&self, key: &str) -> String {
        format!("rtmp://127.0.0.1:{}/live/{key}", self.rtmp)
    }

    /// Whether something is there.
    pub(super) fn has(&self, path: &str) -> bool {
        self.call("GET", path, &Value::Null).is_ok()
    }

    /// Waits until something is there.
    pub(super) fn wait_for(&self, path: &str, patience: Duration) -> Result<()> {
        let end = Instant::now() + patience;
        while !self.has(path) {
            ensure!(Instant::now() < end, "there is no `{path}` after {patience:?}: {}", self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// It, under load.
    pub(crate) fn target(&self, film: &str) -> Target {
        Target {
            origin: self.origin.clone(),
            token: Some(self.token().to_owned()),
            pid: self.pid(),
            segments: format!("/api/films/{film}/0/{{}}.m4s"),
            playlist: format!("/api/films/{film}/0.m3u8"),
        }
    }

    /// What is kept besides a film so that it can be served, as a share of it.
    pub(crate) fn storage_overhead(&self, film: &Path) -> Result<f64> {
        let kept: u64 = ["index", "posters", "renditions", "sprites"]
            .iter()
            .map(|folder| disk_bytes(&self.data().join(folder)))
            .sum();
        Ok(kept as f64 / fs::metadata(film)?.len() as f64)
    }
}

/// What the files of a folder take of the disk.
fn disk_bytes(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(file) if file.is_dir() => disk_bytes(&entry.path()),
            Ok(file) => file.blocks() * 512,
            Err(_) => 0,
        })
        .sum()
}
