//! The command line.

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::encode::{Settings, make};

const USAGE: &str = "lantern FILE.mp4\n\nMakes the film, with its subtitles beside it. It needs ffmpeg.\n";

/// Makes the film that the arguments ask for.
pub fn run(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.collect();
    let mut err = std::io::stderr().lock();
    let mut say = |text: &str| {
        // Nobody may be reading, which is no reason not to make the film.
        drop(err.write_all(text.as_bytes()));
    };
    let [file] = arguments.as_slice() else {
        say(USAGE);
        return ExitCode::from(2);
    };
    if file.to_str().is_some_and(|name| name.starts_with('-')) {
        say(USAGE);
        return ExitCode::from(if file == "--help" { 0 } else { 2 });
    }
    match make(&PathBuf::from(file), &Settings::default()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("lantern: {error}\n"));
            ExitCode::FAILURE
        }
    }
}
