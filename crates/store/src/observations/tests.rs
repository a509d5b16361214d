//! What sensors send is here once, whatever happens on the way.

use super::*;
use crate::Store;
use crate::sensors::Sensor;

const MINUTE: Millis = 60_000;

async fn store() -> (tempfile::TempDir, Store, Sensor) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("playhouse.db")).await.unwrap();
    let sensor = store.sensors().create("Door", "[]", None, "{}", 0).await.unwrap();
    (folder, store, sensor)
}

fn crossing(seq: u64, at: Millis, track: u32, inward: bool) -> Observation {
    let direction = if inward { "in" } else { "out" };
    Observation {
        seq,
        at,
        sent: None,
        kind: "crossed",
        area: Some(1),
        track: Some(track),
        what: json!({"Crossed": {"line": 1, "track": track, "label": 0, "direction": direction}}).to_string(),
        tally: Tally::Crossed { line: 1, inward },
    }
}

fn delivery(sensor: &Sensor, epoch: u64, observations: Vec<Observation>) -> Delivery {
    Delivery { sensor: sensor.key, epoch, observations }
}

async fn total(store: &Store, sensor: &Sensor) -> (i64, i64) {
    let rows = store.figures().crossings(sensor.key, MINUTE, MINUTE, 0, 0, i64::MAX / 2).await.unwrap();
    rows.iter().fold((0, 0), |(ins, outs), row| (ins + row.ins, outs + row.outs))
}

#[tokio::test]
async fn what_comes_twice_is_counted_once() {
    let (_folder, store, sensor) = store().await;
    let observations = store.observations();
    let first = delivery(&sensor, u64::MAX, vec![crossing(1, 5, 1, true), crossing(2, 6, 2, false)]);
    let more = delivery(&sensor, u64::MAX, vec![crossing(2, 6, 2, false), crossing(4, 7, 3, true)]);
    let outcomes = observations.take(&[first.clone(), more.clone()], 10).await.unwrap();
    let taken = |before, seq| Some(Taken { before, seq });
    assert_eq!(outcomes, [taken(0, 2), taken(2, 4)]);
    for _ in 0..3 {
        assert_eq!(observations.take(&[first.clone(), more.clone()], 11).await.unwrap(), [taken(4, 4); 2]);
    }
    assert_eq!(total(&store, &sensor).await, (2, 1));
    assert_eq!(observations.mark(sensor.key, u64::MAX).await.unwrap(), 4);
    assert_eq!(observations.mark(sensor.key, 5).await.unwrap(), 0);
    // A new life of the outbox begins at 1 again.
    let anew = delivery(&sensor, 7, vec![crossing(1, 70_000, 1, true)]);
    assert_eq!(observations.take(&[anew], 12).await.unwrap(), [taken(0, 1)]);
    assert_eq!(total(&store, &sensor).await, (3, 1));
}

#[tokio::test]
async fn who_was_thrown_out_or_removed_spoils_nothing_for_others() {
    let (_folder, store, sensor) = store().await;
    let gone = Sensor { key: 4711, ..sensor.clone() };
    let out = store.sensors().create("Out", "[]", None, "{}", 0).await.unwrap();
    store.sensors().revoke(&out.id, 1).await.unwrap();
    let each = [&gone, &out, &sensor].map(|sensor| delivery(sensor, 1, vec![crossing(1, 5, 1, true)]));
    let outcomes = store.observations().take(&each, 10).await.unwrap();
    assert_eq!(outcomes, [None, None, Some(Taken { before: 0, seq: 1 })]);
    assert_eq!(total(&store, &sensor).await, (1, 0));
}

#[tokio::test]
async fn what_a_larger_model_takes_back_is_not_counted() {
    let (_folder, store, sensor) = store().await;
    let observations = store.observations();
    let mut back = crossing(3, 9, 1, true);
    (back.kind, back.area, back.tally) = ("corrected", None, Tally::Void { track: 1 });
    let list = vec![crossing(1, 5, 1, true), crossing(2, 6, 2, true), back];
    observations.take(&[delivery(&sensor, 1, list.clone())], 10).await.unwrap();
    assert_eq!(total(&store, &sensor).await, (1, 0));
    observations.take(&[delivery(&sensor, 1, list)], 11).await.unwrap();
    assert_eq!(total(&store, &sensor).await, (1, 0));
}

#[tokio::test]
async fn lists_go_on_where_they_ended_and_old_ones_are_forgotten() {
    let (_folder, store, sensor) = store().await;
    let observations = store.observations();
    let all = (1..=10).map(|seq| crossing(seq, 5, 1, true)).collect();
    observations.take(&[delivery(&sensor, 1, all)], 10).await.unwrap();
    let mut listed = Listed {
        sensor: sensor.key,
        from: 0,
        to: 100,
        kind: Some("crossed"),
        line: Some(1),
        zone: None,
        after: None,
        limit: 4,
    };
    let mut seen = Vec::new();
    loop {
        let page = observations.list(listed).await.unwrap();
        let Some(last) = page.last() else { break };
        listed.after = Some((last.at, last.epoch, last.seq));
        seen.extend(page.iter().map(|kept| kept.seq));
    }
    assert_eq!(seen, (1..=10).rev().collect::<Vec<_>>());
    listed.after = None;
    assert!(observations.list(Listed { zone: Some(1), line: None, ..listed }).await.unwrap().is_empty());
    assert_eq!(observations.forget(sensor.key, 6, 4).await.unwrap(), 4);
    assert_eq!(observations.forget(sensor.key, 6, 100).await.unwrap(), 6);
    assert_eq!(observations.forget(sensor.key, 6, 100).await.unwrap(), 0);
}

#[tokio::test]
async fn stays_and_heat_add_up() {
    let (_folder, store, sensor) = store().await;
    let with = |seq, at, tally| Observation { tally, kind: "other", ..crossing(seq, at, 1, true) };
    let occupied = |count| Tally::Occupied { zone: 3, count };
    let heat = || Tally::Heat { columns: 4, rows: 2, cells: vec![(5, 20)] };
    let one = vec![with(1, 0, occupied(2)), with(2, 5, heat())];
    let two = vec![with(3, 30_000, occupied(0)), with(4, 40_000, heat())];
    store.observations().take(&[delivery(&sensor, 1, one)], 10).await.unwrap();
    store.observations().take(&[delivery(&sensor, 1, two)], 10).await.unwrap();
    let rows = store.figures().stays(sensor.key, MINUTE, MINUTE, 0, 0, 100_000).await.unwrap();
    assert_eq!((rows[0].zone, rows[0].most, rows[0].present), (3, 2, 60_000));
    let heat = store.figures().heat(sensor.key, 0, 100_000).await.unwrap().unwrap();
    assert_eq!((heat.columns, heat.rows, heat.cells), (4, 2, vec![(5, 40)]));
}
