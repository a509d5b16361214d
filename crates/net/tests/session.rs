//! What players and spectators notice of a session's network, over real sockets.

#![allow(clippy::unwrap_used, reason = "a test ends where something unexpected happens")]

mod browser;

use std::net::UdpSocket;
use std::sync::Arc;
use std::time::{Duration, Instant};

use browser::{Browser, Session, picture, rtp, until};
use playhouse_media::sample::AudioPacket;
use playhouse_net::{Channel, CloseReason, Config, Error, OfferError, Payload, PeerEvent, now};
use str0m::RtcConfig;
use str0m::media::MediaTime;
use str0m::rtp::Extension;

/// Lets browsers work until each has so many frames.
fn frames(browsers: &mut [&mut Browser], count: usize) {
    until("frames", || {
        for browser in browsers.iter_mut() {
            browser.work();
        }
        browsers.iter().all(|browser| browser.frames.len() >= count).then_some(())
    });
}

#[test]
fn pictures_arrive_whole_at_every_viewer() {
    let mut session = Session::new(Config::default());
    let mut player = Browser::join(&mut session, "player");
    let mut spectator = Browser::join(&mut session, "spectator");
    let units: Vec<_> = [90_000, 9_000, 100, 1_200, 30_000, 2_400]
        .into_iter()
        .zip(0..)
        .map(|(len, index)| picture(index == 0, len, index))
        .collect();
    for (count, unit) in (1..).zip(&units) {
        session.handle.video(0, Arc::clone(unit));
        frames(&mut [&mut player, &mut spectator], count);
    }
    for browser in [&player, &spectator] {
        for (frame, unit) in browser.frames.iter().zip(&units) {
            assert_eq!(frame.data[..], unit.data[..]);
            assert_eq!(frame.is_keyframe(), unit.keyframe);
        }
    }
}

#[test]
fn a_viewer_is_told_to_show_pictures_at_once_and_that_the_session_waits_for_its_checks() {
    let from = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let ports = from..=from.saturating_add(50);
    let mut session = Session::new(Config { ports: ports.clone(), ..Config::default() });
    let (mut player, offer) = Browser::new(RtcConfig::new().set_extension(12, Extension::PlayoutDelay));
    let answer = session.handle.accept("player", &offer).unwrap();
    // RFC 8445, section 5.2: a lite agent has host candidates only.
    assert!(answer.lines().any(|line| line == "a=ice-lite"), "{answer}");
    let candidates: Vec<&str> = answer.lines().filter(|line| line.starts_with("a=candidate:")).collect();
    assert!(!candidates.is_empty());
    for candidate in candidates {
        let port: u16 = candidate.split(' ').nth(5).unwrap().parse().unwrap();
        assert!(candidate.contains("typ host") && ports.contains(&port), "{candidate}");
    }
    player.answer(&answer);
    session.wait(&mut [&mut player], |event| matches!(event, PeerEvent::KeyframeWanted { .. }));
    session.handle.video(0, picture(true, 3_000, 1));
    frames(&mut [&mut player], 1);
    let told = &player.frames[0].ext_vals;
    assert_eq!((told.play_delay_min, told.play_delay_max), (Some(MediaTime::ZERO), Some(MediaTime::ZERO)));
}

#[test]
fn pictures_arrive_whole_over_a_path_that_loses_packets() {
    let mut session = Session::new(Config::default());
    let mut player = Browser::join(&mut session, "player");
    let units: Vec<_> = (0..60).map(|index| picture(index == 0, 5_000, index)).collect();
    session.handle.video(0, Arc::clone(&units[0]));
    frames(&mut [&mut player], 1);
    // Not a divisor of the packets of a frame, so that each place in a frame is hit.
    player.lose_each = 17;
    for unit in &units[1..] {
        let next = Instant::now() + Duration::from_millis(10);
        session.handle.video(0, Arc::clone(unit));
        while Instant::now() < next {
            player.work();
        }
    }
    // What was lost at the very end is noticed by what follows.
    player.lose_each = 0;
    session.handle.video(0, picture(false, 100, 61));
    frames(&mut [&mut player], units.len() + 1);
    for (frame, unit) in player.frames.iter().zip(&units) {
        assert_eq!(frame.data[..], unit.data[..]);
    }
}

