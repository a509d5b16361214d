//! Finds the system's libsrt, whichever library of encryption it was built with.

fn main() {
    if let Err(error) = pkg_config::Config::new().atleast_version("1.4.2").probe("srt") {
        println!("cargo::error=libsrt was not found (Debian: libsrt-gnutls-dev): {error}");
    }
}
