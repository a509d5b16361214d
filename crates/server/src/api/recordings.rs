//! Recordings: planning them, by programme or by rule, keeping and deleting them.

use std::collections::HashMap;

use axum::Json as Body;
use axum::extract::State;
use axum::http::StatusCode;
use playhouse_store::accounts::Account;
use playhouse_store::channels::Kind as ChannelKind;
use playhouse_store::recordings::{Kind, Recording, Rule, State as Condition};
use playhouse_store::{Millis, id};
use playhouse_watch::recording::{LONGEST_PAD, PAD_AFTER, PAD_BEFORE};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::guide::no_channel;
use crate::api::me::account;
use crate::app::Shared;
use crate::clock::{DAY, now};
use crate::extract::{Id, Json};
use crate::gate::who::Caller;
use crate::house::guide::what::{self, Entry};
use crate::house::recordings::{self as house, MOST, takes_room};
use crate::problem::{Answer, Problem};

/// The longest recording that is not of a programme.
const LONGEST: Millis = DAY;

/// Rules of one account.
const MOST_RULES: usize = 200;

/// Characters of the words of a rule.
const LONGEST_WORDS: usize = 200;

/// The longest time that a recording is kept without being protected, in days: ten years.
const LONGEST_KEPT: u32 = 3650;

/// A programme to record, or a span of a channel.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"channel": "abc", "start_ms": 1_796_066_100_000_i64}))]
pub(crate) struct NewRecording {
    channel: String,
    /// When the programme begins.
    start_ms: Millis,
    /// When to stop, where the guide has no programme that begins then.
    stop_ms: Option<Millis>,
    /// What to call it, where the guide has no programme that begins then.
    title: Option<String>,
    /// Seconds before the programme: 60 where nothing is said.
    pad_before_s: Option<u32>,
    /// Seconds after it: 180 where nothing is said.
    pad_after_s: Option<u32>,
    /// Whether only to say what that would mean.
    #[serde(default)]
    dry_run: bool,
}

/// What to change of a recording.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"protected": true}))]
pub(crate) struct ChangeRecording {
    /// Whether it stays until somebody deletes it.
    protected: Option<bool>,
    pad_before_s: Option<u32>,
    pad_after_s: Option<u32>,
    /// Days that it is kept.
    keep_days: Option<u32>,
    /// `true` plans anew what was skipped.
    wanted: Option<bool>,
}

/// What is to be recorded beside single programmes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "series", "words": "Dark Rooms"}))]
pub(crate) struct NewRule {
    /// `series` finds programmes of this title, `keyword` those with all of these words.
    #[schema(example = "series")]
    kind: RuleKind,
    words: String,
    /// One channel, or all.
    channel: Option<String>,
    pad_before_s: Option<u32>,
    pad_after_s: Option<u32>,
    /// Days that its recordings are kept: 28 where nothing is said.
    keep_days: Option<u32>,
    /// Whether only to say what that would mean.
    #[serde(default)]
    dry_run: bool,
}

/// By what a rule finds programmes.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RuleKind {
    /// By their title.
    Series,
    /// By words.
    Keyword,
}

/// A recording.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RecordingView {
    id: String,
    channel: Option<String>,
    channel_name: String,
    /// The rule that planned it.
    rule: Option<String>,
    title: String,
    subtitle: Option<String>,
    description: Option<String>,
    start_ms: Millis,
    stop_ms: Millis,
    pad_before_s: u32,
    pad_after_s: u32,
    /// `planned`, `recording`, `done`, `failed` or `skipped`.
    #[schema(example = "planned")]
    state: &'static str,
    /// Why it failed, or what it lacks, in a sentence.
    reason: Option<String>,
    /// The film that it is, which can be watched from its start once it is being recorded.
    film: Option<String>,
    bytes: i64,
    /// The HLS playlist of what a live channel's recording has so far, from its start.
    #[schema(example = "/api/recordings/abc/watch/master.m3u8")]
    watch: Option<String>,
    protected: bool,
    /// When it goes by itself.
    expires_ms: Option<Millis>,
    /// The ids of recordings that are in its way: while there are some it will not be recorded.
    conflicts: Vec<String>,
}

/// How much may be recorded.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct QuotaView {
    used_s: u64,
    planned_s: u64,
    limit_s: u64,
    /// Recordings at a time.
    at_once: usize,
}

/// A rule.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RuleView {
    id: String,
    kind: RuleKind,
    words: String,
    channel: Option<String>,
    pad_before_s: u32,
    pad_after_s: u32,
    keep_days: Option<u32>,
}

