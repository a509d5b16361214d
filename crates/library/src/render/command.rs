//! Command lines of ffmpeg. Names of files are relative to the folder of the work. Writing to a `String` cannot fail,
//! which is why nobody listens whether it did.

use std::fmt::Write as _;

use playhouse_watch::codec::Codec;
use playhouse_watch::ladder::Rung;
use playhouse_watch::loudness::{Loudness, PEAK_DB};
use playhouse_watch::rendering::{Plan, Sound};

use crate::probe::FORMATS;
use crate::tool::INPUT;

/// Seconds of each scene that is probed, and how many there are.
const SCENE_S: f64 = 2.0;
const SCENES: u32 = 3;

/// Bits per second of a channel of sound.
const CHANNEL: u32 = 80_000;

/// The quickest preset of x264 whose files are not much larger than a slower one's.
const PRESET: &str = "veryfast";

/// The quickest preset of x265 that still saves something against x264, and that of SVT-AV1, whose scale ends at 13.
const HEVC_PRESET: &str = "veryfast";
const AV1_PRESET: u8 = 10;

/// Bits per second that no second of a rendition goes beyond, as a multiple of its average.
const BURST: f64 = 2.5;

/// A command line.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) arguments: Vec<String>,
    /// Whether it reads the film itself.
    pub(super) film: bool,
}

impl Line {
    fn new(words: &str) -> Self {
        let mut line = Self { arguments: Vec::new(), film: false };
        line.add("-hide_banner -nostdin -nostats -progress pipe:1 -stats_period 0.5 -y");
        line.add(words);
        line
    }

    /// Adds words that have no blanks in them.
    fn add(&mut self, words: &str) -> &mut Self {
        self.arguments.extend(words.split_whitespace().map(str::to_owned));
        self
    }

    /// Adds a word as it is.
    fn word(&mut self, word: impl Into<String>) -> &mut Self {
        self.arguments.push(word.into());
        self
    }

    /// Reads the film, from a time on, in microseconds.
    fn film(&mut self, from: u64) -> &mut Self {
        self.film = true;
        self.add(&format!("-protocol_whitelist file,pipe -format_whitelist {FORMATS}"));
        if from > 0 {
            self.add(&format!("-ss {}.{:06}", from / 1_000_000, from % 1_000_000));
        }
        self.add(&format!("-i {INPUT}"))
    }

    /// Reads what was made before.
    fn own(&mut self, name: &str) -> &mut Self {
        self.add("-protocol_whitelist file -format_whitelist mov,mp4,matroska,webm")
            .add(&format!("-i {name}"))
    }
}

/// The filter that makes a picture what browsers show: whole, in the usual range, square pixels, an even rate.
fn plain(plan: &Plan) -> String {
    let mut filter = "yadif=deint=interlaced,".to_owned();
    if plan.bright {
        filter.push_str(
            "zscale=t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,tonemap=hable:desat=0,\
             zscale=t=bt709:m=bt709:r=tv,format=yuv420p,",
        );
    }
    // The first picture of a piece lies a quarter of one after its beginning.
    let (num, den) = (plan.rate.num, plan.rate.den);
    write!(filter, "fps=fps={num}/{den}:start_time=0:round=near,").ok();
    filter.push_str("scale=trunc(iw*sar/2)*2:trunc(ih/2)*2,setsar=1");
    filter
}

fn encoder(plan: &Plan, codec: Codec, crf: u8, bitrate: Option<f64>) -> String {
    let (gop, encoder) = (plan.rate.gop(), codec.encoder());
    let mut words = format!("-c:v {encoder} -crf {crf} -pix_fmt yuv420p -g {gop} -color_range tv ");
    match codec {
        Codec::H264 => {
            write!(words, "-preset {PRESET} -profile:v high -keyint_min {gop} -sc_threshold 0 -flags +cgop")
        }
        Codec::Hevc => write!(
            words,
            "-preset {HEVC_PRESET} -tag:v hvc1 -x265-params \
             log-level=error:keyint={gop}:min-keyint={gop}:scenecut=0:open-gop=0"
        ),
        // Groups of pictures are closed by its own default.
        Codec::Av1 => write!(words, "-preset {AV1_PRESET}"),
    }
    .ok();
    // SVT-AV1 takes no bound beside a quantiser.
    if let Some(bitrate) = bitrate.filter(|_| codec != Codec::Av1) {
        let most = (bitrate * BURST).max(200_000.0);
        write!(words, " -maxrate {most:.0} -bufsize {:.0}", most * 2.0).ok();
    }
    words
}

