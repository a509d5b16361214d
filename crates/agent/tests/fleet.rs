//! A fleet of simulated sensors against a hub that writes everything down.

#![allow(clippy::unwrap_used, reason = "parts of tests, in which a panic is the finding")]

mod hub;

use std::path::Path;
use std::time::Duration;

use hub::{CODE, DEADLINE, Hub, until};
use playhouse_agent::fleet::{FleetError, Options, simulate};
use playhouse_sense::observation::{Direction, What};

fn options(hub: &Hub, state: &Path, code: Option<&str>) -> Options {
    Options {
        devices: 25,
        server: hub.url(),
        code: code.map(str::to_owned),
        state: state.to_owned(),
        lasts: Some(Duration::from_secs(3)),
        ramp: 200,
        crossings: 60.0,
        seed: 7,
    }
}

fn crossed(hub: &Hub, way: Direction) -> u64 {
    let is = |what: &What| matches!(what, What::Crossed { direction, .. } if *direction == way);
    hub.events().iter().filter(|(_, event)| is(&event.what)).count() as u64
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_fleet_says_it_told_is_what_the_hub_has() {
    let (hub, place) = (Hub::start().await, tempfile::tempdir().unwrap());
    let report = simulate(options(&hub, place.path(), Some(CODE)), std::future::pending()).await.unwrap();
    assert_eq!((report.devices, report.connected, report.lost), (25, 25, 0));
    assert!(report.told > 25, "{report:?}");
    assert_eq!(report.taken, report.told);
    assert_eq!(hub.events().len() as u64, report.told);
    assert_eq!(
        (crossed(&hub, Direction::In), crossed(&hub, Direction::Out)),
        (report.crossed_in, report.crossed_out)
    );
    assert!(report.taken_ms_p50.is_some_and(|ms| ms > 0.0));
    // The next run needs no code.
    let again = simulate(options(&hub, place.path(), None), std::future::pending()).await.unwrap();
    assert_eq!(again.connected, 25);
    let mut more = options(&hub, place.path(), None);
    more.devices = 30;
    let error = simulate(more, std::future::pending()).await.unwrap_err().to_string();
    assert_eq!(error, "25 of 30 simulated sensors are enrolled; start with --code and a code for 5 more");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_that_loses_the_hub_comes_back_and_tells_everything_once() {
    let (hub, place) = (Hub::start().await, tempfile::tempdir().unwrap());
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    let options = Options { lasts: None, ..options(&hub, place.path(), Some(CODE)) };
    let fleet = tokio::spawn(simulate(options, async { drop(ended.await) }));
    until("all are connected", || hub.connections() == 25).await;
    until("they tell something", || hub.events().len() > 25).await;
    hub.open(false);
    let told = hub.events().len();
    hub.open(true);
    // The first thing that a sensor says once it is connected.
    until("all come back", || hub.of_kind("/reported").len() >= 50).await;
    until("they tell more", || hub.events().len() > told + 25).await;
    end.send(()).unwrap();
    let report = tokio::time::timeout(DEADLINE, fleet).await.unwrap().unwrap().unwrap();
    assert_eq!(report.storms_s.len(), 1, "{report:?}");
    assert_eq!((hub.events().len() as u64, report.lost), (report.told, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_that_this_machine_cannot_hold_is_refused_in_words() {
    let (hub, place) = (Hub::start().await, tempfile::tempdir().unwrap());
    let too_many = Options { devices: 60_000, ..options(&hub, place.path(), Some(CODE)) };
    assert!(matches!(simulate(too_many, std::future::pending()).await, Err(FleetError::Count(60_000))));
    let wrong = options(&hub, place.path(), Some("NOTA-CODE"));
    let error = simulate(wrong, std::future::pending()).await.unwrap_err().to_string();
    assert!(error.contains("does not take this code"), "{error}");
}
