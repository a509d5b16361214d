//! Answering an offer: which codecs and extensions the session speaks, and refusing what it cannot serve.

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::change::SdpOffer;
use str0m::config::{CryptoProvider, DtlsCert};
use str0m::format::{Codec, FormatParams};
use str0m::media::{Frequency, Mid, Pt};
use str0m::rtp::{Extension, ExtensionMap};
use str0m::{Candidate, Rtc, RtcConfig, bwe::Bitrate};

use crate::Config;
use crate::config::{MAX_CHANNEL_BACKLOG, MAX_MESSAGE, MAX_OFFER, MTU, REPORT_INTERVAL};

/// Payload types by which our configuration names what we send; the answer uses the offer's numbers.
const H264: u8 = 108;
const H264_RESEND: u8 = 109;
const OPUS: u8 = 111;

/// Constrained baseline, level 3.1: what every browser takes. The level is what browsers list; they decode higher
/// ones, and the stream's own parameter sets say which it is.
const CONSTRAINED_BASELINE: u32 = 0x0042_e01f;

/// Sent packets that are kept to be sent again: a second at 10 Mbit/s.
const RESEND_PACKETS: usize = 1024;

/// Age at which a packet is not sent again: its picture has been given up for a keyframe.
const RESEND_AGE: Duration = Duration::from_secs(1);

/// Share of what is sent that may be repetitions. At 15 % loss, with some repetitions lost again, a fifth is
/// needed; the library's own 0.15 would leave pictures broken that can still be mended.
const RESEND_SHARE: f32 = 0.3;

/// Why an offer cannot be answered.
#[derive(Debug, thiserror::Error)]
pub enum OfferError {
    /// Far longer than an offer of any browser.
    #[error("the offer has {0} bytes, {MAX_OFFER} are allowed")]
    TooLong(usize),
    /// Not an offer, or one that contradicts itself.
    #[error("the offer cannot be read: {0}")]
    Unreadable(String),
    /// No video in it.
    #[error("the offer asks for no video; add a recvonly video transceiver")]
    NoVideo,
    /// The browser cannot decode what the session sends.
    #[error(
        "the browser offers no H.264 constrained baseline (profile-level-id 42e01f, packetization-mode 1), \
         which is what the session sends; use a browser with H.264"
    )]
    NoH264,
    /// The browser asks for sound and cannot decode it.
    #[error("the browser offers no Opus, which is what the session sends")]
    NoOpus,
    /// The publisher sends no video that is taken.
    #[error(
        "the offer sends no H.264 video, which every stream needs; choose H.264 in the encoder's settings"
    )]
    NothingPublished,
    /// The publisher sends sound that is not taken.
    #[error("the offer sends sound that is not Opus; choose Opus in the encoder's settings")]
    NoOpusPublished,
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A session is played or watched: its bitrate follows the path.
    Play,
    /// A live stream is watched, as its publisher encodes it: what the path carries is measured by nobody.
    Watch,
    /// A live stream is published: media comes towards us.
    Publish,
}

/// A media line that the session sends on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    pub(crate) mid: Mid,
    pub(crate) pt: Pt,
    /// Payload type of what is sent again.
    pub(crate) resend: Option<Pt>,
}

/// A connection that has been agreed upon and waits for its first packet.
pub(crate) struct Agreed {
    pub(crate) rtc: Rtc,
    pub(crate) video: Line,
    pub(crate) audio: Option<Line>,
    pub(crate) answer: String,
}

/// What all connections of a session share.
pub(crate) struct Identity {
    pub(crate) crypto: Arc<CryptoProvider>,
    pub(crate) certificate: DtlsCert,
}

impl Identity {
    /// A new certificate, for as long as the session lives.
    pub(crate) fn new() -> Result<Self, crate::Error> {
        let crypto = Arc::new(str0m::crypto::from_feature_flags());
        let certificate = crypto.dtls_provider.generate_certificate().ok_or(crate::Error::Certificate)?;
        Ok(Self { crypto, certificate })
    }
}

/// Answers an offer.
pub(crate) fn answer(
    offer: &str,
    purpose: Purpose,
    candidates: &[SocketAddr],
    identity: &Identity,
    config: &Config,
) -> Result<Agreed, OfferError> {
    if offer.len() > MAX_OFFER {
        return Err(OfferError::TooLong(offer.len()));
    }
    // The parser reads what strangers send: should it panic, the loss is that offer.
    catch_unwind(AssertUnwindSafe(|| agree(offer, purpose, candidates, identity, config)))
        .unwrap_or_else(|_| Err(OfferError::Unreadable("it is in a form that was not expected".to_owned())))
}

