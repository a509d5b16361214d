//! Lists of measurements, and the few numbers that a report makes of them.

use serde::Serialize;

/// Percentiles of a list, in its own unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Spread {
    pub(crate) p50: f64,
    pub(crate) p95: f64,
    pub(crate) p99: f64,
}

/// Percentiles of a list where the middle and the tail are enough.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Tail {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

/// Percentiles of answers to inputs, with how many there were and how many never came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Answers {
    pub(crate) p50: f64,
    pub(crate) p95: f64,
    pub(crate) p99: f64,
    pub(crate) n: usize,
    pub(crate) missed: usize,
}

impl Spread {
    pub(crate) fn of(values: &[f64]) -> Self {
        let sorted = sorted(values);
        Self { p50: at(&sorted, 0.5), p95: at(&sorted, 0.95), p99: at(&sorted, 0.99) }
    }
}

impl Tail {
    pub(crate) fn of(values: &[f64]) -> Self {
        let Spread { p50, p99, .. } = Spread::of(values);
        Self { p50, p99 }
    }
}

impl Answers {
    /// Of a list in which an answer that never came is nothing.
    pub(crate) fn of(values: &[Option<f64>]) -> Self {
        let came: Vec<f64> = values.iter().copied().flatten().collect();
        let Spread { p50, p95, p99 } = Spread::of(&came);
        Self { p50, p95, p99, n: values.len(), missed: values.len() - came.len() }
    }
}

/// Three decimals are all that any figure here is good for.
pub(crate) fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// Nearest-rank percentile; zero of an empty list.
fn at(sorted: &[f64], share: f64) -> f64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank within the list")]
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().map_or(0.0, rounded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_list_itself() {
        let values: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!(Spread::of(&values), Spread { p50: 50.0, p95: 95.0, p99: 99.0 });
        assert_eq!(Spread::of(&[]), Spread::default());
    }

    #[test]
    fn an_answer_that_never_came_is_missed_and_not_counted_as_quick() {
        let answers = Answers::of(&[Some(10.0), None, Some(30.0)]);
        assert_eq!((answers.n, answers.missed), (3, 1));
        assert_eq!((answers.p50, answers.p99), (10.0, 30.0));
    }
}
