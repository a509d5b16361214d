//! The probe game: the program. See the library beside it for what its picture says.

mod game;
mod memory;
mod options;
mod pads;
mod sound;
mod wayland;
mod x11;

use std::process::ExitCode;

fn main() -> ExitCode {
    game::main()
}
