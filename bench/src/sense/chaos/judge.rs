//! What the agent took upon itself, held against what the server's records have.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::witness::{Number, Seen, lost};
use crate::progress::say;

/// Numbers that are named where something is wrong with them.
const NAMED: usize = 5;

/// An observation in the server's records.
#[derive(Debug, Deserialize)]
pub(super) struct Row {
    epoch: i64,
    seq: u64,
    /// When the sensor said that it happened.
    said: u64,
    what: String,
}

/// Crossings in the server's records: single ones, and those of its sums.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Crossings {
    pub(super) single: u64,
    pub(super) summed: u64,
}

/// What came of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Events that the agent kept, and let go because the server said that it has them.
    pub(super) acked: usize,
    /// Those that the server does not have, or has otherwise; numbers that were passed over; crossings not added up.
    pub(super) lost: u64,
    /// Those that the server has twice, or has added up twice.
    pub(super) duplicated: u64,
    /// Events that were thrown away of which the server was told.
    pub(super) told_dropped: u64,
}

/// What the server has of its only sensor.
pub(super) fn records(data: &Path) -> Result<(Vec<Row>, Crossings)> {
    let rows = ask(data, "SELECT epoch, seq, coalesce(sent, at) AS said, what FROM observations")?;
    let sums = "SELECT (SELECT count(*) FROM observations WHERE kind = 'crossed' AND NOT void) AS single, \
                (SELECT coalesce(sum(ins + outs), 0) FROM crossings WHERE span = 60000) AS summed";
    let crossings: Vec<Crossings> = ask(data, sums)?;
    Ok((rows, *crossings.first().context("the server's records have no sums")?))
}

fn ask<T: DeserializeOwned>(data: &Path, sql: &str) -> Result<Vec<T>> {
    let file = data.join("playhouse.db");
    let output = Command::new("sqlite3").args(["-readonly", "-json"]).arg(file).arg(sql).output();
    let output = output.context("`sqlite3` is missing (Debian: sqlite3)")?;
    ensure!(output.status.success(), "reading records: {}", String::from_utf8_lossy(&output.stderr));
    // Nothing at all is said of no rows.
    if output.stdout.is_empty() {
        return Ok(Vec::new());
    }
    serde_json::from_slice(&output.stdout).context("reading records")
}

/// Says what is wrong, and counts it.
pub(super) fn judge(seen: &Seen, rows: &[Row], crossings: Crossings) -> Verdict {
    let mut verdict = Verdict::default();
    let mut stored: BTreeMap<Number, &Row> = BTreeMap::new();
    let mut twice = Vec::new();
    for row in rows {
        let number = (row.epoch.cast_unsigned(), row.seq);
        if stored.insert(number, row).is_some() {
            twice.push(number);
        }
        verdict.told_dropped += lost(&row.what).unwrap_or(0);
    }
    let given = || seen.kept.iter().filter(|(number, _)| !seen.dropped.contains(number));
    let missing: Vec<Number> =
        given().map(|(number, _)| *number).filter(|number| !stored.contains_key(number)).collect();
    let other = |(number, (at, what)): (&Number, &(u64, String))| {
        let row = stored.get(number)?;
        (row.said != *at || row.what != *what).then_some(*number)
    };
    let others: Vec<Number> = given().filter_map(other).collect();
    let known: BTreeSet<Number> = seen.kept.keys().chain(stored.keys()).copied().collect();
    let mut newest: BTreeMap<u64, u64> = BTreeMap::new();
    for &(epoch, seq) in &known {
        newest.insert(epoch, seq);
    }
    let all = newest.iter().flat_map(|(epoch, seq)| (1..=*seq).map(move |seq| (*epoch, seq)));
    let passed: Vec<Number> = all.filter(|number| !known.contains(number)).collect();
    let undead: Vec<Number> =
        seen.dropped.iter().copied().filter(|number| stored.contains_key(number)).collect();
    for (numbers, what) in [
        (&missing, "kept by the agent, and the server does not have them"),
        (&others, "something else at the server than at the agent"),
        (&passed, "between others, and neither the agent nor the server had them"),
        (&twice, "twice at the server"),
        (&undead, "thrown away by the agent, and the server has them"),
        (&seen.twice.iter().copied().collect(), "given to two events"),
    ] {
        tell(numbers, what);
    }
    if seen.begun_anew() > 0 {
        say(&format!("The outbox forgot what it had, and began anew: {} times", seen.begun_anew()));
    }
    if crossings.single != crossings.summed {
        say(&format!("The server has {} crossings and sums of {}", crossings.single, crossings.summed));
    }
    let acked = given().filter(|(number, _)| seen.is_taken(number));
    verdict.acked = acked.count();
    verdict.lost = (missing.len() + others.len() + passed.len()) as u64
        + crossings.single.saturating_sub(crossings.summed);
    verdict.duplicated = twice.len() as u64 + crossings.summed.saturating_sub(crossings.single);
    verdict
}

fn tell(numbers: &[Number], what: &str) {
    if !numbers.is_empty() {
        let first: Vec<String> =
            numbers.iter().take(NAMED).map(|(epoch, seq)| format!("{epoch:016x}/{seq}")).collect();
        say(&format!("{} numbers are {what}: {} …", numbers.len(), first.join(", ")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO_CROSSINGS: Crossings = Crossings { single: 0, summed: 0 };

    fn seen(numbers: impl IntoIterator<Item = u64>) -> Seen {
        let mut seen = Seen::default();
        seen.kept.extend(numbers.into_iter().map(|seq| ((9, seq), (seq, "{}".to_owned()))));
        seen
    }

    fn rows(numbers: impl IntoIterator<Item = u64>) -> Vec<Row> {
        numbers.into_iter().map(|seq| Row { epoch: 9, seq, said: seq, what: "{}".to_owned() }).collect()
    }

    fn lost_and_twice(seen: &Seen, rows: &[Row]) -> (u64, u64) {
        let verdict = judge(seen, rows, NO_CROSSINGS);
        (verdict.lost, verdict.duplicated)
    }

    #[test]
    fn an_event_that_is_missing_is_lost_unless_it_was_thrown_away_by_rule() {
        assert_eq!(lost_and_twice(&seen(1..=5), &rows(1..=5)), (0, 0));
        assert_eq!(lost_and_twice(&seen(1..=5), &rows([1, 2, 4])), (2, 0));
        let mut dropped = seen(1..=5);
        dropped.dropped.extend([(9, 3), (9, 5)]);
        assert_eq!(lost_and_twice(&dropped, &rows([1, 2, 4])), (0, 0));
    }

    #[test]
    fn a_number_that_nobody_had_is_lost() {
        assert_eq!(lost_and_twice(&seen([1, 2, 5]), &rows([1, 2, 5])), (2, 0));
        // What was in memory alone, was sent, and died with the agent.
        assert_eq!(lost_and_twice(&seen([1, 2]), &rows(1..=4)), (0, 0));
    }

    #[test]
    fn an_event_that_is_there_twice_is_duplicated_and_one_that_is_another_is_lost() {
        assert_eq!(lost_and_twice(&seen(1..=3), &rows([1, 2, 2, 3])), (0, 1));
        let mut other = rows(1..=3);
        other[1].what = "other".to_owned();
        assert_eq!(lost_and_twice(&seen(1..=3), &other), (1, 0));
    }

    #[test]
    fn sums_have_to_be_those_of_the_single_crossings() {
        let judge = |single, summed| judge(&seen([]), &[], Crossings { single, summed });
        assert_eq!((judge(3, 5).duplicated, judge(5, 3).lost), (2, 2));
    }
}
