//! A changed migration has to rebuild the crate that embeds it.

fn main() {
    #![expect(clippy::print_stdout, reason = "this is how a build script speaks to cargo")]
    println!("cargo::rerun-if-changed=migrations");
}
