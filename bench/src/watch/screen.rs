//! From the wish to see a film, or another place of it, to its picture: in a browser on a display.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use playhouse_testkit::browser::{Browser, Cdp, Options};
use playhouse_testkit::display::Display;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::json;

use crate::house::House;
use crate::progress::Progress;
use crate::scene::SIZE;

/// How long a page may take to load.
const PATIENCE: Duration = Duration::from_secs(20);
/// Nothing is waited for longer than this in a page; milliseconds.
const LATEST: u32 = 15_000;
/// Seconds of the film, without its last ones.
const LENGTH: f64 = 3590.0;
/// Before a start a person looks at the page, and between two seeks at what came; milliseconds.
const LOOK: u64 = 400;

/// Kept of every page: how to begin, and how to wait for a picture. Milliseconds from the wish to the picture.
const SCRIPT: &str = include_str!("screen.js");

/// Milliseconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Moments {
    pub(crate) starts: Vec<f64>,
    pub(crate) seeks: Vec<f64>,
    /// To the very picture, where the player makes a difference.
    pub(crate) exact: Vec<f64>,
}

impl Moments {
    pub(crate) fn extend(&mut self, other: Self) {
        self.starts.extend(other.starts);
        self.seeks.extend(other.seeks);
        self.exact.extend(other.exact);
    }
}

/// What is done in a browser, with either side the same.
pub(crate) struct Screen {
    pub(crate) starts: usize,
    pub(crate) seeks: usize,
    pub(crate) seed: u64,
}

impl Screen {
    /// Our player, our server.
    pub(crate) fn ours(&self, house: &House, film: &str) -> Result<Moments> {
        let begin = format!("benchOurs('/api/films/{film}/master.m3u8')");
        self.measure("Playhouse", &begin, |page| house.enter(page))
    }

    /// hls.js as it comes, from a static server.
    pub(crate) fn peers(&self, origin: &str) -> Result<Moments> {
        let address = format!("{origin}/index.html");
        self.measure("nginx and hls.js", "benchPeer('/hls/film.m3u8')", |page| Ok(page.open(&address)?))
    }

    fn measure(&self, name: &str, begin: &str, open: impl Fn(&mut Cdp) -> Result<()>) -> Result<Moments> {
        let display = Display::start(SIZE.0, SIZE.1).context("cannot start a display (Debian: `xvfb`)")?;
        let mut browser = Browser::start(&display.name(), &Options { size: SIZE, ..Options::default() })?;
        let page = &mut browser.page;
        page.before_pages(&SCRIPT.replace("%LATEST%", &LATEST.to_string()))?;
        page.call("Network.enable", &json!({}))?;
        page.call("Network.setCacheDisabled", &json!({"cacheDisabled": true}))?;
        let mut random = StdRng::seed_from_u64(self.seed);
        let mut moments = Moments::default();
        let progress = Progress::new(name, self.starts + self.seeks);
        for turn in 0..self.starts {
            open(page)?;
            ensure!(
                page.wait("document.readyState === 'complete' && !!window.benchReady", PATIENCE)?,
                "no page"
            );
            page.evaluate("benchReady()")?;
            std::thread::sleep(Duration::from_millis(LOOK));
            moments.starts.push(millis(page, begin)?);
            progress.step(turn);
        }
        for turn in 0..self.seeks {
            std::thread::sleep(Duration::from_millis(LOOK));
            let to = random.random_range(0.0..LENGTH);
            moments.seeks.push(millis(page, &format!("benchSeek({to:.3})"))?);
            progress.step(self.starts + turn);
        }
        let seeks = if page.evaluate("!!window.benchToExactly")? == true { self.seeks } else { 0 };
        for _ in 0..seeks {
            std::thread::sleep(Duration::from_millis(LOOK));
            let to = random.random_range(0.0..LENGTH);
            moments.exact.push(millis(page, &format!("benchSeek({to:.3}, benchToExactly)"))?);
        }
        Ok(moments)
    }
}

fn millis(page: &mut Cdp, expression: &str) -> Result<f64> {
    let value = page.evaluate(expression)?;
    value.as_f64().with_context(|| format!("`{expression}` gave {value}"))
}
