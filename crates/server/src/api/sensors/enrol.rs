//! Enrolment: codes that an owner is shown, and what a device gets for one.

use axum::Json as Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use playhouse_sense::enrolment::{Enrol, Enrolled};
use playhouse_sense::settings::Settings;
use playhouse_store::sensors::{Code, Fleet};
use playhouse_store::{Millis, id};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::exports;
use crate::api::sensors::no_sensor;
use crate::api::sign_in::throttled;
use crate::app::Shared;
use crate::clock::{HOUR, now};
use crate::extract::{self, Id, Json};
use crate::gate::address::Address;
use crate::house::sensors::authority::serial;
use crate::house::sensors::{MOST, doors};
use crate::problem::{Answer, Problem};

/// How long a code works: long enough to walk to the device.
const LASTS: Millis = HOUR;

/// What wrong codes are counted under: no account can be called that.
const CODES: &str = "\0sensor";

/// What sensors of a fleet are called where nobody says it.
const UNNAMED: &str = "Simulated";

/// A code by which a device is enrolled.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CodeView {
    /// Shown only here.
    #[schema(example = "7M2K-Q4TX")]
    code: String,
    expires: Millis,
    /// What to run on the device.
    #[schema(example = "playhouse sense --server http://127.0.0.1:7770 --code 7M2K-Q4TX")]
    command: String,
}

/// A fleet to come.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"count": 100, "group": "Load"}))]
pub(crate) struct NewFleet {
    /// How many sensors may come by the code.
    count: u32,
    group: Option<String>,
    /// What they are called, with a number behind it.
    name: Option<String>,
}

/// A code by which many devices are enrolled.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FleetCode {
    #[serde(flatten)]
    code: CodeView,
    count: u32,
}

/// What a device sends: the code, and a certificate request (PKCS #10, PEM) for a key that never leaves it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"code": "7M2K-Q4TX", "request": "-----BEGIN CERTIFICATE REQUEST-----…"}))]
#[expect(dead_code, reason = "describes `Enrol`, which knows nothing of OpenAPI")]
pub(crate) struct EnrolBody {
    code: String,
    request: String,
}

/// What a device is given for its code.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EnrolledView {
    /// Its id, which is the certificate's common name.
    sensor: String,
    /// PEM.
    certificate: String,
    /// The authority that signed it and the house's listeners for sensors, PEM.
    authority: String,
    /// Where MQTT over TLS is spoken, `host:port`; an empty host is the one that was enrolled at.
    #[schema(example = ":8883")]
    mqtt: String,
    /// Where certificates are renewed.
    #[schema(example = ":7773")]
    https: String,
    /// When the certificate ends, in unix seconds.
    expires: u64,
}

impl From<Enrolled> for EnrolledView {
    fn from(enrolled: Enrolled) -> Self {
        let Enrolled { sensor, certificate, authority, mqtt, https, expires } = enrolled;
        Self { sensor, certificate, authority, mqtt, https, expires }
    }
}

/// What a sensor is to do before anybody says it, as JSON.
pub(crate) fn untold() -> String {
    serde_json::to_string(&Settings::default()).unwrap_or_else(|_| "{}".to_owned())
}

fn code_view(app: &Shared, headers: &HeaderMap, code: String, expires: Millis) -> CodeView {
    let command = format!("playhouse sense --server {} --code {code}", exports::base(app, headers));
    CodeView { code, expires, command }
}

/// A fresh code for a sensor.
pub(crate) async fn offer(app: &Shared, headers: &HeaderMap, key: i64) -> Answer<CodeView> {
    let (code, now) = (id::spoken(), now());
    app.store.sensors().offer(key, &code, now, now + LASTS).await?;
    Ok(code_view(app, headers, code, now + LASTS))
}

/// Makes a new code for a sensor, say for a device that takes another one's place. The old certificate counts until the code
/// is used.
#[utoipa::path(post, path = "/api/sensors/{id}/code", tag = "Sensors", params(("id" = String, Path)),
    responses((status = 201, body = CodeView), (status = 404)))]