#[test]
fn each_sent_frame_is_reported_by_the_name_that_the_browser_gives_it() {
    let mut session = Session::new(Config::default());
    let mut player = Browser::join(&mut session, "player");
    let unit = picture(true, 50_000, 7);
    session.handle.video(0, Arc::clone(&unit));
    let sent = session.wait(&mut [&mut player], |event| matches!(event, PeerEvent::Sent { .. }));
    let PeerEvent::Sent { rtp: name, timeline, bytes, keyframe, .. } = sent else { unreachable!() };
    assert_eq!((name, bytes, keyframe), (rtp(unit.pts), unit.data.len(), true));
    assert!(timeline.sent >= timeline.encoded);
    assert_eq!(timeline.commit, unit.timeline.commit);
    frames(&mut [&mut player], 1);
    let arrived = u32::try_from(player.frames[0].time.numer() & u64::from(u32::MAX)).unwrap();
    assert_eq!(arrived, name);
}

#[test]
fn sound_arrives() {
    let mut session = Session::new(Config::default());
    let mut player = Browser::join(&mut session, "player");
    let duration = Duration::from_millis(10);
    let begin = now();
    let packets: Vec<_> = (0..20_u8)
        .map(|index| AudioPacket {
            data: vec![0xfc, index, index].into(),
            pts: begin + duration * u32::from(index),
            duration,
        })
        .collect();
    for packet in &packets {
        session.handle.audio(Arc::new(packet.clone()));
    }
    until("sound", || {
        player.work();
        (player.sound.len() == packets.len()).then_some(())
    });
    for (heard, packet) in player.sound.iter().zip(&packets) {
        assert_eq!(heard.data[..], packet.data[..]);
    }
}

#[test]
fn messages_go_both_ways_on_both_channels() {
    let mut session = Session::new(Config::default());
    let mut player = Browser::join(&mut session, "player");
    let (control, motion) = (player.control, player.motion);
    for (id, channel) in [(control, Channel::Control), (motion, Channel::Motion)] {
        player.send(id, true, &[1, 2, 3]);
        let heard = session.wait(
            &mut [&mut player],
            |event| matches!(event, PeerEvent::Data { channel: by, .. } if *by == channel),
        );
        assert_eq!(heard, PeerEvent::Data { peer: "player".into(), channel, bytes: vec![1, 2, 3] });
        session.handle.send(&"player".into(), channel, vec![4, 5]).unwrap();
    }
    session.handle.send(&"player".into(), Channel::Control, "text".to_owned()).unwrap();
    until("messages", || {
        player.work();
        (player.messages.len() == 3).then_some(())
    });
    for expected in
        [(control, true, vec![4, 5]), (motion, true, vec![4, 5]), (control, false, b"text".to_vec())]
    {
        assert!(player.messages.contains(&expected), "{expected:?} in {:?}", player.messages);
    }
}

#[test]
fn a_notice_sent_before_the_channel_is_open_arrives() {
    let mut session = Session::new(Config::default());
    let (mut player, offer) = Browser::new(RtcConfig::new());
    let answer = session.handle.accept("player", &offer).unwrap();
    session.handle.send(&"player".into(), Channel::Control, Payload::Text("welcome".to_owned())).unwrap();
    player.answer(&answer);
    until("the notice", || {
        player.work();
        player.messages.iter().any(|(_, _, bytes)| bytes == b"welcome").then_some(())
    });
    session.collect();
}

#[test]
fn a_viewer_starts_at_a_keyframe() {
    let mut session = Session::new(Config::default());
    let mut player = Browser::join(&mut session, "player");
    for index in 0..3 {
        session.handle.video(0, picture(false, 3_000, index));
    }
    session.handle.video(0, picture(true, 3_000, 9));
    session.handle.video(0, picture(false, 3_000, 10));
    frames(&mut [&mut player], 2);
    assert!(player.frames[0].is_keyframe());
    assert_eq!(player.frames.len(), 2);
}