/// Your recordings, newest programme first, and your rules.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RecordingList {
    recordings: Vec<RecordingView>,
    rules: Vec<RuleView>,
    quota: QuotaView,
}

/// What was planned, or would be.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Planned {
    /// Each with what is in its way.
    recordings: Vec<RecordingView>,
    /// The rule that was made.
    rule: Option<String>,
    quota: QuotaView,
    /// Whether the quota takes it.
    fits: bool,
}

fn view(recording: Recording, conflicts: &HashMap<String, Vec<String>>) -> RecordingView {
    RecordingView {
        watch: (recording.state == Condition::Recording && recording.film.is_none())
            .then(|| format!("/api/recordings/{}/watch/master.m3u8", recording.id)),
        conflicts: conflicts.get(&recording.id).cloned().unwrap_or_default(),
        id: recording.id,
        channel: recording.channel,
        channel_name: recording.channel_name,
        rule: recording.rule,
        title: recording.title,
        subtitle: recording.subtitle,
        description: recording.description,
        start_ms: recording.start,
        stop_ms: recording.stop,
        pad_before_s: recording.pad_before,
        pad_after_s: recording.pad_after,
        state: match recording.state {
            Condition::Planned => "planned",
            Condition::Recording => "recording",
            Condition::Done => "done",
            Condition::Failed => "failed",
            Condition::Skipped => "skipped",
        },
        reason: recording.reason,
        film: recording.film,
        bytes: recording.bytes,
        protected: recording.protected,
        expires_ms: recording.expires,
    }
}

fn rule_view(rule: Rule) -> RuleView {
    RuleView {
        id: rule.id,
        kind: match rule.kind {
            Kind::Series => RuleKind::Series,
            Kind::Keyword => RuleKind::Keyword,
        },
        words: rule.words,
        channel: rule.channel,
        pad_before_s: rule.pad_before,
        pad_after_s: rule.pad_after,
        keep_days: rule.keep_days,
    }
}

fn quota_view(quota: playhouse_watch::recording::Quota) -> QuotaView {
    QuotaView { used_s: quota.used, planned_s: quota.planned, limit_s: quota.limit, at_once: house::AT_ONCE }
}

fn pad(field: &str, seconds: Option<u32>, usual: u32) -> Answer<u32> {
    let seconds = seconds.unwrap_or(usual);
    if seconds <= LONGEST_PAD {
        return Ok(seconds);
    }
    Err(Problem::invalid(field, format!("Padding has at most {LONGEST_PAD} seconds.")))
}

fn days(days: Option<u32>) -> Answer<Option<u32>> {
    if days.is_none_or(|days| (1..=LONGEST_KEPT).contains(&days)) {
        return Ok(days);
    }
    Err(Problem::invalid(
        "keep_days",
        format!("Recordings are kept for 1 to {LONGEST_KEPT} days, or protected."),
    ))
}

fn no_recording() -> Problem {
    Problem::not_found("You have no such recording (any more).")
}

/// Holds what is to be planned against what is planned already.
async fn weigh(app: &Shared, account: &Account, new: &[Recording], rule: Option<String>) -> Answer<Planned> {
    let kinds = house::kinds(app).await?;
    let mut all = app.store.recordings().all(None).await?;
    let before = house::quota(&all, account, &kinds);
    let same = |one: &Recording, other: &Recording| {
        (&one.account, &one.channel, one.start) == (&other.account, &other.channel, other.start)
    };
    all.retain(|known| !new.iter().any(|new| same(known, new)));
    all.extend(new.iter().cloned());
    let conflicts = house::conflicts(&all, &kinds);
    let after = house::quota(&all, account, &kinds);
    Ok(Planned {
        recordings: new.iter().cloned().map(|recording| view(recording, &conflicts)).collect(),
        rule,
        quota: quota_view(before),
        fits: after.takes(0),
    })
}

fn full(quota: &QuotaView) -> Problem {
    let hours = quota.limit_s / 3600;
    let detail =
        format!("Your recordings would take more than {hours} hours, which is the limit. Delete some first.");
    Problem::new(StatusCode::INSUFFICIENT_STORAGE, "disk", "No room for recordings", detail)
}

