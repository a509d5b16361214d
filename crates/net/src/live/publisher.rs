//! One who publishes a live stream: what it sends, and the keyframes that it is asked for.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use playhouse_media::annexb;
use str0m::Event as Protocol;
use str0m::media::{KeyframeRequestKind, MediaData};

use super::{Event, Kind, Received};
use crate::config::KEYFRAME_RETRY;
use crate::connection::Connection;
use crate::event::{CloseReason, PeerId};
use crate::offer::{Agreed, Line};
use crate::room::{Driven, Surroundings};

/// Longest time without a keyframe: browsers make one only when asked, and segments begin with one.
const KEYFRAME_INTERVAL: Duration = Duration::from_secs(2);

/// A publisher.
pub(crate) struct Publisher {
    connection: Connection,
    video: Line,
    /// When the last keyframe came.
    keyframe: Option<Instant>,
    asked: Option<Instant>,
    /// Nothing can be decoded before the next keyframe.
    waiting: bool,
}

impl Publisher {
    /// A publisher whose offer has been answered.
    pub(super) fn new(id: PeerId, agreed: Agreed) -> Self {
        Self {
            connection: Connection::new(id, agreed.rtc),
            video: agreed.video,
            keyframe: None,
            asked: None,
            waiting: true,
        }
    }

    /// Asks for a keyframe, though not before it can have answered the last time.
    pub(super) fn ask_for_keyframe(&mut self, now: Instant) {
        if self.asked.is_some_and(|asked| now.duration_since(asked) < KEYFRAME_RETRY) {
            return;
        }
        let Some(mut writer) = self.connection.rtc.writer(self.video.mid) else { return };
        // Before its first packet there is nobody to ask.
        if writer.request_keyframe(None, KeyframeRequestKind::Pli).is_ok() {
            self.asked = Some(now);
        }
    }

    fn received(&mut self, media: MediaData, around: &mut Surroundings<'_, Event>) {
        let kind = if media.mid == self.video.mid { Kind::Picture } else { Kind::Sound };
        if kind == Kind::Picture && !self.can_be_decoded(&media) {
            return;
        }
        let report = media.last_sender_info.and_then(|info| {
            let micros = info.ntp_time.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_micros();
            Some((u64::try_from(micros).ok()?, info.rtp_time.numer()))
        });
        let received = Received { kind, data: media.data, ticks: media.time.numer(), report };
        (around.events)(Event::Received { peer: Arc::clone(&self.connection.id), media: received });
    }

    /// Whether all that a picture is predicted from has come. Asks for a keyframe where one is needed or due.
    fn can_be_decoded(&mut self, media: &MediaData) -> bool {
        let now = Instant::now();
        if annexb::is_keyframe(&media.data) {
            self.keyframe = Some(now);
            self.waiting = false;
        } else if !media.contiguous {
            self.waiting = true;
        }
        let due = self.keyframe.is_none_or(|at| now.duration_since(at) >= KEYFRAME_INTERVAL);
        if self.waiting || due {
            self.ask_for_keyframe(now);
        }
        !self.waiting
    }

    fn event(&mut self, event: Protocol, around: &mut Surroundings<'_, Event>) {
        match event {
            Protocol::Connected => {
                (around.events)(Event::Connected { peer: Arc::clone(&self.connection.id) });
            }
            Protocol::MediaData(media) => self.received(media, around),
            Protocol::Closed => self.connection.end(CloseReason::Left),
            _ => {}
        }
    }
}

impl Driven for Publisher {
    type Event = Event;

    fn connection(&self) -> &Connection {
        &self.connection
    }

    fn connection_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }

    fn drive(&mut self, around: &mut Surroundings<'_, Event>) {
        while let Some(event) = self.connection.next_event(around.outbox) {
            self.event(event, around);
        }
        around.outbox.flush();
    }
}