#[test]
fn a_browser_that_lost_the_picture_makes_the_session_ask_for_a_keyframe() {
    let mut session = Session::new(Config::default());
    let mut player = Browser::join(&mut session, "player");
    session.handle.video(0, picture(true, 3_000, 1));
    frames(&mut [&mut player], 1);
    session.seen.clear();
    player.ask_for_keyframe();
    let wanted = session.wait(&mut [&mut player], |event| matches!(event, PeerEvent::KeyframeWanted { .. }));
    assert_eq!(wanted, PeerEvent::KeyframeWanted { peer: "player".into(), quality: 0 });
}

#[test]
fn another_quality_begins_at_its_keyframe_and_until_then_the_old_one_goes_on() {
    let mut session = Session::new(Config::default());
    let mut player = Browser::join(&mut session, "player");
    session.handle.video(0, picture(true, 2_000, 1));
    session.handle.set_quality("player", 1).unwrap();
    session.handle.video(1, picture(false, 2_000, 2));
    session.handle.video(0, picture(false, 2_000, 3));
    let last = picture(true, 2_000, 4);
    session.handle.video(1, Arc::clone(&last));
    session.handle.video(0, picture(false, 2_000, 5));
    let after = picture(false, 2_000, 6);
    session.handle.video(1, Arc::clone(&after));
    frames(&mut [&mut player], 4);
    let keys: Vec<bool> = player.frames.iter().map(str0m::media::MediaData::is_keyframe).collect();
    assert_eq!(keys, [true, false, true, false]);
    assert_eq!(player.frames[2].data[..], last.data[..]);
    assert_eq!(player.frames[3].data[..], after.data[..]);
    let asked = PeerEvent::KeyframeWanted { peer: "player".into(), quality: 1 };
    session.wait(&mut [&mut player], |event| *event == asked);
}

#[test]
fn a_page_that_is_closed_is_noticed_at_once() {
    let mut session = Session::new(Config::default());
    let mut player = Browser::join(&mut session, "player");
    assert_eq!(session.handle.peers(), 1);
    player.rtc.close().unwrap();
    let closed = session.wait(&mut [&mut player], |event| matches!(event, PeerEvent::Closed { .. }));
    assert_eq!(closed, PeerEvent::Closed { peer: "player".into(), reason: CloseReason::Left });
    assert_eq!(session.handle.peers(), 0);
}

#[test]
fn a_peer_that_falls_silent_is_given_up() {
    let silence = Duration::from_millis(400);
    let mut session = Session::new(Config { silence, ..Config::default() });
    let _player = Browser::join(&mut session, "player");
    let closed = session.wait(&mut [], |event| matches!(event, PeerEvent::Closed { .. }));
    assert_eq!(closed, PeerEvent::Closed { peer: "player".into(), reason: CloseReason::Silent(silence) });
}

#[test]
fn closing_a_peer_tells_the_browser_and_the_session() {
    let mut session = Session::new(Config::default());
    let mut player = Browser::join(&mut session, "player");
    session.handle.close("player").unwrap();
    let closed = session.wait(&mut [&mut player], |event| matches!(event, PeerEvent::Closed { .. }));
    assert_eq!(closed, PeerEvent::Closed { peer: "player".into(), reason: CloseReason::Asked });
    until("the good-bye", || {
        player.work();
        (!player.rtc.is_alive()).then_some(())
    });
}

#[test]
fn the_same_player_from_another_page_takes_over() {
    let mut session = Session::new(Config::default());
    let _first = Browser::join(&mut session, "player");
    let mut second = Browser::join(&mut session, "player");
    let replaced = PeerEvent::Closed { peer: "player".into(), reason: CloseReason::Replaced };
    session.collect();
    assert!(session.seen.contains(&replaced));
    session.handle.video(0, picture(true, 2_000, 1));
    frames(&mut [&mut second], 1);
    assert_eq!(session.handle.peers(), 1);
}

#[test]
fn a_full_session_says_so_and_a_place_becomes_free_again() {
    let mut session = Session::new(Config { peers: 1, ..Config::default() });
    let mut first = Browser::join(&mut session, "first");
    let (_, offer) = Browser::new(RtcConfig::new());
    let refused = session.handle.accept("second", &offer).unwrap_err();
    assert!(matches!(refused, Error::Full(1)), "{refused}");
    session.handle.close("first").unwrap();
    session.wait(&mut [&mut first], |event| matches!(event, PeerEvent::Closed { .. }));
    session.handle.accept("second", &offer).unwrap();
}

