//! Eight tabs of a party, one of them frozen: how far the seven others are apart. The browser test of it measures, and
//! its figure is read.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use playhouse_testkit::child::Program;
use serde_json::Value;

use crate::house::built;
use crate::progress::say;

/// The test, by its name.
const TEST: &str = "eight tabs of a party";
/// What its line of figures has.
const FIGURE: &str = "party_skew_ms";

/// Milliseconds; nothing where the browser tests are not installed, which is said.
pub(super) fn measure() -> Result<Option<f64>> {
    let tests = built("bench")?.ancestors().nth(3).context("no workspace")?.join("web/e2e");
    if !tests.join("../node_modules/@playwright/test").is_dir() {
        say("The party is not measured: the browser tests are not installed; run `npm ci` in `web`.");
        return Ok(None);
    }
    let mut program = Program::start(
        Command::new("npx")
            .args(["playwright", "test", "tests/party.spec.ts", "-g", TEST])
            .current_dir(tests)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit()),
    )
    .context("`npx` is needed to measure the party (Debian: `npm`)")?;
    let mut found = None;
    let mut said = Vec::new();
    for line in BufReader::new(program.stdout().context("the test has no output")?).lines() {
        let line = line?;
        if line.contains(FIGURE)
            && let Some(figures) =
                line.find('{').and_then(|at| serde_json::from_str::<Value>(&line[at..]).ok())
        {
            found = figures[FIGURE].as_f64();
        }
        said.push(line);
    }
    // The figure stands before the frozen tab comes back: a test that fails after it has measured nothing wrong.
    let last = said.iter().rev().take(15).rev().cloned().collect::<Vec<_>>().join("\n");
    ensure!(found.is_some(), "the test of the party failed:\n{last}");
    Ok(found)
}
