//! What is known of a film besides what plays: chapters, texts, notes, small pictures, how loud it is; made in the
//! background.

pub(crate) mod loudness;

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use playhouse_library::{folder, probe, render};
use playhouse_store::extras::Extra;
use playhouse_store::films::{Film, State as Condition};
use playhouse_store::{Store, StoreError};
use playhouse_watch::captions;
use playhouse_watch::container::{Container, Kind};
use playhouse_watch::notes::{self, Notes};
use playhouse_watch::sidecar::{self, Sidecar, Subtitles};
use playhouse_watch::sprites::Sprites;
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, watch};

use crate::app::Shared;
use crate::clock::now;
use crate::config::Config;

/// The pause between two looks at what lies beside films, and the part of the time that a look may take.
const EVERY: Duration = Duration::from_secs(5);
const SHARE: u32 = 20;
const RARELY: Duration = Duration::from_mins(5);

/// Texts of a film at most.
const MOST: usize = 32;

/// Is changed with what is made, so that it is made anew of films that have extras.
const VERSION: &str = "pictures";

/// Subtitles that are pictures, by ffmpeg's names: players of ours show none, others do.
pub(crate) const PICTURES: [&str; 4] = ["hdmv_pgs_subtitle", "dvd_subtitle", "dvb_subtitle", "xsub"];

/// The file that they are kept in as they are, beside whatever plays.
const KEPT: &str = "pictures.mks";

/// A text as it is kept: `s0.vtt` and so on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Text {
    pub(crate) language: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) forced: bool,
}

/// Where extras lie.
#[derive(Debug)]
pub(crate) struct Extras {
    folder: PathBuf,
    wake: Notify,
}

impl Extras {
    /// Those of a configuration.
    pub(crate) fn new(config: &Config) -> Self {
        Self { folder: config.data.join("extras"), wake: Notify::new() }
    }

    /// Where those of a film lie.
    pub(crate) fn folder_of(&self, film: &str) -> PathBuf {
        self.folder.join(film)
    }

    /// The subtitles of a film that are pictures, where it has some: a Matroska file of nothing else.
    pub(crate) fn pictures_of(&self, film: &str) -> PathBuf {
        self.folder_of(film).join(KEPT)
    }

    /// Has films looked at soon.
    pub(crate) fn look_soon(&self) {
        self.wake.notify_one();
    }
}

/// The language of a tag of three letters as browsers know it (`ger` is `de`), or as it was.
fn tongue(language: &str) -> String {
    const SHORT: [(&str, &str); 24] = [
        ("ara", "ar"),
        ("chi", "zh"),
        ("zho", "zh"),
        ("cze", "cs"),
        ("ces", "cs"),
        ("dan", "da"),
        ("dut", "nl"),
        ("nld", "nl"),
        ("eng", "en"),
        ("fin", "fi"),
        ("fre", "fr"),
        ("fra", "fr"),
        ("ger", "de"),
        ("deu", "de"),
        ("ita", "it"),
        ("jpn", "ja"),
        ("kor", "ko"),
        ("nor", "no"),
        ("pol", "pl"),
        ("por", "pt"),
        ("rus", "ru"),
        ("spa", "es"),
        ("swe", "sv"),
        ("tur", "tr"),
    ];
    let language = language.to_ascii_lowercase();
    let short = SHORT.iter().find(|(long, _)| *long == language).map(|(_, short)| (*short).to_owned());
    short.unwrap_or(language)
}

/// Keeps the extras of all films for ever.
pub(crate) async fn keep(app: Shared) {
    loop {
        let began = Instant::now();
        let pause = match look(&app).await {
            Ok(made) if made => Duration::ZERO,
            Ok(_) => (began.elapsed() * SHARE).clamp(EVERY, RARELY),
            Err(error) => {
                tracing::error!(%error, "what is around films could not be brought up to date");
                RARELY
            }
        };
        tokio::time::timeout(pause, app.extras.wake.notified()).await.ok();
    }
}

/// Makes those of one film whose file, or what lies beside it, is not what it was; whether there was one.
async fn look(app: &Shared) -> Result<bool, StoreError> {
    let extras = app.store.extras().all().await?;
    let films = app.store.films().all().await?;
    for film in &films {
        if film.state != Condition::Ready {
            continue;
        }
        let (root, path) = (PathBuf::from(&film.folder), film.path.clone());
        let Ok(beside) = tokio::task::spawn_blocking(move || beside(&root, &path)).await else { continue };
        let mark = mark(&beside);
        let known = extras.iter().find(|extra| extra.film == film.id);
        let noted =
            known.and_then(|extra| serde_json::from_str::<Notes>(&extra.notes).ok()).unwrap_or_default();
        let named = noted.title.is_none_or(|title| title == film.title);
        if known.is_some_and(|extra| extra.print == film.print && extra.beside == mark && named) {
            continue;
        }
        make(app, film, beside, mark, known).await?;
        app.films.forget(&film.id);
        return Ok(true);
    }
    // What takes a pass over each film comes when there is nothing else.
    loudness::look(app, &films, &extras).await
}

