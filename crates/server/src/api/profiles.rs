//! Profiles: the people who share an account, and which of them is at this device.
//!
//! The device's sign-in holds the profile: no header and no parameter says otherwise. A profile without a PIN opens for
//! everybody who is signed in; one with an age limit changes nothing but what concerns itself alone.

use axum::Json as Body;
use axum::extract::State;
use axum::http::StatusCode;
use playhouse_store::passwords;
use playhouse_store::profiles::Profile;
use playhouse_watch::household::{MOST_PROFILES, OLDEST, PIN_DIGITS, is_pin};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::me::account;
use crate::api::sign_in::{hashing, throttled, verify};
use crate::app::Shared;
use crate::clock::now;
use crate::extract::{self, Id, Json};
use crate::gate::address::Address;
use crate::gate::who::Caller;
use crate::house::household;
use crate::problem::{Answer, Problem};

/// Longest language tag that is kept (BCP 47).
const LONGEST_TAG: usize = 35;

/// The account's people.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Profiles {
    profiles: Vec<ProfileView>,
    /// How many there can be.
    #[schema(example = 8)]
    most: u32,
}

/// A profile.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProfileView {
    id: String,
    #[schema(example = "Ada")]
    name: String,
    /// Films are seen up to this age; null is no limit.
    age_limit: Option<u8>,
    /// Whether a PIN opens it.
    has_pin: bool,
    /// The language of the pages.
    #[schema(example = "de")]
    language: Option<String>,
    /// The language that is listened to, where a film has it.
    audio: Option<String>,
    /// The language of the subtitles; null shows none.
    subtitles: Option<String>,
    /// Whether the next episode begins by itself.
    autoplay: bool,
    /// Whether it is the one at this device.
    here: bool,
}

/// A new profile.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Kim", "age_limit": 6}))]
pub(crate) struct NewProfile {
    name: String,
    /// Films are seen up to this age; without it all are.
    age_limit: Option<u8>,
}

/// What to change in a profile. What is left out stays; null takes a setting away.
#[expect(clippy::option_option, reason = "left out stays, null takes away: JSON has both")]
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"age_limit": 12, "pin": "2580", "subtitles": "en"}))]
pub(crate) struct ChangeProfile {
    name: Option<String>,
    #[serde(default, deserialize_with = "said")]
    age_limit: Option<Option<u8>>,
    /// 4 to 8 digits. Other devices that are in the profile leave it.
    #[serde(default, deserialize_with = "said")]
    pin: Option<Option<String>>,
    #[serde(default, deserialize_with = "said")]
    language: Option<Option<String>>,
    #[serde(default, deserialize_with = "said")]
    audio: Option<Option<String>>,
    #[serde(default, deserialize_with = "said")]
    subtitles: Option<Option<String>>,
    autoplay: Option<bool>,
}

/// Tells null from nothing.
pub(crate) fn said<'de, D: serde::Deserializer<'de>, T: Deserialize<'de>>(
    from: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// What opens a profile.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"pin": "2580"}))]
pub(crate) struct Open {
    /// Where it has one.
    pin: Option<String>,
}

fn view(profile: Profile, caller: &Caller) -> ProfileView {
    ProfileView {
        here: caller.watcher.profile.as_ref() == Some(&profile.id),
        has_pin: profile.pin.is_some(),
        id: profile.id,
        name: profile.name,
        age_limit: profile.age_limit,
        language: profile.language,
        audio: profile.audio,
        subtitles: profile.subtitles,
        autoplay: profile.autoplay,
    }
}

fn no_profile() -> Problem {
    Problem::not_found("This account has no such profile (any more).")
}

/// An age that makes sense.
pub(crate) fn age(field: &str, age: Option<u8>) -> Answer<Option<u8>> {
    match age {
        Some(age) if age > OLDEST => {
            Err(Problem::invalid(field, format!("An age is a number of years from 0 to {OLDEST}.")))
        }
        age => Ok(age),
    }
}

fn tag(field: &str, tag: Option<String>) -> Answer<Option<String>> {
    let sound = |tag: &String| {
        (2..=LONGEST_TAG).contains(&tag.len())
            && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    match tag {
        Some(tag) if !sound(&tag) => {
            Err(Problem::invalid(field, "A language is a tag such as `en`, `de` or `pt-BR`, or null."))
        }
        tag => Ok(tag),
    }
}

/// The people who share the account, and which of them is at this device.
#[utoipa::path(get, path = "/api/profiles", tag = "Household", responses((status = 200, body = Profiles)))]
pub(crate) async fn list(State(app): State<Shared>, caller: Caller) -> Answer<Body<Profiles>> {
    let all = app.store.profiles().of_account(&account(&caller)?.id).await?;
    let profiles = all.into_iter().map(|profile| view(profile, &caller)).collect();
    Ok(Body(Profiles { profiles, most: MOST_PROFILES }))
}

/// Adds a profile.
#[utoipa::path(post, path = "/api/profiles", tag = "Household", request_body = NewProfile,
    responses((status = 201, body = ProfileView), (status = 409, description = "There are eight."), (status = 422)))]
pub(crate) async fn create(
    State(app): State<Shared>,
    caller: Caller,
    Json(body): Json<NewProfile>,
) -> Answer<(StatusCode, Body<ProfileView>)> {
    let name = extract::name(&body.name)?;
    let age_limit = age("age_limit", body.age_limit)?;
    let profiles = app.store.profiles();
    let created = profiles.create(&account(&caller)?.id, name, MOST_PROFILES, now()).await?;
    let mut profile = created.ok_or_else(|| {
        let detail = format!("An account has at most {MOST_PROFILES} profiles; remove one first.");
        Problem::conflict(detail)
    })?;
    if age_limit.is_some() {
        profile.age_limit = age_limit;
        profiles.update(&profile).await?;
    }
    Ok((StatusCode::CREATED, Body(view(profile, &caller))))
}

