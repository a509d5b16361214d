//! A virtual sensor: a drawn scene, whose every picture has a known truth.

use std::time::{Duration, Instant};

use playhouse_sense::picture::Picture;
use playhouse_sense::scene::{Options, Scene};

use super::{Fault, Input, Shot, Stop, shot};

/// The input `virtual`.
pub struct Virtual {
    scene: Scene,
    begun: Option<Instant>,
    next: u64,
}

impl std::fmt::Debug for Virtual {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Virtual").field("options", self.scene.options()).finish_non_exhaustive()
    }
}

impl Virtual {
    /// Shows a scene from its first frame on, in its own time.
    pub fn new(options: Options) -> Self {
        Self { scene: Scene::new(options), begun: None, next: 0 }
    }

    fn due(&self, begun: Instant, frame: u64) -> Instant {
        begun + Duration::from_secs_f64(frame as f64 / f64::from(self.scene.options().fps))
    }
}

impl Input for Virtual {
    fn kind(&self) -> &'static str {
        "virtual"
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a number of frames, never negative"
    )]
    fn next(&mut self, stop: &Stop) -> Result<Shot, Fault> {
        let begun = *self.begun.get_or_insert_with(Instant::now);
        // A frame whose time is over is not shown late: as with a real camera, what happens does not wait for us.
        let passed = begun.elapsed().as_secs_f64() * f64::from(self.scene.options().fps);
        let frame = self.next.max(passed as u64);
        stop.wait(self.due(begun, frame).saturating_duration_since(Instant::now()))?;
        let mut picture = Picture::black(0, 0);
        self.scene.render(frame, &mut picture);
        self.next = frame + 1;
        Ok(shot(picture, frame))
    }
}

#[cfg(test)]
mod tests {
    use playhouse_sense::scene::barcode;

    use super::*;

    #[test]
    fn a_virtual_sensor_shows_the_frame_that_it_says() {
        let mut input = Virtual::new(Options { fps: 60.0, ..Options::default() });
        let shots: Vec<Shot> = (0..3).map(|_| input.next(&Stop::default()).unwrap()).collect();
        assert!(shots.windows(2).all(|two| two[0].frame < two[1].frame && two[0].at <= two[1].at));
        for shot in shots {
            assert_eq!(barcode::read(&shot.picture), Some(shot.frame));
        }
    }
}
