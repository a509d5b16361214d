//! Channels of others on their way to our pages: who may fetch what of them, and how much at a time.

use std::collections::HashMap;
use std::io::{self, Read as _};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use playhouse_store::id;
pub(crate) use playhouse_watch::relay::Kind;
use playhouse_watch::relay::{LONGEST_ADDRESS, MOST_BYTES, begins};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use ureq::http::header::{CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, RANGE};
use ureq::{Agent, ResponseExt as _};
use url::Url;

use super::fetch::{Refused, agent};
use crate::problem::{Answer, Problem};

/// How long fetching one thing may take: a segment of ten seconds comes within ten, or nobody watches with pleasure.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a viewer may take for a piece of it; who is slower is gone.
const STALL: Duration = Duration::from_secs(20);

/// Bytes that tell a playlist from anything else.
const BEGINNING: u64 = 16;

/// Bytes of a segment: a minute at 8 Mbit/s.
const MOST_SEGMENT: u64 = 64 << 20;

/// Bytes that are passed on at once, and how many such pieces wait for a viewer.
const PIECE: usize = 64 << 10;
const WAITING: usize = 4;

/// Things fetched at a time: by the house, each of which takes a thread, and by one account, whose four screens ask for
/// pictures, sound and playlists.
const AT_ONCE: usize = 96;
const PER_ACCOUNT: usize = 16;

/// How segments end whose players know them by that.
const ENDINGS: [&str; 8] = [".ts", ".m4s", ".mp4", ".cmfv", ".cmfa", ".aac", ".mp3", ".vtt"];

/// Bytes of a seal.
const SEAL: usize = blake3::OUT_LEN;

/// What passes others' channels on. Addresses in playlists are sealed, so that nothing is fetched but what a channel's own
/// playlist named; seals hold until the program's end.
#[derive(Debug)]
pub(crate) struct Relay {
    key: [u8; SEAL],
    fetching: Mutex<HashMap<String, usize>>,
}

impl Default for Relay {
    fn default() -> Self {
        let secret = format!("{}{}{}", id::fresh(), id::fresh(), id::fresh());
        Self { key: *blake3::hash(secret.as_bytes()).as_bytes(), fetching: Mutex::default() }
    }
}

/// A place among those that fetch; free again when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    relay: Arc<Relay>,
    account: String,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut fetching = self.relay.lock();
        if let Some(count) = fetching.get_mut(&self.account) {
            *count -= 1;
            if *count == 0 {
                fetching.remove(&self.account);
            }
        }
    }
}

impl Relay {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.fetching.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sealed(&self, channel: &str, kind: Kind, address: &str) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        for part in [channel, word(kind), address] {
            hasher.update(&(part.len() as u64).to_be_bytes()).update(part.as_bytes());
        }
        hasher.finalize()
    }

    /// Our address for one that a channel's playlist named. It ends as that one does, since there are players that go by it.
    pub(crate) fn ours(&self, channel: &str, address: &Url, kind: Kind) -> String {
        let mut bytes = self.sealed(channel, kind, address.as_str()).as_bytes().to_vec();
        bytes.extend_from_slice(address.as_str().as_bytes());
        let ending = match kind {
            Kind::Playlist => ".m3u8",
            Kind::Segment => ENDINGS.into_iter().find(|known| address.path().ends_with(known)).unwrap_or(""),
        };
        format!("/api/channels/{channel}/relay/{}/{}{ending}", word(kind), URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The address that was sealed for that channel and kind; none where it was not.
    pub(crate) fn open(&self, channel: &str, kind: Kind, sealed: &str) -> Option<String> {
        let bytes = URL_SAFE_NO_PAD.decode(sealed.split('.').next()?).ok()?;
        let (seal, address) = bytes.split_first_chunk::<SEAL>()?;
        let address = std::str::from_utf8(address).ok().filter(|address| address.len() <= LONGEST_ADDRESS)?;
        // This comparison takes the same time whatever differs.
        (self.sealed(channel, kind, address) == blake3::Hash::from_bytes(*seal)).then(|| address.to_owned())
    }

    /// A place to fetch something, unless the account or the house has none left.
    pub(crate) fn place(self: &Arc<Self>, account: &str) -> Answer<Place> {
        let mut fetching = self.lock();
        let mine = fetching.get(account).copied().unwrap_or(0);
        if mine >= PER_ACCOUNT || fetching.values().sum::<usize>() >= AT_ONCE {
            return Err(Problem::busy(
                "Too much of others' channels is being fetched at the moment; ask again in a moment.",
            ));
        }
        fetching.insert(account.to_owned(), mine + 1);
        Ok(Place { relay: Arc::clone(self), account: account.to_owned() })
    }
}

const fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Playlist => "playlist",
        Kind::Segment => "segment",
    }
}

/// Clients that keep their connections: of the world, and of this network too.
fn client(private: bool) -> &'static Agent {
    static CLIENTS: [LazyLock<Agent>; 2] =
        [LazyLock::new(|| agent(false, PATIENCE)), LazyLock::new(|| agent(true, PATIENCE))];
    &CLIENTS[usize::from(private)]
}

/// Why nothing comes, for whoever wanted to see it.
fn problem(refused: &Refused) -> Problem {
    match refused {
        Refused::Status(404 | 410) => Problem::not_found(
            "The server of this channel does not have that (any more); read the playlist again.",
        ),
        other => elsewhere(format!("This channel belongs to others, and it does not come. {other}")),
    }
}

