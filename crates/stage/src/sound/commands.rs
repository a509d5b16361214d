//! What clients ask of a sound server, and the answers: the part of the PulseAudio native protocol, version 20,
//! that playing takes.
//!
//! The server has one sink. Its monitor is listed, since programs take for granted that there is a source, but it
//! cannot be recorded from. It takes no shared memory, so that a
//! client cannot make it read memory that changes. Requests that it does not know are refused by name, which
//! clients are used to.

use super::client::Client;
use super::convert::{Encoding, Spec};
use super::kind;
use super::stream::{Notice, RATE, Sizes, Stream};
use super::tagstruct::{Broken, Reader, Writer};

/// The version spoken. Later ones add lists of formats, which one sink of plain samples has no use for.
const VERSION: u32 = 20;

/// The part of a client's version that is its number; the rest says that it can share memory.
const VERSION_MASK: u32 = 0xffff;

/// Streams of a connection; a game has one to a handful.
const MAX_STREAMS: usize = 32;

/// Rates that are played, hertz.
const RATES: std::ops::RangeInclusive<u32> = 1000..=384_000;

/// No index.
const NONE: u32 = u32::MAX;

/// The sink's name.
const SINK: &str = "playhouse";

/// The name of the source that every sink has.
const MONITOR: &str = "playhouse.monitor";

/// The sink's samples.
const SPEC: Spec = Spec { encoding: Encoding::S16Le, channels: 2, rate: RATE };

/// Front left and right.
const MAP: [u8; 2] = [1, 2];

/// Length of a block: what a sample waits at least.
const LATENCY_MICROS: u64 = 10_000;

mod error {
    //! `PA_ERR_*`.
    pub(super) const INVALID: u32 = 3;
    pub(super) const NO_ENTITY: u32 = 5;
    pub(super) const TOO_LARGE: u32 = 18;
    pub(super) const NOT_SUPPORTED: u32 = 19;
    pub(super) const NO_EXTENSION: u32 = 21;
}

/// An answer that is not sent at once, or an error's number.
type Answer = Result<Option<Writer>, u32>;

impl Client {
    /// Carries out one command. `next` counts all streams of the server.
    pub(super) fn command(&mut self, packet: &[u8], next: &mut u32) -> Result<(), Broken> {
        let mut reader = Reader::new(packet);
        let kind = reader.u32()?;
        let request = reader.u32()?;
        if kind == kind::AUTH {
            let version = reader.u32()? & VERSION_MASK;
            reader.arbitrary()?;
            if version < VERSION {
                return Err(Broken);
            }
            self.greeted = true;
            let mut reply = Writer::new(kind::REPLY, request);
            reply.u32(VERSION);
            return self.send(reply);
        }
        if !self.greeted {
            return Err(Broken);
        }
        match self.answer(kind, request, &mut reader, next)? {
            Ok(Some(reply)) => self.send(reply),
            Ok(None) => Ok(()),
            Err(code) => {
                let mut reply = Writer::new(kind::ERROR, request);
                reply.u32(code);
                self.send(reply)
            }
        }
    }

