//! Playlists and manifests, to the letter.

use std::time::Duration;

use super::{dash, hls};
use crate::film::cut::Cut;
use crate::film::sidecar::{Contents, Plan};
use crate::film::{Kind, Text, Track};
use crate::frame::Size;

fn track(kind: Kind, codec: &str, language: Option<&str>, name: Option<&str>) -> Track {
    let (average, peak) = match kind {
        Kind::Video { .. } => (4_000_000, 6_000_000),
        Kind::Audio { .. } => (128_000, 130_000),
    };
    let text = |text: Option<&str>| text.map(Into::into);
    Track { kind, codec: codec.into(), language: text(language), name: text(name), bytes: 1, average, peak }
}

fn plan(timescale: u32, starts: &[i64], end: i64) -> Plan {
    let cuts = starts.iter().map(|&pts| Cut { first: 0, dts: 0, pts }).collect();
    Plan {
        entry: Vec::new(),
        timescale,
        shift: 0,
        lift: 0,
        display: [0; 11],
        records: 0,
        samples: 1,
        end,
        cuts,
    }
}

/// Ten seconds at 23.976 pictures a second, with sound that begins a packet early, and sound that begins late.
fn film() -> Contents {
    let stereo = Kind::Audio { channels: 2, sample_rate: 48_000 };
    let surround = Kind::Audio { channels: 6, sample_rate: 48_000 };
    Contents {
        film_len: 1,
        duration: Duration::from_millis(10_010),
        tracks: vec![
            track(Kind::Video { size: Size::new(1920, 1080), rate: 23.976_024 }, "avc1.640028", None, None),
            track(stereo, "mp4a.40.2", Some("en"), None),
            track(stereo, "mp4a.40.2", Some("en"), Some("The \"makers\" <speak>")),
            track(surround, "ac-3", None, None),
        ],
        plans: vec![
            plan(24_000, &[0, 96_096, 192_192], 240_240),
            plan(48_000, &[-1024, 192_512, 384_000], 480_256),
            plan(48_000, &[24_000, 192_512], 480_256),
            plan(48_000, &[0], 480_256),
        ],
    }
}

fn planned(film: &Contents) -> Vec<(&Track, &Plan)> {
    film.tracks.iter().zip(&film.plans).collect()
}

/// A picture of half the size and a fifth of the bitrate, cut at the same places.
fn smaller() -> (Track, Plan) {
    let kind = Kind::Video { size: Size::new(960, 540), rate: 23.976_024 };
    let small = Track { average: 800_000, peak: 1_200_000, ..track(kind, "avc1.64001f", None, None) };
    (small, plan(24_000, &[0, 96_096, 192_192], 240_240))
}