fn agree(
    offer: &str,
    purpose: Purpose,
    candidates: &[SocketAddr],
    identity: &Identity,
    config: &Config,
) -> Result<Agreed, OfferError> {
    let text = offer;
    let offer = SdpOffer::from_sdp_string(offer).map_err(unreadable)?;
    let mut rtc = configure(purpose, identity, config).build(Instant::now());
    for address in candidates {
        let candidate = Candidate::host(*address, "udp").map_err(unreadable)?;
        rtc.add_local_candidate(candidate);
    }
    let answer = rtc.sdp_api().accept_offer(offer).map_err(unreadable)?;
    let answer = answer.to_sdp_string();
    let publishes = purpose == Purpose::Publish;
    let no_video = if publishes { OfferError::NothingPublished } else { OfferError::NoVideo };
    let no_h264 = if publishes { OfferError::NothingPublished } else { OfferError::NoH264 };
    let no_opus = if publishes { OfferError::NoOpusPublished } else { OfferError::NoOpus };
    let video = mid_of(&answer, "video").ok_or(no_video)?;
    let video = line(&mut rtc, video, Codec::H264).ok_or(no_h264)?;
    let audio = match mid_of(&answer, "audio") {
        Some(mid) => Some(line(&mut rtc, mid, Codec::Opus).ok_or(no_opus)?),
        None => None,
    };
    if !publishes {
        remember_sent(&mut rtc, video.mid);
    }
    if purpose == Purpose::Play {
        rtc.bwe().set_bitrate(Bitrate::ZERO, Bitrate::bps(config.wanted_bitrate.into()));
    }
    Ok(Agreed { rtc, video, audio, answer: with_round_trip(answer, text) })
}

/// Keeps what is sent on `mid` from now on, to be sent again when it is lost; what was sent before is forgotten.
pub(crate) fn remember_sent(rtc: &mut Rtc, mid: Mid) {
    if let Some(stream) = rtc.direct_api().stream_tx_by_mid(mid, None) {
        stream.set_rtx_cache(RESEND_PACKETS, RESEND_AGE, Some(RESEND_SHARE));
    }
}

/// Agrees to let a browser that only receives measure its round trip (RFC 3611, 4.4 and 4.5). The protocol library
/// answers such reports but does not say so. Without it Chromium assumes 100 ms and asks so much later again for
/// what was lost a second time, which is seen as a freeze.
fn with_round_trip(answer: String, offer: &str) -> String {
    const LINE: &str = "a=rtcp-xr:rcvr-rtt=all";
    if !offer.contains(LINE) || answer.contains(LINE) {
        return answer;
    }
    answer.replace("a=rtcp-mux\r\n", &format!("a=rtcp-mux\r\n{LINE}\r\n"))
}

fn unreadable(error: impl std::fmt::Display) -> OfferError {
    OfferError::Unreadable(error.to_string())
}

/// The name of the first media section of a kind. The protocol tells it only once the connection stands, and our
/// own answer is a text whose form we know.
fn mid_of(answer: &str, kind: &str) -> Option<Mid> {
    let section = answer.split("\nm=").skip(1).find(|section| section.starts_with(kind))?;
    let mid = section.lines().find_map(|line| line.strip_prefix("a=mid:"))?;
    Some(Mid::from(mid.trim()))
}

/// The line of a codec that both sides have.
fn line(rtc: &mut Rtc, mid: Mid, codec: Codec) -> Option<Line> {
    let writer = rtc.writer(mid)?;
    let params = writer.payload_params().find(|params| params.spec().codec == codec)?;
    Some(Line { mid, pt: params.pt(), resend: params.resend() })
}

fn configure(purpose: Purpose, identity: &Identity, config: &Config) -> RtcConfig {
    let mut extensions = ExtensionMap::empty();
    if purpose != Purpose::Watch {
        extensions.set(3, Extension::TransportSequenceNumber);
    }
    extensions.set(4, Extension::RtpMid);
    if purpose != Purpose::Publish {
        extensions.set(5, Extension::PlayoutDelay);
    }
    let mut rtc = RtcConfig::new()
        .set_crypto_provider(Arc::clone(&identity.crypto))
        .set_dtls_cert(identity.certificate.clone())
        .set_ice_lite(true)
        .clear_codecs()
        .set_extension_map(extensions)
        .set_sctp_max_buffered_amount(MAX_CHANNEL_BACKLOG)
        .set_sctp_max_message_size(MAX_MESSAGE)
        .set_mtu(MTU);
    if purpose == Purpose::Play {
        rtc = rtc
            .set_stats_interval(Some(REPORT_INTERVAL))
            .enable_bwe(Some(Bitrate::bps(config.start_bitrate.into())));
    }
    let codecs = rtc.codec_config();
    if purpose == Purpose::Publish {
        // Every profile, in both packetizations (RFC 6184, 8.1): what is sent on is said by the stream itself.
        codecs.enable_h264(true);
    } else {
        codecs.add_h264(H264.into(), Some(H264_RESEND.into()), true, CONSTRAINED_BASELINE);
    }
    let opus = FormatParams {
        min_p_time: Some(10),
        stereo: Some(true),
        sprop_stereo: Some(true),
        use_inband_fec: Some(false),
        ..FormatParams::default()
    };
    codecs.add_config(OPUS.into(), None, Codec::Opus, Frequency::FORTY_EIGHT_KHZ, Some(2), opus);
    rtc
}