    fn answer(
        &mut self,
        kind: u32,
        request: u32,
        r: &mut Reader<'_>,
        next: &mut u32,
    ) -> Result<Answer, Broken> {
        let mut reply = Writer::new(kind::REPLY, request);
        match kind {
            kind::CREATE_PLAYBACK => return self.create(reply, r, next),
            kind::DELETE_PLAYBACK => {
                if self.streams.remove(&r.u32()?).is_none() {
                    return Ok(Err(error::NO_ENTITY));
                }
            }
            kind::SET_CLIENT_NAME => {
                reply.u32(self.number);
            }
            kind::LOOKUP_SINK => {
                if !is_sink(r.text()?) {
                    return Ok(Err(error::NO_ENTITY));
                }
                reply.u32(0);
            }
            kind::STAT => {
                reply.u32(0).u32(0).u32(0).u32(0).u32(0);
            }
            kind::GET_PLAYBACK_LATENCY => return self.latency(reply, r),
            kind::GET_SERVER_INFO => {
                reply.text("playhouse").text(env!("CARGO_PKG_VERSION")).text("player").text("playhouse");
                reply.spec(SPEC).text(SINK).text(MONITOR).u32(0).map(&MAP);
            }
            kind::GET_SINK_INFO => {
                let index = r.u32()?;
                let name = r.text()?;
                if index != 0 && !(index == NONE && is_sink(name)) {
                    return Ok(Err(error::NO_ENTITY));
                }
                device(&mut reply, SINK, "Playhouse", MONITOR);
            }
            kind::GET_SINK_INFO_LIST => device(&mut reply, SINK, "Playhouse", MONITOR),
            kind::GET_SOURCE_INFO => {
                let index = r.u32()?;
                let name = r.text()?;
                let known = name.is_none_or(|name| name == MONITOR.as_bytes() || name == b"@DEFAULT_SOURCE@");
                if index != 0 && !(index == NONE && known) {
                    return Ok(Err(error::NO_ENTITY));
                }
                device(&mut reply, MONITOR, "Monitor of Playhouse", SINK);
            }
            kind::GET_SOURCE_INFO_LIST => device(&mut reply, MONITOR, "Monitor of Playhouse", SINK),
            kind::GET_SINK_INPUT_INFO => {
                let index = r.u32()?;
                match self.streams.get(&index) {
                    Some(stream) => input(&mut reply, index, self.number, stream),
                    None => return Ok(Err(error::NO_ENTITY)),
                }
            }
            kind::GET_SINK_INPUT_INFO_LIST => {
                for (index, stream) in &self.streams {
                    input(&mut reply, *index, self.number, stream);
                }
            }
            // Lists of what there is none of; and, after them, what is merely acknowledged.
            kind::GET_MODULE_INFO_LIST | kind::GET_CLIENT_INFO_LIST | kind::GET_SOURCE_OUTPUT_INFO_LIST
            | kind::GET_SAMPLE_INFO_LIST | kind::GET_CARD_INFO_LIST
            // Subscriptions: nothing happens to the one sink. Its own volume belongs to the player. Names and
            // properties are for people that look at a mixer.
            | kind::SUBSCRIBE | kind::SET_SINK_VOLUME | kind::SET_SINK_MUTE | kind::SET_DEFAULT_SINK | kind::SET_DEFAULT_SOURCE | kind::SET_STREAM_NAME | kind::UPDATE_STREAM_PROPLIST | kind::UPDATE_CLIENT_PROPLIST | kind::REMOVE_STREAM_PROPLIST | kind::REMOVE_CLIENT_PROPLIST => {}
            kind::LOOKUP_SOURCE | kind::CREATE_RECORD | kind::GET_MODULE_INFO | kind::GET_CLIENT_INFO | kind::GET_SOURCE_OUTPUT_INFO | kind::GET_SAMPLE_INFO | kind::GET_CARD_INFO => return Ok(Err(error::NO_ENTITY)),
            kind::EXTENSION => return Ok(Err(error::NO_EXTENSION)),
            _ => return self.steer(kind, request, reply, r),
        }
        Ok(Ok(Some(reply)))
    }

    /// Commands to one stream.
    fn steer(
        &mut self,
        kind: u32,
        request: u32,
        mut reply: Writer,
        r: &mut Reader<'_>,
    ) -> Result<Answer, Broken> {
        if ![
            kind::DRAIN,
            kind::SET_SINK_INPUT_VOLUME,
            kind::CORK,
            kind::FLUSH,
            kind::TRIGGER,
            kind::PREBUF,
            kind::SET_SINK_INPUT_MUTE,
            kind::SET_BUFFER_ATTR,
            kind::UPDATE_SAMPLE_RATE,
        ]
        .contains(&kind)
        {
            tracing::debug!(kind, "a sound client asks for something that this server does not have");
            return Ok(Err(error::NOT_SUPPORTED));
        }
        let channel = r.u32()?;
        let Some(stream) = self.streams.get_mut(&channel) else { return Ok(Err(error::NO_ENTITY)) };
        let mut notices = Vec::new();
        let mut tell = |notice| notices.push(notice);
        let mut wait = false;
        match kind {
            kind::DRAIN => {
                stream.drain(request, &mut tell);
                wait = true;
            }
            kind::SET_SINK_INPUT_VOLUME => {
                let volumes = r.volumes()?;
                if volumes.is_empty() {
                    return Ok(Err(error::INVALID));
                }
                stream.volumes = volumes;
            }
            kind::CORK => stream.cork(r.bool()?, &mut tell),
            kind::FLUSH => stream.flush(),
            kind::TRIGGER => stream.start(&mut tell),
            kind::PREBUF => stream.prebuffer(),
            kind::SET_SINK_INPUT_MUTE => stream.muted = r.bool()?,
            kind::SET_BUFFER_ATTR => {
                let asked =
                    Sizes { max: r.u32()?, target: r.u32()?, prebuffer: r.u32()?, least_request: r.u32()? };
                stream.resize(asked);
                sizes(&mut reply, stream.sizes);
                reply.micros(LATENCY_MICROS);
            }
            _ => {
                let rate = r.u32()?;
                if !RATES.contains(&rate) {
                    return Ok(Err(error::INVALID));
                }
                stream.set_rate(rate);
            }
        }
        // A stream that was flushed or grown has room at once.
        notices.extend(stream.request().map(Notice::Request));
        self.tell(channel, &notices)?;
        Ok(Ok((!wait).then_some(reply)))
    }