#[test]
fn qualities_and_texts_are_there_to_choose_from() {
    let (film, (small, small_plan)) = (film(), smaller());
    let text = |language: &str, forced| Text { language: Some(language.into()), name: None, forced };
    let texts = [text("en", false), text("en", false), text("de", true)];
    let tracks: Vec<&Track> = film.tracks[..2].iter().chain([&small]).collect();
    let expected = r#"#EXTM3U
#EXT-X-VERSION:7
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="mp4a.40.2",NAME="en",LANGUAGE="en",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="1.m3u8"
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="texts",NAME="en",LANGUAGE="en",DEFAULT=NO,AUTOSELECT=YES,FORCED=NO,URI="s0.m3u8"
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="texts",NAME="en (2)",LANGUAGE="en",DEFAULT=NO,AUTOSELECT=YES,FORCED=NO,URI="s1.m3u8"
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="texts",NAME="de",LANGUAGE="de",DEFAULT=NO,AUTOSELECT=YES,FORCED=YES,URI="s2.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=6130000,AVERAGE-BANDWIDTH=4128000,CODECS="avc1.640028,mp4a.40.2",RESOLUTION=1920x1080,FRAME-RATE=23.976,AUDIO="mp4a.40.2",SUBTITLES="texts"
0.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=1330000,AVERAGE-BANDWIDTH=928000,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=960x540,FRAME-RATE=23.976,AUDIO="mp4a.40.2",SUBTITLES="texts"
2.m3u8
"#;
    assert_eq!(hls::master(&tracks, &texts), expected);
    let list = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:11\n#EXT-X-PLAYLIST-TYPE:VOD\n\
        #EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:10.010000,\ns2.vtt\n#EXT-X-ENDLIST\n";
    assert_eq!(hls::text(2, film.duration), list);

    let mut planned = planned(&film);
    planned.push((&small, &small_plan));
    let manifest = dash::manifest(film.duration, &planned, &texts);
    let picture = manifest.split("</AdaptationSet>").next().unwrap();
    assert_eq!(picture.matches("<Representation ").count(), 2, "{picture}");
    assert!(picture.contains(r#"width="960" height="540""#), "{picture}");
    assert_eq!(manifest.matches(r#"contentType="text" mimeType="text/vtt""#).count(), 3, "{manifest}");
    // What is cut elsewhere cannot be changed to in between.
    let other = plan(24_000, &[0, 48_048], 240_240);
    planned[4].1 = &other;
    let manifest = dash::manifest(film.duration, &planned, &[]);
    assert_eq!(manifest.matches(r#"contentType="video""#).count(), 2, "{manifest}");
}

#[test]
fn a_player_of_hls_learns_what_there_is_to_choose() {
    let expected = r#"#EXTM3U
#EXT-X-VERSION:7
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="mp4a.40.2",NAME="en",LANGUAGE="en",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="2",URI="1.m3u8"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="mp4a.40.2",NAME="The 'makers' <speak>",LANGUAGE="en",DEFAULT=NO,AUTOSELECT=YES,CHANNELS="2",URI="2.m3u8"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="ac-3",NAME="Audio 1",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="6",URI="3.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=6130000,AVERAGE-BANDWIDTH=4128000,CODECS="avc1.640028,mp4a.40.2",RESOLUTION=1920x1080,FRAME-RATE=23.976,AUDIO="mp4a.40.2"
0.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=6130000,AVERAGE-BANDWIDTH=4128000,CODECS="avc1.640028,ac-3",RESOLUTION=1920x1080,FRAME-RATE=23.976,AUDIO="ac-3"
0.m3u8
"#;
    assert_eq!(hls::master(&film().tracks.iter().collect::<Vec<_>>(), &[]), expected);
}

#[test]
fn sound_alone_is_what_plays() {
    let expected = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n\
        #EXT-X-STREAM-INF:BANDWIDTH=130000,AVERAGE-BANDWIDTH=128000,CODECS=\"mp4a.40.2\"\n0.m3u8\n";
    assert_eq!(hls::master(&[&film().tracks[1]], &[]), expected);
}

#[test]
fn segments_add_up_to_the_film() {
    let expected = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:4\n#EXT-X-PLAYLIST-TYPE:VOD\n\
        #EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-MAP:URI=\"0/init.mp4\"\n\
        #EXTINF:4.004000,\n0/0.m4s\n#EXTINF:4.004000,\n0/1.m4s\n#EXTINF:2.002000,\n0/2.m4s\n#EXT-X-ENDLIST\n";
    assert_eq!(hls::media(0, &film().plans[0]), expected);
    // Sound that begins late does so within its first segment, so that the second one is where it was.
    let late = hls::media(2, &film().plans[2]);
    assert!(late.contains("#EXTINF:4.010667,\n2/0.m4s\n#EXTINF:5.994666,\n2/1.m4s\n"), "{late}");
    assert!(late.contains("#EXT-X-TARGETDURATION:6\n"), "{late}");
}

#[test]
fn a_player_of_dash_learns_the_same() {
    let expected = r#"<?xml version="1.0" encoding="UTF-8"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" profiles="urn:mpeg:dash:profile:isoff-live:2011" minBufferTime="PT4S" mediaPresentationDuration="PT10.010000S">
<Period id="0" start="PT0S" duration="PT10.010000S">
<AdaptationSet id="0" contentType="video" mimeType="video/mp4" segmentAlignment="true" startWithSAP="1">
<Representation id="0" codecs="avc1.640028" bandwidth="6000000" width="1920" height="1080" frameRate="24000/1001">
<SegmentTemplate timescale="24000" startNumber="0" initialization="0/init.mp4" media="0/$Number$.m4s">
<SegmentTimeline>
<S t="0" d="96096" r="1"/>
<S d="48048"/>
</SegmentTimeline>
</SegmentTemplate>
</Representation>
</AdaptationSet>
"#;
    let film = film();
    let manifest = dash::manifest(film.duration, &planned(&film), &[]);
    assert_eq!(manifest[..expected.len()], *expected);
    let early = r#"<S t="0" d="192512"/>
<S d="191488"/>
<S d="96256"/>"#;
    assert!(manifest.contains(early), "{manifest}");
    let named = r#"<AdaptationSet id="2" contentType="audio" mimeType="audio/mp4" segmentAlignment="true" startWithSAP="1" lang="en">
<Label>The &quot;makers&quot; &lt;speak&gt;</Label>
<Representation id="2" codecs="mp4a.40.2" bandwidth="130000" audioSamplingRate="48000">
<AudioChannelConfiguration schemeIdUri="urn:mpeg:dash:23003:3:audio_channel_configuration:2011" value="2"/>
<SegmentTemplate timescale="48000" startNumber="0" initialization="2/init.mp4" media="2/$Number$.m4s">
<SegmentTimeline>
<S t="24000" d="168512"/>"#;
    assert!(manifest.contains(named), "{manifest}");
}
