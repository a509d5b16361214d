//! The options of `playhouse sense`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use playhouse_sense::scene::Options as Scene;

/// The agent beside a camera: understands pictures where they are taken, and sends what they mean.
#[derive(Debug, Args)]
pub struct Flags {
    #[arg(help = "The Playhouse server to enrol at, like http://192.168.1.10:7000; needed with --code only")]
    #[arg(long, env = "PLAYHOUSE_SENSE_SERVER", value_name = "ADDRESS")]
    pub(super) server: Option<String>,

    /// The code that the page "Sensors" shows; needed once.
    #[arg(
        long,
        env = "PLAYHOUSE_SENSE_CODE",
        value_name = "CODE",
        hide_env_values = true,
        requires = "server"
    )]
    pub(super) code: Option<String>,

    /// The agent's folder: its key, its certificate, and what the hub has not taken yet. One for each sensor.
    #[arg(long, env = "PLAYHOUSE_SENSE_STATE", value_name = "DIR", default_value = "sensor")]
    pub(super) state: PathBuf,

    #[arg(
        help = "Where pictures come from: virtual, virtual:seed=7,people=8,size=640x480, v4l2:/dev/video0, \
                rtsp://USER:PASSWORD@HOST/PATH, file:FILM, or pictures:DIR",
        long,
        env = "PLAYHOUSE_SENSE_INPUT",
        value_name = "INPUT",
        default_value = "virtual",
        hide_env_values = true
    )]
    pub(super) input: Input,

    /// Let a virtual scene's truth look instead of a model: what is told is then exact.
    #[arg(long, hide = true)]
    pub(super) truth: bool,

    /// Runs beside the server that started it: ends with it, and gives way to it.
    #[arg(long, hide = true)]
    pub(super) beside: bool,

    /// The most that may wait on disk for the hub, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub(super) outbox: u32,

    /// Simulate so many sensors instead, with a code that may be used as often (POST /api/sensors/fleet-code), and print
    /// their figures as JSON at the end.
    #[arg(long, value_name = "N", requires = "server", conflicts_with = "input")]
    pub(super) simulate: Option<usize>,

    /// How long the simulated ones live once all are connected, in seconds; otherwise until the program is told to end.
    #[arg(long, value_name = "SECONDS", requires = "simulate")]
    pub(super) seconds: Option<u32>,

    /// Simulated ones that connect each second, at most.
    #[arg(long, value_name = "N", default_value_t = 200, requires = "simulate")]
    pub(super) ramp: u32,

    /// People who cross each simulated sensor's line in a minute, on average.
    #[arg(long, value_name = "N", default_value_t = 6.0, requires = "simulate")]
    pub(super) crossings: f32,

    /// What the simulated ones see is drawn from this.
    #[arg(long, value_name = "N", default_value_t = 1, requires = "simulate")]
    pub(super) seed: u64,
}

/// Where pictures come from.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Input {
    /// A drawn scene.
    Virtual(Scene),
    /// A camera of this machine.
    V4l2(PathBuf),
    /// A camera of the network.
    Rtsp(String),
    /// A video file.
    File(PathBuf),
    /// A directory of pictures.
    Pictures(PathBuf),
}

impl FromStr for Input {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with("rtsp://") {
            return Ok(Self::Rtsp(text.to_owned()));
        }
        let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
        match (kind, rest) {
            ("virtual", scene) => Ok(Self::Virtual(read_scene(scene)?)),
            ("v4l2" | "file" | "pictures", "") => Err(format!("{kind} needs a path, as in {kind}:PATH")),
            ("v4l2", device) => Ok(Self::V4l2(device.into())),
            ("file", film) => Ok(Self::File(film.into())),
            ("pictures", folder) => Ok(Self::Pictures(folder.into())),
            _ => Err("it begins with none of virtual, v4l2:, rtsp://, file: and pictures:".to_owned()),
        }
    }
}

/// A scene as `seed=7,people=8,fps=30,size=640x480`; a number alone is the seed.
fn read_scene(text: &str) -> Result<Scene, String> {
    let mut scene = Scene::default();
    for word in text.split(',').filter(|word| !word.is_empty()) {
        let (name, value) = word.split_once('=').unwrap_or(("seed", word));
        let read = || -> Option<Scene> {
            let mut scene = scene.clone();
            match name {
                "seed" => scene.seed = value.parse().ok()?,
                "people" => scene.people = value.parse().ok()?,
                "objects" => scene.objects = value.parse().ok()?,
                "fps" => scene.fps = value.parse().ok()?,
                "size" => {
                    let (width, height) = value.split_once('x')?;
                    scene.size = (width.parse().ok()?, height.parse().ok()?);
                }
                _ => return None,
            }
            Some(scene)
        };
        scene = read().ok_or_else(|| {
            format!("`{word}` says nothing of a scene; it may be like virtual:seed=7,people=8,objects=2,fps=30,size=640x480")
        })?;
    }
    Ok(scene)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_are_read_and_what_is_none_is_explained() {
        let read = |text: &str| text.parse::<Input>();
        assert_eq!(read("virtual:7"), Ok(Input::Virtual(Scene { seed: 7, ..Scene::default() })));
        assert_eq!(read("rtsp://a:b@c/d"), Ok(Input::Rtsp("rtsp://a:b@c/d".into())));
        assert_eq!(read("v4l2:/dev/video0"), Ok(Input::V4l2("/dev/video0".into())));
        assert_eq!(read("file:a:b.mp4"), Ok(Input::File("a:b.mp4".into())));
        assert!(read("pictures").unwrap_err().contains("pictures:PATH"));
        assert!(read("webcam").unwrap_err().contains("v4l2:"));
        let scene = Scene { seed: 3, people: 8, size: (640, 480), ..Scene::default() };
        assert_eq!(read("virtual:seed=3,people=8,size=640x480"), Ok(Input::Virtual(scene)));
        assert!(read("virtual:x").unwrap_err().contains("virtual:seed=7"));
    }
}