    fn create(&mut self, mut reply: Writer, r: &mut Reader<'_>, next: &mut u32) -> Result<Answer, Broken> {
        let spec = r.spec()?;
        let map = r.map()?;
        let sink_index = r.u32()?;
        let sink_name = r.text()?;
        let max = r.u32()?;
        let corked = r.bool()?;
        let asked = Sizes { max, target: r.u32()?, prebuffer: r.u32()?, least_request: r.u32()? };
        let _sync = r.u32()?;
        let volumes = r.volumes()?;
        let (_no_remap, _no_remix, _fix_format, fix_rate, _fix_channels) =
            (r.bool()?, r.bool()?, r.bool()?, r.bool()?, r.bool()?);
        let (_no_move, _variable_rate, muted, _adjust_latency) = (r.bool()?, r.bool()?, r.bool()?, r.bool()?);
        r.properties()?;
        let volume_set = r.bool()?;
        let (_early_requests, muted_set) = (r.bool()?, r.bool()?);

        let Some(mut spec) = spec else { return Ok(Err(error::NOT_SUPPORTED)) };
        if fix_rate {
            // The client wants the sink's own.
            spec.rate = RATE;
        }
        if !RATES.contains(&spec.rate) || map.len() != usize::from(spec.channels) {
            return Ok(Err(error::INVALID));
        }
        if sink_index != 0 && !(sink_index == NONE && is_sink(sink_name)) {
            return Ok(Err(error::NO_ENTITY));
        }
        if self.streams.len() >= MAX_STREAMS {
            return Ok(Err(error::TOO_LARGE));
        }
        let mut stream = Stream::new(spec, map, asked, corked);
        if volume_set && !volumes.is_empty() {
            stream.volumes = volumes;
        }
        stream.muted = muted && muted_set;
        let channel = *next;
        // Indices come back after four thousand million streams.
        *next = if channel == NONE - 1 { 0 } else { channel + 1 };
        tracing::debug!(?spec, ?asked, granted = ?stream.sizes, "a sound stream begins");
        reply.u32(channel).u32(channel).u32(stream.request().unwrap_or_default());
        sizes(&mut reply, stream.sizes);
        reply.spec(spec).map(map).u32(0).text(SINK).bool(false).micros(LATENCY_MICROS);
        self.streams.insert(channel, stream);
        Ok(Ok(Some(reply)))
    }

    fn latency(&self, mut reply: Writer, r: &mut Reader<'_>) -> Result<Answer, Broken> {
        let Some(stream) = self.streams.get(&r.u32()?) else { return Ok(Err(error::NO_ENTITY)) };
        let asked_at = r.timeval()?;
        reply.micros(LATENCY_MICROS).micros(0).bool(stream.playing_for > 0);
        // The client takes the middle of its request and answer where both clocks are the same.
        reply.timeval(asked_at).timeval(time_of_day());
        reply.i64(stream.written).i64(stream.read).u64(stream.underrun_for).u64(stream.playing_for);
        Ok(Ok(Some(reply)))
    }
}

fn time_of_day() -> (u32, u32) {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    // The protocol's seconds have 32 bits.
    (u32::try_from(now.as_secs()).unwrap_or(u32::MAX), now.subsec_micros())
}

fn is_sink(name: Option<&[u8]>) -> bool {
    name.is_none_or(|name| name == SINK.as_bytes() || name == b"@DEFAULT_SINK@")
}

fn sizes(reply: &mut Writer, sizes: Sizes) {
    reply.u32(sizes.max).u32(sizes.target).u32(sizes.prebuffer).u32(sizes.least_request);
}

/// The sink or its monitor: both are described by the same fields, of which one names the other.
fn device(reply: &mut Writer, name: &str, description: &str, other: &str) {
    /// It knows its latency (`PA_SINK_LATENCY`).
    const FLAGS: u32 = 2;
    const RUNNING: u32 = 0;
    let full = super::stream::FULL;
    reply.u32(0).text(name).text(description).spec(SPEC).map(&MAP).u32(NONE).volumes(&[full; 2]).bool(false);
    reply.u32(0).text(other).micros(LATENCY_MICROS).text("playhouse").u32(FLAGS);
    reply.no_properties().micros(LATENCY_MICROS);
    reply.volume(full).u32(RUNNING).u32(full + 1).u32(NONE);
    // No ports.
    reply.u32(0).nothing();
}

fn input(reply: &mut Writer, index: u32, client: u32, stream: &Stream) {
    reply.u32(index).text("game").u32(NONE).u32(client).u32(0).spec(stream.spec).map(&stream.map);
    reply.volumes(&stream.volumes).micros(stream.waiting_micros()).micros(LATENCY_MICROS);
    reply.text("sinc").text("playhouse").bool(stream.muted).no_properties().bool(stream.corked);
    // It has a volume, which can be set.
    reply.bool(true).bool(true);
}
