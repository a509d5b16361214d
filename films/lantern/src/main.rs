//! `lantern FILE.mp4`: makes the film.

fn main() -> std::process::ExitCode {
    lantern::run(std::env::args_os().skip(1))
}
