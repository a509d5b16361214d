//! The probe game: the program. See the library beside it for what its picture says.

mod clicks;
mod game;
mod options;
mod wayland;

use std::process::ExitCode;

fn main() -> ExitCode {
    game::main()
}