#[test]
fn offers_that_cannot_be_served_are_refused_with_the_reason() {
    let session = Session::new(Config::default());
    let refusal = |offer: &str| match session.handle.accept("player", offer).unwrap_err() {
        Error::Offer(error) => error,
        other => panic!("{other}"),
    };
    let (_, vp8_only) =
        Browser::new(RtcConfig::new().clear_codecs().enable_vp8(true).enable_opus(true, false));
    assert!(matches!(refusal(&vp8_only), OfferError::NoH264));
    let (_, no_opus) =
        Browser::new(RtcConfig::new().clear_codecs().enable_h264(true).enable_pcmu(true, false));
    assert!(matches!(refusal(&no_opus), OfferError::NoOpus));
    assert!(matches!(refusal("rubbish"), OfferError::Unreadable(_)));
    assert!(matches!(refusal(""), OfferError::Unreadable(_)));
    assert!(matches!(refusal(&"v=0\r\n".repeat(100_000)), OfferError::TooLong(500_000)));
    assert_eq!(session.handle.peers(), 0);
}

#[test]
fn a_strangers_packets_disturb_nobody() {
    let mut session = Session::new(Config::default());
    let mut player = Browser::join(&mut session, "player");
    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    let to = session.net.addresses()[0];
    let mut state = 1_u32;
    for round in 0..2_000_usize {
        let bytes: Vec<u8> = (0..round % 60)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                state.to_be_bytes()[0]
            })
            .collect();
        // Each kind of packet has its own first byte: STUN, DTLS, RTP.
        let first = [0_u8, 1, 20, 22, 128, 129, 144, 255][round % 8];
        let packet: Vec<u8> = std::iter::once(first).chain(bytes).collect();
        stranger.send_to(&packet, to).unwrap();
    }
    session.handle.video(0, picture(true, 20_000, 1));
    frames(&mut [&mut player], 1);
    assert_eq!(session.handle.peers(), 1);
}

#[test]
fn late_candidates_are_taken_or_ignored_but_never_an_error() {
    let mut session = Session::new(Config::default());
    let (mut player, offer) = Browser::new(RtcConfig::new());
    let answer = session.handle.accept("player", &offer).unwrap();
    for line in [
        "a=candidate:1 1 udp 2130706431 127.0.0.1 9 typ host",
        "candidate:2 1 udp 2130706431 0e9f0a3c-0000-4000-8000-000000000000.local 50000 typ host",
        "rubbish",
        "",
    ] {
        session.handle.candidate("player", line).unwrap();
    }
    player.answer(&answer);
    session.wait(&mut [&mut player], |event| matches!(event, PeerEvent::Connected { .. }));
}

#[test]
fn the_path_is_measured_several_times_a_second() {
    let mut session = Session::new(Config::default());
    let mut player = Browser::join(&mut session, "player");
    session.seen.clear();
    let begin = Instant::now();
    let mut estimates = 0;
    session.wait(&mut [&mut player], |event| matches!(event, PeerEvent::Estimate { .. }));
    while begin.elapsed() < Duration::from_secs(1) {
        player.work();
    }
    session.collect();
    for event in &session.seen {
        if let PeerEvent::Estimate { bitrate, loss, .. } = event {
            assert!(*bitrate > 100_000 && (0.0..=1.0).contains(loss), "{event:?}");
            estimates += 1;
        }
    }
    assert!((1..=30).contains(&estimates), "{estimates} in {:?}", begin.elapsed());
}

#[test]
fn ending_the_session_closes_everybody() {
    let mut session = Session::new(Config::default());
    let mut player = Browser::join(&mut session, "player");
    let Session { net, handle, events, .. } = session;
    drop(net);
    let left: Vec<_> = events.try_iter().filter(|event| matches!(event, PeerEvent::Closed { .. })).collect();
    assert_eq!(left, [PeerEvent::Closed { peer: "player".into(), reason: CloseReason::Asked }]);
    assert!(handle.close("player").is_err());
    until("the good-bye", || {
        player.work();
        (!player.rtc.is_alive()).then_some(())
    });
}
