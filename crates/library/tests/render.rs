//! Films that browsers do not play, made playable, as foreign tools see it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use playhouse_library::render::{self, Control, Progress, RenderError, Rendered, Step};
use playhouse_library::{index, probe};
use playhouse_watch::codec::Codec;
use playhouse_watch::loudness::{Loudness, TARGET_LUFS};
use playhouse_watch::rendering::{Picture, Plan};
use tempfile::TempDir;
use tokio::sync::watch;

/// A film that ffmpeg makes, and the folder that its renditions go to.
struct Film {
    folder: TempDir,
    path: PathBuf,
    plan: Plan,
}

fn ffmpeg(arguments: &[&str]) -> String {
    let output =
        Command::new("ffmpeg").args(["-hide_banner", "-nostdin", "-y"]).args(arguments).output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {words}");
    words + &String::from_utf8_lossy(&output.stdout)
}

fn said(path: &Path, entries: &str) -> String {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-of", "compact=p=0:nk=1", "-count_frames", "-show_entries", entries])
        .arg(path)
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// MD5 of all decoded pictures.
fn pictures(path: &Path) -> String {
    let path = path.to_str().unwrap();
    ffmpeg(&["-v", "error", "-i", path, "-map", "0:v:0", "-fps_mode", "passthrough", "-f", "md5", "-"])
}

impl Film {
    async fn make(name: &str, seconds: u32, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        let picture = format!("testsrc2=size=320x180:rate=24000/1001:duration={seconds}");
        let sound = format!("sine=frequency=440:duration={seconds}");
        let inputs = ["-v", "error", "-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", &sound];
        let to = path.to_str().unwrap();
        ffmpeg(&[&inputs[..], &["-pix_fmt", "yuv420p"], arguments, &[to]].concat());
        let container = probe::probe(File::open(&path).unwrap()).await.unwrap();
        Self { plan: Plan::of(&container).unwrap(), folder, path }
    }

    fn renditions(&self) -> PathBuf {
        self.folder.path().join("renditions")
    }

    async fn render(&self, reserve: u64, tell: &(dyn Fn(Progress) + Sync)) -> Result<Rendered, RenderError> {
        let (_pause, paused) = watch::channel(false);
        let open = || File::open(&self.path);
        render::render(&open, &self.plan, &self.renditions(), Control { paused, tell, reserve }).await
    }

    fn rendition(&self, number: usize) -> PathBuf {
        render::file_of(&self.renditions(), number)
    }
}

#[tokio::test]
async fn pictures_that_browsers_play_are_kept_bit_by_bit_and_every_sound_is_there() {
    let two = [
        "-map", "0", "-map", "1", "-map", "1", "-c:v", "libx264", "-bf", "2", "-c:a:0", "ac3", "-c:a:1",
        "aac",
    ];
    let named = [
        "-metadata:s:a:0",
        "language=eng",
        "-metadata:s:a:1",
        "language=ger",
        "-metadata:s:a:1",
        "title=Mono",
    ];
    let film = Film::make("film.mkv", 5, &[&two[..], &named].concat()).await;
    assert_eq!(film.plan.picture, Picture::Copy);
    let rendered = film.render(0, &|_| ()).await.unwrap();
    assert_eq!(rendered.ladder, None);
    assert_eq!(pictures(&film.rendition(0)), pictures(&film.path));
    let index = index::open(&render::index_of(&film.renditions(), 0)).unwrap();
    let sounds: Vec<_> =
        index.tracks()[1..].iter().map(|track| (track.language.as_deref(), track.name.as_deref())).collect();
    assert_eq!(sounds, [(Some("en"), None), (Some("de"), Some("Mono"))]);
    assert_eq!(index.tracks()[1].codec, "mp4a.40.2");
    assert!(rendered.index_bytes > 0 && rendered.bytes > rendered.index_bytes, "{rendered:?}");
    assert_eq!(render::count(&film.renditions()), 1);
}

#[tokio::test]
async fn other_pictures_are_encoded_in_pieces_that_join_without_a_seam() {
    let film = Film::make("film.mkv", 65, &["-c:v", "mpeg4", "-q:v", "3", "-c:a", "mp3"]).await;
    assert_eq!((film.plan.picture, film.plan.pieces()), (Picture::Encode, 2));
    let heard = Mutex::new(Vec::new());
    let rendered = film.render(0, &|progress| heard.lock().unwrap().push(progress)).await.unwrap();
    let ladder = rendered.ladder.unwrap();
    assert!(ladder.saving_percent.is_none(), "no fixed rung is that small: {ladder:?}");
    let source = said(&film.path, "stream=nb_read_frames").lines().next().unwrap().to_owned();
    for rendition in 0..ladder.rungs.len() {
        let path = film.rendition(rendition);
        let made = said(&path, "stream=codec_name,nb_read_frames");
        let made: u32 = made.lines().next().unwrap().strip_prefix("h264|").unwrap().parse().unwrap();
        // The picture of this film begins after the sound, which the first picture fills.
        assert!(made.abs_diff(source.parse().unwrap()) <= 1, "{made} of {source}");
        let times = said(&path, "packet=pts_time,duration_time,stream_index");
        let times = times.lines().filter_map(|line| line.strip_prefix("0|")?.split('|').next()?.parse().ok());
        let mut times: Vec<f64> = times.collect();
        times.sort_by(f64::total_cmp);
        let gaps = times.windows(2).filter(|pair| !(0.041..0.043).contains(&(pair[1] - pair[0])));
        assert_eq!(gaps.count(), 0, "a picture is missing at a seam, or there twice");
    }
    // Each picture is the one that the film has there, also at and behind the seam.
    let (new, old) = (film.rendition(0), film.path.clone());
    let compared =
        "[0:v]trim=start_frame=1,settb=1/24,setpts=N[a];[1:v]settb=1/24,setpts=N[b];[a][b]ssim=stats_file=-";
    let words = ffmpeg(&[
        "-v",
        "error",
        "-i",
        new.to_str().unwrap(),
        "-i",
        old.to_str().unwrap(),
        "-lavfi",
        compared,
        "-f",
        "null",
        "-",
    ]);
    let alike =
        words.lines().filter_map(|line| line.split_once("All:")?.1.split_whitespace().next()?.parse().ok());
    let alike: Vec<f64> = alike.collect();
    assert!(alike.len() > 1500, "{}", alike.len());
    let worst = alike.iter().copied().fold(1.0, f64::min);
    assert!(worst > 0.8, "{worst} at {:?}", alike.iter().position(|ssim| *ssim <= worst));
    let heard = heard.into_inner().unwrap();
    assert!(heard.windows(2).all(|pair| pair[0].done <= pair[1].done + 1e-9), "{heard:?}");
    assert!(heard.iter().any(|progress| progress.step == Step::Probing));
    assert!(heard.last().unwrap().done > 0.95, "{heard:?}");
}

#[tokio::test]
async fn what_was_done_before_the_end_is_not_done_again() {
    let film = Film::make("film.mkv", 125, &["-c:v", "mpeg4", "-q:v", "8", "-an"]).await;
    // The ladder is there already, so that only the pieces take time.
    let work = film.renditions().join("work");
    fs::create_dir_all(&work).unwrap();
    fs::write(
        work.join("ladder.json"),
        r#"{"rungs":[{"height":90,"crf":30,"bitrate":null}],"saving_percent":null}"#,
    )
    .unwrap();
    let first = work.join("piece-0");
    {
        let ignore = |_| ();
        let rendering = film.render(0, &ignore);
        tokio::pin!(rendering);
        let begun = async {
            while !first.exists() {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        tokio::select! {
            done = &mut rendering => panic!("it was done at once: {done:?}"),
            () = begun => {}
        }
        // Dropped here, as a program that is ended.
    }
    let made = fs::metadata(first.join("0.mp4")).unwrap().modified().unwrap();
    let seen = Mutex::new(None);
    film.render(0, &|_| {
        let now = fs::metadata(first.join("0.mp4")).and_then(|file| file.modified()).ok();
        seen.lock().unwrap().get_or_insert(now);
    })
    .await
    .unwrap();
    assert_eq!(seen.into_inner().unwrap(), Some(Some(made)), "the first piece was made again");
    let frames = said(&film.rendition(0), "stream=nb_read_frames");
    assert_eq!(frames, said(&film.path, "stream=nb_read_frames"));
    assert!(!work.exists(), "the work was left behind");
}

#[tokio::test]
async fn a_full_disk_is_said_and_loses_nothing() {
    let film = Film::make("film.avi", 3, &["-c:v", "mpeg4", "-c:a", "mp3"]).await;
    let error = film.render(u64::MAX / 2, &|_| ()).await.unwrap_err();
    assert!(matches!(error, RenderError::Full { .. }), "{error}");
    assert_eq!(render::count(&film.renditions()), 0);
    film.render(0, &|_| ()).await.unwrap();
    assert!(render::count(&film.renditions()) > 0);
}

#[tokio::test]
async fn quiet_sounds_become_as_loud_as_others() {
    let quiet = ["-c:v", "mpeg4", "-c:a", "ac3", "-af", "volume=-12dB"];
    let film = Film::make("film.mkv", 6, &quiet).await;
    film.render(0, &|_| ()).await.unwrap();
    let path = film.rendition(0);
    let words = ffmpeg(&[
        "-v",
        "info",
        "-i",
        path.to_str().unwrap(),
        "-map",
        "0:a",
        "-af",
        "ebur128=peak=true",
        "-f",
        "null",
        "-",
    ]);
    let loudness = Loudness::read(&words).unwrap();
    assert!((loudness.integrated - TARGET_LUFS).abs() < 1.0, "{loudness:?}");
}

/// Mean luma of a file's pictures, from 16 to 235.
fn luma(path: &Path) -> f64 {
    let input = format!("movie={},signalstats", path.to_str().unwrap());
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-f", "lavfi", "-i", &input, "-of", "csv=p=0"])
        .args(["-show_entries", "frame_tags=lavfi.signalstats.YAVG"])
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let values: Vec<f64> = said.lines().filter_map(|line| line.trim_end_matches(',').parse().ok()).collect();
    assert!(!values.is_empty(), "{said} {}", String::from_utf8_lossy(&output.stderr));
    values.iter().sum::<f64>() / values.len() as f64
}

#[tokio::test]
async fn a_film_beyond_the_usual_brightness_looks_right_on_a_usual_screen() {
    let mut seen = Vec::new();
    // Grey of 10, 100 and 1000 candela a square metre, as PQ (SMPTE ST 2084) has them in 10 bits.
    for grey in [329, 509, 723] {
        let filter = format!("format=yuv420p10le,geq=lum={grey}:cb=512:cr=512");
        let hdr = "colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:range=limited:log-level=error";
        let tagged = ["-color_primaries", "bt2020", "-color_trc", "smpte2084", "-colorspace", "bt2020nc"];
        let coded =
            ["-vf", &filter, "-pix_fmt", "yuv420p10le", "-c:v", "libx265", "-x265-params", hdr, "-an"];
        let film = Film::make("film.mkv", 1, &[&coded[..], &tagged].concat()).await;
        let container = probe::probe(File::open(&film.path).unwrap()).await.unwrap();
        assert_eq!(container.tracks[0].colour.transfer.as_deref(), Some("smpte2084"));
        assert!(film.plan.bright);
        film.render(0, &|_| ()).await.unwrap();
        let path = film.rendition(0);
        let colour = said(&path, "stream=pix_fmt,color_range,color_space,color_transfer,color_primaries");
        assert_eq!(colour.trim(), "yuv420p|tv|bt709|bt709|bt709");
        seen.push(luma(&path));
    }
    // A tenth of a usual screen's white is dark, its white is bright, and what is brighter than that is not cut off.
    assert!(seen[0] > 40.0 && seen[0] < 110.0, "{seen:?}");
    assert!(seen[1] > 110.0 && seen[1] < 225.0, "{seen:?}");
    assert!(seen[2] > seen[1] + 5.0 && seen[2] <= 236.0, "{seen:?}");
}

#[tokio::test]
async fn a_paused_film_waits_and_goes_on() {
    let film = Film::make("film.mkv", 3, &["-c:v", "mpeg4", "-an"]).await;
    let (pause, paused) = watch::channel(true);
    let open = || File::open(&film.path);
    let folder = film.renditions();
    let tell = |_| ();
    let rendering = render::render(&open, &film.plan, &folder, Control { paused, tell: &tell, reserve: 0 });
    tokio::pin!(rendering);
    // Nothing can end it while it stands still, however long that is looked at.
    for _ in 0..20 {
        tokio::select! {
            done = &mut rendering => panic!("it did not wait: {done:?}"),
            () = tokio::task::yield_now() => {}
        }
    }
    pause.send_replace(false);
    rendering.await.unwrap();
}

/// Seconds at which the pictures of a rendition begin, those that decoding can begin at.
fn keyframes(path: &Path) -> Vec<String> {
    let said = said(path, "packet=stream_index,pts_time,flags");
    let picture = said.lines().filter_map(|line| line.strip_prefix("0|")?.split_once("|K"));
    picture.map(|(time, _)| format!("{:.2}", time.parse::<f64>().unwrap())).collect()
}

#[tokio::test]
async fn other_codings_are_made_beside_h264_and_a_player_can_change_between_them() {
    let mut film = Film::make("film.mkv", 62, &["-c:v", "mpeg4", "-q:v", "6", "-an"]).await;
    film.plan.also = vec![Codec::Hevc, Codec::Av1];
    assert_eq!((film.plan.picture, film.plan.pieces()), (Picture::Encode, 2));
    let work = film.renditions().join("work");
    fs::create_dir_all(&work).unwrap();
    let ladder = r#"{"rungs":[{"height":180,"crf":30,"bitrate":null}],"saving_percent":null}"#;
    fs::write(work.join("ladder.json"), ladder).unwrap();
    film.render(0, &|_| ()).await.unwrap();
    assert_eq!(render::count(&film.renditions()), 3);
    let source = said(&film.path, "stream=nb_read_frames");
    for (number, (codec, tag)) in [("h264", "avc1"), ("hevc", "hvc1"), ("av1", "av01")].iter().enumerate() {
        let path = film.rendition(number);
        let made = said(&path, "stream=codec_name,codec_tag_string,nb_read_frames");
        assert_eq!(made.trim(), format!("{codec}|{tag}|{}", source.trim()));
        // What is decoded behind the seam is the film, and nothing complains.
        assert_eq!(ffmpeg(&["-v", "error", "-i", path.to_str().unwrap(), "-f", "null", "-"]), "", "{codec}");
        assert_eq!(keyframes(&path), keyframes(&film.rendition(0)), "{codec}");
        let index = index::open(&render::index_of(&film.renditions(), number)).unwrap();
        assert!(index.tracks()[0].codec.starts_with(tag), "{:?}", index.tracks());
    }
    assert_eq!(keyframes(&film.rendition(2)).len(), 31);
}

#[tokio::test]
async fn a_film_that_plays_as_it_is_gets_other_codings_beside_it() {
    let mut film = Film::make("film.mp4", 3, &["-c:v", "libx264", "-c:a", "aac"]).await;
    (film.plan.picture, film.plan.also) = (Picture::Keep, vec![Codec::Av1]);
    let rendered = film.render(0, &|_| ()).await.unwrap();
    let folder = film.renditions();
    assert_eq!((render::count(&folder), render::beside(&folder)), (0, 1));
    assert!(rendered.bytes > 0 && rendered.ladder.is_none(), "{rendered:?}");
    assert!(said(&film.rendition(1), "stream=codec_name").starts_with("av1"));
    // What was there is kept when more is asked for.
    film.plan.also = vec![Codec::Hevc];
    film.render(0, &|_| ()).await.unwrap();
    assert_eq!(render::beside(&folder), 2);
    assert!(said(&film.rendition(2), "stream=codec_name").starts_with("hevc"));
}

#[tokio::test]
async fn an_encoder_that_is_not_there_is_named() {
    assert_eq!(render::missing(&[Codec::H264]).await, None);
    assert_eq!(render::missing(&[]).await, None);
}
