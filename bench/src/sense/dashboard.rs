//! From a picture being taken to its boxes being drawn: in a browser on a display.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use playhouse_testkit::browser::{Browser, Options};
use playhouse_testkit::display::Display;
use serde_json::{Value, json};

use super::agent::Agent;
use crate::figures::{Spread, Tail};
use crate::house::{House, Settings};
use crate::scene::SIZE;

/// What is not counted: the page is still loading things.
const SETTLE: Duration = Duration::from_secs(3);
/// How long is looked.
const LOOK: Duration = Duration::from_secs(30);
/// Pictures a second.
const RATE: u32 = 30;

/// Kept of every page: what it hears and draws.
const SCRIPT: &str = include_str!("dashboard.js");

/// Fills in `glass_to_dashboard_ms` and `dashboard`.
pub(super) fn measure(seed: u64, figures: &mut Value) -> Result<()> {
    let house = House::start(Settings { sessions: 1, kbps: 6000, ports: (46_230, 46_239) })?;
    let input = format!("virtual:seed={seed},fps={RATE}");
    let agent = Agent::start(&house, &input, &json!({"rate": RATE}))?;
    let display = Display::start(SIZE.0, SIZE.1).context("cannot start a display (Debian: `xvfb`)")?;
    let mut browser = Browser::start(&display.name(), &Options { size: SIZE, ..Options::default() })?;
    let page = &mut browser.page;
    page.before_pages(SCRIPT)?;
    house.enter(page)?;
    page.open(&format!("{}/sensors/{}?measure", house.origin, agent.sensor))?;
    let (begin, mut seen) = (Instant::now(), Vec::new());
    while begin.elapsed() < SETTLE + LOOK {
        std::thread::sleep(Duration::from_millis(500));
        let more = page.evaluate("benchSeen()")?;
        if begin.elapsed() > SETTLE {
            seen.extend(more.as_array().cloned().unwrap_or_default());
        }
    }
    ensure!(seen.len() > 100, "the page drew {} pictures only: {}", seen.len(), agent.log());
    let number = |one: &Value, name: &str| one[name].as_f64().unwrap_or(f64::NAN);
    let spread = |of: &dyn Fn(&Value) -> f64| Spread::of(&seen.iter().map(of).collect::<Vec<_>>());
    let whole: Vec<f64> = seen.iter().map(|one| number(one, "drawn") - number(one, "at")).collect();
    figures["glass_to_dashboard_ms"] = json!(Tail::of(&whole));
    figures["dashboard"] = json!({
        "pictures": seen.len(), "drawn_fps": seen.len() as f64 / LOOK.as_secs_f64(),
        "understood_ms": spread(&|one| number(one, "took_us") / 1000.0),
        "at_hub_ms": spread(&|one| number(one, "hub_at") - number(one, "at") - number(one, "took_us") / 1000.0),
        "at_page_ms": spread(&|one| number(one, "heard") - number(one, "hub_at")),
        "drawn_ms": spread(&|one| number(one, "drawn") - number(one, "heard")),
    });
    Ok(())
}