/// Measures how loud a sound will be with the channels that it is given.
pub(super) fn measure(sound: &Sound) -> Line {
    measured(sound.number, &format!("aformat=channel_layouts={},", layout(sound)))
}

/// Measures how loud a sound is as it is.
pub(super) fn measure_as_it_is(number: usize) -> Line {
    measured(number, "")
}

fn measured(number: usize, before: &str) -> Line {
    let mut line = Line::new("-v info");
    line.film(0).add(&format!("-map 0:a:{number} -af"));
    line.word(format!("{before}ebur128=peak=true:framelog=verbose")).add("-f null -");
    line
}

fn layout(sound: &Sound) -> &'static str {
    match sound.channels {
        1 => "mono",
        2 => "stereo",
        _ => "5.1",
    }
}

/// The sounds, copied or encoded, with their names.
fn add_sounds(line: &mut Line, plan: &Plan, measured: &[Option<Loudness>]) {
    for (at, sound) in plan.sounds.iter().enumerate() {
        if sound.copy {
            line.add(&format!("-c:a:{at} copy"));
        } else {
            let mut filter =
                format!("aresample=async=1:first_pts=0,aformat=channel_layouts={}", layout(sound));
            if let Some(loudness) = measured.get(at).copied().flatten() {
                write!(filter, ",volume={:.2}dB", loudness.gain()).ok();
                if loudness.overshoots() {
                    let limit = 10_f64.powf(PEAK_DB / 20.0);
                    write!(filter, ",alimiter=limit={limit:.4}:level=false:latency=true").ok();
                }
            }
            let bitrate = sound.channels * CHANNEL;
            line.add(&format!("-c:a:{at} aac -b:a:{at} {bitrate} -ar:a:{at} 48000 -filter:a:{at}"))
                .word(filter);
        }
        if let Some(language) = &sound.language {
            line.add(&format!("-metadata:s:a:{at}")).word(format!("language={language}"));
        }
        if let Some(title) = &sound.title {
            line.add(&format!("-metadata:s:a:{at}")).word(format!("title={title}"));
        }
    }
}

fn map_sounds(line: &mut Line, plan: &Plan) {
    for sound in &plan.sounds {
        line.add(&format!("-map 0:a:{}", sound.number));
    }
}

/// Keeps the picture as it is.
pub(super) fn copy(plan: &Plan, measured: &[Option<Loudness>]) -> Line {
    let mut line = Line::new("-v error -fflags +genpts");
    line.film(0).add("-map 0:V:0");
    map_sounds(&mut line, plan);
    line.add("-map_metadata -1 -map_chapters -1 -c:v copy");
    add_sounds(&mut line, plan, measured);
    line.add("-movflags +faststart -f mp4 new-0.mp4");
    line
}

/// The sounds alone.
pub(super) fn sounds(plan: &Plan, measured: &[Option<Loudness>]) -> Line {
    let mut line = Line::new("-v error");
    line.film(0);
    map_sounds(&mut line, plan);
    line.add("-map_metadata -1 -map_chapters -1 -vn");
    add_sounds(&mut line, plan, measured);
    line.add("-f mp4 new-sound.mp4");
    line
}

/// All renditions of one piece.
pub(super) fn piece(plan: &Plan, rungs: &[Rung], number: u32) -> Line {
    let mut line = Line::new("-v error");
    line.film(if number == 0 { 0 } else { plan.read_from(number) }).add("-filter_complex");
    let mut filter = format!("[0:V:0]{},split={}", plain(plan), rungs.len());
    for at in 0..rungs.len() {
        write!(filter, "[s{at}]").ok();
    }
    for (at, rung) in rungs.iter().enumerate() {
        write!(filter, ";[s{at}]scale=-2:{}:flags=bicubic,format=yuv420p[v{at}]", rung.height).ok();
    }
    line.word(filter).add("-map_metadata -1 -map_chapters -1");
    for (at, rung) in rungs.iter().enumerate() {
        line.add(&format!("-map [v{at}] -frames:v {}", plan.rate.piece()));
        line.add(&encoder(plan, rung.codec, rung.crf, rung.bitrate));
        line.add(&format!("-f mp4 new-piece/{at}.mp4"));
    }
    line
}

/// The list of a rendition's pieces, as ffmpeg's `concat` reads it. Where a piece begins is told, not added up.
pub(super) fn list(plan: &Plan, pieces: &[u32], rendition: usize) -> String {
    let mut list = "ffconcat version 1.0\n".to_owned();
    for (at, &number) in pieces.iter().enumerate() {
        writeln!(list, "file piece-{number}/{rendition}.mp4").ok();
        if at + 1 < pieces.len() {
            let (_, length) = plan.piece(number);
            writeln!(list, "duration {}.{:06}", length / 1_000_000, length % 1_000_000).ok();
        }
    }
    list
}

