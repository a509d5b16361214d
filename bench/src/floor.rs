//! The least that this way of measuring can give: a plain page that answers a key by itself, without a network, a
//! codec or a game. What a streamed game takes more than this is ours.

use std::time::Duration;

use anyhow::{Context, Result};
use playhouse_testkit::browser::{Browser, Options};
use playhouse_testkit::display::Display;
use playhouse_testkit::ear::Ear;
use playhouse_testkit::eye::Spot;
use playhouse_testkit::machine::Watch;
use serde_json::{Value, json};

use crate::figures::Answers;
use crate::inputs::Inputs;
use crate::progress::{Progress, say};
use crate::scene::{KEY, SIZE};
use crate::sound::{Heard, skews};

/// A page with a block that every key flips with a click, and something that moves, so that the browser draws at its full rate.
const PAGE: &str = "data:text/html,<body style='margin:0;background:%23444'><div id=mark style='position:absolute;\
    width:160px;height:160px;background:black'></div><div style='position:absolute;top:300px;width:80px;height:80px;\
    background:teal;animation:m 2s infinite linear'></div><style>@keyframes m{to{transform:translateX(1000px)}}</style>\
    <script>let on=false;const a=new AudioContext({latencyHint:0});const b=a.createBuffer(1,1440,48000);\
    b.getChannelData(0).forEach((_,i,d)=>d[i]=i%2548<24?.7:-.7);addEventListener('keydown',()=>{on=!on;\
    mark.style.background=on?'white':'black';const s=a.createBufferSource();s.buffer=b;s.connect(a.destination);\
    s.start()})</script>";

/// Measures it.
pub(crate) fn run(count: usize, seed: u64) -> Result<Value> {
    let watch = Watch::begin();
    let display = Display::start(SIZE.0, SIZE.1).context("cannot start a display")?;
    let ear = Ear::open().inspect_err(|error| say(&format!("Sound is not measured: {error}."))).ok();
    let sound = ear.as_ref().map(Ear::address);
    let mut browser = Browser::start(&display.name(), &Options { size: SIZE, sound, ..Options::default() })?;
    browser.page.open(PAGE)?;
    browser.page.wait("document.readyState === 'complete'", Duration::from_secs(10))?;
    let mark = Spot { x: 60, y: 60, width: 16, height: 16 };
    let mut inputs = Inputs::new(&display.name(), KEY, mark, seed)?;
    inputs.warm_up(Duration::from_secs(30))?;
    let progress = Progress::new("floor", count);
    let presses = inputs.run(count, |index, _| progress.step(index))?;
    let answers: Vec<_> = presses.iter().map(crate::inputs::Press::millis).collect();
    let skews = ear.map(|ear| skews(&presses, &ear.moments())).unwrap_or_default();
    Ok(json!({
        "case": "floor",
        "input_to_photon_ms": Answers::of(&answers),
        "audio_video_skew_spread_ms": Heard::of(&skews),
        "machine": watch.end(),
    }))
}
