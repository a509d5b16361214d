//! The command line.

use std::time::Duration;

use playhouse_media::frame::Size;

pub(crate) const USAGE: &str = "\
probe [OPTIONS]: a moving scene that answers every press in its next picture

  --size WxH         size of the picture where the display does not say [default: 1280x720]
  --rate N           pictures per second at most [default: as many as the display takes; 60 on X11]
  --still            paint only when there is an input
  --x11              be a client of X11, not of Wayland
  --silent           no clicks
  --seed N           another scene
  --crash-after S    end with an error after so many seconds";

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) size: Size,
    pub(crate) rate: Option<u32>,
    pub(crate) still: bool,
    pub(crate) x11: bool,
    pub(crate) silent: bool,
    pub(crate) seed: u32,
    pub(crate) crash_after: Option<Duration>,
}

/// Why a command line is not understood.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OptionsError {
    #[error("there is no option `{0}`\n\n{USAGE}")]
    Unknown(String),
    #[error("{option} asks for {wanted}\n\n{USAGE}")]
    Value { option: &'static str, wanted: &'static str },
    #[error("{USAGE}")]
    Help,
}

impl Options {
    pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, OptionsError> {
        let mut options = Self {
            size: Size::new(1280, 720),
            rate: None,
            still: false,
            x11: false,
            silent: false,
            seed: 1,
            crash_after: None,
        };
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--still" => options.still = true,
                "--x11" => options.x11 = true,
                "--silent" => options.silent = true,
                "--size" => {
                    options.size = arguments.next().as_deref().and_then(size).ok_or(OptionsError::Value {
                        option: "--size",
                        wanted: "two numbers from 16 to 8192, as in 1280x720",
                    })?;
                }
                "--rate" => options.rate = Some(number("--rate", arguments.next(), 1..=1000)?),
                "--seed" => options.seed = number("--seed", arguments.next(), 0..=u32::MAX)?,
                "--crash-after" => {
                    let seconds = number("--crash-after", arguments.next(), 0..=86_400)?;
                    options.crash_after = Some(Duration::from_secs(seconds.into()));
                }
                "--help" | "-h" => return Err(OptionsError::Help),
                _ => return Err(OptionsError::Unknown(argument)),
            }
        }
        Ok(options)
    }
}

fn number(
    option: &'static str,
    value: Option<String>,
    range: std::ops::RangeInclusive<u32>,
) -> Result<u32, OptionsError> {
    let number = value.and_then(|value| value.parse().ok()).filter(|number| range.contains(number));
    number.ok_or(OptionsError::Value { option, wanted: "a number in its range" })
}

fn size(text: &str) -> Option<Size> {
    let (width, height) = text.split_once('x')?;
    let side = |text: &str| text.parse().ok().filter(|side| (16..=8192).contains(side));
    Some(Size::new(side(width)?, side(height)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, OptionsError> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn every_option_is_read() {
        let options =
            parse("--size 640x360 --rate 30 --still --x11 --silent --seed 9 --crash-after 2").unwrap();
        assert_eq!(options.size, Size::new(640, 360));
        assert_eq!((options.rate, options.seed), (Some(30), 9));
        assert!(options.still && options.x11 && options.silent);
        assert_eq!(options.crash_after, Some(Duration::from_secs(2)));
    }

    #[test]
    fn a_wrong_option_is_refused_with_the_usage() {
        for line in ["--size 640", "--size 8x8", "--rate 0", "--rate", "--loud", "--crash-after soon"] {
            assert!(parse(line).unwrap_err().to_string().contains("--still"), "{line}");
        }
    }
}
