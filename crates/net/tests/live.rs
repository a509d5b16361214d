//! What publishers and viewers of live streams notice, over real sockets.

#![allow(clippy::unwrap_used, reason = "a test ends where something unexpected happens")]

mod browser;

use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use browser::{Browser, Sender, until};
use playhouse_media::annexb;
use playhouse_media::time::Timestamp;
use playhouse_net::live::{self, Event, Handle, Kind, Net, Received, Stream};
use playhouse_net::{CloseReason, Config};
use str0m::RtcConfig;

/// A loop with its events in a queue.
struct House {
    _net: Net,
    handle: Handle,
    events: Receiver<Event>,
}

impl House {
    fn new() -> Self {
        let (sender, events) = sync_channel(100_000);
        let net =
            live::start("test", Config::default(), Box::new(move |event| sender.send(event).unwrap_or(())));
        let net = net.unwrap();
        Self { handle: net.handle(), _net: net, events }
    }

    /// A browser that watches, once its connection stands.
    fn viewer(&self, name: &str, stream: &Arc<Stream>) -> Browser {
        let (mut browser, offer) = Browser::new(RtcConfig::new());
        browser.answer(&self.handle.watch(name, &offer, stream).unwrap());
        until("a connection", || {
            browser.work();
            let mut events = self.events.try_iter();
            events.any(|event| matches!(event, Event::Connected { .. })).then_some(())
        });
        browser
    }

    fn picture(&self, stream: &Arc<Stream>, number: u32) {
        let unit = picture(number);
        let pts = Timestamp::from_micros(u64::from(number) * 33_333);
        stream.picture(annexb::nals(&unit), pts, number.is_multiple_of(10));
        self.handle.advance(stream);
    }
}

/// A picture of some packets; each tenth is a keyframe.
fn picture(number: u32) -> Vec<u8> {
    let mut data = Vec::new();
    if number.is_multiple_of(10) {
        data.extend([0, 0, 0, 1, 0x67, 0x42, 0xe0, 0x1f, 1, 2, 3, 0, 0, 0, 1, 0x68, 0xce, 4, 5]);
    }
    data.extend([0, 0, 0, 1, if number.is_multiple_of(10) { 0x65 } else { 0x41 }]);
    data.extend(number.to_be_bytes().map(|byte| byte | 0x80));
    data.extend((0..5_000_u32).map(|at| 0x10 | at.to_le_bytes()[0]));
    data
}

/// The units of a picture, whatever start codes stand before them.
fn units(data: &[u8]) -> Vec<&[u8]> {
    annexb::nals(data).collect()
}

fn watch(browsers: &mut [&mut Browser], count: usize) {
    until("pictures", || {
        for browser in browsers.iter_mut() {
            browser.work();
        }
        browsers.iter().all(|browser| browser.frames.len() >= count).then_some(())
    });
}

#[test]
fn a_viewer_begins_at_the_newest_keyframe_and_is_sent_all_that_follows() {
    let house = House::new();
    let stream = Stream::new("one");
    (0..14).for_each(|number| house.picture(&stream, number));
    let mut early = house.viewer("early", &stream);
    watch(&mut [&mut early], 4);
    (14..17).for_each(|number| house.picture(&stream, number));
    let mut late = house.viewer("late", &stream);
    (17..30).for_each(|number| house.picture(&stream, number));
    watch(&mut [&mut early, &mut late], 20);
    for browser in [&early, &late] {
        for (frame, number) in browser.frames.iter().zip(10..) {
            assert_eq!(units(&frame.data), units(&picture(number)), "picture {number}");
        }
        let times: Vec<u64> = browser.frames.iter().map(|frame| frame.time.numer()).collect();
        assert!(times.windows(2).all(|pair| pair[0] < pair[1]), "{times:?}");
    }
}

#[test]
fn a_viewer_over_a_path_that_loses_packets_misses_nothing() {
    let house = House::new();
    let stream = Stream::new("one");
    house.picture(&stream, 0);
    let mut viewer = house.viewer("viewer", &stream);
    watch(&mut [&mut viewer], 1);
    viewer.lose_each = 17;
    for number in 1..60 {
        let next = Instant::now() + Duration::from_millis(10);
        house.picture(&stream, number);
        while Instant::now() < next {
            viewer.work();
        }
    }
    // What was lost at the very end is noticed by what follows.
    viewer.lose_each = 0;
    house.picture(&stream, 60);
    watch(&mut [&mut viewer], 61);
    for (frame, number) in viewer.frames.iter().zip(0..) {
        assert_eq!(units(&frame.data), units(&picture(number)), "picture {number}");
    }
}

