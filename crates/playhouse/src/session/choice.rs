//! What is wanted of a picture: the session's own, what a player chose, and what spectators share.

use playhouse_media::frame::Size;
use playhouse_play::control::SessionSpec;
use playhouse_play::rate::Wanted;

/// Frames per second of the spectators' quality at most: they do not steer, and on a narrow path each frame of half
/// as many looks better.
const SPECTATORS_RATE: u32 = 30;

/// The session's own quality, moved as the path allows.
pub(super) fn whole(spec: &SessionSpec) -> Wanted {
    Wanted { bitrate: spec.bitrate, rate: spec.rate, size: spec.size, automatic: true }
}

/// What a peer chose, within what the session has; zeros leave the choice to us.
pub(super) fn chosen(spec: &SessionSpec, size: Size, rate: u32, kbps: u32) -> Wanted {
    let whole = whole(spec);
    let fits =
        (160..=spec.size.width).contains(&size.width) && (90..=spec.size.height).contains(&size.height);
    Wanted {
        bitrate: if kbps == 0 { whole.bitrate } else { kbps.saturating_mul(1000).min(whole.bitrate) },
        rate: if rate == 0 { whole.rate } else { rate.clamp(5, whole.rate) },
        size: if fits { size.even() } else { whole.size },
        automatic: !fits && rate == 0,
    }
}

/// Whether a choice is for less than the session's own quality.
pub(super) fn is_modest(wanted: &Wanted, spec: &SessionSpec) -> bool {
    let whole = whole(spec);
    wanted.bitrate < whole.bitrate || wanted.rate < whole.rate || wanted.size != whole.size.even()
}

/// What spectators share: never more than the players want, nor than any of those chose who share it.
pub(super) fn shared<'a>(players: Wanted, limits: impl Iterator<Item = &'a Wanted>) -> Wanted {
    let most = Wanted { rate: players.rate.min(SPECTATORS_RATE), automatic: true, ..players };
    limits.fold(most, |most, limit| Wanted {
        bitrate: most.bitrate.min(limit.bitrate),
        rate: most.rate.min(limit.rate),
        size: if limit.size.height < most.size.height { limit.size } else { most.size },
        automatic: true,
    })
}