/// Changes a profile. From one with an age limit, only one's own languages and whether episodes follow each other.
#[utoipa::path(patch, path = "/api/profiles/{id}", tag = "Household", params(("id" = String, Path)),
    request_body = ChangeProfile, responses((status = 200, body = ProfileView), (status = 404), (status = 422)))]
pub(crate) async fn change(
    State(app): State<Shared>,
    caller: Caller,
    Id(id): Id<String>,
    Json(body): Json<ChangeProfile>,
) -> Answer<Body<ProfileView>> {
    let account = &account(&caller)?.id;
    let own = caller.watcher.profile.as_ref() == Some(&id);
    let harmless = body.name.is_none() && body.age_limit.is_none() && body.pin.is_none();
    if caller.is_limited() && !(own && harmless) {
        return Err(household::limited());
    }
    let mut profile = app.store.profiles().get(account, &id).await?.ok_or_else(no_profile)?;
    if profile.pin.is_some() && !own {
        // Else whoever is in a profile without a PIN could take it from one that has one.
        let detail = "This profile has a PIN, so that it is changed from within; open it first.";
        return Err(Problem::not_allowed(detail));
    }
    if let Some(name) = &body.name {
        extract::name(name)?.clone_into(&mut profile.name);
    }
    if let Some(limit) = body.age_limit {
        profile.age_limit = age("age_limit", limit)?;
    }
    if let Some(language) = body.language {
        profile.language = tag("language", language)?;
    }
    if let Some(audio) = body.audio {
        profile.audio = tag("audio", audio)?;
    }
    if let Some(subtitles) = body.subtitles {
        profile.subtitles = tag("subtitles", subtitles)?;
    }
    profile.autoplay = body.autoplay.unwrap_or(profile.autoplay);
    let closes = matches!(body.pin, Some(Some(_)));
    if let Some(pin) = body.pin {
        profile.pin = match pin {
            Some(pin) if !is_pin(&pin) => {
                let (least, most) = (PIN_DIGITS.start(), PIN_DIGITS.end());
                return Err(Problem::invalid("pin", format!("A PIN has {least} to {most} digits.")));
            }
            Some(pin) => Some(hashing(&app, move || passwords::hash(&pin)).await??),
            None => None,
        };
    }
    if !app.store.profiles().update(&profile).await? {
        return Err(no_profile());
    }
    if closes {
        let keep = caller.sign_in.as_deref().unwrap_or_default();
        app.store.profiles().close(account, &id, keep).await?;
    }
    Ok(Body(view(profile, &caller)))
}

/// Removes a profile with all that it remembers of films. The last one stays.
#[utoipa::path(delete, path = "/api/profiles/{id}", tag = "Household", params(("id" = String, Path)),
    responses((status = 204), (status = 404), (status = 409, description = "It is the last one.")))]
pub(crate) async fn remove(
    State(app): State<Shared>,
    caller: Caller,
    Id(id): Id<String>,
) -> Answer<StatusCode> {
    let account = &account(&caller)?.id;
    let profile = app.store.profiles().get(account, &id).await?.ok_or_else(no_profile)?;
    if profile.pin.is_some() && caller.watcher.profile.as_ref() != Some(&id) {
        let detail = "This profile has a PIN, so that it is removed from within; open it first.";
        return Err(Problem::not_allowed(detail));
    }
    if app.store.profiles().delete(account, &id).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::conflict("That is the account's last profile, which stays."))
    }
}

/// Says who is watching on this device from now on. A profile with a PIN wants it, and wrong ones have to wait longer and
/// longer.
#[utoipa::path(post, path = "/api/profiles/{id}/open", tag = "Household", params(("id" = String, Path)),
    request_body = Open,
    responses((status = 200, body = ProfileView), (status = 404),
              (status = 409, description = "The PIN is wrong or missing."),
              (status = 429, description = "Too many attempts; Retry-After says how long to wait.")))]
pub(crate) async fn open(
    State(app): State<Shared>,
    caller: Caller,
    Address(address): Address,
    Id(id): Id<String>,
    Json(body): Json<Open>,
) -> Answer<Body<ProfileView>> {
    let account = &account(&caller)?.id;
    let profile = app.store.profiles().get(account, &id).await?.ok_or_else(no_profile)?;
    if let Some(stored) = &profile.pin
        && caller.watcher.profile.as_ref() != Some(&id)
    {
        // No account is called that, and each profile's attempts are its own.
        let name = format!("\0pin {id}");
        throttled(&app, address, &name)?;
        // Counted as wrong before it is looked at, so that many attempts at once cannot slip through together.
        app.throttle().wrong(address, &name, now());
        let pin = body.pin.unwrap_or_default();
        if !(is_pin(&pin) && verify(&app, pin, Some(stored.clone())).await?) {
            let detail = "The PIN is not right. Whoever set it can open this profile.";
            return Err(Problem::new(StatusCode::CONFLICT, "wrong-pin", "Wrong PIN", detail));
        }
        app.throttle().right(address, &name);
    }
    app.store.profiles().open(caller.sign_in.as_deref().unwrap_or_default(), &id).await?;
    Ok(Body(ProfileView { here: true, ..view(profile, &caller) }))
}
