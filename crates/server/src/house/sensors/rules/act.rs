//! What a rule does: tells pages, calls addresses, publishes, asks for a clip.

use playhouse_broker::Qos;
use playhouse_sense::rule::{Firing, Rule, Then};
use playhouse_store::Millis;
use playhouse_store::sensor_rules::Notice;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::Shared;
use crate::clock::now;
use crate::house::sensors::twin::desired;
use crate::house::sessions::Change;

/// What a rule told of.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct NoticeView {
    /// Later ones have higher ones.
    pub(crate) id: i64,
    /// The rule's id.
    pub(crate) rule: String,
    #[schema(example = "Queue at the till")]
    pub(crate) name: String,
    /// The sensor's id; empty for what goes by the clock alone.
    pub(crate) sensor: String,
    pub(crate) at: Millis,
    /// How many, how often, how long, or what an app said.
    pub(crate) figure: f64,
    /// What was seen, in a sentence.
    #[schema(example = "5 in zone 1")]
    pub(crate) text: String,
}

impl From<Notice> for NoticeView {
    fn from(notice: Notice) -> Self {
        let Notice { id, rule, name, sensor, at, figure, text } = notice;
        Self { id, rule, name, sensor, at, figure, text }
    }
}

/// What is told of a firing to whoever is called.
#[derive(Serialize)]
struct Told<'a> {
    rule: &'a str,
    name: &'a str,
    sensor: &'a str,
    sensor_name: &'a str,
    at: u64,
    figure: f64,
    text: &'a str,
}

/// What was seen, with the names that people gave to lines and zones.
pub(crate) fn named(app: &Shared, firing: &Firing) -> (String, String) {
    let Some(member) = app.sensors.fleet.get(&firing.sensor) else {
        return (String::new(), firing.text.clone());
    };
    let row = member.now().row.clone();
    let settings = desired(&row).settings;
    let mut text = firing.text.clone();
    let lines = settings.lines.iter().map(|line| (format!("line {} ", line.id), &line.name));
    let zones = settings.zones.iter().map(|zone| (format!("zone {} ", zone.id), &zone.name));
    for (number, name) in lines.chain(zones) {
        let padded = format!("{text} ");
        if padded.contains(&number) {
            padded.replacen(&number, &format!("“{name}” "), 1).trim_end().clone_into(&mut text);
            break;
        }
    }
    (row.name, text)
}

/// Does what a rule says.
pub(crate) async fn act(app: &Shared, firing: &Firing) {
    let Some(rule) = app.sensors.rules.get(&firing.rule) else { return };
    let (sensor_name, text) = named(app, firing);
    let told = Told {
        rule: &rule.id,
        name: &rule.name,
        sensor: &firing.sensor,
        sensor_name: &sensor_name,
        at: firing.at,
        figure: firing.figure,
        text: &text,
    };
    let body = serde_json::to_string(&told).unwrap_or_default();
    for then in &rule.then {
        match then {
            Then::Notice { text: says } => {
                let text = if says.trim().is_empty() { &text } else { says };
                notice(app, &rule, firing, text).await;
            }
            Then::Webhook { url } => {
                if let Err(error) = app.store.sensor_rules().call(&rule.id, url, &body, now()).await {
                    tracing::warn!(rule = rule.id, %error, "a call could not be written down, and is not made");
                }
                app.sensors.rules.calls.notify_one();
            }
            Then::Mqtt { topic } => {
                let published = app.sensors.broker.publish(topic, body.clone(), Qos::AtLeastOnce, false);
                if let Err(error) = published {
                    tracing::warn!(rule = rule.id, topic, %error, "a rule cannot publish");
                }
            }
            Then::Clip { .. } => {
                let text = format!("{text} — a clip was wanted, and this sensor sends no pictures");
                notice(app, &rule, firing, &text).await;
            }
        }
    }
}

async fn notice(app: &Shared, rule: &Rule, firing: &Firing, text: &str) {
    let mut notice = Notice {
        id: 0,
        rule: rule.id.clone(),
        name: rule.name.clone(),
        sensor: firing.sensor.clone(),
        at: Millis::try_from(firing.at).unwrap_or(Millis::MAX),
        figure: firing.figure,
        text: text.to_owned(),
    };
    match app.store.sensor_rules().notice(&notice).await {
        Ok(id) => notice.id = id,
        Err(error) => tracing::warn!(%error, "a notice could not be written down"),
    }
    let view = serde_json::to_value(NoticeView::from(notice)).unwrap_or_default();
    app.sessions.tell(Change::Notice(view));
}
