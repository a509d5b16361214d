//! A camera of this machine, by `Video4Linux`.
//!
//! ffmpeg's own demuxer has the device: it knows raw formats and MJPEG, and gives the device back however it ends. This input
//! has been run over no real device yet, since the machines that test this project have none.

use std::path::{Path, PathBuf};

use super::ffmpeg::{Decoded, Decoder, From};
use super::{Fault, Input, Shot, Stop};

/// The input `v4l2`.
#[derive(Debug)]
pub struct V4l2 {
    device: PathBuf,
    decoded: Decoded,
}

impl V4l2 {
    /// Takes pictures with a device like `/dev/video0`.
    pub fn new(device: &Path) -> Self {
        Self { device: device.to_owned(), decoded: Decoded::default() }
    }
}

fn open(device: &Path) -> Result<Decoder, Fault> {
    let what = format!("the camera {}", device.display());
    if !device.starts_with("/dev") || !device.exists() {
        return Err(Fault::Missing(what));
    }
    let device = device.to_str().unwrap_or_default();
    // What the device does not have it replaces by the nearest that it has.
    let input =
        ["-fflags", "nobuffer", "-f", "v4l2", "-framerate", "30", "-video_size", "640x480", "-i", device];
    Decoder::start(&what, &input, From::Device)
}

impl Input for V4l2 {
    fn kind(&self) -> &'static str {
        "v4l2"
    }

    fn next(&mut self, stop: &Stop) -> Result<Shot, Fault> {
        let Self { device, decoded } = self;
        decoded.next(stop, || open(device))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_camera_that_is_not_there_is_named() {
        let mut input = V4l2::new(Path::new("/dev/video-of-nobody"));
        let fault = input.next(&Stop::default()).unwrap_err();
        assert!(fault.to_string().contains("/dev/video-of-nobody is not there; plug it in"), "{fault}");
    }
}
