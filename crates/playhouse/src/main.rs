//! The program `playhouse`.

fn main() -> std::process::ExitCode {
    playhouse::run(std::env::args_os())
}