/// What lies beside a film and belongs to it: its name, what it is, its size and date. Blocks.
fn beside(root: &Path, path: &str) -> Vec<(String, Sidecar, u64, i64)> {
    let (below, file) = path.rsplit_once('/').unwrap_or(("", path));
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root.join(below)).into_iter().flatten().filter_map(Result::ok) {
        let Ok(name) = entry.file_name().into_string() else { continue };
        // Posters are read when they are asked for.
        let Some(what @ (Sidecar::Subtitles { .. } | Sidecar::Notes)) = sidecar::of(&name, file) else {
            continue;
        };
        let Ok(state) = entry.metadata() else { continue };
        let general =
            matches!(what, Sidecar::Notes) && name.eq_ignore_ascii_case("movie.nfo") && below.is_empty();
        if state.is_file() && !general {
            let stamp = folder::stamp(&state);
            let place = if below.is_empty() { name } else { format!("{below}/{name}") };
            found.push((place, what, stamp.size, stamp.modified));
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}

fn mark(beside: &[(String, Sidecar, u64, i64)]) -> String {
    let lines = beside.iter().map(|(name, _, size, at)| format!("{name}\0{size}\0{at}"));
    let lines = std::iter::once(VERSION.to_owned()).chain(lines);
    playhouse_store::id::hash(&lines.collect::<Vec<_>>().join("\n"))
}

fn read(root: &Path, path: &str, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    folder::open(root, path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

async fn make(
    app: &Shared,
    film: &Film,
    beside: Vec<(String, Sidecar, u64, i64)>,
    mark: String,
    known: Option<&Extra>,
) -> Result<(), StoreError> {
    let root = PathBuf::from(&film.folder);
    let folder = app.extras.folder_of(&film.id);
    let Ok(file) = folder::open(&root, &film.path) else { return Ok(()) };
    let container = probe::probe(file).await.ok();
    let same = known.is_some_and(|extra| extra.print == film.print);
    if !same {
        let folder = folder.clone();
        tokio::task::spawn_blocking(move || render::remove(&folder)).await.ok();
    }
    let mut kept: Vec<(Text, Vec<captions::Cue>)> = Vec::new();
    let mut noted = Notes::default();
    for (path, what, ..) in beside {
        let root = root.clone();
        let reading = tokio::task::spawn_blocking(move || match what {
            Sidecar::Subtitles { format, language, forced } => {
                let bytes = read(&root, &path, captions::MOST_BYTES).ok()?;
                let text = Text { language: language.as_deref().map(tongue), name: None, forced };
                Some((Some((text, captions::read(format, &bytes))), None))
            }
            Sidecar::Notes => Some((None, notes::read(&read(&root, &path, notes::MOST_BYTES).ok()?))),
            Sidecar::Poster(_) => None,
        });
        if let Ok(Some((text, notes))) = reading.await {
            kept.extend(text);
            noted = notes.unwrap_or(noted);
        }
    }
    let container = container.as_ref();
    kept.extend(inside(film, container, &folder).await);
    kept.retain(|(_, cues)| !cues.is_empty());
    kept.truncate(MOST);
    let sprites = sheets(app, film, container, &folder, same).await;
    keep_pictures(app, film, container, &folder).await;
    let texts: Vec<Text> = kept.iter().map(|(text, _)| text.clone()).collect();
    let bytes = {
        let folder = folder.clone();
        let cues: Vec<_> = kept.into_iter().map(|(_, cues)| cues).collect();
        tokio::task::spawn_blocking(move || write(&folder, &cues)).await
    };
    let bytes = match bytes {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(error)) => {
            tracing::warn!(film = film.id, %error, "what is around a film could not be written");
            0
        }
        Err(_) => 0,
    };
    let chapters = container.map(|container| container.chapters.clone()).unwrap_or_default();
    let extra = Extra {
        film: film.id.clone(),
        print: film.print.clone(),
        beside: mark,
        made: now(),
        chapters: json(&chapters),
        texts: json(&texts),
        notes: json(&noted),
        sprites: json(&sprites),
        age: noted.age,
        bytes: i64::try_from(bytes).unwrap_or(i64::MAX),
        loudness: None,
    };
    app.store.extras().put(&extra, noted.title.as_deref(), noted.year).await?;
    // An earlier version of the program may have read less of it.
    if let Some(tracks) =
        container.map(|container| json(&container.tracks)).filter(|tracks| *tracks != film.codecs)
    {
        app.store.films().set_tracks(&film.id, &tracks).await?;
    }
    // What an owner has said stays.
    if film.age.is_none() && noted.age.is_some() {
        app.store.films().set_age(&film.id, noted.age).await?;
    }
    Ok(())
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}

/// The texts within a film; those that are pictures stay in the file.
async fn inside(
    film: &Film,
    container: Option<&Container>,
    folder: &Path,
) -> Vec<(Text, Vec<captions::Cue>)> {
    let tracks = container.map(|container| container.tracks.as_slice()).unwrap_or_default();
    let subtitles = tracks.iter().filter(|track| track.kind == Kind::Subtitle).enumerate();
    let wanted: Vec<_> = subtitles
        .filter_map(|(number, track)| {
            let format = match track.codec.as_str() {
                "ass" | "ssa" => Subtitles::Ass,
                "subrip" | "srt" | "mov_text" | "webvtt" | "text" => Subtitles::Srt,
                _ => return None,
            };
            Some((number, format, track))
        })
        .take(MOST)
        .collect();
    let numbers: Vec<_> = wanted.iter().map(|(number, format, _)| (*number, *format)).collect();
    let Ok(file) = folder::open(Path::new(&film.folder), &film.path) else { return Vec::new() };
    let (_pause, mut paused) = watch::channel(false);
    match render::texts(file, &numbers, folder, &mut paused).await {
        Ok(cues) => {
            let text = |track: &playhouse_watch::container::Track| Text {
                language: track.language.as_deref().map(tongue),
                name: track.title.clone(),
                forced: track.forced,
            };
            wanted.iter().map(|(.., track)| text(track)).zip(cues).collect()
        }
        Err(error) => {
            tracing::info!(film = film.id, %error, "the texts of a film could not be read");
            Vec::new()
        }
    }
}

/// The small pictures of a film.
async fn sheets(
    app: &Shared,
    film: &Film,
    container: Option<&Container>,
    folder: &Path,
    same: bool,
) -> Option<Sprites> {
    let video = container?.video()?;
    let millis = container?.duration_ms?;
    let sprites = Sprites::of(millis, video.width?, video.height?)?;
    if same && folder.join("sheet-0.jpg").exists() {
        return Some(sprites);
    }
    let file = folder::open(Path::new(&film.folder), &film.path).ok()?;
    let making = in_idle_time(app, async |paused| render::sheets(file, &sprites, folder, paused).await);
    match making.await {
        Ok(()) => Some(sprites),
        Err(error) => {
            tracing::info!(film = film.id, %error, "no small pictures of a film could be made");
            None
        }
    }
}

/// Does work of ffmpeg that stands still while somebody plays.
async fn in_idle_time<T>(app: &Shared, work: impl AsyncFnOnce(&mut watch::Receiver<bool>) -> T) -> T {
    let (pause, mut paused) = watch::channel(app.node.capacity().running > 0);
    let mut work = std::pin::pin!(work(&mut paused));
    loop {
        if let Ok(done) = tokio::time::timeout(EVERY, &mut work).await {
            return done;
        }
        pause.send_replace(app.node.capacity().running > 0);
    }
}

/// Keeps the subtitles of a film that are pictures, which no rendition has and no browser shows.
async fn keep_pictures(app: &Shared, film: &Film, container: Option<&Container>, folder: &Path) {
    let tracks = container.map(|container| container.tracks.as_slice()).unwrap_or_default();
    let subtitles = tracks.iter().filter(|track| track.kind == Kind::Subtitle).enumerate();
    let pictures = subtitles.filter(|(_, track)| PICTURES.contains(&track.codec.as_str()));
    let numbers: Vec<usize> = pictures.map(|(number, _)| number).take(MOST).collect();
    if numbers.is_empty() || folder.join(KEPT).exists() {
        return;
    }
    let Ok(file) = folder::open(Path::new(&film.folder), &film.path) else { return };
    let keeping =
        in_idle_time(app, async |paused| render::pictures(file, &numbers, folder, KEPT, paused).await);
    if let Err(error) = keeping.await {
        tracing::info!(film = film.id, %error, "subtitles that are pictures could not be kept by themselves");
    }
}

/// Writes the texts, and counts the bytes of everything. Blocks.
fn write(folder: &Path, texts: &[Vec<captions::Cue>]) -> io::Result<u64> {
    std::fs::create_dir_all(folder)?;
    for entry in std::fs::read_dir(folder)?.filter_map(Result::ok) {
        if entry.path().extension().is_some_and(|ending| ending == "vtt") {
            std::fs::remove_file(entry.path())?;
        }
    }
    for (number, cues) in texts.iter().enumerate() {
        std::fs::write(folder.join(format!("s{number}.vtt")), captions::write(cues))?;
    }
    let sizes = std::fs::read_dir(folder)?.filter_map(|entry| entry.ok()?.metadata().ok());
    Ok(sizes.map(|state| state.len()).sum())
}

/// The texts of a film.
pub(crate) async fn texts(store: &Store, film: &str) -> Vec<Text> {
    let extra = store.extras().get(film).await.ok().flatten();
    extra.and_then(|extra| serde_json::from_str(&extra.texts).ok()).unwrap_or_default()
}
