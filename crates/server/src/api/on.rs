//! Tuning in to a channel that is made of the library: HLS over the films themselves, at the same place for everybody.

use axum::Json as Body;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use playhouse_media::film::{Presentation, Shown, Window, sliding};
use playhouse_store::Millis;
use playhouse_watch::schedule::Plan;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::guide::{ProgrammeView, scheduled};
use crate::api::watching;
use crate::app::Shared;
use crate::clock::{DAY, now};
use crate::extract::{Id, Params};
use crate::gate::who::Caller;
use crate::house::guide::{AHEAD, Showing, Timetable, micros, what};
use crate::house::household;
use crate::markup::add;
use crate::problem::{Answer, Problem};

/// How far back a viewer can go, in microseconds: ten minutes, to see again what was just missed.
const BACK: i64 = 600_000_000;

/// How long after a playlist a player may still ask for what it had, in microseconds.
const SLACK: i64 = 60_000_000;

/// Showings within a playlist: its ten minutes filled with the shortest films.
const MOST: usize = 400;

/// What is on is known anew every second.
const LASTS: &str = "private, max-age=1";

/// A token in the address, which addresses in the answer are to have as well.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Key {
    token: Option<String>,
}

impl Key {
    /// What is put behind addresses.
    pub(crate) fn after(&self) -> String {
        // Anything else is no token of ours, and stays out of the answer.
        let plain =
            |token: &&String| token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        self.token.as_ref().filter(plain).map(|token| format!("?token={token}")).unwrap_or_default()
    }

    /// Puts the token behind every address of a playlist that was written without one.
    pub(crate) fn in_addresses(&self, playlist: &str) -> String {
        let after = self.after();
        if after.is_empty() {
            return playlist.to_owned();
        }
        let mut text = String::with_capacity(playlist.len() * 2);
        for line in playlist.lines() {
            if let Some((before, rest)) = line.split_once("URI=\"").filter(|_| line.starts_with('#'))
                && let Some((address, rest)) = rest.split_once('"')
            {
                add(&mut text, format_args!("{before}URI=\"{address}{after}\"{rest}\n"));
            } else if line.is_empty() || line.starts_with('#') {
                add(&mut text, format_args!("{line}\n"));
            } else {
                add(&mut text, format_args!("{line}{after}\n"));
            }
        }
        text
    }

    /// The same for a DASH manifest: what its templates and addresses of texts name.
    pub(crate) fn in_manifest(&self, manifest: &str) -> String {
        let after = self.after();
        if after.is_empty() {
            return manifest.to_owned();
        }
        let mut text = String::with_capacity(manifest.len() + 1024);
        for line in manifest.split_inclusive('\n') {
            // Templates stand on a line of their own.
            if line.starts_with("<SegmentTemplate") {
                let line = line.replace(".mp4\"", &format!(".mp4{after}\""));
                text.push_str(&line.replace(".m4s\"", &format!(".m4s{after}\"")));
            } else {
                text.push_str(&line.replace("</BaseURL>", &format!("{after}</BaseURL>")));
            }
        }
        text
    }
}

/// What is on a channel now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OnNow {
    /// The server's clock: everybody sees what its playlists date with this moment.
    now_ms: Millis,
    /// What is on, then what follows.
    programmes: Vec<ProgrammeView>,
}

fn nothing() -> Problem {
    let detail = "Nothing is on this channel: none of its films is there. Its schedule names what it plays.";
    Problem::new(StatusCode::CONFLICT, "unplayable", "Nothing is on", detail)
}

fn playlist_of(text: String) -> Response {
    ([(CONTENT_TYPE, "application/vnd.apple.mpegurl"), (CACHE_CONTROL, LASTS)], text).into_response()
}

/// What is on a channel made of the library, what follows, and the server's clock.
#[utoipa::path(get, path = "/api/channels/{id}/on", tag = "Guide", params(("id" = String, Path)),
    responses((status = 200, body = OnNow), (status = 404), (status = 409)))]