pub(crate) async fn code(
    State(app): State<Shared>,
    Id(id): Id<String>,
    headers: HeaderMap,
) -> Answer<(StatusCode, Body<CodeView>)> {
    let sensor = app.store.sensors().get(&id).await?.ok_or_else(no_sensor)?;
    Ok((StatusCode::CREATED, Body(offer(&app, &headers, sensor.key).await?)))
}

/// Makes a code by which many sensors are enrolled, each of which is made as it comes: for a fleet of simulated devices, or a
/// pallet of real ones.
#[utoipa::path(post, path = "/api/sensors/fleet-code", tag = "Sensors", request_body = NewFleet,
    responses((status = 201, body = FleetCode), (status = 422)))]
pub(crate) async fn fleet(
    State(app): State<Shared>,
    headers: HeaderMap,
    Json(body): Json<NewFleet>,
) -> Answer<(StatusCode, Body<FleetCode>)> {
    let room = MOST.saturating_sub(app.sensors.fleet.len());
    if body.count == 0 || body.count as usize > room {
        let detail = format!(
            "There is room for {room} more sensors: ask for one at least, and for no more than that."
        );
        return Err(Problem::invalid("count", detail));
    }
    let name = extract::name(body.name.as_deref().unwrap_or(UNNAMED))?;
    let grouped = body.group.as_deref().filter(|group| !group.is_empty()).map(extract::name).transpose()?;
    let (settings, code, now) = (untold(), id::spoken(), now());
    let fleet = Fleet { name, grouped, settings: &settings, count: body.count };
    app.store.sensors().offer_fleet(fleet, &code, now, now + LASTS).await?;
    let code = code_view(&app, &headers, code, now + LASTS);
    Ok((StatusCode::CREATED, Body(FleetCode { code, count: body.count })))
}

/// Enrols a device: for a code it gets a certificate, by which it speaks MQTT and HTTPS with the house from then on.
#[utoipa::path(post, path = "/api/sensors/enrol", tag = "Sensors", request_body = EnrolBody,
    responses((status = 201, body = EnrolledView), (status = 401, description = "The code is unknown, used or too old."),
              (status = 422), (status = 429, description = "Too many wrong codes."),
              (status = 503, description = "This house does not listen for sensors.")))]
pub(crate) async fn enrol(
    State(app): State<Shared>,
    Address(address): Address,
    Json(body): Json<Enrol>,
) -> Answer<(StatusCode, Body<EnrolledView>)> {
    doors::listening(&app)?;
    throttled(&app, address, CODES)?;
    let request = doors::request(&body.request)?;
    let (now, serial) = (now(), serial());
    let until = doors::until(&app, now);
    let code = app.store.sensors().redeem(&id::heard(&body.code), &serial, now, until).await?;
    let sensor = match code {
        Code::Taken(sensor) => sensor,
        Code::Unknown => {
            app.throttle().wrong(address, CODES, now);
            return Err(wrong("Nobody made this code here. Compare it with the one on the owner's screen."));
        }
        Code::Used => {
            return Err(wrong(
                "This code was used already. Ask an owner for a new one on the sensor's page.",
            ));
        }
        Code::Expired => {
            return Err(wrong(
                "This code is too old: it works for an hour. Ask an owner for a new one on the sensor's page.",
            ));
        }
        Code::Revoked => {
            return Err(wrong(
                "The sensor was thrown out since this code was made. Ask an owner for a new one on its page.",
            ));
        }
    };
    app.sensors.follow(&sensor);
    // Whoever came by an older certificate has been replaced.
    app.sensors.broker.disconnect(&sensor.id);
    let signed = app.sensors.authority.sign(&request, &sensor.id, &serial, now, until);
    let enrolled = doors::enrolled(&app, sensor.id, signed.map_err(doors::unsigned)?);
    Ok((StatusCode::CREATED, Body(enrolled.into())))
}

fn wrong(detail: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "wrong-code", "That code does not work", detail)
}