/// Your recordings and rules, what is in each other's way, and how much room there is.
#[utoipa::path(get, path = "/api/recordings", tag = "Recordings", responses((status = 200, body = RecordingList)))]
pub(crate) async fn list(State(app): State<Shared>, caller: Caller) -> Answer<Body<RecordingList>> {
    let account = account(&caller)?;
    let all = app.store.recordings().all(None).await?;
    let kinds = house::kinds(&app).await?;
    let (conflicts, quota) = (house::conflicts(&all, &kinds), house::quota(&all, account, &kinds));
    let mine = all.into_iter().filter(|recording| recording.account == account.id);
    let rules = app.store.recordings().rules(Some(&account.id)).await?;
    Ok(Body(RecordingList {
        recordings: mine.map(|recording| view(recording, &conflicts)).collect(),
        rules: rules.into_iter().map(rule_view).collect(),
        quota: quota_view(quota),
    }))
}

/// Plans the recording of a programme. `dry_run` says what would be in its way, and whether there is room.
#[utoipa::path(post, path = "/api/recordings", tag = "Recordings", request_body = NewRecording,
    responses((status = 200, body = Planned, description = "What that would mean."), (status = 201, body = Planned),
              (status = 404), (status = 409, description = "It is planned already, or cannot be recorded."),
              (status = 507, description = "There is no room.")))]
pub(crate) async fn create(
    State(app): State<Shared>,
    caller: Caller,
    Json(body): Json<NewRecording>,
) -> Answer<(StatusCode, Body<Planned>)> {
    let account = account(&caller)?;
    let channel = app.store.channels().get(&body.channel).await?.ok_or_else(no_channel)?;
    if channel.kind == ChannelKind::External {
        return Err(Problem::conflict(
            "Channels of others are only shown here; what they show cannot be recorded.",
        ));
    }
    let pads = [
        pad("pad_before_s", body.pad_before_s, PAD_BEFORE)?,
        pad("pad_after_s", body.pad_after_s, PAD_AFTER)?,
    ];
    let entry = programme(&app, &channel, &body).await?;
    if entry.stop <= now() {
        return Err(Problem::conflict("That programme is over."));
    }
    let recording = house::of(&account.id, &channel, &entry, pads, now());
    let planned = weigh(&app, account, std::slice::from_ref(&recording), None).await?;
    if body.dry_run {
        return Ok((StatusCode::OK, Body(planned)));
    }
    let count = app.store.recordings().all(Some(&account.id)).await?.len();
    if count >= MOST || (takes_room(channel.kind) && !planned.fits) {
        return Err(full(&planned.quota));
    }
    if !app.store.recordings().create(&recording).await? {
        return Err(Problem::conflict("You are recording that already; your recordings have it."));
    }
    Ok((StatusCode::CREATED, Body(planned)))
}

/// The programme that begins then, or the span that was given.
async fn programme(
    app: &Shared,
    channel: &playhouse_store::channels::Channel,
    body: &NewRecording,
) -> Answer<Entry> {
    let at = body.start_ms;
    if (at - now()).abs() > 366 * DAY {
        return Err(Problem::invalid("start_ms", "That is more than a year from now."));
    }
    let mut on = what::on(app, std::slice::from_ref(channel), at, at.saturating_add(1)).await?;
    let there = on
        .remove(&channel.id)
        .unwrap_or_default()
        .into_iter()
        .find(|entry| entry.start == at && !entry.filler);
    if let Some(entry) = there {
        return Ok(entry);
    }
    let Some(stop) =
        body.stop_ms.filter(|stop| *stop > at && stop - at <= LONGEST && takes_room(channel.kind))
    else {
        let detail = "No programme of that channel begins then. Look at the guide again, or, for a live channel, say \
                      when to stop, a day later at most.";
        return Err(Problem::invalid("start_ms", detail));
    };
    let title = body.title.as_deref().map(crate::extract::name).transpose()?;
    Ok(Entry {
        start: at,
        stop,
        title: title.unwrap_or(&channel.name).to_owned(),
        subtitle: None,
        description: None,
        category: None,
        season: None,
        episode: None,
        film: None,
        filler: false,
    })
}

/// A recording of the caller's own.
pub(crate) async fn own(app: &Shared, caller: &Caller, id: &str) -> Answer<Recording> {
    let account = &account(caller)?.id;
    let recording = app.store.recordings().get(id).await?;
    recording.filter(|recording| recording.account == *account).ok_or_else(no_recording)
}

/// Protects a recording, or changes its padding or how long it is kept.
#[utoipa::path(patch, path = "/api/recordings/{id}", tag = "Recordings", params(("id" = String, Path)),
    request_body = ChangeRecording, responses((status = 204), (status = 404), (status = 422)))]
