//! The lanterns game: the program. See the library beside it for its rules and looks.

mod best;
mod game;
mod sound;

use std::process::ExitCode;

fn main() -> ExitCode {
    game::main()
}
