//! The program: command line, configuration, and the wiring of products to devices.
//!
//! One folder per process: [`serve`] (API, pages, catalogue), [`session`] (one running game), [`node`] (starts
//! sessions and talks with them), [`sense`] (the agent beside a camera). Nothing depends on this crate.

mod cli;
mod clock;
pub mod config;
pub mod node;
pub mod sense;
pub mod serve;
pub mod session;

use std::ffi::OsString;
use std::process::ExitCode;

/// Runs the program with its arguments; the first is the program's name.
///
/// Errors are printed as sentences, each cause on a line of its own.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let command = match cli::parse(args) {
        Ok(command) => command,
        Err(shown) => return shown,
    };
    match cli::execute(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            cli::complain(&error);
            ExitCode::FAILURE
        }
    }
}
