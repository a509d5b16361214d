//! Lower qualities of a stream: they are listed, and a player that changes to one finds the same seconds there.

use super::*;

/// A stream of seven seconds, and a lower quality of it that a transcoder is a little behind with.
fn ladder() -> (Studio, Window) {
    let mut studio = Studio::new(vec![picture(), sound()], Duration::from_hours(2));
    studio.play(1_000_000, 7);
    let window = &studio.window;
    let (begin, era) = (Cursor { segment: 7, parts: 0 }, window.era().unwrap().clone());
    let Found::Here((originals, end)) = window.originals(begin) else { panic!("nothing to make it from") };
    assert_eq!(window.originals(end), Found::Soon);
    let borders: Vec<Border> = originals
        .iter()
        .filter(|original| original.first)
        .map(|&Original { segment, shown, independent, .. }| Border { segment, shown, independent })
        .collect();
    let config = Arc::from([1, 0x42, 0xC0, 0x1E, 0xFF, 0xE0, 0]);
    let format = Format::Video { codec: VideoCodec::H264, size: Size::new(854, 480), config };
    let mut follower = Follower::new(&format, borders[0]).unwrap();
    let mut lower = Window::new(Duration::from_hours(2), u64::MAX);
    lower.begin(Era { tracks: vec![follower.track().clone()], ..era });
    borders.iter().for_each(|border| follower.border(*border));
    let mut cuts = Vec::new();
    for number in 0..170 {
        follower.push(&sample(0, number * 40_000, number % 25 == 0, 40), &mut cuts).unwrap();
    }
    for cut in cuts {
        match cut {
            Cut::Part(part) => lower.part(part),
            Cut::Segment(_) => drop(lower.close()),
        }
    }
    (studio, lower)
}

#[test]
fn a_player_that_changes_to_a_lower_quality_finds_the_same_seconds_there() {
    let (studio, lower) = ladder();
    let times = |window: &Window| -> Vec<String> {
        let playlist = window.playlist(0, false).unwrap();
        let told = |line: &&str| {
            ["#EXTINF", "0/", "#EXT-X-PROGRAM", "#EXT-X-DISC", "#EXT-X-MAP"]
                .iter()
                .any(|tag| line.starts_with(tag))
        };
        playlist.lines().filter(told).map(ToOwned::to_owned).collect()
    };
    assert_eq!(times(&studio.window), times(&lower));
    assert!(times(&lower).len() > 8, "{:?}", times(&lower));
}

#[test]
fn lower_qualities_are_listed_behind_the_stream_itself() {
    let (studio, lower) = ladder();
    let master = studio.window.master_with(&[lower.variant("renditions/480p/").unwrap()]).unwrap();
    let variants: Vec<&str> = master.lines().skip_while(|line| !line.starts_with("#EXT-X-STREAM")).collect();
    assert_eq!((variants.len(), variants[1], variants[3]), (4, "0.m3u8", "renditions/480p/0.m3u8"));
    assert!(variants[2].contains("CODECS=\"avc1.42c01e,mp4a.40.2\",RESOLUTION=854x480,FRAME-RATE=25.000"));
    assert!(variants[2].ends_with(",AUDIO=\"sound\""), "{master}");
    let bandwidth = |line: &str| -> u64 {
        line.split_once("BANDWIDTH=").unwrap().1.split_once(',').unwrap().0.parse().unwrap()
    };
    assert!(bandwidth(variants[2]) < bandwidth(variants[0]), "{master}");
}

#[test]
fn each_quality_says_how_far_the_others_are() {
    let (studio, lower) = ladder();
    let above = lower.playlist_with(0, false, &[studio.window.variant("../../").unwrap()]).unwrap();
    assert!(
        above.ends_with("#EXT-X-RENDITION-REPORT:URI=\"../../0.m3u8\",LAST-MSN=10,LAST-PART=5\n"),
        "{above}"
    );
    let below = [lower.variant("renditions/480p/").unwrap()];
    let playlist = studio.window.playlist_with(0, false, &below).unwrap();
    let report = playlist.lines().last().unwrap();
    assert!(
        report.starts_with("#EXT-X-RENDITION-REPORT:URI=\"renditions/480p/0.m3u8\",LAST-MSN=10"),
        "{playlist}"
    );
}

#[test]
fn dash_has_them_in_one_set() {
    let (studio, lower) = ladder();
    let manifest = studio.window.manifest_with(WALL, &[("renditions/480p/".to_owned(), &lower)]).unwrap();
    let (set, _) = manifest.split_once("</AdaptationSet>").unwrap();
    assert_eq!(set.matches("<Representation ").count(), 2, "{manifest}");
    assert!(set.contains(r#"media="renditions/480p/0/$Number$.m4s""#), "{manifest}");
    assert!(set.contains(r#"<Representation id="renditions-480p" codecs="avc1.42c01e""#), "{manifest}");
}

#[test]
fn whoever_is_too_slow_is_told_that_the_parts_are_gone() {
    let mut studio = Studio::new(vec![picture()], Duration::from_hours(2));
    studio.play(1_000_000, 30);
    assert_eq!(studio.window.originals(Cursor { segment: 7, parts: 0 }), Found::Nowhere);
    assert!(studio.window.origin().is_some());
    studio.finish();
    studio.window.end();
    assert_eq!(studio.window.origin(), None);
}
