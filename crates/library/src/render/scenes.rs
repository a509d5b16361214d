//! Scenes of a film, encoded in many ways to choose its ladder.

use std::fs;

use playhouse_watch::ladder::{self, Ladder, Probe};
use playhouse_watch::rendering::Plan;

use super::job::Job;
use super::{RenderError, Step, command, ffmpeg};

/// A film that is shorter is not probed: there is little to save, and nothing to choose scenes from.
const PROBED_MS: u64 = 30_000;

/// Seconds of work that the probes of a ladder are.
pub(super) const PROBING: f64 = 60.0;

/// Seconds of work that the probes of this film are.
pub(super) fn work(plan: &Plan) -> f64 {
    if plan.duration_ms < PROBED_MS { 0.0 } else { PROBING }
}

impl Job<'_> {
    /// The ladder: chosen by probes once, and kept, so that all pieces are of the same one.
    pub(super) async fn ladder(&mut self, probing: f64) -> Result<Ladder, RenderError> {
        let kept = self.work.join("ladder.json");
        if let Some(ladder) = fs::read(&kept).ok().and_then(|json| serde_json::from_slice(&json).ok()) {
            self.done += probing;
            return Ok(ladder);
        }
        let ladder = if probing > 0.0 {
            self.step = Step::Probing;
            ladder::choose(self.plan.height, &self.probe(probing).await?)
        } else {
            ladder::usual(self.plan.height)
        };
        let json = serde_json::to_vec(&ladder).map_err(|error| RenderError::Folder(error.into()))?;
        let new = self.work.join("new-ladder.json");
        fs::write(&new, json).map_err(RenderError::Folder)?;
        self.keep("ladder.json")?;
        Ok(ladder)
    }

    async fn probe(&mut self, work: f64) -> Result<Vec<Probe>, RenderError> {
        let (line, seconds) = command::scenes(self.plan);
        // The scenes are kept without loss.
        self.run(line, work * 0.2, seconds, 256 << 20).await?;
        let wanted = ladder::probes(self.plan.height);
        let each = work * 0.8 / wanted.len().max(1) as f64;
        let mut probes = Vec::new();
        for (height, crf) in wanted {
            self.run(command::probe(self.plan, height, crf), each * 0.6, seconds, 0).await?;
            let size = fs::metadata(self.work.join("probe.mp4")).map_err(RenderError::Folder)?.len();
            let said = self.run(command::compare(), each * 0.4, seconds, 0).await?;
            if let Some(ssim) = ffmpeg::likeness(&said.words) {
                probes.push(Probe { height, crf, bitrate: size as f64 * 8.0 / seconds, ssim });
            }
        }
        for file in ["scenes.mkv", "probe.mp4"] {
            fs::remove_file(self.work.join(file)).map_err(RenderError::Folder)?;
        }
        Ok(probes)
    }
}