/// Puts the pieces of a rendition together.
pub(super) fn join(plan: &Plan, codec: Codec, rendition: usize, sound: bool) -> Line {
    let mut line = Line::new("-v error");
    line.add("-protocol_whitelist file -format_whitelist concat,mov,mp4 -f concat -safe 0 -i list");
    if sound {
        line.own("sound.mp4").add("-map 0:v:0 -map 1:a");
    } else {
        line.add("-map 0:v:0");
    }
    line.add("-c copy -map_metadata -1");
    if sound {
        for (at, sound) in plan.sounds.iter().enumerate() {
            if let Some(language) = &sound.language {
                line.add(&format!("-metadata:s:a:{at}")).word(format!("language={language}"));
            }
            if let Some(title) = &sound.title {
                line.add(&format!("-metadata:s:a:{at}")).word(format!("title={title}"));
            }
        }
    }
    if codec == Codec::Hevc {
        // Parameter sets lie in the header alone, as Apple's players want it.
        line.add("-tag:v hvc1");
    }
    line.add(&format!("-movflags +faststart -f mp4 new-{rendition}.mp4"));
    line
}

/// Scenes out of the film, one after the other without loss, and how many seconds they are.
pub(super) fn scenes(plan: &Plan) -> (Line, f64) {
    let mut line = Line::new("-v error");
    let mut filter = String::new();
    for scene in 0..SCENES {
        let at = plan.duration_ms * 1000 * u64::from(2 * scene + 1) / u64::from(2 * SCENES);
        line.add(&format!("-t {SCENE_S}")).film(at);
        let size = "scale=-2:min(1080\\,ih),format=yuv420p";
        write!(filter, "[{scene}:V:0]{},{size}[s{scene}];", plain(plan)).ok();
    }
    for scene in 0..SCENES {
        write!(filter, "[s{scene}]").ok();
    }
    write!(filter, "concat=n={SCENES}:v=1[v]").ok();
    line.add("-filter_complex").word(filter).add("-map [v] -c:v libx264 -preset ultrafast -qp 0 scenes.mkv");
    (line, SCENE_S * f64::from(SCENES))
}

/// One encoding of the scenes.
pub(super) fn probe(plan: &Plan, height: u32, crf: u8) -> Line {
    let mut line = Line::new("-v error");
    line.own("scenes.mkv").add("-vf").word(format!("scale=-2:{height}:flags=bicubic"));
    line.add(&encoder(plan, Codec::H264, crf, None)).add("-f mp4 probe.mp4");
    line
}

/// Compares an encoding of the scenes with the scenes.
pub(super) fn compare() -> Line {
    let mut line = Line::new("-v info");
    line.own("probe.mp4").own("scenes.mkv").add("-lavfi");
    line.word("[0:v][1:v]scale2ref=flags=bicubic[a][b];[a][b]ssim").add("-f null -");
    line
}

/// Small pictures of a film, so many milliseconds apart, on sheets.
pub(super) fn sheets(every_ms: u64, width: u32, height: u32, across: u32, down: u32) -> Line {
    let mut line = Line::new("-v error -skip_frame nokey");
    line.film(0).add("-map 0:V:0 -vf");
    line.word(format!(
        "fps=fps=1000/{every_ms}:start_time=0:round=up,scale={width}:{height}:flags=area,setsar=1,format=yuvj420p,\
         tile={across}x{down}"
    ));
    line.add("-q:v 7 -f image2 -start_number 0 sheet-%d.jpg");
    line
}

/// Subtitles of a film that are pictures, by their numbers among its subtitles, as they are.
pub(super) fn pictures(numbers: &[usize], name: &str) -> Line {
    let mut line = Line::new("-v error");
    line.film(0);
    for number in numbers {
        line.add(&format!("-map 0:s:{number}"));
    }
    line.add("-c copy -map_chapters -1 -f matroska").word(name);
    line
}

/// Texts of a film: each by its number among the subtitles, to a file of that name.
pub(super) fn texts(texts: &[(usize, &str, String)]) -> Line {
    let mut line = Line::new("-v error");
    line.film(0);
    for (number, format, name) in texts {
        line.add(&format!("-map 0:s:{number} -c:s {format} -f {format}")).word(name);
    }
    line
}