/// What came from elsewhere cannot be passed on.
pub(crate) fn elsewhere(detail: impl Into<String>) -> Problem {
    Problem::new(axum::http::StatusCode::BAD_GATEWAY, "elsewhere", "The channel does not come", detail)
}

/// A playlist, and where it was in the end.
pub(crate) async fn playlist(place: Place, address: String, private: bool) -> Answer<(Vec<u8>, Url)> {
    let fetching = tokio::task::spawn_blocking(move || {
        let _place = place;
        let answer = client(private).get(&address).call().map_err(Refused::from)?;
        let base =
            Url::parse(&answer.get_uri().to_string()).map_err(|error| Refused::Failed(error.to_string()))?;
        let limit = MOST_BYTES as u64 + 1;
        let mut from = answer.into_body().into_with_config().limit(limit).reader();
        let failed = |error: io::Error| Refused::Failed(error.to_string());
        let mut text = Vec::new();
        (&mut from).take(BEGINNING).read_to_end(&mut text).map_err(failed)?;
        // What is no playlist may never end.
        if begins(&text) {
            from.take(limit).read_to_end(&mut text).map_err(failed)?;
        }
        Ok((text, base))
    });
    let fetched = fetching.await.map_err(|error| Problem::internal("Fetching a playlist", &error))?;
    fetched.map_err(|refused: Refused| problem(&refused))
}

/// What stands in front of a segment.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) partial: bool,
    pub(crate) content_type: Option<String>,
    pub(crate) length: Option<u64>,
    pub(crate) range: Option<String>,
}

/// The bytes of a segment, piece by piece.
pub(crate) type Pieces = mpsc::Receiver<io::Result<Bytes>>;

/// A segment, or a range of it, as it comes.
pub(crate) async fn segment(
    place: Place,
    address: String,
    private: bool,
    range: Option<String>,
) -> Answer<(Head, Pieces)> {
    let (told, head) = oneshot::channel();
    let (pieces, coming) = mpsc::channel(WAITING);
    let runtime = Handle::current();
    tokio::task::spawn_blocking(move || {
        let _place = place;
        let mut request = client(private).get(&address);
        if let Some(range) = range {
            request = request.header(RANGE, range);
        }
        let answer = match request.call() {
            Ok(answer) => answer,
            // Whoever asked may be gone.
            Err(error) => return drop(told.send(Err(Refused::from(error)))),
        };
        let text = |name| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let length = text(CONTENT_LENGTH).and_then(|length| length.parse().ok());
        if length.is_some_and(|length: u64| length > MOST_SEGMENT) {
            let refused =
                Refused::Failed(format!("a segment of it has more than {} MiB", MOST_SEGMENT >> 20));
            return drop(told.send(Err(refused)));
        }
        let head = Head {
            partial: answer.status().as_u16() == 206,
            content_type: text(CONTENT_TYPE),
            length,
            range: text(CONTENT_RANGE),
        };
        if told.send(Ok(head)).is_err() {
            return;
        }
        let mut from = answer.into_body().into_with_config().limit(MOST_SEGMENT).reader();
        loop {
            let mut piece = vec![0; PIECE];
            let read = match from.read(&mut piece) {
                Ok(0) => return,
                Ok(read) => {
                    piece.truncate(read);
                    Ok(Bytes::from(piece))
                }
                Err(error) => Err(error),
            };
            let over = read.is_err();
            let sent = runtime.block_on(tokio::time::timeout(STALL, pieces.send(read)));
            if over || !matches!(sent, Ok(Ok(()))) {
                return;
            }
        }
    });
    let nothing = || elsewhere("This channel belongs to others, and nothing came of it.");
    let head = head.await.or(Err(nothing()))?.map_err(|refused| problem(&refused))?;
    Ok((head, coming))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_channels_own_playlist_named_is_fetched() {
        let (relay, other) = (Relay::default(), Relay::default());
        let address = Url::parse("http://tv.example/1.ts?a=ä").unwrap();
        let ours = relay.ours("one", &address, Kind::Segment);
        let sealed = ours.strip_prefix("/api/channels/one/relay/segment/").unwrap();
        assert_eq!(sealed.rsplit('.').next(), Some("ts"), "{sealed}");
        assert_eq!(relay.open("one", Kind::Segment, sealed).as_deref(), Some(address.as_str()));
        assert_eq!(relay.open("two", Kind::Segment, sealed), None);
        assert_eq!(relay.open("one", Kind::Playlist, sealed), None);
        assert_eq!(other.open("one", Kind::Segment, sealed), None);
        let mut bytes = URL_SAFE_NO_PAD.decode(sealed.strip_suffix(".ts").unwrap()).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        assert_eq!(relay.open("one", Kind::Segment, &URL_SAFE_NO_PAD.encode(bytes)), None);
        for rubbish in ["", "a", "....", "AAAA"] {
            assert_eq!(relay.open("one", Kind::Segment, rubbish), None);
        }
    }

    #[test]
    fn one_account_does_not_fetch_for_all() {
        let relay = Arc::<Relay>::default();
        let mut ada: Vec<Place> = (0..PER_ACCOUNT).map(|_| relay.place("ada").unwrap()).collect();
        assert!(relay.place("ada").is_err());
        let bob = relay.place("bob").unwrap();
        ada.pop();
        assert!(relay.place("ada").is_ok());
        drop((ada, bob));
        assert!(relay.lock().is_empty());
    }
}