pub(crate) async fn now_on(State(app): State<Shared>, Id(id): Id<String>) -> Answer<Body<OnNow>> {
    scheduled(&app, &id).await?;
    let timetable = app.guide.timetable(&app.store, &id).await?;
    let at = now();
    let mut entries = what::of_timetable(&timetable, &what::titles(&app).await?, at, at + DAY / 2);
    entries.truncate(4);
    Ok(Body(OnNow { now_ms: at, programmes: entries.into_iter().map(Into::into).collect() }))
}

/// The HLS playlist that a player starts from. Pictures and sound are those of the films, which need not be alike.
#[utoipa::path(get, path = "/api/channels/{id}/on/master.m3u8", tag = "Guide", params(("id" = String, Path)),
    responses((status = 200, content_type = "application/vnd.apple.mpegurl"), (status = 404),
              (status = 409, description = "Nothing is on.")))]
pub(crate) async fn master(
    State(app): State<Shared>,
    Id(id): Id<String>,
    Params(key): Params<Key>,
) -> Answer<Response> {
    scheduled(&app, &id).await?;
    let timetable = app.guide.timetable(&app.store, &id).await?;
    let plan = timetable.at(micros()).filter(|plan| !plan.is_empty()).ok_or_else(nothing)?;
    Ok(playlist_of(variants(plan, &key.after())))
}

/// One variant with the most that any film of the plan asks for.
fn variants(plan: &Plan, after: &str) -> String {
    let most = |of: fn(&playhouse_watch::schedule::Reel) -> u64| plan.reels.iter().map(of).max().unwrap_or(0);
    let mut codecs: Vec<&str> = Vec::new();
    for kind in 0..2 {
        for reel in &plan.reels {
            if let Some(codec) = reel.codecs.get(kind).map(String::as_str)
                && !codecs.contains(&codec)
            {
                codecs.push(codec);
            }
        }
    }
    let size = plan.reels.iter().map(|reel| reel.size).max_by_key(|[width, height]| width * height);
    let mut text = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n".to_owned();
    let sound = "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"sound\",NAME=\"Sound\",DEFAULT=YES,AUTOSELECT=YES";
    add(&mut text, format_args!("{sound},URI=\"sound.m3u8{after}\"\n"));
    add(&mut text, format_args!("#EXT-X-STREAM-INF:BANDWIDTH={}", most(|reel| reel.rates[0])));
    add(
        &mut text,
        format_args!(",AVERAGE-BANDWIDTH={},CODECS=\"{}\"", most(|reel| reel.rates[1]), codecs.join(",")),
    );
    if let Some([width, height]) = size {
        add(&mut text, format_args!(",RESOLUTION={width}x{height}"));
    }
    add(&mut text, format_args!(",AUDIO=\"sound\"\npicture.m3u8{after}\n"));
    text
}

/// The HLS playlist of a channel's pictures (`picture.m3u8`) or sound (`sound.m3u8`): the last ten minutes, and some
/// seconds ahead. Players begin at now (`EXT-X-START`), so that everybody sees the same.
#[utoipa::path(get, path = "/api/channels/{id}/on/{playlist}", tag = "Guide",
    params(("id" = String, Path), ("playlist" = String, Path)),
    responses((status = 200, content_type = "application/vnd.apple.mpegurl"), (status = 404),
              (status = 409, description = "Nothing is on.")))]
pub(crate) async fn playlist(
    State(app): State<Shared>,
    Id((id, playlist)): Id<(String, String)>,
    Params(key): Params<Key>,
) -> Answer<Response> {
    let kind = match playlist.as_str() {
        "picture.m3u8" => 0,
        "sound.m3u8" => 1,
        _ => return Err(Problem::not_found("A channel has `master.m3u8`, `picture.m3u8` and `sound.m3u8`.")),
    };
    scheduled(&app, &id).await?;
    let timetable = app.guide.timetable(&app.store, &id).await?;
    let at = micros();
    let window = Window { from: at - BACK, now: at, to: at + AHEAD, target: target(&timetable, at)? };
    let mut shown = Vec::new();
    for showing in timetable.between(window.from, window.to, MOST) {
        // A film that is gone leaves a gap until its channel has a plan without it.
        let Ok(opened) = app.films.open(&app.store, &showing.film).await else { continue };
        shown.push(one(&id, &showing, kind, &opened.presentation)?);
    }
    if shown.is_empty() {
        return Err(nothing());
    }
    Ok(playlist_of(sliding(&shown, window, &key.after())))
}