#[test]
fn a_stream_without_a_keyframe_is_asked_for_one_and_sound_begins_with_the_picture() {
    let house = House::new();
    let stream = Stream::new("one");
    house.picture(&stream, 1);
    let (mut browser, offer) = Browser::new(RtcConfig::new());
    browser.answer(&house.handle.watch("viewer", &offer, &stream).unwrap());
    until("a wish for a keyframe", || {
        browser.work();
        let mut events = house.events.try_iter();
        events
            .any(|event| matches!(event, Event::KeyframeWanted { stream } if &*stream == "one"))
            .then_some(())
    });
    stream.sound(Arc::from([0xfc, 0, 0]), Timestamp::from_micros(300_000));
    house.picture(&stream, 10);
    watch(&mut [&mut browser], 1);
    stream.sound(Arc::from([0xfc, 1, 2]), Timestamp::from_micros(400_000));
    house.handle.advance(&stream);
    until("sound", || {
        browser.work();
        (!browser.sound.is_empty()).then_some(())
    });
    assert_eq!(browser.sound[0].data[..], [0xfc, 1, 2]);
    assert_eq!(units(&browser.frames[0].data), units(&picture(10)));
}

#[test]
fn a_browser_that_lost_the_picture_goes_on_at_the_next_keyframe() {
    let house = House::new();
    let stream = Stream::new("one");
    house.picture(&stream, 0);
    let mut viewer = house.viewer("viewer", &stream);
    watch(&mut [&mut viewer], 1);
    viewer.ask_for_keyframe();
    until("a wish for a keyframe", || {
        viewer.work();
        house.events.try_iter().any(|event| matches!(event, Event::KeyframeWanted { .. })).then_some(())
    });
    (1..=11).for_each(|number| house.picture(&stream, number));
    watch(&mut [&mut viewer], 3);
    let seen: Vec<_> = viewer.frames[1..3].iter().map(|frame| units(&frame.data)).collect();
    assert_eq!(seen, [units(&picture(10)), units(&picture(11))]);
}

#[test]
fn what_is_published_arrives_whole_and_keyframes_are_asked_for() {
    let house = House::new();
    let (mut sender, offer) = Sender::new();
    sender.answer(&house.handle.publish("studio", &offer).unwrap());
    let mut received: Vec<Received> = Vec::new();
    let (mut number, mut made) = (0, false);
    until("pictures and a wish for another keyframe", || {
        let next = Instant::now() + Duration::from_millis(20);
        // One keyframe, made when it is wished for.
        let unit = picture(if sender.keyframes_wanted == 1 && !made { 0 } else { 1 + number % 9 });
        made |= annexb::is_keyframe(&unit);
        sender.send(&unit, u64::from(number) * 1800);
        number += 1;
        while Instant::now() < next {
            sender.work();
        }
        received.extend(house.events.try_iter().filter_map(|event| match event {
            Event::Received { media, .. } => Some(media),
            _ => None,
        }));
        (received.len() > 30 && sender.keyframes_wanted > 1).then_some(())
    });
    assert!(annexb::is_keyframe(&received[0].data), "nothing that cannot be decoded is passed on");
    assert!(received.iter().all(|media| media.kind == Kind::Picture));
    let times: Vec<u64> = received.iter().map(|media| media.ticks).collect();
    assert!(times.windows(2).all(|pair| pair[1] == pair[0] + 1800), "{times:?}");
}

#[test]
fn viewers_are_told_when_a_stream_ends() {
    let house = House::new();
    let stream = Stream::new("one");
    house.picture(&stream, 0);
    let mut viewer = house.viewer("viewer", &stream);
    // The library at the other end cannot leave while its channels are being opened.
    until("data channels", || {
        viewer.work();
        (viewer.open.len() == 2).then_some(())
    });
    house.handle.close_stream(&stream).unwrap();
    let reason = until("the end", || {
        viewer.work();
        house.events.try_iter().find_map(|event| match event {
            Event::Closed { reason, .. } => Some(reason),
            _ => None,
        })
    });
    assert_eq!(reason, CloseReason::Asked);
    until("the good-bye", || {
        viewer.work();
        (!viewer.rtc.is_alive()).then_some(())
    });
    assert_eq!(house.handle.peers(), 0);
}

#[test]
fn offers_that_are_none_are_refused_in_words() {
    let house = House::new();
    let stream = Stream::new("one");
    for offer in ["", "rubbish", "v=0\r\n"] {
        assert!(house.handle.publish("studio", offer).is_err());
        assert!(house.handle.watch("viewer", offer, &stream).is_err());
    }
    let (_, vp8) = Browser::new(RtcConfig::new().clear_codecs().enable_vp8(true).enable_opus(true, false));
    let error = house.handle.publish("studio", &vp8).unwrap_err();
    assert!(error.to_string().contains("H.264"), "{error}");
    assert_eq!(house.handle.peers(), 0);
}

#[test]
fn a_strangers_packets_disturb_nobody() {
    let house = House::new();
    let stream = Stream::new("one");
    house.picture(&stream, 0);
    let mut viewer = house.viewer("viewer", &stream);
    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut state = 1_u32;
    for round in 0..2_000_usize {
        let bytes = (0..round % 60).map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        });
        let first = [0_u8, 1, 20, 22, 128, 129, 144, 255][round % 8];
        let packet: Vec<u8> = std::iter::once(first).chain(bytes).collect();
        stranger.send_to(&packet, viewer.house()).unwrap();
    }
    (1..5).for_each(|number| house.picture(&stream, number));
    watch(&mut [&mut viewer], 5);
    assert_eq!(house.handle.peers(), 1);
}