pub(crate) async fn change(
    State(app): State<Shared>,
    caller: Caller,
    Id(id): Id<String>,
    Json(body): Json<ChangeRecording>,
) -> Answer<StatusCode> {
    let mut recording = own(&app, &caller, &id).await?;
    recording.protected = body.protected.unwrap_or(recording.protected);
    recording.pad_before = pad("pad_before_s", body.pad_before_s, recording.pad_before)?;
    recording.pad_after = pad("pad_after_s", body.pad_after_s, recording.pad_after)?;
    if let Some(days) = days(body.keep_days)? {
        recording.keep_days = Some(days);
        recording.expires = recording.expires.map(|_| recording.stop + Millis::from(days) * DAY);
    }
    if recording.state == Condition::Skipped && body.wanted == Some(true) {
        recording.state = Condition::Planned;
    }
    app.store.recordings().update(&recording).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes a recording away. What a rule planned is skipped, and not planned again. A film of the library stays there.
#[utoipa::path(delete, path = "/api/recordings/{id}", tag = "Recordings", params(("id" = String, Path)),
    responses((status = 204), (status = 404)))]
pub(crate) async fn remove(
    State(app): State<Shared>,
    caller: Caller,
    Id(id): Id<String>,
) -> Answer<StatusCode> {
    let mut recording = own(&app, &caller, &id).await?;
    let over = recording.stop <= now();
    if recording.rule.is_some() && !over {
        let running = std::mem::replace(&mut recording.state, Condition::Skipped) == Condition::Recording;
        app.store.recordings().update(&recording).await?;
        if running {
            house::live::erase(&app, id).await?;
        }
    } else {
        app.store.recordings().delete(&id).await?;
        house::live::discard(&app, &recording).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Makes a rule, which plans recordings a week ahead from now on. `dry_run` says what it would plan.
#[utoipa::path(post, path = "/api/recordings/rules", tag = "Recordings", request_body = NewRule,
    responses((status = 200, body = Planned, description = "What that would mean."), (status = 201, body = Planned),
              (status = 409, description = "There are too many."), (status = 422)))]
pub(crate) async fn create_rule(
    State(app): State<Shared>,
    caller: Caller,
    Json(body): Json<NewRule>,
) -> Answer<(StatusCode, Body<Planned>)> {
    let account = account(&caller)?;
    let words = body.words.trim();
    if words.chars().count() > LONGEST_WORDS || !words.chars().any(char::is_alphanumeric) {
        return Err(Problem::invalid(
            "words",
            format!("Say by which words to find programmes, {LONGEST_WORDS} characters at most."),
        ));
    }
    if let Some(channel) = &body.channel {
        app.store.channels().get(channel).await?.ok_or_else(no_channel)?;
    }
    let rule = Rule {
        id: id::fresh(),
        account: account.id.clone(),
        kind: match body.kind {
            RuleKind::Series => Kind::Series,
            RuleKind::Keyword => Kind::Keyword,
        },
        words: words.to_owned(),
        channel: body.channel,
        pad_before: pad("pad_before_s", body.pad_before_s, PAD_BEFORE)?,
        pad_after: pad("pad_after_s", body.pad_after_s, PAD_AFTER)?,
        keep_days: days(body.keep_days)?,
        created: now(),
    };
    let found = house::found(&app, &rule).await?;
    if body.dry_run {
        return Ok((StatusCode::OK, Body(weigh(&app, account, &found, None).await?)));
    }
    if app.store.recordings().rules(Some(&account.id)).await?.len() >= MOST_RULES {
        return Err(Problem::conflict(format!(
            "You have {MOST_RULES} rules, which is the limit; remove one first."
        )));
    }
    app.store.recordings().create_rule(&rule).await?;
    house::follow_rules(&app).await?;
    let planned = weigh(&app, account, &found, Some(rule.id)).await?;
    Ok((StatusCode::CREATED, Body(planned)))
}

/// Removes a rule, and what it planned and has not begun.
#[utoipa::path(delete, path = "/api/recordings/rules/{rule}", tag = "Recordings", params(("rule" = String, Path)),
    responses((status = 204), (status = 404)))]
pub(crate) async fn remove_rule(
    State(app): State<Shared>,
    caller: Caller,
    Id(rule): Id<String>,
) -> Answer<StatusCode> {
    if app.store.recordings().delete_rule(&account(&caller)?.id, &rule).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Problem::not_found("You have no such rule (any more)."))
}
