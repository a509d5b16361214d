//! A stream's sound as browsers take it by WebRTC: Opus as it is, AAC encoded again.

use std::sync::Arc;

use playhouse_media::live::Sample;
use playhouse_media::time::Timestamp;

/// What is done with a stream's sound.
pub(super) enum Sound {
    /// It is Opus.
    AsItIs,
    /// It is AAC.
    #[cfg(feature = "libav")]
    Transcoded(Box<playhouse_codec::aac::ToOpus>),
}

impl Sound {
    /// For AAC with this configuration; none where it cannot be decoded, and the picture goes without sound.
    #[cfg(feature = "libav")]
    pub(super) fn transcoded(config: &[u8]) -> Option<Self> {
        match playhouse_codec::aac::ToOpus::new(config) {
            Ok(transcoder) => Some(Self::Transcoded(Box::new(transcoder))),
            Err(error) => {
                tracing::warn!(%error, "a stream is sent by WebRTC without sound");
                None
            }
        }
    }

    /// This build has no decoder.
    #[cfg(not(feature = "libav"))]
    pub(super) fn transcoded(_config: &[u8]) -> Option<Self> {
        tracing::warn!(
            "a stream's AAC sound is not sent by WebRTC: this build has no decoder for it (feature `libav`)"
        );
        None
    }

    /// Gives the packets that a sample becomes, with their times.
    pub(super) fn packets(&mut self, sample: &Sample, mut give: impl FnMut(Arc<[u8]>, Timestamp)) {
        match self {
            Self::AsItIs => give(Arc::clone(&sample.data), sample.pts),
            #[cfg(feature = "libav")]
            Self::Transcoded(transcoder) => {
                if let Err(error) = transcoder.frame(&sample.data, sample.pts, give) {
                    tracing::debug!(%error, "a frame of sound was left out");
                }
            }
        }
    }
}
