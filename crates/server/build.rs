//! The pages are embedded from `web/app/dist`; where they have not been built yet, a page that says so stands in.

use std::fs;
use std::path::Path;

const STAND_IN: &str = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Playhouse</title>\n\
<p>The pages of Playhouse are not built yet: run <code>npm run build</code> in <code>web/app</code>, then build the \
program again. The API works already: see <a href=\"/api\">/api</a>.</p>\n</html>\n";

fn main() -> std::io::Result<()> {
    let dist = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web/app/dist");
    if !dist.join("index.html").exists() {
        fs::create_dir_all(&dist)?;
        fs::write(dist.join("index.html"), STAND_IN)?;
    }
    println!("cargo::rerun-if-changed=../../web/app/dist");
    Ok(())
}
