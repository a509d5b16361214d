//! What answers teach: from which score on the sensor is right nearly always, and below which it sees nothing.

use crate::detection::Label;
use crate::track::Thresholds;

/// Scores are told apart in so many steps.
const STEPS: u8 = 20;

/// Fewer answers than this teach nothing.
const ENOUGH: f32 = 8.0;

/// Nearly always.
const NEARLY: f32 = 0.95;

/// What one more answer leaves of those before: some hundred count.
const KEEP: f32 = 0.99;

/// Answers about tracks of similar scores.
#[derive(Clone, Copy, Debug, Default)]
struct Step {
    right: f32,
    nothing: f32,
    other: f32,
}

impl Step {
    fn share(&self, part: f32) -> Option<f32> {
        let all = self.right + self.nothing + self.other;
        (all >= ENOUGH).then(|| part / all)
    }
}

/// All answers.
#[derive(Clone, Debug, Default)]
pub(super) struct Lessons {
    steps: [Step; STEPS as usize],
}

impl Lessons {
    /// A track of this score was taken for `label`, and is `truth`.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the steps")]
    pub(super) fn learn(&mut self, score: f32, label: Label, truth: Option<Label>) {
        let step = (score.clamp(0.0, 0.999) * f32::from(STEPS)) as usize;
        let step = &mut self.steps[step];
        for part in [&mut step.right, &mut step.nothing, &mut step.other] {
            *part *= KEEP;
        }
        match truth {
            None => step.nothing += 1.0,
            Some(truth) if truth == label => step.right += 1.0,
            Some(_) => step.other += 1.0,
        }
    }

    /// The thresholds by which what is in between is worth a question.
    pub(super) fn thresholds(&self, settings: Thresholds) -> Thresholds {
        let middle = |step: u8| (f32::from(step) + 0.5) / f32::from(STEPS);
        let is_right = |step: u8| {
            let known = &self.steps[usize::from(step)];
            known.share(known.right).map_or(middle(step) >= settings.high, |share| share >= NEARLY)
        };
        let is_nothing = |step: u8| {
            let known = &self.steps[usize::from(step)];
            known.share(known.nothing).map_or(middle(step) < settings.low, |share| share >= NEARLY)
        };
        let sure = (0..STEPS).rev().take_while(|step| is_right(*step)).count();
        let vain = (0..STEPS).take_while(|step| is_nothing(*step)).count();
        let edge = |step: usize| step as f32 / f32::from(STEPS);
        // Where nothing was learned the settings hold, between the steps, too.
        let near = |edge: f32, setting: f32| {
            if (edge - setting).abs() <= 0.5 / f32::from(STEPS) + 1e-4 { setting } else { edge }
        };
        let high = near(edge(usize::from(STEPS) - sure), settings.high);
        Thresholds { low: near(edge(vain), settings.low).min(high), high }
    }
}