/// A segment of a film that is on, as the playlists name it.
#[utoipa::path(get, path = "/api/channels/{id}/on/{film}/{track}/{segment}", tag = "Guide",
    params(("id" = String, Path), ("film" = String, Path), ("track" = String, Path), ("segment" = String, Path)),
    responses((status = 200, content_type = "video/mp4"), (status = 304), (status = 404), (status = 409)))]
pub(crate) async fn segment(
    State(app): State<Shared>,
    caller: Caller,
    Id((id, film, track, segment)): Id<(String, String, String, String)>,
    headers: HeaderMap,
) -> Answer<Response> {
    scheduled(&app, &id).await?;
    let part = watching::part(&format!("{track}/{segment}"))?;
    let timetable = app.guide.timetable(&app.store, &id).await?;
    let at = micros();
    let on = timetable.between(at - BACK - SLACK, at + AHEAD + SLACK, MOST);
    if !on.iter().any(|showing| showing.film == film) {
        return Err(Problem::not_found(
            "That film is not on this channel at the moment; read its playlist again.",
        ));
    }
    household::of_age(&app, &caller, &film).await?;
    watching::serve(&app, &film, part, &Key::default(), &headers).await
}

fn target(timetable: &Timetable, at: i64) -> Answer<u32> {
    timetable.at(at).filter(|plan| !plan.is_empty()).map(Plan::target_seconds).ok_or_else(nothing)
}

fn one(channel: &str, showing: &Showing, kind: usize, film: &Presentation) -> Answer<Shown> {
    let track = usize::from(showing.tracks.get(kind).copied().unwrap_or_default());
    let mut times = film.times(track).map_err(|error| Problem::internal("Reading a film's index", &error))?;
    let lasts = u64::try_from(showing.item.end - showing.item.start).unwrap_or(0);
    // Where another plan took over, what had begun by then was the last.
    let kept = times.iter().take_while(|time| **time < lasts).count() + 1;
    times.truncate(kept);
    Ok(Shown {
        base: format!("/api/channels/{channel}/on/{}", showing.film),
        track,
        start: showing.item.start,
        discontinuity: showing.item.number,
        sequence: showing.item.first.get(kind).copied().unwrap_or_default(),
        times,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_on_to_every_address_of_a_manifest() {
        let key = Key { token: Some("a-b_3".to_owned()) };
        let mpd = "<Label>x.mp4\"</Label>\n<BaseURL>s0.vtt</BaseURL>\n\
                   <SegmentTemplate initialization=\"0/init.mp4\" media=\"0/$Number$.m4s\">\n";
        let wanted = "<Label>x.mp4\"</Label>\n<BaseURL>s0.vtt?token=a-b_3</BaseURL>\n\
                      <SegmentTemplate initialization=\"0/init.mp4?token=a-b_3\" media=\"0/$Number$.m4s?token=a-b_3\">\n";
        assert_eq!(key.in_manifest(mpd), wanted);
        assert_eq!(Key::default().in_manifest(mpd), mpd);
    }

    #[test]
    fn a_token_goes_on_to_every_address_of_a_playlist_and_rubbish_does_not() {
        let key = Key { token: Some("a-b_3".to_owned()) };
        let list = "#EXTM3U\n#EXT-X-MAP:URI=\"0/init.mp4\",BYTERANGE=\"1@0\"\n#EXTINF:4,\n0/1.m4s\n";
        let wanted = "#EXTM3U\n#EXT-X-MAP:URI=\"0/init.mp4?token=a-b_3\",BYTERANGE=\"1@0\"\n#EXTINF:4,\n0/1.m4s?token=a-b_3\n";
        assert_eq!(key.in_addresses(list), wanted);
        for rubbish in [None, Some("a\"b"), Some("a\nb"), Some("<a>"), Some("a&b=c")] {
            let key = Key { token: rubbish.map(ToOwned::to_owned) };
            assert_eq!(key.in_addresses(list), list);
        }
    }
}
